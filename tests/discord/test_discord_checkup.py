"""What ``iris doctor`` says about Discord, asked over the wire."""

from __future__ import annotations

from typing import Any

import pytest
from discord_server import TOKEN, DiscordServer, Fault

from adapters.discord.checkup import check_up
from bot.checkup import Verdict
from bot.settings import ShardRange

APPLICATION: dict[str, Any] = {"id": "1", "name": "IRIS", "flags": 0, "interactions_endpoint_url": None}
# View Channels, Send Messages, Read Message History, Send Messages in Threads: as the README says.
INSTALL = {"scopes": ["bot", "applications.commands"], "permissions": str(1 << 10 | 1 << 11 | 1 << 16 | 1 << 38)}
WHOLE = APPLICATION | {"integration_types_config": {"0": {"oauth2_install_params": INSTALL}}}


async def _said(
    server: DiscordServer,
    application: dict[str, Any] = WHOLE,
    shards: ShardRange | None = None,
    channels: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> dict[Verdict, str]:
    server.faults.insert(0, Fault("/oauth2/applications/@me", 200, application, headers or {}))
    said: dict[Verdict, str] = {}
    for finding in await check_up(TOKEN, shards, channels or {}):
        said[finding.verdict] = f"{said.get(finding.verdict, '')}{finding.said}\n"
    return said


async def test_where_everything_is_right_there_is_nothing_to_do(server: DiscordServer) -> None:
    said = await _said(server)
    assert set(said) == {Verdict.GOOD}
    assert said[Verdict.GOOD].splitlines() == [
        "This machine's clock agrees with Discord's.",
        "The token is accepted; the application is called IRIS.",
        "No privileged intent is on.",
        "The install link gives the scopes and permissions that IRIS needs.",
    ]
    assert server.registered == []


@pytest.mark.parametrize(
    ("application", "verdict", "words"),
    [
        ({"flags": 1 << 18}, Verdict.HINT, "Privileged intents are on (Message Content); IRIS needs none."),
        ({"flags": 1 << 13 | 1 << 15}, Verdict.HINT, "Privileged intents are on (Presence, Server Members)"),
        ({"interactions_endpoint_url": "https://a.example"}, Verdict.PROBLEM, "Empty the Interactions Endpoint URL"),
        ({"integration_types_config": {}}, Verdict.HINT, "There is no install link."),
        (
            {"integration_types_config": {}, "install_params": {"scopes": ["bot"], "permissions": "3072"}},
            Verdict.HINT,
            "does not give the scope applications.commands, Read Message History, Send Messages In Threads.",
        ),
    ],
)
async def test_what_is_set_wrong_is_said_with_what_to_do(
    application: dict[str, Any], verdict: Verdict, words: str, server: DiscordServer
) -> None:
    assert words in (await _said(server, WHOLE | application))[verdict]


async def test_a_token_that_is_refused_is_the_one_thing_said_and_is_not_shown(server: DiscordServer) -> None:
    (finding,) = await check_up("not-the-token", None, {})
    assert finding.verdict is Verdict.PROBLEM
    assert finding.said.startswith("Discord does not accept the token.")
    assert "not-the-token" not in finding.said


async def test_too_few_shards_and_too_few_starts_are_problems(server: DiscordServer) -> None:
    server.shards = 20
    server.limit = {"total": 1000, "remaining": 7, "reset_after": 7_200_000, "max_concurrency": 1}
    problems = (await _said(server, shards=ShardRange(0, 3, 16)))[Verdict.PROBLEM]
    assert "splits into 16 shards; Discord wants 20 or more" in problems
    assert "Only 7 of 1000 starts are left for the next 2 h" in problems


@pytest.mark.parametrize(
    ("status", "verdict", "words"),
    [
        (200, Verdict.GOOD, "The channel of IRIS_DIGEST_CHANNEL can be seen."),
        (403, Verdict.PROBLEM, "The channel of IRIS_DIGEST_CHANNEL cannot be seen by IRIS."),
        (404, Verdict.PROBLEM, "The channel of IRIS_DIGEST_CHANNEL does not exist."),
    ],
)
async def test_the_channels_of_the_settings_are_looked_for(
    status: int, verdict: Verdict, words: str, server: DiscordServer
) -> None:
    server.faults = [Fault("/channels/77", status, {})]
    assert words in (await _said(server, channels={"IRIS_DIGEST_CHANNEL": "77"}))[verdict]


async def test_a_clock_that_is_wrong_is_a_problem(server: DiscordServer) -> None:
    said = await _said(server, headers={"Date": "Sat, 21 Nov 2020 10:00:00 GMT"})
    assert "ahead of Discord's. Let the system set it (NTP)." in said[Verdict.PROBLEM]


async def test_no_network_is_one_sentence(server: DiscordServer) -> None:
    await server.stop()
    (finding,) = await check_up(TOKEN, None, {})
    assert finding.said == (
        "Discord cannot be asked (ClientConnectorError). Check the network of this machine, and discordstatus.com."
    )
