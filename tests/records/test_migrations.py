"""Databases of every earlier revision, with data in them, become the newest one; and back."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from stores import Store

import bot.records.database as records_database
from bot.records import Claim, Community, CommunitySettings, Person, PersonData, Records, RecordsError
from bot.records.database import NEWEST, Database, database_url, migrate
from bot.records.keys import Keys, read_or_make_secret
from bot.records.tables import METADATA

REVISIONS = sorted(path.name[:4] for path in Path(records_database.__file__).parent.glob("migrations/versions/0*.py"))
ANNA = Person("discord", "817236451827364518")
GUILD = Community("discord", "991827364518273645")
SETTINGS = CommunitySettings(region="GB", cooldown_s=30)


async def _in(store: Store, work: Callable[[Connection], Any]) -> Any:
    """What ``work`` returns on a bare connection, committed; nothing is migrated."""
    engine = records_database.engine_for(database_url(store.settings))
    try:
        async with engine.execution_options(iris_writing=True).begin() as connection:
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


def _keys(store: Store) -> Keys:
    store.settings.data.mkdir(parents=True, exist_ok=True)
    return Keys(read_or_make_secret(store.settings.data))


async def _fill_first(store: Store) -> None:
    """A database as the first revision left it, written with nothing but SQL."""
    keys, salt, now = _keys(store), os.urandom(32), datetime.now(UTC)
    voter = keys.person(salt, ANNA.platform, ANNA.id)
    rows: dict[str, dict[str, Any]] = {
        "counts": {
            "hour": int(now.timestamp()) // 3600,
            "platform": "discord",
            "kind": "answer",
            "entry_id": "ir-tests",
            "revision": "r1",
            "band": 8,
            "number": 41,
        },
        "salts": {"month": now.date().isoformat()[:7], "salt": salt},
        "votes": {
            "entry_id": "ir-tests",
            "revision": "r1",
            "voter": voter,
            "month": now.date().isoformat()[:7],
            "up": True,
        },
        "vote_totals": {"entry_id": "ir-tests", "revision": "r1", "up": False, "number": 7},
        "settings": {
            "community": keys.community(GUILD.platform, GUILD.id),
            "sealed": keys.encrypt("settings", SETTINGS.as_json()),
        },
        "questions": {
            "day": now.date(),
            "platform": "discord",
            "entry_id": None,
            "author": voter,
            "sealed": keys.encrypt("questions", "What is a GLP-1?"),
        },
        "updates": {"digest": keys.update("telegram:1"), "seen": time.time() - 3600},
    }

    def fill(connection: Connection) -> None:
        migrate(connection, "0001")
        for table, row in rows.items():
            given = {name: value.isoformat() if sqlite and name == "day" else value for name, value in row.items()}
            names = ", ".join(given)
            values = ", ".join(f":{name}" for name in given)
            connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"), given)

    sqlite = store.settings.database_url is None
    await _in(store, fill)


async def _check(records: Records) -> None:
    """Everything that ``_fill_first`` wrote is there and of use."""
    assert records.healthy
    numbers = await records.numbers()
    assert numbers is not None
    assert numbers.ids == {("answer", "ir-tests"): 41}
    assert [(vote.up, vote.down) for vote in numbers.votes] == [(1, 7)]
    assert [question.text for question in numbers.questions] == ["What is a GLP-1?"]
    assert await records.settings(GUILD) == SETTINGS
    assert await records.my_data(ANNA) == PersonData(votes=1, questions=1)
    assert await records.claim("telegram:1") is Claim.ANSWERED
    assert await records.claim("telegram:2") is Claim.OURS


def test_the_newest_revision_is_the_last_file() -> None:
    assert REVISIONS[-1] == NEWEST
    assert len(REVISIONS) > 1


@pytest.mark.parametrize("revision", REVISIONS)
async def test_a_database_of_every_revision_with_data_in_it_is_brought_up_to_date(store: Store, revision: str) -> None:
    await _fill_first(store)
    await _in(store, lambda connection: migrate(connection, revision))
    await _check(await store.open())


async def test_the_way_back_keeps_the_data_too(store: Store) -> None:
    await _fill_first(store)
    await (await store.open()).close()
    await _in(store, lambda connection: migrate(connection, "0001", down=True))
    await _check(await store.open())


async def test_the_tables_are_what_the_migrations_make(store: Store) -> None:
    await (await store.open()).close()
    differences = await _in(
        store, lambda connection: compare_metadata(MigrationContext.configure(connection), METADATA)
    )
    assert differences == []


async def test_a_migration_that_fails_leaves_everything_as_it_was(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _fill_first(store)

    async def fail(*_: object) -> None:
        raise OSError("the power is gone")

    with monkeypatch.context() as patched:
        patched.setattr(records_database, "_check_secret", fail)  # after the migration, in its transaction
        with pytest.raises(RecordsError):
            await Database.open(store.settings)
    revision = await _in(store, records_database.current_revision)
    assert revision == "0001"
    await _check(await store.open())


async def test_replicas_that_start_together_migrate_once(store: Store) -> None:
    await _fill_first(store)
    databases = await asyncio.gather(*(Database.open(store.settings) for _ in range(4)))
    for database in databases:
        await database.close()
    await _check(await store.open())


async def test_a_database_of_a_newer_iris_is_left_alone(store: Store) -> None:
    await (await store.open()).close()
    await _in(store, lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '0999'")))
    with pytest.raises(RecordsError, match="newer IRIS"):
        await store.open()


async def test_a_database_is_not_opened_with_another_secret(store: Store) -> None:
    await (await store.open()).close()
    (store.settings.data / "secret").write_text("another secret of thirty-two characters")
    with pytest.raises(RecordsError, match="secret does not fit") as refused:
        await store.open()
    assert not refused.value.temporary
