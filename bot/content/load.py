"""Reads the content files; every problem comes back at once, with file, line, entry and what to do."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from bot.content.faq import Entry, Faq, SmallTalk, Vocabulary
from bot.content.safety_rules import KindId, SafetyRules

SAFETY_EXAMPLES = "safety.yaml"
"""In ``utterances/``: what the second look of triage learns from."""
HARMLESS = "harmless"

Key = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)

# libyaml reads our half megabyte in a tenth of the time; the Python loader is there where it was not built.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing for an editor to mend. ``reminder`` is what only ``iris check --strict`` refuses."""

    file: str
    line: int
    entry: str
    message: str
    reminder: bool = False

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" + (f" ({self.entry})" if self.entry else "")
        return f"{where}: {self.message}"


class ContentError(Exception):
    """The content cannot be used; ``problems`` says everything that is wrong with it."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class YamlFile:
    """One parsed file: plain data, and the line of each key and item in it."""

    def __init__(self, path: Path, data: Any, lines: dict[Key, int]) -> None:
        self.path = path
        self.data = data
        self._lines = lines

    def line(self, key: Key) -> int:
        """The line, from 1, of what stands at ``key``, or of its nearest parent that stands in the file."""
        while key and key not in self._lines:
            key = key[:-1]
        return self._lines.get(key, 1)


def default_content_folder() -> Path:
    """``content/`` of the working folder, of the checkout, or the copy shipped inside the package."""
    here = Path("content")
    checkout = Path(__file__).resolve().parents[2] / "content"
    shipped = Path(__file__).resolve().parent / "shipped"
    return next((folder for folder in (here, checkout) if (folder / "faq.yaml").is_file()), shipped)


def read_yaml(path: Path) -> YamlFile:
    """Parse one file strictly: duplicate keys are errors, and only true and false are booleans.

    Raises ContentError for a file that cannot be opened, is not UTF-8 or is not YAML.
    """
    name = str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ContentError([Problem(name, 1, "", "The file is missing. Check the path.")]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ContentError(
            [Problem(name, 1, "", f"The file cannot be read ({error}). Save it as UTF-8 text.")]
        ) from None
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or str(error).splitlines()[0]
        line = mark.line + 1 if mark else 1
        message = f"This is not valid YAML: {what}. Check quotes, colons and indentation on this line and above."
        if "quoted scalar" in (getattr(error, "context", None) or ""):
            line = error.context_mark.line + 1  # type: ignore[attr-defined]
            message = "The quotation mark that opens on this line has no partner. Close it, or remove it."
        raise ContentError([Problem(name, line, "", message)]) from None
    lines: dict[Key, int] = {(): 1}
    problems: list[Problem] = []
    data = _construct(node, (), lines, problems, name) if node is not None else None
    if problems:
        raise ContentError(problems)
    return YamlFile(path, data, lines)


def _construct(node: yaml.Node, key: Key, lines: dict[Key, int], problems: list[Problem], name: str) -> Any:
    """Plain Python data from a YAML node, noting the line of each part on the way."""
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            label = str(key_node.value)
            line = key_node.start_mark.line + 1
            if label in mapping:
                message = f'"{label}" stands here twice. Keep one of the two.'
                problems.append(Problem(name, line, _entry_of(node, key, label), message))
            lines[(*key, label)] = line
            mapping[label] = _construct(value_node, (*key, label), lines, problems, name)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        items = []
        for index, child in enumerate(node.value):
            lines[(*key, index)] = child.start_mark.line + 1
            items.append(_construct(child, (*key, index), lines, problems, name))
        return items
    return _scalar(node)


def _entry_of(node: yaml.MappingNode, key: Key, label: str) -> str:
    """The id of the entry or table row that a mapping at ``key`` is, or that ``label`` names in it."""
    ids = [str(value.value) for name, value in node.value if name.value == "id"]
    if ids:
        return ids[0]
    return str(key[1]) if len(key) >= 2 else label if len(key) == 1 else ""


def _scalar(node: yaml.Node) -> str | int | float | bool | date | None:
    """A plain value; unquoted yes, no, on and off stay words, as people mean them."""
    value = str(node.value)
    kind = str(node.tag).rsplit(":", 1)[-1]
    if kind == "int" and re.fullmatch(r"[-+]?(0|[1-9][0-9]*)", value):
        return int(value)
    if kind == "float" and re.fullmatch(r"[-+]?[0-9]+\.[0-9]*", value):
        return float(value)
    if kind == "bool" and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if kind == "timestamp" and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return value
    return None if kind == "null" else value


def load_faq(path: Path) -> Faq:
    """The FAQ at ``path``: a file, or a folder with ``faq.yaml`` in it.

    A file called ``faq.yaml`` is joined by ``vocabulary.yaml`` and ``utterances/*.yaml`` beside it: each of these
    maps the ids of entries or small talk to lists; ``out-of-scope.yaml`` maps kinds of message to lists.

    Raises ContentError with every problem found.
    """
    file = path / "faq.yaml" if path.is_dir() else path
    document = read_yaml(file)
    problems: list[Problem] = []
    if isinstance(document.data, dict) and file.name == "faq.yaml":
        for extra in sorted((file.parent / "utterances").glob("*.yaml")):
            if extra.name != SAFETY_EXAMPLES:
                _fold_in_utterances(document.data, extra, problems)
        words = file.parent / "vocabulary.yaml"
        if words.is_file():
            vocabulary = _validate(Vocabulary, read_yaml(words), problems)
            document.data["vocabulary"] = vocabulary.model_dump() if vocabulary else {}
    faq = _validate(Faq, document, problems)
    if faq:
        entries, talk = dict(enumerate(faq.entries)), dict(enumerate(faq.smalltalk))
        problems += structure_problems(document, entries, talk, faq.entry_by_id, faq.sources)
    if problems or faq is None:
        raise ContentError(sorted(problems))
    return faq


def load_safety_rules(path: Path) -> SafetyRules:
    """The triage rules at ``path``: a file, or a folder with ``safety.yaml`` in it.

    Raises ContentError with every problem found.
    """
    document = read_yaml(path / "safety.yaml" if path.is_dir() else path)
    problems: list[Problem] = []
    rules = _validate(SafetyRules, document, problems)
    if problems or rules is None:
        raise ContentError(sorted(problems))
    return rules


def load_safety_examples(path: Path) -> dict[str, tuple[str, ...]]:
    """Messages by kind of danger, and ``harmless`` ones, from ``utterances/safety.yaml`` in the folder of ``path``.

    Empty where there is no such file: triage then goes by its rules alone. Raises ContentError.
    """
    file = (path if path.is_dir() else path.parent) / "utterances" / SAFETY_EXAMPLES
    if not file.is_file():
        return {}
    document = read_yaml(file)
    data = document.data if isinstance(document.data, dict) else {}
    kinds = {*get_args(KindId), HARMLESS}
    problems = [
        Problem(str(file), document.line((name,)), name, f'"{name}" is no kind of safety reply. Correct its name.')
        for name in data
        if name not in kinds
    ]
    problems += [
        Problem(str(file), 1, name, f'"{name}" is missing or empty. Add a list of texts, each in quotes after a dash.')
        for name in sorted(kinds)
        if not data.get(name)
    ]
    for name, texts in data.items():
        if not isinstance(texts, list) or not all(isinstance(text, str) and text for text in texts):
            message = "Write a list of texts, each in quotes on a line of its own after a dash."
            problems.append(Problem(str(file), document.line((name,)), name, message))
    if problems:
        raise ContentError(sorted(problems))
    return {name: tuple(texts) for name, texts in data.items()}


def _fold_in_utterances(data: dict[str, Any], file: Path, problems: list[Problem]) -> None:
    try:
        extra = read_yaml(file)
    except ContentError as error:
        problems.extend(error.problems)
        return
    if not isinstance(extra.data, Mapping):
        problems.append(Problem(str(file), 1, "", "Write a mapping: an entry id, a colon, then a list of utterances."))
        return
    known: dict[str, Any] = {}
    for part in ("entries", "smalltalk"):
        items = data.get(part)
        known.update({item["id"]: item for item in items or () if isinstance(item, dict) and "id" in item})
    for name, utterances in extra.data.items():
        line = extra.line((name,))
        if not isinstance(utterances, list) or not all(isinstance(item, str) for item in utterances):
            message = "Write a list of texts, each in quotes on a line of its own after a dash."
            problems.append(Problem(str(file), line, name, message))
        elif file.name == "out-of-scope.yaml":
            data.setdefault("out_of_scope", {}).setdefault(name, []).extend(utterances)
        elif name in known:
            known[name]["utterances"] = [*(known[name].get("utterances") or []), *utterances]
        else:
            message = f'No entry has the id "{name}". Correct the id, or add the entry to faq.yaml first.'
            problems.append(Problem(str(file), line, name, message))


def _validate(model: type[Model], document: YamlFile, problems: list[Problem]) -> Model | None:
    if not isinstance(document.data, dict):
        problems.append(Problem(str(document.path), 1, "", "The file is empty or not a mapping of keys to values."))
        return None
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        for detail in error.errors():
            key = tuple(part for part in detail["loc"])
            problems.append(
                Problem(str(document.path), document.line(key), _entry_at(document, key), _say(dict(detail)))
            )
        return None


def _entry_at(document: YamlFile, key: Key) -> str:
    """The id of the entry that ``key`` lies in, if it lies in one."""
    if len(key) >= 2 and isinstance(key[1], int):
        try:
            item = document.data[key[0]][key[1]]
        except (KeyError, IndexError, TypeError):
            return ""
        return str(item.get("id", "")) if isinstance(item, dict) else ""
    return str(key[1]) if len(key) >= 2 else ""


def _say(detail: dict[str, Any]) -> str:
    """One sentence for an editor in place of pydantic's wording."""
    field = str(detail["loc"][-1]) if detail["loc"] else "this"
    context = detail.get("ctx") or {}
    match detail["type"]:
        case "missing":
            return f'"{field}" is missing. Add it.'
        case "extra_forbidden":
            return f'"{field}" is not a known key. Check its spelling, or remove it.'
        case "string_type":
            return f'"{field}" must be text. Put it in quotes.'
        case "string_too_short" | "too_short":
            return f'"{field}" is empty. Fill it in.'
        case "string_too_long":
            return f'"{field}" is too long: at most {context.get("max_length")} characters.'
        case "string_pattern_mismatch" if field == "url":
            return '"url" must be a web address that begins with https:// or http://.'
        case "string_pattern_mismatch":
            return f'"{field}" may have only letters, digits, hyphens, dots and underscores.'
        case "date_type" | "date_parsing" | "date_from_datetime_parsing":
            return f'"{field}" must be a date such as 2026-11-21.'
        case _:
            return f'"{field}": {detail["msg"]}.'


def structure_problems(
    document: YamlFile,
    entries: Mapping[int, Entry],
    smalltalk: Mapping[int, SmallTalk],
    known_ids: Container[str],
    known_sources: Container[str],
) -> list[Problem]:
    """What makes a file unusable although each of its parts is well formed; entries by their place in the file."""
    problems = []
    seen: dict[str, int] = {}
    ids = [("entries", index, entry.id) for index, entry in entries.items()]
    ids += [("smalltalk", index, talk.id) for index, talk in smalltalk.items()]
    for part, index, id_ in ids:
        line = document.line((part, index))
        if id_ in seen:
            message = f'The id "{id_}" is used twice (first in line {seen[id_]}). Give one another id.'
            problems.append(Problem(str(document.path), line, id_, message))
        seen.setdefault(id_, line)
    for index, entry in entries.items():
        for number, source in enumerate(entry.sources):
            if source not in known_sources:
                message = f'The source "{source}" is not in the "sources" table. Add it there or correct the id.'
                line = document.line(("entries", index, "sources", number))
                problems.append(Problem(str(document.path), line, entry.id, message))
        for number, other in enumerate(entry.related):
            if other not in known_ids:
                message = f'"related" names "{other}", which is no entry. Correct the id or remove it.'
                line = document.line(("entries", index, "related", number))
                problems.append(Problem(str(document.path), line, entry.id, message))
    return problems
