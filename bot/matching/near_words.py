"""Finds the known words from which a few slips lead to a typed one: symmetric deletion (W. Garbe's SymSpell, 2012).

Two words are at most n slips apart only if leaving out at most n letters of each can give the same form. symspellpy
keeps such an index in dictionaries, 40 MB and half a second for the words of our content; here it is two arrays of
2 MB, which the cache keeps between starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from zlib import crc32

import numpy as np
import numpy.typing as npt
from symspellpy.editdistance import DistanceAlgorithm, EditDistance

Sums = npt.NDArray[np.uint32]
Rows = npt.NDArray[np.int32]

SLIPS_MAX = 2
_PREFIX = 10
"""Letters that are looked up: what begins alike and ends otherwise is told apart by its distance."""


class NearWords:
    """An index of ``known`` words. ``forms`` are checksums of what is left of them in order, ``owners`` their words."""

    def __init__(self, known: Sequence[str], forms: Sums, owners: Rows) -> None:
        self.known, self.forms, self.owners = known, forms, owners
        self._distance = EditDistance(DistanceAlgorithm.DAMERAU_OSA)

    @classmethod
    def of(cls, known: Iterable[str]) -> NearWords:
        """The index of these words."""
        known = list(known)
        left = [_checksums(word, SLIPS_MAX) for word in known]
        owners = np.repeat(np.arange(len(known), dtype=np.int32), [len(sums) for sums in left])
        forms = np.fromiter((each for sums in left for each in sums), np.uint32, len(owners))
        order = np.argsort(forms, kind="stable")
        return cls(known, forms[order], owners[order])

    def nearest(self, typed: str, slips: int) -> tuple[list[str], int]:
        """The known words that are nearest to ``typed``, and how many slips away; none beyond ``slips``, 2 at most.

        A slip is a letter too many, too few, wrong, or two neighbours swapped (optimal string alignment).
        """
        sums = np.fromiter(_checksums(typed, slips), np.uint32)
        begins, ends = (np.searchsorted(self.forms, sums, side) for side in ("left", "right"))
        places = [np.arange(*place) for place in zip(begins, ends, strict=True) if place[0] < place[1]]
        if not places:
            return [], 0
        near: dict[int, list[str]] = {}
        for owner in np.unique(self.owners[np.concatenate(places)]):
            word = self.known[owner]
            apart = self._distance.compare(typed, word, slips)
            if apart >= 0:
                near.setdefault(apart, []).append(word)
        return (near[min(near)], min(near)) if near else ([], 0)


def _checksums(word: str, most: int) -> set[int]:
    """Checksums of the word's beginning without up to ``most`` of its letters."""
    begin = word[:_PREFIX]
    kept = (
        places
        for left_out in range(min(most, len(begin)) + 1)
        for places in combinations(range(len(begin)), len(begin) - left_out)
    )
    # Two forms that share a checksum cost a comparison and nothing else.
    return {crc32("".join(begin[place] for place in places).encode("utf-8", "surrogatepass")) for places in kept}
