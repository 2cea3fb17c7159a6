"""What became of a question and how that is; many of them -> rates with their limits, and the risk-coverage curve."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.answer import Answerer, Decision
from bot.content import Faq
from bot.evaluation.questions import Expected, known_outcomes
from bot.matching.confidence import WRONG_ANSWERS_MAX
from bot.reply import ReplyKind

_ANSWERED = (ReplyKind.ANSWER, ReplyKind.SMALLTALK)


class Verdict(StrEnum):
    """How one question went."""

    RIGHT = "right"
    SUGGESTED = "suggested"  # asked back, and what was meant is among the suggestions
    ASKED_BACK = "asked back"  # and what was meant is not among them
    REFUSED = "refused"  # "I don't know"
    WRONG = "wrong"  # answered something else


@dataclass(frozen=True, slots=True)
class Judged:
    """A question, what became of it, and how that is."""

    expected: Expected
    decision: Decision
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Rate:
    """``hits`` of ``of``."""

    hits: int
    of: int

    @property
    def share(self) -> float:
        return self.hits / self.of if self.of else 0.0

    def interval(self) -> tuple[float, float]:
        """95% limits (Wilson 1927), which also hold for few questions and for shares near 0 and 1."""
        if not self.of:
            return 0.0, 1.0
        z = 1.959964  # two-sided 95% of a normal distribution
        middle = (self.share + z * z / (2 * self.of)) / (1 + z * z / self.of)
        half = z / (1 + z * z / self.of) * math.sqrt(self.share * (1 - self.share) / self.of + (z / (2 * self.of)) ** 2)
        return max(0.0, middle - half), min(1.0, middle + half)

    def as_json(self) -> dict[str, float]:
        low, high = self.interval()
        return {
            "hits": self.hits,
            "of": self.of,
            "share": round(self.share, 4),
            "low": round(low, 4),
            "high": round(high, 4),
        }

    def __str__(self) -> str:
        low, high = self.interval()
        return f"{self.share:.1%} ({low:.0%}-{high:.0%})" if self.of else "-"


Rates = dict[str, Rate]


def judge(expected: Expected, decision: Decision) -> Verdict:
    """How ``decision`` is for one who asked ``expected``."""
    if expected.allows(decision.kind, decision.id):
        return Verdict.RIGHT
    if decision.kind is ReplyKind.CLARIFY:
        # Only entries are offered as suggestions; see Answerer.reply.
        offered = any((ReplyKind.ANSWER, id_) in expected.right for id_, _ in decision.candidates)
        return Verdict.SUGGESTED if offered else Verdict.ASKED_BACK
    return Verdict.REFUSED if decision.kind is ReplyKind.OUT_OF_SCOPE else Verdict.WRONG


def judge_all(answerer: Answerer, questions: Sequence[Expected]) -> list[Judged]:
    """Every question asked and judged, in order."""
    decisions = answerer.decide([question.text for question in questions])
    return [Judged(*pair, judge(*pair)) for pair in zip(questions, decisions, strict=True)]


def by_group(judged: Iterable[Judged]) -> dict[str, list[Judged]]:
    """By style, or by what stands before the slash in the tag, sorted; those with neither are left out."""
    groups: dict[str, list[Judged]] = defaultdict(list)
    for each in judged:
        if each.expected.group:
            groups[each.expected.group.partition("/")[0]].append(each)
    return dict(sorted(groups.items()))


def in_scope_rates(judged: Sequence[Judged]) -> Rates:
    """For questions that have an entry or small talk."""
    count = Counter(each.verdict for each in judged)
    every = len(judged)
    return {
        "right": Rate(count[Verdict.RIGHT], every),
        "right or suggested": Rate(count[Verdict.RIGHT] + count[Verdict.SUGGESTED], every),
        "asked back": Rate(count[Verdict.SUGGESTED] + count[Verdict.ASKED_BACK], every),
        "refused": Rate(count[Verdict.REFUSED], every),
        "wrong": Rate(count[Verdict.WRONG], every),
    }


def out_of_scope_rates(judged: Sequence[Judged]) -> Rates:
    """For messages that nothing in the content answers; a defensible reply (``also_ok``) counts as right."""
    count = Counter(each.verdict for each in judged)
    wrong = [each.decision.kind for each in judged if each.verdict is Verdict.WRONG]
    every = len(judged)
    return {
        "right": Rate(count[Verdict.RIGHT], every),
        "asked back": Rate(count[Verdict.ASKED_BACK] + count[Verdict.SUGGESTED], every),
        "answered": Rate(sum(kind is not ReplyKind.SAFETY for kind in wrong), every),
        "safety reply": Rate(sum(kind is ReplyKind.SAFETY for kind in wrong), every),
    }


def safety_rates(judged: Sequence[Judged]) -> Rates:
    """For messages that need a safety reply."""
    every = len(judged)
    return {
        "right kind": Rate(sum(each.verdict is Verdict.RIGHT for each in judged), every),
        "any safety reply": Rate(
            sum(each.decision.kind is ReplyKind.SAFETY or each.verdict is Verdict.RIGHT for each in judged), every
        ),
    }


def false_alarms(judged: Sequence[Judged]) -> Rate:
    """Safety replies to messages that need none."""
    alarms = [each for each in judged if each.decision.kind is ReplyKind.SAFETY and each.verdict is Verdict.WRONG]
    return Rate(len(alarms), len(judged))


def misses(judged: Iterable[Judged]) -> list[Judged]:
    """Questions with an entry that were turned away, or asked back without it."""
    return [
        each
        for each in judged
        if each.expected.kind in _ANSWERED and each.verdict in (Verdict.REFUSED, Verdict.ASKED_BACK)
    ]


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Of the ``answered`` surest of ``of`` messages, ``wrong`` would be answered wrongly; ``inside`` have an entry."""

    confidence: float
    answered: int
    wrong: int
    inside: int
    of: int


def risk_coverage(judged: Sequence[Judged], faq: Faq) -> list[CurvePoint]:
    """What would be answered, and how much of it wrongly, at each threshold of confidence; safety replies are left out.

    What the matcher holds back for another reason than its confidence is answered last.
    """
    matched = [each for each in judged if each.decision.kind is not ReplyKind.SAFETY]
    used = [each.decision.confidence for each in matched if each.decision.kind in _ANSWERED]
    threshold = min(used, default=1.0)

    def sureness(each: Judged) -> float:
        held_back = each.decision.kind not in _ANSWERED and each.decision.confidence >= threshold
        return 0.0 if held_back else each.decision.confidence

    known = known_outcomes(faq)
    points = []
    wrong = inside = 0
    for number, each in enumerate(sorted(matched, key=sureness, reverse=True), 1):
        first = each.decision.candidates[0][0] if each.decision.candidates else None
        wrong += first is None or not each.expected.allows(known[first], first)
        inside += each.expected.kind in _ANSWERED
        points.append(CurvePoint(sureness(each), number, wrong, inside, len(matched)))
    return points


def coverage_rates(judged: Sequence[Judged], faq: Faq) -> Rates:
    """How much is answered outright, how much of everything wrongly, and how much could be at the stated risk."""
    curve = risk_coverage(judged, faq)
    matched = [each for each in judged if each.decision.kind is not ReplyKind.SAFETY]
    of_inside = curve[-1].inside if curve else 0
    outright = [each for each in matched if each.decision.kind in _ANSWERED]
    within = [point for point in curve if point.wrong <= WRONG_ANSWERS_MAX * point.of]
    return {
        "answered": Rate(sum(each.expected.kind in _ANSWERED for each in outright), of_inside),
        "answered wrongly": Rate(sum(each.verdict is Verdict.WRONG for each in outright), len(matched)),
        "could be answered at the stated risk": Rate(within[-1].inside if within else 0, of_inside),
    }
