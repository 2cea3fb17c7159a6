"""The bot as the tests run it: the platform against the stand-in, with content that a test can exchange."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from discord_server import TOKEN

from adapters.discord import DiscordPlatform
from bot.answer import Answerer
from bot.desk import Desk
from bot.metrics import REGISTRY
from bot.question import Question
from bot.records import Records
from bot.reply import Reply, ReplyKind, Suggestion


class Altered(Answerer):
    """The real Answerer but for what it answers: a given reply, late, or an error that quotes the question."""

    def __init__(
        self, real: Answerer, *, reply: Reply | None = None, seconds: float = 0.0, broken: bool = False
    ) -> None:
        self.__dict__.update(real.__dict__)
        self._reply, self._seconds, self._broken = reply, seconds, broken

    def answer_all(self, questions: Sequence[Question]) -> list[Reply]:
        time.sleep(self._seconds)
        if self._broken:
            raise RuntimeError(questions[0].text)
        return [self._reply] * len(questions) if self._reply else super().answer_all(questions)


def question_back(answerer: Answerer) -> Reply:
    """A "Did you mean" reply, whatever the matcher is sure of."""
    offers = tuple(
        Suggestion(id_, answerer.show(id_).revision, answerer.show(id_).title) for id_ in ("type-1", "type-b")
    )
    disclaimer = answerer.privacy().disclaimer
    return Reply(ReplyKind.CLARIFY, "Which of these?", disclaimer, suggestions=offers, confidence=0.3)


class Connection:
    """A connected platform, whose content a test can exchange."""

    def __init__(self, answerer: Answerer, records: Records, **options: Any) -> None:
        self.desk = Desk(answerer)
        self.records = records
        self.platform = DiscordPlatform(TOKEN, self.desk, records, **options)
        self.serving = asyncio.create_task(self.platform.serve())

    @property
    def answerer(self) -> Answerer:
        return self.desk.current

    @answerer.setter
    def answerer(self, answerer: Answerer) -> None:
        self.desk.swap(answerer)

    async def close(self) -> None:
        await asyncio.wait_for(self.platform.close(), 9)
        await asyncio.wait_for(self.serving, 2)
        await self.desk.close()


def failures(event: str) -> float:
    """How often this failure was counted since the tests began."""
    return REGISTRY.get_sample_value("iris_failures_total", {"platform": "discord", "event": event}) or 0.0


Connect = Callable[..., Awaitable[Connection]]
Counted = Callable[[str], Awaitable[None]]
