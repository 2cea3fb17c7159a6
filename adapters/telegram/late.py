"""What comes too late or too much: one short message in place of a flood, and nothing is dropped without a word."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from telegram import Message

from adapters.telegram.delivery import send, spot_of
from adapters.telegram.render import Page, render_late, render_text
from adapters.telegram.wire import TelegramBot
from bot.answer import Answerer

# Chats that were told, so that they are not told again at once.
_REMEMBERED = 4096
_AGAIN_AFTER_S = 60.0


class Late:
    """Speaks for messages that are not answered at once; once in a while for each chat."""

    def __init__(self, bot: TelegramBot, stale_s: float) -> None:
        self._bot = bot
        self._stale_s = stale_s
        self._told: OrderedDict[tuple[int, str], float] = OrderedDict()

    def is_late(self, message: Message) -> bool:
        """Whether the message waited so long that nobody may want its answer any more."""
        return self._bot.age_s(message.date) > self._stale_s

    async def offer(self, message: Message, answerer: Answerer) -> None:
        """Ask, under the first such message of a chat, whether it still wants its answer."""
        page = render_late(f"{message.date:%H:%M}", answerer.disclaimer)
        await self._tell("late", message, (page,), self._stale_s)

    async def too_many(self, message: Message, answerer: Answerer) -> None:
        """Say that a chat asks more than can be answered there."""
        text = "Too many questions came in here at once, so I left some out. Please ask yours again in a minute."
        await self._tell("crowd", message, render_text(text, answerer.disclaimer), _AGAIN_AFTER_S)

    async def _tell(self, what: str, message: Message, pages: tuple[Page, ...], again_after_s: float) -> None:
        now = asyncio.get_running_loop().time()
        key = (message.chat.id, what)
        if now - self._told.get(key, -again_after_s) < again_after_s:
            return
        self._told[key] = now
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        await send(self._bot, spot_of(message), pages)
