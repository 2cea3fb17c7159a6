"""`iris health`: what a container's health check sees of an IRIS that is well, unwell, or not there."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from bot.exits import Exit
from bot.health import Health
from bot.internal import Internal
from bot.probe import ask

ROOT = Path(__file__).parent.parent
WELL = Health(True, "", 1.0)
UNWELL = Health(False, "Telegram has sent nothing for 60 s, not even empty polls.", 60.0)


class Served:
    """The page that is asked, with platforms that a test sets."""

    def __init__(self) -> None:
        self.platforms: dict[str, Health] = {"discord": WELL, "telegram": WELL}
        self.remarks: list[str] = []
        self._internal = Internal(lambda: self.platforms, lambda: "abc", lambda: self.remarks)
        self.port = 0

    async def start(self) -> None:
        assert await self._internal.start("127.0.0.1", 0)
        self.port = self._internal.addresses[0][1]

    async def close(self) -> None:
        await self._internal.close()


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    page = Served()
    await page.start()
    yield page
    await page.close()


async def test_it_is_well_when_updates_flow_everywhere(served: Served) -> None:
    healthy, said = await asyncio.to_thread(ask, "0.0.0.0", served.port)
    assert healthy
    assert said == ["discord: updates flow.", "telegram: updates flow."]


async def test_one_deaf_platform_makes_it_unwell_and_is_named(served: Served) -> None:
    served.platforms["telegram"] = UNWELL
    healthy, said = await asyncio.to_thread(ask, "127.0.0.1", served.port)
    assert not healthy
    assert said == ["discord: updates flow.", UNWELL.reason]


async def test_what_keeps_nobody_from_being_answered_is_said_but_is_not_unwell(served: Served) -> None:
    served.remarks.append("Changed content was refused.")
    healthy, said = await asyncio.to_thread(ask, "127.0.0.1", served.port)
    assert healthy
    assert said[-1] == "Changed content was refused."


async def test_the_command_ends_with_1_and_says_why(served: Served) -> None:
    served.platforms["telegram"] = UNWELL
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "health"),
        cwd=ROOT,
        env={"IRIS_INTERNAL_PORT": str(served.port), "IRIS_INTERNAL_HOST": "0.0.0.0"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode == Exit.PROBLEMS
    assert output == b""
    assert UNWELL.reason in errors.decode()


@pytest.mark.parametrize(
    ("port", "said"),
    [
        (0, "IRIS_INTERNAL_PORT is 0, so IRIS cannot be asked how it is. Set a port."),
        (1, "No IRIS answers on 127.0.0.1:1 (Connection refused). See the log of `iris run`."),
    ],
)
def test_nobody_there_is_unwell(port: int, said: str) -> None:
    assert ask("127.0.0.1", port) == (False, [said])


async def test_another_program_on_the_port_is_not_taken_for_iris() -> None:
    application = web.Application()
    application.router.add_get("/healthz", _fine)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    healthy, said = await asyncio.to_thread(ask, "127.0.0.1", port)
    await runner.cleanup()
    assert not healthy
    assert said == [f"Something else than IRIS answers on 127.0.0.1:{port}. Set IRIS_INTERNAL_PORT to a free port."]


async def _fine(_: web.Request) -> web.Response:
    return web.Response(text="fine, thanks")


def test_it_starts_without_anything_heavy() -> None:
    heavy = ("numpy", "onnxruntime", "discord", "telegram", "sqlalchemy", "aiohttp")
    code = f"import sys, bot.cli, bot.probe, bot.settings; print(*[name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
