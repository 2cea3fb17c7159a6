"""What was asked, as the core sees it: the words, the language, the kind of place; nothing about who asked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Place(StrEnum):
    """Where a question was asked; decides how openly a reply may be shown, never what it says."""

    PRIVATE = "private"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Question:
    """One question, stripped of mentions and command names by the adapter.

    ``language`` is the platform's BCP 47 tag ("en-GB") or None; ``region`` an ISO 3166 code ("GB") that a
    community or the language tag gives, used only to choose emergency numbers.
    """

    text: str
    place: Place = Place.PRIVATE
    language: str | None = None
    region: str | None = None
