"""Known words within a few slips: the same that symspellpy finds, whose dictionaries take thirty times the memory."""

from __future__ import annotations

import random
import string
from importlib.resources import files

import pytest
from symspellpy import SymSpell, Verbosity

from bot.matching.near_words import NearWords

WORDS = ["insulin", "insulinoma", "thyroid", "thyroids", "eye", "celiac", "coeliac", "hashimoto's", "ménière"]


@pytest.fixture(scope="module")
def near() -> NearWords:
    return NearWords.of(WORDS)


@pytest.mark.parametrize(
    ("typed", "slips", "found"),
    [
        ("insulin", 2, (["insulin"], 0)),
        ("insuln", 1, (["insulin"], 1)),
        ("insullin", 1, (["insulin"], 1)),
        ("imsulin", 1, (["insulin"], 1)),
        ("insluin", 1, (["insulin"], 1)),
        ("nisulin", 1, (["insulin"], 1)),
        ("nislin", 2, (["insulin"], 2)),
        ("nislin", 1, ([], 0)),
        ("eey", 1, (["eye"], 1)),
        ("ceeliac", 2, (["celiac", "coeliac"], 1)),
        ("thyroidz", 2, (["thyroid", "thyroids"], 1)),
        ("hashimotos", 1, (["hashimoto's"], 1)),
        ("menière", 1, (["ménière"], 1)),
        ("insulinomma", 1, (["insulinoma"], 1)),
        ("xylophone", 2, ([], 0)),
        ("", 2, ([], 0)),
        ("\ud83d", 1, ([], 0)),
    ],
)
def test_the_nearest_words_are_found_with_their_distance(
    near: NearWords, typed: str, slips: int, found: tuple[list[str], int]
) -> None:
    assert near.nearest(typed, slips) == found


def test_without_words_nothing_is_near() -> None:
    assert NearWords.of([]).nearest("insulin", 2) == ([], 0)


def misspelt(word: str, chance: random.Random) -> str:
    """``word`` with one or two slips of any kind, anywhere."""
    for _ in range(chance.choice((1, 2))):
        place, letter = chance.randrange(len(word) + 1), chance.choice(string.ascii_lowercase)
        before, after = word[:place], word[place:]
        others = (before + after[1:], before + letter + after, before + letter + after[1:])
        word = chance.choice((*others, before + after[1::-1] + after[2:]))
    return word


def test_it_finds_what_symspellpy_finds() -> None:
    listed = (files("symspellpy") / "frequency_dictionary_en_82_765.txt").read_text(encoding="utf-8-sig").splitlines()
    chance = random.Random(1)
    known = chance.sample([word for word, _ in (line.split(" ") for line in listed) if len(word) > 3], 1_500)
    near, symspell = NearWords.of(known), SymSpell(max_dictionary_edit_distance=2)
    for word in known:
        symspell.create_dictionary_entry(word, 1)
    for typed in (misspelt(word, chance) for word in known[:500]):
        slips = 2 if len(typed) > 5 else 1
        wanted = symspell.lookup(typed, Verbosity.CLOSEST, max_edit_distance=slips)
        found, apart = near.nearest(typed, slips)
        assert sorted(found) == sorted(each.term for each in wanted)
        assert apart == (wanted[0].distance if wanted else 0)
