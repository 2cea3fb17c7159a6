"""One broken file per kind of mistake, and the exact sentences that its editor reads."""

from __future__ import annotations

import builtins
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.assembly import find_alike
from bot.content import ContentError, load_faq
from bot.content.check import check_faq

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
TODAY = date(2026, 6, 1)
MISTAKES: list[dict[str, Any]] = yaml.safe_load((HERE / "mistakes.yaml").read_text(encoding="utf-8"))
HARD = "Characteristic dermatological manifestations accompany hyperinsulinaemia. "


def problems(folder: Path) -> list[str]:
    """What ``iris check`` lists, without the near-duplicates; reminders begin with a question mark."""
    found = set(check_faq(folder, today=TODAY))
    try:
        load_faq(folder)
    except ContentError as error:
        found |= set(error.problems)
    return [f"?{problem}" if problem.reminder else str(problem) for problem in sorted(found)]


def change(file: Path, *edits: tuple[str, str]) -> None:
    text = file.read_text(encoding="utf-8")
    for old, new in edits:
        assert old in text, "The test is out of step with good/faq.yaml."
        text = text.replace(old, new, 1)
    file.write_text(text, encoding="utf-8")


def test_the_content_that_is_broken_here_has_nothing_wrong_with_it(good: Path) -> None:
    assert problems(good) == []


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: str(mistake["name"]))
def test_a_mistake_is_said_with_file_line_entry_and_what_to_do(mistake: dict[str, Any], good: Path) -> None:
    change(good / mistake.get("file", "faq.yaml"), (mistake["old"], mistake["new"]))
    assert problems(good) == mistake["said"]


def _part(start: str, end: str) -> str:
    """The part of the third entry's text in good/faq.yaml from ``start`` up to ``end``."""
    text = (HERE / "good" / "faq.yaml").read_text(encoding="utf-8")
    first = text.index(start, text.index("  - id: thyroid-what"))
    return text[first : text.index(end, first)]


SHORT = "    short: It sets the pace of your whole body."
DETAILS = _part("    details: |-\n", "    strength:")
HOW = "Make shorter sentences of everyday words, and put a term that the text explains between **."
LONG = [
    (
        SHORT,
        f"    short: {'It is so. ' * 21}",
        '71 (thyroid-what): "short" has 63 words; 60 fit a chat bubble. Move the rest to "details".',
    ),
    (SHORT, f"    short: {HARD}", f'71 (thyroid-what): "short" reads at grade 45.4; at most 10. {HOW}'),
    (
        SHORT,
        f"    short: '**https://example.org/{'a' * 1500}**'",
        '71 (thyroid-what): "short" has 1524 characters; a message shows 1400. Shorten it.',
    ),
    (DETAILS, "", '68 (thyroid-what): "details" is missing. Add 80 to 200 words that say more than the short answer.'),
    (
        DETAILS,
        f"    details: {'It is so. ' * 70}\n",
        '72 (thyroid-what): "details" has 210 words, not 80 to 200. Shorten it, or make two entries of it.',
    ),
    (DETAILS, f"    details: {HARD * 20}\n", f'72 (thyroid-what): "details" reads at grade 45.4; at most 11. {HOW}'),
    (
        "advice.\n",
        "advice. " + "Ask. " * 20 + "\n",
        '4: "short" has 140 characters; the bot\'s profile on Telegram shows 120. Shorten it.',
    ),
    (
        "Ask me about insulin.",
        "Ask me. " * 30,
        '88 (greeting): "reply" has 61 words; 60 fit a chat bubble. Shorten it.',
    ),
]


@pytest.mark.parametrize(("old", "new", "said"), LONG, ids=[said.split(". ")[0] for _, _, said in LONG])
def test_a_text_that_is_too_long_or_too_hard_is_said(old: str, new: str, said: str, good: Path) -> None:
    change(good / "faq.yaml", (old, new))
    assert problems(good) == [f"content/faq.yaml:{said}"]


def test_too_few_utterances_are_said(good: Path) -> None:
    change(good / "utterances" / "basics.yaml", ("".join(f'  - "skin number {n}"\n' for n in range(12, 41)), ""))
    assert problems(good) == [
        "content/faq.yaml:51 (ir-signs): There are 11 utterances. Write at least 12, better 40: different people, "
        "some of whom do not know the medical word."
    ]


def test_an_entry_that_nothing_leads_to_is_said(good: Path) -> None:
    change(
        good / "faq.yaml",
        ("related: [ir-signs, thyroid-what]", "related: [ir-signs]"),
        ("related: [ir-what, thyroid-what]", "related: [ir-what]"),
    )
    assert problems(good) == [
        'content/faq.yaml:46 (ir-what): "related" names 1 entry. Name 2 to 4.',
        'content/faq.yaml:63 (ir-signs): "related" names 1 entry. Name 2 to 4.',
        'content/faq.yaml:80 (thyroid-what): No "related" of the other entries leads here. '
        'Name "thyroid-what" under "related" of a neighbour.',
    ]


def test_an_entry_that_leads_nowhere_is_said(good: Path) -> None:
    change(good / "faq.yaml", ("related: [ir-what, ir-signs]", "related: [thyroid-what]"))
    said = 'From here "related" does not lead back to the other entries. Name one of them here.'
    assert f"content/faq.yaml:80 (thyroid-what): {said}" in problems(good)


def test_all_mistakes_of_all_files_are_said_at_once(good: Path) -> None:
    change(
        good / "faq.yaml",
        ("    strength: likely", "    strenght: likely"),
        ("[nhs, niddk]", "[nhs, who]"),
        ("**less**", "**less"),
    )
    change(good / "utterances" / "basics.yaml", ("ir-signs:", "ir-sings:"))
    change(good / "vocabulary.yaml", ('["gout"]', '["gout", "lupus"]'))
    places = [re.split(r" |: ", said)[0] for said in problems(good)]
    assert places == [
        "content/faq.yaml:32",  # the bold
        "content/faq.yaml:61",  # the unknown key
        "content/faq.yaml:79",  # the source
        "content/utterances/basics.yaml:42",
        "content/vocabulary.yaml:3",
    ]


def test_texts_that_are_hard_on_the_whole_are_a_reminder(good: Path) -> None:
    text = (good / "faq.yaml").read_text(encoding="utf-8")
    hard = "Many people notice no signs of it, although a doctor may be able to discover several."
    text = re.sub(r"    short: (Most|It).*", f"    short: {hard}", text)
    (good / "faq.yaml").write_text(text, encoding="utf-8")
    assert problems(good) == [
        '?content/faq.yaml:27: Half of the "short" texts read above grade 9.1; the aim is 8. '
        "Begin with the hardest: iris content report."
    ]


def test_without_textstat_the_check_says_what_to_install(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "textstat":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    assert problems(good) == [
        "?content/faq.yaml:1: The reading level was not checked, because textstat is not installed. "
        "Install it: pip install textstat==0.7.8"
    ]


ALIKE = [
    # first entry, second entry, whether that is a mistake
    ("how do stress and sugar go together", "how does stress and sugar go together", True),
    ("can exercise make me more sensitive to insulin", "can exercise make you more sensitive to insulin", True),
    (
        "my doctor says my body ignores the sugar hormone",
        "My doctor says that my body ignores the sugar hormone.",
        True,
    ),
    ("what is insulin resistance in a few words", "what is the thyroid in a few words", False),
    ("why is there sugar in my blood at night", "what makes my neck swell", False),
]


@pytest.mark.parametrize(("one", "other", "wrong"), ALIKE)
def test_a_near_duplicate_under_two_entries_is_said(one: str, other: str, wrong: bool, good: Path) -> None:
    change(good / "utterances" / "basics.yaml", ('"cells number 1"', f'"{one}"'))
    change(good / "utterances" / "thyroid.yaml", ('"gland number 1"', f'"{other}"'))
    found = check_faq(good, find_alike(ROOT / ".cache" / "iris"), TODAY)
    said = [str(problem) for problem in found if "nearly" in problem.message and " number " not in problem.message]
    assert (
        said
        == [
            f'content/utterances/thyroid.yaml:2 (thyroid-what): "{other}" is nearly the same as "{one}" under ir-what '
            "(content/utterances/basics.yaml:2). Keep one of the two, or say what makes them different."
        ]
        * wrong
    )


@pytest.mark.parametrize(("text", "wrong"), [("tell me the signs, please", False), ("tell me the sign, please", True)])
def test_a_word_of_the_question_tells_two_near_duplicates_apart(text: str, wrong: bool, good: Path) -> None:
    change(
        good / "utterances" / "basics.yaml", ('"cells number 1"', '"tell me, please"'), ('"skin number 1"', f'"{text}"')
    )

    def alike(texts: Sequence[str], owners: Sequence[str]) -> list[tuple[int, int]]:
        assert len(texts) == len(owners)
        return [(texts.index("tell me, please"), texts.index(text))]

    assert any("nearly the same" in problem.message for problem in check_faq(good, alike, TODAY)) is wrong
