"""A database that is slow, locked, full, read-only or gone: replies don't wait for it, and it heals by itself."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from servers import PostgresServer
from sqlalchemy import func, select
from stores import Store, settings_in

from bot import metrics
from bot.records import Claim, Community, CommunitySettings, Person, PersonData, Records, RecordsError, writer
from bot.records.database import DATABASE_FILE, _set_up_sqlite
from bot.records.tables import COUNTS, UPDATES, VOTES
from bot.reply import Reply, ReplyKind

ANNA = Person("discord", "817236451827364518")
GUILD = Community("discord", "991827364518273645")
CHOSEN = CommunitySettings(region="GB")
REPLY = Reply(ReplyKind.ANSWER, "text", "disclaimer", entry_id="ir-tests", revision="r1", confidence=0.87)


@pytest.fixture(autouse=True)
def quick(patience: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits as people have them, and healing without the long waits of a long outage."""
    monkeypatch.setattr("bot.records.communities.ANSWER_SECONDS", 0.1)
    monkeypatch.setattr("bot.records.updates.ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(writer, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(writer, "RETRY_SECONDS", (0.05, 0.2))
    monkeypatch.setattr("bot.records.database.LOCK_SECONDS", 0.2)
    monkeypatch.setattr("bot.records.database.CONNECT_SECONDS", 0.5)
    monkeypatch.setattr("bot.records.database.STATEMENT_SECONDS", 0.5)


async def _nothing_works_but_nobody_waits(records: Records) -> None:
    """What a person who asks needs goes on at once; what is pressed is refused in time, and says so."""
    # The clock of this thread's own work: what a busy machine does besides is not ours.
    started = time.thread_time()
    for _ in range(100):
        records.count("discord", REPLY)
    assert time.thread_time() - started < 0.1
    assert await records.settings(Community("discord", "1")) == CommunitySettings()
    assert await records.first_time("discord:1")
    assert not await records.first_time("discord:1")
    assert await records.wait_before_asking(ANNA, "1", 60) == 0.0
    assert not await records.vote(ANNA, "ir-tests", "r1", True)
    assert not await records.save_settings(GUILD, CHOSEN)
    assert not await records.send_in("What is a GLP-1?", platform="discord", entry_id=None)
    assert await records.my_data(ANNA) is None
    assert await records.forget(ANNA) is None


async def _works_again(records: Records) -> None:
    """As soon as the database does; what was counted meanwhile is not lost, what was refused was not written."""
    async with asyncio.timeout(60):
        while not await records.vote(ANNA, "ir-tests", "r2", True):
            pass
    assert records.healthy
    assert records.problem == ""
    assert await records.my_data(ANNA) == PersonData(votes=1)
    assert not await records.first_time("discord:1")


async def _has_all_counts(store: Store, records: Records, number: int = 100) -> None:
    await records.close()
    assert await store.rows(select(func.sum(COUNTS.c.number))) == [(number,)]
    assert await store.rows(select(VOTES.c.revision)) == [("r2",)]
    assert await store.rows(select(func.count()).select_from(UPDATES)) == [(1,)]


async def test_another_program_that_locks_the_file_holds_nobody_up(sqlite: Store) -> None:
    records = await sqlite.open()
    await records.save_settings(GUILD, CHOSEN)
    file = sqlite.settings.data / DATABASE_FILE
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        await _nothing_works_but_nobody_waits(records)
        assert "locked" in records.problem
        assert not records.healthy
    await _works_again(records)
    assert await records.settings(GUILD) == CHOSEN
    await _has_all_counts(sqlite, records)


async def test_what_is_pressed_right_before_the_end_is_refused_in_words(
    sqlite: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "ANSWER_SECONDS", 60.0)
    records = await sqlite.open()
    with closing(sqlite3.connect(sqlite.settings.data / DATABASE_FILE, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        voting = asyncio.create_task(records.vote(ANNA, "ir-tests", "r1", True))
        await asyncio.sleep(0)
        await records.close()
        assert not await voting
        assert not await records.vote(ANNA, "ir-tests", "r1", True)


async def test_a_full_disk_loses_no_count_and_no_setting(sqlite: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await (await sqlite.open()).close()
    pages = 1  # as many as there are, SQLite says

    def set_up(connection: Any, record: object) -> None:
        _set_up_sqlite(connection, record)
        connection.cursor().execute(f"PRAGMA max_page_count={pages}")

    # SQLite's own limit makes it report a full disk.
    monkeypatch.setattr("bot.records.database._set_up_sqlite", set_up)
    records = await sqlite.open()
    long = "insulin " * 250
    # What fits into pages that are there already is still written: fill them first.
    async with asyncio.timeout(30):
        while await records.send_in(long, platform="discord", entry_id=None):
            pass
    sending = asyncio.create_task(records.send_in(long, platform="discord", entry_id=None))
    async with asyncio.timeout(30):
        while "full" not in records.problem:  # noqa: ASYNC110 - a property: there is no event to wait for
            await asyncio.sleep(0.01)
    assert not records.healthy
    records.count("discord", REPLY)
    assert not await sending
    pages = 100_000
    async with asyncio.timeout(30):
        while not await records.send_in(long, platform="discord", entry_id=None):
            pass
    assert records.healthy
    await records.close()
    assert await sqlite.rows(select(func.sum(COUNTS.c.number))) == [(1,)]


@contextmanager
def _closed(*paths: Path) -> Iterator[None]:
    """Nobody may write there for a while. Nothing stops root, so root is somebody else meanwhile."""
    before = [(path, path.stat().st_mode) for path in paths]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    if os.geteuid() == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        if os.getuid() == 0:
            os.seteuid(0)
        for path, mode in before:
            path.chmod(mode)


async def test_a_file_that_became_read_only_is_written_again_once_it_may_be(public_sqlite: Store) -> None:
    # The file of a secret would be closed too.
    public_sqlite.settings = public_sqlite.with_(secret=SecretStr("a secret of thirty-two characters"))
    await (await public_sqlite.open()).close()
    with _closed(public_sqlite.settings.data / DATABASE_FILE, public_sqlite.settings.data):
        records = await public_sqlite.open()
        await _nothing_works_but_nobody_waits(records)
        assert "readonly" in records.problem
    await _works_again(records)
    await _has_all_counts(public_sqlite, records)


async def test_a_data_folder_that_cannot_be_made_does_not_keep_the_bot_from_starting(public_sqlite: Store) -> None:
    with _closed(public_sqlite.settings.data.parent):
        records = await public_sqlite.open()
        assert "data folder" in records.problem
        await _nothing_works_but_nobody_waits(records)
    await _works_again(records)
    await _has_all_counts(public_sqlite, records)


async def test_a_file_that_is_removed_while_in_use_is_made_anew(sqlite: Store) -> None:
    records = await sqlite.open()
    await records.vote(ANNA, "ir-tests", "r1", True)
    shutil.rmtree(sqlite.settings.data)
    assert await records.first_time("discord:1")
    for _ in range(100):
        records.count("discord", REPLY)
    await _works_again(records)
    assert (sqlite.settings.data / DATABASE_FILE).is_file()
    await _has_all_counts(sqlite, records)


async def test_a_file_that_is_no_database_is_left_as_it_is(sqlite: Store) -> None:
    sqlite.settings.data.mkdir(parents=True)
    file = sqlite.settings.data / DATABASE_FILE
    file.write_bytes(b"somebody's letter to a friend, and not a database at all" * 100)
    before = file.read_bytes()
    records = await sqlite.open()
    assert "not a database" in records.problem
    await _nothing_works_but_nobody_waits(records)
    await records.close()
    assert file.read_bytes() == before


@pytest.fixture
async def restarted(postgres: PostgresServer) -> AsyncIterator[PostgresServer]:
    """The server, to be stopped in a test; it runs again afterwards."""
    yield postgres
    postgres.stop()
    postgres.start()


async def test_postgresql_that_is_killed_and_comes_back_holds_nobody_up(
    postgresql: Store, restarted: PostgresServer
) -> None:
    records = await postgresql.open()
    await records.save_settings(GUILD, CHOSEN)
    restarted.stop()
    await _nothing_works_but_nobody_waits(records)
    assert not records.healthy
    restarted.start()
    await _works_again(records)
    await _has_all_counts(postgresql, records)


async def test_postgresql_that_hangs_holds_nobody_up(postgresql: Store, restarted: PostgresServer) -> None:
    records = await postgresql.open()
    restarted.freeze()
    try:
        await _nothing_works_but_nobody_waits(records)
    finally:
        restarted.thaw()
    await _works_again(records)
    await _has_all_counts(postgresql, records)


async def test_records_open_while_postgresql_is_not_there_yet(postgresql: Store, restarted: PostgresServer) -> None:
    restarted.stop()
    records = await postgresql.open()
    assert not records.healthy
    await _nothing_works_but_nobody_waits(records)
    restarted.start()
    await _works_again(records)
    await _has_all_counts(postgresql, records)


async def test_settings_that_were_read_once_hold_while_the_database_is_gone(
    postgresql: Store, restarted: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = await postgresql.open()
    await records.save_settings(GUILD, CHOSEN)
    monkeypatch.setattr("bot.records.communities.FRESH_SECONDS", 0.0)
    restarted.stop()
    assert await records.settings(GUILD) == CHOSEN
    assert not await records.save_settings(GUILD, CommunitySettings())
    assert await records.settings(GUILD) == CHOSEN


async def test_what_exceeds_the_bounds_is_dropped_and_counted(sqlite: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "COUNTS_MAX", 3)
    records = await sqlite.open()
    before = _dropped()
    for number in range(10):  # nothing is awaited between them, so nothing is written
        records.count("discord", Reply(ReplyKind.ANSWER, "text", "disclaimer", entry_id=f"entry-{number}"))
        records.count("discord", Reply(ReplyKind.ANSWER, "text", "disclaimer", entry_id="entry-0"))
    assert _dropped() - before == 7
    await records.close()
    assert await sqlite.rows(select(func.count(), func.sum(COUNTS.c.number))) == [(3, 13)]


async def test_what_cannot_be_written_before_the_end_is_counted_as_dropped(
    postgresql: Store, restarted: PostgresServer
) -> None:
    records = await postgresql.open()
    restarted.stop()
    for _ in range(5):
        records.count("discord", REPLY)
    before = _dropped()
    await records.close()
    assert _dropped() - before == 5


def _dropped() -> float:
    value = metrics.REGISTRY.get_sample_value("iris_records_dropped_total")
    assert value is not None
    return value


async def test_a_claim_that_the_database_does_not_answer_is_ours(postgresql: Store, restarted: PostgresServer) -> None:
    records = await postgresql.open()
    restarted.stop()
    assert await records.claim("telegram:7") is Claim.OURS
    assert await records.claim("telegram:7") is Claim.BUSY
    await records.answered("telegram:7")
    assert await records.claim("telegram:7") is Claim.ANSWERED


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://iris@localhost/iris", "must begin with postgresql://"),
        ("sqlite://", "path of a file"),
        ("postgresql://iris@localhost:port/iris", "no address"),
        ("postgresql://iris@127.0.0.1/iris?colour=blue", "does not know"),
    ],
)
async def test_an_address_that_is_none_is_said_at_the_start(url: str, sentence: str, tmp_path: Path) -> None:
    settings = settings_in(tmp_path).model_copy(update={"database_url": SecretStr(url)})
    with pytest.raises(RecordsError, match=sentence) as refused:
        await Records.open(settings)
    assert not refused.value.temporary


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("no-such-database", "", "there is no database of that name"),
        ("postgres", "?sslmode=require", "cannot be used"),
    ],
)
async def test_what_an_operator_can_mend_is_said_in_words(
    postgres: PostgresServer, tmp_path: Path, name: str, options: str, sentence: str
) -> None:
    url = postgres.url.replace("/postgres", f"/{name}") + options
    store = Store(settings_in(tmp_path, database_url=SecretStr(url)))
    records = await store.open()
    assert sentence in records.problem
    await records.close()


async def test_an_address_as_postgresqls_own_programs_read_it_is_understood(postgresql: Store) -> None:
    assert postgresql.settings.database_url is not None
    url = postgresql.settings.database_url.get_secret_value() + "?sslmode=prefer"
    assert (await postgresql.open(database_url=SecretStr(url))).healthy
