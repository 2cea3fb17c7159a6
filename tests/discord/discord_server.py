"""A stand-in for Discord on 127.0.0.1: the gateway over a websocket, REST beside it, with Discord's own strictness.

Whatever breaks a rule is answered as Discord answers it and kept in ``violations``, which fails the test at its end.
"""

from __future__ import annotations

import asyncio
import json
import time
import zlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import discord_events as events
import discord_rules as rules
from aiohttp import WSMsgType, web

TOKEN = "MTAwMDAwMDAwMDAwMDAwMDAx.GabcDE.stand-in-token-of-the-tests-only-x"
# members, presences, message content: for these an operator would have to apply.
PRIVILEGED = 1 << 1 | 1 << 8 | 1 << 15
PATIENCE = 5.0


@dataclass
class Shown:
    """What a person sees: a message that the bot posted, or changed."""

    message: dict[str, Any]
    ephemeral: bool
    edited: bool = False
    reply_to: str | None = None

    @property
    def text(self) -> str:
        return "\n".join(part["content"] for part in rules.walk(self.message["components"]) if part["type"] == 10)

    @property
    def buttons(self) -> dict[str, str]:
        """Label -> custom_id."""
        return {
            part["label"]: part["custom_id"] for part in rules.walk(self.message["components"]) if part["type"] == 2
        }

    @property
    def menus(self) -> dict[str, list[dict[str, Any]]]:
        """custom_id -> options; of a menu of channels, those that are chosen."""
        found = [part for part in rules.walk(self.message["components"]) if part["type"] in (3, 8)]
        return {part["custom_id"]: part.get("options", part.get("default_values", [])) for part in found}


@dataclass
class Form:
    """What a person is asked to fill in."""

    modal: dict[str, Any]

    @property
    def text(self) -> str:
        return "\n".join(part["content"] for part in self.modal["components"] if part["type"] == 10)

    @property
    def fields(self) -> dict[str, str]:
        """custom_id -> what stands in the field."""
        inner = [part["component"] for part in self.modal["components"] if part["type"] == 18]
        return {part["custom_id"]: part.get("value") or "" for part in inner}


@dataclass
class Fault:
    """What the next request to a path gets in place of an answer."""

    path: str
    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Line:
    """One gateway connection."""

    socket: web.WebSocketResponse
    stream: Any
    """The zlib stream of all its messages; None where the client did not ask for one."""
    sequence: int = 0
    shard: int = 0

    async def tell(self, payload: dict[str, Any]) -> None:
        text = json.dumps(payload)
        if self.stream is None:
            await self.socket.send_str(text)
        else:
            await self.socket.send_bytes(self.stream.compress(text.encode()) + self.stream.flush(zlib.Z_SYNC_FLUSH))

    async def dispatch(self, event: str, data: Any) -> None:
        self.sequence += 1
        await self.tell({"op": 0, "t": event, "s": self.sequence, "d": data})


class DiscordServer:
    """One application, one community, one person; a test talks to the bot through it."""

    def __init__(self) -> None:
        self.violations: list[str] = []
        self.requests: list[tuple[str, str, Any]] = []
        self.registered: list[dict[str, Any]] = []
        self.faults: list[Fault] = []
        self.token = TOKEN
        # The gateway's moods
        self.close_identify_with: int | None = None
        self.compressed = True
        self.acknowledges = True
        self.invalid_sessions: list[bool] = []
        """For each of the next IDENTIFY or RESUME: the session is invalid, and whether it can be resumed."""
        self.shards = 1
        self.limit = {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 1}
        self.identify_spacing_s = 0.0
        self.heartbeat_ms = 41_250
        self.interaction_seconds = 3.0
        """After this long, an interaction that was not acknowledged is unknown."""
        self.guilds = [events.guild()]
        # What happened
        self.posted: asyncio.Queue[Shown] = asyncio.Queue()
        self.synced: asyncio.Queue[int] = asyncio.Queue()
        self.identified: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.identify_times: list[float] = []
        self.left: asyncio.Queue[int | None] = asyncio.Queue()
        self.heartbeats: asyncio.Queue[int | None] = asyncio.Queue()
        self.lines: dict[int, Line] = {}
        self.messages: dict[str, dict[str, Any]] = {}
        """What people wrote, by id: what the bot may look up."""
        self.hold_posts: asyncio.Event | None = None
        self.holding: asyncio.Queue[str] = asyncio.Queue()
        self.url = ""
        self._answers: dict[str, asyncio.Queue[Any]] = defaultdict(asyncio.Queue)
        self._open: dict[str, dict[str, Any]] = {}
        self._begun: dict[str, float] = {}
        self._acknowledged: dict[str, int] = {}
        self._followed_up: set[str] = set()
        self._nonces: dict[str, dict[str, Any]] = {}
        app = web.Application(client_max_size=64 * 1024**2)
        app.router.add_get("/", self._gateway)
        app.router.add_route("*", "/api/v10/{path:.*}", self._rest)
        self._runner = web.AppRunner(app, shutdown_timeout=1)

    async def start(self) -> None:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        for line in self.lines.values():
            await line.socket.close()
        await self._runner.cleanup()

    # What a test does

    async def dispatch(self, event: str, data: Any, shard: int = 0) -> None:
        await self.lines[shard].dispatch(event, data)

    async def interact(self, payload: dict[str, Any]) -> Any:
        """Send an interaction and return what the person gets to see: Shown, Form, or the choices of autocomplete.

        "thinking" where the bot takes its time, "deleted" where a message is gone.
        """
        await self.begin(payload)
        return await self.answer(payload)

    async def begin(self, payload: dict[str, Any]) -> None:
        self._open[payload["token"]] = payload
        self._begun[payload["token"]] = time.monotonic()
        await self.dispatch("INTERACTION_CREATE", payload)

    async def answer(self, payload: dict[str, Any]) -> Any:
        return await asyncio.wait_for(self._answers[payload["token"]].get(), PATIENCE)

    def forget(self, payload: dict[str, Any]) -> None:
        """Keep nothing of an answered interaction: what thousands leave behind makes Python's collector slow."""
        token = payload["token"]
        for kept in (self._open, self._begun, self._acknowledged, self._answers):
            kept.pop(token, None)
        self._followed_up.discard(token)
        self.requests.clear()

    async def say(self, payload: dict[str, Any], shard: int = 0) -> Shown:
        """Send a message of a person and return the message that the bot posts."""
        self.messages[payload["id"]] = payload
        await self.dispatch("MESSAGE_CREATE", payload, shard)
        return await asyncio.wait_for(self.posted.get(), PATIENCE)

    def fail_next(self, path: str, status: int, body: dict[str, Any] | None = None, **headers: str) -> None:
        """Let the next request whose path ends in ``path`` fail."""
        self.faults.append(Fault(path, status, body or {"message": "stand-in", "code": 0}, headers))

    async def drop(self, code: int, shard: int = 0) -> None:
        await self.lines[shard].socket.close(code=code)

    # The gateway

    async def _gateway(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=64 * 1024**2, timeout=1)
        await socket.prepare(request)
        if request.query.get("v") != "10" or request.query.get("encoding") != "json":
            self.violations.append(f"gateway asked for as {dict(request.query)}")
        asked = self.compressed and request.query.get("compress") == "zlib-stream"
        line = Line(socket, zlib.compressobj() if asked else None)
        await line.tell({"op": 10, "d": {"heartbeat_interval": self.heartbeat_ms}})
        async for frame in socket:
            if frame.type is WSMsgType.TEXT:
                await self._hear(line, json.loads(frame.data))
        self.left.put_nowait(socket.close_code)
        return socket

    async def _hear(self, line: Line, heard: dict[str, Any]) -> None:
        match heard["op"]:
            case 1:
                self.heartbeats.put_nowait(heard["d"])
                if self.acknowledges:
                    await line.tell({"op": 11})
            case 2 | 6 if self.invalid_sessions:
                await line.tell({"op": 9, "d": self.invalid_sessions.pop(0)})
            case 2:
                await self._identify(line, heard["d"])
            case 6:
                session = heard["d"]["session_id"]
                if heard["d"]["token"] != self.token or not session.startswith("session-"):
                    self.violations.append("RESUME with the wrong token or session")
                line.shard = int(session.removeprefix("session-"))
                line.sequence = heard["d"]["seq"]
                self.lines[line.shard] = line
                await line.dispatch("RESUMED", {})
                self.identified.put_nowait({"resumed": heard["d"]["seq"]})
            case 3:
                pass
            case op:
                self.violations.append(f"gateway opcode {op}")

    async def _identify(self, line: Line, data: dict[str, Any]) -> None:
        code = 4004 if data["token"] != self.token else self.close_identify_with
        if code is not None:
            await line.socket.close(code=code)
            return
        if data["intents"] & PRIVILEGED:
            self.violations.append(f"privileged intents asked for: {data['intents']:b}")
        self.limit["remaining"] -= 1
        self.identify_times.append(time.monotonic())
        distances = [
            later - earlier for earlier, later in zip(self.identify_times, self.identify_times[1:], strict=False)
        ]
        if distances and min(distances) < self.identify_spacing_s:
            self.violations.append(f"identifies {min(distances):.3f} s apart")
        line.shard, count = data["shard"]
        self.lines[line.shard] = line
        guilds = [guild for guild in self.guilds if (int(guild["id"]) >> 22) % count == line.shard]
        ready = {
            "v": 10,
            "user": events.bot_user(),
            "guilds": [{"id": guild["id"], "unavailable": True} for guild in guilds],
        }
        ready |= {
            "session_id": f"session-{line.shard}",
            "resume_gateway_url": f"ws://{self.url}/",
            "shard": data["shard"],
        }
        await line.dispatch("READY", ready | {"application": {"id": str(events.BOT_ID), "flags": 0}})
        for guild in guilds:
            await line.dispatch("GUILD_CREATE", guild)
        self.identified.put_nowait(data)

    # REST

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        path = "/" + request.match_info["path"]
        raw = await request.read()
        body = json.loads(raw) if raw else None
        self.requests.append((request.method, path, body))
        fault = next((fault for fault in self.faults if path.endswith(fault.path)), None)
        if fault is not None:
            self.faults.remove(fault)
            return _json(fault.body, fault.status, fault.headers)
        parts = path.strip("/").split("/")
        if parts[0] == "interactions":
            return self._callback(parts[1], parts[2], body)
        if parts[0] == "webhooks":
            return self._follow_up(request.method, parts, body)
        if request.headers.get("Authorization") != f"Bot {self.token}":
            return _json({"message": "401: Unauthorized", "code": 0}, 401)
        match request.method, parts:
            case "GET", ["users", "@me"]:
                return _json(events.bot_user())
            case "POST", ["users", "@me", "channels"]:
                return _json({"id": str(events.DM_ID), "type": 1, "recipients": [events.user()]})
            case "GET", ["oauth2", "applications", "@me"]:
                return _json(_application())
            case "GET", ["gateway", "bot"]:
                return _json({"url": f"ws://{self.url}/", "shards": self.shards, "session_start_limit": self.limit})
            case "GET", ["applications", _, "commands"]:
                hidden = {"name_localizations", "description_localizations"}
                kept = set() if request.query.get("with_localizations") == "true" else hidden
                return _json([{key: part[key] for key in part.keys() - kept} for part in self.registered])
            case "PUT", ["applications", _, "commands"]:
                return self._register(body)
            case "GET", ["channels", _, "messages", id_] if id_ in self.messages:
                return _json(self.messages[id_])
            case "GET", ["channels", _, "messages", _]:
                return _json({"message": "Unknown Message", "code": 10008}, 404)
            case "POST", ["channels", channel, "messages"]:
                if self.hold_posts is not None:
                    self.holding.put_nowait(channel)
                    await self.hold_posts.wait()
                return self._post(channel, body)
        self.violations.append(f"unexpected {request.method} {path}")
        return _json({"message": "404: Not Found", "code": 0}, 404)

    def _register(self, commands: list[dict[str, Any]]) -> web.Response:
        if problems := rules.command_problems(commands):
            return self._refuse(problems)
        # As Discord gives them back: with ids, with defaults left out or filled in, with permissions as text.
        self.registered = []
        for command in commands:
            rights = command.get("default_member_permissions")
            added = {"application_id": str(events.BOT_ID), "id": events.new_id(), "version": events.new_id()}
            added |= {"description": command.get("description", ""), "name_localizations": None}
            self.registered.append({**added, **command, "default_member_permissions": rights and str(rights)})
        self.synced.put_nowait(len(commands))
        return _json(self.registered)

    def _post(self, channel: str, body: dict[str, Any]) -> web.Response:
        if problems := rules.message_problems(body, interaction=False):
            return self._refuse(problems)
        nonce = str(body.get("nonce", ""))
        if body.get("enforce_nonce") and nonce in self._nonces:
            return _json(self._nonces[nonce])
        message = self._message(body, channel)
        if nonce:
            self._nonces[nonce] = message
        reference = body.get("message_reference") or {}
        replied_to = str(reference["message_id"]) if reference else None
        self.posted.put_nowait(Shown(message, False, reply_to=replied_to))
        return _json(message)

    def _callback(self, id_: str, token: str, body: dict[str, Any]) -> web.Response:
        opened = self._open.get(token)
        late = time.monotonic() - self._begun.get(token, 0.0) > self.interaction_seconds
        if opened is None or opened["id"] != id_ or late:
            return _json({"message": "Unknown interaction", "code": 10062}, 404)
        if token in self._acknowledged:
            self.violations.append("an interaction was acknowledged twice")
            return _json({"message": "Interaction has already been acknowledged.", "code": 40060}, 400)
        kind, data = body["type"], body.get("data") or {}
        resource: dict[str, Any] = {"type": kind}
        if kind == 8:
            if problems := rules.choice_problems(data["choices"]):
                return self._refuse(problems)
            self._answers[token].put_nowait(data["choices"])
        elif kind in (4, 7):
            if problems := rules.message_problems(data, interaction=True):
                return self._refuse(problems)
            if kind == 7 and "message" not in opened:
                return self._refuse(["changes a message that nobody pressed"])
            ephemeral = bool((data.get("flags") or 0) & rules.EPHEMERAL)
            if kind == 7:
                data = {**data, "flags": opened["message"]["flags"]}
                ephemeral = bool(data["flags"] & rules.EPHEMERAL)
            message = self._message(data, opened["channel_id"], opened["message"]["id"] if kind == 7 else None)
            resource["message"] = message
            self._answers[token].put_nowait(Shown(message, ephemeral, edited=kind == 7))
        elif kind == 5:
            if (data.get("flags") or 0) & ~rules.EPHEMERAL:
                return self._refuse(["a deferred reply can only be ephemeral"])
            self._answers[token].put_nowait("thinking")
        elif kind == 6 and opened["type"] == 3:
            pass  # the pressed message stays as it is for now
        elif kind == 9 and opened["type"] != 5:
            if problems := rules.modal_problems(data):
                return self._refuse(problems)
            self._answers[token].put_nowait(Form(data))
        else:
            return self._refuse([f"interaction response type {kind} to one of type {opened['type']}"])
        self._acknowledged[token] = data.get("flags") or 0
        return _json({"interaction": {"id": id_, "type": opened["type"]}, "resource": resource})

    def _follow_up(self, method: str, parts: list[str], body: Any) -> web.Response:
        token = parts[2]
        if token not in self._acknowledged:
            return _json({"message": "Unknown Webhook", "code": 10015}, 404)
        if (method, parts[3:]) == ("DELETE", ["messages", "@original"]):
            self._answers[token].put_nowait("deleted")
            self._acknowledged[token] = 0
            self._followed_up.add(token)
            return web.Response(status=204)
        if method != "POST" or len(parts) != 3 or parts[1] != str(events.BOT_ID):
            return self._refuse([f"webhook {method} with {len(parts)} parts"])
        if problems := rules.message_problems(body, interaction=True):
            return self._refuse(problems)
        message = self._message(body, self._open[token]["channel_id"])
        # The first follow-up takes the place of "thinking", and its visibility with it.
        flags = body.get("flags") or 0
        if token not in self._followed_up:
            flags = self._acknowledged[token]
        self._followed_up.add(token)
        self._answers[token].put_nowait(Shown(message, bool(flags & rules.EPHEMERAL)))
        return _json(message)

    def _message(self, body: dict[str, Any], channel: str, id_: str | None = None) -> dict[str, Any]:
        """The message that Discord makes of what it was sent: with ids on all components."""
        message = events.message("", channel_id=int(channel), author=events.bot_user())
        components = json.loads(json.dumps(body.get("components") or []))
        for number, part in enumerate(rules.walk(components), 1):
            part["id"] = number
            for value in part.get("default_values", ()):
                value["id"] = str(value["id"])  # ids may be sent as numbers; they come back as text
        message |= {"components": components, "flags": body.get("flags") or 0, "id": id_ or message["id"]}
        message.pop("guild_id", None)
        message.pop("member", None)
        if reference := body.get("message_reference"):
            message |= {"type": 19, "message_reference": {**reference, "channel_id": channel}}
        return message

    def _refuse(self, problems: Iterable[str]) -> web.Response:
        self.violations.extend(problems)
        return _json({"message": "Invalid Form Body", "code": 50035, "errors": {}}, 400)


def _application() -> dict[str, Any]:
    named = {
        "id": str(events.BOT_ID),
        "name": "IRIS",
        "icon": None,
        "description": "",
        "summary": "",
        "verify_key": "00",
    }
    return {
        **named,
        **{"bot_public": True, "bot_require_code_grant": False, "flags": 0, "owner": events.user(), "team": None},
        **{"rpc_origins": [], "interactions_endpoint_url": None, "redirect_uris": []},
    }


def _json(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    # Exactly this content type: with a charset, the library would take the answer as text.
    plain = {"Content-Type": "application/json", "Via": "1.1 stand-in", **(headers or {})}
    return web.Response(body=json.dumps(data).encode(), status=status, headers=plain)
