"""Likeness by shared words and shared pieces of words: TF-IDF over inverted indexes.

It sees what the encoder cannot: rare names, and misspelt words that share most of their letters. Weights have the
usual form (Manning, Raghavan, Schuetze, Introduction to Information Retrieval, 2008, section 6.4): logarithmic term
frequency, smoothed inverse document frequency, unit length. For pieces the frequency is that of their word, so that
a text is the sum of its words: a message is compared with each word that the texts have, a few thousand, and not with
every text that has one of its pieces.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
Rows = npt.NDArray[np.int32]
Numbers = Mapping[str, int]

_WORD = re.compile(r"\w+(?:['’]\w+)?")
_PIECE_LENGTHS = (3, 4, 5)
_TINY = 1e-12
_GROUPS = 8
"""Of texts by length; more of them take longer to go through, fewer are filled up more."""


def words(text: str) -> list[str]:
    """The lower-case words of ``text``, apostrophes kept inside them."""
    return _WORD.findall(text.lower())


def pieces(word: str) -> list[str]:
    """Runs of 3 to 5 letters of a word, with its borders marked."""
    padded = f" {word} "
    return [padded[start : start + length] for length in _PIECE_LENGTHS for start in range(len(padded) - length + 1)]


def ranges(starts: Ints, sizes: Ints) -> Ints:
    """The numbers from each of ``starts`` on, as many as ``sizes`` says, one run after the other."""
    shifts = starts - (np.cumsum(sizes) - sizes)
    result: Ints = np.arange(int(sizes.sum())) + np.repeat(shifts, sizes)
    return result


@dataclass(frozen=True, slots=True)
class Postings:
    """An inverted index: those of term t stand in ``rows`` and ``weights`` from ``starts[t]`` to ``starts[t + 1]``."""

    starts: Ints
    rows: Rows
    weights: Floats

    @classmethod
    def of(cls, terms: Ints, rows: Ints, weights: Doubles, count: int) -> Postings:
        """From triples of term, row and weight in any order; ``count`` is the number of terms."""
        order = np.argsort(terms, kind="stable")
        starts = np.concatenate(([0], np.cumsum(np.bincount(terms, minlength=count))))
        return cls(starts, rows[order].astype(np.int32), weights[order].astype(np.float32))

    def sums(self, terms: Ints, shares: Doubles, count: int) -> Doubles:
        """Shape (count,): for each row the weights of ``terms`` in it, each times the term's share."""
        sizes = self.starts[terms + 1] - self.starts[terms]
        places = ranges(self.starts[terms], sizes)
        products = self.weights[places] * np.repeat(shares, sizes)
        return np.bincount(self.rows[places], weights=products, minlength=count).astype(np.float64, copy=False)


class WordIndex:
    """Cosine of a text to each indexed one by words and pairs of neighbouring words.

    Terms are the words, numbered as in ``vocabulary``, then the pairs, which ``pairs`` has in order as first word
    times the number of words plus second word. ``frequency`` counts texts, shape (terms,).
    """

    def __init__(self, vocabulary: Numbers, pairs: Ints, postings: Postings, frequency: Ints, texts: int) -> None:
        self.vocabulary, self.pairs, self.postings, self.frequency, self.texts = (
            vocabulary,
            pairs,
            postings,
            frequency,
            texts,
        )
        self._idf = _idf(frequency, texts)

    @classmethod
    def of(cls, said: Sequence[list[str]], vocabulary: Numbers) -> WordIndex:
        """The index of texts, each given by its words."""
        size = len(vocabulary)
        counts = [
            Counter(chain(numbers, (size + first * size + second for first, second in pairwise(numbers))))
            for numbers in ([vocabulary[word] for word in text] for text in said)
        ]
        rows = np.repeat(np.arange(len(said)), [len(count) for count in counts])
        codes = np.fromiter(chain.from_iterable(counts), np.intp, len(rows))
        times = np.fromiter(chain.from_iterable(count.values() for count in counts), np.float64, len(rows))
        pairs = np.unique(codes[codes >= size])
        terms = np.where(codes >= size, size + np.searchsorted(pairs, codes), codes)
        frequency = np.bincount(terms, minlength=size + len(pairs))
        weights = (1.0 + np.log(times)) * _idf(frequency, len(said))[terms]
        norms = np.sqrt(np.bincount(rows, weights=weights * weights, minlength=len(said)))
        postings = Postings.of(terms, rows, weights / norms[rows], len(frequency))
        return cls(vocabulary, pairs, postings, frequency, len(said))

    def similarities(self, found: Sequence[str]) -> Doubles:
        """Shape (texts,), from 0 to 1, to a text with the words ``found``."""
        terms, times = np.unique(self._terms(found), return_counts=True)
        known = terms >= 0
        terms, times = terms[known], times[known]
        if not len(terms):
            return np.zeros(self.texts)
        weights = (1.0 + np.log(times)) * self._idf[terms]
        return self.postings.sums(terms, weights / np.linalg.norm(weights), self.texts)

    def share_known(self, found: Sequence[str], own: int = 0) -> float:
        """How much of the weight of a text's words and pairs lies in those that the index knows, 0 to 1.

        ``own`` is 1 for a text that stands in the index itself, so that its own terms don't count as known.
        """
        terms = self._terms(found)
        if not len(terms):
            return 0.0
        weights = np.where(terms >= 0, self._idf[terms], math.log(1 + self.texts) + 1.0)
        known = (terms >= 0) & (self.frequency[terms] > own)
        return float(weights[known].sum() / weights.sum())

    def _terms(self, found: Sequence[str]) -> Ints:
        """The numbers of all words and pairs of ``found``, -1 for those that the index does not have."""
        size = len(self.vocabulary)
        numbers = np.array([self.vocabulary.get(word, -1) for word in found], dtype=np.intp)
        if len(numbers) < 2 or not len(self.pairs):
            return np.concatenate((numbers, np.full(max(0, len(numbers) - 1), -1, np.intp)))
        codes = size + numbers[:-1] * size + numbers[1:]
        places = np.minimum(np.searchsorted(self.pairs, codes), len(self.pairs) - 1)
        there = (self.pairs[places] == codes) & (numbers[:-1] >= 0) & (numbers[1:] >= 0)
        return np.concatenate((numbers, np.where(there, size + places, -1)))


class PieceIndex:
    """Cosine of a text to each indexed one by pieces of words.

    ``postings`` leads from a piece to the words of the vocabulary that have it. The words of each text stand in
    ``said`` from ``starts`` on, with their weight in ``shares``; ``idf`` has shape (pieces,).
    """

    def __init__(
        self, numbers: Numbers, postings: Postings, idf: Doubles, said: Ints, shares: Floats, starts: Ints
    ) -> None:
        self.numbers, self.postings, self.idf = numbers, postings, idf
        self.said, self.shares, self.starts = said, shares, starts
        self._sizes = np.diff(starts, append=len(said))
        self._groups, self._place = _by_length(said, shares, starts, self._sizes)
        self._words = int(said.max()) + 1

    @classmethod
    def of(cls, said: Sequence[list[str]], vocabulary: Numbers) -> PieceIndex:
        """The index of texts, each given by its words."""
        in_word = [Counter(pieces(word)) for word in vocabulary]
        numbers: dict[str, int] = {}
        for piece in chain.from_iterable(in_word):
            numbers.setdefault(piece, len(numbers))
        sizes = np.array([len(count) for count in in_word], dtype=np.intp)
        parts = np.fromiter((numbers[piece] for count in in_word for piece in count), np.intp, int(sizes.sum()))
        times = np.fromiter(chain.from_iterable(count.values() for count in in_word), np.float64, len(parts))
        # A text without words gets one of no weight, so that every text has a place.
        counts = [Counter(vocabulary[word] for word in text) or {0: 0} for text in said]
        lengths = [len(count) for count in counts]
        spoken = np.fromiter(chain.from_iterable(counts), np.intp, sum(lengths))
        often = np.fromiter(chain.from_iterable(count.values() for count in counts), np.float64, len(spoken))
        shares = np.where(often > 0, 1.0 + np.log(np.maximum(often, 1)), 0.0)
        starts = np.concatenate(([0], np.cumsum(lengths)[:-1])).astype(np.intp)
        rows = np.repeat(np.arange(len(said)), lengths)
        idf, norms = _pieces_of_texts(rows, spoken, shares, (sizes, parts, times), len(numbers), len(said))
        owners = np.repeat(np.arange(len(vocabulary)), sizes)
        postings = Postings.of(parts, owners, times * idf[parts], len(numbers))
        return cls(numbers, postings, idf, spoken, (shares / norms[rows]).astype(np.float32), starts)

    def similarities(self, found: Sequence[str], texts: Ints | None = None) -> Floats:
        """Shape (texts,), from 0 to 1, to a text with the words ``found``; to some of the texts only, or to all."""
        amounts: dict[int, float] = {}
        for word, times in Counter(found).items():
            share = 1.0 + math.log(times)
            for piece in pieces(word):
                number = self.numbers.get(piece)
                if number is not None:
                    amounts[number] = amounts.get(number, 0.0) + share
        if not amounts:
            return np.zeros(len(self.starts if texts is None else texts), dtype=np.float32)
        terms = np.fromiter(amounts, np.intp, len(amounts))
        weights = np.fromiter(amounts.values(), np.float64, len(amounts)) * self.idf[terms]
        by_word = self.postings.sums(terms, weights / np.linalg.norm(weights), self._words).astype(np.float32)
        if texts is None:
            sums = [np.einsum("wt,wt->t", by_word.take(said), shares) for said, shares in self._groups]
            return np.concatenate(sums)[self._place]
        sizes = self._sizes[texts]
        places = ranges(self.starts[texts], sizes)
        result: Floats = np.add.reduceat(by_word[self.said[places]] * self.shares[places], np.cumsum(sizes) - sizes)
        return result


def _by_length(said: Ints, shares: Floats, starts: Ints, sizes: Ints) -> tuple[list[tuple[Ints, Floats]], Ints]:
    """The words of texts of about the same length side by side, and the place of each text in that order.

    A group has the words and their shares, each of shape (words, texts), filled up with shares of 0: so all texts are
    summed up in half the time.
    """
    order = np.argsort(sizes, kind="stable")
    groups: list[tuple[Ints, Floats]] = []
    for texts in np.array_split(order, min(_GROUPS, len(order))):
        number = np.arange(sizes[texts].max())[:, None]
        places = np.minimum(starts[texts] + number, len(said) - 1)
        groups.append((said[places], np.where(number < sizes[texts], shares[places], np.float32(0))))
    return groups, np.argsort(order)


class LexicalIndex:
    """Words and pieces of words together, each with half the say."""

    def __init__(self, by_word: WordIndex, by_piece: PieceIndex) -> None:
        self.by_word, self.by_piece = by_word, by_piece

    @classmethod
    def of(cls, texts: Sequence[str]) -> LexicalIndex:
        """The index of ``texts``."""
        said = [words(text) for text in texts]
        vocabulary = {word: number for number, word in enumerate(dict.fromkeys(chain.from_iterable(said)))}
        # Where no text has a word there is still something to point at.
        vocabulary = vocabulary or {"": 0}
        return cls(WordIndex.of(said, vocabulary), PieceIndex.of(said, vocabulary))

    def similarities(self, text: str) -> Floats:
        """Shape (texts,), from 0 to 1."""
        found = words(text)
        both = self.by_word.similarities(found).astype(np.float32) + self.by_piece.similarities(found)
        result: Floats = both / np.float32(2)
        return result

    def share_known(self, text: str, own: int = 0) -> float:
        """How much of the text, by words and pairs of words, the index knows; see ``WordIndex.share_known``."""
        return self.by_word.share_known(words(text), own)


def _idf(frequency: Ints, texts: int) -> Doubles:
    result: Doubles = np.log((1 + texts) / (1 + frequency)) + 1.0
    return result


def _pieces_of_texts(
    rows: Ints, spoken: Ints, shares: Doubles, words_pieces: tuple[Ints, Ints, Doubles], count: int, texts: int
) -> tuple[Doubles, Doubles]:
    """The pieces' idf, shape (count,), and the length of each text's vector of pieces, shape (texts,).

    Text ``rows[i]`` has word ``spoken[i]`` with ``shares[i]``; ``words_pieces`` has, word after word, how many pieces
    each has, which these are, and how often each stands in the word.
    """
    sizes, parts, times = words_pieces
    lengths = sizes[spoken]
    places = ranges((np.cumsum(sizes) - sizes)[spoken], lengths)
    codes = np.repeat(rows, lengths) * count + parts[places]
    distinct, which = np.unique(codes, return_inverse=True)
    amounts = np.bincount(which, weights=times[places] * np.repeat(shares, lengths), minlength=len(distinct))
    there = amounts > 0
    owners, terms = np.divmod(distinct, count)
    idf = _idf(np.bincount(terms[there], minlength=count), texts)
    norms = np.sqrt(np.bincount(owners, weights=(amounts * idf[terms]) ** 2, minlength=texts))
    return idf, np.maximum(norms, _TINY)
