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
    # The docstrings of attributes become what an editor is shown beside each key (see schema.py).
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Disclaimer(_Model):
    """What stands under every reply (``short``) and under /start, /help and the profile (``long``)."""

    short: Text
    long: Text


class Source(_Model):
    """One row of the sources table; ``seen`` is the day on which somebody last saw it."""

    title: Text
    """As the page or article has it."""
    publisher: Text
    """The journal, institute or society."""
    year: int | None = None
    """Of publication; leave it out where the page has none."""
    url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]
    """The web address, with https:// in front."""
    seen: date | None = None
    """The day on which somebody last saw the page, such as 2026-11-21."""


class Entry(_Model):
    """One question with its reviewed answer.

    Only what a reply cannot do without is required to load; ``iris check`` asks for the rest.
    """

    id: Id
    """The entry's name inside the bot, such as ir-tests: letters, digits and hyphens. Never change it later."""
    group: Id = "general"
    """The topic that it is listed under: one of the ids under "groups"."""
    question: Text
    """The question in the reader's words; it is shown as the title and on buttons, at most 77 characters."""
    short: Text
    """The answer in at most 60 words; its first sentence answers the question. **Bold** marks explained terms."""
    details: str = ""
    """80 to 200 words that say more: paragraphs, lists with "- ", **bold**."""
    strength: str = ""
    """How sure the evidence is: well established, likely, early research or debated."""
    sources: tuple[str, ...] = ()
    """At least 2 ids from the "sources" table."""
    related: tuple[str, ...] = ()
    """2 to 4 ids of entries that a reader may want next."""
    reviewed: date | None = None
    """The day on which the text was last checked against its sources, such as 2026-11-21."""
    review_due: date | None = None
    """The day by which it is to be checked again."""
    reviewed_by: str = ""
    """Who checked it, honestly; "not yet reviewed by a clinician" until one has."""
    utterances: tuple[Text, ...] = ()
    """How people ask it. Most stand in utterances/<group>.yaml instead."""

    @cached_property
    def revision(self) -> str:
        """8 hex digits that change when anything changes that a reader sees; they travel in buttons."""
        seen = "\x1f".join((self.question, self.short, self.details, *self.sources))
        return hashlib.sha256(seen.encode()).hexdigest()[:8]


class SmallTalk(_Model):
    """A remark about the bot itself and its fixed reply."""

    id: Id
    question: Text
    """What people say there, for editors; it is not shown."""
    reply: Text
    """At most 60 words that lead back to what the bot can do."""
    utterances: tuple[Text, ...] = ()
    """How people say it. Most stand in utterances/smalltalk.yaml instead."""


class Replies(_Model):
    """What the bot says when it has no entry to show. The defaults serve a content file without this part."""

    unknown: Text = "I don't have a reviewed answer to that."
    clarify: Text = "I'm not sure which of these you mean:"
    empty: Text = "Please type a question, for example: What is insulin resistance?"
    too_long: Text = "That message is too long for me. Please ask your question in one or two sentences."
    unavailable: Text = "I can't search my texts at the moment. You can still browse the topics."
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
    """The questions with their answers."""
    groups: dict[Id, Text] = Field(default_factory=dict)
    """The topics: an id, a colon, and the name that readers see."""
    sources: dict[str, Source] = Field(default_factory=dict)
    """Every source once, by its id."""
    smalltalk: tuple[SmallTalk, ...] = ()
    """Remarks about the bot itself, with their replies."""
    out_of_scope: dict[str, tuple[Text, ...]] = Field(default_factory=dict)
    """Messages that are not ours, by kind. Most stand in utterances/out-of-scope.yaml instead."""
    replies: Replies = Field(default_factory=Replies)
    vocabulary: Vocabulary = Field(default_factory=Vocabulary)
    risk: Annotated[float, Field(gt=0, le=0.1)] | None = None
    """The share of messages that may get a wrong answer when the matcher tries itself out; 0.015 if not given."""

    @cached_property
    def entry_by_id(self) -> dict[str, Entry]:
        return {entry.id: entry for entry in self.entries}

    @cached_property
    def smalltalk_by_id(self) -> dict[str, SmallTalk]:
        return {talk.id: talk for talk in self.smalltalk}
