"""The way to Telegram's servers: the library's client, patient with bad moments, no words in any log.

TelegramBot -> Patience (429: waits as told) -> Wire (5xx, broken connection: tries again) -> HTTP
"""

from __future__ import annotations

import asyncio
import datetime as dtm
import json
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from telegram import LinkPreviewOptions
from telegram.constants import ParseMode
from telegram.error import NetworkError, TelegramError, TimedOut
from telegram.ext import BaseRateLimiter, Defaults, ExtBot
from telegram.request import BaseRequest, HTTPXRequest, RequestData

JSON = dict[str, Any]

_TRIES = 3
# Telegram asks for seconds in a busy group and for hours after abuse; nobody waits for an answer beyond this.
_LONGEST_PAUSE_S = 60.0


@dataclass(frozen=True, slots=True)
class Timing:
    """How long we wait for what, in seconds."""

    poll: float = 25.0
    """How long Telegram may hold an empty getUpdates."""
    answer: float = 10.0
    """Until a request counts as lost; getUpdates gets its ``poll`` on top."""
    retry: float = 0.5
    """Before the second try; doubled for each further one, up to ``longest_retry``."""
    longest_retry: float = 30.0
    conflict: float = 30.0
    """How long another poller with our token is taken for the one that this start replaces."""
    drain: float = 5.0
    """How long a leaving bot waits for replies that are on their way."""


class Wire(HTTPXRequest):
    """The library's HTTP client, which tries again where Telegram did not take the request."""

    def __init__(self, timing: Timing, connections: int, tries: int = _TRIES) -> None:
        super().__init__(
            connection_pool_size=connections,
            connect_timeout=timing.answer,
            read_timeout=timing.answer,
            write_timeout=timing.answer,
            pool_timeout=timing.answer,
        )
        self._retry_s = timing.retry
        self._tries = tries

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """One request, sent again after a 5xx or a broken connection; after a timeout it may have arrived."""
        timeouts = (read_timeout, write_timeout, connect_timeout, pool_timeout)
        for attempt in range(1, self._tries):
            try:
                code, payload = await super().do_request(url, method, request_data, *timeouts)
            except TimedOut:
                raise
            except NetworkError:
                pass
            else:
                if code < 500:
                    return code, payload
            await asyncio.sleep(self._retry_s * 2 ** (attempt - 1))
        return await super().do_request(url, method, request_data, *timeouts)

    @staticmethod
    def parse_json_payload(payload: bytes) -> JSON:
        """What the server answered; the library's own form logs what it can't read: people's words."""
        try:
            parsed = json.loads(payload.decode("utf-8", "replace"))
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            raise TelegramError("Invalid server response")
        return parsed


class Patience(BaseRateLimiter[None]):
    """Waits out Telegram's "too many requests", as long as it says."""

    async def process_request(
        self,
        callback: Callable[..., Coroutine[Any, Any, bool | JSON | list[JSON]]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: None,
    ) -> bool | JSON | list[JSON]:
        """Make the request, again after each pause that Telegram asks for."""
        for _ in range(_TRIES - 1):
            try:
                return await callback(*args, **kwargs)
            except TelegramError as error:
                pause = pause_asked_for(error)
                if pause is None or pause > _LONGEST_PAUSE_S:
                    raise
            await asyncio.sleep(pause)
        return await callback(*args, **kwargs)

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Nothing to close."""


class TelegramBot(ExtBot[None]):
    """The library's bot, which hands out updates as they came: one that it can't read costs only itself."""

    __slots__ = ()

    def __init__(self, token: str, base_url: str, timing: Timing) -> None:
        super().__init__(
            token,
            base_url=base_url,
            request=Wire(timing, connections=64),
            get_updates_request=Wire(timing, connections=2, tries=1),  # the poller has a patience of its own
            rate_limiter=Patience(),
            defaults=Defaults(
                parse_mode=ParseMode.HTML,
                link_preview_options=LinkPreviewOptions(is_disabled=True),
                tzinfo=dtm.UTC,
            ),
        )

    async def fetch_updates(self, offset: int, poll_s: float, kinds: Sequence[str], limit: int = 100) -> list[JSON]:
        """The updates from ``offset`` on, as JSON; ``Bot.get_updates`` would lose and log all for one."""
        data: JSON = {
            "offset": offset,
            "timeout": int(poll_s),
            "limit": limit,
            "allowed_updates": list(kinds),
        }
        read_timeout = (self.request.read_timeout or 0) + poll_s
        result = await self._post("getUpdates", data, read_timeout=read_timeout)
        return [update for update in result if isinstance(update, dict)] if isinstance(result, list) else []


def pause_asked_for(error: TelegramError) -> float | None:
    """The seconds that Telegram asks us to wait, None where it asks for nothing."""
    pause = getattr(error, "retry_after", None)  # a timedelta or a number, by the variable PTB_TIMEDELTA
    return pause.total_seconds() if isinstance(pause, dtm.timedelta) else pause
