"""What goes wrong between Discord and IRIS, over the wire: it is counted, told if possible, and stops nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import discord_events as events
import pytest
from discord_bot import Altered, Connect, Connection, Counted, failures
from discord_server import PATIENCE, DiscordServer, Shown

from bot.reply import Reply, ReplyKind

DANGER = "My sugar is 45 and I'm shaking and confused"
ASKED = "type 1 diabetes meaning"


def mention(text: str = ASKED) -> dict[str, Any]:
    return events.message(f"<@{events.BOT_ID}> {text}", mentions_bot=True)


async def still_answers(server: DiscordServer) -> None:
    assert "### What is type 1" in (await server.interact(events.command("ask", question=ASKED))).text


async def back(server: DiscordServer) -> dict[str, Any]:
    """How the bot came back: {"resumed": ...} or what it identified with."""
    return await asyncio.wait_for(server.identified.get(), PATIENCE)


# The gateway


async def test_what_is_replayed_after_a_drop_is_answered_once(server: DiscordServer, bot: Connection) -> None:
    before = failures("connection_dropped")
    asked = mention()
    await server.say(asked)
    await server.drop(4000)
    assert "resumed" in await back(server)
    await server.dispatch("MESSAGE_CREATE", asked)
    other = mention()
    assert (await server.say(other)).reply_to == other["id"]
    assert failures("connection_dropped") == before + 1


async def test_a_request_to_reconnect_is_followed(server: DiscordServer, bot: Connection) -> None:
    await server.lines[0].tell({"op": 7, "d": None})
    assert "resumed" in await back(server)
    await still_answers(server)


@pytest.mark.usefixtures("fast_retries")
@pytest.mark.parametrize(("resumable", "returns_by"), [(True, "resumed"), (False, "shard")])
async def test_an_invalid_session_is_resumed_or_begun_anew(
    server: DiscordServer, bot: Connection, resumable: bool, returns_by: str
) -> None:
    await server.lines[0].tell({"op": 9, "d": resumable})
    assert returns_by in await back(server)
    await still_answers(server)


@pytest.mark.usefixtures("fast_retries")
async def test_a_session_that_cannot_be_resumed_any_more_is_begun_anew(server: DiscordServer, bot: Connection) -> None:
    server.invalid_sessions = [False]
    await server.drop(4000)
    assert "shard" in await back(server)
    await still_answers(server)


async def test_a_connection_without_acknowledged_heartbeats_is_left_and_resumed(
    server: DiscordServer, connect: Connect
) -> None:
    server.heartbeat_ms = 50
    connection = await connect(heartbeat_timeout=0.3)
    await still_answers(server)
    server.acknowledges = False
    came_back = await back(server)
    server.acknowledges = True
    assert "resumed" in came_back
    await still_answers(server)
    assert connection.platform.health().flowing


async def test_health_tells_of_heartbeats_that_nobody_acknowledges(server: DiscordServer, connect: Connect) -> None:
    server.heartbeat_ms = 20
    connection = await connect()
    await still_answers(server)
    assert connection.platform.health().flowing
    server.acknowledges = False
    while not server.heartbeats.empty():
        server.heartbeats.get_nowait()
    for _ in range(5):
        await asyncio.wait_for(server.heartbeats.get(), PATIENCE)
    health = connection.platform.health()
    assert not health.flowing
    assert "has not acknowledged" in health.reason


async def test_a_gateway_that_does_not_compress_is_understood(server: DiscordServer, connect: Connect) -> None:
    server.compressed = False
    await connect()
    await still_answers(server)


MALFORMED: list[tuple[str, Any]] = [
    ("MESSAGE_CREATE", {"id": "1", "channel_id": str(events.CHANNEL_ID), "guild_id": str(events.GUILD_ID)}),
    ("MESSAGE_CREATE", []),
    ("MESSAGE_UPDATE", {"id": "not a number", "channel_id": "1"}),
    ("INTERACTION_CREATE", {"id": "1", "type": 2}),
    ("GUILD_CREATE", {"name": "without an id"}),
    ("GUILD_DELETE", {}),
    ("CHANNEL_CREATE", {"type": 0, "guild_id": str(events.GUILD_ID)}),
    ("GUILD_UPDATE", None),
]


@pytest.mark.parametrize(("event", "data"), MALFORMED)
async def test_an_event_that_discord_words_wrongly_is_counted_and_stops_nothing(
    server: DiscordServer, bot: Connection, event: str, data: Any
) -> None:
    before = failures("malformed_event") + failures("event")
    await server.dispatch(event, data)
    await still_answers(server)
    assert failures("malformed_event") + failures("event") == before + 1


async def test_events_and_opcodes_that_nobody_knows_stop_nothing(server: DiscordServer, bot: Connection) -> None:
    await server.dispatch("SOMETHING_NEW", {"id": "1"})
    await server.lines[0].tell({"op": 99, "d": None})
    await server.dispatch("INTERACTION_CREATE", events.interaction(99, {}))
    await still_answers(server)
    assert len(server.identify_times) == 1


@pytest.mark.usefixtures("fast_retries")
async def test_a_frame_that_is_no_json_ends_in_a_new_connection(server: DiscordServer, connect: Connect) -> None:
    server.compressed = False
    await connect()
    await server.lines[0].socket.send_str("{no json")
    assert "shard" in await back(server)
    await still_answers(server)


async def test_the_outage_of_one_community_is_counted_and_over_when_it_is_over(
    server: DiscordServer, bot: Connection
) -> None:
    before = failures("guild_outage")
    await server.dispatch("GUILD_DELETE", {"id": str(events.GUILD_ID), "unavailable": True})
    direct = await server.say(events.message(ASKED, channel_id=events.DM_ID))
    assert "### What is type 1" in direct.text
    assert failures("guild_outage") == before + 1
    # Discord may still deliver what is asked there; what it then takes is up to it.
    await still_answers(server)
    await server.dispatch("GUILD_CREATE", events.guild())
    assert "### What is type 1" in (await server.say(mention())).text


async def test_being_removed_from_a_community_is_no_outage(server: DiscordServer, bot: Connection) -> None:
    before = failures("guild_outage")
    await server.dispatch("GUILD_DELETE", {"id": str(events.GUILD_ID)})
    await still_answers(server)
    assert failures("guild_outage") == before


# Requests


@pytest.mark.parametrize("everywhere", [False, True])
async def test_too_many_requests_are_waited_out(server: DiscordServer, bot: Connection, everywhere: bool) -> None:
    before = failures("rate_limited")
    body = {"message": "slow down", "retry_after": 0.05, "global": everywhere}
    server.fail_next("/messages", 429, body)
    assert "### What is type 1" in (await server.say(mention())).text
    server.fail_next("/callback", 429, body)
    await still_answers(server)
    assert failures("rate_limited") == before + 2


async def test_a_server_error_on_the_answer_to_a_command_is_tried_again(server: DiscordServer, bot: Connection) -> None:
    before = failures("server_error")
    server.fail_next("/callback", 502)
    await still_answers(server)
    assert failures("server_error") == before + 1


@pytest.mark.parametrize(("status", "code"), [(404, 10062), (400, 40060)])
async def test_an_interaction_that_came_too_late_is_counted(
    server: DiscordServer, bot: Connection, status: int, code: int
) -> None:
    before = failures("ask")
    server.fail_next("/callback", status, {"message": "too late", "code": code})
    await server.begin(events.command("ask", question="what is insulin resistance"))
    await still_answers(server)
    assert failures("ask") == before + 1


async def test_where_iris_may_not_write_the_asker_is_answered_directly(server: DiscordServer, bot: Connection) -> None:
    before = failures("may_not_write")
    for text, sign in ((ASKED, "### What is type 1"), (DANGER, "mergency")):
        server.fail_next("/messages", 403, {"message": "Missing Permissions", "code": 50013})
        shown = await server.say(mention(text))
        assert shown.message["channel_id"] == str(events.DM_ID)
        assert sign in shown.text
    assert failures("may_not_write") == before + 2


async def test_where_no_way_to_the_asker_is_left_nothing_stops(
    server: DiscordServer, bot: Connection, counted: Counted
) -> None:
    for code in (50013, 50007):
        server.fail_next("/messages", 403, {"message": "no", "code": code})
    await server.dispatch("MESSAGE_CREATE", mention())
    await counted("may_not_write")
    await counted("message")
    assert "### What is type 1" in (await server.say(mention())).text


async def test_a_closed_direct_chat_and_a_deleted_channel_stop_nothing(
    server: DiscordServer, bot: Connection, counted: Counted
) -> None:
    server.fail_next("/messages", 403, {"message": "Cannot send messages to this user", "code": 50007})
    await server.dispatch("MESSAGE_CREATE", events.message(ASKED, channel_id=events.DM_ID))
    await counted("message")
    server.fail_next("/messages", 404, {"message": "Unknown Channel", "code": 10003})
    await server.dispatch("MESSAGE_CREATE", mention())
    await counted("message")
    assert "### What is type 1" in (await server.say(mention())).text


async def test_the_edit_of_a_message_that_cannot_be_answered_stops_nothing(
    server: DiscordServer, bot: Connection, counted: Counted
) -> None:
    server.fail_next("/messages", 404, {"message": "Unknown Channel", "code": 10003})
    await server.dispatch("MESSAGE_UPDATE", {**mention(DANGER), "edited_timestamp": events.TIME})
    await counted("edit")
    await still_answers(server)


# Time


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time after which IRIS says that it is thinking, in hundredths of a second."""
    monkeypatch.setattr("adapters.discord.delivery.ACKNOWLEDGE_SECONDS", 0.05)


@pytest.mark.usefixtures("short_patience")
@pytest.mark.parametrize("public", [False, True])
async def test_a_slow_answer_is_acknowledged_first(server: DiscordServer, bot: Connection, public: bool) -> None:
    server.interaction_seconds = 0.5
    bot.answerer = Altered(bot.answerer, seconds=0.8)
    asked = events.command("ask", question=ASKED, public=public)
    assert await server.interact(asked) == "thinking"
    shown = await server.answer(asked)
    assert "### What is type 1" in shown.text
    assert shown.ephemeral != public


@pytest.mark.usefixtures("short_patience")
async def test_a_slow_safety_reply_to_a_public_question_is_for_the_asker_alone(
    server: DiscordServer, bot: Connection
) -> None:
    bot.answerer = Altered(bot.answerer, seconds=0.3)
    asked = events.command("ask", question=DANGER, public=True)
    assert await server.interact(asked) == "thinking"
    assert await server.answer(asked) == "deleted"
    shown = await server.answer(asked)
    assert isinstance(shown, Shown)
    assert shown.ephemeral
    assert shown.message["components"][0]["accent_color"] == 0xD62828


@pytest.mark.usefixtures("short_patience")
async def test_a_slow_safety_reply_is_given_even_if_thinking_cannot_be_taken_back(
    server: DiscordServer, bot: Connection
) -> None:
    bot.answerer = Altered(bot.answerer, seconds=0.3)
    server.fail_next("/@original", 404, {"message": "Unknown Message", "code": 10008})
    asked = events.command("ask", question=DANGER, public=True)
    assert await server.interact(asked) == "thinking"
    assert (await server.answer(asked)).message["components"][0]["accent_color"] == 0xD62828


@pytest.mark.usefixtures("short_patience")
async def test_slow_records_are_waited_for_with_an_acknowledgement(
    server: DiscordServer, bot: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = await server.interact(events.command("ask", question=ASKED))
    kept: Callable[..., Any] = bot.records.vote

    async def slowly(*vote: Any) -> bool:
        await asyncio.sleep(0.2)
        return bool(await kept(*vote))

    monkeypatch.setattr(bot.records, "vote", slowly)
    pressed = events.press(shown.buttons["Helpful"], shown.message)
    assert await server.interact(pressed) == "thinking"
    thanked = await server.answer(pressed)
    assert "vote counts" in thanked.text
    assert thanked.ephemeral


async def test_content_that_fails_is_told_in_one_sentence(server: DiscordServer, bot: Connection) -> None:
    nothing = Reply(ReplyKind.ANSWER, "\x00", "Disclaimer.", "id", "0a")
    bot.answerer = Altered(bot.answerer, reply=nothing)
    assert "Disclaimer." in (await server.interact(events.command("ask", question=ASKED))).text
    bot.answerer = Altered(bot.answerer, broken=True)
    assert "went wrong" in (await server.interact(events.command("ask", question=ASKED))).text
