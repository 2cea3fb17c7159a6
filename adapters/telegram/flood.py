"""How often we write: within Telegram's limits, and not before the time that a "too many requests" names.

The limits are Telegram's own words (core.telegram.org/bots/faq, "My bot is hitting limits"): about 30 messages a
second in all, one a second in a chat, 20 a minute in a group. The library's AIORateLimiter knows the first and the
last, lets each be doubled in its first period, and makes every chat wait when one is told to.
"""

from __future__ import annotations

import asyncio
import datetime as dtm
import os
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from aiolimiter import AsyncLimiter
from telegram.error import RetryAfter, TelegramError
from telegram.ext import BaseRateLimiter

JSON = dict[str, Any]

# What makes something appear in a chat; looking up an administrator, say, does not.
_WRITES = frozenset({"sendMessage", "editMessageText", "editMessageReplyMarkup"})
# Telegram asks for seconds in a busy group and for hours after abuse; nobody waits for an answer beyond this.
LONGEST_PAUSE_S = 60.0
# Chats whose last messages are remembered; of those beyond, the longest silent ones are forgotten.
_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Rates:
    """Messages and the seconds they are spread over. In no span of time are there more than the limit allows:
    a bucket of n that refills n in s seconds lets through at most n + n * span / s."""

    overall: tuple[float, float] = (1, 1 / 29)
    chat: tuple[float, float] = (1, 1)
    group: tuple[float, float] = (5, 20)
    """5 at once and 15 a minute: never more than 20 in any minute."""


@dataclass(slots=True)
class _Chat:
    """What holds one chat back; requests that concern no chat share one of these for each method."""

    each: AsyncLimiter | None
    group: AsyncLimiter | None
    not_before: float = 0.0


class FloodLimits(BaseRateLimiter[bool]):
    """Spaces messages out and waits where Telegram says so; each chat on its own.

    ``rate_limit_args=True`` marks what is urgent: it waits for none of our own limits, which are stricter than
    Telegram's, only for those that Telegram has announced.
    """

    def __init__(self, rates: Rates) -> None:
        # The library's switch for durations as timedelta: without it, each "too many requests" warns.
        os.environ.setdefault("PTB_TIMEDELTA", "1")
        self._rates = rates
        self._overall = AsyncLimiter(*rates.overall)
        self._chats: OrderedDict[int | str, _Chat] = OrderedDict()

    async def process_request(
        self,
        callback: Callable[..., Coroutine[Any, Any, bool | JSON | list[JSON]]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: bool | None,
    ) -> bool | JSON | list[JSON]:
        """Make the request in its time, again after each pause that Telegram asks for."""
        chat = self._chat(data.get("chat_id"), endpoint)
        for last_try in (False, False, True):
            await _until(chat.not_before)
            if endpoint in _WRITES and not rate_limit_args:
                await self._turn(chat, sends=endpoint == "sendMessage")
            try:
                return await callback(*args, **kwargs)
            except TelegramError as error:
                pause = pause_asked_for(error)
                if pause is None:
                    raise
                chat.not_before = asyncio.get_running_loop().time() + pause
                if last_try or pause > LONGEST_PAUSE_S:
                    raise
        raise AssertionError("the last try returns or raises")

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Nothing to close."""

    def _chat(self, id_: int | str | None, endpoint: str) -> _Chat:
        key = endpoint if id_ is None else id_
        chat = self._chats.get(key)
        if chat is None:
            # Groups and channels have negative ids, or names.
            many = isinstance(id_, str) or (id_ is not None and id_ < 0)
            chat = self._chats[key] = _Chat(
                each=AsyncLimiter(*self._rates.chat) if id_ is not None else None,
                group=AsyncLimiter(*self._rates.group) if many else None,
            )
            if len(self._chats) > _REMEMBERED:
                self._chats.popitem(last=False)
        else:
            self._chats.move_to_end(key)
        return chat

    async def _turn(self, chat: _Chat, *, sends: bool) -> None:
        if chat.group is not None:
            await chat.group.acquire()
        if sends and chat.each is not None:
            await chat.each.acquire()
        await self._overall.acquire()


async def _until(moment: float) -> None:
    """Wait until the loop's clock shows ``moment``; give up at once on what is too far away."""
    pause = moment - asyncio.get_running_loop().time()
    if pause > LONGEST_PAUSE_S:
        raise RetryAfter(dtm.timedelta(seconds=pause))
    if pause > 0:
        await asyncio.sleep(pause)


def pause_asked_for(error: TelegramError) -> float | None:
    """The seconds that Telegram asks us to wait, None where it asks for nothing."""
    pause = getattr(error, "retry_after", None)  # a timedelta or a number, by the variable PTB_TIMEDELTA
    return pause.total_seconds() if isinstance(pause, dtm.timedelta) else pause
