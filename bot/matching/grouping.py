"""Texts that ask for much the same, put together for whoever reads many of them; beside the way of a question."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np

from bot.matching.encoder import Encoder, Floats

SAME_FROM = 0.5
"""Mean cosine from which two groups become one. Of pairs of utterances of our content that end up together, 44 in 100
are of one entry, and most others of neighbouring ones; at 0.6 it is 73, but a topic is then in twice as many pieces."""

_NEVER = -2.0  # below every cosine


def group_by_meaning(texts: Sequence[str], encoder: Encoder, same_from: float = SAME_FROM) -> list[list[int]]:
    """Places in ``texts``, in groups, the biggest first; in each group, the most typical text first.

    Agglomerative clustering with average linkage (UPGMA: Sokal and Michener 1958). Memory and time grow with the
    square of the number: 2,000 texts take 32 MB. No vector is kept: unlike those of the content, those of what people
    wrote go to no cache.
    """
    if not texts:
        return []
    vectors = np.stack([encoder.encode(text) for text in texts])
    groups = _linked(vectors @ vectors.T, same_from)
    return sorted((_typical_first(group, vectors) for group in groups), key=lambda group: (-len(group), group[0]))


def nearest_owners(
    texts: Sequence[str], known: Sequence[str], owners: Sequence[str], encoder: Encoder, limit: int = 3
) -> list[tuple[str, ...]]:
    """For each text the owners of the ``known`` texts that are nearest to it, the nearest first.

    ``owners`` has the owner of each known text. An owner is as near as the nearest of its texts.
    """
    vectors = encoder.encode_content(known)
    found = []
    for text in texts:
        order = np.argsort(-(vectors @ encoder.encode(text)), kind="stable")
        found.append(tuple(islice(dict.fromkeys(owners[place] for place in order), limit)))
    return found


def _linked(likeness: Floats, same_from: float) -> list[list[int]]:
    """The groups after joining the two most alike ones as long as their mean likeness is enough."""
    np.fill_diagonal(likeness, _NEVER)
    groups: dict[int, list[int]] = {place: [place] for place in range(len(likeness))}
    nearest = likeness.argmax(axis=1)
    while True:
        first = int(likeness[np.arange(len(likeness)), nearest].argmax())
        second = int(nearest[first])
        if likeness[first, second] < same_from:
            return list(groups.values())
        sizes = len(groups[first]), len(groups[second])
        joined = np.average(likeness[[first, second]], axis=0, weights=sizes)
        joined[[first, second]] = _NEVER
        likeness[first] = likeness[:, first] = joined
        likeness[second] = likeness[:, second] = _NEVER
        groups[first] += groups.pop(second)
        # Only rows that were nearest to one of the two can have another nearest now: means never exceed their parts.
        changed = np.flatnonzero(np.isin(nearest, (first, second)))
        nearest[changed] = likeness[changed].argmax(axis=1)
        nearest[[first, second]] = likeness[[first, second]].argmax(axis=1)


def _typical_first(group: list[int], vectors: Floats) -> list[int]:
    centre = vectors[group].mean(axis=0)
    return sorted(group, key=lambda place: (-float(vectors[place] @ centre), place))
