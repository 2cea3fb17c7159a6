"""A file of questions with what is right for each -> ``Expected``, or every problem in it with its line."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.content import Faq
from bot.content.faq import ENTRY_ID_MAX
from bot.reply import ReplyKind
from bot.safety import SafetyKind

Outcome = tuple[ReplyKind, str | None]
"""What a decision can be: its kind, and the id; None as id stands for any."""

_OUT_OF_SCOPE_LABELS = ("oos", "out_of_scope", "out-of-scope")
_EXAMPLE = '{"text": "What is insulin?", "ids": ["what-is-insulin"], "style": "plain"}'


class QuestionsError(Exception):
    """A file of questions cannot be used; ``problems`` has one sentence for each thing to mend."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Expected:
    """One question with what counts as right for it, best first."""

    line: int
    text: str
    right: tuple[Outcome, ...]
    group: str
    """Its style, or its tag, or nothing: what the tables are broken down by."""

    @property
    def kind(self) -> ReplyKind:
        return self.right[0][0]

    @property
    def name(self) -> str:
        """The id that should have come, or the kind where any of a kind would do."""
        return self.right[0][1] or self.kind.value

    def allows(self, kind: ReplyKind, id_: str | None) -> bool:
        """Whether that would be right."""
        return (kind, id_) in self.right or (kind, None) in self.right


def content_id(label: str) -> str:
    """The id that stands for ``label`` where ids must be short and plain: itself wherever that is possible."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", label).strip("-").lstrip("_.-")
    if plain == label and len(plain) <= ENTRY_ID_MAX:
        return plain
    # A piece of a hash keeps apart what looks alike once it is cut.
    mark = hashlib.sha256(label.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{plain[: ENTRY_ID_MAX - 7] or 'x'}-{mark}"


def known_outcomes(faq: Faq) -> dict[str, ReplyKind]:
    """Every id that a reply can have, with the kind of that reply."""
    return {
        **{kind.value: ReplyKind.SAFETY for kind in SafetyKind},
        **dict.fromkeys(faq.smalltalk_by_id, ReplyKind.SMALLTALK),
        **dict.fromkeys(faq.entry_by_id, ReplyKind.ANSWER),
    }


def read_questions(file: Path, faq: Faq) -> list[Expected]:
    """The questions of a file of JSON lines; empty lines are skipped.

    Each has a ``text`` and what is right: a ``label`` (an id of ``faq``, or ``oos``), or ``ids`` and/or a ``kind``,
    with ``also_ok`` for what is defensible too. ``style`` or ``tag`` is what results are broken down by.
    Raises QuestionsError with every problem.
    """
    try:
        lines = file.read_bytes().split(b"\n")
    except OSError as error:
        raise QuestionsError([f"{file}: The file cannot be read ({error.strerror}). Check the path."]) from None
    known = known_outcomes(faq)
    questions: list[Expected] = []
    problems: dict[str, list[int]] = defaultdict(list)
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                questions.append(_read_question(number, line, known))
            except ValueError as error:
                problems[str(error)].append(number)
    if problems:
        raise QuestionsError(
            [
                f"{file}:{numbers[0]}: {problem}"
                + (f" (The same in {len(numbers) - 1} more lines.)" if len(numbers) > 1 else "")
                for problem, numbers in problems.items()
            ]
        )
    if not questions:
        raise QuestionsError([f"{file}: The file has no questions. Write one object per line, such as {_EXAMPLE}."])
    return questions


def _read_question(number: int, line: bytes, known: dict[str, ReplyKind]) -> Expected:
    """Raises ValueError with a sentence for the editor."""
    try:
        item = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError(f"This is not JSON in UTF-8. Write one object per line, such as {_EXAMPLE}.") from None
    if not isinstance(item, dict) or not isinstance(item.get("text"), str) or not item["text"].strip():
        raise ValueError(f'This is no object with a "text". Write one such as {_EXAMPLE}.')
    for key in ("label", "kind", "style", "tag"):
        if not isinstance(item.get(key, ""), str):
            raise ValueError(f'"{key}" must be text in quotes.')
    for key in ("ids", "also_ok"):
        values = item.get(key, [])
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise ValueError(f'"{key}" must be a list of texts, such as ["what-is-insulin"].')
    right = _labelled(item["label"], known) if "label" in item else _listed(item, known)
    also = [_outcome(name, known) for name in item.get("also_ok", [])]
    return Expected(number, item["text"], (*right, *also), item.get("style") or item.get("tag") or "")


def _labelled(label: str, known: dict[str, ReplyKind]) -> list[Outcome]:
    for id_ in (label, content_id(label)):
        if id_ in known:
            return [(known[id_], id_)]
    if label in _OUT_OF_SCOPE_LABELS:
        return [(ReplyKind.OUT_OF_SCOPE, None)]
    raise ValueError(f'"{label}" is no entry, small talk or safety kind of this content. Correct the label.')


def _listed(item: dict[str, Any], known: dict[str, ReplyKind]) -> list[Outcome]:
    ids = item.get("ids", [])
    if "kind" not in item:
        if not ids:
            raise ValueError('Nothing says what is right: give a "label", or "ids", or a "kind".')
        return [(_kind_of(id_, known), id_) for id_ in ids]
    kind = _named_kind(item["kind"])
    if kind is ReplyKind.CLARIFY:
        raise ValueError('"kind" cannot be "clarify": say what was meant.')
    if kind is ReplyKind.OUT_OF_SCOPE or not ids:
        return [(kind, None)]
    for id_ in ids:
        if _kind_of(id_, known) is not kind:
            raise ValueError(
                f'"{id_}" is of the kind "{known[id_].value}", not "{kind.value}". Correct one of the two.'
            )
    return [(kind, id_) for id_ in ids]


def _outcome(name: str, known: dict[str, ReplyKind]) -> Outcome:
    kind_name, _, id_ = name.partition(":")
    kind = _named_kind(kind_name)
    if id_ and _kind_of(id_, known) is not kind:
        raise ValueError(f'"{id_}" is of the kind "{known[id_].value}", not "{kind.value}". Correct one of the two.')
    return kind, id_ or None


def _named_kind(name: str) -> ReplyKind:
    try:
        return ReplyKind(name)
    except ValueError:
        kinds = ", ".join(kind.value for kind in ReplyKind)
        raise ValueError(f'"{name}" is no kind of reply. The kinds are {kinds}.') from None


def _kind_of(id_: str, known: dict[str, ReplyKind]) -> ReplyKind:
    if id_ not in known:
        raise ValueError(f'"{id_}" is no entry, small talk or safety kind of this content. Correct the id.')
    return known[id_]
