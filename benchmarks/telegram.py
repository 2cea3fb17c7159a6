"""What IRIS costs on Telegram, beside a bare python-telegram-bot that only echoes, on one stand-in in one run.

    python -m benchmarks.telegram [--content PATH] [--seconds 10]

The bot has one core, the stand-in of tests/telegram and the load have another. Each update is a message with a varied
question of benchmarks/questions, from one of 100 people; 1 or 32 are outstanding at any time, then so many come each
second. Updates are fetched by long polling, then delivered to a webhook. Nobody's flood limits are in force. The echo
bot is measured with the library's HTTP client and with ours. Processor time is that of the bot's process with all its
threads. What the Answerer takes of it is measured by itself, in a process of its own on the same core.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import io
import json
import socket
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.latency import varied_texts
from benchmarks.load import (
    ALLOWED_MS,
    HELD_PER_SECOND,
    OUTSTANDING,
    WARM_UP,
    Load,
    keep_to_a_core,
    measure_answerer,
    print_rows,
    settle,
)
from benchmarks.report import CACHE, OWN_QUESTIONS, ROOT, existing, save

STAND_IN = ROOT / "tests" / "telegram"
BOTS = ("echo", "echo-with-our-client", "iris")
WAYS = ("polling", "webhook")
# Each writes in a private chat, and asks again when answered; where all of them wait, others come.
PEOPLE = 100
# The most that one in a hundred may wait at so many questions a second.
HELD_P99_MS = 150
PATIENCE_S = 60.0
_SECRET = "benchmark"


# The bots: processes of their own


async def run_bot(kind: str, way: str, port: str, content: Path) -> None:
    """Answer on the stand-in at ``port`` until the process is ended."""
    base_url = f"http://127.0.0.1:{port}/bot"
    hook = _free_port() if way == "webhook" else 0
    if kind == "iris":
        await _serve_iris(base_url, hook, content)
    else:
        await _serve_echo(base_url, hook, ours=kind != "echo")


async def _serve_iris(base_url: str, hook: int, content: Path) -> None:
    from adapters.telegram import TelegramPlatform
    from adapters.telegram.flood import Rates
    from bot.assembly import build_answerer
    from bot.desk import Desk
    from bot.logs import set_up_logs
    from bot.records import Records
    from bot.settings import RecordSettings, Webhook

    set_up_logs("json", "info", io.StringIO())  # lines are made as in earnest
    webhook = Webhook(_address(hook), _SECRET, hook, "127.0.0.1") if hook else None
    unlimited = Rates((1e9, 1), (1e9, 1), (1e9, 1))
    with tempfile.TemporaryDirectory() as folder:
        records = await Records.open(RecordSettings(data=Path(folder)))
        desk = Desk(build_answerer(content, CACHE / "own"))
        settle()
        token = importlib.import_module("bot_api").TOKEN
        await TelegramPlatform(token, desk, records, webhook=webhook, base_url=base_url, rates=unlimited).serve()


async def _serve_echo(base_url: str, hook: int, *, ours: bool) -> None:
    """As little as a bot can do: it sends back what it was sent."""
    from aiohttp import web
    from telegram import Update
    from telegram.ext import Application, MessageHandler, filters

    from adapters.telegram.wire import Timing, Wire

    async def echo(update: Update, _: Any) -> None:
        if update.message is not None:
            await update.message.reply_text(update.message.text or "")

    builder = Application.builder().token(importlib.import_module("bot_api").TOKEN).base_url(base_url)
    if ours:
        builder = builder.request(Wire(Timing(answer=PATIENCE_S), 64)).get_updates_request(
            Wire(Timing(answer=PATIENCE_S), 2)
        )
    else:
        builder = builder.connection_pool_size(64).pool_timeout(PATIENCE_S).connect_timeout(PATIENCE_S)
        builder = builder.read_timeout(PATIENCE_S).write_timeout(PATIENCE_S)
    application = builder.concurrent_updates(64).updater(None).build() if hook else None
    application = application or builder.concurrent_updates(64).build()
    application.add_handler(MessageHandler(filters.TEXT, echo))
    async with application:
        await application.start()
        if application.updater is not None:
            await application.updater.start_polling()
        else:

            async def take(request: web.Request) -> web.Response:
                update = Update.de_json(await request.json(), application.bot)
                await application.update_queue.put(update)
                return web.Response()

            server = web.Application()
            server.router.add_post("/hook", take)
            runner = web.AppRunner(server, access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", hook).start()
            await application.bot.set_webhook(_address(hook), secret_token=_SECRET)
        await asyncio.Event().wait()


def _address(port: int) -> str:
    return f"http://127.0.0.1:{port}/hook"


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


# The load


class TelegramLoad(Load):
    """A bot under load: the stand-in in this process, the bot in another."""

    def __init__(self, api: Any, process: int, texts: list[str], session: Any) -> None:
        super().__init__(process, self._answered)
        self._api, self._texts, self._session = api, texts, session
        self._people = importlib.import_module("people")
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._silent = deque(range(1_000_000, 1_000_000 + PEOPLE))
        self._newcomers = count(2_000_000)
        self._updates = count(1_000_000)
        api.under_load = self._on_reply

    def question(self, number: int) -> dict[str, Any]:
        """The message of that number, from somebody who waits for no answer."""
        chat = self._silent.popleft() if self._silent else next(self._newcomers)
        self._waiting[chat] = asyncio.get_running_loop().create_future()
        text = self._texts[number % len(self._texts)]
        person = {**self._people.ANN, "id": chat}
        written: dict[str, Any] = self._people.message(text, {"id": chat, "type": "private"}, person)
        return written

    async def _answered(self, written: dict[str, Any]) -> None:
        """Let the bot have the message, and wait until its answer is at Telegram."""
        answer = self._waiting[written["chat"]["id"]]
        if self._api.webhook:
            update = {"update_id": next(self._updates), "message": written}
            headers = {"X-Telegram-Bot-Api-Secret-Token": _SECRET}
            async with self._session.post(self._api.webhook["url"], json=update, headers=headers) as taken:
                taken.raise_for_status()
        else:
            await self._api.push(message=written)
        await asyncio.wait_for(answer, PATIENCE_S)

    def _on_reply(self, call: Any) -> None:
        chat = int(call.data["chat_id"])
        answer = self._waiting.pop(chat, None)
        if answer is not None and not answer.done():
            answer.set_result(None)
            self._silent.append(chat)


async def measure(kind: str, way: str, content: Path, texts: list[str], seconds: float) -> dict[str, Any]:
    """One bot, one way of delivery, under every load."""
    async with _connected(kind, way, content, texts) as load:
        found: dict[str, Any] = {}
        for outstanding in OUTSTANDING:
            await load.closed(load.question, WARM_UP, outstanding)
            found[str(outstanding)] = await load.closed(load.question, len(texts), outstanding)
        found[f"{HELD_PER_SECOND} a second"] = await load.steady(load.question, HELD_PER_SECOND, seconds)
        return found


@contextlib.asynccontextmanager
async def _connected(kind: str, way: str, content: Path, texts: list[str]) -> AsyncIterator[TelegramLoad]:
    """A bot in a process of its own, connected to a stand-in in this one."""
    import aiohttp

    async with importlib.import_module("bot_api").BotApi() as api, aiohttp.ClientSession() as session:
        command = ["-m", "benchmarks.telegram", "--content", str(content), "--bot", kind, way, str(api.port)]
        bot = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT)
        keep_to_a_core(first=False)
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not (api.webhook or api.polling):  # noqa: ASYNC110 - another process starts up
                    await asyncio.sleep(0.1)
            await asyncio.sleep(1.0)  # the profile has been set
            yield TelegramLoad(api, bot.pid, texts, session)
        finally:
            bot.kill()
            await bot.wait()
    if api.violations:
        sys.exit(f"Telegram would have refused: {api.violations[:3]}")


def over_echo(found: dict[str, Any], answerer: dict[str, float]) -> dict[str, float]:
    """Milliseconds of processor time that IRIS takes beyond the echo bot and the Answerer."""
    beyond = {}
    for way in WAYS:
        for outstanding in map(str, OUTSTANDING):
            iris, echo = found[f"iris, {way}"][outstanding], found[f"echo, {way}"][outstanding]
            beyond[f"{way}, {outstanding}"] = round(iris["cpu_ms"] - echo["cpu_ms"] - answerer[outstanding], 3)
    return beyond


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what IRIS costs on Telegram, beside a bot that only echoes.")
    parser.add_argument("--content", type=Path, default=ROOT / "content", help="content folder (default: content/)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of steady load (default: %(default)s)")
    parser.add_argument("--limit", type=int, help="only so many questions; nothing is saved")
    parser.add_argument("--bot", nargs=3, metavar=("KIND", "WAY", "PORT"), help="(what this command starts by itself)")
    parser.add_argument("--answerer", action="store_true", help="(what this command starts by itself)")
    options = parser.parse_args()
    sys.path.insert(0, str(STAND_IN))
    if options.bot:
        keep_to_a_core(first=True)
        kind, way, port = options.bot
        asyncio.run(run_bot(kind, way, port, options.content))
        return
    texts = varied_texts(existing(sorted(OWN_QUESTIONS.glob("*.jsonl"))))[: options.limit]
    if options.answerer:
        print(json.dumps(measure_answerer(options.content, CACHE / "own", texts)))
        return
    limited = [] if options.limit is None else ["--limit", str(options.limit)]
    alone = [sys.executable, "-m", "benchmarks.telegram", "--content", str(options.content), "--answerer", *limited]
    answerer = json.loads(subprocess.run(alone, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    found = {
        f"{kind}, {way}": asyncio.run(measure(kind, way, options.content, texts, options.seconds))
        for way in WAYS
        for kind in BOTS
    }
    beyond = over_echo(found, answerer)
    print_rows(found)
    print(f"\nThe Answerer alone: {answerer} ms of processor time a question, by how many come together")
    for name, milliseconds in beyond.items():
        print(f"{name}: {milliseconds} ms beyond echo and Answerer ({ALLOWED_MS} ms allowed)")
    print(f"At {HELD_PER_SECOND} a second, p99 may be {HELD_P99_MS} ms.")
    if options.limit is None:
        result = {"answerer_cpu_ms": answerer, **found, "beyond_echo_and_answerer_cpu_ms": beyond}
        save("telegram", result, ("python-telegram-bot", "aiohttp", "httpx"))


if __name__ == "__main__":
    main()
