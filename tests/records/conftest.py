"""What the tests of the records share: both kinds of database, real servers, and people who are made up."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from servers import PostgresServer, ValkeyServer
from stores import Store, settings_in

from bot.settings import RecordSettings


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a database may be slower than people are asked to wait; the tests of that set it back."""
    for limit in (
        "communities.ANSWER_SECONDS",
        "writer.ANSWER_SECONDS",
        "updates.ANSWER_SECONDS",
        "valkey.ANSWER_SECONDS",
    ):
        monkeypatch.setattr(f"bot.records.{limit}", 20.0)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for all tests; one that stops it starts it again."""
    with tempfile.TemporaryDirectory(prefix="iris-postgres-") as folder:
        server = PostgresServer(Path(folder))
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def valkey() -> Iterator[ValkeyServer]:
    """A Valkey server for all tests; one that stops it starts it again."""
    server = ValkeyServer()
    server.start()
    yield server
    server.stop()


async def _store(settings: RecordSettings) -> AsyncIterator[Store]:
    made = Store(settings)
    yield made
    for records in made.opened:
        await records.close()


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty database, once of each kind."""
    given = {}
    if request.param == "postgresql":
        given["database_url"] = request.getfixturevalue("postgres").empty()
    async for made in _store(settings_in(tmp_path, **given)):
        yield made


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Store]:
    """An empty SQLite database."""
    async for made in _store(settings_in(tmp_path)):
        yield made


@pytest.fixture
async def postgresql(postgres: PostgresServer, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty PostgreSQL database."""
    async for made in _store(settings_in(tmp_path, database_url=postgres.empty())):
        yield made


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that other users can get to, as they cannot to pytest's."""
    with tempfile.TemporaryDirectory(prefix="iris-records-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
async def public_sqlite(public_folder: Path) -> AsyncIterator[Store]:
    """An empty SQLite database in such a folder."""
    async for made in _store(settings_in(public_folder)):
        yield made
