"""Fetches updates by long polling until cancelled; survives every failure but a refused token and a rival.

The library's own poller dies silently on a refused token, loses a whole batch for one update that it cannot
read, and sleeps up to 30 s through a stop (telegram/ext/_updater.py, _utils/networkloop.py of 22.8).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from telegram import Update
from telegram.error import Conflict, InvalidToken, TelegramError

from adapters.telegram.wire import JSON, TelegramBot, Timing, pause_asked_for
from bot.settings import PlatformError

log = structlog.get_logger(__name__)

KINDS = (Update.MESSAGE, Update.EDITED_MESSAGE, Update.CALLBACK_QUERY)

WRONG_TOKEN = (
    "Telegram does not accept the token: put the one that @BotFather shows for your bot into IRIS_TELEGRAM_TOKEN."
)
RIVAL = (
    "Another program receives this Telegram bot's messages: stop the other copy that runs "
    "with the same token, or make a second bot with @BotFather."
)


class Poller:
    """Takes updates from Telegram and hands each to ``take``, in order and once."""

    def __init__(self, bot: TelegramBot, take: Callable[[Update], None], timing: Timing) -> None:
        self._bot = bot
        self._take = take
        self._timing = timing
        self._offset = 0

    async def run(self) -> None:
        """Poll for ever. Raises PlatformError when only a person can mend it."""
        loop = asyncio.get_running_loop()
        failures = 0
        rival_since: float | None = None
        webhook_gone = False
        while True:
            try:
                if not webhook_gone:
                    await self._bot.delete_webhook()
                    webhook_gone = True
                updates = await self._bot.fetch_updates(self._offset, self._timing.poll, KINDS)
            except InvalidToken:
                raise PlatformError(WRONG_TOKEN) from None
            except TelegramError as error:
                failures += 1
                if isinstance(error, Conflict):
                    webhook_gone = False  # a webhook set meanwhile shows as a conflict too
                    rival_since = rival_since or loop.time()
                    if loop.time() - rival_since >= self._timing.conflict:
                        raise PlatformError(RIVAL) from None
                pause = pause_asked_for(error) or backoff(self._timing, failures)
                log.warning("fetching_updates_failed", platform="telegram", error=type(error).__name__, wait_s=pause)
                await asyncio.sleep(pause)
                continue
            if failures:
                log.info("fetching_updates_works_again", platform="telegram", failures=failures)
            failures, rival_since = 0, None
            for update in updates:
                self._hand_over(update)

    async def confirm(self) -> None:
        """Tell Telegram which updates we have handled, so that the next start does not get them again."""
        if self._offset:
            await self._bot.fetch_updates(self._offset, 0, KINDS, limit=1)

    def _hand_over(self, raw: JSON) -> None:
        self._offset = int(raw["update_id"]) + 1
        try:
            update = Update.de_json(raw, self._bot)
        except Exception as error:  # a kind of update from after this library's time
            log.warning("update_not_understood", platform="telegram", error=type(error).__name__)
        else:
            self._take(update)


def backoff(timing: Timing, failures: int) -> float:
    """Seconds to wait after so many failures in a row."""
    return min(timing.retry * 2.0 ** min(failures - 1, 10), timing.longest_retry)
