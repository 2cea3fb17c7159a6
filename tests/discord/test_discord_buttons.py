"""Buttons and menus over the wire: they work after a restart, on any replica, and say so when an answer is gone."""

from __future__ import annotations

import discord_events as events
import pytest
from discord_bot import Altered, Connect, Connection, question_back
from discord_server import DiscordServer

from bot.reply import Reply, ReplyKind

SHORT = "General information, not medical advice"


async def test_more_expands_a_private_answer_in_place_and_less_folds_it(server: DiscordServer, bot: Connection) -> None:
    shown = await server.interact(events.command("ask", question="what is insulin resistance"))
    more = await server.interact(events.press(shown.buttons["More"], shown.message))
    assert more.edited
    assert more.ephemeral
    assert more.message["id"] == shown.message["id"]
    assert "- first point with 5 \\> 3 and snake\\_case\n- second point" in more.text
    assert "Evidence: well established" in more.text
    assert SHORT in more.text
    less = await server.interact(events.press(more.buttons["Less"], more.message))
    assert less.edited
    assert "first point" not in less.text


async def test_more_under_a_public_answer_is_shown_to_the_presser_alone(server: DiscordServer, bot: Connection) -> None:
    shown = await server.interact(events.command("ask", question="what is insulin resistance", public=True))
    more = await server.interact(events.press(shown.buttons["More"], shown.message))
    assert not more.edited
    assert more.ephemeral
    assert "second point" in more.text


async def test_more_in_the_direct_chat_expands_in_place(server: DiscordServer, bot: Connection) -> None:
    shown = await server.say(events.message("what is insulin resistance", channel_id=events.DM_ID))
    more = await server.interact(events.press(shown.buttons["More"], shown.message, context=1))
    assert more.edited
    assert "second point" in more.text


async def test_a_related_question_comes_as_a_message_of_its_own(server: DiscordServer, bot: Connection) -> None:
    shown = await server.interact(events.command("ask", question="what is insulin resistance"))
    related = await server.interact(events.press(shown.buttons["What is type 1 diabetes?"], shown.message))
    assert not related.edited
    assert related.ephemeral
    assert "### What is type 1 diabetes?" in related.text


async def test_a_choice_replaces_the_question_back(server: DiscordServer, bot: Connection) -> None:
    bot.answerer = Altered(bot.answerer, reply=question_back(bot.answerer))
    shown = await server.say(events.message("diabetes or resistance", channel_id=events.DM_ID))
    label, custom_id = next(iter(shown.buttons.items()))
    chosen = await server.interact(events.press(custom_id, shown.message, context=1))
    assert chosen.edited
    assert f"### {label.partition('. ')[2]}" in chosen.text


async def test_buttons_work_after_a_restart(server: DiscordServer, connect: Connect) -> None:
    first = await connect()
    shown = await server.interact(events.command("ask", question="what is insulin resistance"))
    await first.close()
    await connect()
    more = await server.interact(events.press(shown.buttons["More"], shown.message))
    assert "second point" in more.text


async def test_a_button_of_a_changed_entry_shows_it_as_it_is_now_and_says_so(
    server: DiscordServer, bot: Connection
) -> None:
    shown = await server.interact(events.command("ask", question="what is insulin resistance"))
    stale = shown.buttons["What is type 1 diabetes?"][:-8] + "00000000"
    now = await server.interact(events.press(stale, _pressed(shown.message, stale)))
    assert "changed since that button was made" in now.text
    assert "### What is type 1 diabetes?" in now.text


async def test_a_button_of_an_entry_that_is_gone_says_so_and_leaves_the_old_answer(
    server: DiscordServer, bot: Connection
) -> None:
    shown = await server.interact(events.command("ask", question="what is insulin resistance"))
    gone = "iris:entry:here:1:no-longer-there:00000000"
    told = await server.interact(events.press(gone, _pressed(shown.message, gone)))
    assert not told.edited
    assert "Please ask your question again" in told.text
    assert SHORT in told.text


def _pressed(message: dict, custom_id: str) -> dict:  # type: ignore[type-arg]
    """The same message as if it had been sent with this button: what stands in a channel for months."""
    row = {
        "type": 1,
        "id": 900,
        "components": [{"type": 2, "id": 901, "style": 2, "label": "Old", "custom_id": custom_id}],
    }
    return {**message, "components": [*message["components"], row]}


async def test_topics_lead_to_questions_and_questions_to_answers(server: DiscordServer, bot: Connection) -> None:
    topics = await server.interact(events.command("topics"))
    assert [option["label"] for option in topics.menus["iris:groups"]] == ["The basics", "The kinds"]
    group = await server.interact(events.press("iris:groups", topics.message, values=["kinds"]))
    assert group.edited
    labels = [option["label"] for option in group.menus["iris:entries"]]
    assert labels == ["What is type 1 diabetes?", "What is type B insulin resistance?"]
    value = group.menus["iris:entries"][1]["value"]
    answer = await server.interact(events.press("iris:entries", group.message, values=[value]))
    assert not answer.edited
    assert answer.ephemeral
    assert "### What is type B" in answer.text
    assert SHORT in answer.text


async def test_browse_topics_under_an_unknown_question_opens_them(server: DiscordServer, bot: Connection) -> None:
    nothing = Reply(ReplyKind.OUT_OF_SCOPE, "I don't know.", bot.answerer.privacy().disclaimer)
    bot.answerer = Altered(bot.answerer, reply=nothing)
    shown = await server.interact(events.command("ask", question="who won the world cup in 1974"))
    topics = await server.interact(events.press(shown.buttons["Browse topics"], shown.message))
    assert not topics.edited
    assert "iris:groups" in topics.menus


@pytest.mark.parametrize("custom_id", ["iris:topics:here:999:gone", "iris:topics:new:0:"])
async def test_pages_and_topics_that_are_gone_show_the_topics(
    server: DiscordServer, bot: Connection, custom_id: str
) -> None:
    shown = await server.interact(events.command("topics"))
    again = await server.interact(events.press(custom_id, _pressed(shown.message, custom_id)))
    assert "### Topics" in again.text
