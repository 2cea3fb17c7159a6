"""A bot in a process of its own, to be killed: python telegram_process.py BASE_URL DATA_FOLDER CACHE_FOLDER."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from bot_api import TOKEN
from telegram_serving import UNLIMITED

from adapters.telegram import TelegramPlatform
from bot.assembly import build_answerer
from bot.desk import Desk
from bot.records import Records
from bot.settings import RecordSettings


async def serve(base_url: str, data: Path, cache: Path) -> None:
    """Serve until the process ends."""
    desk = Desk(build_answerer(Path(__file__).parent / "faq.yaml", cache))
    records = await Records.open(RecordSettings(data=data))
    await TelegramPlatform(TOKEN, desk, records, base_url=base_url, rates=UNLIMITED).serve()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
