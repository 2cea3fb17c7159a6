"""What holds across entries: sources that are used, groups that are named, and ways from any entry to any other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from bot.content.editing import Editing
from bot.content.load import ContentError, Problem, read_yaml


def table_problems(editing: Editing, today: date) -> Iterator[Problem]:
    """All rules for the tables of sources and groups, and for the net of related entries."""
    yield from _sources(editing, today)
    yield from _groups(editing)
    yield from _net(editing)


def _sources(editing: Editing, today: date) -> Iterator[Problem]:
    used = {source for entry in editing.entries.values() for source in entry.sources}
    whole = len(editing.entries) == len(editing.ids)  # else an entry that cannot be read may use it
    first: dict[str, str] = {}
    titles: dict[tuple[str, str], str] = {}
    for id_, source in editing.sources.items():
        key = ("sources", id_)
        address = source.url.split("://", 1)[1].rstrip("/").lower()
        other = first.get(address)
        if other:
            message = f'"{id_}" has the same address as "{other}". Keep one row, and its id in the entries.'
            yield editing.problem((*key, "url"), id_, message)
        first.setdefault(address, id_)
        title = (source.title.casefold(), source.publisher.casefold())
        if not other and title in titles:
            message = (
                f'"{id_}" has the same title and publisher as "{titles[title]}". Keep one row if they are the same.'
            )
            yield editing.problem((*key, "title"), id_, message, reminder=True)
        titles.setdefault(title, id_)
        if whole and id_ not in used:
            message = f'No entry uses the source "{id_}". Name it under "sources" of an entry, or remove it.'
            yield editing.problem(key, id_, message, reminder=True)
        if source.seen is None:
            message = '"seen" is missing. Open the address and add the day on which you saw it, such as 2026-11-21.'
            yield editing.problem(key, id_, message, reminder=True)
        elif source.seen > today:
            message = f'"seen" is {source.seen}, a day to come. Write the day on which you saw the page.'
            yield editing.problem((*key, "seen"), id_, message)


def _groups(editing: Editing) -> Iterator[Problem]:
    groups = editing.document.data.get("groups")
    if not isinstance(groups, dict) or not groups:
        return
    for index, entry in editing.entries.items():
        if entry.group not in groups:
            message = f'"group" is "{entry.group}", which has no line under "groups". Add one or correct the id.'
            yield editing.problem(("entries", index, "group"), entry.id, message)
    used = {entry.group for entry in editing.entries.values()}
    if len(editing.entries) == len(editing.ids):
        for id_ in groups.keys() - used:
            message = f'No entry is in the group "{id_}". Put one there, or remove the line.'
            yield editing.problem(("groups", id_), id_, message, reminder=True)


def _net(editing: Editing) -> Iterator[Problem]:
    """From any entry each other one can be reached: compare with the largest part where that holds."""
    if len(editing.entries) != len(editing.ids):
        return  # an entry that cannot be read may be the bridge
    onward = {entry.id: {*entry.related} & editing.ids for entry in editing.entries.values()}
    back: dict[str, set[str]] = {id_: set() for id_ in onward}
    for id_, others in onward.items():
        for other in others:
            back[other].add(id_)
    best: set[str] = set()
    left = set(onward)
    while left:
        start = min(left)
        part = _reached(start, onward) & _reached(start, back)
        best = max(best, part, key=len)
        left -= part
    if not best:
        return
    member = min(best)
    reached, reaching = _reached(member, onward), _reached(member, back)
    for index, entry in editing.entries.items():
        key = ("entries", index, "related")
        if entry.id not in reached:
            message = f'No "related" of the other entries leads here. Name "{entry.id}" under "related" of a neighbour.'
            yield editing.problem(key, entry.id, message)
        if entry.id not in reaching and entry.related:
            message = 'From here "related" does not lead back to the other entries. Name one of them here.'
            yield editing.problem(key, entry.id, message)


def _reached(start: str, steps: Mapping[str, set[str]]) -> set[str]:
    seen = {start}
    todo = [start]
    while todo:
        for following in steps[todo.pop()] - seen:
            seen.add(following)
            todo.append(following)
    return seen


def vocabulary_problems(file: Path) -> Iterator[Problem]:
    """A spelling that stands in two lists of ``vocabulary.yaml``, or in a form that is never looked up."""
    try:
        document = read_yaml(file)
    except ContentError:
        return  # there is none, or loading has reported it
    if not isinstance(document.data, dict):
        return
    for part in ("diseases", "medicines"):
        lists = document.data.get(part)
        first: dict[str, int] = {}
        for index, names in enumerate(lists if isinstance(lists, list) else ()):
            for number, name in enumerate(names if isinstance(names, list) else ()):
                line = document.line((part, index, number))
                if not isinstance(name, str):
                    continue
                if name in first:
                    message = (
                        f'"{name}" stands twice under "{part}" (first in line {first[name]}). Keep one of the two.'
                    )
                    yield Problem(str(file), line, "", message)
                elif name != name.lower():
                    yield Problem(str(file), line, "", f'"{name}" has capital letters. Write it in lower case.')
                first.setdefault(name, line)
