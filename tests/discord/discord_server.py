"""A stand-in for Discord on 127.0.0.1: the gateway over a websocket, REST beside it, with Discord's own strictness.

Whatever breaks a rule is answered as Discord answers it and kept in ``violations``, which fails the test at its end.
"""

from __future__ import annotations

import asyncio
import json
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
        """custom_id -> options."""
        found = rules.walk(self.message["components"])
        return {part["custom_id"]: part["options"] for part in found if part["type"] == 3}


@dataclass
class Fault:
    """What the next request to a path gets in place of an answer."""

    path: str
    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


class DiscordServer:
    """One application, one community, one person; a test talks to the bot through it."""

    def __init__(self) -> None:
        self.violations: list[str] = []
        self.requests: list[tuple[str, str, Any]] = []
        self.registered: list[dict[str, Any]] = []
        self.faults: list[Fault] = []
        self.token = TOKEN
        self.close_identify_with: int | None = None
        self.posted: asyncio.Queue[Shown] = asyncio.Queue()
        self.synced: asyncio.Queue[int] = asyncio.Queue()
        self.identified: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.left: asyncio.Queue[int | None] = asyncio.Queue()
        self.heartbeats: asyncio.Queue[int | None] = asyncio.Queue()
        self.heartbeat_ms = 41_250
        self.hold_posts: asyncio.Event | None = None
        self.holding: asyncio.Queue[str] = asyncio.Queue()
        self.url = ""
        self._answers: dict[str, asyncio.Queue[Any]] = defaultdict(asyncio.Queue)
        self._open: dict[str, dict[str, Any]] = {}
        self._acknowledged: dict[str, int] = {}
        self._socket: web.WebSocketResponse | None = None
        self._zlib: Any = None
        self._sequence = 0
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
        if self._socket is not None:
            await self._socket.close()
        await self._runner.cleanup()

    # What a test does

    async def dispatch(self, event: str, data: dict[str, Any]) -> None:
        self._sequence += 1
        await self._tell({"op": 0, "t": event, "s": self._sequence, "d": data})

    async def interact(self, payload: dict[str, Any]) -> Any:
        """Send an interaction and return what the person gets to see: Shown, or the choices of autocomplete."""
        await self.begin(payload)
        return await self.answer(payload)

    async def begin(self, payload: dict[str, Any]) -> None:
        self._open[payload["token"]] = payload
        await self.dispatch("INTERACTION_CREATE", payload)

    async def answer(self, payload: dict[str, Any]) -> Any:
        return await asyncio.wait_for(self._answers[payload["token"]].get(), PATIENCE)

    async def say(self, payload: dict[str, Any]) -> Shown:
        """Send a message of a person and return the message that the bot posts."""
        await self.dispatch("MESSAGE_CREATE", payload)
        return await asyncio.wait_for(self.posted.get(), PATIENCE)

    def fail_next(self, path: str, status: int, body: dict[str, Any] | None = None, **headers: str) -> None:
        """Let the next request whose path ends in ``path`` fail."""
        self.faults.append(Fault(path, status, body or {"message": "stand-in", "code": 0}, headers))

    async def drop(self, code: int) -> None:
        assert self._socket is not None
        await self._socket.close(code=code)

    # The gateway

    async def _gateway(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=64 * 1024**2, timeout=1)
        await socket.prepare(request)
        if request.query.get("v") != "10" or request.query.get("encoding") != "json":
            self.violations.append(f"gateway asked for as {dict(request.query)}")
        self._zlib = zlib.compressobj() if request.query.get("compress") == "zlib-stream" else None
        self._socket = socket
        await self._tell({"op": 10, "d": {"heartbeat_interval": self.heartbeat_ms}})
        async for frame in socket:
            if frame.type is WSMsgType.TEXT:
                await self._hear(json.loads(frame.data))
        self.left.put_nowait(socket.close_code)
        return socket

    async def _hear(self, heard: dict[str, Any]) -> None:
        match heard["op"]:
            case 1:
                self.heartbeats.put_nowait(heard["d"])
                await self._tell({"op": 11})
            case 2:
                await self._identify(heard["d"])
            case 6:
                if heard["d"]["token"] != self.token or heard["d"]["session_id"] != "session":
                    self.violations.append("RESUME with the wrong token or session")
                await self.dispatch("RESUMED", {})
                self.identified.put_nowait({"resumed": heard["d"]["seq"]})
            case 3:
                pass
            case op:
                self.violations.append(f"gateway opcode {op}")

    async def _identify(self, data: dict[str, Any]) -> None:
        assert self._socket is not None
        code = 4004 if data["token"] != self.token else self.close_identify_with
        if code is not None:
            await self._socket.close(code=code)
            return
        if data["intents"] & PRIVILEGED:
            self.violations.append(f"privileged intents asked for: {data['intents']:b}")
        ready = {"v": 10, "user": events.bot_user(), "guilds": [{"id": str(events.GUILD_ID), "unavailable": True}]}
        ready |= {"session_id": "session", "resume_gateway_url": f"ws://{self.url}/", "shard": data["shard"]}
        await self.dispatch("READY", ready | {"application": {"id": str(events.BOT_ID), "flags": 0}})
        await self.dispatch("GUILD_CREATE", events.guild())
        self.identified.put_nowait(data)

    async def _tell(self, payload: dict[str, Any]) -> None:
        assert self._socket is not None
        text = json.dumps(payload)
        if self._zlib is None:
            await self._socket.send_str(text)
        else:
            await self._socket.send_bytes(self._zlib.compress(text.encode()) + self._zlib.flush(zlib.Z_SYNC_FLUSH))

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
            case "GET", ["oauth2", "applications", "@me"]:
                return _json(_application())
            case "GET", ["gateway", "bot"]:
                limit = {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 1}
                return _json({"url": f"ws://{self.url}/", "shards": 1, "session_start_limit": limit})
            case "GET", ["applications", _, "commands"]:
                return _json(self.registered)
            case "PUT", ["applications", _, "commands"]:
                return self._register(body)
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
        added = {"application_id": str(events.BOT_ID), "name_localizations": None, "default_member_permissions": None}
        # As Discord gives them back: with ids, with defaults left out or filled in.
        self.registered = [
            {
                **command,
                **added,
                "id": events.new_id(),
                "version": events.new_id(),
                "description": command.get("description", ""),
            }
            for command in commands
        ]
        self.synced.put_nowait(len(commands))
        return _json(self.registered)

    def _post(self, channel: str, body: dict[str, Any]) -> web.Response:
        if problems := rules.message_problems(body, interaction=False):
            return self._refuse(problems)
        nonce = str(body.get("nonce", ""))
        if body.get("enforce_nonce") and nonce in self._nonces:
            return _json(self._nonces[nonce])
        message = self._message(body, channel)
        self._nonces[nonce] = message
        reference = body.get("message_reference") or {}
        replied_to = str(reference["message_id"]) if reference else None
        self.posted.put_nowait(Shown(message, False, reply_to=replied_to))
        return _json(message)

    def _callback(self, id_: str, token: str, body: dict[str, Any]) -> web.Response:
        opened = self._open.get(token)
        if opened is None or opened["id"] != id_:
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
            if kind == 7 and opened["type"] != 3:
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
        else:
            return self._refuse([f"interaction response type {kind}"])
        self._acknowledged[token] = data.get("flags") or 0
        return _json({"interaction": {"id": id_, "type": opened["type"]}, "resource": resource})

    def _follow_up(self, method: str, parts: list[str], body: dict[str, Any]) -> web.Response:
        token = parts[2]
        if method != "POST" or len(parts) != 3 or parts[1] != str(events.BOT_ID):
            return self._refuse([f"webhook {method} with {len(parts)} parts"])
        if token not in self._acknowledged:
            return _json({"message": "Unknown Webhook", "code": 10015}, 404)
        if problems := rules.message_problems(body, interaction=True):
            return self._refuse(problems)
        message = self._message(body, self._open[token]["channel_id"])
        # The first follow-up takes the place of "thinking", and its visibility with it.
        ephemeral = bool((self._acknowledged[token] | (body.get("flags") or 0)) & rules.EPHEMERAL)
        self._answers[token].put_nowait(Shown(message, ephemeral))
        return _json(message)

    def _message(self, body: dict[str, Any], channel: str, id_: str | None = None) -> dict[str, Any]:
        """The message that Discord makes of what it was sent: with ids on all components."""
        message = events.message("", channel_id=int(channel), author=events.bot_user())
        components = json.loads(json.dumps(body.get("components") or []))
        for number, part in enumerate(rules.walk(components), 1):
            part["id"] = number
        message |= {"components": components, "flags": body.get("flags") or 0, "id": id_ or message["id"]}
        message.pop("guild_id", None)
        message.pop("member", None)
        return message

    def _refuse(self, problems: Iterable[str]) -> web.Response:
        self.violations.extend(problems)
        return _json({"message": "Invalid Form Body", "code": 50035, "errors": {}}, 400)


def _application() -> dict[str, Any]:
    return {
        **{
            "id": str(events.BOT_ID),
            "name": "IRIS",
            "icon": None,
            "description": "",
            "summary": "",
            "verify_key": "00",
        },
        **{"bot_public": True, "bot_require_code_grant": False, "flags": 0, "owner": events.user(), "team": None},
        **{"rpc_origins": [], "interactions_endpoint_url": None, "redirect_uris": []},
    }


def _json(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    # Exactly this content type: with a charset, the library would take the answer as text.
    plain = {"Content-Type": "application/json", "Via": "1.1 stand-in", **(headers or {})}
    return web.Response(body=json.dumps(data).encode(), status=status, headers=plain)
