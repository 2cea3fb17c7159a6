"""A Bot API on 127.0.0.1 for tests: speaks the protocol, refuses what Telegram refuses, fails on request.

Whatever it has to refuse for being malformed is a fault of ours and stands in ``violations``, which the
fixture checks after each test. What a server does on a bad day (429, 502, 403) is asked for with ``fail``.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import re
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

import aiohttp
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
    "supports_inline_queries": True,
    "supports_guest_queries": True,
}
PATIENCE_S = 30.0

# The parameters that each method knows, as far as the bot has business with them; all others are refused.
_WHERE = {"chat_id", "message_thread_id", "reply_parameters"}
_REPLY = {"message_id", "allow_sending_without_reply", "quote_parse_mode"}
_BODY = {"text", "parse_mode", "link_preview_options", "reply_markup"}
PARAMETERS = {
    "getMe": set(),
    "setWebhook": {"url", "secret_token", "allowed_updates", "max_connections"},
    "getWebhookInfo": set(),
    "deleteWebhook": {"drop_pending_updates"},
    "getUpdates": {"offset", "limit", "timeout", "allowed_updates"},
    "sendMessage": _WHERE | _BODY,
    "editMessageText": {"chat_id", "message_id", "inline_message_id"} | _BODY,
    # The library sends its default parse mode along; Telegram does not mind.
    "editMessageReplyMarkup": {"chat_id", "message_id", "reply_markup", "parse_mode"},
    "deleteMessage": {"chat_id", "message_id"},
    "getChat": {"chat_id"},
    "getChatMember": {"chat_id", "user_id"},
    "answerInlineQuery": {"inline_query_id", "results", "cache_time", "is_personal", "button"},
    "answerGuestQuery": {"guest_query_id", "result"},
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
        return next(
            button.get("callback_data") or button["url"] for button in self.buttons if button["text"].startswith(label)
        )

    def choice(self, question: str) -> str:
        """The data of the button with the number that ``question`` has in the text."""
        line = next(line for line in self.text.splitlines() if re.match(rf"\d+\. {re.escape(question)}", line))
        return self.button(line.partition(".")[0])


@dataclass
class Flood:
    """Telegram's limits on messages, in any span of time; ``per_group`` in a minute, the others in a second."""

    overall: int = 30
    per_chat: int = 1
    per_group: int = 20
    refused: int = 0
    sent: list[tuple[float, int]] = field(default_factory=list)

    def is_too_much(self, chat_id: int) -> bool:
        """Whether one more message is; counted if not."""
        now = time.monotonic()
        here = [now - when for when, chat in self.sent if chat == chat_id]
        too_much = (
            sum(now - when < 1 for when, _ in self.sent) >= self.overall
            or sum(age < 1 for age in here) >= self.per_chat
            or (chat_id < 0 and sum(age < 60 for age in here) >= self.per_group)
        )
        if too_much:
            self.refused += 1
        else:
            self.sent.append((now, chat_id))
        return too_much


class BotApi:
    """The stand-in; an async context manager.

    ``members`` says who is what in a chat, ``closed_topics`` and ``muted`` where the bot may not write, ``flood`` (off
    unless a test sets it) how often it may, ``webhook`` what setWebhook was told, ``clock_behind_s`` how wrong the
    bot's clock is. For benchmarks, ``under_load`` is told of each message, which then is neither checked nor kept.
    """

    def __init__(self) -> None:
        self.members: dict[tuple[int, int], str] = {}
        self.chats: dict[str, JSON] = {}
        self.closed_topics: set[tuple[int, str]] = set()
        self.muted: set[int] = set()
        self.flood: Flood | None = None
        self.webhook: JSON = {}
        self.webhook_error: JSON = {}
        self.deliveries: list[int] = []
        self.clock_behind_s = 0.0
        self.under_load: Callable[[Call], None] | None = None
        self._queries: set[str] = set()
        self._known_chats: dict[int, JSON] = {}
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
        self.polls = 0
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
        for kind in ("message", "edited_message"):
            if "message_id" in update.get(kind, {}) and "chat" in update[kind]:
                chat = update[kind]["chat"]
                self._known_chats[chat["id"]] = chat
                self._messages[chat["id"], update[kind]["message_id"]] = update[kind]
        self._updates.append({"update_id": number, **update})
        await self._changed()
        return number

    async def deliver(self, tries: int = 50, **update: Any) -> int:
        """Call the bot's webhook with an update, again as long as it does not answer 2xx; the number of calls."""
        number = await self.push(**update)
        return await self.redeliver(self._updates[-1] | {"update_id": number}, tries)

    async def redeliver(self, update: JSON, tries: int = 50) -> int:
        """The same for an update that was delivered before."""
        async with aiohttp.ClientSession() as session:
            for attempt in range(1, tries + 1):
                with contextlib.suppress(aiohttp.ClientConnectionError):
                    headers = {"X-Telegram-Bot-Api-Secret-Token": self.webhook["secret_token"]}
                    async with session.post(self.webhook["url"], json=update, headers=headers) as answer:
                        self.deliveries.append(answer.status)
                        if answer.ok:
                            return attempt
                await asyncio.sleep(0.02)  # Telegram's own pause between deliveries, made short
        return tries

    async def ask_inline(self, query: str, user: JSON) -> Call:
        """A person types ``query`` after the bot's name; what is offered."""
        before = len(self.called("answerInlineQuery"))
        number = f"i{next(self._numbers)}"
        self._queries.add(number)
        await self.push(inline_query={"id": number, "from": user, "query": query, "offset": ""})
        return await self.call("answerInlineQuery", before + 1)

    async def ask_as_guest(self, message: JSON) -> Call:
        """A person mentions the bot in a chat where it is no member; its one answer."""
        before = len(self.called("answerGuestQuery"))
        number = f"g{next(self._numbers)}"
        self._queries.add(number)
        await self.push(guest_message=message | {"guest_query_id": number})
        return await self.call("answerGuestQuery", before + 1)

    async def press(
        self, data: str, message: Call | str | None, chat: JSON, user: JSON, *, inaccessible: bool = False
    ) -> str:
        """A person presses a button under one of the bot's messages; the id of the press.

        ``message`` is a string for one that was sent through inline or guest mode.
        """
        query = f"q{next(self._numbers)}"
        self._presses.add(query)
        callback: JSON = {"id": query, "from": user, "chat_instance": "1", "data": data}
        if isinstance(message, str):
            callback["inline_message_id"] = message
        elif message is not None:
            callback["message"] = self._messages[chat["id"], message.message_id]
        if inaccessible:
            callback["message"] = {key: callback["message"][key] for key in ("chat", "message_id")} | {"date": 0}
        await self.push(callback_query=callback)
        return query

    def fail(self, method: str, code: int, description: str, times: int = 1, **parameters: Any) -> None:
        """Answer the next ``times`` calls of ``method`` with an error."""
        self._failures[method].extend([(code, description, parameters)] * times)

    def message_of(self, call: Call, chat: JSON) -> JSON:
        """The message that a call made, as it stands in the chat now."""
        return self._messages[chat["id"], call.message_id]

    def forget_reply(self, call: Call, chat: JSON) -> None:
        """Somebody deletes the message that the bot's message replies to."""
        del self.message_of(call, chat)["reply_to_message"]

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

    async def until(self, condition: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
        """Wait until ``condition`` holds, and return what it gave."""
        async with asyncio.timeout(patience_s), self._change:
            await self._change.wait_for(condition)
        return condition()

    async def shown(self, count: int = 1) -> list[Call]:
        """The messages sent and edited, when there are ``count`` of them."""
        await self.until(lambda: len(self.shown_so_far()) >= count)
        return self.shown_so_far()

    async def call(self, method: str, count: int = 1) -> Call:
        """The ``count``-th accepted call of ``method``, when it has come."""
        await self.until(lambda: len(self.called(method)) >= count)
        return self.called(method)[count - 1]

    async def polled(self) -> None:
        """Wait until the bot has everything that was pushed until now."""
        before = self.polls
        await self.until(lambda: self.polls >= before + 2)

    async def arrived(self, method: str, count: int = 1) -> None:
        """Wait until ``count`` calls of ``method`` have come to its gate."""
        await self.until(lambda: self._waiting[method] >= count)

    def called(self, method: str) -> list[Call]:
        """The accepted calls of ``method`` so far."""
        return [call for call in self.calls if call.method == method]

    def shown_so_far(self) -> list[Call]:
        """The messages sent and edited until now."""
        return [call for call in self.calls if call.method in ("sendMessage", "editMessageText")]

    async def _changed(self) -> None:
        async with self._change:
            self._change.notify_all()

    # The protocol

    async def _handle(self, request: web.Request) -> web.Response:
        response = await self._respond(request)
        response.headers["Date"] = formatdate(time.time() - self.clock_behind_s, usegmt=True)
        return response

    async def _respond(self, request: web.Request) -> web.Response:
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
            call = Call(method, await _parameters(request))
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
        if method != "getUpdates" and self.under_load is None:
            self.calls.append(call)
        await self._changed()
        return web.json_response({"ok": True, "result": result})

    async def _getMe(self, call: Call) -> Any:
        return ME

    async def _setWebhook(self, call: Call) -> Any:
        secret = call.data.get("secret_token", "")
        if not re.fullmatch(r"[\w-]{1,256}", secret, re.ASCII):
            raise BadRequest("secret token contains unallowed characters")
        if not 1 <= int(call.data.get("max_connections", 40)) <= 100:
            raise BadRequest("max_connections")
        self.webhook = call.data
        return True

    async def _getWebhookInfo(self, call: Call) -> Any:
        url = self.webhook.get("url", "")
        return {"url": url, "has_custom_certificate": False, "pending_update_count": 0, **self.webhook_error}

    async def _deleteWebhook(self, call: Call) -> Any:
        self.webhook = {}
        return True

    async def _getUpdates(self, call: Call) -> Any:
        """Long polling: an offset forgets what is before it, and a second poller ends the first."""
        if self.webhook:
            return _error(409, "Conflict: can't use getUpdates method while webhook is active")
        self.polls += 1
        self.polling = True
        mine, self.offset = self.polls, max(self.offset, int(call.data.get("offset", 0)))
        while self._updates and self._updates[0]["update_id"] < self.offset:
            self._updates.popleft()
        await self._changed()
        try:
            async with asyncio.timeout(float(call.data.get("timeout", 0))), self._change:
                await self._change.wait_for(lambda: self._updates or self.polls != mine)
        except TimeoutError:
            pass
        finally:
            self.polling = self.polls != mine
            await self._changed()
        if self.polls != mine:
            return _error(409, "Conflict: terminated by other getUpdates request")
        kinds = call.data.get("allowed_updates") or []
        found = [update for update in self._updates if not kinds or kinds_of(update) & set(kinds)]
        return found[: int(call.data.get("limit", 100))]

    async def _sendMessage(self, call: Call) -> Any:
        if self.under_load is not None:
            self.under_load(call)
            chat = {"id": int(call.data["chat_id"]), "type": "private"}
            return {"message_id": next(self._numbers), "date": int(time.time()), "chat": chat, "text": "An answer"}
        call.seen = _checked_text(call.data)
        _check_keyboard(call.data)
        chat_id = _whole(call.data, "chat_id")
        reply = call.data.get("reply_parameters")
        if reply and (set(reply) - _REPLY or "message_id" not in reply):
            raise BadRequest("reply parameters")
        if chat_id in self.muted:
            raise BadRequest("not enough rights to send text messages to the chat", ours=False)
        if (chat_id, call.data.get("message_thread_id")) in self.closed_topics:
            raise BadRequest("TOPIC_CLOSED", ours=False)
        if self.flood is not None and self.flood.is_too_much(chat_id):
            return _error(429, "Too Many Requests: retry after 1", {"retry_after": 1})
        call.message_id = next(self._numbers)
        kind = "private" if chat_id > 0 else "supergroup"
        message = {
            "message_id": call.message_id,
            "date": int(time.time()),
            "chat": self._known_chats.get(chat_id, {"id": chat_id, "type": kind, "title": "Group"}),
            "from": ME,
            "text": call.text,
            "reply_markup": call.data.get("reply_markup", {"inline_keyboard": []}),
        }
        if "message_thread_id" in call.data:
            message |= {"message_thread_id": _whole(call.data, "message_thread_id"), "is_topic_message": True}
        replied = self._messages.get((chat_id, reply["message_id"])) if reply else None
        if replied is not None:
            message["reply_to_message"] = {key: replied[key] for key in replied if key != "reply_to_message"}
        self._messages[chat_id, call.message_id] = message
        return message

    async def _editMessageText(self, call: Call) -> Any:
        call.seen = _checked_text(call.data)
        _check_keyboard(call.data)
        if "inline_message_id" in call.data:
            if {"chat_id", "message_id"} & call.data.keys():
                raise BadRequest("both kinds of message id")
            return True
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

    async def _editMessageReplyMarkup(self, call: Call) -> Any:
        _check_keyboard(call.data)
        call.message_id = _whole(call.data, "message_id")
        message = self._messages[_whole(call.data, "chat_id"), call.message_id]
        if message["reply_markup"] == call.data["reply_markup"]:
            raise BadRequest("message is not modified", ours=False)
        message["reply_markup"] = call.data["reply_markup"]
        return message

    async def _deleteMessage(self, call: Call) -> Any:
        key = _whole(call.data, "chat_id"), _whole(call.data, "message_id")
        if self._messages.pop(key, None) is None:
            raise BadRequest("message to delete not found", ours=False)
        return True

    async def _getChat(self, call: Call) -> Any:
        chat = self.chats.get(call.data["chat_id"])
        if chat is None:
            raise BadRequest("chat not found", ours=False)
        return {"accent_color_id": 0, "max_reaction_count": 11, **chat}

    async def _getChatMember(self, call: Call) -> Any:
        person = _whole(call.data, "user_id")
        status = self.members.get((_whole(call.data, "chat_id"), person), "member")
        user = {"id": person, "is_bot": False, "first_name": "Ann"}
        rights = dict.fromkeys(_RIGHTS, True) if status == "administrator" else {}
        return {"status": status, "user": user, "is_anonymous": False, **rights}

    async def _answerInlineQuery(self, call: Call) -> Any:
        results = call.data["results"]
        if len(results) > 50 or len({result["id"] for result in results}) < len(results):
            raise BadRequest("RESULT_ID_DUPLICATE or RESULTS_TOO_MUCH")
        for result in results:
            _check_result(result)
        if not re.fullmatch(r"[\w-]{1,64}", call.data["button"]["start_parameter"], re.ASCII):
            raise BadRequest("START_PARAM_INVALID")
        self._use(call.data["inline_query_id"])
        return True

    async def _answerGuestQuery(self, call: Call) -> Any:
        call.seen = _check_result(call.data["result"])
        self._use(call.data["guest_query_id"])
        return {"inline_message_id": f"m{next(self._numbers)}"}

    def _use(self, query: str) -> None:
        if query not in self._queries:
            raise BadRequest("query is too old and response timeout expired or query ID is invalid", ours=False)
        self._queries.discard(query)

    async def _answerCallbackQuery(self, call: Call) -> Any:
        if _units(call.data.get("text", "")) > 200:
            raise BadRequest("text of the answer is too long")
        if call.data["callback_query_id"] not in self._presses:
            raise BadRequest("query is too old and response timeout expired or query ID is invalid", ours=False)
        self._presses.discard(call.data["callback_query_id"])
        return True

    async def _getMyCommands(self, call: Call) -> Any:
        return self.profile["commands"].get(_menu_of(call), [])

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
        language = call.data.get("language_code", "")
        if language and not (len(language) == 2 and language.isascii() and language.isalpha()):
            raise BadRequest("language_code")
        self.profile["commands"][_menu_of(call)] = commands
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


# Those that the library's ChatMemberAdministrator needs.
_RIGHTS = (
    "can_be_edited",
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
)


def _check_result(result: JSON) -> Parsed:
    """An article with a text, as the bot offers it for other chats."""
    if set(result) - {"type", "id", "title", "description", "input_message_content", "reply_markup"}:
        raise BadRequest(f"unknown fields in {sorted(result)}")
    if result["type"] != "article" or not 1 <= len(result["id"].encode()) <= 64 or not result["title"].strip():
        raise BadRequest("RESULT_ID_INVALID or ARTICLE_TITLE_EMPTY")
    content = dict(result["input_message_content"])
    content["text"] = content.pop("message_text")
    _check_keyboard(result)
    return _checked_text(content)


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
        if set(button) not in ({"text", "callback_data"}, {"text", "url"}) or not button["text"].strip():
            raise BadRequest(f"button {button}")
        if "url" in button:
            if not re.fullmatch(r"https://t\.me/\w+\?start=[\w-]{1,64}", button["url"], re.ASCII):
                raise BadRequest("BUTTON_URL_INVALID")
            continue
        if not 1 <= len(button["callback_data"].encode()) <= 64:
            raise BadRequest("BUTTON_DATA_INVALID")


def _whole(data: JSON, name: str) -> int:
    try:
        return int(data[name])
    except (KeyError, ValueError, TypeError):
        raise BadRequest(f"{name} is missing or no number") from None


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


async def _parameters(request: web.Request) -> JSON:
    """What a request says, as JSON or, from the library's own client, as a form; either way the same."""
    if request.content_type != "application/json":
        return _decoded(dict(await request.post()))
    said = await request.json()
    return {key: value if isinstance(value, str | dict | list) else json.dumps(value) for key, value in said.items()}


def _decoded(form: JSON) -> JSON:
    """Objects and lists come as JSON inside the form."""
    nested = {
        "reply_markup",
        "commands",
        "scope",
        "allowed_updates",
        "link_preview_options",
        "reply_parameters",
        "results",
        "result",
        "button",
    }
    return {key: json.loads(value) if key in nested else value for key, value in form.items()}


def _error(code: int, description: str, parameters: JSON | None = None) -> web.Response:
    body: JSON = {"ok": False, "error_code": code, "description": description}
    if parameters:
        body["parameters"] = parameters
    return web.json_response(body, status=code)


def _menu_of(call: Call) -> tuple[str, str]:
    return call.data["scope"]["type"], call.data.get("language_code", "")
