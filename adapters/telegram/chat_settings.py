"""/settings: what the administrators of a chat choose for it, by buttons and by words after the command.

Whether somebody is an administrator is asked of Telegram each time. In a private chat the person decides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from telegram import CallbackQuery, Chat, Message, User
from telegram.constants import ChatMemberStatus
from telegram.error import TelegramError

from adapters.telegram.callback import Change, Press
from adapters.telegram.render import Page, render_text
from adapters.telegram.venue import Venue, community_of
from adapters.telegram.wire import TelegramBot
from bot.desk import Desk
from bot.records import EXTRA_LINE_MAX, CommunitySettings, Records

_PAUSES_S = (0, 10, 30, 60, 300)
_LONGEST_PAUSE_S = 3600
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", re.IGNORECASE)
_OFF = frozenset({"", "off", "none", "no", "-"})

NOT_ALLOWED = "Only administrators of this chat can change its settings."
_NOT_SAVED = "I could not save that at the moment. Please try again in a few minutes."
_HOW = """Send one of these to change something, with `off` to take it back:

- `/settings region GB`
- `/settings language en`"""
_HOW_IN_GROUPS = """
- `/settings pause 30`
- `/settings line Our rules: example.org`
- `/settings human -1001234567890`"""


class Unusable(Exception):
    """A value that cannot be taken; the message says why and what to write."""


class ChatSettings:
    """Shows and changes the settings of one chat at a time."""

    def __init__(self, bot: TelegramBot, desk: Desk, records: Records) -> None:
        self._bot = bot
        self._desk = desk
        self._records = records

    async def on_command(self, words: str, message: Message, venue: Venue) -> tuple[Page, ...]:
        """The page for ``/settings``, or what became of ``/settings <name> <value>``."""
        disclaimer = self._desk.current.disclaimer
        if not await self._may_change(message.from_user, message.sender_chat, venue):
            return render_text(NOT_ALLOWED, disclaimer)
        if not words:
            return self._page(venue)
        name, _, value = words.partition(" ")
        try:
            changed = await self._changed(venue, name.lower(), value.strip(), message.from_user)
        except Unusable as why:
            return render_text(str(why), disclaimer)
        return await self._save(venue, changed)

    async def on_press(self, press: Change, query: CallbackQuery, venue: Venue) -> tuple[Page, ...] | None:
        """The page after a change; None where the person may not change anything."""
        if not await self._may_change(query.from_user, None, venue):
            return None
        settings = venue.settings
        if press.setting == "pause" and press.value.isdigit() and int(press.value) in _PAUSES_S:
            settings = replace(settings, cooldown_s=int(press.value))
        elif press.setting == "topic" and press.value.isdigit():
            kept = [topic for topic in settings.channels if topic != press.value]
            added = [press.value] if press.value not in settings.channels else []
            settings = replace(settings, channels=tuple(kept + added))
        elif press.setting == "everywhere":
            settings = replace(settings, channels=())
        return await self._save(venue, settings)

    async def _save(self, venue: Venue, settings: CommunitySettings) -> tuple[Page, ...]:
        if settings != venue.settings and not await self._records.save_settings(community_of(venue.chat.id), settings):
            return render_text(_NOT_SAVED, self._desk.current.disclaimer)
        return self._page(replace(venue, settings=settings))

    async def _may_change(self, person: User | None, written_as: Chat | None, venue: Venue) -> bool:
        """Administrators who write anonymously write as the chat itself."""
        if venue.is_private or (written_as is not None and written_as.id == venue.chat.id):
            return True
        return person is not None and written_as is None and await self._administers(person, venue.chat.id)

    async def _administers(self, person: User, chat: int | str) -> bool:
        try:
            member = await self._bot.get_chat_member(chat, person.id)
        except TelegramError:
            return False
        return member.status in (ChatMemberStatus.OWNER, ChatMemberStatus.ADMINISTRATOR)

    async def _changed(self, venue: Venue, name: str, value: str, person: User | None) -> CommunitySettings:
        """The settings with one of them changed. Raises Unusable."""
        settings = venue.settings
        off = value.lower() in _OFF
        if name == "region":
            if not off and not (len(value) == 2 and value.isascii() and value.isalpha()):
                raise Unusable("A region is a code of two letters, such as `/settings region GB`.")
            return replace(settings, region=None if off else value.upper())
        if name == "language":
            if not off and not _LANGUAGE.fullmatch(value):
                raise Unusable("A language is a code such as `en`: `/settings language en`.")
            return replace(settings, language=None if off else value)
        if venue.is_private:
            raise Unusable(_HOW)
        if name == "pause":
            if not off and not (value.isascii() and value.isdigit() and int(value) <= _LONGEST_PAUSE_S):
                raise Unusable(f"A pause is a number of seconds up to {_LONGEST_PAUSE_S}: `/settings pause 30`.")
            return replace(settings, cooldown_s=0 if off else int(value))
        if name == "line":
            if len(value) > EXTRA_LINE_MAX:
                raise Unusable(f"The line can have {EXTRA_LINE_MAX} characters; this one has {len(value)}.")
            return replace(settings, extra_line="" if off else " ".join(value.split()))
        if name == "human":
            return replace(settings, human_channel=None if off else await self._human_chat(venue, value, person))
        raise Unusable(_HOW + _HOW_IN_GROUPS)

    async def _human_chat(self, venue: Venue, value: str, person: User | None) -> str:
        """The id of a chat where helpers are; whoever names it must be an administrator there too."""
        if value.lower() == "here" or value == str(venue.chat.id):
            return str(venue.chat.id)
        try:
            chat = await self._bot.get_chat(int(value) if value.lstrip("-").isdigit() else value)
        except TelegramError:
            raise Unusable(
                "I can't see that chat. Add me to it, send /settings there to see its number, and try again."
            ) from None
        if person is None or not await self._administers(person, chat.id):
            raise Unusable("You need to be an administrator of that chat too, and to write here under your own name.")
        return str(chat.id)

    def _page(self, venue: Venue) -> tuple[Page, ...]:
        settings = venue.settings
        lines = [
            f"- Region, for emergency numbers: {settings.region or 'as each person has set their language'}",
            f"- Language: {settings.language or 'the language of each person'}",
        ]
        rows: list[Sequence[tuple[str, Press]]] = []
        if venue.is_private:
            return render_text("\n".join(("**Your settings**", "", *lines, "", _HOW)), self._desk.current.disclaimer)
        pause = f"{settings.cooldown_s} s" if settings.cooldown_s else "none"
        human = "here" if settings.human_channel == str(venue.chat.id) else settings.human_channel
        lines += [
            f"- Pause between two questions of one person: {pause}",
            f"- “Ask a human” tells: {human or 'nobody, the button is off'}",
            f"- Line under each answer: {_plain(settings.extra_line) or 'none'}",
        ]
        rows.append([(f"Pause: {pause}", Change("pause", str(_next_pause(settings.cooldown_s))))])
        if venue.topic:
            where = f"{len(settings.channels)} topics" if settings.channels else "all topics"
            lines.append(f"- I answer in: {where}")
            here = "Don't answer in this topic" if venue.topic in settings.channels else "Answer in this topic"
            rows.append([(here, Change("topic", venue.topic))])
            if settings.channels:
                rows.append([("Answer in all topics", Change("everywhere"))])
        lines.append(f"- Number of this chat: {venue.chat.id}")
        text = "\n".join(("**Settings of this chat**", "", *lines, "", _HOW + _HOW_IN_GROUPS))
        return render_text(text, self._desk.current.disclaimer, rows)


def _next_pause(now_s: int) -> int:
    return next((pause for pause in _PAUSES_S if pause > now_s), 0)


def _plain(text: str) -> str:
    """Without what the content's small Markdown would take for markup."""
    return re.sub(r"([\\`*_\[\]<>#])", r"\\\1", text)
