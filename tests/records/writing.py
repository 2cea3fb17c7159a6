"""A process that writes and says after each thing that it was told is saved, until it is killed.

Usage: writing.py FOLDER FIRST [DATABASE_URL]. Prints one line per saved thing, beginning with number FIRST.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path

from pydantic import SecretStr

from bot.records import Community, CommunitySettings, Person, Records
from bot.reply import Reply, ReplyKind
from bot.settings import RecordSettings

REPLY = Reply(ReplyKind.ANSWER, "text", "disclaimer", entry_id="ir-tests", revision="r1", confidence=0.87)


async def main(folder: Path, first: int, url: str | None) -> None:
    """Vote, save settings and send questions in, several at a time."""
    settings = RecordSettings(
        _env_file=None,  # type: ignore[call-arg]
        data=folder,
        database_url=SecretStr(url) if url else None,
        keep_questions_days=90,
    )
    records = await Records.open(settings)
    numbers = itertools.count(first)

    async def write() -> None:
        for number in numbers:
            records.count("discord", REPLY)
            voted = await records.vote(Person("discord", str(number)), "ir-tests", "r1", True)
            saved = await records.save_settings(
                Community("telegram", str(number)), CommunitySettings(cooldown_s=number)
            )
            sent = await records.send_in(f"Question {number}?", platform="discord", entry_id=str(number))
            if voted and saved and sent:
                print(number, flush=True)

    await asyncio.gather(*(write() for _ in range(4)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None))
