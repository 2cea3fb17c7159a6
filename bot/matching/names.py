"""Names of diseases and medicines in a text, under all their spellings.

A message that names a disease or a medicine which an entry never mentions must not get that entry as its answer:
sentence vectors of "does gout need treatment" and "does Graves' need treatment" are near neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from symspellpy.editdistance import DistanceAlgorithm, EditDistance

from bot.matching.lexical import words

_Rest = tuple[int, tuple[str, ...], tuple[str, ...]]

_LONGEST = 8
"""Words in the longest name that is looked for."""


class Names:
    """Finds which of ``things`` a text names; each thing is given by all of its spellings."""

    def __init__(self, things: Iterable[Sequence[str]]) -> None:
        # By their first word, the longest first: few words of a text begin a name.
        self._begun_by: dict[str, list[tuple[list[str], int]]] = {}
        # Names of several words, by their place of one word and all the others.
        self._but_for_a_word: dict[_Rest, list[tuple[str, int]]] = {}
        self._distance = EditDistance(DistanceAlgorithm.DAMERAU_OSA)
        spelt: set[tuple[str, ...]] = set()
        for number, spellings in enumerate(things):
            for name in (tuple(_plain(words(spelling))[:_LONGEST]) for spelling in spellings):
                if name and name not in spelt:
                    spelt.add(name)
                    self._begun_by.setdefault(name[0], []).append((list(name), number))
                    for place in range(len(name) if len(name) > 1 else 0):
                        rest = (place, name[:place], name[place + 1 :])
                        self._but_for_a_word.setdefault(rest, []).append((name[place], number))
        for names in self._begun_by.values():
            names.sort(key=lambda each: -len(each[0]))

    def named_in(self, text: str) -> frozenset[int]:
        """The numbers of the things named; of overlapping names only the longest counts."""
        found = _plain(words(text))
        if self._begun_by.keys().isdisjoint(found):
            return frozenset()
        things = set()
        start = 0
        while start < len(found):
            length = 1
            for name, thing in self._begun_by.get(found[start], ()):
                if found[start : start + len(name)] == name:
                    things.add(thing)
                    length = len(name)
                    break
            start += length
        return frozenset(things)

    def nearly_named_in(self, text: str, is_word: Callable[[str], bool]) -> frozenset[int]:
        """The things of which the text has a name of several words but for a slip in one, which makes no word of it."""
        found = _plain(words(text))
        odd = [place for place, word in enumerate(found) if not (word.isdecimal() or is_word(word))]
        return frozenset(
            thing
            for place in odd
            for start in range(max(0, place - _LONGEST + 1), place + 1)
            for end in range(place + 1, min(len(found), start + _LONGEST) + 1)
            for wanted, thing in self._but_for_a_word.get(
                (place - start, tuple(found[start:place]), tuple(found[place + 1 : end])), ()
            )
            if self._distance.compare(found[place], wanted, 1) == 1
        )


def _plain(found: list[str]) -> list[str]:
    """Words without their possessive, as people leave the apostrophe out or in."""
    return [word if word.isalnum() else word.replace("’", "'").removesuffix("'s") for word in found]
