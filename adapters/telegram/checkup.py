"""What ``iris doctor`` asks Telegram: does the token work, what may the bot read, where do updates go."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import aiohttp

from bot.checkup import Finding, Verdict, clock
from bot.settings import Webhook

ABOUT = "Telegram"
ANSWER_SECONDS = 10.0
# An error of the webhook that is older than this has most likely been mended.
_LATE_SECONDS = 3600
_WAITING_MANY = 100
# 401: the token was revoked; 404: it has no bot at all (core.telegram.org/bots/api#making-requests).
_WRONG_TOKEN = (401, 404)


async def check_up(token: str, base_url: str, webhook: Webhook | None, channels: dict[str, str]) -> list[Finding]:
    """Look at the bot behind ``token``; ``channels`` are ids by the variable that names them."""
    patience = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    findings: list[Finding] = []
    try:
        async with aiohttp.ClientSession(timeout=patience) as web:
            status, me, date = await _call(web, base_url, token, "getMe")
            if status in _WRONG_TOKEN:
                said = (
                    "Telegram does not accept the token. Put the one that @BotFather shows for your bot into "
                    "IRIS_TELEGRAM_TOKEN."
                )
                return [Finding(ABOUT, Verdict.PROBLEM, said)]
            if status != 200:
                return [_unreachable(f"it answered with status {status}")]
            findings += [found for found in (clock(ABOUT, date),) if found]
            findings += [_good(f"The token is accepted; the bot is called @{me.get('username')}."), *_bot(me)]
            status, info, _ = await _call(web, base_url, token, "getWebhookInfo")
            if status == 200:
                findings += _updates(info, webhook)
            for variable, channel in channels.items():
                status, _, _ = await _call(web, base_url, token, "getChat", chat_id=channel)
                findings.append(_channel(variable, status))
    except (TimeoutError, aiohttp.ClientError, ValueError) as error:  # its words may hold the address with the token
        findings.append(_unreachable(type(error).__name__))
    return findings


async def _call(
    web: aiohttp.ClientSession, base_url: str, token: str, method: str, **parameters: str
) -> tuple[int, Any, str | None]:
    async with web.post(f"{base_url}{token}/{method}", data=parameters or None) as response:
        data = await response.json(content_type=None) if response.ok else {}
        return response.status, data.get("result"), response.headers.get("Date")


def _bot(me: dict[str, Any]) -> list[Finding]:
    findings = []
    if me.get("can_read_all_group_messages"):
        said = (
            "Privacy mode is off: Telegram passes on every message of a group. IRIS needs only those that are meant "
            "for it. Switch it on with @BotFather, /setprivacy, and add the bot to its groups again."
        )
        findings.append(Finding(ABOUT, Verdict.HINT, said))
    else:
        findings.append(_good("Privacy mode is on: groups pass on only what is meant for the bot."))
    if not me.get("can_join_groups", True):
        said = "The bot cannot be added to groups. To allow it: @BotFather, /setjoingroups."
        findings.append(Finding(ABOUT, Verdict.HINT, said))
    if not me.get("supports_inline_queries"):
        said = "Inline mode is off, so @ and the bot's name give no answers in other chats: @BotFather, /setinline."
        findings.append(Finding(ABOUT, Verdict.HINT, said))
    return findings


def _updates(info: dict[str, Any], webhook: Webhook | None) -> list[Finding]:
    """Where Telegram sends updates, and what became of the last ones."""
    findings = []
    address = info.get("url") or ""
    if webhook is None and address:
        said = (
            "Telegram sends updates to a webhook at the moment. `iris run` removes it and asks for them itself; if "
            "another program of yours uses this bot, stop that or make a second bot."
        )
        findings.append(Finding(ABOUT, Verdict.HINT, said))
    elif webhook is not None and address != webhook.url:
        said = "Telegram does not call IRIS_TELEGRAM_WEBHOOK_URL yet. `iris run` tells it to."
        findings.append(Finding(ABOUT, Verdict.HINT, said))
    else:
        findings.append(
            _good("Telegram calls the webhook." if webhook else "No webhook is set: IRIS asks for updates.")
        )
    ago = datetime.now(UTC).timestamp() - int(info.get("last_error_date") or 0)
    if webhook is not None and ago < _LATE_SECONDS:
        said = (
            f"Telegram could not call the webhook {ago / 60:.0f} minutes ago ({info.get('last_error_message')}). Check "
            "the proxy, its certificate, and that it leads to IRIS_TELEGRAM_WEBHOOK_PORT."
        )
        findings.append(Finding(ABOUT, Verdict.PROBLEM, said))
    waiting = int(info.get("pending_update_count") or 0)
    if waiting > _WAITING_MANY:
        said = f"{waiting} updates wait at Telegram: IRIS does not run, or does not keep up."
        findings.append(Finding(ABOUT, Verdict.HINT, said))
    return findings


def _channel(variable: str, status: int) -> Finding:
    if status == 200:
        return _good(f"The chat of {variable} can be seen.")
    said = f"The chat of {variable} cannot be found. Add the bot to it, and correct its id (groups begin with -)."
    return Finding(ABOUT, Verdict.PROBLEM, said)


def _good(said: str) -> Finding:
    return Finding(ABOUT, Verdict.GOOD, said)


def _unreachable(reason: str) -> Finding:
    said = f"Telegram cannot be asked ({reason}). Check the network of this machine, and IRIS_TELEGRAM_API_URL if set."
    return Finding(ABOUT, Verdict.PROBLEM, said)
