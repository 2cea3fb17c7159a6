"""The table of all entries for whoever plans the work on them: ``iris content report``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median

from rich import box
from rich.table import Table
from rich.text import Text

from bot.content.entry_rules import DETAILS_GRADE_MAX, SHORT_GRADE_MAX
from bot.content.faq import Faq
from bot.content.readability import ReadabilityMissing, grade
from bot.content.small_markdown import count_words
from bot.content.utterance_rules import UTTERANCES_WANTED

_DUE_SOON_DAYS = 30


@dataclass(frozen=True, slots=True)
class Row:
    """One entry in numbers. Grades are None where they cannot be measured or there is no such text."""

    id: str
    short_words: int
    details_words: int
    short_grade: float | None
    details_grade: float | None
    utterances: int
    sources: int
    review_due: date | None


def rows(faq: Faq) -> list[Row]:
    """All entries in the order of the file."""
    return [
        Row(
            entry.id,
            count_words(entry.short),
            count_words(entry.details),
            _grade(entry.question, entry.short),
            _grade(entry.question, entry.details),
            len(entry.utterances),
            len(set(entry.sources)),
            entry.review_due,
        )
        for entry in faq.entries
    ]


def table(entries: Sequence[Row], today: date) -> Table:
    """The rows, with what needs work in red or yellow, and the medians below."""
    shown = Table(
        box=box.SIMPLE_HEAD,
        show_footer=True,
        pad_edge=False,
        caption="words and grade: short text/details",
        caption_justify="left",
    )
    shown.add_column("entry", "median", overflow="fold")
    footers = (
        ("words", _pair(_middle(row.short_words for row in entries), _middle(row.details_words for row in entries))),
        (
            "grade",
            _pair(
                _decimal(_middle(row.short_grade for row in entries)),
                _decimal(_middle(row.details_grade for row in entries)),
            ),
        ),
        ("utterances", _pair(_middle(row.utterances for row in entries))),
        ("sources", _pair(_middle(row.sources for row in entries))),
        ("review due", ""),
    )
    for name, footer in footers:
        shown.add_column(name, footer, justify="right", no_wrap=True)
    for row in entries:
        shown.add_row(
            row.id,
            _pair(row.short_words, row.details_words),
            _grades(row),
            Text(str(row.utterances), "yellow" if row.utterances < UTTERANCES_WANTED else ""),
            Text(str(row.sources), "" if row.sources > 1 else "yellow"),
            _due(row.review_due, today),
        )
    return shown


def _grade(question: str, text: str) -> float | None:
    if not text:
        return None
    try:
        return grade(question, text)
    except ReadabilityMissing:
        return None


def _grades(row: Row) -> Text:
    limits = ((row.short_grade, SHORT_GRADE_MAX), (row.details_grade, DETAILS_GRADE_MAX))
    hard = any(found is not None and found > most for found, most in limits)
    return Text(_pair(_decimal(row.short_grade), _decimal(row.details_grade)), "red" if hard else "")


def _due(day: date | None, today: date) -> Text:
    if day is None:
        return Text("missing", "red")
    left = (day - today).days
    return Text(day.isoformat(), "red" if left < 0 else "yellow" if left < _DUE_SOON_DAYS else "")


def _middle(numbers: Iterable[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return median(known) if known else None


def _decimal(number: float | None) -> str:
    return "?" if number is None else f"{number:.1f}"


def _pair(*numbers: float | str | None) -> str:
    """Short and details side by side."""
    return "/".join(f"{number:g}" if isinstance(number, float) else str(number or 0) for number in numbers)
