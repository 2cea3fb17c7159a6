"""The records as adapters see them: each method is one thing that happens in a chat; none of them ever raises.

Counting returns at once. What a person waits for takes two seconds at most, and says whether it worked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from datetime import UTC, date, datetime, timedelta

import structlog
from limits import RateLimitItemPerSecond
from limits.aio.storage.base import Storage
from limits.aio.strategies import FixedWindowRateLimiter
from sqlalchemy import ColumnElement, and_, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.records import privacy, retention, salts
from bot.records.communities import Communities
from bot.records.database import FAILURES, Database
from bot.records.keys import Keys
from bot.records.numbers import Numbers, read_numbers
from bot.records.people import Community, CommunitySettings, Person, PersonData
from bot.records.scrub import scrub
from bot.records.tables import MARKS, QUESTIONS, SETTINGS, VOTES
from bot.records.updates import Claim, Updates
from bot.records.valkey import Counters
from bot.records.writer import CountKey, UnavailableError, Writer
from bot.reply import Reply
from bot.settings import RecordSettings

log = structlog.get_logger(__name__)

HOUR_S = 3_600
TEXT_MAX = 2_000
"""Characters of a question that are kept when it is sent in."""
SENT_PER_DAY_MAX = 20
"""Questions that one person can send in within a day, so that nobody fills the database."""
_ID_MAX = 200


class Records:
    """Counts, votes, settings, questions that were sent in, updates that were seen; over one database."""

    def __init__(self, settings: RecordSettings) -> None:
        """Use ``open``."""
        url = settings.valkey_url.get_secret_value() if settings.valkey_url else None
        self._settings = settings
        self._counters = Counters(url)
        self._writer = Writer(settings)
        self._updates = Updates(self._writer, self._counters)
        self._communities = Communities(self._writer)
        self._writer.on_open = self._updates.load
        self._cleaning: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, settings: RecordSettings) -> Records:
        """Open the database, making what is missing and migrating what is old.

        Raises RecordsError, one sentence, where only other settings help: another secret, an address that is none, a
        driver that is missing, a database of a newer IRIS. A database that is not there yet is tried again in the
        background: meanwhile ``healthy`` is False.
        """
        records = cls(settings)
        try:
            await records._writer.start()
        except BaseException:
            await records._counters.close()
            raise
        records._cleaning = asyncio.create_task(records._clean_hourly(), name="records-retention")
        return records

    async def close(self) -> None:
        """Write what waits, a few seconds at most."""
        if self._cleaning is not None:
            self._cleaning.cancel()
        await self._communities.close()
        await self._writer.close()
        await self._counters.close()

    @property
    def healthy(self) -> bool:
        """Whether the database answered the last time."""
        return not self._writer.problem

    @property
    def problem(self) -> str:
        """One sentence for the operator while the database fails; else ""."""
        return self._writer.problem

    @property
    def keep_questions_days(self) -> int:
        """How long a question that was sent in is kept: to be said before somebody sends one."""
        return self._settings.keep_questions_days

    @property
    def keys(self) -> Keys | None:
        """What decrypts; None as long as there is no database."""
        return self._writer.database.keys if self._writer.database else None

    def count(self, platform: str, reply: Reply) -> None:
        """Add a reply that went out to the numbers of this hour."""
        band = min(max(int(reply.confidence * 10), 0), 9)
        hour = int(time.time()) // HOUR_S
        entry = _short(reply.entry_id or "")
        self._writer.count(CountKey(hour, _short(platform), reply.kind.value, entry, _short(reply.revision), band))

    async def settings(self, community: Community) -> CommunitySettings:
        """What holds in a community; the last known or the defaults if the database does not answer in 100 ms."""
        return await self._communities.read(community)

    async def save_settings(self, community: Community, settings: CommunitySettings) -> bool:
        """False where it could not be saved; say so to the person."""
        return await _worked(self._communities.save(community, settings))

    async def move_settings(self, old: Community, new: Community) -> bool:
        """Give the settings of ``old`` to ``new`` (a group became a supergroup). False where it could not be saved."""
        return await _worked(self._communities.move(old, new))

    async def vote(self, person: Person, entry_id: str, revision: str, up: bool) -> bool:
        """One vote for each person and entry revision; a second one replaces the first. False: could not be saved."""
        entry_id, revision = _short(entry_id), _short(revision)

        async def write(database: Database, connection: AsyncConnection) -> None:
            voters = await salts.digests(database, connection, person)
            changed = await connection.execute(
                update(VOTES)
                .where(VOTES.c.entry_id == entry_id, VOTES.c.revision == revision, _one_of(VOTES.c.voter, voters))
                .values(up=up)
            )
            if not changed.rowcount:
                month = salts.month_of(_today())
                voter = await salts.digest_now(database, connection, person, month)
                values = {"entry_id": entry_id, "revision": revision, "voter": voter, "month": month, "up": up}
                await connection.execute(
                    database.insert(VOTES)
                    .values(values)
                    .on_conflict_do_update(index_elements=["entry_id", "revision", "voter"], set_={"up": up})
                )

        return await _worked(self._writer.do(write))

    async def send_in(self, text: str, *, platform: str, entry_id: str | None, person: Person | None = None) -> bool:
        """Keep a question for the people who maintain the answers: scrubbed, then encrypted.

        Only for a text whose sender pressed Send after reading what happens to it. ``entry_id`` is the answer that was
        not liked, None where there was none. ``person`` lets /forgetme find it; it is kept as a digest. False where it
        could not be saved, or where the person has sent SENT_PER_DAY_MAX today.
        """
        text = scrub(text[: 2 * TEXT_MAX])[:TEXT_MAX]
        entry_id = _short(entry_id) if entry_id else None

        async def write(database: Database, connection: AsyncConnection) -> bool:
            today = _today()
            author = None
            if person is not None:
                author = await salts.digest_now(database, connection, person, salts.month_of(today))
                sent = select(func.count()).where(QUESTIONS.c.author == author, QUESTIONS.c.day == today)
                if (await connection.execute(sent)).scalar_one() >= SENT_PER_DAY_MAX:
                    return False
            sealed = database.keys.encrypt("questions", text)
            values = {"day": today, "platform": platform, "entry_id": entry_id, "author": author, "sealed": sealed}
            await connection.execute(QUESTIONS.insert().values(values))
            return True

        try:
            return bool(text) and await self._writer.do(write)
        except UnavailableError:
            return False

    async def my_data(self, person: Person) -> PersonData | None:
        """What can be tied to the person; None where the database is not there."""
        return await self._data_of(person, remove=False)

    async def forget(self, person: Person) -> PersonData | None:
        """Delete what can be tied to the person and say what that was; None where the database is not there."""
        data = await self._data_of(person, remove=True)
        self._communities.forget(Community(person.platform, person.id))
        return data

    async def _data_of(self, person: Person, *, remove: bool) -> PersonData | None:
        async def work(database: Database, connection: AsyncConnection) -> PersonData:
            digests = await salts.digests(database, connection, person)
            private = SETTINGS.c.community == database.keys.community(person.platform, person.id)
            rows = [_one_of(VOTES.c.voter, digests), _one_of(QUESTIONS.c.author, digests), private]
            numbers = []
            for table, theirs in zip((VOTES, QUESTIONS, SETTINGS), rows, strict=True):
                counted = await connection.execute(select(func.count()).select_from(table).where(theirs))
                numbers.append(counted.scalar_one())
                if remove:
                    await connection.execute(delete(table).where(theirs))
            return PersonData(numbers[0], numbers[1], bool(numbers[2]))

        try:
            return await self._writer.do(work)
        except UnavailableError:
            return None

    async def first_time(self, update: str) -> bool:
        """True the first time within a day that this update (or message, or event) comes; it then counts as answered.

        ``update`` is unique over platforms, such as "telegram:81723". Where a crash between this and the reply must
        not cost somebody the answer, use ``claim`` and ``answered``.
        """
        return await self._updates.first_time(update)

    async def claim(self, update: str) -> Claim:
        """Take an update for 30 s. After the reply has gone out, call ``answered``.

        BUSY: somebody is answering it now, so let the platform deliver it again later (a webhook says 503); if that
        somebody crashed, it is then free. ANSWERED: drop it.
        """
        return await self._updates.claim(update)

    async def answered(self, update: str) -> None:
        """The reply to a claimed update has gone out: nobody answers it again within a day."""
        await self._updates.answered(update)

    async def wait_before_asking(self, person: Person, channel: str, cooldown_s: int) -> float:
        """Seconds to wait before the next question of the person in the channel; 0.0 to go ahead, which counts as one.

        Only for questions in which triage found nothing.
        """
        if cooldown_s <= 0:
            return 0.0
        item = RateLimitItemPerSecond(1, cooldown_s, namespace="cooldown")
        database = self._writer.database
        key = f"cooldown/{_today()}/{person.platform}/{person.id}/{channel}"
        if database is not None:
            key = database.keys.update(key).hex()  # names nobody, and stands for somebody else tomorrow

        async def hit(storage: Storage) -> float:
            limiter = FixedWindowRateLimiter(storage)
            if await limiter.hit(item, key):
                return 0.0
            stats = await limiter.get_window_stats(item, key)
            return min(max(stats.reset_time - time.time(), 1.0), float(cooldown_s))

        # Without a database there are no keys, and an id may not leave this process.
        return await self._counters.ask_or_remember(hit, alone=database is None)

    async def numbers(self, since: date | None = None) -> Numbers | None:
        """What was counted, voted and sent in since that day; None where the database is not there."""
        database = self._writer.database
        try:
            return await read_numbers(database, since) if database else None
        except FAILURES:
            return None

    async def claim_week(self, name: str, monday: date) -> bool:
        """True for one replica in each week, from the second week on; then it is its to do."""

        async def work(database: Database, connection: AsyncConnection) -> bool:
            first = database.insert(MARKS).values(name=name, value=monday.isoformat()).on_conflict_do_nothing()
            await connection.execute(first)
            before = and_(MARKS.c.name == name, MARKS.c.value < monday.isoformat())
            taken = await connection.execute(update(MARKS).where(before).values(value=monday.isoformat()))
            return bool(taken.rowcount)

        try:
            return await self._writer.do(work)
        except UnavailableError:
            return False

    async def release_week(self, name: str, monday: date) -> None:
        """Let somebody else do what was claimed for that week."""

        async def work(_: Database, connection: AsyncConnection) -> None:
            before = (monday - timedelta(days=7)).isoformat()
            await connection.execute(update(MARKS).where(MARKS.c.name == name).values(value=before))

        await _worked(self._writer.do(work))

    def privacy(self) -> str:
        """Small Markdown: exactly what is kept, and for how long, under the settings in force."""
        return privacy.text(self._settings)

    async def clean(self) -> bool:
        """Delete what has been kept long enough; done at the start and every hour. False: the database is not there."""

        async def work(database: Database, connection: AsyncConnection) -> None:
            await retention.clean(database, connection, self._settings, _today())

        return await _worked(self._writer.do(work, retention.SECONDS))

    async def _clean_hourly(self) -> None:
        while True:
            cleaned = await self.clean()
            await asyncio.sleep(HOUR_S if cleaned else retention.RETRY_SECONDS)


def _today() -> date:
    return datetime.now(UTC).date()


def _short(text: str) -> str:
    """Within the columns' length, and without what PostgreSQL cannot hold."""
    return text.replace("\0", "")[:_ID_MAX]


def _one_of(column: ColumnElement[bytes], digests: dict[str, bytes]) -> ColumnElement[bool]:
    return column.in_(list(digests.values()))


async def _worked(work: Awaitable[None]) -> bool:
    try:
        await work
    except UnavailableError:
        return False
    return True
