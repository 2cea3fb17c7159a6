"""Fixtures of the Discord tests: an unmodified discord.py client against the stand-in on 127.0.0.1."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import discord
import pytest
import yarl
from discord_bot import Connection
from discord_server import PATIENCE, DiscordServer

from bot.answer import Answerer
from bot.app import build_answerer

SMALL_FAQ = Path(__file__).parent / "small_faq.yaml"


@pytest.fixture(scope="session")
def small_answerer(tmp_path_factory: pytest.TempPathFactory) -> Answerer:
    return build_answerer(SMALL_FAQ, tmp_path_factory.mktemp("cache"))


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


@pytest.fixture
async def bot(server: DiscordServer, small_answerer: Answerer) -> AsyncIterator[Connection]:
    connection = Connection(small_answerer)
    await asyncio.wait_for(server.identified.get(), PATIENCE)
    yield connection
    await connection.close()


@pytest.fixture
def fast_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform's own wait between two starts, in hundredths of a second."""
    monkeypatch.setattr("adapters.discord.platform.RETRY_FIRST_SECONDS", 0.02)
