"""Nothing is answered twice: which updates and events of the platforms were seen, here or by another replica.

This process's memory comes first. Behind it stands Valkey where it is set; else PostgreSQL; with SQLite, which one
process has for itself, the memory is read from the file at the start and written back a moment after each answer.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from enum import StrEnum

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.records.database import Database
from bot.records.tables import UPDATES
from bot.records.valkey import Counters
from bot.records.writer import UnavailableError, Writer

DAY_S = 86_400
# Longer than any reply takes; short enough that after a crash the platform's next attempt gets its answer.
LEASE_S = 30
REMEMBERED_MAX = 100_000  # 20 MB
# A reply waits for this.
ANSWER_SECONDS = 0.3


class Claim(StrEnum):
    """Whose an update is."""

    OURS = "ours"
    """Nobody has it: answer it, then say so with ``answered``."""
    BUSY = "busy"
    """It is being answered, here or by another replica; if that crashes, it is free again after LEASE_S."""
    ANSWERED = "answered"


class Updates:
    """Who has which update, for a day."""

    def __init__(self, writer: Writer, counters: Counters) -> None:
        self._writer, self._counters = writer, counters
        self._answered: OrderedDict[str | bytes, float] = OrderedDict()
        self._claimed: dict[str, float] = {}
        self._unsaved: dict[str, float] = {}
        """Answered while there was no database, and so no keys."""

    async def load(self, database: Database) -> None:
        """Remember what a process before this one answered, which only SQLite needs; save what is not yet."""
        unsaved, self._unsaved = self._unsaved, {}
        for update, until in unsaved.items():
            self._writer.remember(database.keys.update(update), until)
        if database.file is None:
            return
        async with database.read() as connection:
            query = select(UPDATES.c.digest, UPDATES.c.until).where(UPDATES.c.until > time.time())
            newest = query.order_by(UPDATES.c.until.desc()).limit(REMEMBERED_MAX)
            for digest, until in reversed((await connection.execute(newest)).all()):
                self._remember(digest, until)

    async def first_time(self, update: str) -> bool:
        """True the first time within a day; the update is then taken for answered."""
        first = await self.claim(update) is Claim.OURS
        if first:
            await self.answered(update)
        return first

    async def claim(self, update: str) -> Claim:
        """Take an update for LEASE_S, unless somebody has it."""
        now = time.time()
        if self._knows(update, now):
            return Claim.ANSWERED
        if self._claimed.get(update, 0.0) > now:
            return Claim.BUSY
        self._claimed[update] = now + LEASE_S
        if len(self._claimed) > REMEMBERED_MAX:
            self._claimed = {key: until for key, until in self._claimed.items() if until > now}
        claim = await self._claim_with_others(update, now)
        if claim is not Claim.OURS:
            self._claimed.pop(update, None)
        if claim is Claim.ANSWERED:
            self._remember(update, now + DAY_S)
        return claim

    async def answered(self, update: str) -> None:
        """Nobody needs to answer this update any more."""
        until = time.time() + DAY_S
        self._remember(update, until)
        self._claimed.pop(update, None)
        database = self._writer.database
        if self._counters.shared and database is not None:
            key = _key(database, update)
            if await self._counters.ask(lambda storage: storage.incr(f"answered/{key}", DAY_S)) is not None:
                return
        if database is not None:
            self._writer.remember(database.keys.update(update), until)
        elif len(self._unsaved) < REMEMBERED_MAX:
            self._unsaved[update] = until

    def _knows(self, update: str, now: float) -> bool:
        database = self._writer.database
        if self._answered.get(update, 0.0) > now:
            return True
        return database is not None and self._answered.get(database.keys.update(update), 0.0) > now

    def _remember(self, update: str | bytes, until: float) -> None:
        self._answered[update] = until
        while len(self._answered) > REMEMBERED_MAX:
            self._answered.popitem(last=False)

    async def _claim_with_others(self, update: str, now: float) -> Claim:
        database = self._writer.database
        if database is None or not (self._counters.shared or database.file is None):
            return Claim.OURS
        key = _key(database, update)
        if self._counters.shared:
            if await self._counters.ask(lambda storage: storage.get(f"answered/{key}")):
                return Claim.ANSWERED
            claims = await self._counters.ask(lambda storage: storage.incr(f"claimed/{key}", LEASE_S))
            if claims is not None:
                return Claim.OURS if claims == 1 else Claim.BUSY
        if database.file is not None:
            return Claim.OURS
        digest = database.keys.update(update)
        try:
            return await self._writer.do(lambda db, connection: _claim_row(db, connection, digest, now), ANSWER_SECONDS)
        except UnavailableError:
            return Claim.OURS  # better two answers than none


def _key(database: Database, update: str) -> str:
    return database.keys.update(update).hex()


async def _claim_row(database: Database, connection: AsyncConnection, digest: bytes, now: float) -> Claim:
    insert = database.insert(UPDATES).values(digest=digest, until=now + LEASE_S, answered=False)
    taken = await connection.execute(
        insert.on_conflict_do_update(
            index_elements=["digest"],
            set_={"until": insert.excluded.until, "answered": False},
            where=UPDATES.c.until <= now,
        ).returning(UPDATES.c.digest)
    )
    if taken.first() is not None:
        return Claim.OURS
    answered = await connection.execute(select(UPDATES.c.answered).where(UPDATES.c.digest == digest))
    return Claim.ANSWERED if answered.scalar() else Claim.BUSY


async def forget_old(connection: AsyncConnection, now: float) -> None:
    """Drop what has run out."""
    await connection.execute(delete(UPDATES).where(UPDATES.c.until <= now))
