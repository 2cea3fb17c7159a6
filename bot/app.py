"""Puts the parts together: content -> Answerer, tokens -> adapters, signals -> a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import structlog

from bot import metrics
from bot.answer import Answerer
from bot.assembly import UNUSABLE, build_answerer
from bot.checkup import Finding
from bot.content import default_content_folder, load_faq
from bot.desk import Desk
from bot.exits import Exit
from bot.internal import Internal
from bot.matching import Encoder
from bot.records import Records, RecordsError
from bot.reload import Reloader, read_files, revision_of
from bot.settings import RunSettings, channel_of, unknown_variables
from bot.supervisor import CANCEL_SECONDS, Platform, Supervisor
from bot.usage.digest import send_weekly

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

# After what supervisor.py takes, and still under the 10 s between SIGTERM and SIGKILL.
RECORDS_SECONDS = 1.5

# What run raises before anything is connected: besides, records that only other settings can open.
CANNOT_START = (*UNUSABLE, RecordsError)


def connect(settings: RunSettings, desk: Desk, records: Records) -> list[Platform]:
    """An adapter for each token; only the libraries of those platforms are imported."""
    platforms: list[Platform] = []
    if settings.discord_token:
        from adapters.discord import DiscordPlatform

        token = settings.discord_token.get_secret_value()
        platforms.append(DiscordPlatform(token, desk, records, shards=settings.shards, data=settings.data))
    if settings.telegram_token:
        from adapters.telegram import TelegramPlatform

        token = settings.telegram_token.get_secret_value()
        base_url = f"{settings.telegram_api_url}/bot"
        platforms.append(TelegramPlatform(token, desk, records, webhook=settings.webhook, base_url=base_url))
    return platforms


def checkups(settings: RunSettings) -> list[Coroutine[Any, Any, list[Finding]]]:
    """What ``iris doctor`` asks of each platform that has a token."""
    channels: dict[str, dict[str, str]] = {}
    for variable, channel in settings.channels.items():
        channels.setdefault(channel.platform, {})[variable] = channel.id
    asked: list[Coroutine[Any, Any, list[Finding]]] = []
    if settings.discord_token:
        from adapters.discord import checkup as discord

        token = settings.discord_token.get_secret_value()
        asked.append(discord.check_up(token, settings.shards, channels.get("discord", {})))
    if settings.telegram_token:
        from adapters.telegram import checkup as telegram

        token = settings.telegram_token.get_secret_value()
        base_url = f"{settings.telegram_api_url}/bot"
        asked.append(telegram.check_up(token, base_url, settings.webhook, channels.get("telegram", {})))
    return asked


def run(settings: RunSettings) -> Exit:
    """Serve every platform that has a token until a signal or the last failure.

    Raises one of CANNOT_START before anything is connected.
    """
    return asyncio.run(_run(settings))


async def _run(settings: RunSettings) -> Exit:
    stop = asyncio.Event()
    parts = _Parts(settings, stop)
    # Before the content is read: as process 1 of a container, SIGTERM would be ignored without a handler, and SIGHUP
    # would end the process.
    with signals_set(stop, parts.look_at_content):
        for sentence in unknown_variables(os.environ):
            log.warning("unknown_setting", problem=sentence)
        log.info("starting")
        async with contextlib.AsyncExitStack() as endings:
            code = await parts.run(endings)
        log.info("stopped")
        return code


class _Parts:
    """What runs beside each other in one process, started in order and ended in the reverse one."""

    def __init__(self, settings: RunSettings, stop: asyncio.Event) -> None:
        self._settings = settings
        self._stop = stop
        self._supervisor = Supervisor()
        self._reloader: Reloader | None = None
        self._records: Records | None = None

    async def run(self, endings: contextlib.AsyncExitStack) -> Exit:
        """Serve until told to stop, or until no platform is left."""
        settings = self._settings
        if settings.internal_port:
            internal = Internal(self._supervisor.health, self._revision, self._remarks)
            endings.push_async_callback(internal.close)
            await internal.start(settings.internal_host, settings.internal_port)
        folder = settings.content or default_content_folder()
        cache = _usable(settings.cache, endings)
        revision = revision_of(read_files(folder))
        encoder, answerer = await _unless(self._stop, _read_first, folder, cache)
        log.info("content_loaded", revision=revision, entries=sum(len(topic.entries) for topic in answerer.topics()))
        # What was just loaded stays: the garbage collector need not look through all of it again and again, which would
        # hold every reply up each time.
        gc.collect()
        gc.freeze()
        desk = Desk(answerer)
        self._records = await Records.open(settings)
        metrics.watch_records(lambda: self._records is not None and self._records.healthy)
        endings.push_async_callback(_in_time, self._records.close)
        endings.push_async_callback(desk.close)
        platforms = connect(settings, desk, self._records)
        self._reloader = Reloader(
            folder, revision, cache, desk, lambda path: build_answerer(path, cache, encoder), self._tell_operators
        )
        beside = [asyncio.create_task(self._reloader.run(watch=settings.reload), name="content")]
        if channel := channel_of(settings.digest_channel):
            digest = send_weekly(self._records, lambda: load_faq(folder), partial(self._supervisor.post, *channel))
            beside.append(asyncio.create_task(digest, name="digest"))
        try:
            return await self._supervisor.serve(platforms, self._stop)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.wait(beside, timeout=CANCEL_SECONDS)

    def look_at_content(self) -> None:
        """Take in changed content now; what comes before the first content is read is answered by reading it."""
        if self._reloader is not None:
            self._reloader.ask()

    def _revision(self) -> str:
        return self._reloader.revision if self._reloader else ""

    def _remarks(self) -> list[str]:
        """What the operator should know, although people are answered all the same."""
        problems = (self._records and self._records.problem, self._reloader and self._reloader.problem)
        return [problem for problem in problems if problem]

    async def _tell_operators(self, key: str, text: str) -> None:
        """Write to the operators' channel, from one replica only."""
        channel = channel_of(self._settings.operators_channel)
        if channel and self._records and await self._records.first_time(key):
            await self._supervisor.post(channel.platform, channel.id, text)


async def _in_time(close: Callable[[], Awaitable[None]]) -> None:
    """Close what may wait for a server; what is not written then was never promised to anybody."""
    try:
        await asyncio.wait_for(close(), RECORDS_SECONDS)
    except TimeoutError:
        log.warning("records_left_in_a_hurry", seconds=RECORDS_SECONDS)


def _read_first(folder: Path, cache: Path) -> tuple[Encoder, Answerer]:
    """What the first content is answered from, and the encoder that later ones share."""
    encoder = Encoder(cache_folder=cache)
    return encoder, build_answerer(folder, cache, encoder)


def _usable(cache: Path, parts: contextlib.AsyncExitStack) -> Path:
    """``cache`` if it can be written to, else a temporary folder: taking in changed content goes through it."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache):
            _bring_along(cache)
            return cache
    except OSError as error:
        instead = parts.enter_context(tempfile.TemporaryDirectory(prefix="iris-cache-"))
        problem = (
            f"{cache} cannot be written to ({error.strerror}), so every start learns the content anew, which takes a "
            "minute. Set IRIS_CACHE to a folder that can."
        )
        log.warning("cache_not_writable", problem=problem)
        return Path(instead)


def _bring_along(cache: Path) -> None:
    """Copy what the container image learnt when it was built (deploy/slim.py), so that it starts in seconds."""
    for learnt in (Path(sys.prefix) / "share" / "iris" / "learnt").glob("*"):
        if not (cache / learnt.name).exists():
            aside = cache / f"{learnt.name}.{os.getpid()}.part"
            shutil.copyfile(learnt, aside)
            aside.replace(cache / learnt.name)


async def _unless(stop: asyncio.Event, function: Callable[..., Result], *arguments: object) -> Result:
    """What ``function`` returns, from a thread; ends the process if ``stop`` is set before."""
    working = asyncio.create_task(asyncio.to_thread(function, *arguments))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set():
        _leave_at_once()
    stopping.cancel()
    return working.result()


def _leave_at_once() -> NoReturn:
    """End although the content is still being read: nobody has been answered yet, and a thread can't be cut short.

    Learning a new content takes a minute, which Python would otherwise wait for at its end.
    """
    log.info("stopped")
    logging.shutdown()
    sys.stdout.flush()
    os._exit(Exit.OK)


@contextlib.contextmanager
def signals_set(stop: asyncio.Event, reload: Callable[[], None]) -> Iterator[None]:
    """Let SIGTERM and SIGINT set ``stop``, a second Ctrl-C end at once, and SIGHUP call ``reload``."""
    loop = asyncio.get_running_loop()

    def stop_once() -> None:
        stop.set()
        loop.remove_signal_handler(signal.SIGINT)

    handlers: dict[int, Callable[[], None]] = {signal.SIGTERM: stop_once, signal.SIGINT: stop_once}
    if hasattr(signal, "SIGHUP"):
        handlers[signal.SIGHUP] = reload
    with contextlib.suppress(NotImplementedError):  # Windows has no such handlers; Ctrl-C raises there
        for number, handler in handlers.items():
            loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        with contextlib.suppress(NotImplementedError):
            for number in handlers:
                loop.remove_signal_handler(number)
