"""A community's own settings, over the wire: who may change them, what each does, and that none holds triage back."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import discord_events as events
import pytest
from discord_bot import Connect, Connection
from discord_server import PATIENCE, DiscordServer, Form, Shown

from bot.records import Community, CommunitySettings, Records

SHORT = "General information, not medical advice"
DANGER = "My sugar is 45 and I'm shaking and confused"
HERE = Community("discord", str(events.GUILD_ID))
OTHER_CHANNEL = 300000000000000007
NO_RIGHTS = str(1 << 11)  # may write, no more


async def configured(records: Records, connect: Connect, **settings: object) -> Connection:
    assert await records.save_settings(HERE, replace(CommunitySettings(), **settings))  # type: ignore[arg-type]
    return await connect()


async def panel(server: DiscordServer) -> Shown:
    shown = await server.interact(events.command("iris settings"))
    assert isinstance(shown, Shown)
    return shown


# Changing them


async def test_settings_are_shown_to_those_who_manage_the_server_alone(server: DiscordServer, bot: Connection) -> None:
    shown = await panel(server)
    assert shown.ephemeral
    assert "Settings of IRIS" in shown.text
    assert SHORT in shown.text
    refused = await server.interact(events.command("iris settings", place={"permissions": NO_RIGHTS}))
    assert "Manage Server" in refused.text
    assert not refused.menus


async def test_every_setting_is_saved_and_shown_as_it_is_now(
    server: DiscordServer, bot: Connection, records: Records
) -> None:
    shown = await panel(server)
    chosen = events.choose_channels("iris:set:channels", shown.message, [events.CHANNEL_ID, OTHER_CHANNEL])
    shown = await server.interact(chosen)
    assert shown.edited
    assert {part["id"] for part in shown.menus["iris:set:channels"]} == {str(events.CHANNEL_ID), str(OTHER_CHANNEL)}
    shown = await server.interact(events.press("iris:set:public", shown.message, values=["yes"]))
    assert [option["value"] for option in shown.menus["iris:set:public"] if option.get("default")] == ["yes"]
    shown = await server.interact(events.choose_channels("iris:set:human", shown.message, [OTHER_CHANNEL]))
    told = await asyncio.wait_for(server.posted.get(), PATIENCE)
    assert told.message["channel_id"] == str(OTHER_CHANNEL)
    assert "Ask a human" in told.text
    form = await server.interact(events.press("iris:set:words", shown.message))
    assert isinstance(form, Form)
    typed = {"region": "gb", "language": "en", "cooldown": "30", "extra_line": "Rules: *#rules*"}
    shown = await server.interact(events.submit(form.modal, typed, shown=shown.message))
    assert shown.edited
    for part in ("GB", "en", "30 seconds", "Rules: \\*\\#rules\\*", "Saved."):
        assert part in shown.text
    expected = CommunitySettings(
        public=True,
        language="en",
        region="GB",
        channels=(str(events.CHANNEL_ID), str(OTHER_CHANNEL)),
        human_channel=str(OTHER_CHANNEL),
        cooldown_s=30,
        extra_line="Rules: *#rules*",
    )
    assert await records.settings(HERE) == expected
    again = await server.interact(events.press("iris:set:words", shown.message))
    assert again.fields == {"region": "GB", "language": "en", "cooldown": "30", "extra_line": "Rules: *#rules*"}
    for menu in ("iris:set:channels", "iris:set:human"):
        shown = await server.interact(events.choose_channels(menu, shown.message, []))
        assert shown.menus[menu] == []
    assert await records.settings(HERE) == replace(expected, channels=(), human_channel=None)


WRONG = [
    ({"region": "G1"}, "two letters"),
    ({"language": "english please"}, "short tag"),
    ({"cooldown": "soon"}, "number of seconds"),
    ({"cooldown": "99999"}, "number of seconds"),
    ({"cooldown": "-5"}, "number of seconds"),
    ({"cooldown": "٣"}, "number of seconds"),
]


@pytest.mark.parametrize(("typed", "sentence"), WRONG)
async def test_what_cannot_be_is_said_and_nothing_is_saved(
    server: DiscordServer, bot: Connection, records: Records, typed: dict[str, str], sentence: str
) -> None:
    shown = await panel(server)
    form = await server.interact(events.press("iris:set:words", shown.message))
    told = await server.interact(events.submit(form.modal, {"extra_line": "x", **typed}, shown=shown.message))
    assert "Nothing was saved" in told.text
    assert sentence in told.text
    assert await records.settings(HERE) == CommunitySettings()


async def test_a_form_of_somebody_who_lost_the_right_changes_nothing(
    server: DiscordServer, bot: Connection, records: Records
) -> None:
    shown = await panel(server)
    form = await server.interact(events.press("iris:set:words", shown.message))
    sent = events.submit(form.modal, {"region": "GB"}, shown=shown.message, permissions=NO_RIGHTS)
    assert "Manage Server" in (await server.interact(sent)).text
    pressed = events.press("iris:set:public", shown.message, values=["yes"], permissions=NO_RIGHTS)
    assert "Manage Server" in (await server.interact(pressed)).text
    assert await records.settings(HERE) == CommunitySettings()


async def test_a_channel_where_iris_may_not_write_is_not_taken(
    server: DiscordServer, bot: Connection, records: Records
) -> None:
    shown = await panel(server)
    server.fail_next("/messages", 403, {"message": "Missing Access", "code": 50001})
    shown = await server.interact(events.choose_channels("iris:set:human", shown.message, [OTHER_CHANNEL]))
    assert "I may not write there" in shown.text
    assert (await records.settings(HERE)).human_channel is None


async def test_settings_that_cannot_be_saved_are_told(server: DiscordServer, bot: Connection, records: Records) -> None:
    shown = await panel(server)
    await records._writer.close()
    shown = await server.interact(events.press("iris:set:public", shown.message, values=["yes"]))
    assert "could not be saved" in shown.text


# What they do


async def test_a_community_decides_who_sees_answers_and_the_asker_may_decide_otherwise(
    server: DiscordServer, connect: Connect, records: Records
) -> None:
    await configured(records, connect, public=True)
    asked = "type 1 diabetes meaning"
    assert not (await server.interact(events.command("ask", question=asked))).ephemeral
    assert (await server.interact(events.command("ask", question=asked, public=False))).ephemeral
    danger = await server.interact(events.command("ask", question=DANGER))
    assert danger.ephemeral, "a safety reply is for the asker alone"


async def test_outside_its_channels_iris_answers_the_asker_alone(
    server: DiscordServer, connect: Connect, records: Records
) -> None:
    await configured(records, connect, public=True, channels=(str(OTHER_CHANNEL),))
    for options in ({}, {"public": True}):
        shown = await server.interact(events.command("ask", question="type 1 diabetes meaning", **options))
        assert shown.ephemeral
        assert f"<#{OTHER_CHANNEL}>" in shown.text
    inside = events.command("ask", question="type 1 diabetes meaning", place={"channel_id": OTHER_CHANNEL})
    assert not (await server.interact(inside)).ephemeral
    place = {"channel_id": OTHER_CHANNEL + 1, "parent_id": OTHER_CHANNEL}
    post = events.command("ask", question="type 1 diabetes meaning", place=place)
    assert not (await server.interact(post)).ephemeral, "a thread or forum post belongs to its channel"


async def test_a_mention_outside_its_channels_is_pointed_there_but_danger_is_answered(
    server: DiscordServer, connect: Connect, records: Records
) -> None:
    await configured(records, connect, channels=(str(OTHER_CHANNEL),))
    shown = await server.say(events.message(f"<@{events.BOT_ID}> type 1 diabetes", mentions_bot=True))
    assert f"<#{OTHER_CHANNEL}>" in shown.text
    assert "immune" not in shown.text
    assert SHORT in shown.text
    danger = await server.say(events.message(f"<@{events.BOT_ID}> {DANGER}", mentions_bot=True))
    assert danger.message["components"][0]["accent_color"] == 0xD62828


async def test_a_mention_in_a_post_of_an_answered_channel_is_answered(
    server: DiscordServer, connect: Connect, records: Records
) -> None:
    await configured(records, connect, channels=(str(events.CHANNEL_ID),))
    asked = events.message(f"<@{events.BOT_ID}> type 1 meaning", channel_id=events.THREAD_ID, mentions_bot=True)
    assert "### What is type 1 diabetes?" in (await server.say(asked)).text


async def test_the_pause_holds_questions_back_but_never_triage(
    server: DiscordServer, connect: Connect, records: Records
) -> None:
    await configured(records, connect, cooldown_s=600)
    asked = "type 1 diabetes meaning"
    assert "### What is type 1" in (await server.interact(events.command("ask", question=asked))).text
    told = await server.interact(events.command("ask", question=asked))
    assert "Please wait" in told.text
    assert told.ephemeral
    danger = await server.interact(events.command("ask", question=DANGER))
    assert danger.message["components"][0]["accent_color"] == 0xD62828
    mention = events.message(f"<@{events.BOT_ID}> {asked}", mentions_bot=True)
    assert "Please wait" in (await server.say(mention)).text
    # Said once: what follows would only fill the channel. Danger is answered all the same.
    await server.dispatch("MESSAGE_CREATE", events.message(f"<@{events.BOT_ID}> {asked}", mentions_bot=True))
    shown = await server.say(events.message(f"<@{events.BOT_ID}> {DANGER}", mentions_bot=True))
    assert shown.message["components"][0]["accent_color"] == 0xD62828
    other = events.message(f"<@{events.BOT_ID}> {asked}", mentions_bot=True, author=events.user(77, "grace"))
    assert "### What is type 1" in (await server.say(other)).text


async def test_the_extra_line_stands_under_the_disclaimer_never_in_its_place(
    server: DiscordServer, connect: Connect, records: Records
) -> None:
    await configured(records, connect, extra_line="**Rules** are in #rules @everyone")
    shown = await server.interact(events.command("ask", question="type 1 diabetes meaning"))
    disclaimer, extra = shown.text.rsplit("\n", 2)[-2:]
    assert SHORT in disclaimer
    assert extra == "\\*\\*Rules\\*\\* are in \\#rules \\@everyone"


async def test_the_region_chooses_the_emergency_number(
    server: DiscordServer, connect: Connect, records: Records
) -> None:
    await configured(records, connect, region="NZ")
    shown = await server.interact(events.command("ask", question=DANGER))
    assert "111 (New Zealand)" in shown.text
    assert "911" not in shown.text


async def test_a_community_that_did_not_install_iris_has_no_say(
    server: DiscordServer, connect: Connect, records: Records
) -> None:
    await configured(records, connect, public=True, extra_line="Rules")
    place = {"owners": {"1": str(events.PERSON_ID)}}
    shown = await server.interact(events.command("ask", question="type 1 diabetes meaning", place=place))
    assert shown.ephemeral
    assert "Rules" not in shown.text


async def test_the_message_menu_replies_for_all_where_answers_are_public(
    server: DiscordServer, connect: Connect, records: Records
) -> None:
    await configured(records, connect, public=True)
    target = events.message("so what is type 1 diabetes then", author=events.user(77, "grace"))
    told = await server.interact(events.menu("Answer with IRIS", target))
    assert told.ephemeral
    posted = await asyncio.wait_for(server.posted.get(), PATIENCE)
    assert posted.reply_to == target["id"]
    assert "### What is type 1" in posted.text
    danger = await server.interact(events.menu("Answer with IRIS", events.message(DANGER)))
    assert danger.ephemeral
    assert danger.message["components"][0]["accent_color"] == 0xD62828
    server.fail_next("/messages", 403, {"message": "no", "code": 50013})
    shown = await server.interact(events.menu("Answer with IRIS", target))
    assert "### What is type 1" in shown.text
    assert shown.ephemeral
