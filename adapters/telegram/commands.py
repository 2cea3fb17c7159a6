"""Messages to the bot: commands, free text, captions, and what they were edited into."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import structlog
from telegram import Message, Update

from adapters.telegram.asked import Asked, asked_of, question_of
from adapters.telegram.delivery import send, spot_of
from adapters.telegram.render import Page, render, render_topics
from bot.answer import Answerer
from bot.question import Question
from bot.reply import Reply, ReplyKind

log = structlog.get_logger(__name__)

# Messages whose safety reply is remembered, so that each later edit does not bring it again.
_REMEMBERED = 1024


class Commands:
    """Answers messages. Keeps nothing but, in memory, the ids of the last ones with a safety reply."""

    def __init__(self, answerer: Callable[[], Answerer]) -> None:
        self._answerer = answerer
        self._warned: OrderedDict[tuple[int, int, str | None], None] = OrderedDict()

    async def on_message(self, update: Update, context: Any) -> None:
        """Answer a new message that is meant for the bot."""
        message = update.message
        asked = asked_of(message, context.bot.bot) if message else None
        if message is None or asked is None:
            return
        pages = self._pages(asked, message)
        await send(context.bot, spot_of(message), pages)

    async def on_edit(self, update: Update, context: Any) -> None:
        """Look again at a message whose words have changed: it gets a safety reply, or none."""
        message = update.edited_message
        asked = asked_of(message, context.bot.bot) if message else None
        if message is None or asked is None or asked.command != "ask":
            return
        reply = self._answerer().answer(question_of(asked, message))
        if reply.kind is ReplyKind.SAFETY and self._is_new_warning(message, reply):
            _note(reply, "edit", 0.0)
            await send(context.bot, spot_of(message, reply=True), render(reply))

    def _pages(self, asked: Asked, message: Message) -> tuple[Page, ...]:
        answerer = self._answerer()
        match asked.command:
            case "topics":
                return (render_topics(answerer.topics(), "", answerer.disclaimer),)
            case "privacy":
                return render(answerer.privacy())
            case "start" if asked.text:
                return render(answerer.show(asked.text))
            case "start" | "help":
                return render(answerer.welcome(), topics=True)
            case _:
                return render(self._answer(answerer, question_of(asked, message), message))

    def _answer(self, answerer: Answerer, question: Question, message: Message) -> Reply:
        began = time.perf_counter()
        reply = answerer.answer(question)
        _note(reply, question.place.value, time.perf_counter() - began)
        if reply.kind is ReplyKind.SAFETY:
            self._is_new_warning(message, reply)
        return reply

    def _is_new_warning(self, message: Message, reply: Reply) -> bool:
        """Whether this message has not had this safety reply yet; remembers that it has now."""
        key = (message.chat.id, message.message_id, reply.entry_id)
        new = key not in self._warned
        self._warned[key] = None
        if len(self._warned) > _REMEMBERED:
            self._warned.popitem(last=False)
        return new


def _note(reply: Reply, where: str, seconds: float) -> None:
    """Log the outcome: never words, names or ids of people."""
    log.info(
        "answered",
        platform="telegram",
        where=where,
        kind=reply.kind.value,
        entry=reply.entry_id,
        confidence=round(reply.confidence, 3),
        ms=round(seconds * 1000, 1),
    )
