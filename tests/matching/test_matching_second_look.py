"""The second look at safety: it learns dangers, rarely cries wolf, and reads long messages in parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bot.matching import Encoder, SecondLook
from bot.matching.second_look import FALSE_ALARMS_MAX, readings_of

PLACES = [
    "kitchen",
    "garden",
    "cellar",
    "attic",
    "garage",
    "office",
    "school",
    "hospital",
    "station",
    "hotel",
    "church",
]
THINGS = ["lamp", "heater", "radio", "fridge", "printer", "lift", "window", "boiler"]

# A field of its own, so that nothing here is tuned to the dangers of the shipped content.
DANGERS = {
    "fire": [
        *(f"there is a fire in the {place}" for place in PLACES),
        *(f"the {thing} is burning" for thing in THINGS),
        *(f"smoke is coming out of the {thing}" for thing in THINGS),
        "everything is in flames",
        "we are trapped by the fire",
    ],
    "flood": [
        *(f"the {place} is under water" for place in PLACES),
        *(f"water is pouring into the {place}" for place in PLACES),
        "the river has burst its banks",
        "we are sitting on the roof, the water is rising",
    ],
}
HARMLESS = [
    *(f"where is the {place}" for place in PLACES),
    *(f"when does the {place} open" for place in PLACES),
    *(f"how do I get to the {place}" for place in PLACES),
    *(f"the {thing} does not work" for thing in THINGS),
    *(f"how much is a new {thing}" for thing in THINGS),
    *(f"who repairs a {thing}" for thing in THINGS),
    *(f"is there a {thing} in the {place}" for thing in THINGS for place in PLACES),
    "who invented the fire extinguisher",
    "how do I water the plants",
    "is drinking water free",
]


@pytest.fixture(scope="module")
def second_look(encoder: Encoder) -> SecondLook:
    return SecondLook.fit(DANGERS, HARMLESS, encoder)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("there is a fire in the bedroom", "fire"),
        ("help, my curtains are burning", "fire"),
        ("flames are coming out of the window", "fire"),
        ("the basement is under water", "flood"),
        ("water is pouring into my bedroom", "flood"),
    ],
)
def test_other_words_for_a_danger_are_seen(second_look: SecondLook, text: str, kind: str) -> None:
    suspicion = second_look.look(text)
    assert suspicion is not None
    assert suspicion.kind == kind
    assert second_look.threshold <= suspicion.probability <= 1


@pytest.mark.parametrize(
    "text",
    ["what is insulin resistance", "when does the museum open", "who repairs bicycles", "good morning", "", "😂"],
)
def test_harmless_messages_raise_no_suspicion(second_look: SecondLook, text: str) -> None:
    assert second_look.look(text) is None


def test_it_keeps_its_promise_on_its_own_harmless_examples(second_look: SecondLook) -> None:
    alarms = [text for text in HARMLESS if second_look.look(text)]
    assert len(alarms) <= FALSE_ALARMS_MAX * len(HARMLESS), alarms


def test_it_sees_its_own_examples_of_danger(second_look: SecondLook) -> None:
    missed = [text for texts in DANGERS.values() for text in texts if not second_look.look(text)]
    assert len(missed) <= 0.1 * sum(map(len, DANGERS.values())), missed


STORY = (
    "I arrived last night and the journey was long but pleasant. The hotel is fine and breakfast is served from seven. "
    "{} My room looks out on the garden and the bed is comfortable. Tomorrow I would like to visit the museum!"
)


def test_one_dangerous_sentence_is_seen_in_a_long_message(second_look: SecondLook) -> None:
    suspicion = second_look.look(STORY.format("There is a fire in the kitchen."))
    assert suspicion is not None
    assert suspicion.kind == "fire"
    assert second_look.look(STORY.format("There is a lamp in the kitchen.")) is None


def test_a_dangerous_line_without_a_full_stop_is_seen_too(second_look: SecondLook) -> None:
    text = "my stay so far\nthe journey was long and pleasant\nwater is pouring into the cellar\nthe bed is comfortable"
    suspicion = second_look.look(text)
    assert suspicion is not None
    assert suspicion.kind == "flood"


LONG = "one two three four five six seven eight nine"


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("", [""]),
        ("Short. Very short.", ["Short. Very short."]),
        (f"{LONG}. {LONG[:40]}", [f"{LONG}. {LONG[:40]}"]),  # 17 words
        (f"{LONG}. {LONG}", [f"{LONG}.", LONG, f"{LONG}. {LONG}"]),  # 18 words
        (f"{LONG}! {LONG}? Yes… no no", [f"{LONG}!", f"{LONG}?", "no no", f"{LONG}! {LONG}? Yes… no no"]),
        (f"{LONG}\n\n{LONG}", [LONG, LONG, f"{LONG}\n\n{LONG}"]),
        (f"{LONG} 6.5 {LONG}", [f"{LONG} 6.5 {LONG}"] * 2),  # a number's point ends no sentence
    ],
)
def test_a_long_message_is_read_sentence_by_sentence_and_whole(text: str, readings: list[str]) -> None:
    assert readings_of(text) == readings


def test_the_longest_messages_are_read_in_a_bounded_number_of_parts() -> None:
    text = "It goes on. " * 2_000
    assert len(readings_of(text)) == 25
    assert readings_of(text)[-1] == text


def test_the_same_examples_give_the_very_same_second_look_also_from_disk(
    second_look: SecondLook, tmp_path: Path
) -> None:
    encoder = Encoder(cache_folder=tmp_path)
    fitted = SecondLook.fit(DANGERS, HARMLESS, encoder)
    (file,) = tmp_path.glob("second_look-*.npz")
    written = file.stat().st_mtime_ns
    loaded = SecondLook.fit(DANGERS, HARMLESS, encoder)
    assert file.stat().st_mtime_ns == written
    for other in (fitted, loaded):
        assert other.kinds == second_look.kinds
        assert other.threshold == second_look.threshold
        assert np.array_equal(other.head.weights, second_look.head.weights)
        assert np.array_equal(other.head.bias, second_look.head.bias)
