"""Several copies of IRIS on one machine, and what becomes of questions when copies are killed: ``make scale-test``.

Real processes, nginx, PostgreSQL and Valkey; the platforms are the stand-ins of the tests. First throughput with one
and with three copies behind nginx; then three copies for Telegram and two for Discord's shards under a steady load,
while one of each is killed (SIGKILL) and started again, as a container engine would.

Telegram calls again when it gets no answer, and so does nginx: nobody has to ask twice. Discord sends nothing again
to a process that died: there a person who gets no reply asks again, and how often that was is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks import report

TESTS = report.ROOT / "tests"
sys.path[:0] = [str(TESTS / room) for room in ("telegram", "discord", "records")]

REPLICAS = 3
# Whoever asks on Discord and sees no reply for this long asks again.
DISCORD_PATIENCE_S = 10.0
# Longer than a claim on an update lasts after its copy died (bot/records/updates.py), and a call is repeated.
PATIENCE_S = 90.0
START_S = 180.0
SECRET = "only-for-the-scale-test-0123456789abcdef"
# Of different lengths and outcomes, one of them a safety reply.
QUESTIONS = (
    "What is insulin resistance?",
    "can i reverse it with exercise",
    "whats the difference between type 1 and type 2",
    "hashimotos and insulin",
    "which tests show insulin resistance",
    "is my blood sugar of 5.8 mmol/l ok in the morning",
    "who won the world cup",
    "my mum is diabetic and does not wake up",
)


class Copy:
    """One ``iris run`` in a process of its own."""

    def __init__(self, name: str, environment: dict[str, str], folder: Path) -> None:
        self.name = name
        self.port = _free_port()
        home = folder / name
        home.mkdir()
        self._log = home / "log"
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("IRIS_")},
            "PYTHONPATH": str(TESTS / "deploy" / "stand_ins"),
            "IRIS_DATA": str(home),
            "IRIS_CACHE": str(report.CACHE / "scale"),
            "IRIS_SECRET": SECRET,
            "IRIS_INTERNAL_PORT": str(self.port),
            "IRIS_RELOAD": "false",
            "IRIS_LOG_FORMAT": "json",
            **environment,
        }
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin; ``ready`` tells when it serves."""
        command = [sys.executable, "-W", "ignore", "-m", "bot", "run"]
        environment = {**self._environment, "PYTHONPATH": f"{self._environment['PYTHONPATH']}:{report.ROOT}"}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self._home, env=environment, stdout=log, stderr=log)

    async def ready(self, session: aiohttp.ClientSession) -> None:
        """Wait until it is connected and has its content."""
        assert self._process is not None
        said: object = "nothing"
        end = time.monotonic() + START_S
        while time.monotonic() < end and self._process.poll() is None:
            try:
                async with session.get(f"http://127.0.0.1:{self.port}/readyz") as answer:
                    if answer.ok:
                        return
                    said = await answer.json()
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.1)
        log = self._log.read_text(encoding="utf-8")[-2000:]
        raise RuntimeError(f"{self.name} is not ready; it says {said}, and its log:\n{log}")

    def kill(self) -> None:
        """As when the machine fails: no chance to finish anything."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """As a container engine does it; the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(15)

    @property
    def processor_s(self) -> float:
        """Processor seconds used so far."""
        assert self._process is not None
        return _processor_s(self._process.pid)

    @property
    def held_up_s(self) -> float:
        """Seconds in which its threads could have worked, but something else had the processor."""
        assert self._process is not None
        threads = Path(f"/proc/{self._process.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text(encoding="ascii").split()[1]) for thread in threads) / 1e9


@dataclass
class Asked:
    """What was asked, and what became of it."""

    keys: list[str] = field(default_factory=list)
    """Of each question on its platform; where somebody asked again, of each time."""
    waits_s: list[float] = field(default_factory=list)
    again: int = 0
    questions: int = 0
    unanswered: int = 0


class Telegram:
    """Telegram's side: calls the webhook, repeats what is not answered with 2xx, and counts what comes back."""

    def __init__(self, api: Any, session: aiohttp.ClientSession) -> None:
        self._api, self._session = api, session
        self._people = import_module("people")
        self._updates = itertools.count(5_000_000)
        self._chats = itertools.count(7_000_000_000)
        self._seen = 0
        self._replies: Counter[str] = Counter()
        self.calls_again = 0

    async def ask(self, text: str, asked: Asked) -> None:
        """One person asks one question, in a chat of their own, and waits."""
        chat = next(self._chats)
        person = {"id": chat, "is_bot": False, "first_name": "Ann", "language_code": "en"}
        message = self._people.message(text, {"id": chat, "type": "private", "first_name": "Ann"}, person)
        update = {"update_id": next(self._updates), "message": message}
        headers = {"X-Telegram-Bot-Api-Secret-Token": self._api.webhook["secret_token"]}
        asked.questions += 1
        asked.keys.append(str(chat))
        started = time.monotonic()
        while time.monotonic() - started < PATIENCE_S:
            try:
                async with self._session.post(self._api.webhook["url"], json=update, headers=headers) as answer:
                    if answer.ok:
                        break
            except aiohttp.ClientError:
                pass
            self.calls_again += 1
            await asyncio.sleep(1.0)
        # A call may be answered before its question is, when it takes long.
        while not (answered := self.replies()[str(chat)]) and time.monotonic() - started < PATIENCE_S:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        if answered:
            asked.waits_s.append(time.monotonic() - started)
        else:
            asked.unanswered += 1

    def replies(self) -> Counter[str]:
        """Messages that the bot wrote, by chat."""
        for call in self._api.calls[self._seen :]:
            if call.method == "sendMessage":
                self._replies[str(call.data["chat_id"])] += 1
        self._seen = len(self._api.calls)
        return self._replies


class Discord:
    """Discord's side: a community on each shard, whose people mention IRIS and wait for a reply to their message."""

    def __init__(self, server: Any, shards: int) -> None:
        self._server, self._shards = server, shards
        self._events = import_module("discord_events")
        server.guilds = [self._guild(shard) for shard in range(shards)]
        self._seen = 0
        self._replies: Counter[str] = Counter()

    def _guild(self, shard: int) -> Any:
        """The tests' community with ids of its own; the shard follows from the id (docs/events/gateway, "Sharding")."""
        shift = (shard - (self._events.GUILD_ID >> 22)) % self._shards << 22
        text = json.dumps(self._events.guild())
        for number in (self._events.GUILD_ID, self._events.CHANNEL_ID, self._events.THREAD_ID):
            text = text.replace(str(number), str(number + shift))
        return json.loads(text)

    async def ask(self, text: str, shard: int, asked: Asked) -> None:
        """One person asks, and asks again while nothing comes."""
        asked.questions += 1
        started = time.monotonic()
        while time.monotonic() - started < PATIENCE_S:
            guild = self._server.guilds[shard]
            channel = int(guild["channels"][0]["id"])
            words = f"<@{self._events.BOT_ID}> {text}"
            message = self._events.message(words, channel_id=channel, mentions_bot=True) | {"guild_id": guild["id"]}
            asked.keys.append(message["id"])
            # Without a connection for this shard, Discord sends it to nobody.
            with suppress(ConnectionError, KeyError, RuntimeError, aiohttp.ClientError):
                await self._server.dispatch("MESSAGE_CREATE", message, shard)
            patience = time.monotonic() + DISCORD_PATIENCE_S
            while time.monotonic() < patience:
                if self.replies()[message["id"]]:
                    asked.waits_s.append(time.monotonic() - started)
                    return
                await asyncio.sleep(0.02)
            asked.again += 1
        asked.unanswered += 1

    def replies(self) -> Counter[str]:
        """Replies by the message that they answer."""
        for method, path, body in self._server.requests[self._seen :]:
            reference = (body or {}).get("message_reference") if isinstance(body, dict) else None
            if method == "POST" and path.endswith("/messages") and reference:
                self._replies[str(reference["message_id"])] += 1
        self._seen = len(self._server.requests)
        return self._replies


@contextmanager
def proxy(ports: list[int], folder: Path) -> Iterator[int]:
    """nginx with the configuration that is shipped, before copies on these ports; its own port."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        sys.exit("nginx is not installed here. On Debian and Ubuntu: apt install nginx-light")
    port, home = _free_port(), folder / "nginx"
    home.mkdir()
    servers = "\n".join(f"    server 127.0.0.1:{each} max_fails=1 fail_timeout=5s;" for each in ports)
    (home / "upstream.conf").write_text(
        f"upstream iris_telegram {{\n    zone iris_telegram 64k;\n    least_conn;\n{servers}\n    keepalive 32;\n}}\n"
    )
    (home / "listen.conf").write_text(f"listen 127.0.0.1:{port};\n")
    shipped = (report.ROOT / "deploy" / "nginx" / "iris.conf").read_text(encoding="utf-8")
    (home / "iris.conf").write_text(shipped.replace("/etc/nginx/iris/", f"{home}/"))
    places = "".join(
        f"{each}_temp_path {home}/{each};" for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    (home / "nginx.conf").write_text(
        f"daemon off; {user} pid {home}/pid; error_log {home}/error.log; worker_processes 1;\n"
        f"events {{}}\nhttp {{ {places} include {home}/iris.conf; }}\n"
    )
    process = subprocess.Popen([nginx, "-p", str(home), "-c", str(home / "nginx.conf"), "-e", str(home / "error.log")])
    try:
        yield port
    finally:
        process.terminate()
        process.wait(10)


@dataclass
class Stack:
    """The servers that all copies share, and the platforms' stand-ins."""

    folder: Path
    session: aiohttp.ClientSession
    telegram_api: Any
    discord_server: Any
    postgres: Any
    valkey: Any
    telegram: Telegram

    def environment(self) -> dict[str, str]:
        """What a copy needs to find them."""
        return {
            "IRIS_DATABASE_URL": self.postgres.empty(),
            "IRIS_VALKEY_URL": self.valkey.url,
            "IRIS_TELEGRAM_API_URL": self.telegram_api.base_url.removesuffix("/bot"),
            "STAND_IN_DISCORD": self.discord_server.url,
        }


async def start_stack(endings: AsyncExitStack) -> Stack:
    """Everything but the copies."""
    servers, bot_api, discord_server = map(import_module, ("servers", "bot_api", "discord_server"))
    name = endings.enter_context(tempfile.TemporaryDirectory(prefix="iris-scale-"))
    os.chmod(name, 0o755)  # PostgreSQL runs as another user  # noqa: PTH101
    folder = Path(name)
    postgres, valkey = servers.PostgresServer(folder), servers.ValkeyServer()
    for server in (postgres, valkey):
        endings.callback(server.stop)
        await asyncio.to_thread(server.start)
    api = await endings.enter_async_context(bot_api.BotApi())
    discord = discord_server.DiscordServer()
    discord.shards = 2
    await discord.start()
    endings.push_async_callback(discord.stop)
    # Each call of the webhook is a connection of its own: kept ones may be closed under it when nginx reloads.
    connector = aiohttp.TCPConnector(limit=0)
    session = await endings.enter_async_context(aiohttp.ClientSession(connector=connector))
    return Stack(folder, session, api, discord, postgres, valkey, Telegram(api, session))


def telegram_copies(
    stack: Stack, number: int, ports: list[int], port: int, shared: dict[str, str], label: str
) -> list[Copy]:
    """Copies that serve Telegram's calls on ``ports``, behind a proxy on ``port``."""
    token = import_module("bot_api").TOKEN
    url = f"http://127.0.0.1:{port}/telegram"
    return [
        Copy(
            f"{label}-{each}",
            {
                **shared,
                "IRIS_TELEGRAM_TOKEN": token,
                "IRIS_TELEGRAM_WEBHOOK_URL": url,
                "IRIS_TELEGRAM_WEBHOOK_PORT": str(ports[each]),
            },
            stack.folder,
        )
        for each in range(number)
    ]


async def measure_throughput(stack: Stack, replicas: int, questions: int, outstanding: int) -> dict[str, Any]:
    """Questions a second that ``replicas`` copies answer while ``outstanding`` wait at any time."""
    async with AsyncExitStack() as endings:
        ports = [_free_port() for _ in range(replicas)]
        folder = stack.folder / f"throughput-{replicas}"
        folder.mkdir()
        port = endings.enter_context(proxy(ports, folder))
        shared = {**stack.environment(), "STAND_IN_UNLIMITED": "1"}
        copies = telegram_copies(stack, replicas, ports, port, shared, f"of-{replicas}")
        await _start(copies, stack, endings)
        texts = itertools.cycle(QUESTIONS)
        await _side_by_side(outstanding, 2 * outstanding, lambda asked: stack.telegram.ask(next(texts), asked), Asked())
        asked = Asked()
        used_before, held_up_before = _sum_of(copies)
        mine, started = time.process_time(), time.monotonic()
        await _side_by_side(outstanding, questions, lambda asked: stack.telegram.ask(next(texts), asked), asked)
        seconds = time.monotonic() - started
        used, held_up = (
            now - before for now, before in zip(_sum_of(copies), (used_before, held_up_before), strict=True)
        )
        return {
            "replicas": replicas,
            "outstanding": outstanding,
            "per_second": round(questions / seconds, 1),
            "p50_ms": round(statistics.median(asked.waits_s) * 1000, 1),
            "p99_ms": round(statistics.quantiles(asked.waits_s, n=100)[98] * 1000, 1),
            "processor_ms_per_question": round(used / questions * 1000, 2),
            "cores_used_by_copies": round(used / seconds, 2),
            "cores_that_copies_waited_for": round(held_up / seconds, 2),
            "cores_used_by_stand_in_and_load": round((time.process_time() - mine) / seconds, 2),
            "unanswered": asked.unanswered,
        }


async def measure_kills(stack: Stack, seconds: float, rate: float) -> dict[str, Any]:
    """Ask ``rate`` questions a second on Telegram and a third of it on Discord; kill one copy of each on the way."""
    async with AsyncExitStack() as endings:
        ports = [_free_port() for _ in range(REPLICAS)]
        folder = stack.folder / "kills"
        folder.mkdir()
        port = endings.enter_context(proxy(ports, folder))
        shared = stack.environment()
        telegrams = telegram_copies(stack, REPLICAS, ports, port, shared, "telegram")
        token = import_module("discord_server").TOKEN
        discord = Discord(stack.discord_server, 2)
        discords = [
            Copy(
                f"discord-{shard}",
                {**shared, "IRIS_DISCORD_TOKEN": token, "IRIS_DISCORD_SHARDS": f"{shard}-{shard}/2"},
                stack.folder,
            )
            for shard in range(2)
        ]
        await _start([*telegrams, *discords], stack, endings)
        telegram = stack.telegram
        on_telegram, on_discord = Asked(), Asked()
        texts = itertools.cycle(QUESTIONS)
        people: list[asyncio.Task[None]] = []

        async def load(ask: Callable[[], Awaitable[None]], per_second: float) -> None:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                people.append(asyncio.ensure_future(ask()))
                await asyncio.sleep(1 / per_second)

        async def kill(copy: Copy, at: float) -> float:
            await asyncio.sleep(at)
            copy.kill()
            print(f"  {at:4.0f} s  {copy.name} killed", flush=True)
            killed = time.monotonic()
            await asyncio.sleep(1.0)  # what a container engine takes to notice and to start it again
            copy.start()
            await copy.ready(stack.session)
            away = time.monotonic() - killed
            print(f"  {at + away:4.0f} s  {copy.name} serves again, after {away:.1f} s", flush=True)
            return away

        shards = itertools.cycle(range(2))
        *_, telegram_away, discord_away = await asyncio.gather(
            load(lambda: telegram.ask(next(texts), on_telegram), rate),
            load(lambda: discord.ask(next(texts), next(shards), on_discord), rate / 3),
            kill(telegrams[0], seconds / 4),
            kill(discords[0], seconds / 2),
        )
        await asyncio.gather(*people)
        await asyncio.sleep(2.0)  # for a second reply, which nobody waits for
        codes = [copy.stop() for copy in [*telegrams, *discords]]
        return {
            "telegram": _outcome(on_telegram, telegram.replies()) | {"away_s": round(telegram_away, 1)},
            "discord": _outcome(on_discord, discord.replies()) | {"away_s": round(discord_away, 1)},
            "calls_repeated_by_telegram": telegram.calls_again,
            "exit_codes_after_sigterm": codes,
        }


def _outcome(asked: Asked, replies: Counter[str]) -> dict[str, Any]:
    waits = sorted(asked.waits_s)
    return {
        "questions": asked.questions,
        "unanswered": asked.unanswered,
        "answered_twice": sum(replies[key] > 1 for key in asked.keys),
        "asked_again": asked.again,
        "p50_ms": round(statistics.median(waits) * 1000, 1),
        "p99_ms": round(statistics.quantiles(waits, n=100)[98] * 1000, 1),
        "longest_s": round(waits[-1], 1),
    }


async def _start(copies: list[Copy], stack: Stack, endings: AsyncExitStack) -> None:
    """Start them, and have them stopped at the end."""
    for copy in copies:
        copy.start()
        endings.callback(copy.kill)
    await asyncio.gather(*(copy.ready(stack.session) for copy in copies))


async def _side_by_side(workers: int, questions: int, ask: Callable[[Asked], Awaitable[None]], asked: Asked) -> None:
    """Ask so many questions in all, ``workers`` at a time."""
    left = iter(range(questions))

    async def work() -> None:
        for _ in left:
            await ask(asked)

    await asyncio.gather(*(work() for _ in range(workers)))


def _sum_of(copies: list[Copy]) -> tuple[float, float]:
    """Processor seconds that they used, and seconds for which they were held up."""
    return sum(copy.processor_s for copy in copies), sum(copy.held_up_s for copy in copies)


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _free_port() -> int:
    port: int = import_module("servers").free_port()
    return port


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    """All of it."""
    # Once, so that the copies do not all learn the content at the same time.
    learn = [sys.executable, "-m", "bot", "ask", "What is insulin?"]
    environment = os.environ | {"IRIS_CACHE": str(report.CACHE / "scale")}
    await asyncio.to_thread(subprocess.run, learn, cwd=report.ROOT, env=environment, check=True, capture_output=True)
    async with AsyncExitStack() as endings:
        stack = await start_stack(endings)
        throughput = []
        for replicas in () if options.only == "kills" else (1, REPLICAS):
            found = await measure_throughput(stack, replicas, options.questions, options.outstanding)
            throughput.append(found)
            print(_row(found), flush=True)
        if options.only == "throughput":
            return {"throughput": throughput, "kills": {}, "refused_by_the_platforms": stack.telegram_api.violations}
        print(f"Killing one copy of each, under {options.rate:.0f} + {options.rate / 3:.0f} questions a second:")
        kills = await measure_kills(stack, options.seconds, options.rate)
        for platform in ("telegram", "discord"):
            print(f"  {platform}: {_row(kills[platform])}")
        print(f"  exit codes after SIGTERM: {kills['exit_codes_after_sigterm']}")
        violations = [*stack.telegram_api.violations, *stack.discord_server.violations]
        return {"throughput": throughput, "kills": kills, "refused_by_the_platforms": violations}


def _row(found: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in found.items())


def main() -> None:
    """Measure, print, save; exit 1 where a question was lost or answered twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=1000, help="for each throughput (default %(default)s)")
    parser.add_argument("--outstanding", type=int, default=32, help="questions that wait at any time")
    parser.add_argument("--seconds", type=float, default=40.0, help="of load while copies are killed")
    parser.add_argument("--rate", type=float, default=15.0, help="questions a second on Telegram meanwhile")
    parser.add_argument("--only", choices=("throughput", "kills"), help="one of the two; nothing is saved")
    options = parser.parse_args()
    result = asyncio.run(measure(options))
    lost = {
        f"{platform} {what}": number
        for platform in ("telegram", "discord")
        for what in ("unanswered", "answered_twice")
        if (number := result["kills"].get(platform, {}).get(what))
    }
    for problem in result["refused_by_the_platforms"]:
        print(f"refused: {problem}")
    if not options.only:
        report.save("scale", result, ("discord.py", "python-telegram-bot", "asyncpg", "valkey"))
    if options.only != "throughput":
        print(f"NOT AS IT SHOULD BE: {_row(lost)}" if lost else "No question was lost, none was answered twice.")
    sys.exit(bool(lost or result["refused_by_the_platforms"]))


if __name__ == "__main__":
    main()
