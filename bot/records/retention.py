"""What goes after its time: questions, counts, updates, and the salts that tied votes to people."""

from __future__ import annotations

import time
from datetime import date, timedelta

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.records import salts
from bot.records.database import Database
from bot.records.tables import COUNTS, QUESTIONS
from bot.records.updates import forget_old
from bot.settings import RecordSettings

# Nobody waits for it, but everything that is written waits behind it.
SECONDS = 30.0
RETRY_SECONDS = 60.0
_EPOCH = date(1970, 1, 1)


async def clean(database: Database, connection: AsyncConnection, settings: RecordSettings, today: date) -> None:
    """Delete what has been kept long enough."""
    questions_from = today - timedelta(days=settings.keep_questions_days)
    counts_from = today - timedelta(days=settings.keep_counts_days)
    await connection.execute(delete(QUESTIONS).where(QUESTIONS.c.day < questions_from))
    await connection.execute(delete(COUNTS).where(COUNTS.c.hour < (counts_from - _EPOCH).days * 24))
    await forget_old(connection, time.time())
    await salts.destroy_old(database, connection, today, settings.keep_questions_days)
