"""Fixtures of the Discord tests: an unmodified discord.py client against the stand-in on 127.0.0.1."""

from __future__ import annotations

import asyncio
import shutil
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import discord
import pytest
import yarl
from discord_bot import Connect, Connection, Counted
from discord_server import PATIENCE, DiscordServer

from bot import metrics
from bot.answer import Answerer
from bot.assembly import build_answerer
from bot.desk import Desk
from bot.records import Records
from bot.settings import RecordSettings

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def small_answerer(tmp_path_factory: pytest.TempPathFactory) -> Answerer:
    """A few entries, and the shipped rules without the examples of the second look, which take long to learn."""
    folder = tmp_path_factory.mktemp("content")
    shutil.copy(HERE / "small_faq.yaml", folder / "faq.yaml")
    shutil.copy(HERE.parent.parent / "content" / "safety.yaml", folder)
    return build_answerer(folder, folder / "cache")


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DiscordServer]:
    """The stand-in; a test ends with an error if the bot sent anything that Discord would refuse."""
    standing_in = DiscordServer()
    await standing_in.start()
    point_library_at(standing_in.url, monkeypatch)
    yield standing_in
    await standing_in.stop()
    assert standing_in.violations == []


def point_library_at(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one place that tells discord.py of another Discord."""
    monkeypatch.setattr(discord.http.Route, "BASE", f"http://{address}/api/v10")
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(f"ws://{address}/"))


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with an empty database, for each test to copy: to make one takes long."""
    folder = tmp_path_factory.mktemp("records") / "data"

    async def made() -> None:
        await (await Records.open(RecordSettings(data=folder, _env_file=None))).close()

    asyncio.run(made())
    return folder


@pytest.fixture
async def records(migrated: Path, tmp_path: Path) -> AsyncIterator[Records]:
    folder = shutil.copytree(migrated, tmp_path / "data")
    opened = await Records.open(RecordSettings(data=folder, _env_file=None))
    yield opened
    await opened.close()


@pytest.fixture
async def desk(small_answerer: Answerer) -> AsyncIterator[Desk]:
    opened = Desk(small_answerer)
    yield opened
    await opened.close()


@pytest.fixture
async def connect(server: DiscordServer, small_answerer: Answerer, records: Records) -> AsyncIterator[Connect]:
    """Connects a bot, waits until Discord let it in, and takes it down after the test if that still has to be done."""
    connected: list[Connection] = []

    async def made(answerer: Answerer = small_answerer, **options: Any) -> Connection:
        connection = Connection(answerer, records, **options)
        connected.append(connection)
        await asyncio.wait_for(server.identified.get(), PATIENCE)
        return connection

    yield made
    for connection in connected:
        if not connection.serving.done():
            await connection.close()


@pytest.fixture
async def bot(connect: Connect) -> Connection:
    return await connect()


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Waits until a failure has been counted for the metrics under this name."""
    happened: dict[str, asyncio.Queue[None]] = defaultdict(asyncio.Queue)
    count = metrics.count_failure

    def count_and_tell(platform: str, event: str) -> None:
        count(platform, event)
        happened[event].put_nowait(None)

    async def until(event: str) -> None:
        await asyncio.wait_for(happened[event].get(), PATIENCE)

    monkeypatch.setattr(metrics, "count_failure", count_and_tell)
    return until


@pytest.fixture
def fast_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform's own wait between two starts, and between two identifies, in hundredths of a second."""
    monkeypatch.setattr("adapters.discord.platform.RETRY_FIRST_SECONDS", 0.02)
    monkeypatch.setattr("adapters.discord.identifies.SPACING_SECONDS", 0.02)
