"""Metamorphic tests: what does not change the danger must not change the finding."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.safety import Triage

# One plain message for each kind of danger, and its kind.
DANGERS = {
    "my sugar is 41 and i am shaking": "emergency-low-glucose",
    "my diabetic husband wont wake up": "emergency-low-glucose",
    "my sugar is 480 and i keep vomiting": "emergency-high-glucose",
    "my breath smells fruity and my sugar is high": "emergency-high-glucose",
    "i have crushing chest pain": "emergency-other",
    "my throat is closing up": "emergency-other",
    "i want to kill myself": "self-harm",
    "i skip my insulin to lose weight": "self-harm",
}
PADDING = (
    "Hello everyone.",
    "I love the recipes here!",
    "My garden has been a comfort this year.",
    "Yesterday we had chickpeas with lemon.",
    "Thanks for the link.",
    "What is the difference between fibre and starch?",
    "Best wishes to all of you.",
)
LOOK_ALIKE = str.maketrans("aeopcxy", "аеорсху")  # Latin to Cyrillic
FULL_WIDTH = {ord("a") + i: chr(0xFF41 + i) for i in range(26)}
DISGUISES = {
    "capitals": str.upper,
    "title": str.title,
    "cyrillic": lambda text: text.translate(LOOK_ALIKE),
    "full width": lambda text: text.translate(FULL_WIDTH),
    "zero width": "\u200b".join,
    "soft hyphens": "\u00ad".join,
    "accents": lambda text: "".join(char + "\u0301" if char in "aeiou" else char for char in text),
    "bold": lambda text: f"**{text}**",
    "spoiler": lambda text: f"||{text}||",
    "emoji before": lambda text: f"😭😭 {text}",
    "emoji between": lambda text: text.replace(" ", " 🙏 "),
    "wide spaces": lambda text: text.replace(" ", "\u00a0 "),
    "trailing": lambda text: text + "!!!1",
}
lenient = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize(("text", "kind"), DANGERS.items())
def test_a_disguise_hides_no_danger(triage: Triage, text: str, kind: str, disguise: str) -> None:
    assert triage.assess(DISGUISES[disguise](text)).kind == kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("c h e s t  p a i n", "emergency-other"),
        ("i want to k i l l myself", "self-harm"),
        ("k.m.s", "self-harm"),
        ("i want to k1ll mys3lf", "self-harm"),
        ("i want to d1e", "self-harm"),
        ("i am su1cidal", "self-harm"),
        ("i want to k*ll myself", "self-harm"),
        ("pleeeease my chest huuurts", "emergency-other"),
        ("chestpain and sweating", "emergency-other"),
    ],
)
def test_broken_words_are_put_together(triage: Triage, text: str, kind: str) -> None:
    assert triage.assess(text).kind == kind


@lenient
@given(
    st.sampled_from(sorted(DANGERS)),
    st.lists(st.sampled_from(PADDING), max_size=6),
    st.integers(min_value=0, max_value=6),
)
def test_sentences_around_a_danger_hide_nothing(triage: Triage, text: str, padding: list[str], place: int) -> None:
    sentences = [*padding[:place], text.capitalize() + ".", *padding[place:]]
    assert triage.assess(" ".join(sentences)).kind == DANGERS[text]


@lenient
@given(st.sampled_from(sorted(DANGERS)), st.text(max_size=12), st.text(max_size=12))
def test_noise_in_the_next_line_hides_nothing(triage: Triage, text: str, before: str, after: str) -> None:
    assert triage.assess(f"{before}\n{text}\n{after}").kind is not None


@lenient
@given(st.sampled_from(sorted(DANGERS)), st.integers(min_value=0, max_value=10_000))
def test_a_slip_in_a_long_word_hides_nothing(triage: Triage, text: str, seed: int) -> None:
    """Two neighbouring letters inside one key word change places."""
    chance = random.Random(seed)
    keys = set(triage.rules.spelling.keys)
    words = text.split()
    long = [place for place, word in enumerate(words) if word in keys and len(word) >= 6]
    if not long:
        return
    place = chance.choice(long)
    cut = chance.randrange(2, len(words[place]) - 2)
    word = words[place]
    words[place] = word[:cut] + word[cut + 1] + word[cut] + word[cut + 2 :]
    assert triage.assess(" ".join(words)).kind is not None


@lenient
@given(st.text(max_size=300))
def test_any_text_is_assessed_the_same_way_twice(triage: Triage, text: str) -> None:
    assert triage.assess(text) == triage.assess(text)
