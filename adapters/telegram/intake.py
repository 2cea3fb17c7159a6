"""Updates at work: those of one chat have their turns one after another, those of several chats go side by side.

What has a turn to wait for is left to whoever handles the update: an answer is looked for at once, as it may turn
out to be one that must not wait, and is sent when its turn has come.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from telegram import Update

# What may be at work at once; beyond that, Telegram keeps the rest until there is room.
_MOST = 1024
# What may wait in one chat: 15 a minute may be written into a group, so the last of these waits over a minute.
_MOST_IN_A_CHAT = 20


class Slot:
    """A place in the order of one chat."""

    def __init__(self, line: deque[Slot]) -> None:
        self._line = line
        self._has_come = asyncio.Event()
        self.is_over = False

    @property
    def is_crowded(self) -> bool:
        """Whether too many wait before this one."""
        before = itertools.takewhile(lambda slot: slot is not self, self._line)
        return sum(not slot.is_over for slot in before) >= _MOST_IN_A_CHAT

    def arrive(self) -> None:
        """Let it go on: all before it are over."""
        self._has_come.set()

    async def come(self) -> None:
        """Wait until everything that came before in this chat is over."""
        await self._has_come.wait()


class Intake:
    """Takes updates in and has each handled by ``handle``, which sees to its own failures."""

    def __init__(self, handle: Callable[[Update, Slot], Coroutine[Any, Any, None]]) -> None:
        self._handle = handle
        self._at_work: dict[asyncio.Task[None], int] = {}
        self._lines: dict[int, deque[Slot]] = {}
        self._room = asyncio.Event()
        self._room.set()
        self._closed = False

    @property
    def is_full(self) -> bool:
        """Whether nothing more may be taken in for now."""
        return self._closed or len(self._at_work) >= _MOST

    async def room(self) -> None:
        """Wait until there is room."""
        await self._room.wait()

    def take(self, update: Update) -> asyncio.Task[None]:
        """Have an update handled; from now on it has its place in its chat's order."""
        chat = update.effective_chat
        # Inline queries come from no chat, and need no order.
        line = self._lines.setdefault(chat.id, deque()) if chat else deque()
        slot = Slot(line)
        line.append(slot)
        if line[0] is slot:
            slot.arrive()
        task = asyncio.create_task(self._handle(update, slot), name="telegram update")
        self._at_work[task] = update.update_id
        if len(self._at_work) >= _MOST:
            self._room.clear()

        def done(task: asyncio.Task[None]) -> None:
            del self._at_work[task]
            self._room.set()
            slot.is_over = True
            while line and line[0].is_over:
                line.popleft()
            if line:
                line[0].arrive()
            elif chat is not None and self._lines.get(chat.id) is line:
                del self._lines[chat.id]

        task.add_done_callback(done)
        return task

    def first_unfinished(self) -> int | None:
        """The id of the update that has been at work for longest."""
        return next(iter(self._at_work.values()), None)

    async def finish(self, seconds: float) -> bool:
        """Let what is at work come to its end; whether it has, within that time."""
        if self._at_work:
            await asyncio.wait(list(self._at_work), timeout=seconds)
        return not self._at_work

    async def close(self, seconds: float) -> int | None:
        """Take in no more, and cut short what is not finished after so long; returns the first id of that."""
        self._closed = True
        if await self.finish(seconds):
            return None
        left, first = list(self._at_work), self.first_unfinished()
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        return first
