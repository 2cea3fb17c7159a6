"""Backups while the bot writes, and the way back."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import SecretStr
from stores import Store

from bot.records import Community, CommunitySettings, Person, PersonData, RecordsError
from bot.records.backup import back_up, restore
from bot.records.database import DATABASE_FILE

ANNA = Person("discord", "817236451827364518")
GUILD = Community("discord", "991827364518273645")
CHOSEN = CommunitySettings(region="GB")


async def _fill(store: Store) -> None:
    records = await store.open()
    await records.save_settings(GUILD, CHOSEN)
    await records.vote(ANNA, "ir-tests", "r1", True)
    await records.send_in("What is a GLP-1?", platform="discord", entry_id=None, person=ANNA)
    await records.close()


async def _is_whole(store: Store) -> None:
    records = await store.open()
    assert await records.settings(GUILD) == CHOSEN
    assert await records.my_data(ANNA) == PersonData(votes=1, questions=1)
    numbers = await records.numbers()
    assert numbers is not None
    assert [question.text for question in numbers.questions] == ["What is a GLP-1?"]
    await records.close()


async def test_a_backup_made_while_the_bot_writes_is_whole_and_can_be_restored(sqlite: Store, tmp_path: Path) -> None:
    await _fill(sqlite)
    records = await sqlite.open()
    stop, wrote = asyncio.Event(), asyncio.Event()
    written = 0
    voters = itertools.count()

    async def write() -> None:
        nonlocal written
        while not stop.is_set():
            assert await records.vote(Person("telegram", str(next(voters))), "ir-tests", "r1", True)
            written += 1
            wrote.set()

    writing = [asyncio.create_task(write()) for _ in range(4)]
    backups = [tmp_path / f"backup-{number}" for number in range(8)]
    votes = []
    for backup in backups:
        wrote.clear()
        await wrote.wait()  # on a busy machine the first write comes late
        before = written
        copied = await asyncio.to_thread(back_up, sqlite.settings, backup)
        votes.append(copied.rows["votes"])
        assert 1 + before <= votes[-1] <= 1 + written + len(writing)
    stop.set()
    await asyncio.gather(*writing)
    await records.close()
    assert len(set(votes)) > 1, "nothing was written while the backups were made"
    for backup in backups:
        assert stat.S_IMODE(backup.stat().st_mode) == 0o600
        assert restore(sqlite.settings, backup, force=True).rows["questions"] == 1
        await _is_whole(sqlite)
    left = sorted(path.name for path in [*backups[0].parent.iterdir(), *sqlite.settings.data.iterdir()])
    assert left == sorted([*(backup.name for backup in backups), "data", DATABASE_FILE, "secret"])


async def test_a_backup_can_be_restored_on_another_machine_that_has_the_secret(sqlite: Store, tmp_path: Path) -> None:
    await _fill(sqlite)
    backup = tmp_path / "backup"
    back_up(sqlite.settings, backup)
    elsewhere = Store(sqlite.with_(data=tmp_path / "elsewhere"))
    with pytest.raises(RecordsError, match=r"put it into .*secret"):
        restore(elsewhere.settings, backup)
    assert not (tmp_path / "elsewhere" / DATABASE_FILE).exists()
    secret = (sqlite.settings.data / "secret").read_text().strip()
    assert secret.encode() not in backup.read_bytes()
    elsewhere.settings = elsewhere.with_(secret=SecretStr(secret))
    restore(elsewhere.settings, backup)
    await _is_whole(elsewhere)


async def test_restore_refuses_while_the_database_is_in_use(sqlite: Store, tmp_path: Path) -> None:
    await _fill(sqlite)
    backup = tmp_path / "backup"
    back_up(sqlite.settings, backup)
    records = await sqlite.open()
    with pytest.raises(RecordsError, match="stop IRIS first"):
        restore(sqlite.settings, backup, force=True)
    assert await records.vote(ANNA, "ir-tests", "r2", True)
    await records.close()
    with pytest.raises(RecordsError, match="--force"):
        restore(sqlite.settings, backup)
    restore(sqlite.settings, backup, force=True)
    await _is_whole(sqlite)


async def test_a_damaged_database_can_be_replaced(sqlite: Store, tmp_path: Path) -> None:
    await _fill(sqlite)
    backup = tmp_path / "backup"
    back_up(sqlite.settings, backup)
    file = sqlite.settings.data / DATABASE_FILE
    file.write_bytes(b"damaged" * 5_000)
    restore(sqlite.settings, backup, force=True)
    await _is_whole(sqlite)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "no file"),
        (b"", "no database of IRIS"),
        (b"a letter to a friend, which is no database" * 100, "not a database"),
    ],
)
async def test_what_is_no_backup_is_refused_and_the_database_stays(
    sqlite: Store, tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    await _fill(sqlite)
    backup = tmp_path / "backup"
    if content is not None:
        backup.write_bytes(content)
    with pytest.raises(RecordsError, match=sentence):
        restore(sqlite.settings, backup, force=True)
    await _is_whole(sqlite)


async def test_a_backup_of_a_newer_iris_is_refused(sqlite: Store, tmp_path: Path) -> None:
    await _fill(sqlite)
    backup = tmp_path / "backup"
    back_up(sqlite.settings, backup)
    with closing(sqlite3.connect(backup, isolation_level=None)) as database:
        database.execute("UPDATE alembic_version SET version_num = '0999'")
    with pytest.raises(RecordsError, match="newer IRIS"):
        restore(sqlite.settings, backup, force=True)


async def test_where_a_backup_cannot_be_written_is_said(sqlite: Store, tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match="no database"):
        back_up(sqlite.settings, tmp_path / "backup")
    await _fill(sqlite)
    with pytest.raises(RecordsError, match="No such file"):
        back_up(sqlite.settings, tmp_path / "no such folder" / "backup")
    with pytest.raises(RecordsError, match="is a folder"):
        back_up(sqlite.settings, tmp_path)


async def test_of_postgresql_its_own_programs_make_backups(postgresql: Store, tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match="pg_dump"):
        back_up(postgresql.settings, tmp_path / "backup")
    with pytest.raises(RecordsError, match="pg_restore"):
        restore(postgresql.settings, tmp_path / "backup")
