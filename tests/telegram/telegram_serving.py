"""A platform at work in a test, and how quick it is there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from adapters.telegram import TelegramPlatform
from adapters.telegram.flood import Rates
from adapters.telegram.wire import Timing

# Where what was learnt from the small content is kept between test runs.
CACHE = Path(__file__).parents[2] / ".cache" / "iris"
# Long polls are short here, and second tries come at once.
QUICK = Timing(poll=5.0, answer=5.0, retry=0.01, longest_retry=0.02, conflict=0.3, drain=5.0, webhook_look=0.05)
# Most tests are not about how often we write.
UNLIMITED = Rates((1e6, 1), (1e6, 1), (1e6, 1))


@contextlib.asynccontextmanager
async def served(platform: TelegramPlatform) -> AsyncIterator[TelegramPlatform]:
    """``platform`` while it serves."""
    serving = asyncio.create_task(platform.serve())
    try:
        yield platform
    finally:
        await platform.close()
        await serving
