"""A report as tables for a terminal, as rows for a spreadsheet, as one JSON object for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

from rich import box
from rich.console import Group as Together
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bot.reply import ReplyKind
from bot.usage.report import EntryUse, Group, Report

SHOWN_MAX = 10
"""Rows of a table on the terminal; CSV and JSON have all."""
_EXAMPLES_MAX = 3

_KINDS = {
    ReplyKind.ANSWER: "answered",
    ReplyKind.CLARIFY: "asked back",
    ReplyKind.OUT_OF_SCOPE: "not known",
    ReplyKind.SAFETY: "safety",
    ReplyKind.SMALLTALK: "small talk",
}


def as_tables(report: Report) -> RenderableType:
    """For a terminal of 80 columns or more."""
    since = f"since {report.since}" if report.since else "since the beginning"
    parts: list[RenderableType] = [Text(f"Use of IRIS {since} (to {report.today}, UTC)", style="bold")]
    if not report.replies():
        parts.append(Text("Nothing has been asked yet."))
    else:
        parts += [_outcomes(report), _weeks(report)]
        if report.safety:
            rows = [(id_, _thousands(number)) for id_, number in report.safety.items()]
            parts.append(_table("Safety replies", ("kind", "number"), rows))
        parts.append(_most_asked(report))
        parts.append(_ids("Never asked", [entry.id for entry in report.never_asked]))
    if report.worst_rated:
        parts.append(_worst_rated(report))
    parts.append(_told(report))
    parts.append(_reviews(report))
    spaced: list[RenderableType] = [item for part in parts for item in (part, Text(""))]
    return Together(*spaced[:-1])


def _table(title: str, columns: Iterable[str], rows: Iterable[Iterable[RenderableType]], left: int = 1) -> Table:
    """A table whose first ``left`` columns are words and whose other ones are numbers."""
    made = Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False
    )
    for place, column in enumerate(columns):
        if place < left:
            made.add_column(column, overflow="fold")
        else:
            made.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        made.add_row(*row)
    return made


def _outcomes(report: Report) -> Table:
    platforms = report.platforms
    rows = []
    for kind, name in _KINDS.items():
        number = report.replies(kind=kind)
        each = [_thousands(report.replies(platform, kind)) for platform in platforms]
        rows.append([name, *each, _thousands(number), f"{number / report.replies():.1%}"])
    totals = [_thousands(report.replies(platform)) for platform in platforms]
    rows.append(["all", *totals, _thousands(report.replies()), ""])
    return _table("Replies", ["outcome", *platforms, "all", "share"], rows)


def _weeks(report: Report) -> Table:
    """Without safety replies and small talk, which are always sure."""
    rows = [
        (week.monday.isoformat(), _thousands(week.replies), f"{week.confidence:.2f}", _bar(week.confidence))
        for week in report.weeks[-SHOWN_MAX:]
    ]
    return _table("Confidence by week", ("week of", "replies", "mean", ""), rows)


def _bar(share: float) -> Text:
    width = 20
    filled = round(share * width)
    return Text("\u2588" * filled + "\u00b7" * (width - filled), style="cyan")


def _most_asked(report: Report) -> Table:
    asked = [entry for entry in report.entries if entry.asked][:SHOWN_MAX]
    rows = [(entry.id, _thousands(entry.asked), _votes(entry)) for entry in asked]
    return _table("Most asked", ("entry", "answers", "up/down"), rows)


def _worst_rated(report: Report) -> Table:
    rows = [
        (entry.id, f"{entry.up}/{entry.down}", f"{entry.older_up}/{entry.older_down}", f"{entry.surely_disliked:.0%}")
        for entry in report.worst_rated[:SHOWN_MAX]
    ]
    columns = ("entry", "up/down", "before", "at least")
    table = _table("Worst rated", columns, rows)
    table.caption = "before: votes on older revisions. at least: share of thumbs down, 95% sure."
    table.caption_justify = "left"
    return table


def _votes(entry: EntryUse) -> str:
    return f"{entry.up}/{entry.down}" if entry.up or entry.down else "-"


def _ids(title: str, ids: list[str]) -> RenderableType:
    heading = Text(f"{title}: {len(ids) or 'none'}", style="bold")
    return Together(heading, Padding(Text(", ".join(ids)), (0, 0, 0, 2))) if ids else heading


def _told(report: Report) -> RenderableType:
    told = report.told
    number = sum(len(group.texts) for group in told.groups)
    parts: list[RenderableType] = [Text(f"Questions that people sent in: {number or 'none'}", style="bold")]
    for group in told.groups[:SHOWN_MAX]:
        parts.append(Padding(_group(group), (1, 0, 0, 2)))
    if len(told.groups) > SHOWN_MAX:
        left = sum(len(group.texts) for group in told.groups[SHOWN_MAX:])
        parts += [Text(""), Text(f"  and {left} more in smaller groups: iris questions export", style="dim")]
    if told.unreadable:
        sentence = f"  {told.unreadable} cannot be read: they were encrypted with another secret."
        parts += [Text(""), Text(sentence, style="yellow")]
    return Together(*parts)


def _group(group: Group) -> RenderableType:
    rows = Table.grid(padding=(0, 1))
    rows.add_column(justify="right", style="cyan", no_wrap=True)
    rows.add_column(overflow="fold")
    for place, text in enumerate(group.texts[:_EXAMPLES_MAX]):
        rows.add_row("" if place else f"{len(group.texts)} x", Text(" ".join(text.split())))
    if len(group.texts) > _EXAMPLES_MAX:
        rows.add_row("", Text(f"and {len(group.texts) - _EXAMPLES_MAX} more", style="dim"))
    if group.nearest:
        rows.add_row("", Text(f"near: {', '.join(group.nearest)}", style="dim"))
    after = [f"{id_} ({number})" for id_, number in group.after if id_]
    if after:
        rows.add_row("", Text(f"sent in after: {', '.join(after)}", style="dim"))
    return rows


def _reviews(report: Report) -> RenderableType:
    heading = Text(f"Reviews due: {len(report.reviews) or 'none'}", style="bold")
    if not report.reviews:
        return heading
    rows = []
    for id_, day in report.reviews[:SHOWN_MAX]:
        overdue = day is None or day < report.today
        rows.append((id_, Text(day.isoformat() if day else "missing", style="red" if overdue else "yellow")))
    parts: list[RenderableType] = [_table(heading.plain, ("entry", "due"), rows)]
    if len(report.reviews) > SHOWN_MAX:
        parts.append(Text(f"and {len(report.reviews) - SHOWN_MAX} more: iris content report", style="dim"))
    return Together(*parts)


def _thousands(number: int) -> str:
    return f"{number:,}"


def as_csv(report: Report) -> str:
    """One table with the columns table, name, detail, value; for a spreadsheet's filter."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(("table", "name", "detail", "value"))
    for (platform, kind), number in sorted(report.outcomes.items()):
        rows.writerow(("replies", platform, kind, number))
    for id_, number in report.safety.items():
        rows.writerow(("safety", id_, "", number))
    for week in report.weeks:
        rows.writerow(("weeks", week.monday, "replies", week.replies))
        rows.writerow(("weeks", week.monday, "confidence", f"{week.confidence:.4f}"))
    for entry in report.entries:
        for detail in ("asked", "up", "down", "older_up", "older_down"):
            rows.writerow(("entries", entry.id, detail, getattr(entry, detail)))
    for place, group in enumerate(report.told.groups, 1):
        for text in group.texts:
            rows.writerow(("questions", f"group {place}", " ".join(group.nearest), harmless(text)))
    for id_, day in report.reviews:
        rows.writerow(("reviews", id_, "due", day or ""))
    return written.getvalue()


def harmless(text: str) -> str:
    """A cell for a spreadsheet, which takes a text that begins like one for a formula (OWASP: CSV injection)."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def as_json(report: Report) -> dict[str, Any]:
    """Ready for ``json.dumps``."""
    total = report.replies()
    return {
        "since": report.since.isoformat() if report.since else None,
        "today": report.today.isoformat(),
        "replies": [
            {"platform": platform, "kind": kind, "number": number}
            for (platform, kind), number in sorted(report.outcomes.items())
        ],
        "shares": {kind.value: round(report.replies(kind=kind) / total, 4) for kind in _KINDS} if total else {},
        "safety": report.safety,
        "weeks": [
            {"monday": week.monday.isoformat(), "replies": week.replies, "confidence": round(week.confidence, 4)}
            for week in report.weeks
        ],
        "entries": [
            {
                "id": entry.id,
                "asked": entry.asked,
                "up": entry.up,
                "down": entry.down,
                "older_up": entry.older_up,
                "older_down": entry.older_down,
                "surely_disliked": round(entry.surely_disliked, 4),
            }
            for entry in report.entries
        ],
        "questions": [
            {"texts": list(group.texts), "nearest": list(group.nearest), "after": dict(group.after)}
            for group in report.told.groups
        ],
        "unreadable": report.told.unreadable,
        "reviews": [{"id": id_, "due": day.isoformat() if day else None} for id_, day in report.reviews],
    }
