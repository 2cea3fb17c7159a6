"""The bot as the tests run it: the platform against the stand-in, with an answerer that a test can exchange."""

from __future__ import annotations

import asyncio
import time

from discord_server import TOKEN

from adapters.discord import DiscordPlatform
from bot.answer import Answerer
from bot.question import Question
from bot.reply import Reply, ReplyKind, Suggestion


class Altered(Answerer):
    """The real Answerer but for what it answers: a given reply, late, or an error that quotes the question."""

    def __init__(
        self, real: Answerer, *, reply: Reply | None = None, seconds: float = 0.0, broken: bool = False
    ) -> None:
        self.__dict__.update(real.__dict__)
        self._reply, self._seconds, self._broken = reply, seconds, broken

    def answer(self, question: Question) -> Reply:
        time.sleep(self._seconds)
        if self._broken:
            raise RuntimeError(question.text)
        return self._reply or super().answer(question)


def question_back(answerer: Answerer) -> Reply:
    """A "Did you mean" reply, whatever the matcher is sure of."""
    offers = tuple(
        Suggestion(id_, answerer.show(id_).revision, answerer.show(id_).title) for id_ in ("type-1", "type-b")
    )
    disclaimer = answerer.privacy().disclaimer
    return Reply(ReplyKind.CLARIFY, "Which of these?", disclaimer, suggestions=offers, confidence=0.3)


class Connection:
    """A connected platform, whose answerer a test can exchange."""

    def __init__(self, answerer: Answerer) -> None:
        self.answerer = answerer
        self.platform = DiscordPlatform(TOKEN, lambda: self.answerer)
        self.serving = asyncio.create_task(self.platform.serve())

    async def close(self) -> None:
        await asyncio.wait_for(self.platform.close(), 9)
        await asyncio.wait_for(self.serving, 2)
