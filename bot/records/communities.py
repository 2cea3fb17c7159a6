"""Settings of communities: from memory for a few seconds, so that replicas converge and no question waits for them."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.records.database import FAILURES, Database
from bot.records.keys import WrongKeyError
from bot.records.people import Community, CommunitySettings
from bot.records.tables import SETTINGS
from bot.records.writer import Writer

FRESH_SECONDS = 10.0
ANSWER_SECONDS = 0.1
REMEMBERED_MAX = 20_000


class Communities:
    """Reads and writes settings; the last known ones, else the defaults, hold while the database does not answer."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._known: OrderedDict[Community, tuple[CommunitySettings, float]] = OrderedDict()
        self._reading: dict[Community, asyncio.Task[None]] = {}

    async def read(self, community: Community) -> CommunitySettings:
        """What is in force now; waits ANSWER_SECONDS at most."""
        settings, read_at = self._known.get(community, (CommunitySettings(), 0.0))
        if read_at and time.monotonic() - read_at < FRESH_SECONDS:
            return settings
        if self._writer.database is None:
            return settings
        task = self._reading.get(community)
        if task is None:
            # Left running when it takes too long: the next question finds what it read.
            task = self._reading[community] = asyncio.create_task(self._read(self._writer.database, community))
            task.add_done_callback(lambda _: self._reading.pop(community, None))
        await asyncio.wait({task}, timeout=ANSWER_SECONDS)
        return self._known.get(community, (settings, 0.0))[0]

    async def close(self) -> None:
        """Wait for what is still being read, a second at most: nothing may hold the database when it is closed."""
        if self._reading:
            await asyncio.wait(list(self._reading.values()), timeout=1.0)

    async def save(self, community: Community, settings: CommunitySettings) -> None:
        """Raises UnavailableError."""

        async def write(database: Database, connection: AsyncConnection) -> None:
            digest = database.keys.community(community.platform, community.id)
            if settings == CommunitySettings():
                await connection.execute(delete(SETTINGS).where(SETTINGS.c.community == digest))
                return
            insert = database.insert(SETTINGS).values(
                community=digest, sealed=database.keys.encrypt("settings", settings.as_json())
            )
            await connection.execute(
                insert.on_conflict_do_update(index_elements=["community"], set_={"sealed": insert.excluded.sealed})
            )

        await self._writer.do(write)
        self._know(community, settings)

    async def move(self, old: Community, new: Community) -> None:
        """Let ``new`` have the settings of ``old``, unless it has some already. Raises UnavailableError."""

        async def write(database: Database, connection: AsyncConnection) -> None:
            source, target = (database.keys.community(each.platform, each.id) for each in (old, new))
            sealed = (
                await connection.execute(select(SETTINGS.c.sealed).where(SETTINGS.c.community == source))
            ).scalar()
            if sealed is not None:
                insert = database.insert(SETTINGS).values(community=target, sealed=sealed)
                await connection.execute(insert.on_conflict_do_nothing())
                await connection.execute(delete(SETTINGS).where(SETTINGS.c.community == source))

        await self._writer.do(write)
        self.forget(old)
        self.forget(new)

    def forget(self, community: Community) -> None:
        """Read anew the next time."""
        self._known.pop(community, None)

    async def _read(self, database: Database, community: Community) -> None:
        digest = database.keys.community(community.platform, community.id)
        settings = CommunitySettings()
        try:
            async with database.read() as connection:
                row = await connection.execute(select(SETTINGS.c.sealed).where(SETTINGS.c.community == digest))
                sealed = row.scalar()
            if sealed is not None:
                settings = CommunitySettings.from_json(database.keys.decrypt("settings", sealed))
        except (WrongKeyError, *FAILURES):
            # Asked again only after a while: every question would wait in vain.
            settings = self._known.get(community, (settings, 0.0))[0]
        self._know(community, settings)

    def _know(self, community: Community, settings: CommunitySettings) -> None:
        self._known[community] = (settings, time.monotonic())
        self._known.move_to_end(community)
        while len(self._known) > REMEMBERED_MAX:
            self._known.popitem(last=False)
