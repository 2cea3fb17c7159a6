"""What IRIS costs on Discord, beside a bare discord.py bot that only echoes, on the same stand-in in the same run.

    python -m benchmarks.discord [--content PATH] [--seconds 10]

The bot has one core, the stand-in of tests/discord and the load have another. An interaction is a slash command that
asks a varied question of benchmarks/questions, a button, or a letter typed into autocomplete; 1 or 32 are outstanding
at any time. Processor time is that of the bot's process with all its threads. What the Answerer takes of it is measured
by itself, in a process of its own on the same core, with the same questions: singly, and 32 together. Every
figure is the round of four that took the least processor time, since other work on the machine only ever adds to it.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
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
    resident_bytes,
    settle,
)
from benchmarks.report import CACHE, OWN_QUESTIONS, ROOT, existing, save

STAND_IN = ROOT / "tests" / "discord"
GUILDS = (1, 100, 2500)
PATIENCE = 180.0
# Of several rounds the one counts that other work on the machine disturbed least.
ROUNDS, ROUND = 4, 700


# The bots: processes of their own


def run_bot(kind: str, address: str, content: Path) -> None:
    """Connect the "echo" bot or "iris" to the stand-in, until the process is ended."""
    import discord
    import yarl

    discord.http.Route.BASE = f"http://{address}/api/v10"
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(f"ws://{address}/")
    keep_to_a_core(first=True)
    token = importlib.import_module("discord_server").TOKEN
    if kind == "echo":
        _echo_bot().run(token, log_handler=None)
    else:
        asyncio.run(_serve_iris(token, content))


async def _serve_iris(token: str, content: Path) -> None:
    from adapters.discord import DiscordPlatform
    from bot.assembly import build_answerer
    from bot.desk import Desk
    from bot.logs import set_up_logs
    from bot.records import Records
    from bot.settings import RecordSettings

    set_up_logs("json", "info", io.StringIO())  # lines are made as in earnest
    with tempfile.TemporaryDirectory() as folder:
        records = await Records.open(RecordSettings(data=Path(folder)))
        desk = Desk(build_answerer(content, CACHE / "own"))
        settle()
        await DiscordPlatform(token, desk, records).serve()


def _echo_bot() -> Any:
    """As little as a bot can do: it answers a command with its option, a button in place, a letter with a choice."""
    import discord
    from discord import app_commands, ui

    class Echo(discord.AutoShardedClient):
        async def setup_hook(self) -> None:
            self.add_dynamic_items(Again)

    class Again(ui.DynamicItem[ui.Button[ui.View]], template="iris:entry:.*"):
        @classmethod
        async def from_custom_id(cls, interaction: Any, item: Any, match: Any, /) -> Any:
            return cls(item)

        async def callback(self, interaction: Any) -> None:
            await interaction.response.edit_message(view=_one_text("again"))

    def _one_text(text: str) -> Any:
        view = ui.LayoutView(timeout=None)
        view.add_item(ui.TextDisplay(text))
        view.stop()
        return view

    intents = discord.Intents.none()
    intents.guilds = intents.guild_messages = intents.dm_messages = True
    client = Echo(intents=intents, allowed_mentions=discord.AllowedMentions.none(), max_messages=None)
    tree = app_commands.CommandTree(client)

    @tree.command(description="Echo")
    async def ask(interaction: discord.Interaction[Any], question: str) -> None:
        await interaction.response.send_message(view=_one_text(question), ephemeral=True)

    @ask.autocomplete("question")
    async def complete(interaction: discord.Interaction[Any], current: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=f"{current} {number}", value=str(number)) for number in range(25)]

    return client


# The load


class DiscordLoad(Load):
    """A bot under load: the stand-in in this process, the bot in another."""

    def __init__(self, server: Any, events: Any, process: int, texts: list[str]) -> None:
        super().__init__(process, self._interact)
        self._server, self._events = server, events
        self._texts = texts
        self._shown: dict[str, Any] = {}

    async def _interact(self, payload: dict[str, Any]) -> None:
        """As in earnest, where Discord keeps what was said: a stand-in that kept it all would halt for a full round of
        the garbage collector, a fifth of a second long in the end, and every bot would seem to."""
        await self._server.interact(payload)
        self._server.forget(payload)

    async def prepare(self) -> None:
        """The message whose button is pressed later; by its time all guilds have been taken in."""
        if not self._shown:
            payload = self._events.command("ask", question="what is insulin resistance")
            self._shown = (await asyncio.wait_for(self._server.interact(payload), PATIENCE)).message
            row = {"type": 2, "id": 901, "style": 2, "label": "Old", "custom_id": BUTTON}
            self._shown["components"].append({"type": 1, "id": 900, "components": [row]})

    def kinds(self) -> dict[str, Callable[[int], Any]]:
        """Makes the interaction of that number, by kind."""
        command, letters = self._events.command, "what is insulin resistance"
        return {
            "question": lambda number: command("ask", question=self._texts[number % len(self._texts)]),
            "button": lambda number: self._events.press(BUTTON, self._shown),
            "autocomplete": lambda number: command("ask", focused="question", question=letters[: number % 24 + 1]),
        }


BUTTON = "iris:entry:here:1:what-is-insulin-resistance:00000000"


async def measure(kind: str, content: Path, texts: list[str], seconds: float) -> dict[str, Any]:
    """One bot under every load."""
    async with _connected(kind, content, texts, 1) as load:
        found: dict[str, Any] = {}
        for name, make in load.kinds().items():
            for outstanding in OUTSTANDING:
                await load.closed(make, WARM_UP, outstanding)
                rounds = [await load.closed(make, ROUND, outstanding) for _ in range(ROUNDS)]
                found[f"{name}, {outstanding}"] = min(rounds, key=lambda row: row["cpu_ms"])
        question = load.kinds()["question"]
        found[f"{HELD_PER_SECOND} questions a second"] = await load.steady(question, HELD_PER_SECOND, seconds)
        return found


async def measure_memory(kind: str, content: Path, guilds: int) -> float:
    """Resident megabytes of a bot in so many communities."""
    async with _connected(kind, content, ["what is insulin resistance"], guilds) as load:
        return round(resident_bytes(load.process) / 1e6, 1)


class _connected:
    """A bot in a process of its own, connected to a stand-in in this one."""

    def __init__(self, kind: str, content: Path, texts: list[str], guilds: int) -> None:
        self._kind, self._content, self._texts, self._guilds = kind, content, texts, guilds

    async def __aenter__(self) -> DiscordLoad:
        events = importlib.import_module("discord_events")
        module: Any = importlib.import_module("discord_server")
        module.PATIENCE = PATIENCE  # a machine that is busy with other things is slow, not broken
        self._server = module.DiscordServer()
        self._server.interaction_seconds = PATIENCE
        self._server.guilds = list(_communities(events, self._guilds))
        await self._server.start()
        command = ["-m", "benchmarks.discord", "--content", str(self._content), "--bot", self._kind, self._server.url]
        self._bot = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT)
        keep_to_a_core(first=False)
        await asyncio.wait_for(self._server.identified.get(), PATIENCE)
        load = DiscordLoad(self._server, events, self._bot.pid, self._texts)
        await load.prepare()
        return load

    async def __aexit__(self, *_: object) -> None:
        self._bot.kill()
        await self._bot.wait()
        await self._server.stop()
        if self._server.violations:
            sys.exit(f"Discord would have refused: {self._server.violations[:3]}")


def _communities(events: Any, number: int) -> Iterator[dict[str, Any]]:
    """Communities of a usual size: 40 channels, 25 roles, 50 emoji."""
    ids = count(500_000_000_000_000_000)
    for each in range(number):
        guild = events.guild(events.GUILD_ID + each)
        channel, role = guild["channels"][0], guild["roles"][0]
        guild["channels"] += [{**channel, "id": str(next(ids)), "name": f"channel-{ids}"} for _ in range(39)]
        guild["roles"] += [{**role, "id": str(next(ids)), "name": f"role {ids}"} for _ in range(24)]
        emoji = {"roles": [], "require_colons": True, "managed": False, "animated": False, "available": True}
        guild["emojis"] = [{**emoji, "id": str(next(ids)), "name": f"emoji{number}"} for number in range(50)]
        yield guild


def over_echo(found: dict[str, dict[str, Any]], answerer: dict[str, float]) -> dict[str, float]:
    """Milliseconds of processor time that IRIS takes beyond the echo bot and, for questions, the Answerer."""
    beyond = {}
    for name, iris in found["iris"].items():
        if name in found["echo"] and not name.startswith(str(HELD_PER_SECOND)):
            kind, outstanding = name.split(", ")
            known = answerer[outstanding] if kind == "question" else 0.0
            beyond[name] = round(iris["cpu_ms"] - found["echo"][name]["cpu_ms"] - known, 3)
    return beyond


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what IRIS costs on Discord, beside a bot that only echoes.")
    parser.add_argument("--content", type=Path, default=ROOT / "content", help="content folder (default: content/)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of steady load (default: %(default)s)")
    parser.add_argument("--limit", type=int, help="only so many questions; nothing is saved")
    parser.add_argument("--bot", nargs=2, metavar=("KIND", "ADDRESS"), help="(what this command starts by itself)")
    parser.add_argument("--answerer", action="store_true", help="(what this command starts by itself)")
    options = parser.parse_args()
    sys.path.insert(0, str(STAND_IN))
    if options.bot:
        kind, address = options.bot
        run_bot(kind, address, options.content)
        return
    texts = varied_texts(existing(sorted(OWN_QUESTIONS.glob("*.jsonl"))))[: options.limit or ROUND]
    if options.answerer:
        print(json.dumps(measure_answerer(options.content, CACHE / "own", texts, ROUNDS)))
        return
    limited = [] if options.limit is None else ["--limit", str(options.limit)]
    alone = [sys.executable, "-m", "benchmarks.discord", "--content", str(options.content), "--answerer", *limited]
    answerer = json.loads(subprocess.run(alone, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    found = {kind: asyncio.run(measure(kind, options.content, texts, options.seconds)) for kind in ("echo", "iris")}
    memory = {
        kind: {str(guilds): asyncio.run(measure_memory(kind, options.content, guilds)) for guilds in GUILDS}
        for kind in ("echo", "iris")
    }
    beyond = over_echo(found, answerer)
    print_rows(found)
    print(f"\nThe Answerer alone: {answerer} ms of processor time a question, by how many come together")
    for name, milliseconds in beyond.items():
        print(f"{name}: {milliseconds} ms beyond echo and Answerer ({ALLOWED_MS} ms allowed)")
    print(f"\nResident MB by communities: {memory}")
    if options.limit is None:
        result = {"answerer_cpu_ms": answerer, **found, "beyond_echo_and_answerer_cpu_ms": beyond, "memory_mb": memory}
        save("discord", result, ("discord.py", "aiohttp"))


if __name__ == "__main__":
    main()
