"""Puts rendered pages into a chat: in the right topic, as a reply where many talk, in place of a message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from telegram import MaybeInaccessibleMessage, Message
from telegram.error import BadRequest, ChatMigrated, Forbidden, RetryAfter, TelegramError, TimedOut

from adapters.telegram.render import Page
from adapters.telegram.wire import TelegramBot

# Telegram gives its refusals no codes, only words (github.com/TelegramBotAPI/errors); a fixed word for each that
# asks for something else than the others. What comes first wins.
_REFUSALS = (
    ("topic_closed", ("topic_closed", "topic_deleted", "message thread not found")),
    ("no_right", ("not enough rights", "no rights", "chat_write_forbidden", "chat_restricted", "need administrator")),
    ("kicked", ("kicked", "not a member", "chat not found", "group chat was deactivated")),
    ("blocked", ("blocked", "deactivated", "can't initiate")),
)


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a reply goes: the chat, its topic in a forum, and the message that it answers."""

    chat_id: int | str
    topic: int | None = None
    reply_to: int | None = None


def spot_of(message: MaybeInaccessibleMessage, *, reply: bool = True) -> Spot:
    """Where to answer ``message``: as a reply to it, unless ``reply`` says no."""
    topic = message.message_thread_id if isinstance(message, Message) and message.is_topic_message else None
    return Spot(message.chat.id, topic, message.message_id if reply else None)


def refusal(error: TelegramError) -> str:
    """Why a message was not taken, as one of a few fixed words."""
    words = error.message.lower()
    for name, signs in _REFUSALS:
        if any(sign in words for sign in signs):
            return name
    if isinstance(error, Forbidden):
        return "blocked"
    if isinstance(error, RetryAfter):
        return "flood"
    if isinstance(error, BadRequest):
        return "refused"
    return "network"


async def send(bot: TelegramBot, spot: Spot, pages: Sequence[Page]) -> int | None:
    """Send the pages in order, the first as a reply. A group that became a supergroup is followed; returns its new id.

    What is urgent goes beside a closed topic where it cannot go into it.
    """
    moved_to = None
    for page in pages:
        try:
            await _send_one(bot, spot, page)
        except ChatMigrated as moved:
            spot = Spot(moved.new_chat_id)  # topics and message ids did not move along
            moved_to = moved.new_chat_id
            await _send_one(bot, spot, page)
        except BadRequest as error:
            if not (page.urgent and spot.topic and refusal(error) == "topic_closed"):
                raise
            spot = Spot(spot.chat_id)
            await _send_one(bot, spot, page)
        spot = replace(spot, reply_to=None)
    return moved_to


async def put_in_place(bot: TelegramBot, message: MaybeInaccessibleMessage | str, pages: Sequence[Page]) -> None:
    """Show the pages in place of the bot's ``message``, below where that can't be.

    A string is the id of a message that was sent through inline or guest mode: it can be changed, nothing more.
    """
    if isinstance(message, str):
        place: dict[str, int | str] = {"inline_message_id": message}
    else:
        place = {"chat_id": message.chat.id, "message_id": message.message_id}
        if len(pages) > 1:
            await send(bot, spot_of(message), pages)
            return
    try:
        await bot.edit_message_text(pages[0].html, reply_markup=pages[0].keyboard, **place)  # type: ignore[arg-type]
    except BadRequest as error:
        reason = error.message.lower()
        if "message is not modified" in reason:
            return  # pressed twice
        gone = "message to edit not found" in reason or "message can't be edited" in reason
        if isinstance(message, str) or not gone:
            raise
        await send(bot, spot_of(message, reply=False), pages)


async def _send_one(bot: TelegramBot, spot: Spot, page: Page) -> None:
    for last_try in (not page.urgent, True):
        try:
            await bot.write(
                spot.chat_id,
                page.html,
                page.keyboard_json,
                topic=spot.topic,
                reply_to=spot.reply_to,
                urgent=page.urgent,
            )
        except TimedOut:  # it may have arrived
            if last_try:
                raise
        else:
            return
