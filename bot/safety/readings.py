"""Finds numbers that are measurements in a message, and says what they are: `a glucose below 54 mg/dL`, `an A1C`.

Glucose comes in mg/dL or mmol/L, often with no unit. Without one the size decides: below 34 it is mmol/L, from there on
mg/dL. Between 20 and 33 both occur, a severe low or a severe high, and the reading is `unclear`.
"""

from __future__ import annotations

from bot.content.safety_rules import ReadingRules
from bot.safety.patterns import Sightings

MG_PER_MMOL = 18.016  # molar mass of glucose, 180.16 g/mol, over ten decilitres a litre
_UNIT_SPLIT = 34.0
_UNCLEAR_FROM = 20.0
_HIGHEST_MG, _HIGHEST_MMOL = 1500.0, 85.0
_LOOK_BACK, _LOOK_AHEAD = 11, 4
_FEW_WORDS = 3
# So many tablets at once are no prescription; from about 200 on a number before a drug's name is its strength in mg.
_MANY_PILLS, _STRENGTHS = 10, 200
_NOT_YEARS = (1900.0, 2100.0)

MADE = frozenset(
    "{" + name + "}"
    for name in (
        "glucose-very-low",
        "glucose-low",
        "glucose-normal",
        "glucose-raised",
        "glucose-high",
        "glucose-very-high",
        "glucose-unclear",
        "glucose-value",
        "ketones-high",
        "ketones-some",
        "lab-value",
        "bare-value",
        "many-pills",
        "question",
        "startling-low",
        "decimal-low",
        "startling-high",
        "startling-unclear",
    )
)
"""The classes that come from numbers and not from words."""


def read_numbers(sightings: Sightings, questions: frozenset[int], rules: ReadingRules) -> None:
    """Add measurements and question marks to the sightings, as word classes that rules can name."""
    for place, token in enumerate(sightings.tokens):
        if token.sentence in questions and sightings.limits[place] == place + 1:
            sightings.see("{question}", place, place + 1)
        if token.value is None:
            continue
        for name in _classes(sightings, place, token.value, rules):
            sightings.see("{" + name + "}", place, place + 1)


def _classes(sightings: Sightings, place: int, value: float, rules: ReadingRules) -> list[str]:
    at, tokens = sightings.at, sightings.tokens
    after = at[place + 1] if place + 1 < sightings.limits[place] else {}
    before = at[place - 1] if place and tokens[place - 1].sentence == tokens[place].sentence else {}
    if "{pill-word}" in after and _MANY_PILLS <= value < _STRENGTHS:
        return ["many-pills"]
    counted = "{not-a-reading-after}" in after and "{not-a-reading-after-not}" not in after
    if counted or "{not-a-reading-before}" in before or _NOT_YEARS[0] <= value < _NOT_YEARS[1]:
        return []
    if "and" in after and "between" in before:
        return []
    if any(span.start <= place < span.end for span in sightings.spans("{not-a-model}")):
        return []
    test = _test_named(sightings, place)
    alone = len(tokens) <= _FEW_WORDS
    if test is None and (alone or _hinted(sightings, place)) and _is_startling(tokens[place].text, value):
        test = "glucose"
    unit = next((unit for unit in ("mgdl", "mmol", "percent", "mmolmol", "uiuml") if unit in after), None)
    if unit in ("mmolmol", "uiuml"):
        return ["lab-value"]
    if unit == "percent":
        return ["lab-value"] if test in (None, "a1c", "glucose") and 3 < value < 20 else []
    if test is None and unit in ("mgdl", "mmol"):
        test = "glucose"
    if test == "ketones":
        plus = "+" in after or "plus" in after
        high = value >= (rules.ketones_high_plus if plus else rules.ketones_high)
        return ["ketones-high", "ketones-some"] if high else ["ketones-some"] if value >= rules.ketones_some else []
    if test == "glucose":
        return _glucose(value, "." in tokens[place].text, unit, rules)
    if test == "lab" or (test == "a1c" and 3 < value < 200):
        return ["lab-value"]
    if not (1 < value < 1000):
        return []
    if unit is not None or test is not None:
        return []
    return ["bare-value", *_startling(tokens[place].text, value)]


def _is_startling(text: str, value: float) -> bool:
    """Say whether a number with no unit and no test named looks like a dangerous glucose and like little else."""
    return ("." in text and 1.5 <= value <= 3.9) or 30 <= value < 75 or 250 <= value <= 800


def _startling(text: str, value: float) -> list[str]:
    """Say what a bare number would be if it were a glucose, for rules that look for signs beside it."""
    if "." in text and 1.5 <= value < 3.5:
        return ["startling-low", "decimal-low"]
    if 30 <= value < 60:
        return ["startling-low"]
    if 20 <= value < 34:
        return ["startling-unclear"]
    return ["startling-high"] if 280 <= value <= 800 or ("." in text and 16 <= value < 34) else []


def _hinted(sightings: Sightings, place: int) -> bool:
    """Say whether the words around a bare number are those of a glucose reading: "dropped to", "at bedtime"."""
    sentence = sightings.tokens[place].sentence
    hints = sightings.spans("{glucose-hint}")
    return any(
        sightings.tokens[span.start].sentence == sentence and -_LOOK_AHEAD <= place - span.end <= _LOOK_BACK
        for span in hints
    )


def _glucose(value: float, decimal: bool, unit: str | None, rules: ReadingRules) -> list[str]:
    # Nobody types mg/dL with a decimal point.
    mmol = unit == "mmol" or (unit is None and (value < _UNIT_SPLIT or (decimal and value < _HIGHEST_MMOL)))
    if value <= 0.5 or value > (_HIGHEST_MMOL if mmol else _HIGHEST_MG):
        return []
    if unit is None and _UNCLEAR_FROM <= value < _UNIT_SPLIT and not decimal:
        return ["glucose-value", "glucose-unclear"]
    mg = value * MG_PER_MMOL if mmol else value
    steps = (
        (rules.very_low_mg, ["glucose-very-low", "glucose-low"]),
        (rules.low_mg, ["glucose-low"]),
        (rules.raised_mg, ["glucose-normal"]),
        (rules.high_mg, ["glucose-raised"]),
        (rules.very_high_mg, ["glucose-raised", "glucose-high"]),
    )
    for below, names in steps:
        # A tenth of a mmol/L is about 2 mg/dL: half of that covers how meters round.
        if mg < below - (0.5 if mmol else 0):
            return ["glucose-value", *names]
    return ["glucose-value", "glucose-raised", "glucose-high", "glucose-very-high"]


def _test_named(sightings: Sightings, place: int) -> str | None:
    """Return which measurement the number belongs to: the test named last before it, else one named just after it."""
    tokens, at = sightings.tokens, sightings.at
    sentence = tokens[place].sentence
    device = False
    for back in range(place - 1, max(-1, place - 1 - _LOOK_BACK), -1):
        if tokens[back].sentence != sentence:
            break
        name = _test_at(sightings, back)
        if name == "glucose" and "{test-device}" in at[back]:
            # "my ketone meter says 3.5": a device is glucose only if nothing before it says otherwise.
            device = True
        elif name is not None:
            return name
    if device:
        return "glucose"
    for ahead in range(place + 1, min(len(tokens), place + 1 + _LOOK_AHEAD)):
        if tokens[ahead].clause != tokens[place].clause or "and" in at[ahead] or "but" in at[ahead]:
            break
        name = _test_at(sightings, ahead)
        if name is not None:
            return name
    return None


def _test_at(sightings: Sightings, place: int) -> str | None:
    here = sightings.at[place]
    taken_back = sightings.spans("{not-a-test}")
    if any(span.start <= place < span.end for span in taken_back):
        return None
    for name in ("ketones", "a1c", "lab", "glucose"):
        if "{test-" + name + "}" in here:
            return name
    return None
