"""What ``iris doctor`` asks Discord: is the token right, may IRIS do what it needs, is too much switched on?"""

from __future__ import annotations

from typing import Any

import aiohttp
import discord
from discord.http import Route

from bot.checkup import Finding, Verdict, clock
from bot.settings import ShardRange

ABOUT = "Discord"
ANSWER_SECONDS = 10.0
# In the form that Discord asks for (reference, User Agent).
_AGENT = f"DiscordBot (https://github.com/Rapptz/discord.py, {discord.__version__})"
# What IRIS needs where it is asked by a mention or a reply; slash commands need none of it.
NEEDED = discord.Permissions(
    view_channel=True, send_messages=True, send_messages_in_threads=True, read_message_history=True
)
# Where fewer are left of the 1,000 starts a day, something must be wrong (topics/gateway, Session Start Limit).
STARTS_LEFT_MIN = 50
_NOT_FOUND, _REFUSED, _WRONG_TOKEN = 404, 403, 401


async def check_up(token: str, shards: ShardRange | None, channels: dict[str, str]) -> list[Finding]:
    """Look at the application behind ``token``; ``channels`` are ids by the variable that names them."""
    headers = {"Authorization": f"Bot {token}", "User-Agent": _AGENT}
    patience = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    findings: list[Finding] = []
    try:
        async with aiohttp.ClientSession(headers=headers, timeout=patience) as web:
            status, application, date = await _get(web, "/oauth2/applications/@me")
            if status == _WRONG_TOKEN:
                said = (
                    "Discord does not accept the token. Copy it again from discord.com/developers, your application, "
                    "Bot, Reset Token, into IRIS_DISCORD_TOKEN."
                )
                return [Finding(ABOUT, Verdict.PROBLEM, said)]
            if status != 200:
                return [_unreachable(f"it answered with status {status}")]
            findings += [found for found in (clock(ABOUT, date),) if found]
            findings += [_good(f"The token is accepted; the application is called {application.get('name')}.")]
            findings += _application(application)
            status, gateway, _ = await _get(web, "/gateway/bot")
            if status == 200:
                findings += _gateway(gateway, shards)
            for variable, channel in channels.items():
                status, _, _ = await _get(web, f"/channels/{channel}")
                findings.append(_channel(variable, status))
    except (TimeoutError, aiohttp.ClientError, ValueError) as error:  # the last one: something else answered
        findings.append(_unreachable(type(error).__name__))
    return findings


async def _get(web: aiohttp.ClientSession, path: str) -> tuple[int, Any, str | None]:
    async with web.get(f"{Route.BASE}{path}") as response:
        data = await response.json(content_type=None) if response.ok else None
        return response.status, data, response.headers.get("Date")


def _application(application: dict[str, Any]) -> list[Finding]:
    flags = discord.ApplicationFlags._from_value(int(application.get("flags") or 0))
    switched_on = {
        "Presence": flags.gateway_presence or flags.gateway_presence_limited,
        "Server Members": flags.gateway_guild_members or flags.gateway_guild_members_limited,
        "Message Content": flags.gateway_message_content or flags.gateway_message_content_limited,
    }
    findings = []
    if names := [name for name, on in switched_on.items() if on]:
        said = f"Privileged intents are on ({', '.join(names)}); IRIS needs none. Switch them off under Bot."
        findings.append(Finding(ABOUT, Verdict.HINT, said))
    else:
        findings.append(_good("No privileged intent is on."))
    if application.get("interactions_endpoint_url"):
        said = (
            "Commands are sent to a web address in place of IRIS. Empty the Interactions Endpoint URL under General "
            "Information."
        )
        findings.append(Finding(ABOUT, Verdict.PROBLEM, said))
    return [*findings, *_install_link(application)]


def _install_link(application: dict[str, Any]) -> list[Finding]:
    """Whether those who add IRIS by its install link give it what it needs."""
    types = application.get("integration_types_config") or {}
    parameters = (types.get("0") or {}).get("oauth2_install_params") or application.get("install_params")
    if not parameters:
        said = "There is no install link. Under Installation, Guild Install, choose the scopes and permissions."
        return [Finding(ABOUT, Verdict.HINT, said)]
    missing = [f"the scope {name}" for name in ("applications.commands", "bot") if name not in parameters["scopes"]]
    given = discord.Permissions(int(parameters.get("permissions") or 0))
    missing += [
        name.replace("_", " ").title()
        for name, on in NEEDED
        if on and not (getattr(given, name) or given.administrator)
    ]
    if missing:
        said = f"The install link does not give {', '.join(missing)}. Add it under Installation, Guild Install."
        return [Finding(ABOUT, Verdict.HINT, said)]
    return [_good("The install link gives the scopes and permissions that IRIS needs.")]


def _gateway(gateway: dict[str, Any], shards: ShardRange | None) -> list[Finding]:
    findings = []
    wanted = int(gateway.get("shards") or 1)
    if shards and shards.count < wanted:
        said = f"IRIS_DISCORD_SHARDS splits into {shards.count} shards; Discord wants {wanted} or more by now."
        findings.append(Finding(ABOUT, Verdict.PROBLEM, said))
    limit = gateway.get("session_start_limit") or {}
    left, total = limit.get("remaining"), limit.get("total")
    if isinstance(left, int) and left < STARTS_LEFT_MIN:
        hours = round(int(limit.get("reset_after") or 0) / 3_600_000)
        said = (
            f"Only {left} of {total} starts are left for the next {hours} h: something starts IRIS again and again. "
            "Stop it and look into its log."
        )
        findings.append(Finding(ABOUT, Verdict.PROBLEM, said))
    return findings


def _channel(variable: str, status: int) -> Finding:
    if status == 200:
        return _good(f"The channel of {variable} can be seen.")
    reason = {_NOT_FOUND: "does not exist", _REFUSED: "cannot be seen by IRIS"}.get(status, f"gave status {status}")
    said = f"The channel of {variable} {reason}. Correct its id, or give IRIS View Channel and Send Messages there."
    return Finding(ABOUT, Verdict.PROBLEM, said)


def _good(said: str) -> Finding:
    return Finding(ABOUT, Verdict.GOOD, said)


def _unreachable(reason: str) -> Finding:
    said = f"Discord cannot be asked ({reason}). Check the network of this machine, and discordstatus.com."
    return Finding(ABOUT, Verdict.PROBLEM, said)
