"""The second look at safety: it learns dangers, rarely cries wolf, and reads long messages in parts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from bot.matching import Encoder, SecondLook
from bot.matching.second_look import DOUBTED_MAX, FALSE_ALARMS_MAX, sentences_of

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
LOOK_ALIKES = [
    "who invented the fire extinguisher",
    "where is the smoke alarm",
    "how do I light a fire in the stove",
    "the burning question is when the bar opens",
    "candles are burning on the table, how lovely",
    "how do I water the plants",
    "is drinking water free",
    "is the river far from here",
    "how high is the river usually",
]
OTHERS = [
    *(f"where is the {place}" for place in PLACES),
    *(f"when does the {place} open" for place in PLACES),
    *(f"how do I get to the {place}" for place in PLACES),
    *(f"who cleans the {place}" for place in PLACES),
    *(f"the {thing} does not work" for thing in THINGS),
    *(f"how much is a new {thing}" for thing in THINGS),
    *(f"who repairs a {thing}" for thing in THINGS),
    *(f"is there a {thing} in the {place}" for thing in THINGS for place in PLACES),
]
HARMLESS = [*LOOK_ALIKES, *OTHERS]
ABOVE_ANY_COSINE, ALMOST_THE_SAME = 1.5, 0.98


@dataclass(frozen=True)
class Heat:
    """Signs as triage gives them: one word class, seen by its words."""

    digest: str = "1"

    def signs(self, text: str) -> set[str]:
        return {"{heat}"} if {"fire", "smoke", "burning", "flames"} & set(text.lower().split()) else set()

    def undisguised(self, text: str) -> str:
        return text.replace("w a t e r", "water")


HEAT = Heat()


@pytest.fixture(scope="module")
def second_look(encoder: Encoder) -> SecondLook:
    return SecondLook.fit(DANGERS, LOOK_ALIKES, OTHERS, encoder, HEAT)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("there is a fire in the bedroom", "fire"),
        ("help, my curtains are burning", "fire"),
        ("smoke is coming out of the oven", "fire"),
        ("the basement is under water", "flood"),
        ("water is pouring into my bedroom", "flood"),
    ],
)
def test_other_words_for_a_danger_are_seen(second_look: SecondLook, text: str, kind: str) -> None:
    suspicion = second_look.look(text)
    assert suspicion.kind == kind
    assert suspicion.strength >= second_look.limits.alarming


def test_a_misspelt_message_is_read_as_it_was_meant(encoder: Encoder, second_look: SecondLook) -> None:
    typed, meant = "watr is puoring into teh celar", "water is pouring into the cellar"
    spelling = SecondLook.fit(
        DANGERS, LOOK_ALIKES, OTHERS, encoder, HEAT, lambda text: meant if text == typed else text
    )
    assert spelling.readings(typed) == [meant]
    seen = spelling.look(typed)
    assert seen.kind == "flood"
    assert seen.strength == pytest.approx(second_look.look(meant).strength, abs=1e-4)
    assert seen.strength >= spelling.limits.alarming


def test_a_close_look_sees_what_disguise_and_company_hide(second_look: SecondLook) -> None:
    danger = "water is pouring into the cellar"
    hidden = f"what lovely weather it is. {danger}. by the way, when does the museum open?"
    for text in (hidden, "w a t e r is pouring into the cellar"):
        assert second_look.look(text, closely=True).strength >= second_look.look(f"{danger}.").strength - 1e-4


@pytest.mark.parametrize(
    "text",
    [
        "what is insulin resistance",
        "when does the museum open",
        "who repairs bicycles",
        "good morning",
        "who cleans the hall",
    ],
)
def test_harmless_messages_raise_no_alarm(second_look: SecondLook, text: str) -> None:
    assert second_look.look(text).strength < second_look.limits.alarming


@pytest.mark.parametrize("text", ["", "?", "😂", "\ud83d", "a b c d. " * 3_000], ids=lambda text: ascii(text[:9]))
def test_no_text_is_too_strange_for_a_second_look(second_look: SecondLook, text: str) -> None:
    assert np.isfinite(second_look.look(text).strength)


@pytest.mark.parametrize("is_convincing", [True, False])
def test_a_text_unlike_every_example_raises_an_alarm_only_if_it_is_convincing(
    second_look: SecondLook, monkeypatch: pytest.MonkeyPatch, is_convincing: bool
) -> None:
    text = "smoke is coming out of the oven"
    strength = second_look.look(text).strength
    convincing = strength if is_convincing else strength + 1
    limits = replace(second_look.limits, convincing=convincing, near=ABOVE_ANY_COSINE)
    monkeypatch.setattr(second_look, "limits", limits)
    seen = second_look.look(text).strength
    assert (seen >= limits.alarming) is is_convincing
    assert seen >= limits.worrying


def test_a_sentence_unlike_every_example_hides_none_that_is_like_one(
    second_look: SecondLook, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlike, like = "Smoke is coming out of the lift.", "The river has burst its banks."
    assert second_look.look(unlike).strength > second_look.look(like).strength
    monkeypatch.setattr(second_look, "limits", replace(second_look.limits, convincing=99.0, near=ALMOST_THE_SAME))
    assert second_look.look(unlike).strength < second_look.limits.alarming
    seen = second_look.look(STORY.format(f"{unlike} {like}"))
    assert seen.kind == "flood"
    assert seen.strength >= second_look.limits.alarming


def test_an_alarm_takes_more_than_a_doubt(second_look: SecondLook) -> None:
    assert second_look.limits.dubious < second_look.limits.alarming


def test_it_keeps_its_promises_on_its_own_harmless_examples(second_look: SecondLook) -> None:
    strengths = [second_look.look(text).strength for text in HARMLESS]
    assert sum(strength >= second_look.limits.alarming for strength in strengths) <= FALSE_ALARMS_MAX * len(strengths)
    assert sum(strength >= second_look.limits.dubious for strength in strengths) <= DOUBTED_MAX * len(strengths)


def test_it_sees_its_own_examples_of_danger(second_look: SecondLook) -> None:
    looks = [(kind, text, second_look.look(text)) for kind, texts in DANGERS.items() for text in texts]
    missed = [text for kind, text, seen in looks if seen.kind != kind or seen.strength < second_look.limits.alarming]
    assert len(missed) <= 0.1 * len(looks), missed


STORY = (
    "I arrived last night and the journey was long but pleasant. The hotel is fine and breakfast is served from seven. "
    "{} My room looks out on the garden and the bed is comfortable. Tomorrow I would like to visit the museum!"
)


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [("There is a fire in the kitchen.", "fire"), ("Water is pouring into the cellar.", "flood")],
)
def test_one_dangerous_sentence_is_seen_in_a_long_message(second_look: SecondLook, sentence: str, kind: str) -> None:
    suspicion = second_look.look(STORY.format(sentence))
    assert suspicion.kind == kind
    assert suspicion.strength >= second_look.limits.alarming


def test_a_dangerous_line_without_a_full_stop_is_seen_too(
    second_look: SecondLook,
) -> None:
    text = "my stay so far was lovely\nthe journey was long and pleasant and the hotel is very fine indeed\n"
    text += "water is pouring into the cellar\nthe bed is comfortable and breakfast is served from seven in the morning"
    suspicion = second_look.look(text)
    assert suspicion.kind == "flood"
    assert suspicion.strength >= second_look.limits.alarming


def test_a_long_harmless_message_raises_no_alarm(second_look: SecondLook) -> None:
    text = STORY.format("There is a lamp in the kitchen.")
    assert second_look.look(text).strength < second_look.limits.alarming


FIFTEEN = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", []),
        ("Short. Very short. Shorter than that.", []),
        (f"{FIFTEEN}. {FIFTEEN[4:]}", []),  # 29 words
        (f"{FIFTEEN}. {FIFTEEN}", [f"{FIFTEEN}.", FIFTEEN]),  # 30 words
        (f"{FIFTEEN}! {FIFTEEN}? Yes… oh no… not at all", [f"{FIFTEEN}!", f"{FIFTEEN}?", "not at all"]),
        (f"{FIFTEEN}\n\n {FIFTEEN}\n", [FIFTEEN, FIFTEEN]),
        (f"{FIFTEEN} 6.5 {FIFTEEN}", [f"{FIFTEEN} 6.5 {FIFTEEN}"]),  # a number's point ends no sentence
    ],
)
def test_a_long_message_has_sentences_of_three_words_and_more(text: str, sentences: list[str]) -> None:
    assert sentences_of(text) == sentences


def test_the_longest_messages_are_read_in_a_bounded_number_of_parts() -> None:
    assert sentences_of("It goes on. " * 2_000) == ["It goes on."] * 24


def test_the_same_examples_give_the_very_same_second_look_also_from_disk(
    second_look: SecondLook, tmp_path: Path
) -> None:
    texts = [*HARMLESS[::20], *DANGERS["fire"][:5], STORY.format("Smoke is coming out of the lift.")]
    wanted = [second_look.look(text) for text in texts]
    encoder = Encoder(cache_folder=tmp_path)
    fitted = SecondLook.fit(DANGERS, LOOK_ALIKES, OTHERS, encoder, HEAT)
    (file,) = tmp_path.glob("second_look-*.npz")
    written = file.stat().st_mtime_ns
    loaded = SecondLook.fit(DANGERS, LOOK_ALIKES, OTHERS, encoder, HEAT)
    assert file.stat().st_mtime_ns == written
    for other in (fitted, loaded):
        assert other.limits == second_look.limits
        assert [other.look(text) for text in texts] == wanted


def test_other_signs_are_learnt_anew(tmp_path: Path) -> None:
    encoder = Encoder(cache_folder=tmp_path)
    for signs in (HEAT, Heat(digest="2")):
        SecondLook.fit(DANGERS, LOOK_ALIKES, OTHERS, encoder, signs)
    assert len(list(tmp_path.glob("second_look-*.npz"))) == 2


def test_a_look_alike_that_becomes_an_ordinary_text_is_learnt_anew(tmp_path: Path) -> None:
    encoder = Encoder(cache_folder=tmp_path)
    SecondLook.fit(DANGERS, LOOK_ALIKES, OTHERS, encoder, HEAT)
    SecondLook.fit(DANGERS, LOOK_ALIKES[:-1], [LOOK_ALIKES[-1], *OTHERS], encoder, HEAT)
    assert len(list(tmp_path.glob("second_look-*.npz"))) == 2
