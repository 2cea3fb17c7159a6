"""Updates by Telegram's own calls: who may call, what comes again, and how trouble shows."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from dataclasses import replace

import aiohttp
import pytest
from bot_api import BotApi
from people import BEN, BENS, message
from telegram_serving import QUICK, served

from adapters.telegram import TelegramPlatform
from adapters.telegram.polling import WRONG_TOKEN
from bot.settings import PlatformError, Webhook

IR = "Insulin resistance means that cells respond weakly to insulin."
ASK = "What is insulin resistance?"
Make = Callable[..., TelegramPlatform]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture
def webhook() -> Webhook:
    """An address on this machine, as a proxy would call it."""
    port = free_port()
    return Webhook(f"http://127.0.0.1:{port}/telegram/hook", "a-secret_1", port, host="127.0.0.1")


async def test_updates_come_by_calls_alone(api: BotApi, make_platform: Make, webhook: Webhook) -> None:
    platform = make_platform(webhook=webhook)
    async with served(platform):
        await api.until(lambda: platform.health().flowing)
        assert await api.deliver(message=message(ASK)) == 1
        (reply,) = await api.shown()
    assert IR in reply.text
    assert api.webhook["url"] == webhook.url
    assert api.webhook["secret_token"] == "a-secret_1"
    assert "message" in api.webhook["allowed_updates"]
    assert api.offset == 0  # nobody polled
    assert api.called("deleteWebhook") == []  # the next start, or another copy, goes on


@pytest.mark.parametrize("secret", [None, "", "a-secret_", "a-secret_12", "ä"])
async def test_who_does_not_know_the_secret_is_turned_away(
    api: BotApi, make_platform: Make, webhook: Webhook, secret: str | None
) -> None:
    platform = make_platform(webhook=webhook)
    async with served(platform), aiohttp.ClientSession() as session:
        await api.until(lambda: platform.health().flowing)
        headers = {} if secret is None else {"X-Telegram-Bot-Api-Secret-Token": secret}
        update = {"update_id": 1, "message": message(ASK)}
        async with session.post(webhook.url, json=update, headers=headers) as answer:
            assert answer.status == 403
        await api.deliver(message=message("/privacy", BENS, BEN))
        assert len(await api.shown()) == 1


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"[1]", 200), (b'{"update_id": 1, "message": {"message_id": 1}}', 200)]
)
async def test_what_is_no_update_is_answered_and_forgotten(
    api: BotApi, make_platform: Make, webhook: Webhook, body: bytes, status: int
) -> None:
    platform = make_platform(webhook=webhook)
    async with served(platform), aiohttp.ClientSession() as session:
        await api.until(lambda: platform.health().flowing)
        headers = {"X-Telegram-Bot-Api-Secret-Token": webhook.secret}
        async with session.post(webhook.url, data=body, headers=headers) as answer:
            assert answer.status == status
        await api.deliver(message=message(ASK))
        assert IR in (await api.shown())[0].text


async def test_an_update_that_comes_twice_is_answered_once(api: BotApi, make_platform: Make, webhook: Webhook) -> None:
    platform = make_platform(webhook=webhook)
    async with served(platform):
        await api.until(lambda: platform.health().flowing)
        written = message(ASK)
        number = await api.push(message=written)
        for _ in range(3):
            await api.redeliver({"update_id": number, "message": written})
        await api.deliver(message=message("/privacy"))
        assert len(await api.shown(2)) == 2


async def test_two_copies_answer_an_update_once(api: BotApi, make_platform: Make, webhook: Webhook) -> None:
    other = replace(webhook, port=(port := free_port()), url=f"http://127.0.0.1:{port}/telegram/hook")
    one, two = make_platform(webhook=webhook), make_platform(webhook=other)
    written = message(ASK)
    async with served(one), served(two):
        await api.until(lambda: one.health().flowing and two.health().flowing)
        number = await api.push(message=written)
        for url in (webhook.url, other.url):
            api.webhook["url"] = url
            await api.redeliver({"update_id": number, "message": written})
        await api.deliver(message=message("/privacy"))
        assert len(await api.shown(2)) == 2


async def test_what_a_stop_cuts_short_comes_again(api: BotApi, make_platform: Make, webhook: Webhook) -> None:
    gate = api.hold("sendMessage")
    platform = make_platform(webhook=webhook, timing=replace(QUICK, drain=0.05))
    written = message(ASK)
    async with served(platform):
        await api.until(lambda: platform.health().flowing)
        number = await api.push(message=written)

        delivery = asyncio.create_task(api.redeliver({"update_id": number, "message": written}, tries=1))
        await api.arrived("sendMessage")
    await delivery
    assert api.deliveries == [503]
    gate.set()


async def test_while_no_copy_runs_telegram_keeps_trying(api: BotApi, make_platform: Make, webhook: Webhook) -> None:

    async with served(first := make_platform(webhook=webhook)):
        await api.until(lambda: first.health().flowing)
    delivery = asyncio.create_task(api.deliver(message=message(ASK)))
    async with served(make_platform(webhook=webhook)):
        assert IR in (await api.shown())[0].text
        await delivery
    assert api.deliveries[-1] == 200


async def test_a_webhook_that_somebody_took_away_is_set_again(
    api: BotApi, make_platform: Make, webhook: Webhook
) -> None:
    platform = make_platform(webhook=webhook)
    async with served(platform):
        await api.call("setWebhook")
        api.webhook = {}
        await api.call("setWebhook", 2)
        assert api.webhook["url"] == webhook.url


async def test_when_telegram_cannot_get_through_health_says_why(
    api: BotApi, make_platform: Make, webhook: Webhook
) -> None:

    platform = make_platform(webhook=webhook, timing=replace(QUICK, webhook_look=0.5))
    async with served(platform), aiohttp.ClientSession() as session:
        await api.until(lambda: platform.health().flowing)
        health = f"http://127.0.0.1:{webhook.port}/healthz"
        async with session.get(health) as answer:
            assert answer.status == 200
        api.webhook_error = {
            "pending_update_count": 7,
            "last_error_date": int(time.time()) + 1,
            "last_error_message": "Wrong response from the webhook: 502 Bad Gateway",
        }
        await api.call("getWebhookInfo", len(api.called("getWebhookInfo")) + 1)
        await api.until(lambda: not platform.health().flowing)
        assert "can't deliver 7 updates" in platform.health().reason
        assert "502 Bad Gateway" in platform.health().reason
        async with session.get(health) as answer:
            assert answer.status == 503
        api.webhook_error = {}
        await api.call("getWebhookInfo", len(api.called("getWebhookInfo")) + 1)
        await api.until(lambda: platform.health().flowing)


async def test_a_port_in_use_ends_it_with_one_sentence(make_platform: Make, webhook: Webhook) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", webhook.port))
        taken.listen()
        platform = make_platform(webhook=webhook)
        with pytest.raises(PlatformError, match=f"can't listen on port {webhook.port}"):
            await platform.serve()


async def test_a_token_that_is_revoked_ends_it(api: BotApi, make_platform: Make, webhook: Webhook) -> None:
    api.fail("setWebhook", 401, "Unauthorized")
    with pytest.raises(PlatformError) as ended:
        await make_platform(webhook=webhook).serve()
    assert str(ended.value) == WRONG_TOKEN


async def test_polling_takes_a_webhook_away_that_was_set_before(
    api: BotApi, make_platform: Make, webhook: Webhook
) -> None:
    platform = make_platform(webhook=webhook)
    async with served(platform):
        await api.until(lambda: platform.health().flowing)
    async with served(make_platform()):
        await api.push(message=message(ASK))
        assert IR in (await api.shown())[0].text
    assert api.webhook == {}
