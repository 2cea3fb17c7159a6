"""Texts that stand under different intents although they are nearly the same, as the matcher sees sameness.

Beside the way of a question: an editor asks for it. The measure is the mean of the two that ``ranking.py`` fuses,
cosine of sentence vectors and likeness by words and pieces of words: vectors alone take "symptoms of X" and
"diagnosis of X" for the same when both are misspelt, words alone miss "my GP" for "my doctor".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bot.matching.encoder import Encoder
from bot.matching.lexical import LexicalIndex

ALIKE_FROM = 0.8
"""Of 12 pairs that differ by an article, a typing slip or the order of words, 10 reach it; of 8,377 real texts 2 pairs
do, each told apart by a word such as "type 2"."""

_VECTORS_ALIKE_FROM = 0.8
"""Only pairs with this cosine are compared by their words, which takes longer."""
_BLOCK = 1024  # rows of the table of cosines at a time: 8,000 texts would need 256 MB at once


def alike(texts: Sequence[str], owners: Sequence[str], encoder: Encoder) -> list[tuple[int, int]]:
    """Pairs of places in ``texts``, the first before the second, that are alike and differ in their owner."""
    if not texts:
        return []
    vectors = encoder.encode_content(texts)
    number = {owner: place for place, owner in enumerate(dict.fromkeys(owners))}
    labels = np.array([number[owner] for owner in owners])
    near: dict[int, list[tuple[int, float]]] = {}
    for start in range(0, len(texts), _BLOCK):
        rows = slice(start, start + _BLOCK)
        cosines = vectors[rows] @ vectors[start:].T
        differ = labels[rows, None] != labels[None, start:]
        for row, column in zip(*np.nonzero((cosines >= _VECTORS_ALIKE_FROM) & differ), strict=True):
            if row < column:
                near.setdefault(start + int(row), []).append((start + int(column), float(cosines[row, column])))
    if not near:
        return []
    lexical = LexicalIndex.of(texts)
    found = []
    for first, others in near.items():
        by_words = lexical.similarities(texts[first])
        for second, cosine in others:
            if (cosine + float(by_words[second])) / 2 >= ALIKE_FROM:
                found.append((first, second))
    return found
