"""What an editor does to the content, and what the operators hear of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")


async def soon(awaitable: Awaitable[Result]) -> Result:
    """Wait for what must happen; four minutes are far more than it takes on a busy machine."""
    return await asyncio.wait_for(awaitable, 240)


def rewrite(file: Path, old: str, new: str) -> None:
    """Change a file as an editor does, in place."""
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


class Operators:
    """The operators' channel: keeps what is said there, and lets a test wait for it."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    async def tell(self, key: str, text: str) -> None:
        await self.said.put((key, text))
