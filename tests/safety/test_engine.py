"""What triage finds in messages: tables of messages and the kind each must get."""

from __future__ import annotations

from collections import Counter

import pytest
from safety_tables import examples, negatives, positives

from bot.answer import LONGEST_QUESTION
from bot.safety import Assessment, SafetyKind, Triage

COVERED = [(text, kind) for kind, texts in examples()["covered"].items() for text in texts]
EMERGENCIES = {"emergency-low-glucose", "emergency-high-glucose", "emergency-other", "self-harm"}


@pytest.mark.parametrize(("text", "kind"), [row for row in COVERED if row[1] != "harmless"])
def test_a_risky_message_gets_its_kind(triage: Triage, text: str, kind: str) -> None:
    assert triage.assess(text).kind == kind


@pytest.mark.parametrize("text", [text for text, kind in COVERED if kind == "harmless"])
def test_a_harmless_message_gets_no_safety_reply(triage: Triage, text: str) -> None:
    assert triage.assess(text).findings == ()


@pytest.mark.parametrize(
    ("text", "kind"), [(text, kind) for kind, texts in examples()["gaps"].items() for text in texts]
)
def test_a_known_gap_is_still_one(triage: Triage, text: str, kind: str) -> None:
    """One that has closed belongs under `covered`, so that it stays closed."""
    assert (triage.assess(text).kind or "harmless") != kind


def test_messages_written_apart_from_the_rules_are_found(triage: Triage) -> None:
    """The floor is what the rules reach alone; the second look stands above them."""
    found: Counter[str] = Counter()
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for text, kind, allowed in positives():
        assessed = triage.assess(text).kind
        group = "urgent" if kind in EMERGENCIES else "calm"
        total[group] += 1
        found[group] += assessed is not None
        right[group] += assessed in allowed
    assert found["urgent"] / total["urgent"] >= 0.96
    assert right["urgent"] / total["urgent"] >= 0.94
    assert found["calm"] / total["calm"] >= 0.90


def test_harmless_messages_written_apart_from_the_rules_are_left_alone(triage: Triage) -> None:
    alarmed = [text for text in negatives() if triage.assess(text).kind is not None]
    assert len(alarmed) / len(negatives()) <= 0.02, alarmed


@pytest.mark.parametrize(
    ("text", "banner"),
    [
        ("what is DKA?", "emergency-high-glucose"),
        ("What is severe hypoglycaemia?", "emergency-low-glucose"),
        ("what are the signs of a stroke", "emergency-other"),
        ("what is diabulimia", "self-harm"),
        ("what happens if you stop steroids suddenly", "emergency-other"),
        ("what is insulin resistance?", None),
        ("hi", None),
    ],
)
def test_a_text_that_only_names_an_emergency_gets_a_banner(triage: Triage, text: str, banner: str | None) -> None:
    assessment = triage.assess(text)
    assert assessment.findings == ()
    assert assessment.banner == banner


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ("no chest pain, just curious what insulin resistance is", "negated"),
        ("no chest pain, cough or fever here", "negated"),
        ("what should I do if someone has chest pain", "hypothetical"),
        ("my uncle collapsed years ago", "past"),
        ("in the film she takes the whole bottle of insulin", "story-word"),
        ("my character takes the whole bottle of insulin", "fiction"),
        ("signs of chest pain in the elderly", "named"),
    ],
)
def test_what_clears_a_rule_is_said(triage: Triage, text: str, frame: str) -> None:
    assessment = triage.assess(text)
    assert assessment.findings == ()
    assert any(entry.endswith(f"({frame})") for entry in assessment.cleared), assessment.cleared


@pytest.mark.parametrize(
    "text",
    [
        "No, my chest hurts",
        "not joking, my chest hurts",
        "I'm not sure what it is but my chest hurts",
        "no fever but my chest hurts",
        "watching a movie and my chest hurts right now",
        "I'm a nurse and my chest hurts",
    ],
)
def test_a_no_or_a_frame_beside_a_danger_clears_nothing(triage: Triage, text: str) -> None:
    assert triage.assess(text).kind == SafetyKind.EMERGENCY_OTHER


def test_the_nearer_danger_comes_first_and_both_are_kept(triage: Triage) -> None:
    assessment = triage.assess("my sugar is 38, he won't wake up. should he stop metformin?")
    assert assessment.kinds[0] == SafetyKind.EMERGENCY_LOW_GLUCOSE
    assert SafetyKind.MEDICATION_DOSING in assessment.kinds


def test_a_finding_says_which_rule_which_words_and_why(triage: Triage) -> None:
    finding = triage.assess("Help, my throat is closing up").findings[0]
    assert finding.rule == "other-allergy"
    assert finding.matched == "throat is closing"
    assert finding.why.endswith(".")


def test_every_rule_is_hit_by_a_message_of_the_tables(triage: Triage) -> None:
    texts = [text for text, kind in COVERED if kind != "harmless"] + [text for text, _, _ in positives()]
    hit = {finding.rule for text in texts for finding in triage.assess(text).findings}
    assert {rule.id for rule in triage.rules.rules} - hit == set()


def test_every_clearing_frame_is_hit_by_a_message_of_the_tables(triage: Triage) -> None:
    texts = [*negatives(), *examples()["covered"]["harmless"]]
    cleared = {entry.rpartition("(")[2].rstrip(")") for text in texts for entry in triage.assess(text).cleared}
    urgent = {"negated", "figure", "named", "general", "hypothetical", "past", "fiction"}
    assert urgent - cleared == set()


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\x00",
        "\ud800",
        "?",
        "\u200b\u200b",
        "שלום",
        "\u202eabc",
        "🙂",
        "👍🏽",
        "1",
        "-1",
        "9" * 400,
        "/" * 50,
        "ﷺ",
        "İ",
    ],
)
def test_no_string_breaks_it(triage: Triage, text: str) -> None:
    assert isinstance(triage.assess(text), Assessment)


@pytest.mark.parametrize(
    "unit", ["my chest hurts and i took insulin ", "a ", "x", "1 ", "no ", "k*l ", "\ud800\x00\u202e"]
)
def test_the_longest_text_that_is_read_breaks_nothing(triage: Triage, unit: str) -> None:
    """Work grows with the length and no faster; a test of the speed itself stands in benchmarks/."""
    text = (unit * LONGEST_QUESTION)[: 2 * LONGEST_QUESTION]
    assert isinstance(triage.assess(text), Assessment)
