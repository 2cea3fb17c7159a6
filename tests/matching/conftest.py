"""What the matcher's tests share: the shipped encoder, a content that it never saw, and the shipped one's words."""

from __future__ import annotations

from pathlib import Path

import pytest
from learnt import Learnt

from bot.content import Faq, load_faq
from bot.matching import Encoder, Intent, Matcher, snapshot

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    """The shipped encoder without a cache."""
    return Encoder()


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Learnt:
    """A library's content of 20 entries with 8 utterances each, learnt as the app would."""
    faq = load_faq(HERE / "library_faq.yaml")
    intents = [
        Intent(entry.id, (entry.question, *entry.utterances), (entry.question, entry.short, entry.details))
        for entry in faq.entries
    ]
    intents += [Intent(talk.id, (talk.question, *talk.utterances)) for talk in faq.smalltalk]
    background = [text for texts in faq.out_of_scope.values() for text in texts]
    folder = tmp_path_factory.mktemp("library")
    matcher = Matcher.fit(intents, background, Encoder(cache_folder=folder))
    (file,) = folder.glob("matcher-*.npz")
    learnt = snapshot.to_learnt(snapshot.load(file))
    assert learnt is not None
    return Learnt(intents, background, matcher, learnt[3], folder)


@pytest.fixture(scope="session")
def shipped() -> Faq:
    """The shipped content, not yet learnt."""
    return load_faq(HERE.parent.parent / "content")
