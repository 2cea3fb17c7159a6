"""All of it together: questions -> ``Report``, as plain data and as text for the terminal.

The texts of the questions are people's words: they are shown on the terminal and go nowhere else. What the plain data
keep of them are line numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.answer import Answerer
from bot.content import Faq
from bot.evaluation.confusions import Confusion, find_confusions
from bot.evaluation.judge import (
    Judged,
    Rate,
    Rates,
    Verdict,
    by_group,
    coverage_rates,
    false_alarms,
    in_scope_rates,
    judge_all,
    misses,
    out_of_scope_rates,
    safety_rates,
)
from bot.evaluation.questions import Expected
from bot.matching.confidence import WRONG_ANSWERS_MAX
from bot.reply import ReplyKind


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that ``iris eval`` has to say."""

    judged: tuple[Judged, ...]
    in_scope: Rates
    by_group: dict[str, Rates]
    coverage: Rates
    confusions: tuple[Confusion, ...]
    out_of_scope: Rates
    out_of_scope_by_group: dict[str, Rates]
    safety: Rates
    safety_by_kind: dict[str, Rates]
    false_alarms: Rate

    def as_json(self) -> dict[str, Any]:
        """Plain data, without a word of any question."""

        def plain(rates: Rates) -> dict[str, Any]:
            return {name: rate.as_json() for name, rate in rates.items()}

        return {
            "questions": len(self.judged),
            "in_scope": plain(self.in_scope),
            "by_style": {group: plain(rates) for group, rates in self.by_group.items()},
            "stated_risk": WRONG_ANSWERS_MAX,
            "coverage": plain(self.coverage),
            "confusions": [
                {
                    "expected": confusion.expected,
                    "got": confusion.got,
                    "answered": confusion.answered,
                    "suggested_first": confusion.suggested_first,
                    "pulled_by": [
                        {
                            "utterance": pull.utterance,
                            "similarity": pull.similarity,
                            "to_right": pull.to_right,
                            "lines": list(pull.lines),
                        }
                        for pull in confusion.pulls
                    ],
                }
                for confusion in self.confusions
            ],
            "misses": [
                {"line": each.expected.line, "expected": each.expected.name, "verdict": each.verdict.value}
                for each in misses(self.judged)
            ],
            "out_of_scope": plain(self.out_of_scope),
            "out_of_scope_by_tag": {group: plain(rates) for group, rates in self.out_of_scope_by_group.items()},
            "safety": plain(self.safety),
            "safety_by_kind": {kind: plain(rates) for kind, rates in self.safety_by_kind.items()},
            "false_alarms": self.false_alarms.as_json(),
        }


def evaluate(answerer: Answerer, faq: Faq, questions: Sequence[Expected], cache: Path | None = None) -> Report:
    """Ask every question and count; ``cache`` is the folder in which the content's vectors are kept."""
    judged = judge_all(answerer, questions)
    inside = [each for each in judged if each.expected.kind in (ReplyKind.ANSWER, ReplyKind.SMALLTALK)]
    outside = [each for each in judged if each.expected.kind is ReplyKind.OUT_OF_SCOPE]
    urgent = [each for each in judged if each.expected.kind is ReplyKind.SAFETY]
    calm = [each for each in judged if each.expected.kind is not ReplyKind.SAFETY]
    return Report(
        judged=tuple(judged),
        in_scope=in_scope_rates(inside),
        by_group={group: in_scope_rates(members) for group, members in by_group(inside).items()},
        coverage=coverage_rates(calm, faq),
        confusions=tuple(find_confusions([*inside, *outside], faq, cache)),
        out_of_scope=out_of_scope_rates(outside),
        out_of_scope_by_group={group: out_of_scope_rates(members) for group, members in by_group(outside).items()},
        safety=safety_rates(urgent),
        safety_by_kind={
            kind: safety_rates([each for each in urgent if each.expected.name == kind])
            for kind in sorted({each.expected.name for each in urgent})
        },
        false_alarms=false_alarms(calm),
    )


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns of text, the first one to the left, numbers to the right."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) if not column else cell.rjust(width) for column, (cell, width) in enumerate(pairs))
        for pairs in ([*zip(row, widths, strict=True)] for row in cells)
    )


def rates_table(title: str, rates: dict[str, Rates]) -> str:
    """One row for each group; shares with their 95% limits."""
    names = list(next(iter(rates.values())))
    rows = [
        [group, *([next(iter(row.values())).of] if row else []), *(row[name] for name in names)]
        for group, row in rates.items()
    ]
    return table([title, "questions", *names], rows)


def render(report: Report, most: int = 20) -> str:
    """The report as the terminal shows it, with the questions' texts; at most ``most`` confusions."""
    text_of = {each.expected.line: each.expected.text for each in report.judged}
    parts = []
    if report.in_scope["right"].of:
        parts.append(rates_table("with an entry", {"all": report.in_scope, **report.by_group}))
        answered, wrongly, possible = report.coverage.values()
        parts.append(
            f"Coverage: {answered} of the questions with an entry get an answer outright, and {wrongly} of all\n"
            f"messages a wrong one. The stated risk is {WRONG_ANSWERS_MAX:.0%} of all; on these messages it would\n"
            f"allow answers to {possible}. (Safety replies are not counted here.)"
        )
    if report.out_of_scope["right"].of:
        parts.append(rates_table("out of scope", {"all": report.out_of_scope, **report.out_of_scope_by_group}))
    if report.safety["right kind"].of:
        parts.append(rates_table("needs a safety reply", {"all": report.safety, **report.safety_by_kind}))
    if report.false_alarms.of:
        parts.append(
            f"False alarms: {report.false_alarms.hits} of {report.false_alarms.of} other messages got a safety reply."
        )
    if report.confusions:
        parts.append("Taken for something else\n" + "\n".join(_confusion_lines(report.confusions[:most], text_of)))
        if len(report.confusions) > most:
            parts.append(f"({len(report.confusions) - most} rarer confusions are in the output of --json.)")
    if missed := misses(report.judged):
        parts.append("Missed\n" + "\n".join(_miss_line(each) for each in missed))
    if escaped := [each for each in report.judged if _is_missed_emergency(each)]:
        parts.append("Needed a safety reply and got another\n" + "\n".join(_miss_line(each) for each in escaped))
    return "\n\n".join(parts)


def _is_missed_emergency(each: Judged) -> bool:
    return each.expected.kind is ReplyKind.SAFETY and each.verdict is not Verdict.RIGHT


def _confusion_lines(confusions: Sequence[Confusion], text_of: dict[int, str]) -> list[str]:
    lines = []
    for confusion in confusions:
        counts = [f"{confusion.answered} answered"] if confusion.answered else []
        counts += [f"{confusion.suggested_first} suggested first"] if confusion.suggested_first else []
        lines.append(f"  {confusion.expected} -> {confusion.got}: {', '.join(counts)}")
        for pull in confusion.pulls:
            right = "" if pull.to_right is None else f"; to the right entry {pull.to_right:.2f}"
            lines.append(f'    pulled by "{pull.utterance}" (likeness {pull.similarity:.2f}{right})')
            lines += [f"      line {line}: {text_of[line]}" for line in pull.lines]
    return lines


def _miss_line(each: Judged) -> str:
    decision = each.decision
    got = {
        ReplyKind.CLARIFY: f"asked back: {', '.join(id_ for id_, _ in decision.candidates)}",
        ReplyKind.OUT_OF_SCOPE: "I don't know",
    }.get(decision.kind, decision.id)
    return f"  {each.expected.name} (line {each.expected.line}: {each.expected.text}) -> {got}"
