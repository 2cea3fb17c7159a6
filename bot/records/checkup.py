"""What ``iris doctor`` looks at in the records: without making, migrating or writing anything."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL

from bot.checkup import Finding, Verdict
from bot.records.database import FAILURES, NEWEST, RecordsError, current_revision, database_url, engine_for, reason
from bot.records.valkey import Counters
from bot.settings import RecordSettings

DATABASE = "database"
VALKEY = "Valkey"


async def check_up(settings: RecordSettings) -> list[Finding]:
    """Is the database there and as this IRIS needs it, and do the counters answer that replicas share?"""
    findings = []
    try:
        url = database_url(settings)
        file = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
        findings.append(_nothing_yet(file) if file and _is_missing(file) else await _database(url))
    except RecordsError as error:
        findings.append(Finding(DATABASE, Verdict.PROBLEM, str(error)))
    if settings.valkey_url is not None:
        findings.append(await _counters(settings.valkey_url.get_secret_value()))
    return findings


def _nothing_yet(file: Path) -> Finding:
    return Finding(DATABASE, Verdict.GOOD, f"There is none yet; `iris run` makes it ({file}).")


async def _database(url: URL) -> Finding:
    engine = engine_for(url)
    try:
        async with engine.connect() as connection:
            revision = await connection.run_sync(current_revision)
    except FAILURES as error:
        said = (
            f"It cannot be used: {reason(error)}. People are answered all the same, but nothing is kept. Check "
            "IRIS_DATA or IRIS_DATABASE_URL, and whether the server runs."
        )
        return Finding(DATABASE, Verdict.PROBLEM, said)
    finally:
        await engine.dispose()
    if revision == NEWEST:
        return Finding(DATABASE, Verdict.GOOD, "It answers, and has the newest form.")
    if revision is None or revision < NEWEST:
        said = "It answers; the next `iris run` brings it to the newest form. Make a backup first (`iris backup`)."
        return Finding(DATABASE, Verdict.HINT, said)
    said = f"It was written by a newer IRIS (revision {revision}, this one knows {NEWEST}). Update IRIS."
    return Finding(DATABASE, Verdict.PROBLEM, said)


async def _counters(url: str) -> Finding:
    try:
        counters = Counters(url)
    except RecordsError as error:
        return Finding(VALKEY, Verdict.PROBLEM, str(error))
    try:
        answers = await counters.ask(lambda storage: storage.check())
    finally:
        await counters.close()
    if answers:
        return Finding(VALKEY, Verdict.GOOD, "It answers.")
    said = (
        "It does not answer. Each copy of IRIS then counts alone: check IRIS_VALKEY_URL, and whether the server runs."
    )
    return Finding(VALKEY, Verdict.PROBLEM, said)


def _is_missing(file: Path) -> bool:
    return not file.exists()
