"""Whose vote, settings or data: what adapters name when they call the records; no id is stored as it is."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

EXTRA_LINE_MAX = 200
"""Characters of a community's own line under the disclaimer."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody on a platform; only a keyed digest of it is ever stored."""

    platform: str
    id: str


@dataclass(frozen=True, slots=True)
class Community:
    """A guild or group chat, or a private chat, whose id is then the person's; stored as a keyed digest."""

    platform: str
    id: str


@dataclass(frozen=True, slots=True)
class CommunitySettings:
    """What the people who run a community have chosen; the defaults hold where nothing was chosen."""

    public: bool = False
    """Discord: everybody sees replies to /ask, unless the asker wants otherwise."""
    language: str | None = None
    """BCP 47; None for the asker's."""
    region: str | None = None
    """ISO 3166, for emergency numbers."""
    channels: tuple[str, ...] = ()
    """Where IRIS answers; empty for everywhere. Telegram: ids of forum topics."""
    human_channel: str | None = None
    """Where "Ask a human" posts. Telegram: a chat id."""
    cooldown_s: int = 0
    """Seconds between two questions of one person in one channel; 0 for none."""
    extra_line: str = ""
    """Plain text under the disclaimer, EXTRA_LINE_MAX characters at most."""

    def as_json(self) -> str:
        """For the database."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> CommunitySettings:
        """What was stored, perhaps by an older or newer IRIS: what is unknown or of another type is left out."""
        stored = json.loads(text)
        known: dict[str, Any] = {}
        for field in fields(cls):
            value = stored.get(field.name)
            if field.name == "channels" and isinstance(value, list):
                known[field.name] = tuple(str(item) for item in value)
            elif _fits(value, field.default):
                known[field.name] = value
        return cls(**known)


def _fits(value: object, default: object) -> bool:
    return isinstance(value, str) if default is None else type(value) is type(default)


@dataclass(frozen=True, slots=True)
class PersonData:
    """What can be tied to one person: how many votes and questions, and whether there are settings."""

    votes: int = 0
    questions: int = 0
    settings: bool = False

    def lines(self) -> str:
        """Small Markdown for the person."""
        if not (self.votes or self.questions or self.settings):
            return "There is nothing that I could tie to you."
        kept = []
        if self.votes:
            kept.append(f"- {_count(self.votes, 'vote')} on answers (thumbs up or down)")
        if self.questions:
            kept.append(f"- {_count(self.questions, 'question')} that you sent to the people who maintain the answers")
        if self.settings:
            kept.append("- the settings of your private chat with me")
        return "\n".join(kept)


def _count(number: int, one: str) -> str:
    return f"{number} {one}{'' if number == 1 else 's'}"
