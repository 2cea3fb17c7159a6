"""The connection over the wire: login, registration of commands, failures on the way, and leaving."""

from __future__ import annotations

import asyncio

import discord_events as events
import pytest
from discord_bot import Altered, Connect, Connection
from discord_server import PATIENCE, TOKEN, DiscordServer

from adapters.discord import DiscordPlatform
from bot.answer import Answerer
from bot.desk import Desk
from bot.records import Records
from bot.settings import PlatformError


async def test_a_wrong_token_ends_with_one_sentence(server: DiscordServer, desk: Desk, records: Records) -> None:
    platform = DiscordPlatform("MTAw.wrong." + "x" * 30, desk, records)
    with pytest.raises(PlatformError, match=r"^Discord does not accept the token: .* IRIS_DISCORD_TOKEN\.$"):
        await asyncio.wait_for(platform.serve(), PATIENCE)
    await platform.close()


@pytest.mark.parametrize(("code", "sentence"), [(4004, "token"), (4013, "update IRIS"), (4014, "privileged")])
async def test_what_the_gateway_will_never_accept_ends_with_one_sentence(
    server: DiscordServer, desk: Desk, records: Records, code: int, sentence: str
) -> None:
    server.close_identify_with = code
    platform = DiscordPlatform(TOKEN, desk, records)
    with pytest.raises(PlatformError, match=sentence):
        await asyncio.wait_for(platform.serve(), PATIENCE)
    await platform.close()


async def test_commands_are_registered_once_and_not_again_while_they_are_the_same(
    server: DiscordServer, connect: Connect
) -> None:
    first = await connect()
    assert await asyncio.wait_for(server.synced.get(), PATIENCE) == 10
    await first.close()
    await connect()
    # Served after the comparison of commands, which was asked for before: the list has been looked at by then.
    await server.interact(events.command("privacy"))
    assert [path for method, path, _ in server.requests if method == "PUT"] == [
        f"/applications/{events.BOT_ID}/commands"
    ]
    assert len([path for method, path, _ in server.requests if method == "GET" and "commands" in path]) == 2


async def test_commands_that_somebody_changed_are_registered_again(server: DiscordServer, connect: Connect) -> None:
    server.registered = [
        {"id": "1", "application_id": "1", "version": "1", "type": 1, "name": "old", "description": "Old"}
    ]
    connection = await connect()
    assert await asyncio.wait_for(server.synced.get(), PATIENCE) == 10
    await connection.close()


async def test_a_failed_registration_harms_nothing_else(server: DiscordServer, connect: Connect) -> None:
    server.fail_next("/commands", 403)
    connection = await connect()
    assert "type 1" in (await server.interact(events.command("ask", question="type 1 diabetes meaning"))).text
    await connection.close()


@pytest.mark.usefixtures("fast_retries")
async def test_a_start_that_fails_is_tried_again(server: DiscordServer, connect: Connect) -> None:
    server.fail_next("/users/@me", 503)
    server.fail_next("/gateway/bot", 503)
    connection = await connect()
    await connection.close()


async def test_a_dropped_session_is_resumed_and_goes_on_answering(server: DiscordServer, bot: Connection) -> None:
    await server.drop(4000)
    assert "resumed" in await asyncio.wait_for(server.identified.get(), PATIENCE)
    assert "type 1" in (await server.interact(events.command("ask", question="type 1 diabetes meaning"))).text


async def test_heartbeats_are_sent(server: DiscordServer, connect: Connect) -> None:
    server.heartbeat_ms = 100
    connection = await connect()
    for _ in range(3):
        await asyncio.wait_for(server.heartbeats.get(), PATIENCE)
    await connection.close()


async def test_a_server_error_is_retried_and_the_answer_is_posted_once(server: DiscordServer, bot: Connection) -> None:
    server.fail_next("/messages", 502)
    shown = await server.say(events.message("type 1 diabetes meaning", channel_id=events.DM_ID))
    assert "type 1" in shown.text
    assert len([path for _, path, _ in server.requests if path.endswith("/messages")]) == 2


@pytest.mark.parametrize(("status", "code"), [(404, 10003), (400, 50035)])
async def test_a_message_that_cannot_be_posted_stops_nothing(
    server: DiscordServer, bot: Connection, status: int, code: int
) -> None:
    server.fail_next("/messages", status, {"message": "no", "code": code})
    await server.dispatch("MESSAGE_CREATE", events.message("what is insulin resistance", mentions_bot=True))
    if status == 400:  # nothing that concerns the channel: the person is told
        assert "went wrong" in (await asyncio.wait_for(server.posted.get(), PATIENCE)).text
    shown = await server.say(events.message("type 1 diabetes meaning", mentions_bot=True))
    assert "type 1" in shown.text


async def test_without_the_right_to_read_history_the_answer_is_posted_as_no_reply(
    server: DiscordServer, bot: Connection
) -> None:
    server.fail_next("/messages", 403, {"message": "no history", "code": 160002})
    shown = await server.say(events.message("type 1 diabetes meaning", mentions_bot=True))
    assert "type 1" in shown.text
    assert shown.reply_to is None


async def test_unknown_events_and_commands_stop_nothing(server: DiscordServer, bot: Connection) -> None:
    await server.dispatch("SOMETHING_NEW", {"id": "1"})
    topics = (await server.interact(events.command("topics"))).message
    old_form = {"custom_id": "iris:form:old", "components": []}
    for old in (
        events.command("a-command-of-last-year"),
        events.press("not-ours", topics),
        events.interaction(5, old_form, shown=topics),
    ):
        told = await server.interact(old)
        assert "I was updated" in told.text
        assert told.ephemeral
    await server.begin(events.command("a-command-of-last-year", focused="question", question="a"))
    assert "type 1" in (await server.interact(events.command("ask", question="type 1 diabetes meaning"))).text


async def test_a_bug_is_told_in_one_sentence_and_the_log_has_no_words(
    server: DiscordServer, bot: Connection, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    bot.answerer = Altered(bot.answerer, broken=True)
    asked = events.command("ask", question="my zanzibarian pancreas")
    assert "went wrong" in (await server.interact(asked)).text
    assert "went wrong" in (await server.say(events.message("my zanzibarian pancreas", channel_id=events.DM_ID))).text
    logged = "".join(capsys.readouterr()) + caplog.text
    assert "RuntimeError" in logged
    for secret in ("zanzibarian", TOKEN, str(events.PERSON_ID), "ada"):
        assert secret not in logged


async def test_no_word_of_a_question_is_logged(
    server: DiscordServer, bot: Connection, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    await server.interact(events.command("ask", question="zanzibarian type 1 diabetes meaning"))
    await server.say(events.message("zanzibarian type 1 diabetes meaning", channel_id=events.DM_ID))
    logged = "".join(capsys.readouterr()) + caplog.text
    assert "zanzibarian" not in logged
    assert str(events.PERSON_ID) not in logged


async def test_new_content_is_used_from_the_next_event_on(
    server: DiscordServer, bot: Connection, small_answerer: Answerer
) -> None:
    shown = await server.interact(events.command("ask", question="what is insulin resistance"))
    bot.answerer = Altered(small_answerer, broken=True)
    assert (await server.interact(events.press(shown.buttons["More"], shown.message))).edited
    assert "went wrong" in (await server.interact(events.command("ask", question="what is insulin resistance"))).text
    bot.answerer = small_answerer
    again = await server.interact(events.command("ask", question="what is insulin resistance"))
    assert "### What is insulin resistance?" in again.text


async def test_leaving_finishes_what_is_in_flight(server: DiscordServer, connect: Connect) -> None:
    connection = await connect()
    server.hold_posts = asyncio.Event()
    await server.dispatch("MESSAGE_CREATE", events.message("type 1 diabetes meaning", channel_id=events.DM_ID))
    await asyncio.wait_for(server.holding.get(), PATIENCE)
    leaving = asyncio.create_task(connection.close())
    await asyncio.sleep(0)
    assert not leaving.done()
    server.hold_posts.set()
    assert "type 1" in (await asyncio.wait_for(server.posted.get(), PATIENCE)).text
    await leaving
    assert await asyncio.wait_for(server.left.get(), PATIENCE) == 1000


async def test_leaving_does_not_wait_for_ever(
    server: DiscordServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.discord.platform.FINISH_SECONDS", 0.05)
    connection = await connect()
    server.hold_posts = asyncio.Event()
    await server.dispatch("MESSAGE_CREATE", events.message("type 1 diabetes meaning", channel_id=events.DM_ID))
    await asyncio.wait_for(server.holding.get(), PATIENCE)
    await connection.close()
    server.hold_posts.set()


async def test_cancelling_leaves_cleanly_too(server: DiscordServer, connect: Connect) -> None:
    connection = await connect()
    connection.serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connection.serving
    assert await asyncio.wait_for(server.left.get(), PATIENCE) == 1000


async def test_a_platform_that_never_served_can_be_closed(desk: Desk, records: Records) -> None:
    platform = DiscordPlatform(TOKEN, desk, records)
    await platform.close()
    await platform.serve()
