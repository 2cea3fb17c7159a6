"""Where somebody asks: the direct chat, a community with its settings, or a chat where IRIS is only a guest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import discord

from adapters.discord.delivery import Interaction, is_direct, is_direct_message
from adapters.discord.failures import PLATFORM
from adapters.discord.render import Around
from bot.question import Place, Question
from bot.records import Community, CommunitySettings, Person, Records
from bot.reply import TROUBLE, Reply, ReplyKind


@dataclass(frozen=True, slots=True)
class Surroundings:
    """All that an answer needs to know about the place and the asker besides the words."""

    person: Person
    channel: str
    """The id of the channel or thread."""
    direct: bool
    """The asker's own chat with IRIS: nobody else reads along."""
    language: str | None
    settings: CommunitySettings
    is_answered_here: bool
    """Whether the community lets IRIS answer openly in this channel."""

    @property
    def shows_to_all(self) -> bool:
        """Whether /ask answers for everyone here unless the asker says otherwise."""
        return self.settings.public and self.is_answered_here

    def question(self, text: str, *, hidden: bool) -> Question:
        """``text`` as a question from here. Discord's languages say nothing about where somebody lives: no region."""
        place = Place.PRIVATE if hidden or self.direct else Place.GROUP
        return Question(text, place, language=self.settings.language or self.language, region=self.settings.region)

    def around(self, reply: Reply, *, hidden: bool, asked: str = "") -> Around:
        """What stands around ``reply`` when it is shown here; ``asked`` are the words that it replies to, if any."""
        return Around(
            note="" if self.is_answered_here or not hidden else _elsewhere(self.settings),
            extra_line=self.settings.extra_line,
            votes=reply.kind is ReplyKind.ANSWER,
            ask_human=self.settings.human_channel is not None,
            send_in=reply is not TROUBLE and any(character.isalnum() for character in asked),
            deleted_by=None if hidden else int(self.person.id),
        )


async def of_interaction(records: Records, interaction: Interaction) -> Surroundings:
    """Where an interaction comes from. A community that only the asker brought IRIS into has no say and no settings."""
    settings = CommunitySettings()
    if interaction.guild_id is not None and interaction.is_guild_integration():
        settings = await records.settings(community(interaction.guild_id))
    return Surroundings(
        person(interaction.user.id),
        str(interaction.channel_id),
        is_direct(interaction),
        str(interaction.locale),
        settings,
        _is_answered(settings, interaction.channel, interaction.channel_id),
    )


async def of_message(records: Records, message: discord.Message) -> Surroundings:
    """Where a message was written."""
    # A guild that Discord has not described yet is known by its id alone.
    guild_id: int | None = message.guild.id if message.guild else getattr(message.channel, "guild_id", None)
    settings = CommunitySettings() if guild_id is None else await records.settings(community(guild_id))
    return Surroundings(
        person(message.author.id),
        str(message.channel.id),
        is_direct_message(message),
        str(message.guild.preferred_locale) if message.guild else None,
        settings,
        _is_answered(settings, message.channel, message.channel.id),
    )


def community(guild_id: int) -> Community:
    """A guild, as the records know it."""
    return Community(PLATFORM, str(guild_id))


def person(user_id: int) -> Person:
    """A user, as the records know them: only long enough to make a key of."""
    return Person(PLATFORM, str(user_id))


def _is_answered(settings: CommunitySettings, channel: Any, channel_id: int | None) -> bool:
    """Whether the channel, or the one that a thread or forum post belongs to, is among those that are answered."""
    ids = {str(channel_id), str(getattr(channel, "parent_id", None))}
    return not settings.channels or not ids.isdisjoint(settings.channels)


def _elsewhere(settings: CommunitySettings) -> str:
    places = ", ".join(f"<#{id_}>" for id_ in settings.channels[:5] if id_.isdecimal())
    return f"-# This community has me answer openly in {places}; here, only you see this." if places else ""
