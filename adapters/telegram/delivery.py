"""Puts rendered pages into a chat: in the right topic, as a reply where many talk, in place of a message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from telegram import Bot, MaybeInaccessibleMessage, Message, ReplyParameters
from telegram.constants import ChatType
from telegram.error import BadRequest, ChatMigrated, TimedOut

from adapters.telegram.render import Page


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a reply goes: the chat, its topic in a forum, and the message that it answers."""

    chat_id: int
    topic: int | None = None
    reply_to: int | None = None


def spot_of(message: MaybeInaccessibleMessage, *, reply: bool | None = None) -> Spot:
    """Where to answer ``message``: as a reply to it in groups, plainly in private, unless ``reply`` says."""
    if reply is None:
        reply = message.chat.type != ChatType.PRIVATE
    topic = message.message_thread_id if isinstance(message, Message) and message.is_topic_message else None
    return Spot(message.chat.id, topic, message.message_id if reply else None)


async def send(bot: Bot, spot: Spot, pages: Sequence[Page]) -> None:
    """Send the pages in order, the first as a reply. A group that became a supergroup is followed."""
    for page in pages:
        try:
            await _send_one(bot, spot, page)
        except ChatMigrated as moved:
            spot = Spot(moved.new_chat_id)  # topics and message ids did not move along
            await _send_one(bot, spot, page)
        spot = replace(spot, reply_to=None)


async def put_in_place(bot: Bot, message: MaybeInaccessibleMessage, pages: Sequence[Page]) -> None:
    """Show the pages in place of the bot's ``message``; below where that can't be."""
    if len(pages) > 1:
        await send(bot, spot_of(message, reply=True), pages)
        return
    try:
        await bot.edit_message_text(
            pages[0].html,
            chat_id=message.chat.id,
            message_id=message.message_id,
            reply_markup=pages[0].keyboard,
        )
    except BadRequest as error:
        # Telegram gives these no codes, only words.
        reason = error.message.lower()
        if "message is not modified" in reason:
            return  # pressed twice
        if "message to edit not found" not in reason and "message can't be edited" not in reason:
            raise
        await send(bot, spot_of(message, reply=False), pages)


async def _send_one(bot: Bot, spot: Spot, page: Page) -> None:
    reply = ReplyParameters(spot.reply_to, allow_sending_without_reply=True) if spot.reply_to else None
    for last_try in (not page.urgent, True):
        try:
            await bot.send_message(
                spot.chat_id,
                page.html,
                message_thread_id=spot.topic,
                reply_parameters=reply,
                reply_markup=page.keyboard,
            )
        except TimedOut:  # it may have arrived
            if last_try:
                raise
        else:
            return
