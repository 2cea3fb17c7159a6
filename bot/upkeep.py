"""The commands for whoever runs IRIS: what was asked, what people sent in, backups. ``cli.py`` reads the words.

Each function is one command and returns its exit code; problems are raised as RecordsError or as one of
``assembly.UNUSABLE``, whose text is for the operator.
"""

from __future__ import annotations

import asyncio
import csv
import json
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console

from bot import assembly
from bot.exits import Exit
from bot.matching import Encoder
from bot.matching.grouping import group_by_meaning, nearest_owners
from bot.records.backup import Copied, back_up, restore
from bot.records.database import FAILURES, Database, RecordsError, database_url, reason
from bot.records.numbers import Numbers, SentIn, delete_questions, read_numbers
from bot.settings import RecordSettings
from bot.usage.report import Report, make_report
from bot.usage.show import as_csv, as_json, as_tables, harmless

Result = TypeVar("Result")


def report(settings: RecordSettings, since: date | None, form: str) -> Exit:
    """``iris report``: ``form`` is "table", "csv" or "json"."""
    made = _report(settings, since)
    if form == "csv":
        sys.stdout.write(as_csv(made))
    elif form == "json":
        print(json.dumps(as_json(made), ensure_ascii=False))
    else:
        Console(highlight=False).print(as_tables(made))
    return Exit.OK


def _report(settings: RecordSettings, since: date | None) -> Report:
    numbers = _read(settings, since)
    faq, _ = assembly.load_content(settings.content)
    today = datetime.now(UTC).date()
    if not numbers.questions:
        return make_report(numbers, faq, today)
    # Only what people sent in needs the encoder, which takes a second to load.
    encoder = Encoder(cache_folder=settings.cache)
    asked = [(text, entry.id) for entry in faq.entries for text in (entry.question, *entry.utterances)]
    known, owners = [text for text, _ in asked], [id_ for _, id_ in asked]
    return make_report(
        numbers,
        faq,
        today,
        lambda texts: group_by_meaning(texts, encoder),
        lambda texts: nearest_owners(texts, known, owners, encoder),
    )


def _read(settings: RecordSettings, since: date | None) -> Numbers:
    return _with_database(settings, "The database cannot be read", lambda database: read_numbers(database, since))


def _with_database(
    settings: RecordSettings, failure: str, work: Callable[[Database], Coroutine[Any, Any, Result]]
) -> Result:
    """What ``work`` returns. Raises RecordsError."""

    async def whole() -> Result:
        database = await Database.open(settings)
        try:
            return await work(database)
        except FAILURES as error:
            raise RecordsError(f"{failure}: {reason(error)}.") from error
        finally:
            await database.close()

    # Opening makes a database where there is none, which a look at it should not.
    url = database_url(settings)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise RecordsError(f"There is no database at {url.database} yet: IRIS makes it when it runs (see IRIS_DATA).")
    return asyncio.run(whole())


def export_questions(settings: RecordSettings, since: date | None, form: str) -> Exit:
    """``iris questions export``: ``form`` is "jsonl" or "csv"."""
    questions = _read(settings, since).questions
    if form == "csv":
        rows = csv.writer(sys.stdout, lineterminator="\n")
        rows.writerow(("id", "day", "platform", "entry_id", "text"))
        rows.writerows(
            (one.id, one.day, one.platform, one.entry_id or "", harmless(one.text or "")) for one in questions
        )
    else:
        for one in questions:
            print(json.dumps(_as_object(one), ensure_ascii=False))
    unreadable = sum(one.text is None for one in questions)
    if unreadable:
        print(f"{unreadable} of them cannot be read: they were encrypted with another secret.", file=sys.stderr)
    return Exit.OK


def _as_object(one: SentIn) -> dict[str, Any]:
    return {
        "id": one.id,
        "day": one.day.isoformat(),
        "platform": one.platform,
        "entry_id": one.entry_id,
        "text": one.text,
    }


def remove_questions(settings: RecordSettings, ids: list[int] | None, before: date | None) -> Exit:
    """``iris questions delete``: those with the ids, those from before the day, or all."""
    number = _with_database(settings, "Nothing was deleted", lambda database: delete_questions(database, ids, before))
    print(
        f"{number or 'No'} question{'' if number == 1 else 's'} deleted. Backups that were made before still have them."
    )
    return Exit.OK


def make_backup(settings: RecordSettings, file: Path) -> Exit:
    """``iris backup``."""
    print(_said(back_up(settings, file), "Saved to"))
    where = "in IRIS_SECRET" if settings.secret else f"in {settings.data / 'secret'}"
    print(f"The secret ({where}) is not in it: keep a copy of that in another place, as nobody can read it without.")
    return Exit.OK


def restore_backup(settings: RecordSettings, file: Path, *, force: bool) -> Exit:
    """``iris restore``."""
    print(_said(restore(settings, file, force=force), "Restored to"))
    return Exit.OK


def _said(copied: Copied, verb: str) -> str:
    rows = ", ".join(f"{number} {name}" for name, number in copied.rows.items())
    return f"{verb} {copied.file}: {rows}."
