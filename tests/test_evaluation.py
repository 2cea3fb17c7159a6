"""``iris eval``: what it reads, how it judges, what it counts, and what it says about mistakes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.answer import Answerer, Decision
from bot.assembly import build_answerer, load_content
from bot.content import Faq
from bot.evaluation import (
    Expected,
    QuestionsError,
    Rate,
    Report,
    Verdict,
    content_id,
    evaluate,
    judge,
    read_questions,
    render,
)
from bot.evaluation.judge import Judged, risk_coverage
from bot.exits import Exit
from bot.reply import ReplyKind
from bot.safety import Assessment

ROOT = Path(__file__).parent.parent
SMALL = ROOT / "tests" / "small_faq.yaml"
CACHE = ROOT / ".cache" / "iris-small"
ANSWER, SMALLTALK, SAFETY = ReplyKind.ANSWER, ReplyKind.SMALLTALK, ReplyKind.SAFETY
CLARIFY, OUT_OF_SCOPE = ReplyKind.CLARIFY, ReplyKind.OUT_OF_SCOPE


@pytest.fixture(scope="module")
def faq() -> Faq:
    return load_content(SMALL)[0]


@pytest.fixture(scope="module")
def small() -> Answerer:
    return build_answerer(SMALL, CACHE)


def _write(folder: Path, *items: object) -> Path:
    file = folder / "questions.jsonl"
    lines = [item if isinstance(item, bytes) else json.dumps(item).encode() for item in items]
    file.write_bytes(b"\n".join(lines) + b"\n")
    return file


def _decided(kind: ReplyKind, id_: str | None = None, confidence: float = 0.5, *candidates: str) -> Decision:
    return Decision(kind, id_, confidence, tuple((name, 0.3) for name in candidates), Assessment((), None, ()))


def _expected(*right: tuple[ReplyKind, str | None], line: int = 1) -> Expected:
    return Expected(line, "some words", right, "")


@pytest.mark.parametrize(
    ("item", "right", "group"),
    [
        ({"label": "ir-what"}, [(ANSWER, "ir-what")], ""),
        ({"label": "greeting", "style": "short"}, [(SMALLTALK, "greeting")], "short"),
        ({"label": "emergency-other"}, [(SAFETY, "emergency-other")], ""),
        ({"label": "oos"}, [(OUT_OF_SCOPE, None)], ""),
        ({"ids": ["ir-what", "hashimoto-what"]}, [(ANSWER, "ir-what"), (ANSWER, "hashimoto-what")], ""),
        ({"kind": "out_of_scope", "ids": [], "tag": "near/pet"}, [(OUT_OF_SCOPE, None)], "near/pet"),
        ({"kind": "safety", "ids": ["self-harm"]}, [(SAFETY, "self-harm")], ""),
        ({"kind": "smalltalk"}, [(SMALLTALK, None)], ""),
        (
            {"kind": "answer", "ids": ["ir-what"], "also_ok": ["out_of_scope", "smalltalk:greeting"]},
            [(ANSWER, "ir-what"), (OUT_OF_SCOPE, None), (SMALLTALK, "greeting")],
            "",
        ),
    ],
)
def test_both_forms_of_questions_are_read(
    item: dict[str, Any], right: Any, group: str, faq: Faq, tmp_path: Path
) -> None:
    (question,) = read_questions(_write(tmp_path, {"text": "hm", **item}), faq)
    assert (list(question.right), question.group) == (right, group)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", "This is not JSON"),
        (b"\xff", "This is not JSON"),
        (b"[" * 100_000, "This is not JSON"),
        ([1], 'This is no object with a "text"'),
        ({"text": 3, "label": "ir-what"}, 'This is no object with a "text"'),
        ({"text": " ", "label": "ir-what"}, 'This is no object with a "text"'),
        ({"text": "hm"}, "Nothing says what is right"),
        ({"text": "hm", "ids": []}, "Nothing says what is right"),
        ({"text": "hm", "label": "no-such"}, '"no-such" is no entry, small talk or safety kind'),
        ({"text": "hm", "ids": ["no-such"]}, '"no-such" is no entry, small talk or safety kind'),
        ({"text": "hm", "ids": "ir-what"}, '"ids" must be a list'),
        ({"text": "hm", "label": 3}, '"label" must be text'),
        ({"text": "hm", "kind": "maybe"}, '"maybe" is no kind of reply. The kinds are answer'),
        ({"text": "hm", "kind": "clarify"}, '"kind" cannot be "clarify"'),
        ({"text": "hm", "kind": "smalltalk", "ids": ["ir-what"]}, '"ir-what" is of the kind "answer", not "smalltalk"'),
        ({"text": "hm", "label": "oos", "also_ok": ["answer:greeting"]}, '"greeting" is of the kind "smalltalk"'),
    ],
)
def test_a_line_that_cannot_be_used_is_named_with_what_to_do(line: object, said: str, faq: Faq, tmp_path: Path) -> None:
    file = _write(tmp_path, {"text": "fine", "label": "ir-what"}, b"", line)
    with pytest.raises(QuestionsError) as caught:
        read_questions(file, faq)
    (problem,) = caught.value.problems
    assert problem.startswith(f"{file}:3: {said}")
    assert problem.endswith(".")


def test_every_bad_line_is_told_at_once_and_the_same_mistake_only_once(faq: Faq, tmp_path: Path) -> None:
    unknown = {"text": "hm", "label": "no-such"}
    file = _write(tmp_path, unknown, b"{", unknown, unknown)
    with pytest.raises(QuestionsError) as caught:
        read_questions(file, faq)
    assert [problem.split(": ")[0] for problem in caught.value.problems] == [f"{file}:1", f"{file}:2"]
    assert "The same in 2 more lines" in caught.value.problems[0]


def test_a_file_without_questions_and_a_missing_file_are_problems(faq: Faq, tmp_path: Path) -> None:
    with pytest.raises(QuestionsError, match="has no questions"):
        read_questions(_write(tmp_path, b""), faq)
    with pytest.raises(QuestionsError, match="cannot be read"):
        read_questions(tmp_path / "nowhere.jsonl", faq)


@pytest.mark.parametrize(
    ("label", "id_"),
    [
        ("card_arrival", "card_arrival"),
        ("Refund_not_showing_up", "Refund_not_showing_up"),
        ("reverted_card_payment?", "reverted_card_payment-1dbd8c"),
        ("balance_not_updated_after_cheque_or_cash_deposit", "balance_not_updated_after_cheque_-c2c7fb"),
        ("どこ", "x-9e0f45"),
    ],
)
def test_any_label_becomes_an_id_that_stays_the_same(label: str, id_: str) -> None:
    assert content_id(label).rpartition("-")[0] == id_.rpartition("-")[0]
    assert len(content_id(label)) <= 40
    assert content_id(content_id(label)) == content_id(label)


def test_labels_that_differ_get_ids_that_differ() -> None:
    labels = ["a b", "a-b", "a?b", "a  b", "x" * 50, "x" * 51, "", "?"]
    assert len({content_id(label) for label in labels}) == len(labels)


@pytest.mark.parametrize(
    ("right", "decision", "verdict"),
    [
        ([(ANSWER, "a")], _decided(ANSWER, "a"), Verdict.RIGHT),
        ([(ANSWER, "a")], _decided(ANSWER, "b"), Verdict.WRONG),
        ([(ANSWER, "a"), (ANSWER, "b")], _decided(ANSWER, "b"), Verdict.RIGHT),
        ([(ANSWER, "a")], _decided(CLARIFY, None, 0.4, "b", "a"), Verdict.SUGGESTED),
        ([(ANSWER, "a")], _decided(CLARIFY, None, 0.4, "b", "c"), Verdict.ASKED_BACK),
        # Small talk is never offered as a suggestion.
        ([(SMALLTALK, "a")], _decided(CLARIFY, None, 0.4, "a", "c"), Verdict.ASKED_BACK),
        ([(ANSWER, "a")], _decided(OUT_OF_SCOPE), Verdict.REFUSED),
        ([(ANSWER, "a")], _decided(SAFETY, "self-harm"), Verdict.WRONG),
        ([(OUT_OF_SCOPE, None)], _decided(OUT_OF_SCOPE), Verdict.RIGHT),
        ([(OUT_OF_SCOPE, None)], _decided(CLARIFY, None, 0.4, "a"), Verdict.ASKED_BACK),
        ([(OUT_OF_SCOPE, None)], _decided(ANSWER, "a"), Verdict.WRONG),
        ([(OUT_OF_SCOPE, None), (ANSWER, "a")], _decided(ANSWER, "a"), Verdict.RIGHT),
        ([(SAFETY, "self-harm")], _decided(SAFETY, "self-harm"), Verdict.RIGHT),
        ([(SAFETY, "self-harm")], _decided(SAFETY, "emergency-other"), Verdict.WRONG),
        ([(SAFETY, None)], _decided(SAFETY, "emergency-other"), Verdict.RIGHT),
    ],
)
def test_verdicts(right: Any, decision: Decision, verdict: Verdict) -> None:
    assert judge(_expected(*right), decision) is verdict


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),  # Newcombe 1998, table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_limits_are_those_of_the_literature(hits: int, of: int, low: float, high: float) -> None:
    assert Rate(hits, of).interval() == pytest.approx((low, high), abs=1e-4)


def test_a_rate_of_nothing_is_no_number() -> None:
    assert (str(Rate(0, 0)), Rate(0, 0).interval()) == ("-", (0.0, 1.0))


def test_the_curve_answers_the_surest_first_and_what_is_held_back_last(faq: Faq) -> None:
    def judged(confidence: float, kind: ReplyKind, first: str, right: tuple[ReplyKind, str | None]) -> Judged:
        decision = _decided(kind, first if kind is ANSWER else None, confidence, first)
        return Judged(_expected(right), decision, judge(_expected(right), decision))

    points = risk_coverage(
        [
            judged(0.2, CLARIFY, "ir-what", (ANSWER, "hashimoto-what")),
            judged(0.9, ANSWER, "ir-what", (ANSWER, "ir-what")),
            judged(0.8, CLARIFY, "ir-what", (OUT_OF_SCOPE, None)),  # sure enough, but held back
            judged(0.7, ANSWER, "ir-what", (ANSWER, "hashimoto-what")),
        ],
        faq,
    )
    assert [(point.answered, point.wrong, point.inside) for point in points] == [
        (1, 0, 1),
        (2, 1, 2),
        (3, 2, 3),
        (4, 3, 3),
    ]


@pytest.fixture(scope="module")
def questions(faq: Faq, tmp_path_factory: pytest.TempPathFactory) -> list[Expected]:
    return read_questions(
        _write(
            tmp_path_factory.mktemp("eval"),
            {"text": "what does insulin resistance mean please", "label": "ir-what"},
            {"text": "explain hashimoto's disease", "ids": ["hashimoto-what"], "style": "plain"},
            # Wrong on purpose: it stands for an utterance under the wrong entry.
            {"text": "define insulin resistance", "ids": ["hashimoto-what"], "style": "plain"},
            {"text": "my sugar is 38 and I can't stop shaking", "kind": "safety", "ids": ["emergency-low-glucose"]},
            {"text": "how do I fix my bike", "kind": "out_of_scope", "ids": [], "tag": "far/bikes"},
        ),
        faq,
    )


@pytest.fixture(scope="module")
def report(small: Answerer, faq: Faq, questions: list[Expected]) -> Report:
    return evaluate(small, faq, questions, CACHE)


def test_the_report_counts_by_kind_and_style(report: Report) -> None:
    assert (report.in_scope["right"].hits, report.in_scope["right"].of) == (2, 3)
    assert report.by_group["plain"]["right"].of == 2
    assert report.out_of_scope["right"].of == 1
    assert set(report.out_of_scope_by_group) == {"far"}
    assert report.safety["right kind"] == Rate(1, 1)
    assert report.false_alarms == Rate(0, 4)


def test_a_confusion_names_the_utterance_that_pulls_the_question(report: Report) -> None:
    confusion = next(each for each in report.confusions if each.expected == "hashimoto-what")
    assert (confusion.got, confusion.answered + confusion.suggested_first) == ("ir-what", 1)
    (pull,) = confusion.pulls
    assert pull.utterance == "define insulin resistance"
    assert pull.lines == (3,)
    assert pull.similarity == pytest.approx(1.0, abs=1e-3)
    assert pull.to_right is not None
    assert pull.to_right < 0.9


def test_the_terminal_shows_the_questions_and_the_data_do_not(report: Report, questions: list[Expected]) -> None:
    shown = render(report)
    assert "hashimoto-what -> ir-what" in shown
    assert "line 3: define insulin resistance" in shown
    assert "stated risk is 2%" in shown
    kept = json.dumps(report.as_json())
    utterances = {pull.utterance for confusion in report.confusions for pull in confusion.pulls}
    assert not [question.text for question in questions if question.text in kept and question.text not in utterances]


def _iris(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", "eval", *map(str, arguments), "--content", str(SMALL)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "IRIS_CACHE": str(CACHE), "PATH": "", "HOME": str(folder)},
        timeout=120,
        check=False,
    )


def test_the_command_prints_tables_or_one_line_of_json(tmp_path: Path) -> None:
    file = _write(tmp_path, {"text": "explain insulin resistance to me", "label": "ir-what", "style": "plain"})
    shown, data = _iris(tmp_path, file), _iris(tmp_path, "--json", file)
    assert (shown.returncode, shown.stderr) == (Exit.OK, "")
    assert "with an entry" in shown.stdout
    assert data.stdout.count("\n") == 1
    assert json.loads(data.stdout)["in_scope"]["right"]["hits"] == 1
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and b"insulin resistance to me" in path.read_bytes()]
    assert kept == [file], "a question is left on the disk"


def test_the_command_says_which_lines_are_wrong_and_measures_nothing(tmp_path: Path) -> None:
    done = _iris(tmp_path, _write(tmp_path, {"text": "hm", "label": "no-such"}))
    assert (done.returncode, done.stdout) == (Exit.BAD_INPUT, "")
    assert "questions.jsonl:1:" in done.stderr
    assert "Traceback" not in done.stderr
