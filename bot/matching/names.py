"""Names of diseases and medicines in a text, under all their spellings.

A message that names a disease or a medicine which an entry never mentions must not get that entry as its answer:
sentence vectors of "does gout need treatment" and "does Graves' need treatment" are near neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.matching.lexical import words

_LONGEST = 8
"""Words in the longest name that is looked for."""


class Names:
    """Finds which of ``things`` a text names; each thing is given by all of its spellings."""

    def __init__(self, things: Iterable[Sequence[str]]) -> None:
        self._thing: dict[tuple[str, ...], int] = {}
        for number, spellings in enumerate(things):
            for spelling in spellings:
                self._thing.setdefault(tuple(_plain(words(spelling))), number)
        self._longest = min(_LONGEST, max(map(len, self._thing), default=0))

    def named_in(self, text: str) -> frozenset[int]:
        """The numbers of the things named; of overlapping names only the longest counts."""
        found = _plain(words(text))
        things = set()
        start = 0
        while start < len(found):
            for length in range(min(self._longest, len(found) - start), 0, -1):
                thing = self._thing.get(tuple(found[start : start + length]))
                if thing is not None:
                    things.add(thing)
                    start += length
                    break
            else:
                start += 1
        return frozenset(things)


def _plain(found: list[str]) -> list[str]:
    """Words without their possessive, as people leave the apostrophe out or in."""
    return [word.replace("’", "'").removesuffix("'s") for word in found]
