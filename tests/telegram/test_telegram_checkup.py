"""What ``iris doctor`` says about Telegram, asked over the wire."""

from __future__ import annotations

import time

import pytest
from bot_api import ME, TOKEN, BotApi

from adapters.telegram.checkup import check_up
from bot.checkup import Verdict
from bot.settings import Webhook

HOOK = Webhook("https://iris.example/telegram", "secret", 8443)


async def _said(
    api: BotApi, webhook: Webhook | None = None, channels: dict[str, str] | None = None
) -> dict[Verdict, str]:
    said: dict[Verdict, str] = {}
    for finding in await check_up(TOKEN, api.base_url, webhook, channels or {}):
        said[finding.verdict] = f"{said.get(finding.verdict, '')}{finding.said}\n"
    return said


async def test_where_everything_is_right_there_is_nothing_to_do_and_nothing_was_changed(api: BotApi) -> None:
    said = await _said(api)
    assert set(said) == {Verdict.GOOD}
    assert said[Verdict.GOOD].splitlines() == [
        "This machine's clock agrees with Telegram's.",
        "The token is accepted; the bot is called @iris_test_bot.",
        "Privacy mode is on: groups pass on only what is meant for the bot.",
        "No webhook is set: IRIS asks for updates.",
    ]
    assert [call.method for call in api.calls] == ["getMe", "getWebhookInfo"]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("can_read_all_group_messages", True, "Privacy mode is off"),
        ("can_join_groups", False, "The bot cannot be added to groups."),
        ("supports_inline_queries", False, "Inline mode is off"),
    ],
)
async def test_what_is_set_otherwise_than_iris_needs_is_a_hint(
    field: str, value: bool, words: str, api: BotApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ME, field, value)
    hints = (await _said(api))[Verdict.HINT]
    assert words in hints
    assert "@BotFather" in hints


async def test_a_webhook_where_none_is_wanted_and_none_where_one_is_are_told(api: BotApi) -> None:
    assert "does not call IRIS_TELEGRAM_WEBHOOK_URL yet" in (await _said(api, HOOK))[Verdict.HINT]
    api.webhook = {"url": HOOK.url}
    assert "Telegram calls the webhook." in (await _said(api, HOOK))[Verdict.GOOD]
    assert "Telegram sends updates to a webhook at the moment." in (await _said(api))[Verdict.HINT]


async def test_a_webhook_that_telegram_cannot_reach_is_a_problem(api: BotApi) -> None:
    api.webhook = {"url": HOOK.url}
    api.webhook_error = {
        "last_error_date": int(time.time()) - 120,
        "last_error_message": "Connection refused",
        "pending_update_count": 500,
    }
    said = await _said(api, HOOK)
    assert "Telegram could not call the webhook 2 minutes ago (Connection refused)." in said[Verdict.PROBLEM]
    assert "500 updates wait at Telegram" in said[Verdict.HINT]


async def test_the_chats_of_the_settings_are_looked_for(api: BotApi) -> None:
    api.chats["-100"] = {"id": -100, "type": "supergroup", "title": "Helpers"}
    said = await _said(api, channels={"IRIS_DIGEST_CHANNEL": "-100", "IRIS_OPERATORS_CHANNEL": "-200"})
    assert "The chat of IRIS_DIGEST_CHANNEL can be seen." in said[Verdict.GOOD]
    assert "The chat of IRIS_OPERATORS_CHANNEL cannot be found." in said[Verdict.PROBLEM]


async def test_a_token_that_is_refused_is_the_one_thing_said_and_is_not_shown(api: BotApi) -> None:
    api.fail("getMe", 401, "Unauthorized")
    (finding,) = await check_up(TOKEN, api.base_url, None, {})
    assert finding.verdict is Verdict.PROBLEM
    assert finding.said.startswith("Telegram does not accept the token.")
    assert TOKEN not in finding.said


async def test_no_network_is_one_sentence_without_the_token_in_the_address() -> None:
    (finding,) = await check_up(TOKEN, "http://127.0.0.1:1/bot", None, {})
    assert finding.said.startswith("Telegram cannot be asked (ClientConnectorError).")
    assert TOKEN not in finding.said
