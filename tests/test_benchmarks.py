"""What the benchmarks stand on: the converter, the typing errors and the measures; the measuring itself is not run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.convert import as_content, read_set, write_content
from benchmarks.public_sets import area_under_roc, false_at_95
from benchmarks.typos import misspell
from bot.content import load_faq
from bot.evaluation import read_questions

ROOT = Path(__file__).parent.parent
COMMANDS = sorted(
    path.stem
    for path in (ROOT / "benchmarks").glob("*.py")
    if "__main__" in path.read_text(encoding="utf-8") and path.stem != "peer_worker"
)


def test_a_converted_set_is_content_with_every_utterance_once(tmp_path: Path) -> None:
    rows = [
        ("where is my card", "card_arrival"),
        ('it\'s not here: "still"', "card_arrival"),
        ("was it 12", "reverted_card_payment?"),
        ("yes", "reverted_card_payment?"),
        ("sing a song", "oos"),
    ]
    file = tmp_path / "content.yaml"
    write_content(file, as_content(rows, ["dance"]))
    faq = load_faq(file)
    assert [len((entry.question, *entry.utterances)) for entry in faq.entries] == [2, 2]
    assert [(entry.question, *entry.utterances) for entry in faq.entries][1] == ("was it 12", "yes")
    assert faq.entries[0].id == "card_arrival"
    assert [text for texts in faq.out_of_scope.values() for text in texts] == ["dance", "sing a song"]
    # Neither the name of a label nor a made answer may be learnt from.
    assert not any(letter.isalnum() for entry in faq.entries for letter in entry.short + entry.details)


@pytest.mark.parametrize(
    "text", ["caf\u00e9 \U0001f600", "a\x7fb\x85c", "a\u2028b", "no", "- : #", 'a "b" \\', "12", "\t x"]
)
def test_any_text_survives_the_content_file(text: str, tmp_path: Path) -> None:
    write_content(tmp_path / "content.yaml", as_content([("first", "a"), (text, "a")]))
    assert load_faq(tmp_path / "content.yaml").entries[0].utterances == (text.strip(),)


def test_a_test_file_with_the_labels_of_the_set_can_be_evaluated_as_it_is(tmp_path: Path) -> None:
    labels = ["card_arrival", "reverted_card_payment?", "balance_not_updated_after_cheque_or_cash_deposit"]
    file = tmp_path / "test.jsonl"
    file.write_text("".join(json.dumps({"text": "hm", "label": label}) + "\n" for label in [*labels, "oos"]))
    write_content(tmp_path / "content.yaml", as_content([("hm", label) for label in labels]))
    faq = load_faq(tmp_path / "content.yaml")
    ids = [question.name for question in read_questions(file, faq)]
    assert ids == [*(entry.id for entry in faq.entries), "out_of_scope"]


def test_a_line_that_is_no_row_is_named(tmp_path: Path) -> None:
    (tmp_path / "set.jsonl").write_text('{"text": "a", "label": "b"}\n\n{"text": "a"}\n')
    with pytest.raises(SystemExit, match=r"set\.jsonl:3:"):
        read_set(tmp_path / "set.jsonl")


def test_the_converter_is_one_command(tmp_path: Path) -> None:
    (tmp_path / "set.jsonl").write_text('{"text": "a", "label": "b"}\n')
    command = [sys.executable, "-m", "benchmarks.convert", str(tmp_path / "set.jsonl"), str(tmp_path / "c.yaml")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "1 entries" in done.stdout
    assert load_faq(tmp_path / "c.yaml").entries[0].id == "b"


@pytest.mark.parametrize("errors", [1, 2, 3])
def test_typing_errors_hit_long_words_only_and_are_the_same_every_time(errors: int) -> None:
    text = "So what does my doctor mean by insulin resistance, and is it bad?"
    words = text.split()
    spelt = [misspell(text, errors, errors, seed) for seed in range(200)]
    assert spelt == [misspell(text, errors, errors, seed) for seed in range(200)]
    assert all(len(each.split()) == len(words) for each in spelt)
    for each in spelt:
        changed = [before for before, after in zip(words, each.split(), strict=True) if before != after]
        assert len(changed) == errors
        assert all(len(word.strip("?,")) >= 4 for word in changed)
    assert any(each.split()[6][0] != "m" for each in spelt), "first letters are hit too"
    kept = [misspell(text, errors, errors, seed, first_letters=False) for seed in range(200)]
    assert all([word[0] for word in each.split()] == [word[0] for word in words] for each in kept)
    assert text not in kept


def test_a_text_without_long_words_stays_as_it_is() -> None:
    assert misspell("is it my a1c?") == "is it my a1c?"


@pytest.mark.parametrize(
    ("inside", "outside", "area", "false"),
    [
        ([0.9, 0.8], [0.1, 0.2], 1.0, 0.0),
        ([0.1, 0.2], [0.9, 0.8], 0.0, 1.0),
        ([0.5, 0.5], [0.5], 0.5, 1.0),
        ([0.9, 0.4], [0.6, 0.1], 0.75, 0.5),
    ],
)
def test_out_of_scope_measures(inside: list[float], outside: list[float], area: float, false: float) -> None:
    assert (area_under_roc(inside, outside), false_at_95(inside, outside)) == (area, false)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_benchmark_is_in_the_table_and_explains_itself(name: str) -> None:
    readme = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert f"`python -m benchmarks.{name}" in readme
    command = [sys.executable, "-m", f"benchmarks.{name}", "--help"]
    assert b"usage:" in subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout


def test_our_own_questions_fit_the_content() -> None:
    faq = load_faq(ROOT / "content")
    for file in sorted((ROOT / "benchmarks" / "questions").glob("*.jsonl")):
        assert len(read_questions(file, faq)) >= 100
