"""The Telegram side of IRIS as one thing that can be served and closed, beside others in one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from typing import Any

import structlog
from telegram import Update
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, RetryAfter, TelegramError
from telegram.ext import Application, CallbackQueryHandler, ContextTypes, MessageHandler, filters

from adapters.telegram.asked import asked_of
from adapters.telegram.buttons import Buttons
from adapters.telegram.commands import Commands
from adapters.telegram.delivery import send, spot_of
from adapters.telegram.order import ByChat
from adapters.telegram.polling import WRONG_TOKEN, Poller, backoff
from adapters.telegram.profile import introduce
from adapters.telegram.render import render
from adapters.telegram.wire import TelegramBot, Timing, pause_asked_for
from bot.answer import Answerer
from bot.reply import TROUBLE
from bot.settings import PlatformError

log = structlog.get_logger(__name__)

# As in every log line of this adapter; people read TelegramPlatform.name.
_NAME = "telegram"
# With Timing.drain this keeps close() under 8 s.
_CONFIRM_S = 1.5


class TelegramPlatform:
    """Connects an Answerer to Telegram.

    ``answerer`` is asked for each event, as the content may be swapped in between. ``base_url`` is the Bot
    API's address up to the token; another one is for a Bot API server of one's own, and for tests.
    """

    name = "Telegram"

    def __init__(
        self,
        token: str,
        answerer: Callable[[], Answerer],
        *,
        base_url: str = "https://api.telegram.org/bot",
        timing: Timing | None = None,
    ) -> None:
        # The library's switch for durations as timedelta: without it, each "too many requests" warns.
        os.environ.setdefault("PTB_TIMEDELTA", "1")
        self._token = token
        self._base_url = base_url
        self._answerer = answerer
        self._timing = timing or Timing()
        self._intake: asyncio.Task[None] | None = None
        self._closing = False
        self._left = asyncio.Event()

    async def serve(self) -> None:
        """Answer until closed or cancelled. Raises PlatformError when only a person can mend it."""
        try:
            bot = TelegramBot(self._token, self._base_url, self._timing)
        except InvalidToken:
            self._left.set()
            raise PlatformError(WRONG_TOKEN) from None
        order = ByChat()
        application = Application.builder().bot(bot).updater(None).job_queue(None).concurrent_updates(order).build()
        self._listen(application)
        poller = Poller(bot, application.update_queue.put_nowait, self._timing)
        self._intake = asyncio.create_task(self._take_in(application, poller), name="telegram intake")
        if self._closing:
            self._intake.cancel()
        try:
            await self._intake
        except asyncio.CancelledError:
            here = asyncio.current_task()
            if not self._closing or (here is not None and here.cancelling()):
                raise
        finally:
            await asyncio.shield(asyncio.create_task(self._leave(application, poller, order)))

    async def close(self) -> None:
        """Take in no more, finish the replies that are on their way, and leave; within 8 s."""
        self._closing = True
        if self._intake is None:
            return
        self._intake.cancel()
        await self._left.wait()

    def _listen(self, application: Application[Any, Any, Any, Any, Any, Any]) -> None:
        commands, buttons = Commands(self._answerer), Buttons(self._answerer)
        application.add_handler(MessageHandler(filters.UpdateType.MESSAGE, commands.on_message))
        application.add_handler(MessageHandler(filters.UpdateType.EDITED_MESSAGE, commands.on_edit))
        application.add_handler(CallbackQueryHandler(buttons.on_press))
        application.add_error_handler(_on_failure)

    async def _take_in(self, application: Application[Any, Any, Any, Any, Any, Any], poller: Poller) -> None:
        await self._connect(application)
        await application.start()
        log.info("connected", platform=_NAME)
        introduction = asyncio.create_task(introduce(application.bot, self._answerer()), name="telegram profile")
        try:
            await poller.run()
        finally:
            introduction.cancel()
            await asyncio.gather(introduction, return_exceptions=True)

    async def _connect(self, application: Application[Any, Any, Any, Any, Any, Any]) -> None:
        """Learn who we are; waits for a network that is not there yet."""
        failures = 0
        while True:
            try:
                await application.initialize()
            except InvalidToken:
                raise PlatformError(WRONG_TOKEN) from None  # the library's own words hold the token
            except TelegramError as error:
                failures += 1
                pause = pause_asked_for(error) or backoff(self._timing, failures)
                log.warning("not_connected_yet", platform=_NAME, error=type(error).__name__, wait_s=pause)
                await asyncio.sleep(pause)
            else:
                return

    async def _leave(
        self, application: Application[Any, Any, Any, Any, Any, Any], poller: Poller, order: ByChat
    ) -> None:
        try:
            if application.running:
                try:
                    await asyncio.wait_for(application.stop(), self._timing.drain)
                except TimeoutError:
                    log.warning("left_with_replies_unsent", platform=_NAME)
                    await order.abandon()
                with contextlib.suppress(TelegramError, TimeoutError):
                    await asyncio.wait_for(poller.confirm(), _CONFIRM_S)
            await application.shutdown()
            await application.bot.shutdown()  # where it never came to an application
        finally:
            self._left.set()
        log.info("left", platform=_NAME)


async def _on_failure(update: object, context: ContextTypes.DEFAULT_TYPE) -> None:
    """The edge: the failure is logged without any words, and the person told where that can work."""
    error = context.error
    log.warning("reply_failed", platform=_NAME, error=type(error).__name__)
    unreachable = isinstance(error, TelegramError) and not isinstance(error, BadRequest)
    if unreachable or isinstance(error, (Forbidden, ChatMigrated, RetryAfter)) or not isinstance(update, Update):
        return
    message = update.effective_message
    if message is None or (update.callback_query is None and asked_of(message, context.bot.bot) is None):
        return
    with contextlib.suppress(TelegramError):
        await send(context.bot, spot_of(message), render(TROUBLE))
