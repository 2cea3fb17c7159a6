"""Was I asked, and what? From a Telegram message to the words for the core, without command or mention.

In groups only a command, a mention or a reply to the bot counts, also where an administrator's rights let the
bot read everything. Nothing here knows what the words mean.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from telegram import Message, MessageEntity, User
from telegram.constants import ChatType, MessageEntityType

COMMANDS = frozenset({"start", "help", "ask", "topics", "sources", "privacy", "mydata", "forgetme", "settings"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What a message wants of the bot: one of ``COMMANDS``, "ask" for free text, and the words after it."""

    command: str
    text: str
    is_own_words: bool = True
    """Not somebody else's message that this one points at."""


def asked_of(message: Message, me: User) -> Asked | None:
    """What ``message`` asks of the bot ``me``; None where it was not meant or no person wrote it."""
    if not _is_from_a_person(message):
        return None
    text, entities = _words(message)
    private = message.chat.type == ChatType.PRIVATE
    begun = next((entity for entity in entities if _opens(entity)), None)
    if begun is not None:
        name, _, addressee = text[1 : begun.length].lower().partition("@")
        if addressee and addressee != (me.username or "").lower():
            return None
        if name in COMMANDS:
            rest = _without(text, [begun])
            return Asked(name, rest) if rest or name != "ask" else _pointed_at(message, me)
        return Asked("help", "") if private or addressee else None
    mentions = [entity for entity in entities if _names(text, entity, me)]
    if mentions:
        rest = _without(text, mentions)
        return Asked("ask", rest) if rest else _pointed_at(message, me)
    if private:
        return Asked("ask", text) if text or _is_wordless(message) else None
    return Asked("ask", text) if text and _is_mine(message.reply_to_message, me) else None


def _is_from_a_person(message: Message) -> bool:
    """Not a bot, nor its words in a person's name, nor a channel's post copied into a group.

    Administrators who write anonymously, and people who write as a channel, come with a stand-in bot as
    author and with ``sender_chat``.
    """
    if message.via_bot or message.is_automatic_forward or message.chat.type == ChatType.CHANNEL:
        return False
    author = message.from_user
    return author is not None and (not author.is_bot or message.sender_chat is not None)


def _words(message: Message) -> tuple[str, tuple[MessageEntity, ...]]:
    """The message's text, or the caption of its picture or file, with the entities in it."""
    if message.text is not None:
        return message.text, tuple(message.entities)
    return message.caption or "", tuple(message.caption_entities)


def _opens(entity: MessageEntity) -> bool:
    return entity.type == MessageEntityType.BOT_COMMAND and entity.offset == 0


def _names(text: str, entity: MessageEntity, me: User) -> bool:
    """Whether the entity is a mention of ``me``, by name or by link."""
    if entity.type == MessageEntityType.TEXT_MENTION:
        return entity.user is not None and entity.user.id == me.id
    if entity.type != MessageEntityType.MENTION:
        return False
    raw = _utf16(text)[2 * entity.offset : 2 * (entity.offset + entity.length)]
    return raw.decode("utf-16-le", "replace").lower() == f"@{me.username}".lower()


def _without(text: str, entities: Iterable[MessageEntity]) -> str:
    """``text`` without what the entities cover; their offsets count UTF-16 units."""
    raw = _utf16(text)
    for entity in sorted(entities, key=lambda entity: entity.offset, reverse=True):
        raw = raw[: 2 * entity.offset] + raw[2 * (entity.offset + entity.length) :]
    return raw.decode("utf-16-le", "replace").strip()


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def _pointed_at(message: Message, me: User) -> Asked:
    """The words that a bare "/ask" or mention replies to, or the part of them that was selected."""
    if message.quote is not None:
        return Asked("ask", message.quote.text, is_own_words=False)
    replied = message.reply_to_message
    words = "" if replied is None or _is_mine(replied, me) else _words(replied)[0].strip()
    return Asked("ask", words, is_own_words=False)


def _is_mine(message: Message | None, me: User) -> bool:
    return message is not None and message.from_user is not None and message.from_user.id == me.id


def _is_wordless(message: Message) -> bool:
    """A sticker, voice note or picture alone; not each picture of an album."""
    return message.effective_attachment is not None and message.media_group_id is None
