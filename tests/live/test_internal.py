"""Health, readiness and metrics over HTTP: who asks gets a number for programs and sentences for people."""

from __future__ import annotations

import math
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot import metrics
from bot.health import Health
from bot.internal import Internal
from bot.reply import Reply, ReplyKind

FLOWS = Health(True, "", 2.04)
DEAF = Health(False, "Discord has not acknowledged a heartbeat for 80 s.", 80.0)
NOT_YET = Health(False, "Telegram has not answered yet.", math.inf)


class Bot:
    """What the web server is told of the parts that it reports on."""

    def __init__(self) -> None:
        self.platforms: dict[str, Health] = {}
        self.revision = ""
        self.remarks: list[str] = []
        self.internal = Internal(lambda: self.platforms, lambda: self.revision, lambda: self.remarks)

    async def get(self, path: str) -> tuple[int, Any]:
        (address, *_) = self.internal.addresses
        async with aiohttp.ClientSession() as web, web.get(f"http://{address[0]}:{address[1]}{path}") as response:
            return response.status, (await response.json() if "z" in path else await response.text())


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    bot = Bot()
    assert await bot.internal.start("127.0.0.1", 0)
    yield bot
    await bot.internal.close()


async def test_while_the_content_is_read_iris_is_neither_healthy_nor_ready(bot: Bot) -> None:
    for path in ("/healthz", "/readyz"):
        status, said = await bot.get(path)
        assert status == 503
        assert said["problems"] == ["The content is still being read."]


@pytest.mark.parametrize(
    ("platforms", "healthy", "ready", "problems"),
    [
        ({"discord": FLOWS, "telegram": FLOWS}, 200, 200, []),
        ({"discord": DEAF, "telegram": FLOWS}, 503, 200, [DEAF.reason]),
        ({"discord": FLOWS, "telegram": NOT_YET}, 503, 503, [NOT_YET.reason]),
        ({"discord": DEAF, "telegram": NOT_YET}, 503, 503, [DEAF.reason, NOT_YET.reason]),
    ],
)
async def test_health_needs_flowing_updates_and_readiness_a_first_connection(
    platforms: dict[str, Health], healthy: int, ready: int, problems: list[str], bot: Bot
) -> None:
    bot.platforms, bot.revision = platforms, "0123456789ab"
    bot.remarks = ["The database does not answer."]
    status, said = await bot.get("/healthz")
    assert (status, said["healthy"], said["problems"]) == (healthy, healthy == 200, problems)
    assert said["remarks"] == bot.remarks
    status, said = await bot.get("/readyz")
    assert (status, said["ready"], said["problems"]) == (ready, ready == 200, problems)
    assert said["content"] == "0123456789ab"
    assert said["platforms"]["telegram"]["age_s"] == (2.0 if platforms["telegram"] is FLOWS else None)


async def test_metrics_are_what_prometheus_reads_and_have_no_labels_but_the_fixed_ones(bot: Bot) -> None:
    bot.platforms = {"discord": DEAF}
    safety = Reply(ReplyKind.SAFETY, "Call.", "Not advice.", entry_id="self-harm")
    answer = Reply(ReplyKind.ANSWER, "Yes.", "Not advice.", entry_id="ir-what", confidence=0.93)
    before = _read((await bot.get("/metrics"))[1])
    metrics.count_reply("discord", safety, 0.004)
    metrics.count_reply("discord", answer, 0.02)
    metrics.count_failure("discord", "send")
    after = _read((await bot.get("/metrics"))[1])

    def grown(name: str, **labels: str) -> float:
        key = (name, frozenset(labels.items()))
        return after.get(key, 0.0) - before.get(key, 0.0)

    assert grown("iris_replies_total", platform="discord", outcome="safety") == 1
    assert grown("iris_replies_total", platform="discord", outcome="answer") == 1
    assert grown("iris_triage_total", platform="discord", kind="self-harm") == 1
    assert grown("iris_reply_seconds_count", platform="discord") == 2
    assert grown("iris_reply_seconds_bucket", platform="discord", le="0.01") == 1
    assert grown("iris_confidence_count", outcome="answer") == 1
    assert grown("iris_failures_total", platform="discord", event="send") == 1
    assert after["iris_updates_flow", frozenset({("platform", "discord")})] == 0
    assert after["iris_updates_age_seconds", frozenset({("platform", "discord")})] == 80
    known = {"platform", "outcome", "kind", "event", "queue", "result", "revision", "le"}
    assert {label for _, labels in after for label, _ in labels} <= known


def _read(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_a_port_in_use_is_one_sentence_and_no_crash(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        internal = Bot().internal
        assert not await internal.start("127.0.0.1", port)
        await internal.close()
    said = "".join(capfd.readouterr())
    assert f"Health and metrics cannot be served on 127.0.0.1:{port} (" in said
    assert "Set IRIS_INTERNAL_PORT to a free port, or to 0 for none." in said
