"""A database for one test: opened as often as needed, looked into from outside, closed at the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.records import Records
from bot.records.database import Database
from bot.settings import RecordSettings


@dataclass
class Store:
    """A database of one kind with nothing in it, and the ways to open it."""

    settings: RecordSettings
    opened: list[Records] = field(default_factory=list)

    async def open(self, **changes: Any) -> Records:
        """Records on this database; closed after the test."""
        records = await Records.open(self.with_(**changes))
        self.opened.append(records)
        return records

    def with_(self, **changes: Any) -> RecordSettings:
        """The settings with some of them changed."""
        return self.settings.model_copy(update=changes)

    async def rows(self, statement: Any) -> list[Any]:
        """What a statement finds, on a connection of its own; committed."""
        database = await Database.open(self.settings)
        try:
            async with database.write() as connection:
                result = await connection.execute(statement)
                return list(result.all()) if result.returns_rows else []
        finally:
            await database.close()


def settings_in(folder: Path, **given: Any) -> RecordSettings:
    """Settings that come from nowhere else: no environment, no .env."""
    return RecordSettings(_env_file=None, data=folder / "data", cache=folder / "cache", **given)  # type: ignore[call-arg]
