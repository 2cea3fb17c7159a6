"""The desk: together where several wait, each on the content it came to, and no failure but its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from bot.answer import Answerer
from bot.desk import BATCH_QUESTIONS, Desk
from bot.question import Question
from bot.reply import TROUBLE, Reply, ReplyKind


class Clerk(Answerer):
    """Answers with the question's own words and its name, when the test lets it; fails on what it is told to."""

    def __init__(self, name: str = "old", fails_on: str = "") -> None:
        self.name = name
        self.batches: list[list[str]] = []
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self._fails_on = fails_on

    def answer_all(self, questions: Sequence[Question]) -> list[Reply]:
        self.batches.append([question.text for question in questions])
        self.begun.set()
        assert self.go_on.wait(10)
        if self._fails_on in [question.text for question in questions]:
            raise ValueError("zanzibar")
        return [Reply(ReplyKind.ANSWER, f"{self.name}: {each.text}", "Not advice.") for each in questions]

    def answer(self, question: Question) -> Reply:
        return self.answer_all([question])[0]


async def _asked(desk: Desk, *texts: str) -> list[asyncio.Task[Reply]]:
    tasks = [asyncio.create_task(desk.answer(Question(text))) for text in texts]
    await asyncio.sleep(0)  # each of them has come to the desk
    return tasks


async def _busy(desk: Desk, clerk: Clerk) -> asyncio.Task[Reply]:
    """A first question that keeps the clerk at work, so that what comes next has to wait."""
    (first,) = await _asked(desk, "first")
    assert await asyncio.to_thread(clerk.begun.wait, 10)
    return first


async def test_questions_that_wait_are_answered_together_in_their_order_and_not_too_many() -> None:
    clerk = Clerk()
    desk = Desk(clerk)
    first = await _busy(desk, clerk)
    texts = [str(number) for number in range(BATCH_QUESTIONS + 5)]
    waiting = await _asked(desk, *texts)
    clerk.go_on.set()
    assert (await first).text == "old: first"
    assert [reply.text for reply in await asyncio.gather(*waiting)] == [f"old: {text}" for text in texts]
    assert clerk.batches == [["first"], texts[:BATCH_QUESTIONS], texts[BATCH_QUESTIONS:]]
    await desk.close()


async def test_a_question_is_answered_from_the_content_that_was_in_force_when_it_came() -> None:
    old, new = Clerk("old"), Clerk("new")
    new.go_on.set()
    desk = Desk(old)
    first = await _busy(desk, old)
    before = await _asked(desk, "before")
    desk.swap(new)
    assert desk.current is new
    after = await _asked(desk, "after")
    old.go_on.set()
    replies = await asyncio.gather(first, *before, *after)
    assert [reply.text for reply in replies] == ["old: first", "old: before", "new: after"]
    assert (old.batches, new.batches) == ([["first"], ["before"]], [["after"]])
    await desk.close()


async def test_whoever_leaves_costs_nothing_and_disturbs_nobody() -> None:
    clerk = Clerk()
    desk = Desk(clerk)
    first = await _busy(desk, clerk)
    leaving, staying = await _asked(desk, "leaving", "staying")
    leaving.cancel()
    first.cancel()  # while it is being answered
    await asyncio.sleep(0)
    clerk.go_on.set()
    assert (await staying).text == "old: staying"
    assert clerk.batches == [["first"], ["staying"]]
    assert leaving.cancelled()
    assert first.cancelled()
    await desk.close()


async def test_a_question_that_cannot_be_answered_gets_an_apology_and_its_neighbours_their_reply(
    capfd: pytest.CaptureFixture[str],
) -> None:
    clerk = Clerk(fails_on="bad")
    clerk.go_on.set()
    desk = Desk(clerk)
    good, bad, other = await asyncio.gather(*await _asked(desk, "good", "bad", "other"))
    assert (good.text, bad, other.text) == ("old: good", TROUBLE, "old: other")
    assert "zanzibar" not in "".join(capfd.readouterr())
    assert (await desk.answer(Question("still there?"))).text == "old: still there?"
    await desk.close()


async def test_closing_answers_what_waits_and_takes_nothing_new() -> None:
    clerk = Clerk()
    desk = Desk(clerk)
    first = await _busy(desk, clerk)
    (waiting,) = await _asked(desk, "waiting")
    closing = asyncio.create_task(desk.close())
    await asyncio.sleep(0)
    assert await desk.answer(Question("too late")) == TROUBLE
    clerk.go_on.set()
    await closing
    assert [(await task).text for task in (first, waiting)] == ["old: first", "old: waiting"]


async def test_together_or_alone_the_replies_are_the_same(answerer: Answerer) -> None:
    texts = ["what is insulin resistance?", "thyroid and sugar", "i want to kill myself", "", "who won the match"]
    desk = Desk(answerer)
    together = await asyncio.gather(*await _asked(desk, *texts))
    assert together == [answerer.answer(Question(text)) for text in texts]
    assert together[2].kind is ReplyKind.SAFETY
    await desk.close()
