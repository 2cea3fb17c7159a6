"""Pressed buttons: each is acknowledged at once, then shows its entry or topics, in place or below."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import structlog
from telegram import CallbackQuery, Update
from telegram.constants import CallbackQueryLimit
from telegram.error import TelegramError

from adapters.telegram.callback import Browse, Show, Turn, read
from adapters.telegram.delivery import put_in_place, send, spot_of
from adapters.telegram.render import plain, render, render_topics
from bot.answer import Answerer

log = structlog.get_logger(__name__)


class Buttons:
    """Answers pressed buttons; everything that it needs to know stands in them."""

    def __init__(self, answerer: Callable[[], Answerer]) -> None:
        self._answerer = answerer

    async def on_press(self, update: Update, context: Any) -> None:
        """Do what the button says; one that we can't read says that its answer is gone."""
        query = update.callback_query
        if query is None:
            return
        answerer = self._answerer()
        message = query.message
        press = read(query.data or "")
        if press is None or message is None:
            gone = plain(answerer.show("").text, CallbackQueryLimit.ANSWER_CALLBACK_QUERY_TEXT_LENGTH)
            await _acknowledge(query, gone)
            return
        await _acknowledge(query)
        match press:
            case Show(entry_id, revision):
                pages = render(answerer.show(entry_id, revision))
                await send(context.bot, spot_of(message), pages)
            case Turn(view, entry_id, revision):
                pages = render(answerer.show(entry_id, revision), replace(view, below=False))
                if view.below:
                    await send(context.bot, spot_of(message, reply=True), pages)
                else:
                    await put_in_place(context.bot, message, pages)
            case Browse(group, new_message):
                page = render_topics(answerer.topics(), group, answerer.disclaimer)
                if new_message:
                    await send(context.bot, spot_of(message), (page,))
                else:
                    await put_in_place(context.bot, message, (page,))


async def _acknowledge(query: CallbackQuery, notice: str = "") -> None:
    """Stop the button's spinner; one pressed too long ago has none any more, and that is no failure."""
    try:
        await query.answer(notice or None, show_alert=bool(notice))
    except TelegramError as error:
        log.debug("press_not_acknowledged", platform="telegram", error=type(error).__name__)
