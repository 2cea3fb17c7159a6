"""Bad moments: what Telegram refuses, loses or delays, and how the adapter starts and leaves."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
import structlog
from bot_api import TOKEN, BotApi
from people import ANN, BEN, BENS, GROUP, PRIVATE, message
from telegram.error import TelegramError
from telegram_serving import QUICK, served

from adapters.telegram import TelegramPlatform
from adapters.telegram.polling import RIVAL, WRONG_TOKEN
from adapters.telegram.wire import Wire
from bot.answer import Answerer
from bot.desk import Desk
from bot.reply import TROUBLE
from bot.settings import PlatformError

IR = "Insulin resistance means that cells respond weakly to insulin."
Make = Callable[..., TelegramPlatform]


@pytest.mark.parametrize("token", ["123456789:AAwrongwrongwrongwrongwrongwrongwro", ""])
async def test_a_wrong_token_ends_with_one_sentence_that_does_not_hold_it(make_platform: Make, token: str) -> None:
    platform = make_platform(token)
    with pytest.raises(PlatformError) as ended:
        await platform.serve()
    assert str(ended.value) == WRONG_TOKEN
    assert ended.value.__cause__ is None
    await platform.close()


async def test_a_token_that_is_revoked_while_running_ends_it(api: BotApi, make_platform: Make) -> None:
    api.fail("getUpdates", 401, "Unauthorized")
    with pytest.raises(PlatformError, match="IRIS_TELEGRAM_TOKEN"):
        await make_platform().serve()


async def test_a_rival_that_stays_ends_it_with_one_sentence(api: BotApi, make_platform: Make) -> None:
    api.fail("getUpdates", 409, "Conflict: terminated by other getUpdates request", times=1000)
    with pytest.raises(PlatformError) as ended:
        await make_platform().serve()
    assert str(ended.value) == RIVAL


@pytest.mark.parametrize(
    ("code", "description"),
    [(409, "Conflict: terminated by other getUpdates request"), (502, "Bad Gateway"), (500, "Internal Server Error")],
)
@pytest.mark.parametrize("method", ["getMe", "getUpdates", "deleteWebhook"])
async def test_a_failure_that_passes_is_waited_out(
    api: BotApi, make_platform: Make, method: str, code: int, description: str
) -> None:
    api.fail(method, code, description, times=4)
    await api.push(message=message("What is insulin resistance?"))
    async with served(make_platform()):
        assert IR in (await api.shown())[0].text


@pytest.mark.usefixtures("platform")
class TestDelivery:
    """Replies that do not get through at once."""

    @pytest.mark.parametrize("code", [500, 502])
    async def test_a_reply_that_the_server_fails_to_take_is_sent_again(self, api: BotApi, code: int) -> None:
        api.fail("sendMessage", code, "Bad Gateway")
        await api.push(message=message("What is insulin resistance?"))
        assert IR in (await api.shown())[0].text

    async def test_telegrams_pause_is_kept_and_other_chats_do_not_wait_for_it(self, api: BotApi) -> None:
        api.fail("sendMessage", 429, "Too Many Requests: retry after 1", retry_after=1)
        began = time.monotonic()
        await api.push(message=message("What is insulin resistance?"))
        await api.until(lambda: not api.failing("sendMessage"))
        await api.push(message=message("/privacy", BENS, BEN))
        first, second = await api.shown(2)
        assert first.data["chat_id"] == str(BENS["id"])
        assert second.data["chat_id"] == str(PRIVATE["id"])
        assert time.monotonic() - began >= 1

    async def test_who_blocked_the_bot_does_not_stop_it(self, api: BotApi) -> None:
        api.fail("sendMessage", 403, "Forbidden: bot was blocked by the user")
        await api.push(message=message("What is insulin resistance?", BENS, BEN))
        await api.push(message=message("/privacy", BENS, BEN))
        assert "not stored" in (await api.shown())[0].text

    async def test_a_group_that_became_a_supergroup_is_followed(self, api: BotApi) -> None:
        api.fail("sendMessage", 400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-1002)
        await api.push(message=message("/ask what is insulin resistance?", GROUP))
        reply = (await api.shown())[0]
        assert reply.data["chat_id"] == "-1002"
        assert "reply_parameters" not in reply.data

    async def test_where_the_bot_may_not_write_it_goes_on(self, api: BotApi) -> None:
        api.fail("sendMessage", 400, "Bad Request: not enough rights to send text messages to the chat")
        await api.push(message=message("/ask what is insulin resistance?", GROUP))
        await api.push(message=message("/privacy", GROUP))
        assert "not stored" in (await api.shown())[0].text  # and nothing was sent after the failure
        assert api.failed("sendMessage") == 1


async def test_a_safety_reply_that_may_be_lost_is_sent_again(api: BotApi, make_platform: Make) -> None:
    gate = api.hold("sendMessage")
    async with served(make_platform(timing=replace(QUICK, answer=0.3))):
        await api.push(message=message("What is insulin resistance?", BENS, BEN))
        await api.arrived("sendMessage")
        await api.push(message=message("I can't breathe and my throat is swelling"))
        await api.arrived("sendMessage", 3)
        gate.set()
        (reply,) = await api.shown()
    assert reply.data["chat_id"] == str(PRIVATE["id"])


class Broken:
    """What no Answerer should be."""

    def __getattr__(self, name: str) -> object:
        raise RuntimeError("secret words")


@pytest.mark.parametrize("text", ["What is insulin resistance?", "/topics"])
async def test_when_we_fail_the_person_is_told_and_the_next_question_is_answered(
    api: BotApi, make_platform: Make, desk: Desk, small_answerer: Answerer, text: str
) -> None:
    async with served(make_platform()):
        await api.call("setMyShortDescription")
        desk.swap(cast(Answerer, Broken()))
        await api.push(message=message(text))
        told = (await api.shown())[0]
        desk.swap(small_answerer)
        await api.push(message=message("What is insulin resistance?"))
        answered = (await api.shown(2))[1]
    assert told.text.startswith("Something went wrong on my side.")
    assert told.text.endswith(TROUBLE.disclaimer)
    assert IR in answered.text


async def test_menus_and_profile_are_set_once(api: BotApi, make_platform: Make) -> None:
    async with served(make_platform()):
        await api.call("setMyShortDescription")
    shown: dict[tuple[str, str], list[Any]] = api.profile["commands"]
    in_groups = ["ask", "topics", "sources", "help", "privacy"]
    names = {
        "all_private_chats": ["topics", "ask", "sources", "help", "privacy", "mydata", "forgetme", "settings"],
        "all_group_chats": in_groups,
        "all_chat_administrators": [*in_groups, "settings"],
    }
    assert {menu: [command["command"] for command in commands] for menu, commands in shown.items()} == {
        (scope, language): names[scope] for scope in names for language in ("", "es", "de", "fr", "pt")
    }
    asks = {language: shown["all_group_chats", language][0]["description"] for language in ("", "es", "de", "fr", "pt")}
    # In another language the menu says that the texts are English.
    assert asks == {
        "": "Ask a question",
        "es": "Haz una pregunta (en inglés)",
        "de": "Eine Frage stellen (auf Englisch)",
        "fr": "Poser une question (en anglais)",
        "pt": "Fazer uma pergunta (em inglês)",
    }
    assert api.profile["description"].startswith("IRIS is an automated bot and not a clinician.")
    assert api.profile["short_description"].startswith("General information, not medical advice.")
    api.calls.clear()
    async with served(make_platform()):
        await api.call("getMyShortDescription")
    assert [call.method for call in api.calls if call.method.startswith("set")] == []


async def test_a_profile_that_cannot_be_set_does_no_harm(api: BotApi, make_platform: Make) -> None:
    api.fail("setMyCommands", 400, "Bad Request: BOT_COMMAND_INVALID", times=2)
    api.fail("getMyDescription", 403, "Forbidden")
    async with served(make_platform()):
        await api.until(lambda: not api.failing("getMyDescription"))
        await api.push(message=message("What is insulin resistance?"))
        assert IR in (await api.shown())[0].text


async def test_close_finishes_the_reply_that_is_on_its_way_and_confirms_it(api: BotApi, make_platform: Make) -> None:
    platform = make_platform()
    serving = asyncio.create_task(platform.serve())
    gate = api.hold("sendMessage")
    update_id = await api.push(message=message("What is insulin resistance?"))
    await api.arrived("sendMessage")
    closing = asyncio.create_task(platform.close())
    await api.until(lambda: not api.polling)
    assert not closing.done()
    gate.set()
    await asyncio.wait_for(closing, 8)
    await serving
    assert IR in (await api.shown())[0].text
    assert api.offset == update_id + 1


async def test_close_confirms_what_was_answered_since_the_last_poll(api: BotApi, make_platform: Make) -> None:
    async with served(make_platform(timing=replace(QUICK, retry=20, longest_retry=20))):
        await api.until(lambda: api.polling)
        api.fail("getUpdates", 502, "Bad Gateway")
        update_id = await api.push(message=message("What is insulin resistance?"))
        await api.shown()
        await api.until(lambda: api.failed("getUpdates"))
        assert api.offset <= update_id
    assert api.offset == update_id + 1


async def test_close_does_not_wait_for_ever(api: BotApi, make_platform: Make) -> None:
    platform = make_platform(timing=replace(QUICK, drain=0.05))
    serving = asyncio.create_task(platform.serve())
    gate = api.hold("sendMessage")
    await api.push(message=message("What is insulin resistance?"))
    await api.arrived("sendMessage")
    await asyncio.wait_for(platform.close(), 8)
    await serving
    gate.set()


async def test_close_while_the_network_is_away_leaves_at_once(api: BotApi, make_platform: Make) -> None:
    api.fail("getMe", 502, "Bad Gateway", times=10_000)
    platform = make_platform(timing=replace(QUICK, retry=20, longest_retry=20))
    serving = asyncio.create_task(platform.serve())
    await api.until(lambda: api.failed("getMe"))
    await asyncio.wait_for(platform.close(), 1)
    await serving


async def test_close_before_serve_and_twice_does_no_harm(make_platform: Make) -> None:
    platform = make_platform()
    await platform.close()
    await asyncio.wait_for(platform.serve(), 5)
    await platform.close()


async def test_serve_leaves_cleanly_when_it_is_cancelled(api: BotApi, make_platform: Make) -> None:
    serving = asyncio.create_task(make_platform().serve())
    await api.call("setMyShortDescription")
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving


async def test_nothing_of_a_person_is_logged(
    api: BotApi, make_platform: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    asked = message("does zanzibar cause insulin resistance", BENS, BEN | {"first_name": "Quetzal"})
    with structlog.testing.capture_logs() as logged:
        async with served(make_platform()):
            await api.push(message=asked)
            await api.push(message={**asked, "date": "zanzibar"})  # cannot be read
            await api.shown()
            api.fail("sendMessage", 403, "Forbidden: zanzibar")
            await api.push(message=asked)
            await api.until(lambda: api.failed("sendMessage"))
            await api.push(message=message("/privacy", BENS, BEN))
            await api.shown(2)
    words = repr(logged) + "".join(
        record.getMessage() for record in caplog.records if not record.name.startswith("http")
    )
    assert [entry["event"] for entry in logged].count("answered") == 1
    assert [entry["event"] for entry in logged].count("reply_failed") == 1
    for secret in ("zanzibar", "Quetzal", str(BEN["id"]), str(ANN["id"]), TOKEN):
        assert secret not in words


async def test_an_answer_that_is_no_json_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    for payload in (b'{"ok": true, "result": [{"text": "secret', b"[]", b"\xff"):
        with pytest.raises(TelegramError, match="Invalid server response"):
            Wire.parse_json_payload(payload)
    assert caplog.records == []
