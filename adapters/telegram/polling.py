"""Fetches updates by long polling until cancelled; survives every failure but a refused token and a rival.

The library's own poller dies silently on a refused token, loses a whole batch for one update that it cannot
read, and sleeps up to 30 s through a stop (telegram/ext/_updater.py, _utils/networkloop.py of 22.8).
"""

from __future__ import annotations

import asyncio
from collections import deque

import structlog
from telegram import Update
from telegram.error import Conflict, InvalidToken, TelegramError

from adapters.telegram.flood import pause_asked_for
from adapters.telegram.intake import Intake
from adapters.telegram.wire import JSON, TelegramBot, Timing
from bot import metrics
from bot.health import Health
from bot.settings import PlatformError

log = structlog.get_logger(__name__)

KINDS = (
    Update.MESSAGE,
    Update.EDITED_MESSAGE,
    Update.CALLBACK_QUERY,
    Update.INLINE_QUERY,
    Update.GUEST_MESSAGE,
)

WRONG_TOKEN = (
    "Telegram does not accept the token: put the one that @BotFather shows for your bot into IRIS_TELEGRAM_TOKEN."
)
RIVAL = (
    "Another program receives this Telegram bot's messages: stop the other copy that runs "
    "with the same token, or make a second bot with @BotFather."
)


# Telegram gives out 100 updates at a time, from the oldest that is not confirmed: with so many unconfirmed ones, the
# next would not come any more.
_UNCONFIRMED_MAX = 90


class Poller:
    """Fetches updates and puts each into the intake, in order and once.

    Asking for updates from some id on tells Telegram to forget those before. What is not answered yet is not
    confirmed so: a machine that loses its power loses no question with it.
    """

    def __init__(self, bot: TelegramBot, intake: Intake, timing: Timing) -> None:
        self._bot = bot
        self._intake = intake
        self._timing = timing
        self._next = 0
        self._taken: deque[int] = deque(maxlen=2 * _UNCONFIRMED_MAX)
        self._came_back: float | None = None
        self._trouble = ""

    @property
    def health(self) -> Health:
        """Whether polls come back: each should within its time, an empty one too."""
        loop = asyncio.get_running_loop()
        if self._came_back is None:
            return Health(False, self._trouble or "Telegram has not been reached yet.", float("inf"))
        age = loop.time() - self._came_back
        longest = self._timing.poll + self._timing.answer + self._timing.handling
        if age <= longest and self._trouble != RIVAL:
            return Health(True, "", age)
        return Health(False, self._trouble or f"Telegram has sent nothing for {age:.0f} s, not even empty polls.", age)

    async def run(self) -> None:
        """Poll for ever. Raises PlatformError when only a person can mend it."""
        loop = asyncio.get_running_loop()
        failures = 0
        rival_since: float | None = None
        webhook_gone = False
        while True:
            await self._intake.room()
            try:
                if not webhook_gone:
                    await self._bot.delete_webhook()
                    webhook_gone = True
                updates = await self._fetch()
            except InvalidToken:
                raise PlatformError(WRONG_TOKEN) from None
            except TelegramError as error:
                failures += 1
                metrics.count_failure("telegram", "poll")
                self._trouble = f"Telegram can't be asked for messages at the moment ({type(error).__name__})."
                if isinstance(error, Conflict):
                    self._trouble = RIVAL
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
            self._came_back, self._trouble = loop.time(), ""
            for raw in updates:
                self._take(raw)
            await self._intake.finish(self._timing.handling)

    async def confirm(self, unfinished: int | None) -> None:
        """Tell Telegram which updates we have handled, so that the next start gets those from ``unfinished`` on."""
        if self._next:
            await self._bot.fetch_updates(self._next if unfinished is None else unfinished, 0, KINDS, limit=1)

    async def _fetch(self) -> list[JSON]:
        """The next updates; while some are at work, those come along again and are left out."""
        unfinished = self._intake.first_unfinished()
        if unfinished is None or unfinished not in self._taken or self._behind(unfinished) >= _UNCONFIRMED_MAX:
            # The first poll comes back at once: a quiet bot is known to be connected, and not only when that poll ends.
            wait = 0 if self._came_back is None else self._timing.poll
            return await self._bot.fetch_updates(self._next, wait, KINDS)
        updates = await self._bot.fetch_updates(unfinished, 0, KINDS)
        return [raw for raw in updates if raw["update_id"] not in self._taken]

    def _behind(self, unfinished: int) -> int:
        """How many updates were taken from ``unfinished`` on."""
        return len(self._taken) - self._taken.index(unfinished)

    def _take(self, raw: JSON) -> None:
        number = int(raw["update_id"])
        self._next = number + 1
        self._taken.append(number)
        update = understood(raw, self._bot)
        if update is not None:
            self._intake.take(update)


def understood(raw: JSON, bot: TelegramBot) -> Update | None:
    """One update; None for a kind from after this library's time, or a broken one."""
    try:
        return Update.de_json(raw, bot)
    except Exception as error:  # whatever the library stumbles over
        log.warning("update_not_understood", platform="telegram", error=type(error).__name__)
        metrics.count_failure("telegram", "update")
        return None


def backoff(timing: Timing, failures: int) -> float:
    """Seconds to wait after so many failures in a row."""
    return min(timing.retry * 2.0 ** min(failures - 1, 10), timing.longest_retry)
