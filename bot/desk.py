"""Where adapters bring their questions: answered off the event loop, together where several wait.

The desk also holds the content in force. A question is answered from the content that was in force when it came,
also when new content is swapped in meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import structlog

from bot import metrics
from bot.answer import Answerer
from bot.question import Question
from bot.reply import TROUBLE, Reply

log = structlog.get_logger(__name__)

# Enough for the encoder to gain from company, few enough that the first of them does not wait long for the last.
BATCH_QUESTIONS = 32


@dataclass(frozen=True, slots=True)
class _Asked:
    question: Question
    answerer: Answerer
    reply: asyncio.Future[Reply]


class Desk:
    """Answers every platform's questions from the content in force; used from one event loop."""

    def __init__(self, answerer: Answerer) -> None:
        self._current = answerer
        self._waiting: deque[_Asked] = deque()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False
        # One thread: numpy and the rules hold Python's lock, so that a second one would only make both slower.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="answers")

    @property
    def current(self) -> Answerer:
        """The content in force, for what is shown without a question; take it once per event."""
        return self._current

    def swap(self, answerer: Answerer) -> None:
        """Put new content in force for every question that comes from now on."""
        self._current = answerer

    async def answer(self, question: Question) -> Reply:
        """The reply to one question; TROUBLE where it could not be found. Raises nothing but CancelledError."""
        if self._closed:
            return TROUBLE
        loop = asyncio.get_running_loop()
        asked = _Asked(question, self._current, loop.create_future())
        self._waiting.append(asked)
        if self._idle.is_set():
            self._idle.clear()
            # A moment later, when all that came with it waits too.
            loop.call_soon(self._hand_over, loop)
        else:
            metrics.answers_waiting(len(self._waiting))
        return await asked.reply

    async def close(self) -> None:
        """Answer what waits, take nothing new, end the thread."""
        self._closed = True
        await self._idle.wait()
        self._thread.shutdown(wait=False)

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give the thread what waits, if anything does."""
        if batch := self._next_batch():
            self._thread.submit(self._answer, batch, loop)
        else:
            self._idle.set()

    def _answer(self, batch: Sequence[_Asked], loop: asyncio.AbstractEventLoop) -> None:
        """Runs in the thread; one call carries all the replies of a batch back, which is cheaper than a future."""
        replies = _replies(batch[0].answerer, [asked.question for asked in batch])
        with suppress(RuntimeError):  # the loop has ended, and with it everybody who waited
            loop.call_soon_threadsafe(self._deliver, batch, replies, loop)

    def _deliver(self, batch: Sequence[_Asked], replies: Sequence[Reply], loop: asyncio.AbstractEventLoop) -> None:
        try:
            for asked, reply in zip(batch, replies, strict=True):
                if not asked.reply.done():  # whoever asked may have left meanwhile
                    asked.reply.set_result(reply)
        finally:
            self._hand_over(loop)

    def _next_batch(self) -> list[_Asked]:
        """The questions to answer next, all on the same content; those that nobody waits for any more are dropped."""
        batch: list[_Asked] = []
        while self._waiting and len(batch) < BATCH_QUESTIONS:
            asked = self._waiting[0]
            if batch and asked.answerer is not batch[0].answerer:
                break
            self._waiting.popleft()
            if not asked.reply.done():
                batch.append(asked)
        metrics.answers_waiting(len(self._waiting))
        return batch


def _replies(answerer: Answerer, questions: Sequence[Question]) -> list[Reply]:
    """A reply for each question; one that cannot be answered takes no other down with it."""
    try:
        return answerer.answer_all(questions)
    except Exception as error:
        log.error("batch_failed", questions=len(questions), error=type(error).__name__)
    return [_reply(answerer, question) for question in questions]


def _reply(answerer: Answerer, question: Question) -> Reply:
    try:
        return answerer.answer(question)
    except Exception as error:  # its words may quote the question: the kind alone is logged
        log.error("answering_failed", error=type(error).__name__)
        metrics.count_failure("desk", "answer")
        return TROUBLE
