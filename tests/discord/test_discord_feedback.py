"""What people give back, over the wire: votes, questions sent in, calls for a human, and taking it all back."""

from __future__ import annotations

import asyncio

import discord_events as events
import pytest
from discord_bot import Altered, Connect, Connection, failures
from discord_server import PATIENCE, DiscordServer, Form, Shown

from bot.records import Community, CommunitySettings, Person, Records
from bot.reply import Reply, ReplyKind

SHORT = "General information, not medical advice"
SEND_IN = "Send this question to the editors"
DANGER = "My sugar is 45 and I'm shaking and confused"
HUMAN_CHANNEL = 300000000000000009
ADA = Person("discord", str(events.PERSON_ID))


async def an_answer(server: DiscordServer, **options: object) -> Shown:
    shown = await server.interact(events.command("ask", question="what is insulin resistance", **options))
    assert isinstance(shown, Shown)
    return shown


async def a_miss(server: DiscordServer, bot: Connection, **options: object) -> Shown:
    """The reply to a question that IRIS has no answer to."""
    real = bot.answerer
    bot.answerer = Altered(real, reply=Reply(ReplyKind.OUT_OF_SCOPE, "I don't know.", real.disclaimer))
    shown = await server.interact(events.command("ask", question="who won in 1974", **options))
    bot.answerer = real
    assert isinstance(shown, Shown)
    return shown


@pytest.fixture
async def with_people(records: Records, connect: Connect) -> Connection:
    """A bot whose community has people who help, and shows answers to all."""
    settings = CommunitySettings(public=True, human_channel=str(HUMAN_CHANNEL))
    assert await records.save_settings(Community("discord", str(events.GUILD_ID)), settings)
    return await connect()


# Votes


async def test_a_vote_counts_once_and_can_be_changed(server: DiscordServer, bot: Connection, records: Records) -> None:
    shown = await an_answer(server)
    for label in ("Helpful", "Helpful", "Not helpful"):
        thanked = await server.interact(events.press(shown.buttons[label], shown.message))
        assert "your vote counts" in thanked.text
        assert thanked.ephemeral
        assert SHORT in thanked.text
    data = await records.my_data(ADA)
    assert data is not None
    assert data.votes == 1
    assert SEND_IN in thanked.buttons


async def test_a_vote_that_cannot_be_saved_is_told(server: DiscordServer, bot: Connection, records: Records) -> None:
    shown = await an_answer(server)
    await records._writer.close()
    told = await server.interact(events.press(shown.buttons["Helpful"], shown.message))
    assert "could not be saved" in told.text


async def test_everybody_votes_on_a_public_answer(server: DiscordServer, bot: Connection, records: Records) -> None:
    shown = await an_answer(server, public=True)
    other = events.user(77, "grace")
    await server.interact(events.press(shown.buttons["Helpful"], shown.message, by=other))
    data = await records.my_data(Person("discord", "77"))
    assert data is not None
    assert data.votes == 1


# Sending a question in


async def test_nothing_is_kept_before_the_form_is_sent_off(
    server: DiscordServer, bot: Connection, records: Records
) -> None:
    shown = await a_miss(server, bot)
    form = await server.interact(events.press(shown.buttons[SEND_IN], shown.message))
    assert isinstance(form, Form)
    assert "encrypted" in form.text
    assert "90 days" in form.text
    assert form.fields == {"words": ""}, "a slash command's words stand nowhere"
    data = await records.my_data(ADA)
    assert data is not None
    assert data.questions == 0


async def test_a_question_is_kept_when_its_form_is_sent_off_and_forgotten_on_demand(
    server: DiscordServer, bot: Connection, records: Records
) -> None:
    shown = await a_miss(server, bot)
    form = await server.interact(events.press(shown.buttons[SEND_IN], shown.message))
    sent = events.submit(form.modal, {"words": "who won the cup"}, shown=shown.message)
    thanked = await server.interact(sent)
    assert "was sent" in thanked.text
    assert thanked.ephemeral
    mine = await server.interact(events.command("mydata"))
    assert "1 question" in mine.text
    assert mine.ephemeral
    gone = await server.interact(events.command("forgetme"))
    assert "1 question" in gone.text
    data = await records.my_data(ADA)
    assert data is not None
    assert data.questions == 0
    assert "nothing that I could tie to you" in (await server.interact(events.command("mydata"))).text


async def test_the_form_holds_the_words_of_the_message_that_was_answered(
    server: DiscordServer, bot: Connection
) -> None:
    real = bot.answerer
    bot.answerer = Altered(real, reply=Reply(ReplyKind.OUT_OF_SCOPE, "I don't know.", real.disclaimer))
    asked = events.message(f"<@{events.BOT_ID}> who won in 1974?", mentions_bot=True)
    shown = await server.say(asked)
    form = await server.interact(events.press(shown.buttons[SEND_IN], shown.message))
    assert form.fields == {"words": "who won in 1974?"}
    # The words of somebody else are not the presser's to send.
    other = await server.interact(events.press(shown.buttons[SEND_IN], shown.message, by=events.user(77, "grace")))
    assert other.fields == {"words": ""}
    # Nor can a message be looked up that is gone.
    server.messages.clear()
    gone = await server.interact(events.press(shown.buttons[SEND_IN], shown.message))
    assert gone.fields == {"words": ""}


async def test_a_form_works_after_a_restart(server: DiscordServer, bot: Connection, connect: Connect) -> None:
    shown = await a_miss(server, bot)
    form = await server.interact(events.press(shown.buttons[SEND_IN], shown.message))
    await bot.close()
    await connect()
    assert "was sent" in (await server.interact(events.submit(form.modal, {"words": "who won"}))).text


async def test_a_form_that_tells_of_danger_gets_the_safety_reply_and_keeps_nothing(
    server: DiscordServer, with_people: Connection, records: Records
) -> None:
    shown = await a_miss(server, with_people)
    for button in (SEND_IN, "Ask a human"):
        form = await server.interact(events.press(shown.buttons[button], shown.message))
        told = await server.interact(events.submit(form.modal, {"words": DANGER}, shown=shown.message))
        assert told.message["components"][0]["accent_color"] == 0xD62828
        assert "did not pass your words on" in told.text
        assert told.ephemeral
        assert not told.buttons
    data = await records.my_data(ADA)
    assert data is not None
    assert data.questions == 0
    assert server.posted.empty()


async def test_a_question_that_cannot_be_kept_is_told(server: DiscordServer, bot: Connection, records: Records) -> None:
    shown = await a_miss(server, bot)
    form = await server.interact(events.press(shown.buttons[SEND_IN], shown.message))
    await records._writer.close()
    told = await server.interact(events.submit(form.modal, {"words": "who won"}))
    assert "could not be saved" in told.text
    for command in ("mydata", "forgetme"):
        assert "cannot reach my records" in (await server.interact(events.command(command))).text


# Asking a human


async def test_asking_a_human_posts_no_words_unless_they_are_written(
    server: DiscordServer, with_people: Connection
) -> None:
    asked = events.message(f"<@{events.BOT_ID}> what is insulin resistance", mentions_bot=True)
    shown = await server.say(asked)
    form = await server.interact(events.press(shown.buttons["Ask a human"], shown.message))
    assert form.fields == {"words": ""}
    assert "They see your name" in form.text
    told = await server.interact(events.submit(form.modal, {}, shown=shown.message))
    assert "I told the people" in told.text
    assert told.ephemeral
    call = await asyncio.wait_for(server.posted.get(), PATIENCE)
    assert call.message["channel_id"] == str(HUMAN_CHANNEL)
    assert f"<@{events.PERSON_ID}>" in call.text
    assert "What is insulin resistance?" in call.text
    assert shown.message["id"] in call.text, "the answer is public, so there is a link to it"
    assert "Their words" not in call.text
    assert SHORT in call.text


async def test_asking_a_human_with_words_shows_them_literally(server: DiscordServer, with_people: Connection) -> None:
    shown = await an_answer(server, public=False)
    form = await server.interact(events.press(shown.buttons["Ask a human"], shown.message))
    words = "@everyone is **this** like\nfor my aunt? <@&5>"
    await server.interact(events.submit(form.modal, {"words": words}, shown=shown.message))
    call = await asyncio.wait_for(server.posted.get(), PATIENCE)
    assert "\\@everyone is \\*\\*this\\*\\* like for my aunt? \\<\\@&5\\>" in call.text
    assert f"<#{events.CHANNEL_ID}>" in call.text
    assert shown.message["id"] not in call.text, "nobody else could open what only the asker sees"


async def test_asking_a_human_again_at_once_is_put_off(server: DiscordServer, with_people: Connection) -> None:
    shown = await an_answer(server)
    form = await server.interact(events.press(shown.buttons["Ask a human"], shown.message))
    await server.interact(events.submit(form.modal, {}))
    again = await server.interact(events.submit(form.modal, {}))
    assert "Please wait" in again.text
    assert server.posted.qsize() == 1


@pytest.mark.parametrize(("status", "code"), [(403, 50013), (404, 10003)])
async def test_a_channel_of_people_that_is_closed_or_gone_is_told(
    server: DiscordServer, with_people: Connection, status: int, code: int
) -> None:
    before = failures("post")
    shown = await an_answer(server)
    form = await server.interact(events.press(shown.buttons["Ask a human"], shown.message))
    server.fail_next("/messages", status, {"message": "no", "code": code})
    told = await server.interact(events.submit(form.modal, {}))
    assert "ask a moderator" in told.text
    assert failures("post") == before + 1


async def test_a_community_without_people_offers_none(server: DiscordServer, bot: Connection, records: Records) -> None:
    shown = await an_answer(server)
    assert "Ask a human" not in shown.buttons
    # A button from when it did.
    old = {
        **shown.message,
        "components": [
            {
                "type": 1,
                "id": 90,
                "components": [
                    {"type": 2, "id": 91, "style": 2, "label": "Ask a human", "custom_id": "iris:human:type-1"}
                ],
            }
        ],
    }
    told = await server.interact(events.press("iris:human:type-1", old))
    assert "no longer offers that" in told.text


async def test_nothing_to_give_back_stands_under_a_safety_reply(server: DiscordServer, with_people: Connection) -> None:
    shown = await server.interact(events.command("ask", question=DANGER))
    assert not shown.buttons
    posted = await server.say(events.message(f"<@{events.BOT_ID}> {DANGER}", mentions_bot=True))
    assert list(posted.buttons) == ["Delete"]


# Taking an answer away


async def test_the_asker_alone_can_delete_a_public_answer(server: DiscordServer, bot: Connection) -> None:
    shown = await server.say(events.message(f"<@{events.BOT_ID}> type 1 diabetes meaning", mentions_bot=True))
    refused = await server.interact(events.press(shown.buttons["Delete"], shown.message, by=events.user(77, "grace")))
    assert "Only the person who asked" in refused.text
    assert refused.ephemeral
    assert await server.interact(events.press(shown.buttons["Delete"], shown.message)) == "deleted"


async def test_what_only_the_asker_sees_needs_no_delete(server: DiscordServer, bot: Connection) -> None:
    assert "Delete" not in (await an_answer(server)).buttons
    assert "Delete" in (await an_answer(server, public=True)).buttons
    assert "Delete" in (await an_answer(server, context=1)).buttons


async def test_no_id_of_a_person_is_logged(
    server: DiscordServer, with_people: Connection, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    shown = await an_answer(server, public=True)
    for label in ("Helpful", "Not helpful"):
        await server.interact(events.press(shown.buttons[label], shown.message))
    form = await server.interact(events.press(shown.buttons["Ask a human"], shown.message))
    server.fail_next("/messages", 403, {"message": "no", "code": 50013})
    await server.interact(events.submit(form.modal, {"words": "zanzibarian"}, shown=shown.message))
    await server.interact(events.press(shown.buttons["Delete"], shown.message))
    logged = "".join(capsys.readouterr()) + caplog.text
    assert "replied" in logged
    for secret in ("zanzibarian", str(events.PERSON_ID), str(events.GUILD_ID), "ada"):
        assert secret not in logged
