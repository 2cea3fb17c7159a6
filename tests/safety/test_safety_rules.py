"""The file of rules: every phrase can be seen, every mistake is refused, every text says what it must."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError
from safety_phrases import sentence_for

from bot.content.safety_rules import SafetyRules
from bot.safety import SafetyKind, Triage, banner_text, reply_text
from bot.safety.patterns import Pattern, Sightings, parse
from bot.safety.readings import read_numbers

EMERGENCY_NUMBER = re.compile(r"\b(911|999|112|000|111|988)\b")


def test_every_phrase_is_seen_in_a_sentence_made_from_it(triage: Triage) -> None:
    """A phrase that names a word which folding rewrites (medication, say) would never be found."""
    by_name: dict[str, list[Pattern]] = {}
    for pattern in triage.patterns:
        by_name.setdefault(pattern.name, []).append(pattern)
    unseen = []
    for pattern in triage.patterns:
        text = sentence_for(pattern, by_name)
        if pattern.name not in triage.look(text).places:
            unseen.append(f'{pattern.name}: "{pattern.source}" in "{text}"')
    assert unseen == []


def test_every_rule_cites_a_source(rules: SafetyRules) -> None:
    assert [rule.id for rule in rules.rules if not rule.sources] == []


def test_every_word_class_is_used(triage: Triage) -> None:
    assert triage.unused_words() == []


def with_rules(whole: SafetyRules, changed: list[dict[str, Any]]) -> dict[str, Any]:
    return {**whole.model_dump(), "rules": changed}


def test_an_unknown_key_is_refused(rules: SafetyRules) -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        SafetyRules.model_validate({**rules.model_dump(), "ruels": []})


def test_a_rule_with_an_unknown_source_is_refused(rules: SafetyRules) -> None:
    first, *rest = rules.model_dump()["rules"]
    with pytest.raises(ValidationError, match='source "nowhere" is not listed'):
        SafetyRules.model_validate(with_rules(rules, [{**first, "sources": ["nowhere"]}, *rest]))


def test_a_rule_that_is_there_twice_is_refused(rules: SafetyRules) -> None:
    dumped = rules.model_dump()["rules"]
    with pytest.raises(ValidationError, match="there twice"):
        SafetyRules.model_validate(with_rules(rules, [*dumped, dumped[0]]))


def test_a_rule_that_names_an_unknown_word_class_is_refused(rules: SafetyRules) -> None:
    first, *rest = rules.model_dump()["rules"]
    broken = SafetyRules.model_validate(with_rules(rules, [{**first, "any": ["{no-such-class}"]}, *rest]))
    with pytest.raises(ValueError, match="no such word class"):
        Triage(broken)


@pytest.mark.parametrize("phrase", ["", "a||b", "..3 word", "word ..", "word?"])
def test_a_phrase_that_is_not_well_formed_is_refused(phrase: str) -> None:
    with pytest.raises(ValueError, match="test-class"):
        parse("test-class", phrase)


@pytest.mark.parametrize("kind", SafetyKind)
@pytest.mark.parametrize("region", [None, "GB", "de", "IN", "ZZ", "US"])
def test_a_reply_is_short_and_says_where_to_turn(rules: SafetyRules, kind: SafetyKind, region: str | None) -> None:
    advice = reply_text(rules, [kind], region)
    assert advice.title
    assert 2 <= len(advice.lines) <= 5
    urgent = kind.startswith("emergency") or kind == SafetyKind.SELF_HARM
    assert bool(EMERGENCY_NUMBER.search(advice.text)) == urgent or region == "US"
    assert bool(advice.offer) != urgent


def test_a_known_region_gets_its_own_number_only(rules: SafetyRules) -> None:
    text = reply_text(rules, [SafetyKind.EMERGENCY_OTHER], "AU").text
    assert "000 (Australia)" in text
    assert "911" not in text


def test_an_unknown_region_gets_the_main_numbers_in_one_line(rules: SafetyRules) -> None:
    lines = reply_text(rules, [SafetyKind.EMERGENCY_OTHER]).lines
    (line,) = [line for line in lines if "911" in line]
    assert "your local emergency number" in line
    assert "112" in line


def test_a_crisis_line_stands_beside_the_emergency_number(rules: SafetyRules) -> None:
    assert "988" in reply_text(rules, [SafetyKind.SELF_HARM], "CA").text
    assert "116 123" in reply_text(rules, [SafetyKind.SELF_HARM], "GB").text


def test_several_kinds_are_told_the_most_urgent_first(rules: SafetyRules) -> None:
    both = [SafetyKind.EMERGENCY_OTHER, SafetyKind.SELF_HARM, SafetyKind.MEDICATION_DOSING]
    advice = reply_text(rules, both, "US")
    assert advice.title == rules.texts["en"].kinds["emergency-other"].title
    assert any(line.startswith("Also, for thoughts of harm") for line in advice.lines)
    assert not any("medicine" in line for line in advice.lines if line.startswith("Also"))
    assert advice.offer == ()


def test_no_reply_names_a_dose(rules: SafetyRules) -> None:
    for kind in SafetyKind:
        assert not re.search(r"\d+\s*(mg|units?|g|ml|tablets)\b", reply_text(rules, [kind]).text)


def test_every_banner_has_a_line(rules: SafetyRules) -> None:
    for banner in rules.banners:
        assert "your local emergency number" in banner_text(rules, banner.id)


def test_an_unknown_language_falls_back_to_english(rules: SafetyRules) -> None:
    assert reply_text(rules, [SafetyKind.SELF_HARM], None, "xx") == reply_text(rules, [SafetyKind.SELF_HARM])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("sugar 2.4", "{glucose-very-low}"),
        ("glucose 53 mg/dL", "{glucose-very-low}"),
        ("glucose 2,9 mmol/L", "{glucose-very-low}"),
        ("my bg is 3.8 mmol", "{glucose-low}"),
        ("sugar 69", "{glucose-low}"),
        ("sugar 5.5", "{glucose-normal}"),
        ("sugar 15", "{glucose-high}"),
        ("sugar 300", "{glucose-very-high}"),
        ("glucose 33.3 mmol/l", "{glucose-very-high}"),
        ("sugar 25", "{glucose-unclear}"),
        ("sugar 25 mmol", "{glucose-very-high}"),
        ("sugar 25 mg/dl", "{glucose-very-low}"),
        ("ketones 3.1", "{ketones-high}"),
        ("my ketone meter says 1.6", "{ketones-some}"),
        ("ketones 2+", "{ketones-high}"),
        ("hba1c 48 mmol/mol", "{lab-value}"),
        ("a1c 6.2%", "{lab-value}"),
        ("homa 2.6", "{lab-value}"),
        ("sugar forty one", "{glucose-very-low}"),
        ("sugar two point four", "{glucose-very-low}"),
        ("sugar five hundred and twenty", "{glucose-very-high}"),
        ("sugar 47 in 10 minutes", "{glucose-very-low}"),
    ],
)
def test_a_measurement_is_read_with_its_unit(triage: Triage, text: str, name: str) -> None:
    assert name in triage.look(text).places


@pytest.mark.parametrize(
    "text",
    [
        "i am 45 years old and like sugar",
        "40 mg",
        "sugar in 2024",
        "40 minutes after sugar",
        "type 2",
        "16:8 fasting",
        "does libre 3 work",
    ],
)
def test_other_numbers_are_no_glucose(triage: Triage, text: str) -> None:
    assert "{glucose-value}" not in triage.look(text).places


def test_readings_and_words_are_looked_at_in_that_order(triage: Triage) -> None:
    sightings = triage.look("my meter says 40")
    assert isinstance(sightings, Sightings)
    read_numbers(sightings, frozenset(), triage.rules.readings)
    assert "{glucose-very-low}" in sightings.places
