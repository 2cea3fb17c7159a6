"""Takes updates from Telegram's own calls: a small web server, and a look now and then at whether calls get through.

A call is answered when its update has been: what Telegram gets no answer for it sends again, so nothing that came
while we were restarted, full or cut short is lost. Several copies behind one address are fine.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from telegram import WebhookInfo
from telegram.error import InvalidToken, TelegramError

from adapters.telegram.flood import pause_asked_for
from adapters.telegram.intake import Intake
from adapters.telegram.polling import KINDS, WRONG_TOKEN, backoff, understood
from adapters.telegram.wire import TelegramBot, Timing
from bot import metrics
from bot.health import Health
from bot.settings import PlatformError, Webhook

log = structlog.get_logger(__name__)

HEALTH_PATH = "/healthz"
_SECRET = "X-Telegram-Bot-Api-Secret-Token"
# A message has 4,096 characters at most; with all that surrounds it an update stays far below this.
_LARGEST = 1024 * 1024
# Telegram's own upper limit (Bot API, setWebhook); each call waits for its reply.
_CONNECTIONS = 100


class Listener:
    """Serves the webhook: POST on the path of its address, GET on ``HEALTH_PATH``."""

    def __init__(self, bot: TelegramBot, intake: Intake, webhook: Webhook, timing: Timing) -> None:
        self._bot = bot
        self._intake = intake
        self._webhook = webhook
        self._timing = timing
        self._runner: web.AppRunner | None = None
        self._proof: float | None = None
        self._trouble = ""

    @property
    def health(self) -> Health:
        """Whether calls come through, as far as Telegram says."""
        if self._proof is None:
            return Health(False, self._trouble or "Telegram does not know our webhook yet.", float("inf"))
        age = asyncio.get_running_loop().time() - self._proof
        longest = 2 * self._timing.webhook_look + self._timing.answer
        if age > longest and not self._trouble:
            return Health(False, f"Telegram has not been reached for {age:.0f} s.", age)
        return Health(not self._trouble, self._trouble, age)

    async def run(self) -> None:
        """Serve for ever. Raises PlatformError when only a person can mend it."""
        await self._open()
        registered = False
        failures = 0
        while True:
            try:
                info = await self._bot.get_webhook_info() if registered else None
                # Another copy that polls takes the webhook away.
                if info is None or info.url != self._webhook.url:
                    await self._register()
                    info, registered = None, True
            except InvalidToken:
                raise PlatformError(WRONG_TOKEN) from None
            except TelegramError as error:
                failures += 1
                metrics.count_failure("telegram", "webhook")
                pause = pause_asked_for(error) or backoff(self._timing, failures)
                log.warning("webhook_not_looked_at", platform="telegram", error=type(error).__name__, wait_s=pause)
                await asyncio.sleep(pause)
                continue
            failures = 0
            self._judge(info)
            await asyncio.sleep(self._timing.webhook_look)

    async def close(self) -> None:
        """Take no more calls; those that are being answered have been given their time."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _open(self) -> None:
        app = web.Application(client_max_size=_LARGEST)
        app.router.add_post(urlsplit(self._webhook.url).path or "/", self._on_call)
        app.router.add_get(HEALTH_PATH, self._on_health)
        self._runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._webhook.host, self._webhook.port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise PlatformError(
                f"IRIS can't listen on port {self._webhook.port} for Telegram ({error.strerror}): "
                "free it, or set IRIS_TELEGRAM_WEBHOOK_PORT to another."
            ) from None

    async def _register(self) -> None:
        """Tell Telegram where to call; what waits there is kept."""
        await self._bot.set_webhook(
            self._webhook.url,
            secret_token=self._webhook.secret,
            allowed_updates=KINDS,
            max_connections=_CONNECTIONS,
        )
        log.info("webhook_set", platform="telegram")

    def _judge(self, info: WebhookInfo | None) -> None:
        """Take Telegram's word for whether its calls come through; ``None`` where it has just been told of us."""
        self._proof = asyncio.get_running_loop().time()
        failed = info.last_error_date if info else None
        recent = failed is not None and self._bot.age_s(failed) < 2 * self._timing.webhook_look
        if info is not None and info.pending_update_count and recent:
            self._trouble = (
                f"Telegram can't deliver {info.pending_update_count} updates to {self._webhook.url} "
                f"({info.last_error_message}): check the address, its certificate and what stands before IRIS."
            )
            log.warning("webhook_not_reached", platform="telegram", problem=self._trouble)
            metrics.count_failure("telegram", "webhook")
        else:
            self._trouble = ""

    async def _on_call(self, request: web.Request) -> web.Response:
        """One update. 503 asks Telegram to send it again."""
        named = request.headers.get(_SECRET, "")
        if not hmac.compare_digest(named.encode(errors="replace"), self._webhook.secret.encode()):
            metrics.count_failure("telegram", "webhook_secret")
            return web.Response(status=403)
        if self._intake.is_full:
            return web.Response(status=503)
        try:
            raw = json.loads(await request.read())
        except ValueError:
            return web.Response(status=400)
        update = understood(raw, self._bot) if isinstance(raw, dict) else None
        if update is None:
            return web.Response()
        self._proof = asyncio.get_running_loop().time()
        task = self._intake.take(update)
        await asyncio.wait({task}, timeout=self._timing.webhook_reply)
        return web.Response(status=503 if task.cancelled() else 200)

    async def _on_health(self, _: web.Request) -> web.Response:
        health = self.health
        return web.Response(status=200 if health.flowing else 503, text=health.reason or "Updates flow.")
