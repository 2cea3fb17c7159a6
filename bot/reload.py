"""Takes changed content into service while IRIS runs: notice -> copy -> try out in another process -> swap.

The folder is watched, and looked at from time to time besides: Docker Desktop's bind mounts, network folders and a full
table of watches pass no events on. What is tried out and taken in is a copy, so that an editor who goes on writing
changes nothing half-way. Whatever goes wrong, the content in force stays.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import structlog
from watchfiles import awatch

from bot import metrics
from bot.answer import Answerer
from bot.desk import Desk

log = structlog.get_logger(__name__)

# The longest that a change stays unnoticed where the file system does not tell of it.
LOOK_EVERY_SECONDS = 5.0
# Editors write in bursts; the files are taken once they have not changed for this long.
SETTLE_SECONDS = 0.5
TRIAL_SECONDS = 1800.0
SWITCH_SECONDS = 0.0001
# What the garbage collector gets through in a few milliseconds.
YOUNG_OBJECTS = 10_000
# As many problems as an editor can take in at once, and as a message has room for.
_SAID_MAX = 8
_LINE_MAX = 180
_LOGGED_MAX = 50

Files = Mapping[str, bytes]
Tell = Callable[[str, str], Awaitable[None]]


class TrialError(Exception):
    """The content could not be tried out, for a reason that does not lie in the content."""


def read_files(folder: Path) -> Files:
    """The YAML files of a content folder, by their path in it; empty where there are none."""
    found = sorted([*folder.glob("*.yaml"), *folder.glob("utterances/*.yaml")])
    return {str(path.relative_to(folder)): path.read_bytes() for path in found if not path.name.startswith(".")}


def revision_of(files: Files) -> str:
    """Twelve hexadecimal digits that differ when any of the files does."""
    digest = hashlib.sha256()
    for name, data in files.items():
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()[:12]


class Reloader:
    """Keeps a desk's content in step with a folder.

    ``build`` makes an Answerer from a folder, in a thread, from what the trial left in ``cache``. ``tell`` is given a
    key that is the same on every replica, and small Markdown for the operators.
    """

    def __init__(
        self, folder: Path, revision: str, cache: Path, desk: Desk, build: Callable[[Path], Answerer], tell: Tell
    ) -> None:
        self._folder = folder.absolute()  # not resolved: a link may be turned to another folder
        self._cache = cache
        self._desk = desk
        self._build = build
        self._tell = tell
        self.revision = revision
        self.problem = ""  # one sentence while the folder's content is not the one in force
        self._looked_at = revision  # in force, or refused
        self._asked = asyncio.Event()
        # Always the same thread: each thread that allocates much keeps memory of its own.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="content")
        metrics.content_taken(revision)

    def ask(self) -> None:
        """Look at the folder now, also at content that was refused before (SIGHUP)."""
        self._looked_at = ""
        self._asked.set()

    async def run(self, watch: bool = True) -> None:
        """Follow the folder until cancelled; without ``watch``, only when asked."""
        watching = asyncio.create_task(self._watch(), name="content watch") if watch else None
        try:
            while True:
                await self._asked.wait()
                self._asked.clear()
                try:
                    await self.look()
                except OSError as error:
                    await self._fail("", f"Its folder cannot be read ({error.strerror}).")
        finally:
            if watching is not None:
                watching.cancel()
            self._thread.shutdown(wait=False)

    async def look(self) -> None:
        """Take the folder's content in if it is another than the one in force and can be used."""
        files = await self._settled()
        revision = revision_of(files)
        if revision == self._looked_at:
            return
        self._looked_at = revision
        if revision == self.revision:
            self._note("")
            log.info("content_as_before", revision=revision)
            return
        log.info("content_changed", revision=revision)
        with tempfile.TemporaryDirectory(prefix="iris-content-") as name:
            copy = Path(name)
            await asyncio.to_thread(_write_files, files, copy)
            try:
                problems = [_in_place(line, copy, self._folder) for line in await try_out(copy, self._cache)]
                if problems:
                    await self._refuse(revision, problems)
                    return
                loop = asyncio.get_running_loop()
                answerer = await loop.run_in_executor(self._thread, _build_aside, self._build, copy)
            except TrialError as error:
                await self._fail(revision, str(error))
                return
            except Exception as error:
                await self._fail(revision, f"IRIS failed at it ({type(error).__name__}); please report it.")
                return
        self._desk.swap(answerer)
        self.revision = revision
        self._note("")
        metrics.count_reload("taken")
        metrics.content_taken(revision)
        log.info("content_taken", revision=revision, entries=sum(len(topic.entries) for topic in answerer.topics()))

    async def _refuse(self, revision: str, problems: list[str]) -> None:
        metrics.count_reload("refused")
        self._note(f"{_KEPT} It has problems: {len(problems)}. See the log, or `iris check`.")
        log.error("content_refused", revision=revision, problem=_KEPT, problems=problems[:_LOGGED_MAX])
        lines = [f"- {problem if len(problem) <= _LINE_MAX else problem[:_LINE_MAX] + '...'}" for problem in problems]
        more = [f"- and {len(lines) - _SAID_MAX} more: `iris check` lists them all."] if len(lines) > _SAID_MAX else []
        await self._tell(f"content-refused-{revision}", "\n".join([f"**{_KEPT}**", "", *lines[:_SAID_MAX], *more]))

    async def _fail(self, revision: str, reason: str) -> None:
        metrics.count_reload("failed")
        self._note(f"{_KEPT} {reason}")
        log.error("reload_failed", revision=revision, problem=f"{_KEPT} {reason}")
        await self._tell(f"content-failed-{revision}", f"**{_KEPT}** {reason}")

    def _note(self, problem: str) -> None:
        self.problem = problem
        metrics.content_refused(bool(problem))

    async def _settled(self) -> Files:
        """The files, once nobody writes them any more."""
        files: Files | None = None
        while True:
            try:
                again = await asyncio.to_thread(read_files, self._folder)
            except FileNotFoundError:  # being replaced at this moment
                again = {}
            if again == files:
                return again
            files = again
            await asyncio.sleep(SETTLE_SECONDS)

    async def _watch(self) -> None:
        """Ask for a look at every change."""
        before = await asyncio.to_thread(_signature, self._folder)
        self._asked.set()  # for what changed since the first content was read
        async for _ in _ticks(self._folder):
            now = await asyncio.to_thread(_signature, self._folder)
            if now != before:
                before = now
                self._asked.set()


_KEPT = "The changed content was not taken in; IRIS goes on with what it had."


async def try_out(folder: Path, cache: Path) -> list[str]:
    """Check and learn ``folder`` in another process, into ``cache``; what is wrong with it, a sentence each.

    Raises TrialError where that process does not end well.
    """
    # It needs no setting of ours, and above all no token.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("IRIS_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.trial", str(folder), str(cache)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), TRIAL_SECONDS)
    except TimeoutError:
        raise TrialError(f"Learning it took longer than {TRIAL_SECONDS / 60:.0f} minutes.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        last = errors.decode("utf-8", "replace").strip().rpartition("\n")[2]
        log.error("trial_failed", exit=process.returncode, said=last[:_LINE_MAX])
        reason = "was ended, most likely for want of memory" if process.returncode < 0 else "failed"
        raise TrialError(f"The process that tries it out {reason} (exit {process.returncode}).")
    return [f"{file}:{line}{f' ({entry})' if entry else ''}: {said}" for file, line, entry, said in json.loads(output)]


def _build_aside(build: Callable[[Path], Answerer], folder: Path) -> Answerer:
    """Build while other threads answer: without long pauses of the garbage collector, and giving way often.

    Only what is young is looked through, a little at a time; collections over everything that a content consists of
    held everybody up for 0.15 s of computing, four times in one build. A reply gives Python's lock up some hundred
    times, at each large product, and then waits a whole interval to get it back: with 1 ms the longest took 0.3 s.

    So a content that was replaced goes only because nothing refers to it any more: what hangs in a ring of references
    is never found. One such ring, a speller and its cache, took 3.2 MB with our content at each change.
    """
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.set_threshold(YOUNG_OBJECTS, 1_000_000, 1_000_000)
    try:
        return build(folder)
    finally:
        gc.collect(0)
        gc.freeze()  # what was made stays, see app.py; before the first whole collection
        gc.set_threshold(*thresholds)
        sys.setswitchinterval(interval)


def _write_files(files: Files, folder: Path) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)


def _in_place(sentence: str, copy: Path, folder: Path) -> str:
    """A sentence about the copy as one about the folder that the editor knows."""
    return sentence.replace(f"{copy}{os.sep}", f"{folder.name}{os.sep}")


def _signature(folder: Path) -> frozenset[tuple[str, int, int]]:
    """What differs when a file was written, without reading it."""
    found = []
    for path in (*folder.glob("*.yaml"), *folder.glob("utterances/*.yaml")):
        try:
            status = path.stat()
        except OSError:  # gone between the two calls
            continue
        found.append((str(path), status.st_mtime_ns, status.st_size))
    return frozenset(found)


async def _ticks(folder: Path) -> AsyncIterator[None]:
    """One tick for each event in the folder, and one every LOOK_EVERY_SECONDS."""
    stop = asyncio.Event()
    try:
        timeout = int(LOOK_EVERY_SECONDS * 1000)
        async for _ in awatch(folder, watch_filter=None, stop_event=stop, rust_timeout=timeout, yield_on_timeout=True):
            yield
    except Exception as error:  # whatever the library's native part raises: the folder is looked at without it
        log.info("content_not_watched", error=type(error).__name__, looked_at_every_s=LOOK_EVERY_SECONDS)
    finally:
        stop.set()
    while True:
        await asyncio.sleep(LOOK_EVERY_SECONDS)
        yield
