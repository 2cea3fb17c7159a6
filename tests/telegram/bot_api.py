"""A Bot API on 127.0.0.1 for tests: speaks the protocol, refuses what Telegram refuses, fails on request.

Whatever it has to refuse for being malformed is a fault of ours and stands in ``violations``, which the
fixture checks after each test. What a server does on a bad day (429, 502, 403) is asked for with ``fail``.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from telegram_html import Parsed, Refused, parse_html

JSON = dict[str, Any]

TOKEN = "123456789:AAtesttesttesttesttesttesttesttest1"
ME = {
    "id": 123456789,
    "is_bot": True,
    "first_name": "IRIS",
    "username": "iris_test_bot",
    "can_join_groups": True,
    "can_read_all_group_messages": False,
    "supports_inline_queries": False,
}
PATIENCE_S = 10.0

# The parameters that each method knows, as far as the bot has business with them; all others are refused.
_WHERE = {"chat_id", "message_thread_id", "reply_parameters"}
_REPLY = {"message_id", "allow_sending_without_reply", "quote_parse_mode"}
_BODY = {"text", "parse_mode", "link_preview_options", "reply_markup"}
PARAMETERS = {
    "getMe": set(),
    "deleteWebhook": {"drop_pending_updates"},
    "getUpdates": {"offset", "limit", "timeout", "allowed_updates"},
    "sendMessage": _WHERE | _BODY,
    "editMessageText": {"chat_id", "message_id"} | _BODY,
    "answerCallbackQuery": {"callback_query_id", "text", "show_alert"},
    "getMyCommands": {"scope", "language_code"},
    "setMyCommands": {"commands", "scope", "language_code"},
    "getMyDescription": {"language_code"},
    "setMyDescription": {"description", "language_code"},
    "getMyShortDescription": {"language_code"},
    "setMyShortDescription": {"short_description", "language_code"},
}


class BadRequest(Exception):
    """What the server answers with 400; ``ours`` where nothing but a fault in the bot can be the reason."""

    def __init__(self, description: str, *, ours: bool = True) -> None:
        super().__init__(description)
        self.ours = ours


@dataclass
class Call:
    """One request that came in, with what it would show."""

    method: str
    data: JSON
    seen: Parsed = field(default_factory=Parsed)
    message_id: int = 0

    @property
    def text(self) -> str:
        """What a person reads."""
        return self.seen.text

    @property
    def buttons(self) -> list[JSON]:
        """All buttons under it, in reading order."""
        rows = self.data.get("reply_markup", {}).get("inline_keyboard", [])
        return [button for row in rows for button in row]

    def button(self, label: str) -> str:
        """The data of the button that begins with ``label``."""
        return next(button["callback_data"] for button in self.buttons if button["text"].startswith(label))


class BotApi:
    """The stand-in; an async context manager."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self.offset = 0
        self.profile: JSON = {"commands": {}, "description": "", "short_description": ""}
        self._updates: deque[JSON] = deque()
        self._messages: dict[tuple[int, int], JSON] = {}
        self._presses: set[str] = set()
        self._failures: dict[str, deque[tuple[int, str, JSON]]] = defaultdict(deque)
        self._failed: dict[str, int] = defaultdict(int)
        self._gates: dict[str, asyncio.Event] = {}
        self._waiting: dict[str, int] = defaultdict(int)
        self._change = asyncio.Condition()
        self._numbers = itertools.count(1000)
        self._poll = 0
        self.polling = False
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def base_url(self) -> str:
        """Where the bot finds us."""
        return f"http://127.0.0.1:{self.port}/bot"

    async def __aenter__(self) -> BotApi:
        app = web.Application()
        app.router.add_post("/bot{token}/{method}", self._handle)
        # A poller that went away must not be taken for one that waits.
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        for gate in self._gates.values():
            gate.set()
        if self._runner:
            await self._runner.cleanup()

    # What happens on Telegram's side

    async def push(self, **update: Any) -> int:
        """Let the bot have an update; its id."""
        number = next(self._numbers)
        self._updates.append({"update_id": number, **update})
        await self._changed()
        return number

    async def press(
        self, data: str, message: Call | None, chat: JSON, user: JSON, *, inaccessible: bool = False
    ) -> str:
        """A person presses a button under one of the bot's messages; the id of the press."""
        query = f"q{next(self._numbers)}"
        self._presses.add(query)
        callback: JSON = {"id": query, "from": user, "chat_instance": "1", "data": data}
        if message is not None:
            callback["message"] = self._messages[chat["id"], message.message_id]
        if inaccessible:
            callback["message"] = {key: callback["message"][key] for key in ("chat", "message_id")} | {"date": 0}
        await self.push(callback_query=callback)
        return query

    def fail(self, method: str, code: int, description: str, times: int = 1, **parameters: Any) -> None:
        """Answer the next ``times`` calls of ``method`` with an error."""
        self._failures[method].extend([(code, description, parameters)] * times)

    def failing(self, method: str) -> bool:
        """Whether failures of ``method`` are still to come."""
        return bool(self._failures[method])

    def failed(self, method: str) -> int:
        """How many calls of ``method`` were made to fail so far."""
        return self._failed[method]

    def hold(self, method: str) -> asyncio.Event:
        """Let calls of ``method`` wait until the event is set."""
        gate = self._gates[method] = asyncio.Event()
        return gate

    # What a test waits for

    async def until(self, condition: Callable[[], Any]) -> Any:
        """Wait until ``condition`` holds, and return what it gave."""
        async with asyncio.timeout(PATIENCE_S), self._change:
            await self._change.wait_for(condition)
        return condition()

    async def shown(self, count: int = 1) -> list[Call]:
        """The messages sent and edited, when there are ``count`` of them."""
        await self.until(lambda: len(self._shown()) >= count)
        return self._shown()

    async def call(self, method: str, count: int = 1) -> Call:
        """The ``count``-th accepted call of ``method``, when it has come."""
        await self.until(lambda: len(self.called(method)) >= count)
        return self.called(method)[count - 1]

    async def arrived(self, method: str, count: int = 1) -> None:
        """Wait until ``count`` calls of ``method`` have come to its gate."""
        await self.until(lambda: self._waiting[method] >= count)

    def called(self, method: str) -> list[Call]:
        """The accepted calls of ``method`` so far."""
        return [call for call in self.calls if call.method == method]

    def _shown(self) -> list[Call]:
        return [call for call in self.calls if call.method in ("sendMessage", "editMessageText")]

    async def _changed(self) -> None:
        async with self._change:
            self._change.notify_all()

    # The protocol

    async def _handle(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        if request.match_info["token"] != TOKEN:
            return _error(401, "Unauthorized")
        if method not in PARAMETERS:
            self.violations.append(f"unknown method {method}")
            return _error(404, "Not Found")
        if method in self._gates:
            self._waiting[method] += 1
            await self._changed()
            await self._gates[method].wait()
        if self._failures[method]:
            code, description, parameters = self._failures[method].popleft()
            self._failed[method] += 1
            await self._changed()
            return _error(code, description, parameters)
        try:
            call = Call(method, _decoded(dict(await request.post())))
            unknown = call.data.keys() - PARAMETERS[method]
            if unknown:
                raise BadRequest(f"unknown parameters {sorted(unknown)}")
            result = await getattr(self, f"_{method}")(call)
        except (BadRequest, Refused) as error:
            if not isinstance(error, BadRequest) or error.ours:
                self.violations.append(f"{method}: {error}")
            return _error(400, f"Bad Request: {error}")
        if isinstance(result, web.Response):
            return result
        if method != "getUpdates":
            self.calls.append(call)
        await self._changed()
        return web.json_response({"ok": True, "result": result})

    async def _getMe(self, call: Call) -> Any:
        return ME

    async def _deleteWebhook(self, call: Call) -> Any:
        return True

    async def _getUpdates(self, call: Call) -> Any:
        """Long polling: an offset forgets what is before it, and a second poller ends the first."""
        self._poll += 1
        self.polling = True
        mine, self.offset = self._poll, max(self.offset, int(call.data.get("offset", 0)))
        while self._updates and self._updates[0]["update_id"] < self.offset:
            self._updates.popleft()
        await self._changed()
        try:
            async with asyncio.timeout(float(call.data.get("timeout", 0))), self._change:
                await self._change.wait_for(lambda: self._updates or self._poll != mine)
        except TimeoutError:
            pass
        finally:
            self.polling = self._poll != mine
            await self._changed()
        if self._poll != mine:
            return _error(409, "Conflict: terminated by other getUpdates request")
        kinds = call.data.get("allowed_updates") or []
        found = [update for update in self._updates if not kinds or kinds_of(update) & set(kinds)]
        return found[: int(call.data.get("limit", 100))]

    async def _sendMessage(self, call: Call) -> Any:
        call.seen = _checked_text(call.data)
        _check_keyboard(call.data)
        chat_id = _whole(call.data, "chat_id")
        reply = call.data.get("reply_parameters")
        if reply and (set(reply) - _REPLY or "message_id" not in reply):
            raise BadRequest("reply parameters")
        call.message_id = next(self._numbers)
        kind = "private" if chat_id > 0 else "supergroup"
        message = {
            "message_id": call.message_id,
            "date": int(time.time()),
            "chat": {"id": chat_id, "type": kind, "title": "Group", "first_name": "Ann"},
            "from": ME,
            "text": call.text,
            "reply_markup": call.data.get("reply_markup", {"inline_keyboard": []}),
        }
        if "message_thread_id" in call.data:
            message |= {"message_thread_id": _whole(call.data, "message_thread_id"), "is_topic_message": True}
        self._messages[chat_id, call.message_id] = message
        return message

    async def _editMessageText(self, call: Call) -> Any:
        call.seen = _checked_text(call.data)
        _check_keyboard(call.data)
        call.message_id = _whole(call.data, "message_id")
        message = self._messages.get((_whole(call.data, "chat_id"), call.message_id))
        if message is None:
            raise BadRequest("message to edit not found", ours=False)
        markup = call.data.get("reply_markup", {"inline_keyboard": []})
        if (message["text"], message["reply_markup"]) == (call.text, markup):
            raise BadRequest(
                "message is not modified: specified new message content and reply markup are exactly the "
                "same as a current content and reply markup of the message",
                ours=False,
            )
        message |= {"text": call.text, "reply_markup": markup}
        return message

    async def _answerCallbackQuery(self, call: Call) -> Any:
        if _units(call.data.get("text", "")) > 200:
            raise BadRequest("text of the answer is too long")
        if call.data["callback_query_id"] not in self._presses:
            raise BadRequest("query is too old and response timeout expired or query ID is invalid", ours=False)
        self._presses.discard(call.data["callback_query_id"])
        return True

    async def _getMyCommands(self, call: Call) -> Any:
        return self.profile["commands"].get(call.data["scope"]["type"], [])

    async def _setMyCommands(self, call: Call) -> Any:
        commands = call.data["commands"]
        for command in commands:
            name, description = command["command"], command["description"]
            if not (1 <= len(name) <= 32 and name.replace("_", "a").isalnum() and name == name.lower()):
                raise BadRequest(f"command {name}")
            if not 1 <= len(description) <= 256:
                raise BadRequest(f"description of {name}")
        if not 1 <= len(commands) <= 100 or len({command["command"] for command in commands}) < len(commands):
            raise BadRequest("commands")
        self.profile["commands"][call.data["scope"]["type"]] = commands
        return True

    async def _getMyDescription(self, call: Call) -> Any:
        return {"description": self.profile["description"]}

    async def _setMyDescription(self, call: Call) -> Any:
        return self._set_text("description", call.data["description"], 512)

    async def _getMyShortDescription(self, call: Call) -> Any:
        return {"short_description": self.profile["short_description"]}

    async def _setMyShortDescription(self, call: Call) -> Any:
        return self._set_text("short_description", call.data["short_description"], 120)

    def _set_text(self, name: str, text: str, limit: int) -> bool:
        if _units(text) > limit:
            raise BadRequest(f"{name} is too long")
        self.profile[name] = text
        return True


def kinds_of(update: JSON) -> set[str]:
    """What kind of update it is."""
    return update.keys() - {"update_id"}


def check_page(html: str, keyboard: JSON | None) -> Parsed:
    """Whether Telegram would take this message. Raises BadRequest or Refused."""
    data: JSON = {"text": html, "parse_mode": "HTML", "link_preview_options": {"is_disabled": True}}
    if keyboard is not None:
        data["reply_markup"] = keyboard
    parsed = _checked_text(data)
    _check_keyboard(data)
    return parsed


def _checked_text(data: JSON) -> Parsed:
    if data.get("parse_mode") != "HTML":
        raise BadRequest("not HTML")
    if not data.get("link_preview_options", {}).get("is_disabled"):
        raise BadRequest("link preview is on")
    parsed = parse_html(data["text"])
    if not any(sign.isprintable() and not sign.isspace() for sign in parsed.text):
        raise BadRequest("message text is empty")
    if _units(parsed.text) > 4096:
        raise BadRequest("message is too long")
    if parsed.entities > 100:
        raise BadRequest("more than 100 entities: Telegram would drop some")
    return parsed


def _check_keyboard(data: JSON) -> None:
    rows = data.get("reply_markup", {"inline_keyboard": []})
    if set(rows) != {"inline_keyboard"}:
        raise BadRequest("reply markup")
    buttons = [button for row in rows["inline_keyboard"] for button in row]
    if len(buttons) > 100 or any(not 1 <= len(row) <= 8 for row in rows["inline_keyboard"]):
        raise BadRequest("too many buttons")
    for button in buttons:
        if set(button) != {"text", "callback_data"} or not button["text"].strip():
            raise BadRequest(f"button {button}")
        if not 1 <= len(button["callback_data"].encode()) <= 64:
            raise BadRequest("BUTTON_DATA_INVALID")


def _whole(data: JSON, name: str) -> int:
    try:
        return int(data[name])
    except (KeyError, ValueError, TypeError):
        raise BadRequest(f"{name} is missing or no number") from None


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _decoded(form: JSON) -> JSON:
    """Objects and lists come as JSON inside the form."""
    nested = {
        "reply_markup",
        "commands",
        "scope",
        "allowed_updates",
        "link_preview_options",
        "reply_parameters",
    }
    return {key: json.loads(value) if key in nested else value for key, value in form.items()}


def _error(code: int, description: str, parameters: JSON | None = None) -> web.Response:
    body: JSON = {"ok": False, "error_code": code, "description": description}
    if parameters:
        body["parameters"] = parameters
    return web.json_response(body, status=code)
