"""The content as an editor sees it: every entry, remark and utterance with the file and line where it stands.

A broken part does not hide the others: what cannot be read is left out here, because loading has reported it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bot.content.faq import Entry, SmallTalk, Source
from bot.content.load import SAFETY_EXAMPLES, ContentError, Key, Model, Problem, YamlFile, read_yaml

OUT_OF_SCOPE = "out of scope"


@dataclass(frozen=True, slots=True)
class Said:
    """One utterance, the entry, remark or kind of message that it stands under, and where."""

    text: str
    owner: str
    file: str
    line: int
    own_question: bool = False
    """It is the title of its entry, which the matcher learns as an utterance as well."""

    @property
    def place(self) -> str:
        """Where it stands, for a sentence."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Editing:
    """What could be read of the content. Entries and remarks are keyed by their place in the file, from 0."""

    document: YamlFile
    entries: dict[int, Entry] = field(default_factory=dict)
    smalltalk: dict[int, SmallTalk] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    ids: frozenset[str] = frozenset()
    """The ids of all entries, also of those that cannot be read."""
    source_ids: frozenset[str] = frozenset()
    """The same for the rows of the table of sources."""
    said: tuple[Said, ...] = ()

    def problem(self, key: Key, entry: str, message: str, *, reminder: bool = False) -> Problem:
        """A Problem at ``key`` of faq.yaml."""
        return Problem(str(self.document.path), self.document.line(key), entry, message, reminder)


def read_for_editing(path: Path) -> Editing | None:
    """The FAQ at ``path``, a file or a folder with ``faq.yaml``; None where it is no readable YAML at all."""
    file = path / "faq.yaml" if path.is_dir() else path
    document = _read(file)
    if document is None:
        return None
    data: dict[str, Any] = document.data
    entries = _valid(Entry, data.get("entries"))
    smalltalk = _valid(SmallTalk, data.get("smalltalk"))
    rows = data.get("sources")
    sources = {id_: source for id_, row in _items(rows) if (source := _model(Source, row)) is not None}
    ids = frozenset(
        str(item["id"]) for item in _list(data.get("entries")) if isinstance(item, dict) and item.get("id") is not None
    )
    said = [*_said_in_faq(document, entries, smalltalk)]
    if file.name == "faq.yaml":
        for extra in sorted((file.parent / "utterances").glob("*.yaml")):
            if extra.name != SAFETY_EXAMPLES and (beside := _read(extra)) is not None:
                said += _said_beside(beside)
    source_ids = frozenset(id_ for id_, _ in _items(rows))
    return Editing(document, entries, smalltalk, sources, ids, source_ids, tuple(said))


def _said_in_faq(document: YamlFile, entries: dict[int, Entry], smalltalk: dict[int, SmallTalk]) -> Iterator[Said]:
    file = str(document.path)
    for index, entry in entries.items():
        yield Said(entry.question, entry.id, file, document.line(("entries", index, "question")), own_question=True)
    parts: tuple[tuple[str, dict[int, Any]], ...] = (("entries", entries), ("smalltalk", smalltalk))
    for part, items in parts:
        for index, item in items.items():
            for number, text in enumerate(item.utterances):
                yield Said(text, item.id, file, document.line((part, index, "utterances", number)))
    for kind, texts in _items(document.data.get("out_of_scope")):
        for number, text in enumerate(_list(texts)):
            if isinstance(text, str):
                line = document.line(("out_of_scope", kind, number))
                yield Said(text, f"{OUT_OF_SCOPE}: {kind}", file, line)


def _said_beside(document: YamlFile) -> Iterator[Said]:
    outside = document.path.name == "out-of-scope.yaml"
    for name, texts in document.data.items():
        owner = f"{OUT_OF_SCOPE}: {name}" if outside else name
        for number, text in enumerate(_list(texts)):
            if isinstance(text, str):
                yield Said(text, owner, str(document.path), document.line((name, number)))


def _read(file: Path) -> YamlFile | None:
    try:
        document = read_yaml(file)
    except ContentError:
        return None
    return document if isinstance(document.data, dict) else None


def _valid(model: type[Model], items: Any) -> dict[int, Model]:
    read = ((index, _model(model, item)) for index, item in enumerate(_list(items)))
    return {index: item for index, item in read if item is not None}


def _model(model: type[Model], item: Any) -> Model | None:
    try:
        return model.model_validate(item)
    except ValidationError:
        return None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else []
