"""Running the platforms together: failures stay with their platform, signals end everything cleanly and in time."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from bot.assembly import build_answerer, load_content
from bot.content import ContentError
from bot.exits import Exit
from bot.health import Health
from bot.logs import set_up_logs
from bot.metrics import REGISTRY
from bot.settings import PlatformError
from bot.supervisor import Supervisor

ROOT = Path(__file__).parent.parent
SMALL = ROOT / "tests" / "small_faq.yaml"


@pytest.fixture
def log() -> StringIO:
    stream = StringIO()
    set_up_logs("json", "debug", stream)
    return stream


class Booth:
    """A platform without a network: serves until it fails as told, or is closed."""

    def __init__(self, name: str, *failures: Exception, closing_takes: float = 0.0) -> None:
        self.name = name
        self._failures = list(failures)
        self._closing_takes = closing_takes
        self._closed = asyncio.Event()
        self.posts: list[tuple[str, str]] = []
        self.serving = asyncio.Event()
        self.left = asyncio.Event()

    async def serve(self) -> None:
        if self._failures:
            raise self._failures.pop(0)
        self.serving.set()
        await self._closed.wait()

    async def close(self) -> None:
        await asyncio.sleep(self._closing_takes)
        self._closed.set()
        self.left.set()

    def health(self) -> Health:
        return Health(self.serving.is_set(), "" if self.serving.is_set() else f"{self.name} is not there yet.", 1.5)

    async def post(self, channel: str, text: str) -> bool:
        if not channel:
            raise ValueError("zanzibar")
        self.posts.append((channel, text))
        return True


def _events(log: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


async def test_one_platform_that_fails_is_named_in_one_sentence_and_the_other_serves_on(log: StringIO) -> None:
    stop = asyncio.Event()
    broken = Booth("Discord", PlatformError("Discord does not accept the token."))
    good = Booth("Telegram")
    supervisor = Supervisor()
    running = asyncio.create_task(supervisor.serve([broken, good], stop))
    await broken.left.wait()
    assert not running.done()
    assert not good.left.is_set()
    assert supervisor.health() == {
        "discord": Health(False, "Discord does not accept the token.", 1.5),
        "telegram": Health(True, "", 1.5),
    }
    stop.set()
    assert await running == Exit.OK
    assert good.left.is_set()
    failures = [event for event in _events(log) if event["level"] in ("error", "warning")]
    assert [event["problem"] for event in failures] == ["Discord does not accept the token."]


async def test_when_all_are_down_the_end_is_69(log: StringIO) -> None:
    booths = [Booth("Discord", PlatformError("No.")), Booth("Telegram", PlatformError("Neither."))]
    assert await Supervisor().serve(booths, asyncio.Event()) == Exit.UNAVAILABLE
    assert [event["problem"] for event in _events(log)][:2] == ["No.", "Neither."]
    assert all(booth.left.is_set() for booth in booths)


async def test_an_unexpected_end_is_told_by_kind_and_place_not_by_its_words_and_the_platform_starts_again(
    log: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.supervisor.RESTART_FIRST_SECONDS", 0.01)
    before = REGISTRY.get_sample_value("iris_platform_restarts_total", {"platform": "discord"}) or 0
    stop = asyncio.Event()
    booth = Booth("Discord", ValueError("somebody's question about zanzibar"), ValueError("zanzibar again"))
    supervisor = Supervisor()
    running = asyncio.create_task(supervisor.serve([booth], stop))
    await booth.serving.wait()
    assert supervisor.health()["discord"].flowing
    stop.set()
    assert await running == Exit.OK
    first, second = [event for event in _events(log) if event["event"] == "platform_failed"]
    assert first["error"] == "ValueError"
    assert first["where"].startswith("test_app.py:")
    assert (first["retry_in_s"], second["retry_in_s"]) == (0.01, 0.02)
    assert "zanzibar" not in log.getvalue()
    assert REGISTRY.get_sample_value("iris_platform_restarts_total", {"platform": "discord"}) == before + 2


async def test_a_platform_that_waits_to_be_started_again_says_so_and_does_not_hold_up_the_end(log: StringIO) -> None:
    stop = asyncio.Event()
    good, booth = Booth("Telegram"), Booth("Discord", ValueError())
    supervisor = Supervisor()
    running = asyncio.create_task(supervisor.serve([booth, good], stop))
    await good.serving.wait()
    assert supervisor.health()["discord"].reason == (
        "Discord stopped on an error that IRIS did not expect; please report it. It is started again after 1 s."
    )
    assert not await supervisor.post("discord", "1", "hello")
    stop.set()
    assert await asyncio.wait_for(running, 1) == Exit.OK


async def test_a_post_reaches_its_platform_or_says_that_it_did_not(log: StringIO) -> None:
    stop = asyncio.Event()
    booth = Booth("Discord")
    supervisor = Supervisor()
    running = asyncio.create_task(supervisor.serve([booth], stop))
    await booth.serving.wait()
    assert await supervisor.post("discord", "123", "**hello**")
    assert booth.posts == [("123", "**hello**")]
    assert not await supervisor.post("telegram", "123", "nobody there")
    assert not await supervisor.post("discord", "", "an error")
    assert "zanzibar" not in log.getvalue()
    stop.set()
    await running


async def test_one_that_will_not_leave_is_cut_off(log: StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.supervisor.CLOSE_SECONDS", 0.05)
    stop = asyncio.Event()
    stubborn, good = Booth("Discord", closing_takes=60), Booth("Telegram", closing_takes=0.01)
    running = asyncio.create_task(Supervisor().serve([stubborn, good], stop))
    await good.serving.wait()
    stop.set()
    assert await asyncio.wait_for(running, 5) == Exit.OK
    assert good.left.is_set()
    assert "close_took_too_long" in [event["event"] for event in _events(log)]


SERVE_UNTIL_SIGNAL = """
import asyncio, sys
from bot import app, supervisor

class Slow:
    name = "Slow"
    async def serve(self):
        print("serving", flush=True)
        await asyncio.Event().wait()
    async def close(self):
        await asyncio.sleep(0.3)
        print("finished what was in flight", flush=True)

async def main():
    stop = asyncio.Event()
    with app.signals_set(stop, lambda: print("looked", flush=True)):
        return await supervisor.Supervisor().serve([Slow()], stop)

sys.exit(asyncio.run(main()))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_finishes_what_is_in_flight_and_ends_with_0(number: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", SERVE_UNTIL_SIGNAL], stdout=subprocess.PIPE, cwd=ROOT, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "serving\n"
        process.send_signal(signal.SIGHUP)
        assert process.stdout.readline() == "looked\n"
        process.send_signal(number)
        assert process.wait(10) == 0
        assert "finished what was in flight\n" in process.stdout.read()


LOAD_UNTIL_SIGNAL = """
import sys, time
from pathlib import Path
from bot import app, logs, settings

def takes_long(*_):
    print("loading", flush=True)
    time.sleep(60)

app.build_answerer = takes_long
logs.set_up_logs("json", "info", sys.stderr)
sys.exit(app.run(settings.RunSettings.model_construct(content=None, cache=Path(sys.argv[1]), internal_port=0)))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_the_content_is_still_being_read_ends_at_once_with_0(number: int, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", LOAD_UNTIL_SIGNAL, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "loading\n"
        process.send_signal(signal.SIGHUP)  # is for content that is in force; must not end the process
        process.send_signal(number)
        assert process.wait(10) == 0
        assert [json.loads(line)["event"] for line in process.stderr] == ["starting", "stopped"]


def test_a_bare_faq_is_guarded_by_the_shipped_triage_rules() -> None:
    _, triage = load_content(SMALL)
    assert triage.assess("I want to kill myself").kind == "self-harm"


def test_problems_of_both_files_come_together(tmp_path: Path) -> None:
    (tmp_path / "faq.yaml").write_text("entries: []\n", encoding="utf-8")
    (tmp_path / "safety.yaml").write_text("rules: []\n", encoding="utf-8")
    with pytest.raises(ContentError) as caught:
        build_answerer(tmp_path)
    assert {Path(problem.file).name for problem in caught.value.problems} == {"faq.yaml", "safety.yaml"}
