"""What the flow makes of rules and second look together."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from bot.answer import Answerer, Decision
from bot.content import load_faq
from bot.matching import Candidate, Encodings, Match, Matcher, Outcome, SecondLook
from bot.matching.second_look import Limits, Suspicion
from bot.question import Question
from bot.reply import ReplyKind
from bot.safety import Triage

CONTENT = Path(__file__).parents[2] / "content"
LIMITS = Limits(convincing=6.0, alarming=3.0, worrying=2.0, dubious=-1.0, near=0.5)
ALARM, LIKELY, SOME, FAINT, LITTLE = 9.0, 4.0, 2.5, 0.0, -5.0

# Found by a rule that is marked as a hint, and by no other.
HINTED = "I'm on insulin and I feel shaky and sweaty"

Ask = Callable[[str, str, float], Decision]


@dataclass(frozen=True)
class Says:
    """A second look that has made up its mind, so that the flow is tested whatever an encoder thinks."""

    suspicion: Suspicion
    limits: Limits = LIMITS

    def readings(self, text: str) -> list[str]:
        return []

    def look(self, text: str, known: Encodings, signs: Collection[str], *, closely: bool) -> Suspicion:
        return self.suspicion


@dataclass(frozen=True)
class Finds:
    """A matcher that has made up its mind."""

    outcome: Outcome

    def readings(self, text: str) -> list[str]:
        return []

    def match(self, text: str, known: Encodings) -> Match:
        return Match(self.outcome, 0.99, (Candidate("ir-causes", 0.99),))


@pytest.fixture(scope="module")
def answerer_with(triage: Triage) -> Callable[[str, float], Answerer]:
    faq = load_faq(CONTENT)
    return lambda kind, strength: Answerer(faq, triage, None, cast(SecondLook, Says(Suspicion(kind, strength))))


@pytest.fixture
def ask(answerer_with: Callable[[str, float], Answerer]) -> Ask:
    return lambda text, kind, strength: answerer_with(kind, strength).decide([text])[0]


@pytest.mark.parametrize("kind", ["self-harm", "medication-dosing"])
def test_a_strong_suspicion_is_a_finding_where_the_rules_find_nothing(ask: Ask, kind: str) -> None:
    decision = ask("the sky is a strange colour tonight", kind, ALARM)
    assert (decision.kind, decision.id) == (ReplyKind.SAFETY, kind)
    assert decision.assessment.findings[0].rule == "second-look"


def test_an_emergency_that_the_rules_find_stands_whatever_the_second_look_thinks(ask: Ask) -> None:
    assert ask("I have crushing chest pain", "medication-dosing", LITTLE).id == "emergency-other"
    assert ask("I have crushing chest pain", "self-harm", ALARM).id == "emergency-other"


def test_what_can_wait_is_dropped_when_it_is_unlike_any_danger(ask: Ask) -> None:
    decision = ask("should I stop my metformin", "medication-dosing", LITTLE)
    assert decision.kind is ReplyKind.OUT_OF_SCOPE
    assert any("second look" in entry for entry in decision.assessment.cleared)


def test_a_nearer_danger_comes_before_what_can_wait_and_both_are_told(ask: Ask) -> None:
    decision = ask("should I stop my metformin", "self-harm", ALARM)
    assert decision.assessment.kinds == ("self-harm", "medication-dosing")


@pytest.mark.parametrize(
    ("strength", "kind"),
    [(SOME, "emergency-low-glucose"), (FAINT, "emergency-low-glucose"), (LITTLE, None)],
)
def test_a_hint_of_an_emergency_is_dropped_only_when_it_is_unlike_any_danger(
    ask: Ask, strength: float, kind: str | None
) -> None:
    decision = ask(HINTED, "self-harm", strength)
    assert decision.id == kind
    # Of what was dropped a line where to turn is left where nothing answers.
    assert kind or decision.assessment.banner == "emergency-low-glucose"


def test_without_an_encoder_a_hint_counts_in_full(triage: Triage) -> None:
    assert Answerer(load_faq(CONTENT), triage, None).decide([HINTED])[0].id == "emergency-low-glucose"


@pytest.mark.parametrize(
    ("outcome", "strength", "kind"),
    [
        (Outcome.ANSWER, ALARM, ReplyKind.SAFETY),
        (Outcome.ANSWER, LIKELY, ReplyKind.ANSWER),
        (Outcome.CLARIFY, LIKELY, ReplyKind.SAFETY),
        (Outcome.OUT_OF_SCOPE, LIKELY, ReplyKind.SAFETY),
    ],
)
def test_a_suspicion_must_be_stronger_where_the_matcher_is_sure(
    triage: Triage, outcome: Outcome, strength: float, kind: ReplyKind
) -> None:
    look = cast(SecondLook, Says(Suspicion("self-harm", strength)))
    answerer = Answerer(load_faq(CONTENT), triage, cast(Matcher, Finds(outcome)), look)
    assert answerer.decide(["the sky is a strange colour tonight"])[0].kind is kind


def test_between_two_that_can_wait_the_rules_decide(ask: Ask) -> None:
    assert ask("should I stop my metformin", "personal-diagnosis", ALARM).id == "medication-dosing"


def test_a_weak_suspicion_of_what_can_wait_is_no_finding(ask: Ask) -> None:
    decision = ask("the sky is a strange colour tonight", "medication-dosing", SOME)
    assert (decision.kind, decision.assessment.banner) == (ReplyKind.OUT_OF_SCOPE, None)


def test_where_nothing_answers_a_weak_suspicion_of_danger_gets_a_line_where_to_turn(
    answerer_with: Callable[[str, float], Answerer],
) -> None:
    text = "the sky is a strange colour tonight"
    reply = answerer_with("self-harm", SOME).answer(Question(text))
    assert reply.kind is ReplyKind.OUT_OF_SCOPE
    assert "your local emergency number" in reply.banner
    assert answerer_with("self-harm", LITTLE).answer(Question(text)).banner == ""


@pytest.mark.parametrize(
    "text",
    ["I feel depressed", "I am so depressed lately", "someone is abusing me", "my husband hits me", "I was raped"],
)
def test_other_distress_gets_a_line_where_to_turn(answerer_with: Callable[[str, float], Answerer], text: str) -> None:
    assert "your local emergency number" in answerer_with("self-harm", LITTLE).answer(Question(text)).banner
