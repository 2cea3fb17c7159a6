"""Sees that a failure ends where it began: it is counted, the person is told if possible, and the rest goes on."""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import discord
import structlog

from bot import metrics
from bot.reply import TROUBLE, Reply

log = structlog.get_logger(__name__)

PLATFORM = "discord"

# Nothing can be said any more: unknown or expired interaction, already acknowledged, unknown webhook.
_TOO_LATE = frozenset({10062, 40060, 10015})

Tell = Callable[[Reply], Awaitable[None]]


class Failures:
    """Counts events in flight, and failures by the event during which they happened."""

    def __init__(self) -> None:
        self._in_flight: set[object] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    async def idle(self) -> None:
        """Wait until no event is in flight."""
        await self._idle.wait()

    @asynccontextmanager
    async def handling(self, event: str, tell: Tell | None = None) -> AsyncIterator[None]:
        """Counts the event as in flight; a failure ends here, and the person is told if that is possible.

        ``event`` is a fixed word: it becomes a label of the metrics.
        """
        ticket = object()
        self._in_flight.add(ticket)
        self._idle.clear()
        try:
            yield
        except Exception as error:
            self.count(event)
            hopeless = isinstance(error, (discord.Forbidden, discord.NotFound))
            if tell is not None and not hopeless and getattr(error, "code", None) not in _TOO_LATE:
                with suppress(Exception):
                    await tell(TROUBLE)
        finally:
            self._in_flight.discard(ticket)
            if not self._in_flight:
                self._idle.set()

    def count(self, event: str) -> None:
        """Count and log the exception being handled: its kind, code and place, never its words."""
        kind, error, trace = sys.exc_info()
        frames = traceback.extract_tb(trace)
        metrics.count_failure(PLATFORM, event)
        log.warning(
            "failed",
            platform="Discord",
            during=event,
            error=kind.__name__ if kind else "",
            code=getattr(error, "code", None),
            where=f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "",
        )

    def note(self, event: str, **facts: object) -> None:
        """Count and log something that went wrong without an exception of ours."""
        metrics.count_failure(PLATFORM, event)
        log.warning(event, platform="Discord", **facts)
