"""The salts behind people's digests: one for each month, destroyed once nothing needs it any more.

As long as a month's salt exists, whoever has the database and the secret could find out which digest belongs to a
given id. The votes of a month therefore become plain totals, and its salt goes, once the questions of that month have
gone too. Until then "one vote each" and "forget me" look for a person under the salt of every month that is left.
"""

from __future__ import annotations

import secrets
from datetime import date, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.records.database import Database
from bot.records.people import Person
from bot.records.tables import SALTS, VOTE_TOTALS, VOTES

_SALT_BYTES = 32


def month_of(day: date) -> str:
    """The name of a salt: "2026-11"."""
    return day.isoformat()[:7]


async def digests(database: Database, connection: AsyncConnection, person: Person) -> dict[str, bytes]:
    """What stands for the person, by month, for every month whose salt is left."""
    rows = await connection.execute(select(SALTS.c.month, SALTS.c.salt))
    return {month: database.keys.person(salt, person.platform, person.id) for month, salt in rows}


async def digest_now(database: Database, connection: AsyncConnection, person: Person, month: str) -> bytes:
    """What stands for the person in this month, whose salt is made if there is none."""
    fresh = {"month": month, "salt": secrets.token_bytes(_SALT_BYTES)}
    await connection.execute(database.insert(SALTS).values(fresh).on_conflict_do_nothing())
    salt = (await connection.execute(select(SALTS.c.salt).where(SALTS.c.month == month))).scalar_one()
    return database.keys.person(salt, person.platform, person.id)


async def destroy_old(database: Database, connection: AsyncConnection, today: date, keep_days: int) -> None:
    """Fold the votes of months that ended more than ``keep_days`` ago into totals, and destroy their salts."""
    last = month_of(today - timedelta(days=keep_days))
    old = (
        select(VOTES.c.entry_id, VOTES.c.revision, VOTES.c.up, func.count())
        .where(VOTES.c.month < last)
        .group_by(VOTES.c.entry_id, VOTES.c.revision, VOTES.c.up)
        .order_by(VOTES.c.entry_id, VOTES.c.revision, VOTES.c.up)
    )
    for entry_id, revision, up, number in (await connection.execute(old)).all():
        insert = database.insert(VOTE_TOTALS).values(entry_id=entry_id, revision=revision, up=up, number=number)
        more = {"number": VOTE_TOTALS.c.number + insert.excluded.number}
        await connection.execute(insert.on_conflict_do_update(index_elements=["entry_id", "revision", "up"], set_=more))
    await connection.execute(delete(VOTES).where(VOTES.c.month < last))
    await connection.execute(delete(SALTS).where(SALTS.c.month < last))
