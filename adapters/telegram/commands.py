"""Messages to the bot: questions, commands, captions, and what they were edited into."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import replace

import structlog
from telegram import Message, User
from telegram.error import BadRequest, Forbidden, TelegramError

from adapters.telegram.asked import Asked, asked_of
from adapters.telegram.callback import View, entry_in
from adapters.telegram.chat_settings import ChatSettings
from adapters.telegram.delivery import Spot, send, spot_of
from adapters.telegram.intake import Slot
from adapters.telegram.late import Late
from adapters.telegram.render import Page, render, render_my_data, render_sources, render_text, render_topics
from adapters.telegram.venue import PLATFORM, Venue, community_of, person_of, venue_of
from adapters.telegram.wire import TelegramBot
from bot import metrics
from bot.answer import Answerer
from bot.desk import Desk
from bot.records import Records
from bot.reply import TROUBLE, Reply, ReplyKind

log = structlog.get_logger(__name__)

# Messages whose safety reply is remembered, so that each later edit does not bring it again.
_REMEMBERED = 1024
# Deep links that are no entries; an entry's id never begins so.
MY_DATA_LINK = "_mydata"


class Commands:
    """Answers messages. Keeps nothing but, in memory, the ids of the last ones with a safety reply."""

    def __init__(self, bot: TelegramBot, desk: Desk, records: Records, late: Late) -> None:
        self._bot = bot
        self._desk = desk
        self._records = records
        self._late = late
        self._settings = ChatSettings(bot, desk, records)
        self._warned: OrderedDict[tuple[int, int, str | None], None] = OrderedDict()

    def asked(self, message: Message) -> Asked | None:
        """What the message wants of us; None where it is not meant for us."""
        return asked_of(message, self._bot.bot)

    async def on_message(self, message: Message, asked: Asked, slot: Slot, *, in_time: bool = False) -> None:
        """Answer a new message that is meant for the bot.

        ``in_time``: the person has just said that an answer is still wanted.
        """
        if asked.command == "ask":
            await self._on_question(message, asked, slot, in_time=in_time)
            return
        await slot.come()
        venue = await venue_of(message, self._records, self._bot.bot)
        answerer = self._desk.current
        if not in_time and self._late.is_late(message):
            await self._late.offer(message, answerer)
            return
        pages = await self._pages(asked, message, venue, answerer)
        await self._send(spot_of(message), pages)

    async def _on_question(self, message: Message, asked: Asked, slot: Slot, *, in_time: bool) -> None:
        """Answer a question: at once what must not wait, the rest in its turn."""
        began = time.perf_counter()
        venue = await venue_of(message, self._records, self._bot.bot)
        question = venue.question(asked.text, message.from_user)
        reply = await self._desk.answer(question)
        if reply.kind is ReplyKind.SAFETY:
            self._is_new_warning(message, reply)
            await self._warn(message, venue, reply)
        else:
            crowded = slot.is_crowded
            await slot.come()
            if crowded:
                await self._late.too_many(message, self._desk.current)
                return
            if not in_time and self._late.is_late(message):
                await self._late.offer(message, self._desk.current)
                return
            pages = await self._held_back(message, venue)
            if pages:
                await self._send(spot_of(message), pages)
                return
            can_send_in = bool(asked.text) and asked.is_own_words and reply != TROUBLE
            await self._send(spot_of(message), render(reply, frame=venue.frame(can_send_in=can_send_in)))
        self._count(reply, question.place.value, time.perf_counter() - began)

    async def on_edit(self, message: Message) -> None:
        """Look again at a message whose words have changed: it gets a safety reply, or none."""
        asked = self.asked(message)
        if asked is None or asked.command != "ask":
            return
        began = time.perf_counter()
        venue = await venue_of(message, self._records, self._bot.bot)
        reply = await self._desk.answer(venue.question(asked.text, message.from_user))
        if reply.kind is ReplyKind.SAFETY and self._is_new_warning(message, reply):
            await self._warn(message, venue, reply)
            self._count(reply, "edit", time.perf_counter() - began)

    async def on_move(self, old: int, new: int) -> None:
        """A group became a supergroup: its settings go along."""
        if not await self._records.move_settings(community_of(old), community_of(new)):
            log.warning("settings_not_moved", platform=PLATFORM)
            metrics.count_failure(PLATFORM, "settings")

    async def _warn(self, message: Message, venue: Venue, reply: Reply) -> None:
        """Where the group lets us not write, the person may have a private chat with us."""
        pages = render(reply, frame=venue.frame())
        try:
            await self._send(spot_of(message), pages)
        except (BadRequest, Forbidden) as error:
            asker = message.from_user
            if venue.is_private or asker is None or asker.is_bot:
                raise
            try:
                await send(self._bot, Spot(asker.id), pages)
            except TelegramError:
                raise error from None

    async def _send(self, spot: Spot, pages: tuple[Page, ...]) -> None:
        moved_to = await send(self._bot, spot, pages)
        if moved_to is not None and isinstance(spot.chat_id, int):
            await self.on_move(spot.chat_id, moved_to)

    async def _held_back(self, message: Message, venue: Venue) -> tuple[Page, ...]:
        """What to say in place of an ordinary answer: the wrong topic, or too soon after the last question."""
        disclaimer = self._desk.current.disclaimer
        if not venue.is_served:
            return render_text(_elsewhere(venue), disclaimer)
        asker = message.sender_chat or message.from_user
        if venue.settings.cooldown_s and asker is not None:
            wait = await self._records.wait_before_asking(person_of(asker), venue.channel, venue.settings.cooldown_s)
            if wait > 0:
                seconds = f"{wait:.0f} second{'' if round(wait) == 1 else 's'}"
                return render_text(f"Please wait {seconds} before your next question.", disclaimer)
        return ()

    async def _pages(self, asked: Asked, message: Message, venue: Venue, answerer: Answerer) -> tuple[Page, ...]:
        topics, disclaimer = answerer.topics(), answerer.disclaimer
        match asked.command:
            case "topics":
                return (render_topics(topics, "", disclaimer),)
            case "sources":
                replied = message.reply_to_message
                shown = entry_in(replied.reply_markup) if replied else None
                if shown is not None:
                    return render(answerer.show(*shown), View(sources=True), frame=venue.frame())
                return (render_sources(topics, (), "", 0, disclaimer),)
            case "privacy":
                return render(privacy(answerer, self._records), frame=venue.frame())
            case "mydata" | "forgetme":
                return await self._personal(asked.command, message, venue, disclaimer)
            case "settings":
                return await self._settings.on_command(asked.text, message, venue)
            case "start" if asked.text == MY_DATA_LINK:
                return await self._personal("mydata", message, venue, disclaimer)
            case "start" if asked.text and asked.text != "help":
                question = venue.question(asked.text, message.from_user)
                return render(answerer.show(asked.text, question=question), frame=venue.frame())
            case _:
                return render(answerer.welcome(), frame=venue.frame(), topics=True)

    async def _personal(self, command: str, message: Message, venue: Venue, disclaimer: str) -> tuple[Page, ...]:
        """What is kept of a person is for their eyes alone."""
        if not venue.is_private:
            text = f"I tell you that in private: [open our chat]({venue.link}{MY_DATA_LINK})."
            return render_text(text, disclaimer)
        asker: User | None = message.from_user
        if asker is None:
            return render_text(NOT_NOW, disclaimer)
        if command == "forgetme":
            return render_text(await forget(self._records, asker), disclaimer)
        data = await self._records.my_data(person_of(asker))
        if data is None:
            return render_text(NOT_NOW, disclaimer)
        return (render_my_data(data.lines(), disclaimer),)

    def _count(self, reply: Reply, where: str, seconds: float) -> None:
        """Count a reply that went out; that something failed says nothing about the content."""
        if reply != TROUBLE:
            self._records.count(PLATFORM, reply)
        metrics.count_reply(PLATFORM, reply, seconds)
        note(reply, where, seconds)

    def _is_new_warning(self, message: Message, reply: Reply) -> bool:
        """Whether this message has not had this safety reply yet; remembers that it has now."""
        key = (message.chat.id, message.message_id, reply.entry_id)
        new = key not in self._warned
        self._warned[key] = None
        if len(self._warned) > _REMEMBERED:
            self._warned.popitem(last=False)
        return new


NOT_NOW = "I can't look that up at the moment. Please try again in a few minutes."


def privacy(answerer: Answerer, records: Records) -> Reply:
    """What the content says of privacy, and exactly what is kept under the settings in force."""
    said = answerer.privacy()
    return replace(said, text=f"{said.text}\n\n{records.privacy()}")


async def forget(records: Records, asker: User) -> str:
    """Delete what can be tied to a person, and say what that was."""
    data = await records.forget(person_of(asker))
    if data is None:
        return "I could not delete it at the moment. Please try again in a few minutes."
    gone = data.lines()
    return f"**Deleted:**\n\n{gone}" if data.votes or data.questions or data.settings else gone


def _elsewhere(venue: Venue) -> str:
    """Where in this forum questions are answered."""
    chat = venue.chat
    base = f"https://t.me/{chat.username}" if chat.username else f"https://t.me/c/{str(chat.id).removeprefix('-100')}"
    places = ", ".join(f"[here]({base}/{topic})" for topic in venue.settings.channels)
    return f"In this group I answer questions in other topics: {places}."


def note(reply: Reply, where: str, seconds: float) -> None:
    """Log the outcome: never words, names or ids of people."""
    log.info(
        "answered",
        platform=PLATFORM,
        where=where,
        kind=reply.kind.value,
        entry=reply.entry_id,
        confidence=round(reply.confidence, 3),
        ms=round(seconds * 1000, 1),
    )
