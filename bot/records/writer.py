"""The one task that writes: opens the database, gathers what waits into one transaction, and heals when it fails.

Nobody who answers a question ever waits for it. What cannot be written waits here within bounds; what exceeds them
is dropped and counted.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import structlog
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import metrics
from bot.records.database import FAILURES, Database, RecordsError, reason
from bot.records.tables import COUNTS, UPDATES
from bot.settings import RecordSettings

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

# Somebody waits for these; Discord gives 3 s for the press of a button, network included.
ANSWER_SECONDS = 2.0
WORKS_MAX = 1_000
# Nobody waits for these, so they gather a little; counts alone so many times as long, since each transaction takes a
# few milliseconds of processor time.
GATHER_SECONDS = 0.25
COUNTS_WAIT = 4
COUNTS_MAX = 10_000
UPDATES_MAX = 100_000
# Between attempts while the database fails, doubled from the first to the last.
RETRY_SECONDS = (0.5, 30.0)
CLOSE_SECONDS = 3.0


class UnavailableError(Exception):
    """It could not be written or read in time; the person should try again later."""


class CountKey(NamedTuple):
    """What one number is kept for."""

    hour: int
    platform: str
    kind: str
    entry_id: str
    revision: str
    band: int


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[Database, AsyncConnection], Awaitable[Any]]
    result: asyncio.Future[Any]


class Writer:
    """Holds the database and everything that waits to be written to it."""

    def __init__(self, settings: RecordSettings) -> None:
        self.database: Database | None = None
        """None as long as there is none that works."""
        self.problem = ""
        """One sentence for the operator while the database fails."""
        self.on_open: Callable[[Database], Awaitable[None]] | None = None
        self._settings = settings
        self._jobs: deque[_Job] = deque()
        self._counts: Counter[CountKey] = Counter()
        self._updates: dict[bytes, float] = {}
        self._wake = asyncio.Event()
        """Something waits."""
        self._hurry = asyncio.Event()
        """Somebody waits for it."""
        self._closing = False
        self._alone = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the database, or go on trying in the background. Raises RecordsError where trying again is no use."""
        try:
            await self._open()
        except (RecordsError, *FAILURES) as error:
            if isinstance(error, RecordsError) and not error.temporary:
                raise
            self._fail(error)
        self._task = asyncio.create_task(self._run(), name="records")

    async def close(self) -> None:
        """Write what waits, for CLOSE_SECONDS at most."""
        self._closing = True
        self._wake.set()
        self._hurry.set()
        if self._task is not None:
            with suppress(TimeoutError, asyncio.CancelledError):
                await asyncio.wait_for(self._task, CLOSE_SECONDS)
        lost = self._counts.total() + len(self._updates) + len(self._jobs)
        if lost:
            metrics.count_dropped_records(lost)
            log.warning("records_dropped", number=lost, problem="They could not be written before the end.")
        for job in self._jobs:
            if not job.result.done():
                job.result.set_exception(UnavailableError())
        if self.database is not None:
            await self.database.close()

    def count(self, key: CountKey) -> None:
        """Add one to a number; written a moment later."""
        if key not in self._counts and len(self._counts) >= COUNTS_MAX:
            metrics.count_dropped_records()
            return
        self._counts[key] += 1
        self._wake.set()

    def remember(self, digest: bytes, until: float) -> None:
        """Keep the digest of an answered update until that time; written a moment later."""
        if len(self._updates) >= UPDATES_MAX:
            metrics.count_dropped_records()
            return
        self._updates[digest] = until
        self._wake.set()

    async def do(
        self, work: Callable[[Database, AsyncConnection], Awaitable[Result]], seconds: float | None = None
    ) -> Result:
        """What ``work`` returns, once its transaction is committed. Raises UnavailableError after ``seconds``.

        None stands for ANSWER_SECONDS. ``work`` may run again after a transaction that failed.
        """
        if self._closing or len(self._jobs) >= WORKS_MAX:
            metrics.count_dropped_records()
            raise UnavailableError
        job = _Job(work, asyncio.get_running_loop().create_future())
        self._jobs.append(job)
        self._wake.set()
        self._hurry.set()
        try:
            return await asyncio.wait_for(job.result, ANSWER_SECONDS if seconds is None else seconds)
        except (TimeoutError, *FAILURES):
            metrics.count_dropped_records()
            raise UnavailableError from None

    async def _run(self) -> None:
        first, last = RETRY_SECONDS
        pause = 0.0
        while True:
            await self._next(pause)
            if self._closing and not (self._jobs or self._counts or self._updates):
                return
            try:
                if self.database is None:
                    await self._open()
                await self._write()
                pause = 0.0
                if self.problem:  # only now: a full disk lets a database be opened
                    log.info("records_available")
                    self.problem = ""
            except _RefusedError:
                self._wake.set()
            except Exception as error:
                pause = min(max(2 * pause, first), last)
                self._fail(error)
                await self._let_go()
                if self._closing:
                    return

    async def _next(self, pause: float) -> None:
        """Wait until there is something to do; after a failure, ``pause`` seconds or until somebody waits for us."""
        if pause:
            await asyncio.sleep(0 if self._closing else RETRY_SECONDS[0])
            await self._wait_for_job(pause - RETRY_SECONDS[0])
        else:
            if not self._closing:
                await self._wake.wait()
            for _ in range(COUNTS_WAIT):
                await self._wait_for_job(GATHER_SECONDS)
                if self._jobs or self._updates or self._closing:
                    break
        self._wake.clear()

    async def _wait_for_job(self, seconds: float) -> None:
        """Let others gather for so long, or until somebody waits; counting wakes nobody meanwhile."""
        self._hurry.clear()
        if not (self._jobs or self._closing):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), seconds)

    async def _open(self) -> None:
        database = await Database.open(self._settings)
        try:
            if self.on_open is not None:
                await self.on_open(database)
        except BaseException:
            await database.close()
            raise
        self.database = database
        self._wake.set()

    async def _let_go(self) -> None:
        """A connection that failed may fail for ever (SQLite opened the file read-only, say): begin anew."""
        database, self.database = self.database, None
        if database is not None:
            with suppress(*FAILURES):
                await database.close()

    def _fail(self, error: Exception) -> None:
        problem = str(error) if isinstance(error, RecordsError) else f"The database cannot be used: {reason(error)}."
        self._jobs = deque(job for job in self._jobs if not job.result.done())
        if problem != self.problem:
            log.error("records_unavailable", problem=problem)
        self.problem = problem
        metrics.count_failure("records", "unavailable")

    async def _write(self) -> None:
        """Everything that waits in one transaction; after one that failed, each job alone until one works."""
        assert self.database is not None
        jobs = self._take(1 if self._alone else len(self._jobs))
        counts, self._counts = self._counts, Counter()
        updates, self._updates = self._updates, {}
        metrics.records_waiting(len(jobs) + counts.total() + len(updates))
        results: list[tuple[_Job, Any]] = []
        try:
            if jobs or counts or updates:
                async with self.database.write() as connection:
                    for job in jobs:
                        if not job.result.done():
                            results.append((job, await self._work(job, connection)))
                    await _add_counts(self.database, connection, counts)
                    await _add_updates(self.database, connection, updates)
        except BaseException:
            self._alone = len(jobs) > 1
            self._jobs.extendleft(job for job in reversed(jobs) if not job.result.done())
            self._counts.update(counts)
            self._updates = updates | self._updates
            metrics.records_waiting(len(self._jobs) + self._counts.total() + len(self._updates))
            raise
        self._alone = False
        for job, result in results:
            if not job.result.done():
                job.result.set_result(result)
        metrics.records_waiting(len(self._jobs) + self._counts.total() + len(self._updates))
        if self._jobs or self._counts or self._updates:
            self._wake.set()

    def _take(self, number: int) -> list[_Job]:
        return [self._jobs.popleft() for _ in range(min(number, len(self._jobs)))]

    async def _work(self, job: _Job, connection: AsyncConnection) -> Any:
        assert self.database is not None
        try:
            return await job.work(self.database, connection)
        except Exception as error:
            if not isinstance(error, FAILURES) or isinstance(error, DataError | IntegrityError):
                job.result.set_exception(UnavailableError())  # its own fault: it is not tried again
                log.error("record_refused", error=type(error).__name__)
                metrics.count_failure("records", "refused")
                raise _RefusedError from error
            raise


class _RefusedError(Exception):
    """One job broke its transaction and is given up; the others have to be written in a new one."""


async def _add_counts(database: Database, connection: AsyncConnection, counts: Counter[CountKey]) -> None:
    if not counts:
        return
    insert = database.insert(COUNTS)
    statement = insert.on_conflict_do_update(
        index_elements=list(COUNTS.primary_key.columns), set_={"number": COUNTS.c.number + insert.excluded.number}
    )
    # In one order everywhere: two replicas that lock the same rows then wait for, and do not block, each other.
    await connection.execute(statement, [{**key._asdict(), "number": number} for key, number in sorted(counts.items())])


async def _add_updates(database: Database, connection: AsyncConnection, updates: dict[bytes, float]) -> None:
    if updates:
        insert = database.insert(UPDATES)
        statement = insert.on_conflict_do_update(
            index_elements=["digest"], set_={"until": insert.excluded.until, "answered": True}
        )
        rows = [{"digest": digest, "until": until, "answered": True} for digest, until in sorted(updates.items())]
        await connection.execute(statement, rows)
