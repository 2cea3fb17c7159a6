"""Guarded spelling correction: only words that nobody knows, towards words of the content or everyday English.

A wrong correction is worse than none: an unknown drug must not become a known one. So a word stays as it is when
the content, the encoder's vocabulary, symspellpy's list of 82,765 English words or the list of protected names has
it, or when it holds a digit. Everyday words that the content never uses are targets too, since a slip in one of them
must not lead to the content ("sendign" is "sending", not "pending"). Of several words as near, the one wins whose
letters a hand would have missed so (Kernighan, Church and Gale 1990: a channel that makes some slips more often than
others, times how common the word is).
"""

from __future__ import annotations

import math
import string
import weakref
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache, lru_cache, partial
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from bot.matching.keyboard import BESIDE
from bot.matching.lexical import words
from bot.matching.near_words import NearWords

_SHORTEST = 4
"""Shorter words have too many neighbours to be corrected, unless they lack a letter of a very common one."""
_LONG = 6
"""From this length on, two slips (a letter too many, too few, wrong, or two swapped) are allowed in place of one."""
_EVERYDAY = 30_000
"""So many of the commonest English words may be meant; rarer ones are more often a third word than what was meant."""
_VERY_COMMON = 1e-3
"""Share of the content's words from which on a word may be meant by three letters of its four ("wht"), and is likelier
meant than a name that the content never uses; a hundred words have it."""

_REMEMBERED = 10_000  # words; a message is read several times, and people share their slips

_LETTERS = string.ascii_lowercase + "'"
_VOWELS = frozenset("aeiouy")
# What a slip costs, in units of a likely one: chosen on the training parts of the public sets, where a tenth more or
# less changes nothing.
_LIKELY, _BESIDE_TOO, _UNLIKELY = 1.0, 1.2, 1.6
_FIRST_LETTER = 0.15  # people look at the first letter
_COMMONNESS = 0.05  # of the logarithm of a word's share
_GENERAL_SHARE = 2e-13  # of one of the list's counts, which go up to 2e10; a fifth of what it would be in the content


class Speller:
    """Corrects unknown words of a text.

    ``targets`` maps words to how often the content uses them; ``is_word`` says whether the encoder's vocabulary has
    a word; ``protected`` are names that stay although the content never uses them.
    """

    def __init__(
        self,
        targets: Counter[str],
        is_word: Callable[[str], bool],
        protected: Iterable[str] = (),
        near: NearWords | None = None,
    ) -> None:
        """``near`` is the index of all that is a target or protected, where an earlier start has made it."""
        self._names = {word for name in protected for word in words(name)} - set(targets)
        self._is_word = is_word
        self.targets = targets
        self._total = max(1, targets.total())
        # By a proxy: a bound method would make a ring of cache and speller. What is frozen is not collected
        # (reload.py), so each change of the content left one behind: 3.2 MB with ours.
        self._correct_word = lru_cache(maxsize=_REMEMBERED)(partial(Speller._likeliest, weakref.proxy(self)))
        self.near = near or NearWords.of(word for word in (*targets, *sorted(self._names)) if len(word) >= _SHORTEST)

    def correct(self, text: str) -> str:
        """``text`` as lower-case words with the unknown ones corrected; ``text`` itself where nothing needs it."""
        found = words(text)
        corrected = [self._correct_word(word) for word in found]
        return text if corrected == found else " ".join(corrected)

    def knows(self, word: str) -> bool:
        """Whether a lower-case word is one of the content's, a name, or English."""
        return word in self.targets or word in self._names or self._is_word(word) or _is_english(word)

    def _likeliest(self, word: str) -> str:
        if not word.replace("'", "").isalpha() or self.knows(word):
            return word
        if len(word) < _SHORTEST:
            return self._with_a_letter_more(word)
        slips = 2 if len(word) >= _LONG else 1
        found, apart = self.near.nearest(word, slips)
        near = _one_slip_from(word) & _dictionary()[0].keys()
        if not near or apart == 1:  # one slip explains more than two
            near |= set(found)
        names = near & self._names
        if names and len(near) > 1:
            # Where a name that the content never uses is as near as another word, nobody knows which was meant, unless
            # the other is one of the content's commonest and as easily missed: "isulin" is "insulin" and not "inulin".
            effort = min(_effort(word, name) for name in names)
            near = {meant for meant in near - names if self._is_very_common(meant) and _effort(word, meant) <= effort}
        return min(near, key=lambda meant: (self._surprise(word, meant), meant)) if near else word

    def _with_a_letter_more(self, word: str) -> str:
        common = {
            longer: self.targets[longer]
            for place in range(len(word) + 1)
            for letter in _LETTERS
            if len(longer := word[:place] + letter + word[place:]) == _SHORTEST and self._is_very_common(longer)
        }
        return max(sorted(common), key=common.__getitem__) if common else word

    def _is_very_common(self, word: str) -> bool:
        return self.targets[word] >= _VERY_COMMON * self._total

    def _surprise(self, typed: str, meant: str) -> float:
        """How little ``meant`` is to be expected behind ``typed``; minus a log probability up to scale."""
        here = self.targets[meant] or 1 if meant in self.targets or meant in self._names else 0
        share = (here + 1) / self._total if here else _dictionary()[0][meant] * _GENERAL_SHARE
        return _effort(typed, meant) - _COMMONNESS * math.log(share)


def _one_slip_from(word: str) -> set[str]:
    """All that one slip can have turned into ``word``."""
    halves = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    others = {before + letter + after for before, after in halves for letter in _LETTERS}
    others |= {before + letter + after[1:] for before, after in halves if after for letter in _LETTERS}
    others |= {before + after[1:] for before, after in halves if after}
    others |= {before + after[1] + after[0] + after[2:] for before, after in halves if after[1:]}
    return others


def _effort(typed: str, meant: str) -> float:
    """The least cost of slips that make ``typed`` of ``meant`` (optimal string alignment with unequal costs)."""
    before: list[float] = []
    row = [_LIKELY * place for place in range(len(meant) + 1)]
    for number, struck in enumerate(typed):
        above, row = row, [row[0] + _UNLIKELY]
        for place, wanted in enumerate(meant):
            here = min(
                above[place] + _strike(struck, wanted),
                row[place] + _LIKELY,  # a letter left out
                above[place + 1] + _extra(struck, meant[place : place + 2]),
            )
            if number and place and struck == meant[place - 1] != wanted == typed[number - 1]:
                here = min(here, before[place - 1] + _LIKELY)
            row.append(here)
        before = above
    return row[-1] + (_FIRST_LETTER if typed[0] != meant[0] else 0.0)


def _strike(struck: str, wanted: str) -> float:
    """The cost of one letter in place of another."""
    if struck == wanted:
        return 0.0
    likely = wanted in BESIDE.get(struck, "") or (struck in _VOWELS and wanted in _VOWELS)
    return _LIKELY if likely else _UNLIKELY


def _extra(struck: str, around: str) -> float:
    """The cost of a letter too many, between the letters ``around``."""
    if struck in around:
        return _LIKELY
    return _BESIDE_TOO if any(letter in BESIDE.get(struck, "") for letter in around) else _UNLIKELY


@cache
def _dictionary() -> tuple[dict[str, int], npt.NDArray[np.bytes_]]:
    """symspellpy's English words: the everyday ones with their counts in a large corpus, and all rarer ones in order.

    A table of all of them would take 20 MB.
    """
    text = (files("symspellpy") / "frequency_dictionary_en_82_765.txt").read_text(encoding="utf-8-sig")
    lines = text.splitlines()
    everyday = {word: int(count) for word, count in (line.split(" ") for line in lines[:_EVERYDAY])}
    return everyday, np.sort(np.array([line.split(" ")[0].encode() for line in lines[_EVERYDAY:]]))


def _is_english(word: str) -> bool:
    everyday, rarer = _dictionary()
    wanted = word.encode("utf-8", "surrogatepass")
    place = int(np.searchsorted(rarer, wanted))
    return word in everyday or (place < len(rarer) and bool(rarer[place] == wanted))


def spelling_targets(edited: Iterable[str], utterances: Iterable[str], is_word: Callable[[str], bool]) -> Counter[str]:
    """The words of the content that corrections may lead to, with counts.

    Words of the ``edited`` texts (questions, answers) are spelt right; a word that only ``utterances`` have counts
    when the general vocabulary has it or several of them agree, since utterances are misspelt on purpose.
    """
    sure: Counter[str] = Counter(word for text in edited for word in words(text))
    said: Counter[str] = Counter(word for text in utterances for word in set(words(text)))
    doubtful: Counter[str] = Counter()
    agreed = 4  # of several thousand utterances; fewer often share one misspelling
    for word, count in said.items():
        if word in sure or is_word(word):
            sure[word] += count
        elif count >= agreed:
            doubtful[word] = count
    # What several share can still be a slip: then a word that is said far more often is near.
    speller = Speller(sure, is_word)
    slip_of = {word: speller.correct(word) for word in doubtful}
    often = 5
    sure.update({word: count for word, count in doubtful.items() if sure[slip_of[word]] < often * count})
    return sure
