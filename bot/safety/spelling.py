"""Brings misspelt key words back to the spelling the rules use, and never touches a real English word.

A word is folded only if it is unknown, and near one of the key words that safety.yaml lists under `spelling`. Real
words that happen to lie near a key word ("chess" and "chest") are kept in real_words.txt; docs/safety.md says how to
renew that list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

_REAL_WORDS = Path(__file__).with_name("real_words.txt")
_DIGIT_LETTERS = str.maketrans("013457@$", "oieastas")
_DOUBLED = re.compile(r"(.)\1")
_LONG_DRAWN = re.compile(r"(.)\1{2,}")
# One edit from five letters on, two from eight on: shorter words have too many real neighbours.
_ONE_EDIT_FROM, _TWO_EDITS_FROM = 5, 8
_LONGEST_WORD = 20
_LONGEST_SPACED = 120
_CACHE_SIZE = 20_000


def _deletions(word: str, depth: int) -> Iterator[str]:
    """Yield the word and every form of it with up to `depth` letters left out (SymSpell's index)."""
    level = {word}
    for _ in range(depth + 1):
        yield from level
        level = {form[:i] + form[i + 1 :] for form in level for i in range(len(form))}


def edits_between(left: str, right: str, limit: int) -> int:
    """Return the Damerau-Levenshtein distance (optimal string alignment), or limit + 1 if it is more."""
    if abs(len(left) - len(right)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        here = [i]
        for j, b in enumerate(right, 1):
            cost = min(row[j] + 1, here[j - 1] + 1, row[j - 1] + (a != b))
            if before and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            here.append(cost)
        if min(here) > limit:
            return limit + 1
        before, row = row, here
    return row[-1]


def edits_allowed(key: str) -> int:
    """Return how many edits a key word tolerates."""
    return 2 if len(key) >= _TWO_EDITS_FROM else 1 if len(key) >= _ONE_EDIT_FROM else 0


def is_near(word: str, key: str) -> bool:
    """Say whether the word is a likely slip of the key: few edits, same first letter or the first two swapped."""
    if word[0] != key[0] and word[:2] != key[1::-1]:
        return False
    return edits_between(word, key, edits_allowed(key)) <= edits_allowed(key)


class Speller:
    """Folds single words; built once from the rules' vocabulary and their key words."""

    def __init__(self, known: Iterable[str], keys: Iterable[str], guard: frozenset[str] | None = None) -> None:
        """`guard` stands in for the words of real_words.txt."""
        self._keys = frozenset(keys)
        self._known = frozenset(known) | self._keys | {"i", "a"}
        self._real = frozenset(_REAL_WORDS.read_text(encoding="utf-8").split()) if guard is None else guard
        self._near: dict[str, list[str]] = {}
        for key in sorted(self._keys):
            for form in set(_deletions(key, edits_allowed(key))) if edits_allowed(key) else ():
                self._near.setdefault(form, []).append(key)
        self._cache: dict[str, tuple[str, ...]] = {}

    def fold(self, word: str) -> tuple[str, ...]:
        """Return the word or words that the typed one stands for; itself if nothing is near."""
        if word in self._known:
            return (word,)
        if len(word) > _LONGEST_WORD:
            return (word,)
        cached = self._cache.get(word)
        if cached is None:
            if len(self._cache) >= _CACHE_SIZE:
                self._cache.clear()
            cached = self._cache[word] = self._fold(word)
        return cached

    def segment(self, letters: str) -> list[str]:
        """Split joined letters into as few known words as possible; empty if that cannot be done."""
        if len(letters) > _LONGEST_SPACED:
            return []
        best: list[list[str] | None] = [[]] + [None] * len(letters)
        for end in range(1, len(letters) + 1):
            for start in range(max(0, end - _LONGEST_WORD), end):
                head = best[start]
                word = letters[start:end]
                if head is None or word not in self._known:
                    continue
                current = best[end]
                if current is None or len(head) + 1 < len(current):
                    best[end] = [*head, word]
        whole = best[len(letters)]
        # Three letters must be one word ("k m s"); longer runs may be several, but not single letters in a row.
        if not whole or len(whole) > max(1, len(letters) / 2.5):
            return []
        return whole

    def _fold(self, word: str) -> tuple[str, ...]:
        if word in self._real:
            return (word,)
        for form in self._undrawn(word):
            if form in self._known:
                return (form,)
        if any(char in "0123456789@$" for char in word):
            form = word.translate(_DIGIT_LETTERS)
            for candidate in (form, form.replace("i", "l")):
                if candidate in self._known:
                    return (candidate,)
            word = form if "@" in word or "$" in word else word
        if "*" in word:
            return (self._uncensored(word),)
        if word.isalpha():
            once = _LONG_DRAWN.sub(r"\1", word)
            nearest = self._nearest(once) or self._nearest(_DOUBLED.sub(r"\1", once))
            if nearest is not None:
                return (nearest,)
            return self._split(word)
        return (word,)

    @staticmethod
    def _undrawn(word: str) -> tuple[str, ...]:
        if _LONG_DRAWN.search(word) is None:
            return ()
        return (_LONG_DRAWN.sub(r"\1\1", word), _LONG_DRAWN.sub(r"\1", word))

    def _uncensored(self, word: str) -> str:
        shape = re.compile(re.escape(word).replace(r"\*", "[a-z]"))
        matches = [key for key in sorted(self._keys) if len(key) == len(word) and shape.fullmatch(key)]
        return matches[0] if matches else word.replace("*", "")

    def _nearest(self, word: str) -> str | None:
        if len(word) < _ONE_EDIT_FROM - 1:
            return None
        depth = 2 if len(word) >= _TWO_EDITS_FROM - 2 else 1
        candidates = {key for form in _deletions(word, depth) for key in self._near.get(form, ()) if is_near(word, key)}
        if not candidates:
            return None
        return min(candidates, key=lambda key: (edits_between(word, key, 2), key))

    def _split(self, word: str) -> tuple[str, ...]:
        for cut in range(3, len(word) - 2):
            if word[:cut] in self._keys and word[cut:] in self._keys:
                return (word[:cut], word[cut:])
        return (word,)
