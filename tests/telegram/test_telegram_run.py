"""``iris run`` as a whole: questions answered, content changed under way, health and metrics, a clean end."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from bot_api import TOKEN, BotApi
from people import GROUP, message

from bot import app, reload
from bot.exits import Exit
from bot.settings import RunSettings

HERE = Path(__file__).parent
QUESTION = "What is insulin resistance?"
OLD, NEW = "Insulin resistance means that cells respond", "Insulin resistance is that cells respond"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "content"
    folder.mkdir()
    shutil.copy(HERE / "faq.yaml", folder)
    shutil.copy(HERE.parents[1] / "content" / "safety.yaml", folder)
    return folder


@pytest.fixture
def settings(api: BotApi, folder: Path, tmp_path: Path) -> RunSettings:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return RunSettings(
        telegram_token=TOKEN,
        telegram_api_url=api.base_url.removesuffix("/bot"),
        content=folder,
        cache=tmp_path / "cache",
        data=tmp_path / "data",
        operators_channel=f"telegram:{GROUP['id']}",
        internal_port=port,
        _env_file=None,
    )


@pytest.fixture
async def running(settings: RunSettings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[asyncio.Task[Exit]]:
    async def quick(folder: Path, cache: Path) -> list[str]:
        return ["content/faq.yaml:7 (ir): Broken."] if "broken" in (folder / "faq.yaml").read_text("utf-8") else []

    monkeypatch.setattr(reload, "try_out", quick)  # the trial's own process has its own tests
    task = asyncio.create_task(app._run(settings))
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _get(settings: RunSettings, path: str) -> tuple[int, Any]:
    address = f"http://127.0.0.1:{settings.internal_port}{path}"
    async with aiohttp.ClientSession() as web, web.get(address) as response:
        return response.status, (await response.json() if "z" in path else await response.text())


async def _ask(api: BotApi) -> str:
    count = len(api.shown_so_far()) + 1
    await api.push(message=message(QUESTION))
    return (await api.shown(count))[-1].text


async def test_a_bot_from_start_to_end(
    api: BotApi, settings: RunSettings, folder: Path, running: asyncio.Task[Exit]
) -> None:
    assert OLD in await _ask(api)
    status, healthy = await _get(settings, "/healthz")
    assert (status, healthy["problems"], healthy["remarks"]) == (200, [], [])
    _, ready = await _get(settings, "/readyz")
    faq = folder / "faq.yaml"
    good = faq.read_text("utf-8")

    faq.write_text(good.replace(OLD, "This is broken."), "utf-8")
    told = (await api.shown(2))[-1]
    assert told.data["chat_id"] == str(GROUP["id"])
    assert "content/faq.yaml:7 (ir): Broken." in told.text
    assert OLD in await _ask(api)
    status, healthy = await _get(settings, "/healthz")
    assert status == 200
    assert healthy["remarks"] == [
        "The changed content was not taken in; IRIS goes on with what it had. It has problems: 1. See the log, or "
        "`iris check`."
    ]

    faq.write_text(good.replace(OLD, NEW), "utf-8")
    async with asyncio.timeout(60):
        while NEW not in await _ask(api):
            pass
    status, now_ready = await _get(settings, "/readyz")
    assert (status, now_ready["remarks"]) == (200, [])
    assert now_ready["content"] not in (None, ready["content"])
    metrics = (await _get(settings, "/metrics"))[1]
    assert 'iris_replies_total{outcome="answer",platform="telegram"}' in metrics
    assert "iris_records_healthy 1.0" in metrics

    os.kill(os.getpid(), signal.SIGTERM)
    assert await asyncio.wait_for(running, 10) == Exit.OK
    assert (settings.data / "iris.sqlite3").exists()


async def test_without_a_database_and_without_its_port_it_answers_all_the_same(
    api: BotApi, settings: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.data.mkdir()
    (settings.data / "iris.sqlite3").write_bytes(b"this is no database" * 1000)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", settings.internal_port))
        taken.listen()
        task = asyncio.create_task(app._run(settings))
        assert OLD in await _ask(api)
        os.kill(os.getpid(), signal.SIGTERM)
        assert await asyncio.wait_for(task, 10) == Exit.OK
