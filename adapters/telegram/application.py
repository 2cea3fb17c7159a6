"""The Telegram side of IRIS as one thing that can be served and closed, beside others in one event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog
from telegram import Update
from telegram.error import BadRequest, InvalidToken, TelegramError

from adapters.telegram.buttons import Buttons
from adapters.telegram.commands import Commands
from adapters.telegram.delivery import Spot, refusal, send, spot_of
from adapters.telegram.flood import Rates, pause_asked_for
from adapters.telegram.inline import Inline
from adapters.telegram.intake import Intake, Slot
from adapters.telegram.late import Late
from adapters.telegram.polling import WRONG_TOKEN, Poller, backoff
from adapters.telegram.profile import introduce
from adapters.telegram.render import render, render_text
from adapters.telegram.venue import PLATFORM
from adapters.telegram.webhook import Listener
from adapters.telegram.wire import TelegramBot, Timing
from bot import metrics
from bot.desk import Desk
from bot.health import Health
from bot.records import Claim, Records
from bot.reply import TROUBLE
from bot.settings import PlatformError, Webhook

log = structlog.get_logger(__name__)

# With Timing.drain this keeps close() under 7 s.
_CONFIRM_S = 1.5
# Between two looks at whether another copy has finished with an update that it had taken.
_BUSY_S = 1.0

Work = Callable[[], Awaitable[None]]


class TelegramPlatform:
    """Connects a Desk to Telegram, by long polling or, with ``webhook``, by Telegram's own calls.

    ``base_url`` is the Bot API's address up to the token; another one is for a Bot API server of one's own, and for
    tests. ``rates`` are for such a server too, which has no flood limits.
    """

    name = "Telegram"

    def __init__(
        self,
        token: str,
        desk: Desk,
        records: Records,
        *,
        webhook: Webhook | None = None,
        base_url: str = "https://api.telegram.org/bot",
        timing: Timing | None = None,
        rates: Rates | None = None,
    ) -> None:
        self._token = token
        self._base_url = base_url
        self._desk = desk
        self._records = records
        self._webhook = webhook
        self._timing = timing or Timing()
        self._rates = rates
        self._serving: _Served | None = None
        self._closing = False

    async def serve(self) -> None:
        """Answer until closed or cancelled. Raises PlatformError when only a person can mend it."""
        try:
            bot = TelegramBot(self._token, self._base_url, self._timing, self._rates)
        except InvalidToken:
            raise PlatformError(WRONG_TOKEN) from None
        self._serving = served = _Served(bot, self._desk, self._records, self._webhook, self._timing)
        if self._closing:
            served.intake_task.cancel()
        try:
            await served.intake_task
        except asyncio.CancelledError:
            here = asyncio.current_task()
            if not self._closing or (here is not None and here.cancelling()):
                raise
        finally:
            await asyncio.shield(asyncio.create_task(served.leave()))

    async def close(self) -> None:
        """Take in no more, finish the replies that are on their way, and leave; within 7 s."""
        self._closing = True
        if self._serving is not None:
            self._serving.intake_task.cancel()
            await self._serving.left.wait()

    def health(self) -> Health:
        """Whether updates flow, now."""
        if self._serving is None:
            return Health(False, "Telegram is not being served yet.", float("inf"))
        return self._serving.source.health

    async def post(self, channel: str, text: str) -> bool:
        """Write ``text`` (small Markdown) into a chat, by its id or @name; False where that is not possible."""
        if self._serving is None:
            return False
        chat = int(channel) if channel.lstrip("-").isdigit() else channel
        try:
            await send(self._serving.bot, Spot(chat), render_text(text, self._desk.current.disclaimer))
        except TelegramError as error:
            log.warning("not_posted", platform=PLATFORM, error=type(error).__name__)
            metrics.count_failure(PLATFORM, "post")
            return False
        return True


class _Served:
    """One time of being served: the bot, where its updates come from, and what is done with them."""

    def __init__(self, bot: TelegramBot, desk: Desk, records: Records, webhook: Webhook | None, timing: Timing) -> None:
        self.bot = bot
        self._desk = desk
        self._records = records
        self._timing = timing
        self._commands = Commands(bot, desk, records, Late(bot, timing.stale))
        self._buttons = Buttons(bot, desk, records, self._commands)
        self._inline = Inline(bot, desk, records)
        self._intake = Intake(self._handle)
        self.source: Poller | Listener = (
            Listener(bot, self._intake, webhook, timing) if webhook else Poller(bot, self._intake, timing)
        )
        self.left = asyncio.Event()
        self.intake_task = asyncio.create_task(self._take_in(), name="telegram intake")

    async def leave(self) -> None:
        """Finish what is at work, and close everything."""
        try:
            unfinished = await self._intake.close(self._timing.drain)
            if unfinished is not None:
                log.warning("left_with_replies_unsent", platform=PLATFORM)
            if isinstance(self.source, Listener):
                await self.source.close()
            else:
                with contextlib.suppress(TelegramError, TimeoutError):
                    await asyncio.wait_for(self.source.confirm(unfinished), _CONFIRM_S)
            await self.bot.shutdown()
        finally:
            self.left.set()
        log.info("left", platform=PLATFORM)

    async def _take_in(self) -> None:
        await self._connect()
        log.info("connected", platform=PLATFORM)
        introduction = asyncio.create_task(introduce(self.bot, self._desk.current), name="telegram profile")
        try:
            await self.source.run()
        finally:
            introduction.cancel()
            await asyncio.gather(introduction, return_exceptions=True)

    async def _connect(self) -> None:
        """Learn who we are; waits for a network that is not there yet."""
        failures = 0
        while True:
            try:
                await self.bot.initialize()
            except InvalidToken:
                raise PlatformError(WRONG_TOKEN) from None  # the library's own words hold the token
            except TelegramError as error:
                failures += 1
                pause = pause_asked_for(error) or backoff(self._timing, failures)
                log.warning("not_connected_yet", platform=PLATFORM, error=type(error).__name__, wait_s=pause)
                await asyncio.sleep(pause)
            else:
                return

    async def _handle(self, update: Update, slot: Slot) -> None:
        """Answer one update, if it is for us and nobody has answered it; the edge for every failure."""
        try:
            work = self._work(update, slot)
            if work is None:
                return
            key = f"{PLATFORM}:{self.bot.id}:{update.update_id}"
            if not await self._is_ours(key):
                return
            try:
                await work()
            except Exception as error:
                await self._on_failure(update, error)
            await self._records.answered(key)
        except Exception as error:
            log.error("update_failed", platform=PLATFORM, error=type(error).__name__)
            metrics.count_failure(PLATFORM, "update")

    def _work(self, update: Update, slot: Slot) -> Work | None:
        """What there is to do about an update; None where it is not for us."""
        if update.callback_query is not None:
            query = update.callback_query
            return lambda: self._buttons.on_press(query, slot)
        if update.inline_query is not None:
            inline = update.inline_query
            return lambda: self._inline.on_query(inline)
        if update.edited_message is not None:
            edited = update.edited_message
            return lambda: self._commands.on_edit(edited)
        message = update.message or update.guest_message
        if message is None:
            return None
        if message.migrate_to_chat_id is not None:
            old, new = message.chat.id, message.migrate_to_chat_id
            return lambda: self._commands.on_move(old, new)
        asked = self._commands.asked(message)
        if asked is None:
            return None
        if update.guest_message is not None:
            return lambda: self._inline.on_guest(message, asked)
        return lambda: self._commands.on_message(message, asked, slot)

    async def _is_ours(self, key: str) -> bool:
        """Whether nobody has answered this update; waits for another copy that is about to."""
        while (claim := await self._records.claim(key)) is Claim.BUSY:  # noqa: ASYNC110
            await asyncio.sleep(_BUSY_S)
        return claim is Claim.OURS

    async def _on_failure(self, update: Update, error: Exception) -> None:
        """The failure is logged without any words, and the person told where that can work."""
        event = refusal(error) if isinstance(error, TelegramError) else "reply"
        log.warning("reply_failed", platform=PLATFORM, error=type(error).__name__, event_kind=event)
        metrics.count_failure(PLATFORM, event)
        if isinstance(error, TelegramError) and (not isinstance(error, BadRequest) or event != "refused"):
            return
        message = update.effective_message
        if message is None or update.edited_message is not None:
            return
        with contextlib.suppress(TelegramError):
            await send(self.bot, spot_of(message), render(TROUBLE))
