"""Keeps Discord connected until it is told to leave: login, reconnection, a clean end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import discord
import structlog

from adapters.discord.client import IrisClient
from bot.answer import Answerer
from bot.settings import PlatformError

log = structlog.get_logger(__name__)

# A failed start is tried again after these waits. Every start costs one of the 1,000 identifies a day, after
# which Discord resets the token; doubling up to 10 minutes stays far below that.
RETRY_FIRST_SECONDS = 5.0
RETRY_LONGEST_SECONDS = 600.0
# After this long without failure, the next one is taken as a new one.
STEADY_SECONDS = 60.0
# Together under the 8 s that close() may take.
FINISH_SECONDS = 5.0
LEAVE_SECONDS = 2.0

_WRONG_TOKEN = (
    "Discord does not accept the token: copy it again from discord.com/developers, your application, "
    "Bot, Reset Token, into IRIS_DISCORD_TOKEN."
)
# Gateway close codes that no reconnection mends (topics/opcodes-and-status-codes).
_FINAL = {
    4004: _WRONG_TOKEN,
    4012: "Discord no longer speaks this version of its protocol: update IRIS.",
    4013: "Discord does not know the events that IRIS asks for: update IRIS.",
    4014: "Discord refuses the events that IRIS asks for, although none is privileged: update IRIS.",
}


class DiscordPlatform:
    """Discord as a place where people ask. ``answerer`` is called for each event, so content may be swapped."""

    name = "Discord"

    def __init__(self, token: str, answerer: Callable[[], Answerer]) -> None:
        self._token = token
        self._answerer = answerer
        self._client: IrisClient | None = None
        self._closing = asyncio.Event()

    async def serve(self) -> None:
        """Answer on Discord until close() or cancellation.

        Raises PlatformError, in one sentence, for what only the operator can mend; tries again after all else.
        """
        wait = RETRY_FIRST_SECONDS
        clock = asyncio.get_running_loop().time
        while not self._closing.is_set():
            started = clock()
            try:
                await self._connect_once()
            except PlatformError:
                raise
            except Exception as error:
                if not self._closing.is_set():
                    log.warning("connection_lost", platform=self.name, error=type(error).__name__, retry_in_s=wait)
            if clock() - started > STEADY_SECONDS:
                wait = RETRY_FIRST_SECONDS
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), wait)
            wait = min(2 * wait, RETRY_LONGEST_SECONDS)

    async def close(self) -> None:
        """Take nothing new, finish what is in flight, leave; within FINISH_SECONDS + LEAVE_SECONDS."""
        self._closing.set()
        if self._client is not None:
            await self._client.finish(FINISH_SECONDS)
            await _leave(self._client)

    async def _connect_once(self) -> None:
        client = self._client = IrisClient(self._answerer)
        try:
            await client.start(self._token)
        except discord.LoginFailure:
            raise PlatformError(_WRONG_TOKEN) from None
        except discord.PrivilegedIntentsRequired:
            raise PlatformError(_FINAL[4014]) from None
        except discord.ConnectionClosed as closed:
            if closed.code in _FINAL:
                raise PlatformError(_FINAL[closed.code]) from None
            raise
        finally:
            await _leave(client)


async def _leave(client: IrisClient) -> None:
    """Close the connection; the library waits longer for Discord's own goodbye than we can."""
    try:
        await asyncio.wait_for(client.close(), LEAVE_SECONDS)
    except TimeoutError:
        await client.http.close()
