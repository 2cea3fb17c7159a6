"""What the utterances must be like: enough of them, each once, none under two entries, also not nearly."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from bot.content.editing import OUT_OF_SCOPE, Editing, Said
from bot.content.load import Problem

UTTERANCES_MIN = 12
UTTERANCES_WANTED = 40
OUT_OF_SCOPE_WANTED = 300

FindAlike = Callable[[Sequence[str], Sequence[str]], list[tuple[int, int]]]
"""Texts and the owner of each -> pairs of places whose texts are nearly the same although their owners differ."""

# They stand in almost any question, so they tell no two apart.
_SMALL_WORDS = frozenset(
    ("a", "an", "and", "are", "can", "do", "does", "is", "it", "me", "my", "of", "the", "to", "you")
)
_TELLS_APART_FROM = 3
"""Utterances of one entry that must have a word, and that many for each one of the other, before it is a mark."""


def utterance_problems(editing: Editing, alike: FindAlike | None) -> Iterator[Problem]:
    """All rules for utterances; ``alike`` finds near-duplicates, None leaves that out."""
    yield from _too_few(editing)
    yield from _twice(editing)
    if alike:
        yield from _nearly_twice(editing, alike)


def _too_few(editing: Editing) -> Iterator[Problem]:
    counts = Counter(said.owner for said in editing.said if not said.own_question)
    owners = [(("entries", index), entry.id) for index, entry in editing.entries.items()]
    owners += [(("smalltalk", index), talk.id) for index, talk in editing.smalltalk.items()]
    for key, id_ in owners:
        if counts[id_] < UTTERANCES_MIN:
            message = (
                f"There are {counts[id_]} utterances. Write at least {UTTERANCES_MIN}, better {UTTERANCES_WANTED}: "
                "different people, some of whom do not know the medical word."
            )
            yield editing.problem(key, id_, message)
        elif counts[id_] < UTTERANCES_WANTED:
            message = f"There are {counts[id_]} utterances. With {UTTERANCES_WANTED} people are understood better."
            yield editing.problem(key, id_, message, reminder=True)
    outside = sum(count for owner, count in counts.items() if owner.startswith(OUT_OF_SCOPE))
    if outside < OUT_OF_SCOPE_WANTED:
        message = (
            f'There are {outside} messages under "out_of_scope". Write at least {OUT_OF_SCOPE_WANTED} that look near '
            "but are not ours, so that the bot learns to say that it does not know."
        )
        yield editing.problem(("out_of_scope",), "", message, reminder=True)


def _bare(text: str) -> str:
    """What is the same when only case, punctuation or spaces differ."""
    return " ".join(re.findall(r"\w+", text.casefold())) or text


def _twice(editing: Editing) -> Iterator[Problem]:
    first: dict[str, Said] = {}
    for said in editing.said:
        other = first.setdefault(_bare(said.text), said)
        if other is said or (other.owner == said.owner and other.own_question):
            continue
        if other.owner == said.owner:
            message = f'"{said.text}" stands here twice (first in {other.place}). Keep one of the two.'
        else:
            message = (
                f'"{said.text}" stands under {other.owner} as well ({other.place}). Keep it only where it belongs best.'
            )
        yield Problem(said.file, said.line, said.owner, message)


def _nearly_twice(editing: Editing, alike: FindAlike) -> Iterator[Problem]:
    said = editing.said
    owners = [_owner(each) for each in said]
    found = alike([each.text for each in said], owners)
    if not found:
        return
    marks = _marks(editing)
    for first, second in sorted(found):
        one, other = said[first], said[second]
        differing = _words(one.text) ^ _words(other.text)
        if _bare(one.text) == _bare(other.text) or _tell_apart(differing, marks[owners[first]], marks[owners[second]]):
            continue
        message = (
            f'"{other.text}" is nearly the same as "{one.text}" under {one.owner} ({one.place}). '
            "Keep one of the two, or say what makes them different."
        )
        yield Problem(other.file, other.line, other.owner, message)


def _owner(said: Said) -> str:
    """The id of the entry or remark; all kinds of out-of-scope messages count as one."""
    return OUT_OF_SCOPE if said.owner.startswith(OUT_OF_SCOPE) else said.owner


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[\w.]*\w", text.casefold())) - _SMALL_WORDS


def _marks(editing: Editing) -> dict[str, Counter[str]]:
    """For each owner how often each word is said; a word of its question counts as often as is needed."""
    marks: dict[str, Counter[str]] = {}
    for said in editing.said:
        weight = _TELLS_APART_FROM if said.own_question else 1
        marks.setdefault(_owner(said), Counter()).update(dict.fromkeys(_words(said.text), weight))
    return marks


def _tell_apart(differing: frozenset[str], one: Counter[str], other: Counter[str]) -> bool:
    """Whether people use one of the words that differ far more often for the one entry than for the other.

    "type 1 diabetes" and "type 2 diabetes" are alike to any measure, and not at all the same.
    """
    return any(
        max(one[word], other[word]) >= _TELLS_APART_FROM * max(1, min(one[word], other[word])) for word in differing
    )
