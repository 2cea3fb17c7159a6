"""Guarded spelling correction: only words that nobody knows, only towards words that the content uses.

A wrong correction is worse than none: an unknown drug must not become a known one. So a word stays as it is when
the content, the encoder's vocabulary, symspellpy's list of 82,765 English words or the list of protected names has
it, when it holds a digit, or when it is short. symspellpy finds the nearest of the content's words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from importlib.resources import files

from symspellpy import SymSpell, Verbosity

from bot.matching.lexical import words

_SHORTEST = 4
"""Shorter words have too many neighbours to be corrected."""
_LONG = 6
"""From this length on, two slips (a letter too many, too few, wrong, or two swapped) are allowed in place of one."""


class Speller:
    """Corrects unknown words of a text towards ``targets``.

    ``targets`` maps words to how often the content uses them; ``is_word`` says whether the encoder's vocabulary has
    a word; ``protected`` are names that stay although the content never uses them.
    """

    def __init__(self, targets: Counter[str], is_word: Callable[[str], bool], protected: Iterable[str] = ()) -> None:
        self._names = {word for name in protected for word in words(name)} - set(targets)
        self._known = _english() | set(targets) | self._names
        self._is_word = is_word
        # The index is over prefixes of 7 letters by default; a longer one tells long medical words apart.
        self._index = SymSpell(max_dictionary_edit_distance=2, prefix_length=10)
        for word, count in sorted(targets.items()):
            if len(word) >= _SHORTEST:
                self._index.create_dictionary_entry(word, count)
        for word in sorted(self._names):
            if len(word) >= _SHORTEST:
                self._index.create_dictionary_entry(word, 1)

    def correct(self, text: str) -> str:
        """``text`` as lower-case words with the unknown ones corrected; ``text`` itself where nothing needs it."""
        found = words(text)
        corrected = [self._correct_word(word) for word in found]
        return text if corrected == found else " ".join(corrected)

    def _correct_word(self, word: str) -> str:
        if len(word) < _SHORTEST or word in self._known or not word.isalpha() or self._is_word(word):
            return word
        slips = 2 if len(word) >= _LONG else 1
        nearest = [found.term for found in self._index.lookup(word, Verbosity.CLOSEST, max_edit_distance=slips)]
        # Where a name that the content never uses is as near as a word of it, nobody knows which was meant.
        doubtful = len(nearest) > 1 and any(term in self._names for term in nearest)
        return word if doubtful or not nearest else str(nearest[0])


@cache
def _english() -> frozenset[str]:
    """The words of symspellpy's dictionary, which gives a word and its frequency on each line."""
    text = (files("symspellpy") / "frequency_dictionary_en_82_765.txt").read_text(encoding="utf-8-sig")
    return frozenset(line.split(" ", 1)[0] for line in text.splitlines())


def spelling_targets(edited: Iterable[str], utterances: Iterable[str], is_word: Callable[[str], bool]) -> Counter[str]:
    """The words that corrections may lead to, with counts.

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
