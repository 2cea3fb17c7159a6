"""Typing errors as hands on a keyboard make them, first letters included; the same ones every time."""

from __future__ import annotations

import random
import re

from bot.matching.keyboard import BESIDE

_WORD = re.compile(r"[^\W\d_]{4,}")
"""Only words of four letters or more are hit: in shorter ones an error often makes another word."""


def misspell(text: str, least: int = 1, most: int = 2, seed: int = 1, *, first_letters: bool = True) -> str:
    """``text`` with ``least`` to ``most`` errors, in different words as far as there are enough.

    Each error is a wrong neighbouring key, a letter left out, doubled, or swapped with the next one; without
    ``first_letters`` the first letter of each word stays. What comes out depends on ``text`` and the settings alone,
    not on what was misspelt before.
    """
    chance = random.Random(f"{seed}:{least}:{most}:{text}")
    words = list(_WORD.finditer(text))
    if not words:
        return text
    number = chance.randint(least, most)
    hit: list[int] = []
    while len(hit) < number:
        hit += chance.sample(range(len(words)), min(len(words), number - len(hit)))
    spelt = {index: words[index].group() for index in hit}
    for index in hit:
        spelt[index] = _one_error(spelt[index], chance, 0 if first_letters else 1)
    for index in sorted(spelt, reverse=True):
        start, end = words[index].span()
        text = text[:start] + spelt[index] + text[end:]
    return text


def _one_error(word: str, chance: random.Random, begin: int) -> str:
    """Another spelling of ``word`` from its letter ``begin`` on; word itself only where these are all the same."""
    for _ in range(20):
        place = chance.randrange(begin, len(word))
        letter = word[place]
        match chance.randrange(4):
            case 0:
                near = chance.choice(BESIDE.get(letter.lower(), letter))
                wrong = word[:place] + (near.upper() if letter.isupper() else near) + word[place + 1 :]
            case 1:
                wrong = word[:place] + word[place + 1 :]
            case 2:
                wrong = word[:place] + letter + word[place:]
            case _:
                wrong = word[:place] + word[place + 1 : place + 2] + letter + word[place + 2 :]
        if wrong != word:
            return wrong
    return word
