"""What the matcher's tests share: the shipped encoder, a content that it never saw, and the shipped one's words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.content import Faq, load_faq
from bot.matching import Encoder, Intent, Matcher

HERE = Path(__file__).parent
LIBRARY = HERE / "library_faq.yaml"


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a matcher is fitted on, and that matcher."""

    intents: list[Intent]
    background: list[str]
    matcher: Matcher


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    """The shipped encoder without a cache."""
    return Encoder()


@pytest.fixture(scope="session")
def library(encoder: Encoder) -> Learnt:
    """The library's content, learnt."""
    faq = load_faq(LIBRARY)
    intents = [
        Intent(entry.id, (entry.question, *entry.utterances), (entry.question, entry.short)) for entry in faq.entries
    ]
    intents += [Intent(talk.id, (talk.question, *talk.utterances)) for talk in faq.smalltalk]
    background = [text for texts in faq.out_of_scope.values() for text in texts]
    return Learnt(intents, background, Matcher.fit(intents, background, encoder))


@pytest.fixture(scope="session")
def shipped() -> Faq:
    """The shipped content, not yet learnt."""
    return load_faq(HERE.parent.parent / "content")
