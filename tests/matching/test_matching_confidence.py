"""Confidence: probabilities that mean something, also where a content is too small to learn much from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from functools import cache

import numpy as np
import pytest
from learnt import Learnt

from bot.matching import Encoder, Intent, Match, Matcher, Outcome
from bot.matching.confidence import OFFERED, WRONG_ANSWERS_MAX, Confidence, fit_confidence, lowest_threshold
from bot.matching.lexical import LexicalIndex
from bot.matching.ranking import Ranker

LOANS = ["how long may I keep a book", "when is my book due back", "extend my loan", "renew the books I borrowed"]
HOURS = ["when do you open on sunday", "opening hours please", "are you open late", "what time does the library close"]
CARDS = ["how do I get a library card", "I lost my card", "join the library", "a card for my child"]
BACKGROUND = ["what is the capital of france", "best pizza in town", "how do I fix my car", "who won the match"]
FAR = ["who was the first man on the moon", "does aspirin thin the blood", "what is the tallest mountain in africa"]


def intents(*utterances: list[str]) -> list[Intent]:
    return [Intent(f"intent-{number}", tuple(texts)) for number, texts in enumerate(utterances)]


def asks(matcher: Matcher, content: list[Intent]) -> list[tuple[Intent, Match]]:
    return [(intent, matcher.match(text)) for intent in content for text in intent.utterances]


STRANGE = ["", " ", "?", "😂", "\0", "\ud83d", "insulin " * 300, "糖尿病", "x" * 3_000, "I. You? They! " * 50]


@pytest.mark.parametrize("text", [*STRANGE, *FAR, "Can I keep a book for longer?"], ids=lambda text: ascii(text[:20]))
def test_whatever_is_asked_the_numbers_are_probabilities(library: Learnt, text: str) -> None:
    match = library.matcher.match(text)
    assert 0 <= match.confidence <= 1
    assert len(match.candidates) == OFFERED
    assert len({candidate.intent_id for candidate in match.candidates}) == OFFERED
    scores = [candidate.score for candidate in match.candidates]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= 0
    assert sum(scores) <= 1 + 1e-6


def test_to_answer_takes_more_than_to_ask_back(library: Learnt) -> None:
    assert 0 < library.confidence.clarify_from < library.confidence.answer_from < 1


def test_an_answer_is_more_likely_right_than_wrong(library: Learnt) -> None:
    assert library.confidence.answer_from > 0.5


def test_what_was_learnt_is_surer_than_what_nobody_taught(library: Learnt) -> None:
    own = [match.confidence for _, match in asks(library.matcher, library.intents)]
    far = [library.matcher.match(text).confidence for text in FAR]
    assert max(far) < np.median(own)


def test_what_is_one_of_the_intents_is_told_from_what_is_none(library: Learnt) -> None:
    own = [library.matcher.match(f"{text} thanks").in_scope for text in (*LOANS, *HOURS, *CARDS)]
    far = [library.matcher.match(text).in_scope for text in FAR]
    assert max(far) < min(own)


def test_no_sign_of_nearness_counts_against_being_one_of_the_intents(library: Learnt) -> None:
    weights = library.confidence.one_of_three.weights
    assert (weights[:12] >= 0).all()
    assert weights[12] <= 0  # nearness to a message that is none of them
    assert (weights[13:16] >= 0).all()
    assert weights[17] <= 0  # likeness to such messages
    assert (weights[:12] > 0).any()


@pytest.mark.parametrize(
    ("confidence", "wrong", "risk", "threshold"),
    [
        ([0.9, 0.8, 0.7, 0.6], [0, 0, 1, 0], 0.2, 0.8),  # a quarter would be too much
        ([0.9, 0.8, 0.7, 0.6], [0, 0, 1, 0], 0.25, 0.6),
        ([0.9, 0.8, 0.7, 0.6], [0, 0, 1, 1], 0.3, 0.7),
        ([0.6, 0.9, 0.7, 0.8], [0, 0, 0, 0], 0.0, 0.6),
        ([0.9, 0.7, 0.7, 0.6], [0, 0, 1, 0], 0.2, 0.9),  # of two as sure both are answered or none
        ([0.9, 0.8, 0.7, 0.6], [1, 0, 0, 0], 0.2, 1.0),
    ],
)
def test_the_threshold_is_the_lowest_that_keeps_to_the_risk(
    confidence: list[float], wrong: list[int], risk: float, threshold: float
) -> None:
    weights = np.full(len(wrong), 1 / len(wrong))
    assert lowest_threshold(np.array(confidence), np.array(wrong, dtype=bool), weights, risk) == threshold


def learn(encoder: Encoder, risk: float = WRONG_ANSWERS_MAX) -> Confidence:
    content = [LOANS, HOURS, CARDS]
    texts = [text for part in content for text in part]
    labels = np.repeat(np.arange(3), [len(part) for part in content])
    ranker = Ranker(encoder.encode_many(texts), labels, LexicalIndex.of(texts), encoder.encode_many(BACKGROUND))
    return fit_confidence(ranker, texts, BACKGROUND, risk=risk)


def test_the_same_content_gives_the_very_same_confidence(encoder: Encoder) -> None:
    first, second = learn(encoder), learn(encoder)
    assert (first.answer_from, first.clarify_from) == (second.answer_from, second.clarify_from)
    for one, other in ((first.first_right, second.first_right), (first.one_of_three, second.one_of_three)):
        for part, same in zip(astuple(one), astuple(other), strict=True):
            assert np.array_equal(part, same)


def test_who_allows_more_wrong_answers_gets_more_answers(encoder: Encoder) -> None:
    careful, default, bold = (learn(encoder, risk).answer_from for risk in (0.0001, WRONG_ANSWERS_MAX, 0.1))
    assert careful >= default >= bold
    assert careful > bold


SMALL = {
    "one intent": intents(LOANS),
    "two intents": intents(LOANS, HOURS),
    "three intents": intents(LOANS, HOURS, CARDS),
    "one utterance among many": intents(LOANS, HOURS[:1], CARDS),
    "three of one utterance": intents(LOANS[:1], HOURS[:1], CARDS[:1]),
}
ODD = {
    "all of one length": intents(
        ["keep my book longer", "extend the loan please"], ["when is it open", "what time you close"]
    ),
    "no words at all": intents(["😂", "🔥"], ["??", "!!!"]),
    "the same four times": intents(["hello there"] * 4, HOURS),
}


@pytest.fixture(scope="module")
def fitted(encoder: Encoder) -> Callable[[str, bool], Matcher]:
    """A small content by its name, learnt once, with and without messages that are none of it."""

    @cache
    def fit(name: str, with_background: bool) -> Matcher:
        return Matcher.fit({**SMALL, **ODD}[name], BACKGROUND if with_background else [], encoder)

    return fit


@pytest.mark.parametrize("name", [*SMALL, *ODD])
@pytest.mark.parametrize("with_background", [False, True], ids=["no background", "background"])
def test_a_small_content_neither_crashes_nor_answers_with_what_is_no_number(
    fitted: Callable[[str, bool], Matcher], name: str, with_background: bool
) -> None:
    content = {**SMALL, **ODD}[name]
    matcher = fitted(name, with_background)
    for intent, match in asks(matcher, content):
        assert match.candidates[0].intent_id == intent.id
        assert len(match.candidates) == min(OFFERED, len(content))
    for text in (*STRANGE[:6], *FAR):
        assert 0 <= matcher.match(text).confidence <= 1


def test_one_intent_of_one_utterance_can_be_learnt(encoder: Encoder) -> None:
    Matcher.fit(intents(LOANS[:1]), BACKGROUND, encoder)


def test_two_intents_of_one_utterance_can_be_learnt(encoder: Encoder) -> None:
    Matcher.fit(intents(LOANS[:1], HOURS[:1]), BACKGROUND, encoder)


@pytest.mark.parametrize("name", [name for name in SMALL if name != "three of one utterance"])
def test_a_small_content_does_not_turn_its_own_utterances_away(
    fitted: Callable[[str, bool], Matcher], name: str
) -> None:
    answers = asks(fitted(name, True), SMALL[name])
    assert [match for _, match in answers if match.outcome is Outcome.OUT_OF_SCOPE] == []


def test_no_small_content_answers_what_it_believes_to_be_wrong(fitted: Callable[[str, bool], Matcher]) -> None:
    unbelieved = []
    for name in SMALL:
        matches = [(text, fitted(name, True).match(text)) for text in (*FAR, *STRANGE[:6])]
        unbelieved += [text for text, match in matches if match.outcome is Outcome.ANSWER and match.confidence < 0.5]
    assert unbelieved == []


def test_no_small_content_without_background_answers_far_messages(fitted: Callable[[str, bool], Matcher]) -> None:
    answered = [
        (name, text) for name in SMALL for text in FAR if fitted(name, False).match(text).outcome is Outcome.ANSWER
    ]
    assert answered == []


def test_an_intent_without_utterances_is_refused_by_name(encoder: Encoder) -> None:
    with pytest.raises(ValueError, match=r"^These intents have no utterances to learn from: empty, bare\.$"):
        Matcher.fit([*intents(LOANS), Intent("empty", ()), Intent("bare", ())], BACKGROUND, encoder)
