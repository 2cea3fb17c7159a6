"""The models of ``faq.yaml`` and its utterance files: what an editor may write, and nothing else."""

from __future__ import annotations

import hashlib
from datetime import date
from functools import cached_property
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

# Ids travel in buttons: Telegram allows 64 bytes of callback data, of which we use up to 24 for the rest.
ENTRY_ID_MAX = 40

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=ENTRY_ID_MAX)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Disclaimer(_Model):
    """What stands under every reply (``short``) and under /start, /help and the profile (``long``)."""

    short: Text
    long: Text


class Source(_Model):
    """One row of the sources table; ``seen`` is the day on which somebody last saw it."""

    title: Text
    publisher: Text
    year: int | None = None
    url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]
    seen: date | None = None


class Entry(_Model):
    """One question with its reviewed answer.

    Only what a reply cannot do without is required to load; ``iris check`` asks for the rest.
    """

    id: Id
    group: Id = "general"
    question: Text
    short: Text
    details: str = ""
    strength: str = ""
    sources: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    reviewed: date | None = None
    review_due: date | None = None
    reviewed_by: str = ""
    utterances: tuple[Text, ...] = ()

    @cached_property
    def revision(self) -> str:
        """8 hex digits that change when anything changes that a reader sees; they travel in buttons."""
        seen = "\x1f".join((self.question, self.short, self.details, *self.sources))
        return hashlib.sha256(seen.encode()).hexdigest()[:8]


class SmallTalk(_Model):
    """A remark about the bot itself and its fixed reply."""

    id: Id
    question: Text
    reply: Text
    utterances: tuple[Text, ...] = ()


class Replies(_Model):
    """What the bot says when it has no entry to show. The defaults serve a content file without this part."""

    unknown: Text = "I don't have a reviewed answer to that."
    clarify: Text = "I'm not sure which of these you mean:"
    empty: Text = "Please type a question, for example: What is insulin resistance?"
    too_long: Text = "That message is too long for me. Please ask your question in one or two sentences."
    changed: Text = "This answer has changed since that button was made; here it is as it stands now."
    gone: Text = "That answer has changed or was taken away. Please ask your question again."


class Vocabulary(_Model):
    """``vocabulary.yaml``: what an editor knows about words, for the matcher."""

    expand: dict[str, Text] = Field(default_factory=dict)
    """Abbreviations and lay words -> the words that the entries use ("t1d": "type 1 diabetes")."""
    diseases: tuple[tuple[Text, ...], ...] = ()
    medicines: tuple[tuple[Text, ...], ...] = ()
    """For each disease and medicine all its spellings, whether an entry is about it or not."""


class Faq(_Model):
    """Everything in ``faq.yaml``, with the utterances of the files beside it folded in."""

    disclaimer: Disclaimer
    entries: Annotated[tuple[Entry, ...], Field(min_length=1)]
    groups: dict[Id, Text] = Field(default_factory=dict)
    sources: dict[str, Source] = Field(default_factory=dict)
    smalltalk: tuple[SmallTalk, ...] = ()
    out_of_scope: dict[str, tuple[Text, ...]] = Field(default_factory=dict)
    replies: Replies = Field(default_factory=Replies)
    vocabulary: Vocabulary = Field(default_factory=Vocabulary)

    @cached_property
    def entry_by_id(self) -> dict[str, Entry]:
        return {entry.id: entry for entry in self.entries}

    @cached_property
    def smalltalk_by_id(self) -> dict[str, SmallTalk]:
        return {talk.id: talk for talk in self.smalltalk}
