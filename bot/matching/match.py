"""What the matcher says about one message: which intent, how sure, and what else it might be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """The three things that a bot which never guesses can do with a message."""

    ANSWER = "answer"
    CLARIFY = "clarify"
    OUT_OF_SCOPE = "out_of_scope"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An intent and its share of the belief, 0 to 1, among all intents."""

    intent_id: str
    score: float


@dataclass(frozen=True, slots=True)
class Match:
    """The matcher's verdict. ``candidates`` are best first, never more than three.

    ``confidence`` is the estimated probability that the first candidate is what was asked, ``in_scope`` that one of
    the candidates is.
    """

    outcome: Outcome
    confidence: float
    candidates: tuple[Candidate, ...] = ()
    in_scope: float = 0.0
