"""Likeness by shared words and shared pieces of words: TF-IDF over an inverted index.

It sees what the encoder cannot: rare names, and misspelt words that share most of their letters. Weights have the
usual form (Manning, Raghavan, Schuetze, Introduction to Information Retrieval, 2008, section 6.4): logarithmic term
frequency, smoothed inverse document frequency, unit length.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain, pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_WORD = re.compile(r"\w+(?:['’]\w+)?")
_PIECE_LENGTHS = (3, 4, 5)


def words(text: str) -> list[str]:
    """The lower-case words of ``text``, apostrophes kept inside them."""
    return _WORD.findall(text.lower())


def word_terms(text: str) -> list[str]:
    """Words and pairs of neighbouring words."""
    found = words(text)
    return found + [f"{first} {second}" for first, second in pairwise(found)]


def piece_terms(text: str) -> list[str]:
    """Runs of 3 to 5 letters inside each word, with the word's borders marked."""
    return [
        padded[start : start + length]
        for padded in (f" {word} " for word in words(text))
        for length in _PIECE_LENGTHS
        for start in range(len(padded) - length + 1)
    ]


class TermIndex:
    """Cosine similarity of a text to each of ``texts``, by the terms that ``terms_of`` finds in them.

    An inverted index: for each term, the rows of the texts that have it and its weight in each.
    """

    def __init__(self, texts: Sequence[str], terms_of: Callable[[str], list[str]]) -> None:
        self._terms_of = terms_of
        self._size = len(texts)
        counts = [Counter(terms_of(text)) for text in texts]
        self._number: dict[str, int] = {}
        for term in chain.from_iterable(counts):
            self._number.setdefault(term, len(self._number))
        lengths = [len(count) for count in counts]
        total = sum(lengths)
        rows = np.repeat(np.arange(len(texts), dtype=np.int32), lengths)
        columns = np.fromiter((self._number[term] for count in counts for term in count), np.int32, total)
        self._frequency = frequency = np.bincount(columns, minlength=len(self._number))
        self._idf = np.log((1 + len(texts)) / (1 + frequency)) + 1.0
        said = np.fromiter((times for count in counts for times in count.values()), np.float64, total)
        weights = (1.0 + np.log(said)) * self._idf[columns]
        norms = np.sqrt(np.bincount(rows, weights=weights * weights, minlength=len(texts)))
        order = np.argsort(columns, kind="stable")
        self._starts = np.concatenate(([0], np.cumsum(frequency))).astype(np.intp)
        self._rows = rows[order]
        self._weights = (weights / norms[rows])[order].astype(np.float32)

    def similarities(self, text: str) -> Floats:
        """Shape (texts,), cosines from 0 to 1."""
        counts = Counter(self._terms_of(text))
        known = [(self._number[term], count) for term, count in counts.items() if term in self._number]
        if not known:
            return np.zeros(self._size, dtype=np.float32)
        terms = np.array([term for term, _ in known])
        weights = (1.0 + np.log([count for _, count in known])) * self._idf[terms]
        weights /= math.sqrt(float(weights @ weights))
        sizes = self._starts[terms + 1] - self._starts[terms]
        # Where the rows of all the text's terms stand, one term after the other.
        shifts = self._starts[terms] - np.concatenate(([0], np.cumsum(sizes)[:-1]))
        places = np.arange(int(sizes.sum())) + np.repeat(shifts, sizes)
        products = self._weights[places] * np.repeat(weights, sizes)
        return np.bincount(self._rows[places], weights=products, minlength=self._size).astype(np.float32)

    def share_known(self, text: str, own: int = 0) -> float:
        """How much of the text's weight lies in terms that the index knows, 0 to 1.

        ``own`` is 1 for a text that stands in the index itself, so that its own terms don't count as known.
        """
        known = total = 0.0
        for term in self._terms_of(text):
            number = self._number.get(term)
            found = number is not None and self._frequency[number] > own
            weight = float(self._idf[number]) if number is not None else math.log(1 + self._size) + 1.0
            known += weight if found else 0.0
            total += weight
        return known / total if total else 0.0


class LexicalIndex:
    """Words and pieces of words together, each with half the say."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._by_word = TermIndex(texts, word_terms)
        self._by_piece = TermIndex(texts, piece_terms)

    def similarities(self, text: str) -> Floats:
        """Shape (texts,), from 0 to 1."""
        result: Floats = (self._by_word.similarities(text) + self._by_piece.similarities(text)) / np.float32(2)
        return result

    def share_known(self, text: str, own: int = 0) -> float:
        """``TermIndex.share_known`` by words and pairs of words."""
        return self._by_word.share_known(text, own)
