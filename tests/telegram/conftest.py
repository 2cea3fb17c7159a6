"""The adapter under test: unmodified library, real core on a small content, a Bot API on 127.0.0.1."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from bot_api import TOKEN, BotApi
from telegram_serving import CACHE, QUICK, UNLIMITED, served

from adapters.telegram import TelegramPlatform
from adapters.telegram.flood import Rates
from adapters.telegram.wire import Timing
from bot.answer import Answerer
from bot.assembly import build_answerer
from bot.desk import Desk
from bot.records import Records
from bot.settings import RecordSettings, Webhook


@pytest.fixture(scope="session")
def small_answerer() -> Answerer:
    """The real Answerer, on the small content beside this file and the shipped triage rules; learnt once."""
    return build_answerer(Path(__file__).parent / "faq.yaml", CACHE)


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    """Telegram's side; fails the test for whatever it would have refused."""
    async with BotApi() as stand_in:
        yield stand_in
    assert stand_in.violations == []


@pytest.fixture
async def records(tmp_path: Path) -> AsyncIterator[Records]:
    """Records on a SQLite database of their own."""
    opened = await Records.open(RecordSettings(data=tmp_path / "data"))
    yield opened
    await opened.close()


@pytest.fixture
async def desk(small_answerer: Answerer) -> AsyncIterator[Desk]:
    """A desk with the small content."""
    manned = Desk(small_answerer)
    yield manned
    await manned.close()


@pytest.fixture
def make_platform(api: BotApi, desk: Desk, records: Records) -> Callable[..., TelegramPlatform]:
    """Platforms on the stand-in, not yet served."""

    def make(
        token: str = TOKEN, timing: Timing = QUICK, rates: Rates = UNLIMITED, webhook: Webhook | None = None
    ) -> TelegramPlatform:
        return TelegramPlatform(
            token, desk, records, webhook=webhook, base_url=api.base_url, timing=timing, rates=rates
        )

    return make


@pytest.fixture
async def platform(make_platform: Callable[..., TelegramPlatform]) -> AsyncIterator[TelegramPlatform]:
    """A platform that serves for the time of the test."""
    async with served(make_platform()) as serving:
        yield serving
