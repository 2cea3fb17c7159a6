"""Pressed buttons: each is acknowledged, then shows its entry or topics, in place or below, or hands on feedback."""

from __future__ import annotations

from dataclasses import replace

import structlog
from telegram import CallbackQuery, MaybeInaccessibleMessage, Message
from telegram.constants import CallbackQueryLimit
from telegram.error import TelegramError

from adapters.telegram.asked import asked_of
from adapters.telegram.callback import (
    AnswerNow,
    AskHuman,
    Browse,
    BrowseSources,
    Change,
    Dismiss,
    Forget,
    Press,
    SendIn,
    Show,
    Turn,
    View,
    Vote,
    read,
)
from adapters.telegram.chat_settings import NOT_ALLOWED, ChatSettings
from adapters.telegram.commands import Commands, forget
from adapters.telegram.delivery import put_in_place, send, spot_of
from adapters.telegram.feedback import Feedback
from adapters.telegram.intake import Slot
from adapters.telegram.render import Frame, plain, render, render_sources, render_text, render_topics
from adapters.telegram.venue import question_of, venue_of
from adapters.telegram.wire import TelegramBot
from bot.desk import Desk
from bot.question import Place
from bot.records import Records
from bot.reply import TROUBLE

log = structlog.get_logger(__name__)


class Buttons:
    """Answers pressed buttons; everything that it needs to know stands in them and in their messages."""

    def __init__(self, bot: TelegramBot, desk: Desk, records: Records, commands: Commands) -> None:
        self._bot = bot
        self._desk = desk
        self._records = records
        self._commands = commands
        self._feedback = Feedback(bot, desk, records)
        self._settings = ChatSettings(bot, desk, records)

    async def on_press(self, query: CallbackQuery, slot: Slot) -> None:
        """Do what the button says; one that we can't read says that its answer is gone.

        Each is acknowledged before its turn comes: Telegram shows a spinner until then.
        """
        press, message = read(query.data or ""), query.message
        if query.inline_message_id is not None and isinstance(press, Turn):
            await self._acknowledge(query)
            await self._turn_elsewhere(press, query, query.inline_message_id)
        elif press is None or message is None:
            await self._acknowledge(query, self._desk.current.show("").text)
        elif isinstance(press, Show | Turn | Browse | BrowseSources):
            await self._acknowledge(query)
            await slot.come()
            await self._show(press, query, message)
        elif not (isinstance(message, Message) and message.is_accessible):
            await self._acknowledge(query, "This message is too old for that. Please ask again.")
        elif isinstance(press, AnswerNow):
            await self._answer_now(query, message, slot)
        else:
            notice = TROUBLE.text
            try:
                notice = await self._act(press, query, message)
            finally:
                await self._acknowledge(query, notice)

    async def _show(
        self, press: Show | Turn | Browse | BrowseSources, query: CallbackQuery, message: MaybeInaccessibleMessage
    ) -> None:
        """Entries, topics and sources: what needs no more than the content."""
        venue = await venue_of(message, self._records, self._bot.bot)
        answerer, frame = self._desk.current, venue.frame()
        match press:
            case Show(entry_id, revision):
                question = venue.question("", query.from_user)
                pages = render(answerer.show(entry_id, revision, question), frame=frame)
                await send(self._bot, spot_of(message), pages)
            case Turn(view, entry_id, revision):
                question = venue.question("", query.from_user)
                reply = answerer.show(entry_id, revision, question)
                pages = render(reply, replace(view, below=False), frame=frame)
                if view.below:
                    await send(self._bot, spot_of(message), pages)
                else:
                    await put_in_place(self._bot, message, pages)
            case Browse(group, new_message):
                page = render_topics(answerer.topics(), group, answerer.disclaimer)
                if new_message:
                    await send(self._bot, spot_of(message), (page,))
                else:
                    await put_in_place(self._bot, message, (page,))
            case BrowseSources(group, number):
                sources = answerer.sources(group)
                page = render_sources(answerer.topics(), sources, group, number, answerer.disclaimer)
                await put_in_place(self._bot, message, (page,))

    async def _act(self, press: Press, query: CallbackQuery, message: Message) -> str:
        """What changes something, or goes to people; the notice to show over the button."""
        match press:
            case Vote():
                return await self._feedback.on_vote(press, query, message)
            case SendIn():
                return await self._feedback.on_send_in(press, query, message)
            case Dismiss():
                return await self._feedback.on_dismiss(message)
            case AskHuman():
                return await self._feedback.on_ask_human(message)
            case Forget():
                text = await forget(self._records, query.from_user)
                await put_in_place(self._bot, message, render_text(text, self._desk.current.disclaimer))
                return ""
            case Change():
                venue = await venue_of(message, self._records, self._bot.bot)
                pages = await self._settings.on_press(press, query, venue)
                if pages is None:
                    return NOT_ALLOWED
                await put_in_place(self._bot, message, pages)
                return ""
            case _:
                return ""

    async def _answer_now(self, query: CallbackQuery, message: Message, slot: Slot) -> None:
        """Answer what was asked while the bot was away."""
        question = message.reply_to_message
        asked = asked_of(question, self._bot.bot) if question is not None else None
        if question is None or asked is None:
            await self._acknowledge(query, "I can't see the question any more. Please ask it again.")
            return
        await self._acknowledge(query)
        await self._commands.on_message(question, asked, slot, in_time=True)

    async def _turn_elsewhere(self, press: Turn, query: CallbackQuery, message_id: str) -> None:
        """More of an answer that stands in a chat where the bot is not."""
        question = question_of("", query.from_user, Place.GROUP)
        reply = self._desk.current.show(press.entry_id, press.revision, question)
        for view in (replace(press.view, below=False), View()):
            pages = render(reply, view, frame=Frame(browsing=False))
            if len(pages) == 1:
                await put_in_place(self._bot, message_id, pages)
                return

    async def _acknowledge(self, query: CallbackQuery, notice: str = "") -> None:
        """Stop the button's spinner; one pressed too long ago has none any more, and that is no failure."""
        text = plain(notice, CallbackQueryLimit.ANSWER_CALLBACK_QUERY_TEXT_LENGTH) if notice else None
        try:
            await query.answer(text, show_alert=text is not None and len(text) > _GLANCE)
        except TelegramError as error:
            log.debug("press_not_acknowledged", platform="telegram", error=type(error).__name__)


# What can be read in the second or two for which a notice stands over the chat; longer ones wait for an "OK".
_GLANCE = 60
