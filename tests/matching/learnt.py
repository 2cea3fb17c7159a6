"""A content together with what was learnt from it, for the matcher's tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.matching import Intent, Matcher
from bot.matching.confidence import Confidence


@dataclass(frozen=True, slots=True)
class Learnt:
    """A content, the matcher that has learnt it, and how that came to be sure."""

    intents: list[Intent]
    background: list[str]
    matcher: Matcher
    confidence: Confidence
    cache: Path
    """The folder from which it is read at the next start."""
