"""The adapter under test: unmodified library, real core on a small content, a Bot API on 127.0.0.1."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from bot_api import TOKEN, BotApi

from adapters.telegram import TelegramPlatform
from adapters.telegram.wire import Timing
from bot.answer import Answerer
from bot.app import build_answerer

# Long polls are short here, and second tries come at once.
QUICK = Timing(poll=5.0, answer=5.0, retry=0.01, longest_retry=0.02, conflict=0.3, drain=5.0)


@pytest.fixture(scope="session")
def small_answerer(tmp_path_factory: pytest.TempPathFactory) -> Answerer:
    """The real Answerer, on the small content beside this file and the shipped triage rules."""
    return build_answerer(Path(__file__).parent / "faq.yaml", tmp_path_factory.mktemp("cache"))


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    """Telegram's side; fails the test for whatever it would have refused."""
    async with BotApi() as stand_in:
        yield stand_in
    assert stand_in.violations == []


@pytest.fixture
def make_platform(api: BotApi, small_answerer: Answerer) -> Callable[..., TelegramPlatform]:
    """Platforms on the stand-in, not yet served."""

    def make(token: str = TOKEN, timing: Timing = QUICK, answerer: Answerer | None = None) -> TelegramPlatform:
        return TelegramPlatform(token, lambda: answerer or small_answerer, base_url=api.base_url, timing=timing)

    return make


@pytest.fixture
async def platform(make_platform: Callable[..., TelegramPlatform]) -> AsyncIterator[TelegramPlatform]:
    """A platform that serves for the time of the test."""
    served = make_platform()
    serving = asyncio.create_task(served.serve())
    yield served
    await served.close()
    await serving
