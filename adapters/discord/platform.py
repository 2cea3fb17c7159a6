"""Keeps Discord connected until it is told to leave: login, reconnection, a clean end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import discord
import structlog

from adapters.discord.client import HEARTBEAT_TIMEOUT_SECONDS, IrisClient, StartLaterError
from adapters.discord.failures import PLATFORM
from adapters.discord.identifies import Identifies
from bot import metrics
from bot.desk import Desk
from bot.health import Health
from bot.records import Records
from bot.settings import PlatformError, ShardRange

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
    """Discord as a place where people ask."""

    name = "Discord"

    def __init__(
        self,
        token: str,
        desk: Desk,
        records: Records,
        *,
        shards: ShardRange | None = None,
        data: Path | None = None,
        heartbeat_timeout: float = HEARTBEAT_TIMEOUT_SECONDS,
    ) -> None:
        """``shards`` are those that this process serves, None for all; ``data`` is the folder that outlives it."""
        self._token = token
        self._desk, self._records = desk, records
        self._shards = shards
        self._identifies = Identifies(data, shards)
        self._heartbeat_timeout = heartbeat_timeout
        self._client: IrisClient | None = None
        self._closing = asyncio.Event()
        self._reason = "Discord has not let IRIS in yet."

    async def serve(self) -> None:
        """Answer on Discord until close() or cancellation.

        Raises PlatformError, in one sentence, for what only the operator can mend; tries again after all else.
        """
        pause = RETRY_FIRST_SECONDS
        clock = asyncio.get_running_loop().time
        while not self._closing.is_set():
            started = clock()
            wait = pause
            try:
                await self._connect_once()
            except PlatformError:
                raise
            except StartLaterError as later:
                wait = later.seconds
                self._reason = (
                    f"IRIS starts on Discord again in {later.seconds:.0f} seconds: it has started too often for what "
                    "Discord allows in a day. Look in the log for why."
                )
                metrics.count_failure(PLATFORM, "start_postponed")
                log.warning("start_postponed", platform=self.name, wait_s=round(wait), problem=self._reason)
            except Exception as error:
                if not self._closing.is_set():
                    self._reason = f"The connection to Discord failed ({type(error).__name__}); IRIS tries again."
                    metrics.count_failure(PLATFORM, "connection_lost")
                    log.warning("connection_lost", platform=self.name, error=type(error).__name__, retry_in_s=wait)
            if clock() - started > STEADY_SECONDS:
                pause = RETRY_FIRST_SECONDS
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), wait)
            pause = min(2 * pause, RETRY_LONGEST_SECONDS)

    def health(self) -> Health:
        """Whether updates flow, now."""
        if self._client is None or self._client.is_closed():
            return Health(False, self._reason, float("inf"))
        return self._client.health()

    async def post(self, channel: str, text: str) -> bool:
        """Write ``text`` (small Markdown) into the channel with that id; False where that is not possible."""
        return self._client is not None and not self._client.is_closed() and await self._client.post(channel, text)

    async def close(self) -> None:
        """Take nothing new, finish what is in flight, leave; within FINISH_SECONDS + LEAVE_SECONDS."""
        self._closing.set()
        if self._client is not None:
            await self._client.finish(FINISH_SECONDS)
            await _leave(self._client)

    async def _connect_once(self) -> None:
        client = self._client = IrisClient(
            self._desk, self._records, self._identifies, self._shards, self._heartbeat_timeout
        )
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
