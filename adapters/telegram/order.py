"""Which update waits for which: those of one chat go one after another, those of several side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any
from weakref import WeakValueDictionary

from telegram import Update
from telegram.ext import BaseUpdateProcessor

# Waiting updates count too; the library holds the rest back in its queue.
_MOST_AT_ONCE = 1024


class ByChat(BaseUpdateProcessor):
    """Keeps the order of each chat. asyncio's locks are fair, so whoever came first goes first."""

    def __init__(self) -> None:
        super().__init__(_MOST_AT_ONCE)
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._at_work: set[asyncio.Task[Any]] = set()

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        """Handle one update when its chat's turn has come."""
        task = asyncio.current_task()
        chat = update.effective_chat if isinstance(update, Update) else None
        turn = self._turns.setdefault(chat.id, asyncio.Lock()) if chat else asyncio.Lock()
        if task is not None:
            self._at_work.add(task)
        try:
            async with turn:
                await coroutine
        finally:
            if task is not None:
                self._at_work.discard(task)
            if isinstance(coroutine, Coroutine):
                coroutine.close()  # cancelled before its turn came

    async def abandon(self) -> None:
        """End what is still at work, when there is no more time to wait for it."""
        tasks = list(self._at_work)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Nothing to close."""
