"""The shape of everything IRIS says: platform-neutral, frozen, never without its disclaimer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ReplyKind(StrEnum):
    """What a reply is. The values are those of ``iris match``."""

    ANSWER = "answer"
    CLARIFY = "clarify"
    OUT_OF_SCOPE = "out_of_scope"
    SAFETY = "safety"
    SMALLTALK = "smalltalk"


@dataclass(frozen=True, slots=True)
class SourceLink:
    """A source under an answer: what it is called, who published it, when, and its address."""

    title: str
    publisher: str
    year: int | None
    url: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An entry offered as a button: its id and revision go into the button, its question onto it."""

    entry_id: str
    revision: str
    label: str


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply, for every platform to render within its own limits.

    ``text`` and ``details`` are in the content's small Markdown (paragraphs, ``- `` lists, ``**bold**``).
    ``entry_id`` is the entry, small-talk or safety id, None where nothing was found. ``confidence`` runs from
    0 to 1: the estimated probability that the reply is the right one.

    Raises ValueError for an empty disclaimer: no reply may leave without one.
    """

    kind: ReplyKind
    text: str
    disclaimer: str
    entry_id: str | None = None
    revision: str = ""
    title: str = ""
    details: str = ""
    banner: str = ""
    """One line where to turn in an emergency, shown above an answer that only names one."""
    sources: tuple[SourceLink, ...] = ()
    strength: str = ""
    reviewed: str = ""
    suggestions: tuple[Suggestion, ...] = ()
    """"Did you mean" under a clarifying reply, related questions under an answer; best first."""
    confidence: float = 1.0

    def __post_init__(self) -> None:
        if not self.disclaimer.strip():
            raise ValueError("A reply needs its disclaimer: give the content's disclaimer text.")


TROUBLE = Reply(
    kind=ReplyKind.OUT_OF_SCOPE,
    text=(
        "Something went wrong on my side. Please ask again in a minute. "
        "In an emergency, call your local emergency number."
    ),
    disclaimer="General information, not medical advice.",
    confidence=0.0,
)
"""What a person reads when something failed; needs no content, as that may be what failed."""
