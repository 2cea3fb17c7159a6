"""How often we write, in a time that passes at once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from telegram.error import RetryAfter

from adapters.telegram.flood import FloodLimits, Rates


class Hurried(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to the next timer when there is nothing else to do."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self.ahead += max(0.0, self._scheduled[0].when() - self.time())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run in hurried time."""
    with asyncio.Runner(loop_factory=Hurried) as runner:
        runner.run(coroutine)


class Sent:
    """What went out, and when."""

    def __init__(self) -> None:
        self.limits = FloodLimits(Rates())
        self.times: list[float] = []
        self.refuse: list[float] = []

    async def message(self, chat: int | None, *, urgent: bool = False, endpoint: str = "sendMessage") -> None:
        """Send one message within the limits."""

        async def callback() -> bool:
            if self.refuse:
                raise RetryAfter(self.refuse.pop())
            self.times.append(asyncio.get_running_loop().time())
            return True

        await self.limits.process_request(
            callback, (), {}, endpoint, {} if chat is None else {"chat_id": chat}, urgent or None
        )

    def most_within(self, span_s: float) -> int:
        """The most messages in any span of so many seconds, its end not included.

        A nanosecond's rounding of the clock, whose start differs from run to run, makes no span shorter.
        """
        ends = sorted(self.times)
        return max(sum(begin <= other < begin + span_s - 1e-9 for other in ends) for begin in ends)


@pytest.mark.parametrize(
    ("chats", "messages", "limits", "longest_s"),
    [
        ([-1], 100, [(60, 20), (1, 1)], 390),
        ([5], 60, [(1, 1)], 61),
        (list(range(1, 301)), 1, [(1, 30)], 11),
        (list(range(-200, 0)), 6, [(1, 30)], 60),
    ],
)
def test_in_no_span_of_time_is_more_sent_than_telegram_takes(
    chats: list[int], messages: int, limits: list[tuple[float, int]], longest_s: float
) -> None:
    async def send() -> None:
        sent = Sent()
        await asyncio.gather(*(sent.message(chat) for _ in range(messages) for chat in chats))
        for span_s, most in limits:
            assert sent.most_within(span_s) <= most
        assert max(sent.times) - min(sent.times) <= longest_s, "the limits are used, not just kept"

    run(send())


def test_what_is_urgent_waits_for_none_of_our_limits() -> None:
    async def send() -> None:
        sent = Sent()
        ordinary = [asyncio.create_task(sent.message(-1)) for _ in range(30)]
        await asyncio.sleep(0)
        began = asyncio.get_running_loop().time()
        await sent.message(-1, urgent=True)
        assert asyncio.get_running_loop().time() - began < 0.5
        await asyncio.gather(*ordinary)

    run(send())


def test_a_pause_that_telegram_asks_for_is_kept_by_all_of_that_chat_and_by_no_other() -> None:
    async def send() -> None:
        sent = Sent()
        sent.refuse = [30]
        clock = asyncio.get_running_loop().time
        began = clock()
        first = asyncio.create_task(sent.message(5))
        await asyncio.sleep(0.1)
        second = asyncio.create_task(sent.message(5, urgent=True))
        await sent.message(6)
        assert clock() - began < 2
        await asyncio.gather(first, second)
        assert sorted(sent.times)[1] - began >= 30

    run(send())


@pytest.mark.parametrize(
    ("chat", "endpoint", "longest_s"),
    [(-1, "getChatMember", 0.5), (None, "answerCallbackQuery", 0.5), (None, "editMessageText", 2.0)],
)
def test_what_is_no_message_in_a_chat_waits_for_no_chat(chat: int | None, endpoint: str, longest_s: float) -> None:
    async def ask() -> None:
        sent = Sent()
        began = asyncio.get_running_loop().time()
        for _ in range(50):
            await sent.message(chat, endpoint=endpoint)
        assert asyncio.get_running_loop().time() - began < longest_s

    run(ask())
