"""Runs the platforms side by side: a failure stays with its platform, and a signal ends all of them cleanly.

What only the operator can mend (PlatformError) ends a platform for good. Any other end is an accident: the platform is
started again, later each time.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import structlog

from bot import metrics
from bot.exits import Exit
from bot.health import Health
from bot.settings import PlatformError

log = structlog.get_logger(__name__)

# With what app.py closes afterwards, under the 10 s that container engines wait between SIGTERM and SIGKILL.
CLOSE_SECONDS = 7.2
CANCEL_SECONDS = 0.3
POST_SECONDS = 30.0
RESTART_FIRST_SECONDS = 1.0
RESTART_LONGEST_SECONDS = 300.0


class Platform(Protocol):
    """A place where people ask, served by one adapter."""

    @property
    def name(self) -> str:
        """As people write it: "Discord"."""

    async def serve(self) -> None:
        """Answer until cancelled or closed; raises PlatformError for what only the operator can mend.

        May be called again after it ended in any other way.
        """

    async def close(self) -> None:
        """Take nothing new, finish what is in flight, leave."""

    def health(self) -> Health:
        """Whether updates flow, now."""

    async def post(self, channel: str, text: str) -> bool:
        """Write ``text`` (small Markdown) into one of the platform's channels; False where that is not possible."""


class Supervisor:
    """Keeps the platforms that ``serve`` is given running, and knows how each of them is."""

    def __init__(self) -> None:
        self._platforms: dict[str, Platform] = {}
        self._down: dict[str, str] = {}  # why a platform is not being served at the moment
        self._leaving = False

    async def serve(self, platforms: Iterable[Platform], stop: asyncio.Event) -> Exit:
        """Run all platforms side by side until ``stop`` is set or none is left.

        One that fails is logged in one sentence and does not disturb the others. OK after ``stop``, else
        UNAVAILABLE.
        """
        self._platforms = {platform.name.lower(): platform for platform in platforms}
        running = {asyncio.create_task(self._keep(platform), name=platform.name) for platform in platforms}
        stopping = asyncio.create_task(stop.wait())
        while running and not stop.is_set():
            await asyncio.wait([*running, stopping], return_when=asyncio.FIRST_COMPLETED)
            running = {task for task in running if not task.done()}
        stopping.cancel()
        if not stop.is_set():
            log.error("no_platform_left", problem="No platform is connected any more, so IRIS ends.")
            return Exit.UNAVAILABLE
        await self._leave(running)
        return Exit.OK

    def health(self) -> dict[str, Health]:
        """How each platform is, by its name in lower case."""
        return {name: self._health_of(name, platform) for name, platform in self._platforms.items()}

    async def post(self, platform: str, channel: str, text: str) -> bool:
        """Write ``text`` (small Markdown) into a channel; False where that platform or channel cannot be reached."""
        if (place := self._platforms.get(platform)) is None or platform in self._down:
            return False
        try:
            return await asyncio.wait_for(place.post(channel, text), POST_SECONDS)
        except Exception as error:
            log.warning("post_failed", platform=platform, error=type(error).__name__, where=_where(error))
            return False

    def _health_of(self, name: str, platform: Platform) -> Health:
        health = platform.health()
        return Health(False, self._down[name], health.age_s) if name in self._down else health

    async def _keep(self, platform: Platform) -> None:
        """Serve one platform, again and again, until it is closed or only the operator can help."""
        name, wait = platform.name.lower(), RESTART_FIRST_SECONDS
        clock = asyncio.get_running_loop().time
        while not self._leaving:
            self._down.pop(name, None)
            started = clock()
            try:
                await platform.serve()
                problem = {"problem": f"{platform.name} ended by itself."}
            except PlatformError as error:
                self._down[name] = str(error)
                log.error("platform_failed", platform=name, problem=str(error))
                await _close(platform)
                return
            except Exception as error:
                # The error's own text may quote what somebody wrote; its kind and place are enough to find it.
                sentence = f"{platform.name} stopped on an error that IRIS did not expect; please report it."
                problem = {"problem": sentence, "error": type(error).__name__, "where": _where(error)}
            if self._leaving:
                return
            if clock() - started > RESTART_LONGEST_SECONDS:
                wait = RESTART_FIRST_SECONDS
            log.error("platform_failed", platform=name, retry_in_s=wait, **problem)
            metrics.count_restart(name)
            self._down[name] = f"{problem['problem']} It is started again after {wait:.0f} s."
            await asyncio.sleep(wait)
            wait = min(2 * wait, RESTART_LONGEST_SECONDS)

    async def _leave(self, running: Iterable[asyncio.Task[None]]) -> None:
        """Close what still runs, and cut off what does not leave."""
        self._leaving = True
        tasks = {task.get_name(): task for task in running}
        log.info("stopping", platforms=sorted(tasks))
        await asyncio.gather(*(_close(place) for place in self._platforms.values() if place.name in tasks))
        for task in tasks.values():
            task.cancel()
        if tasks:
            await asyncio.wait(tasks.values(), timeout=CANCEL_SECONDS)
        for name, task in tasks.items():
            if not task.done():
                log.warning("left_in_a_hurry", platform=name)


async def _close(platform: Platform) -> None:
    """Close within CLOSE_SECONDS; what goes wrong on the way out is logged and leaves nobody waiting."""
    try:
        await asyncio.wait_for(platform.close(), CLOSE_SECONDS)
    except TimeoutError:
        log.warning("close_took_too_long", platform=platform.name, seconds=CLOSE_SECONDS)
    except Exception as error:
        log.warning("close_failed", platform=platform.name, error=type(error).__name__, where=_where(error))


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
