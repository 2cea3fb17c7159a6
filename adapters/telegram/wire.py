"""The way to Telegram's servers: the library's bot on an aiohttp client, patient with bad moments, no words in any log.

TelegramBot -> FloodLimits (how often, and 429: waits as told) -> Wire (5xx, broken connection: tries again) -> HTTP
"""

from __future__ import annotations

import asyncio
import datetime as dtm
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.request import getproxies

import aiohttp
from telegram import LinkPreviewOptions
from telegram._utils.defaultvalue import DefaultValue
from telegram.constants import ParseMode
from telegram.error import NetworkError, TelegramError, TimedOut
from telegram.ext import Defaults, ExtBot
from telegram.request import BaseRequest, RequestData

from adapters.telegram.flood import FloodLimits, Rates

JSON = dict[str, Any]

_TRIES = 3
# How often the server's clock is compared with ours.
_CLOCK_EVERY_S = 60.0
_JSON_BODY = {"Content-Type": "application/json"}


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
    handling: float = 0.3
    """How long the next poll waits for the replies to the last one; what takes longer is left unconfirmed."""
    webhook_reply: float = 10.0
    """The same for a call of the webhook, which holds a connection meanwhile."""
    webhook_look: float = 60.0
    """Between two looks at what Telegram says of our webhook."""
    stale: float = 600.0
    """The age from which on a message is no longer answered without asking."""


class Wire(BaseRequest):
    """Requests through aiohttp, sent again where Telegram did not take them.

    The library's own client, httpx, costs four to eight times the processor time for the same request
    (benchmarks/telegram.py measures both). Files are never sent, so everything goes as JSON, which Telegram takes like
    the library's forms (core.telegram.org/bots/api, "Making requests") and which is quicker to make.
    """

    def __init__(self, timing: Timing, connections: int, tries: int = _TRIES) -> None:
        self._answer_s = timing.answer
        self._retry_s = timing.retry
        self._connections = connections
        self._tries = tries
        self._session: aiohttp.ClientSession | None = None
        self._clock_looked_at = -_CLOCK_EVERY_S
        self.clock_ahead_s = 0.0
        """How far this machine's clock is ahead of Telegram's."""

    @property
    def read_timeout(self) -> float:
        """The library's name for how long an answer may take, in seconds."""
        return self._answer_s

    async def initialize(self) -> None:
        """Make ready for requests; connections are opened as they are needed."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": self.USER_AGENT},
                # HTTPS_PROXY, as httpx does it. Only where there is one: it also has a file looked for at each request.
                trust_env=bool(getproxies()),
            )

    async def shutdown(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

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
        """One request, sent again after a 5xx or a broken connection; after a timeout it may have arrived.

        ``read_timeout`` is for the whole of one try, so that an answer that trickles in can't hold it for ever.
        """
        body = json.dumps(request_data.parameters).encode() if request_data and request_data.parameters else None
        whole_s = self._answer_s if isinstance(read_timeout, DefaultValue) else read_timeout
        for attempt in range(1, self._tries):
            try:
                code, payload = await self._request(url, method, body, whole_s)
            except TimedOut:
                raise
            except NetworkError:
                pass
            else:
                if code < 500:
                    return code, payload
            await asyncio.sleep(self._retry_s * 2 ** (attempt - 1))
        return await self._request(url, method, body, whole_s)

    async def _request(self, url: str, method: str, body: bytes | None, whole_s: float | None) -> tuple[int, bytes]:
        if self._session is None:
            raise NetworkError("The connection to Telegram is closed.")
        timeout = aiohttp.ClientTimeout(total=whole_s, sock_connect=self._answer_s)
        # Errors are passed on by their kind alone: their words hold the address, and that the token.
        try:
            headers = _JSON_BODY if body else None
            async with self._session.request(method, url, data=body, headers=headers, timeout=timeout) as response:
                payload = await response.read()
                self._compare_clocks(response.headers.get("Date", ""))
                return response.status, payload
        except aiohttp.ConnectionTimeoutError as error:
            raise NetworkError(type(error).__name__) from None
        except TimeoutError:
            raise TimedOut from None
        except (aiohttp.ClientError, OSError) as error:
            raise NetworkError(type(error).__name__) from None

    def _compare_clocks(self, date: str) -> None:
        if time.monotonic() - self._clock_looked_at < _CLOCK_EVERY_S:
            return
        try:
            theirs = parsedate_to_datetime(date)
        except ValueError:
            return
        self._clock_looked_at = time.monotonic()
        self.clock_ahead_s = time.time() - theirs.timestamp()

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


class TelegramBot(ExtBot[bool]):
    """The library's bot, which hands out updates as they came: one that it can't read costs only itself."""

    __slots__ = ("_wire",)

    def __init__(self, token: str, base_url: str, timing: Timing, rates: Rates | None = None) -> None:
        self._wire = Wire(timing, connections=64)
        super().__init__(
            token,
            base_url=base_url,
            request=self._wire,
            get_updates_request=Wire(timing, connections=2, tries=1),  # the poller has a patience of its own
            rate_limiter=FloodLimits(rates or Rates()),
            defaults=Defaults(
                parse_mode=ParseMode.HTML,
                link_preview_options=LinkPreviewOptions(is_disabled=True),
                tzinfo=dtm.UTC,
            ),
        )

    def age_s(self, sent: dtm.datetime) -> float:
        """How long ago Telegram took in something that it dated ``sent``, by Telegram's clock."""
        return time.time() - self._wire.clock_ahead_s - sent.timestamp()

    async def write(
        self,
        chat_id: int | str,
        html: str,
        keyboard: JSON | None = None,
        *,
        topic: int | None = None,
        reply_to: int | None = None,
        urgent: bool = False,
    ) -> None:
        """Send a message, as a reply to ``reply_to`` where that still stands; ``urgent`` ones wait for no turn.

        ``Bot.send_message`` would make objects of all that Telegram then says of it, which nobody reads.
        """
        data: JSON = {
            "chat_id": chat_id,
            "text": html,
            "parse_mode": ParseMode.HTML,
            "link_preview_options": {"is_disabled": True},
            "message_thread_id": topic,
            "reply_parameters": {"message_id": reply_to, "allow_sending_without_reply": True} if reply_to else None,
            "reply_markup": keyboard,
        }
        await self._post("sendMessage", data, api_kwargs=self._merge_api_rl_kwargs(None, urgent or None))

    async def fetch_updates(self, offset: int, poll_s: float, kinds: Sequence[str], limit: int = 100) -> list[JSON]:
        """The updates from ``offset`` on, as JSON; ``Bot.get_updates`` would lose and log all for one."""
        data: JSON = {
            "offset": offset,
            "timeout": int(poll_s),
            "limit": limit,
            "allowed_updates": list(kinds),
        }
        result = await self._post("getUpdates", data, read_timeout=self._wire.read_timeout + poll_s)
        return [update for update in result if isinstance(update, dict)] if isinstance(result, list) else []
