"""Where people write: a chat, the topic in it, and what its administrators have chosen for it."""

from __future__ import annotations

from dataclasses import dataclass

from telegram import Chat, MaybeInaccessibleMessage, Message, User
from telegram.constants import ChatType

from adapters.telegram.render import Frame
from bot.question import Place, Question
from bot.records import Community, CommunitySettings, Person, Records

PLATFORM = "telegram"
# A forum's General topic has no id in messages; links and settings know it as this one.
_GENERAL = "1"


@dataclass(frozen=True, slots=True)
class Venue:
    """One chat, as far as an answer depends on it; ``topic`` is "" where the chat is no forum."""

    chat: Chat
    topic: str
    settings: CommunitySettings
    link: str
    """Opens a private chat with the bot, up to the payload."""

    @property
    def is_private(self) -> bool:
        """Whether one person talks with the bot here."""
        return self.chat.type == ChatType.PRIVATE

    @property
    def is_served(self) -> bool:
        """Whether the administrators want ordinary answers in this topic."""
        chosen = self.settings.channels
        return not (chosen and self.topic) or self.topic in chosen

    @property
    def channel(self) -> str:
        """What a pause between questions is counted for."""
        return f"{self.chat.id}/{self.topic}"

    def question(self, text: str, asker: User | None) -> Question:
        """The question for the core: words, language and kind of place; nothing about who asked."""
        place = Place.PRIVATE if self.is_private else Place.GROUP
        return question_of(text, asker, place, self.settings)

    def frame(self, *, can_send_in: bool = False) -> Frame:
        """What stands around a reply here."""
        return Frame(
            extra_line=self.settings.extra_line,
            private_link="" if self.is_private else self.link,
            votes=True,
            can_send_in=can_send_in,
            can_ask_human=self.settings.human_channel is not None and not self.is_private,
        )


async def venue_of(message: MaybeInaccessibleMessage, records: Records, me: User) -> Venue:
    """The venue of a message."""
    settings = await records.settings(community_of(message.chat.id))
    return Venue(message.chat, topic_of(message), settings, f"https://t.me/{me.username}?start=")


def community_of(chat_id: int) -> Community:
    """A chat, as the records name it."""
    return Community(PLATFORM, str(chat_id))


def person_of(asker: User | Chat) -> Person:
    """A person, as the records name them; who writes as a chat is that chat."""
    return Person(PLATFORM, str(asker.id))


def topic_of(message: MaybeInaccessibleMessage) -> str:
    """The forum topic that a message stands in; "" where there are none."""
    if not message.chat.is_forum:
        return ""
    in_one = isinstance(message, Message) and message.is_topic_message and message.message_thread_id
    return str(message.message_thread_id) if isinstance(message, Message) and in_one else _GENERAL


def question_of(text: str, asker: User | None, place: Place, settings: CommunitySettings | None = None) -> Question:
    """A question in the language of the place, else of the asker; likewise the region for emergency numbers."""
    settings = settings or CommunitySettings()
    spoken = asker.language_code if asker else None
    region = settings.region or (spoken or "").replace("_", "-").partition("-")[2].upper()
    return Question(
        text=text,
        place=place,
        language=settings.language or spoken,
        region=region if len(region) == 2 and region.isalpha() else None,
    )
