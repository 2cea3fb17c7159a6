"""From the people who ask to the people behind the answers: thumbs, a question sent in with consent, a call for help.

Nothing is kept on the way. A question is read from the message that the button's message replies to, only when its
author presses Send, and goes to the records alone.
"""

from __future__ import annotations

import re

from telegram import CallbackQuery, Message
from telegram.error import BadRequest, TelegramError

from adapters.telegram.asked import Asked, asked_of
from adapters.telegram.callback import SendIn, Vote
from adapters.telegram.delivery import Spot, put_in_place, send, spot_of
from adapters.telegram.render import render_consent, render_text, with_send_in
from adapters.telegram.venue import PLATFORM, Venue, person_of, venue_of
from adapters.telegram.wire import TelegramBot
from bot import metrics
from bot.desk import Desk
from bot.records import Records

_NOT_SAVED = "I could not save that at the moment. Please try again in a few minutes."
_NO_QUESTION = "I can't see the question any more. Please ask it again, and press the button under the new answer."
_NOT_YOURS = "Only the person who asked can send this question."
_NOT_SENT = "I could not send it. Please try again later; a few questions a day are taken from each person."
_SENT = "**Sent.** Thank you! The people who maintain the answers will read it."
_NO_HELPERS = "I could not reach the people who help here. Please write to them yourself."
_CALLED = "I told the people who help here that you would like an answer from a person."


class Feedback:
    """Each method does what one button says and returns the notice to show over it, "" for none."""

    def __init__(self, bot: TelegramBot, desk: Desk, records: Records) -> None:
        self._bot = bot
        self._desk = desk
        self._records = records

    async def on_vote(self, press: Vote, query: CallbackQuery, message: Message) -> str:
        """Count a thumb; after a thumb down, offer to send the question in."""
        person = person_of(query.from_user)
        if not await self._records.vote(person, press.entry_id, press.revision, press.up):
            return _NOT_SAVED
        if press.up:
            return "Thank you!"
        asked = self._question_over(message)
        if asked is not None and asked.is_own_words and message.reply_markup is not None:
            offering = with_send_in(message.reply_markup, press.entry_id)
            if offering is not None:
                await self._offer(message, offering)
        return "Thank you. It helps to know that this was not the answer."

    async def on_send_in(self, press: SendIn, query: CallbackQuery, message: Message) -> str:
        """Say what sending in means, or do it."""
        asked, question = self._question_over(message), message.reply_to_message
        if asked is None or question is None or not asked.is_own_words or not asked.text:
            return _NO_QUESTION
        if question.from_user is None or question.from_user.id != query.from_user.id:
            return _NOT_YOURS
        disclaimer = self._desk.current.disclaimer
        if not press.agreed:
            page = render_consent(press.entry_id, self._records.keep_questions_days, disclaimer)
            await send(self._bot, spot_of(question), (page,))
            return ""
        sent = await self._records.send_in(
            asked.text, platform=PLATFORM, entry_id=press.entry_id or None, person=person_of(query.from_user)
        )
        if not sent:
            return _NOT_SENT
        await put_in_place(self._bot, message, render_text(_SENT, disclaimer))
        return ""

    async def on_dismiss(self, message: Message) -> str:
        """Take back what was offered."""
        try:
            await self._bot.delete_message(message.chat.id, message.message_id)
        except BadRequest:  # older than two days: it can't be deleted any more
            await put_in_place(self._bot, message, render_text("Not sent.", self._desk.current.disclaimer))
        return ""

    async def on_ask_human(self, message: Message) -> str:
        """Tell the helpers' chat where somebody waits; of the question they see what they see in the group."""
        venue = await venue_of(message, self._records, self._bot.bot)
        question = message.reply_to_message or message
        if venue.settings.human_channel is None:
            return _NO_HELPERS
        if not await self._records.first_time(f"{PLATFORM}:human:{message.chat.id}:{question.message_id}"):
            return _CALLED
        pages = render_text(_call_for_help(venue, question), self._desk.current.disclaimer)
        try:
            await send(self._bot, Spot(int(venue.settings.human_channel)), pages)
        except TelegramError:
            metrics.count_failure(PLATFORM, "ask_human")
            return _NO_HELPERS
        return _CALLED

    def _question_over(self, message: Message) -> Asked | None:
        """What was asked in the message that ``message`` replies to."""
        question = message.reply_to_message
        return asked_of(question, self._bot.bot) if question is not None else None

    async def _offer(self, message: Message, keyboard: object) -> None:
        try:
            await self._bot.edit_message_reply_markup(
                message.chat.id,
                message.message_id,
                reply_markup=keyboard,  # type: ignore[arg-type]
            )
        except BadRequest as error:
            if "not modified" not in error.message.lower():
                raise


def _call_for_help(venue: Venue, question: Message) -> str:
    title = re.sub(r"([\\`*_\[\]<>#])", r"\\\1", venue.chat.title or "a group")
    text = f"Somebody in **{title}** would like an answer from a person"
    # Telegram makes links for supergroups only.
    return f"{text}: [here]({question.link})." if question.link else f"{text}. Please look there."
