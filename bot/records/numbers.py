"""What was counted, voted and sent in, read for a report; the only place that decrypts what people sent in."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, delete, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.records.database import Database
from bot.records.keys import WrongKeyError
from bot.records.tables import COUNTS, QUESTIONS, VOTE_TOTALS, VOTES

_EPOCH = date(1970, 1, 1)  # a Thursday
_HOURS_PER_WEEK = 168
_MONDAY_HOURS = 72
"""From a Monday to the Thursday on which Unix time begins."""
_SURENESS = ("answer", "clarify", "out_of_scope")
"""Kinds of reply whose confidence says something: triage and small talk are always sure."""


@dataclass(frozen=True, slots=True)
class Votes:
    """Votes on one revision of an entry, of all times."""

    entry_id: str
    revision: str
    up: int
    down: int


@dataclass(frozen=True, slots=True)
class Week:
    """How sure IRIS was in one week; mean confidence from the middles of its tenths."""

    monday: date
    replies: int
    confidence: float


@dataclass(frozen=True, slots=True)
class SentIn:
    """A question that somebody sent in. ``text`` is None where it cannot be decrypted with the present secret."""

    id: int
    day: date
    platform: str
    entry_id: str | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Numbers:
    """Everything that a report is made from."""

    since: date | None
    outcomes: dict[tuple[str, str], int]
    """By platform and kind of reply."""
    ids: dict[tuple[str, str], int]
    """By kind of reply and id of the entry, small talk or safety kind."""
    weeks: tuple[Week, ...]
    votes: tuple[Votes, ...]
    questions: tuple[SentIn, ...]


async def read_numbers(database: Database, since: date | None = None) -> Numbers:
    """All numbers from that day on; votes of all times, as they have no day. Raises one of FAILURES."""
    async with database.read() as connection:
        return Numbers(
            since=since,
            outcomes=await _sums(connection, since, COUNTS.c.platform, COUNTS.c.kind),
            ids=await _sums(connection, since, COUNTS.c.kind, COUNTS.c.entry_id),
            weeks=await _weeks(connection, since),
            votes=await _votes(connection),
            questions=await _questions(database, connection, since),
        )


async def _sums(
    connection: AsyncConnection, since: date | None, first: ColumnElement[str], second: ColumnElement[str]
) -> dict[tuple[str, str], int]:
    rows = await connection.execute(
        select(first, second, func.sum(COUNTS.c.number)).where(_counted_since(since)).group_by(first, second)
    )
    return {(row[0], row[1]): int(row[2]) for row in rows}


def _counted_since(since: date | None) -> ColumnElement[bool]:
    return true() if since is None else COUNTS.c.hour >= (since - _EPOCH).days * 24


async def _weeks(connection: AsyncConnection, since: date | None) -> tuple[Week, ...]:
    week = ((COUNTS.c.hour + _MONDAY_HOURS) // _HOURS_PER_WEEK).label("week")
    rows = await connection.execute(
        select(week, func.sum(COUNTS.c.number), func.sum(COUNTS.c.number * (2 * COUNTS.c.band + 1)))
        .where(_counted_since(since), COUNTS.c.kind.in_(_SURENESS))
        .group_by(week)
        .order_by(week)
    )
    return tuple(
        Week(
            _EPOCH + timedelta(hours=int(number) * _HOURS_PER_WEEK - _MONDAY_HOURS),
            int(replies),
            int(twentieths) / 20 / int(replies),
        )
        for number, replies, twentieths in rows
    )


async def _votes(connection: AsyncConnection) -> tuple[Votes, ...]:
    sums: Counter[tuple[str, str, bool]] = Counter()
    for row in await connection.execute(
        select(VOTES.c.entry_id, VOTES.c.revision, VOTES.c.up, func.count()).group_by(
            VOTES.c.entry_id, VOTES.c.revision, VOTES.c.up
        )
    ):
        sums[row[0], row[1], row[2]] += row[3]
    for row in await connection.execute(select(VOTE_TOTALS)):
        sums[row.entry_id, row.revision, row.up] += row.number
    pairs = sorted({(entry_id, revision) for entry_id, revision, _ in sums})
    return tuple(Votes(*pair, sums[*pair, True], sums[*pair, False]) for pair in pairs)


async def _questions(database: Database, connection: AsyncConnection, since: date | None) -> tuple[SentIn, ...]:
    sent = true() if since is None else QUESTIONS.c.day >= since
    rows = await connection.execute(select(QUESTIONS).where(sent).order_by(QUESTIONS.c.id))
    return tuple(SentIn(row.id, row.day, row.platform, row.entry_id, _decrypted(database, row.sealed)) for row in rows)


def _decrypted(database: Database, sealed: bytes) -> str | None:
    try:
        return database.keys.decrypt("questions", sealed)
    except WrongKeyError:
        return None


async def delete_questions(database: Database, ids: list[int] | None = None, before: date | None = None) -> int:
    """Delete questions that were sent in: those with these ids, or sent before that day; without either, all.

    Returns how many. Raises one of FAILURES.
    """
    chosen: ColumnElement[bool] = true()
    if ids is not None or before is not None:
        parts: list[ColumnElement[bool]] = [QUESTIONS.c.id.in_(ids or [])]
        if before is not None:
            parts.append(QUESTIONS.c.day < before)
        chosen = or_(*parts)
    async with database.write() as connection:
        deleted = await connection.execute(delete(QUESTIONS).where(chosen))
        return int(deleted.rowcount)
