"""Answers in chats where the bot is not: inline mode (typed after the bot's name) and guest mode (a mention).

What is chosen is posted as the person's own message, so everything that matters stands in its text: the disclaimer
too. In guest mode the bot posts one message itself.
"""

from __future__ import annotations

import time

from telegram import (
    InlineQuery,
    InlineQueryResultArticle,
    InlineQueryResultsButton,
    InputTextMessageContent,
    LinkPreviewOptions,
    Message,
)
from telegram.constants import ParseMode

from adapters.telegram.asked import Asked
from adapters.telegram.commands import note, privacy
from adapters.telegram.render import Frame, Page, plain, render
from adapters.telegram.venue import PLATFORM, question_of
from adapters.telegram.wire import TelegramBot
from bot import metrics
from bot.desk import Desk
from bot.question import Place
from bot.records import Records
from bot.reply import Reply, ReplyKind

# Telegram keeps results for 300 s unless told otherwise: a corrected text would come that much later.
_CACHE_S = 10
_MOST_RESULTS = 8
# Bot API, InlineQueryResultArticle: ids have 1 to 64 bytes. Lengths of titles and descriptions are what phones show.
_TITLE = 80
_DESCRIPTION = 140
_WITHOUT_BUTTONS = Frame(browsing=False)


class Inline:
    """Answers inline queries and guest messages."""

    def __init__(self, bot: TelegramBot, desk: Desk, records: Records) -> None:
        self._bot = bot
        self._desk = desk
        self._records = records

    async def on_query(self, query: InlineQuery) -> None:
        """Offer answers to what somebody has typed so far; a safety reply is offered alone."""
        question = question_of(query.query, query.from_user, Place.GROUP)
        answerer = self._desk.current
        began = time.perf_counter()
        replies = []
        if question.text.strip():
            reply = await self._desk.answer(question)
            metrics.count_reply(PLATFORM, reply, time.perf_counter() - began)
            if reply.kind is ReplyKind.SAFETY:
                self._records.count(PLATFORM, reply)
                note(reply, "inline", time.perf_counter() - began)
                await self._offer(query, [reply], urgent=True)
                return
            if reply.kind is ReplyKind.ANSWER:
                replies.append(reply)
            offers = (*reply.suggestions, *answerer.complete(question.text, _MOST_RESULTS))
        else:
            offers = answerer.complete("", _MOST_RESULTS)
        known = {reply.entry_id for reply in replies}
        for offer in offers:
            if offer.entry_id not in known and len(replies) < _MOST_RESULTS:
                known.add(offer.entry_id)
                replies.append(answerer.show(offer.entry_id, offer.revision, question))
        await self._offer(query, replies)

    async def on_guest(self, message: Message, asked: Asked) -> None:
        """Answer a message in a chat where the bot is no member, with the one message that it may post there."""
        began = time.perf_counter()
        if message.guest_query_id is None:
            return
        answerer = self._desk.current
        if asked.command == "ask":
            reply = await self._desk.answer(question_of(asked.text, message.from_user, Place.GROUP))
            self._records.count(PLATFORM, reply)
            seconds = time.perf_counter() - began
            metrics.count_reply(PLATFORM, reply, seconds)
            note(reply, "guest", seconds)
        else:
            reply = privacy(answerer, self._records) if asked.command == "privacy" else answerer.welcome()
        result = _article(reply)
        if result is not None:
            await self._bot.answer_guest_query(message.guest_query_id, result)

    async def _offer(self, query: InlineQuery, replies: list[Reply], *, urgent: bool = False) -> None:
        results = [result for result in map(_article, replies) if result is not None]
        await self._bot.answer_inline_query(
            query.id,
            results,
            cache_time=0 if urgent else _CACHE_S,
            is_personal=True,  # emergency numbers go by the person's language
            button=InlineQueryResultsButton("Ask in private instead", start_parameter="help"),
        )


def _article(reply: Reply) -> InlineQueryResultArticle | None:
    """A reply as something that can be posted anywhere; None where it fits no single message."""
    pages = render(reply, frame=_WITHOUT_BUTTONS)
    if len(pages) > 1:
        return None
    return InlineQueryResultArticle(
        id=(reply.entry_id or reply.kind.value)[:64],
        title=plain(reply.title or reply.text, _TITLE),
        description=plain(reply.text, _DESCRIPTION),
        input_message_content=_content(pages[0]),
        # An emergency's banner came of the question, and would be lost when more is shown in its place.
        reply_markup=None if reply.banner else pages[0].keyboard,
    )


def _content(page: Page) -> InputTextMessageContent:
    return InputTextMessageContent(
        page.html, parse_mode=ParseMode.HTML, link_preview_options=LinkPreviewOptions(is_disabled=True)
    )
