"""The small pattern language of safety.yaml: word classes and phrases, matched over one sentence at a time.

A phrase is words with spaces between. In it `a|b` is either word, `(a b|c)` either wording, `{name}` a word class,
`word?` or `(a|b)?` may be left out, `vomit*` is any word that starts so, `..3` lets up to three words stand between
(`..` alone: two), `#` is any number, and `only:word` or `few:word` the word in a message of hardly any others.

A phrase is tried only where its rarest word occurs, and gaps are bounded, so the work grows with the length of the
text and no faster.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.safety.normalise import Token

_DEFAULT_GAP = 2
_LAST_GAP = re.compile(r"\s\.\.\d*$")
_GROUP = re.compile(r"\(([^()]*)\)(\?)?")
_SHORTEST_PREFIX = 2
_YEARS = (1900, 2100)
_ONLY, _FEW = 2, 6


@dataclass(frozen=True, slots=True)
class Span:
    """Where a phrase stands: token positions, the end excluded."""

    start: int
    end: int

    def meets(self, other: Span) -> bool:
        """Say whether the two share a word."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Element:
    """One step of a phrase: the atoms that satisfy it, and how many words may be skipped before it."""

    atoms: frozenset[str]
    gap: int = 0
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled phrase and the class that it belongs to."""

    name: str
    elements: tuple[Element, ...]
    source: str


def expand(phrase: str) -> list[str]:
    """Return the phrase once for every wording of its groups: `go (on|to bed)` is `go on` and `go to bed`."""
    group = _GROUP.search(phrase)
    if group is None:
        # A group left out at the end takes the gap before it with it.
        return [_LAST_GAP.sub("", phrase)]
    wordings = group.group(1).split("|") + ([""] if group.group(2) else [])
    # Single words stay together as one choice, which is matched in one step.
    single = [wording for wording in wordings if wording and " " not in wording]
    choices = (["|".join(single)] if single else []) + [wording for wording in wordings if wording not in single]
    return [
        whole
        for choice in choices
        for whole in expand(" ".join(f"{phrase[: group.start()]} {choice} {phrase[group.end() :]}".split()))
    ]


def parse(name: str, phrase: str) -> Pattern:
    """Compile one phrase; raises ValueError with the reason if it is not well formed."""
    elements: list[Element] = []
    gap = 0
    for part in phrase.split():
        if part.startswith(".."):
            gap = int(part[2:]) if part[2:] else _DEFAULT_GAP
            continue
        optional = part.endswith("?") and len(part) > 1
        atoms = frozenset((part[:-1] if optional else part).split("|"))
        if "" in atoms:
            raise ValueError(f'{name}: "{phrase}" has an empty choice')
        elements.append(Element(atoms, gap, optional))
        gap = 0
    if gap or not elements or elements[0].gap:
        raise ValueError(f'{name}: "{phrase}" begins or ends with a gap, or has no words')
    while elements and elements[0].optional:
        # A phrase found with or without its first word is found without it too.
        elements = [Element(elements[1].atoms, 0, elements[1].optional), *elements[2:]] if len(elements) > 1 else []
    if not elements:
        raise ValueError(f'{name}: "{phrase}" consists of words that may all be left out')
    return Pattern(name, tuple(elements), phrase)


def words_in(patterns: Iterable[Pattern]) -> frozenset[str]:
    """Return every literal word the patterns name, for the speller's vocabulary."""
    atoms = {atom for pattern in patterns for element in pattern.elements for atom in element.atoms}
    return frozenset(atom for atom in atoms if atom.isalnum())


# For each word or class: the phrases of which it is the rarest part, with the other parts that each needs.
_Level = dict[str, list[tuple[Pattern, tuple[frozenset[str], ...]]]]


class Sightings:
    """What was seen in one message: for every position the atoms that begin there, and where each of them ends."""

    def __init__(self, tokens: Sequence[Token], matcher: Matcher) -> None:
        self.tokens = tokens
        self.at: list[dict[str, set[int]]] = []
        self.places: dict[str, list[int]] = {}
        self.limits: list[int] = [0] * len(tokens)
        limit = len(tokens)
        for place in range(len(tokens) - 1, -1, -1):
            if place + 1 < len(tokens) and tokens[place].sentence != tokens[place + 1].sentence:
                limit = place + 1
            self.limits[place] = limit
        # `only:word` and `few:word` are the word in a message that has hardly any others.
        self._short = ("only:", "few:") if len(tokens) <= _ONLY else ("few:",) if len(tokens) <= _FEW else ()
        for place, token in enumerate(tokens):
            here: dict[str, set[int]] = {}
            self.at.append(here)
            for atom in matcher.atoms_of(token):
                here[atom] = {place + 1}
                self.places.setdefault(atom, []).append(place)
                for length in self._short:
                    self._note(length + atom, place, place + 1)

    def see(self, atom: str, start: int, end: int) -> None:
        """Note that the atom stands there; positions may come in any order."""
        self._note(atom, start, end)
        for length in self._short:
            self._note(length + atom, start, end)

    def _note(self, atom: str, start: int, end: int) -> None:
        ends = self.at[start].get(atom)
        if ends is None:
            self.at[start][atom] = {end}
            self.places.setdefault(atom, []).append(start)
        else:
            ends.add(end)

    def spans(self, atom: str) -> list[Span]:
        """Return where the atom stands, in reading order."""
        places = sorted(self.places.get(atom, ()))
        return [Span(start, end) for start in places for end in sorted(self.at[start][atom])]


def bare(atom: str) -> str:
    """Return the atom without the mark for short messages."""
    return atom.removeprefix("only:").removeprefix("few:")


def _add_above(names: set[str], inside: Mapping[str, set[str]]) -> None:
    """Add to the names every class that one of them is inside of, however deep."""
    waiting = list(names)
    while waiting:
        above = inside.get(waiting.pop(), set()) - names
        names |= above
        waiting.extend(above)


class Matcher:
    """All word classes and phrases together, in the order in which they build on each other."""

    def __init__(self, classes: Mapping[str, Sequence[str]]) -> None:
        """Compile the classes; raises ValueError for a circle, or for a phrase that is not well formed."""
        self.patterns = [
            parse("{" + name + "}", phrase)
            for name, texts in classes.items()
            for text in texts
            for phrase in expand(text)
        ]
        self._plain: dict[str, set[str]] = {}
        self._prefixes: dict[str, set[str]] = {}
        self._atoms: dict[str, tuple[str, ...]] = {}
        rest = self._take_plain()
        for pattern in self.patterns:
            for element in pattern.elements:
                for atom in element.atoms:
                    if atom.endswith("*"):
                        prefix = bare(atom)
                        self._prefixes.setdefault(prefix[:-1], set()).add(prefix)
        self._literals = {
            bare(atom) for pattern in self.patterns for element in pattern.elements for atom in element.atoms
        }
        self._levels = self._in_levels(rest, {"{" + name + "}" for name in classes})

    def _take_plain(self) -> list[Pattern]:
        """Give single words their classes once and for all, and return the patterns that must be matched each time."""
        rest: list[Pattern] = []
        inside: dict[str, set[str]] = {}
        named = {pattern.name for pattern in self.patterns}
        for pattern in self.patterns:
            atoms = pattern.elements[0].atoms
            if len(pattern.elements) > 1 or not all(atom.isalnum() or atom.startswith("{") for atom in atoms):
                rest.append(pattern)
                continue
            for atom in atoms:
                if atom.startswith("{"):
                    inside.setdefault(atom, set()).add(pattern.name)
                else:
                    self._plain.setdefault(atom, set()).add(pattern.name)
        for names in self._plain.values():
            _add_above(names, inside)
        # Phrases of a class still make the classes that it is part of; so do the readings, which no phrase makes.
        longer = {pattern.name for pattern in rest} | (inside.keys() - named)
        _add_above(longer, inside)
        done = set(map(id, rest))
        rest += [
            pattern
            for pattern in self.patterns
            if id(pattern) not in done and len(pattern.elements) == 1 and pattern.elements[0].atoms & longer
        ]
        return rest

    def atoms_of(self, token: Token) -> tuple[str, ...]:
        """Return what a single word is: itself, its prefixes, the classes that list it."""
        if token.value is not None:
            year = ("#year",) if _YEARS[0] <= token.value < _YEARS[1] and token.value.is_integer() else ()
            return ("#", token.text, *self._plain.get("#", ()), *year)
        atoms = self._atoms.get(token.text)
        if atoms is None:
            # Words that no phrase names are not worth noting.
            found = {token.text} & self._literals | self._plain.get(token.text, set())
            for cut in range(_SHORTEST_PREFIX, len(token.text) + 1):
                found |= self._prefixes.get(token.text[:cut], set())
            atoms = tuple(sorted(found))
            if len(self._atoms) < 20_000:
                self._atoms[token.text] = atoms
        if not token.shouted:
            return atoms
        shout = token.text.upper()
        return (*atoms, shout, *self._plain.get(shout, ()))

    def look(self, sightings: Sightings) -> None:
        """Find every class in the message, the simple ones first, and note them in the sightings."""
        seen = set(sightings.places)
        for level in self._levels:
            found: list[tuple[str, int, int]] = []
            for atom in level.keys() & seen:
                for pattern, needed in level[atom]:
                    for atoms in needed:
                        if seen.isdisjoint(atoms):
                            break
                    else:
                        found.extend((pattern.name, start, end) for start, end in self._matches(pattern, sightings))
            for name, start, end in found:
                sightings.see(name, start, end)
            seen.update(sightings.places)

    @staticmethod
    def _matches(pattern: Pattern, sightings: Sightings) -> list[tuple[int, int]]:
        first, *rest = pattern.elements
        found: list[tuple[int, int]] = []
        at, limits = sightings.at, sightings.limits
        for atom in first.atoms:
            for start in sightings.places.get(atom, ()):
                limit = limits[start]
                ends = at[start][atom]
                for element in rest:
                    onward: set[int] = set(ends) if element.optional else set()
                    for end in ends:
                        for place in range(end, min(end + element.gap + 1, limit)):
                            here = at[place]
                            for choice in element.atoms:
                                if choice in here:
                                    onward |= here[choice]
                    ends = onward
                    if not ends:
                        break
                if ends:
                    found.append((start, min(ends)))
        return found

    @staticmethod
    def _in_levels(patterns: list[Pattern], names: set[str]) -> list[_Level]:
        needs: dict[str, set[str]] = {}
        for pattern in patterns:
            used = {bare(atom) for element in pattern.elements for atom in element.atoms}
            # Classes made by the readings have no phrases; they are there before the first level.
            needs.setdefault(pattern.name, set()).update(used & names)
        level_of: dict[str, int] = {}

        common = Counter(atom for pattern in patterns for element in pattern.elements for atom in element.atoms)
        levels: list[_Level] = []
        for pattern in patterns:
            depth = _level(pattern.name, needs, level_of)
            while len(levels) <= depth:
                levels.append({})
            needed = [element for element in pattern.elements if not element.optional]
            anchor = min(needed, key=lambda element: max(common[atom] for atom in element.atoms))
            others = tuple(element.atoms for element in needed if element is not anchor)
            for atom in anchor.atoms:
                levels[depth].setdefault(atom, []).append((pattern, others))
        return levels


def _level(name: str, needs: dict[str, set[str]], known: dict[str, int], path: tuple[str, ...] = ()) -> int:
    """After how many other levels the class ``name`` can be found; what was worked out is put into ``known``."""
    if name in path:
        raise ValueError(f"word classes go in a circle: {' -> '.join((*path, name))}")
    if name not in known:
        above = (*path, name)
        below = needs.get(name, set())
        known[name] = max((_level(other, needs, known, above) + (other in needs) for other in below), default=0)
    return known[name]
