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
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
TermsOf = Callable[[str], list[str]]

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
    """Cosine similarity of a text to each text of an inverted index.

    For each term the index has the rows of the texts with that term, and its weight in each: those of term t stand
    in ``rows`` and ``weights`` from ``starts[t]`` to ``starts[t + 1]``. ``frequency`` counts texts, shape (terms,).
    """

    def __init__(self, terms: Sequence[str], starts: Ints, rows: Ints, weights: Floats, idf: Doubles, frequency: Ints):
        self.number = {term: number for number, term in enumerate(terms)}
        self.starts, self.rows, self.weights, self.idf, self.frequency = starts, rows, weights, idf, frequency

    @classmethod
    def of(cls, texts: Sequence[str], terms_of: TermsOf) -> TermIndex:
        """The index of ``texts`` by the terms that ``terms_of`` finds in them."""
        counts = [Counter(terms_of(text)) for text in texts]
        number: dict[str, int] = {}
        for term in chain.from_iterable(counts):
            number.setdefault(term, len(number))
        lengths = [len(count) for count in counts]
        total = sum(lengths)
        rows = np.repeat(np.arange(len(texts)), lengths)
        columns = np.fromiter((number[term] for count in counts for term in count), np.intp, total)
        frequency = np.bincount(columns, minlength=len(number))
        idf = np.log((1 + len(texts)) / (1 + frequency)) + 1.0
        said = np.fromiter((times for count in counts for times in count.values()), np.float64, total)
        weights = (1.0 + np.log(said)) * idf[columns]
        norms = np.sqrt(np.bincount(rows, weights=weights * weights, minlength=len(texts)))
        order = np.argsort(columns, kind="stable")
        starts = np.concatenate(([0], np.cumsum(frequency)))
        return cls(list(number), starts, rows[order], (weights / norms[rows])[order].astype(np.float32), idf, frequency)

    def similarities(self, terms: Sequence[str], texts: int) -> Floats:
        """Shape (texts,), cosines from 0 to 1, to a text that has ``terms``."""
        counts = Counter(terms)
        known = [(self.number[term], count) for term, count in counts.items() if term in self.number]
        if not known:
            return np.zeros(texts, dtype=np.float32)
        numbers = np.array([number for number, _ in known])
        weights = (1.0 + np.log([count for _, count in known])) * self.idf[numbers]
        weights /= math.sqrt(float(weights @ weights))
        sizes = self.starts[numbers + 1] - self.starts[numbers]
        # Where the rows of all the text's terms stand, one term after the other.
        shifts = self.starts[numbers] - np.concatenate(([0], np.cumsum(sizes)[:-1]))
        places = np.arange(int(sizes.sum())) + np.repeat(shifts, sizes)
        products = self.weights[places] * np.repeat(weights, sizes)
        return np.bincount(self.rows[places], weights=products, minlength=texts).astype(np.float32)

    def share_known(self, terms: Sequence[str], texts: int, own: int = 0) -> float:
        """How much of the weight of ``terms`` lies in those that the index knows, 0 to 1.

        ``own`` is 1 for a text that stands in the index itself, so that its own terms don't count as known.
        """
        known = total = 0.0
        for term in terms:
            number = self.number.get(term)
            found = number is not None and self.frequency[number] > own
            weight = float(self.idf[number]) if number is not None else math.log(1 + texts) + 1.0
            known += weight if found else 0.0
            total += weight
        return known / total if total else 0.0


class LexicalIndex:
    """Words and pieces of words together, each with half the say, over ``texts`` texts."""

    def __init__(self, texts: int, by_word: TermIndex, by_piece: TermIndex) -> None:
        self.texts, self.by_word, self.by_piece = texts, by_word, by_piece

    @classmethod
    def of(cls, texts: Sequence[str]) -> LexicalIndex:
        """The index of ``texts``."""
        return cls(len(texts), TermIndex.of(texts, word_terms), TermIndex.of(texts, piece_terms))

    def similarities(self, text: str) -> Floats:
        """Shape (texts,), from 0 to 1."""
        by_word = self.by_word.similarities(word_terms(text), self.texts)
        result: Floats = (by_word + self.by_piece.similarities(piece_terms(text), self.texts)) / np.float32(2)
        return result

    def share_known(self, text: str, own: int = 0) -> float:
        """How much of the text, by words and pairs of words, the index knows; see ``TermIndex.share_known``."""
        return self.by_word.share_known(word_terms(text), self.texts, own)
