"""Asking on Discord, over the wire: commands, mentions, direct messages, and when IRIS keeps silent."""

from __future__ import annotations

import asyncio

import discord_events as events
import pytest
from discord_bot import Altered, Connection, question_back
from discord_server import PATIENCE, DiscordServer, Shown

from bot.answer import Answerer
from bot.desk import Desk
from bot.records import Records
from bot.reply import Reply, ReplyKind, SourceLink

SHORT = "General information, not medical advice"

QUESTIONS = [
    ("What is insulin resistance?", "What is insulin resistance?"),
    ("my cells ignore insulin", "What is insulin resistance?"),
    ("is insulin resistance autoimmune", "Is insulin resistance an autoimmune disease?"),
    ("juvenile diabetes", "What is type 1 diabetes?"),
    ("antibodies against the insulin receptor", "What is type B insulin resistance?"),
]


@pytest.mark.parametrize(("question", "title"), QUESTIONS)
async def test_ask_shows_the_right_entry_with_disclaimer_to_the_asker_alone(
    server: DiscordServer, bot: Connection, question: str, title: str
) -> None:
    shown = await server.interact(events.command("ask", question=question))
    assert f"### {title}" in shown.text
    assert SHORT in shown.text
    assert shown.ephemeral


async def test_ask_in_public_shows_the_answer_to_everyone(server: DiscordServer, bot: Connection) -> None:
    shown = await server.interact(events.command("ask", question="juvenile diabetes", public=True))
    assert "type 1" in shown.text
    assert not shown.ephemeral


async def test_ask_in_the_direct_chat_stays_there(server: DiscordServer, bot: Connection) -> None:
    shown = await server.interact(events.command("ask", question="juvenile diabetes", context=1))
    assert not shown.ephemeral


async def test_ask_between_two_people_is_for_the_asker_alone(server: DiscordServer, bot: Connection) -> None:
    shown = await server.interact(events.command("ask", question="juvenile diabetes", context=2))
    assert shown.ephemeral


async def test_ask_takes_the_id_that_autocomplete_gave(server: DiscordServer, bot: Connection) -> None:
    choices = await server.interact(events.command("ask", focused="question", question="type b insulin"))
    assert choices[0] == {"name": "What is type B insulin resistance?", "value": "type-b"}
    shown = await server.interact(events.command("ask", question=choices[0]["value"]))
    assert "### What is type B" in shown.text


async def test_autocomplete_of_nothing_offers_entries(server: DiscordServer, bot: Connection) -> None:
    choices = await server.interact(events.command("ask", focused="question", question=""))
    assert 1 <= len(choices) <= 25


async def test_a_short_answer_has_sources_as_links_and_more_and_related_questions(
    server: DiscordServer, bot: Connection
) -> None:
    shown = await server.interact(events.command("ask", question="what is insulin resistance"))
    assert "(https://example.org/a_%28b%29?q=1)" in shown.text
    assert "first point" not in shown.text
    related = ["Is insulin resistance an autoimmune disease?", "What is type 1 diabetes?"]
    assert list(shown.buttons) == ["More", *related, "Helpful", "Not helpful"]


async def test_the_message_menu_answers_what_somebody_wrote(server: DiscordServer, bot: Connection) -> None:
    target = events.message("so what is type 1 diabetes then")
    shown = await server.interact(events.menu("Answer with IRIS", target))
    assert "### What is type 1 diabetes?" in shown.text
    assert shown.ephemeral


@pytest.mark.parametrize(
    "command", ["help", "about", "topics", "privacy", "sources", "mydata", "forgetme", "iris settings"]
)
async def test_every_other_command_answers_with_a_disclaimer(
    server: DiscordServer, bot: Connection, command: str
) -> None:
    shown = await server.interact(events.command(command))
    assert SHORT in shown.text
    assert shown.ephemeral


async def test_privacy_says_what_is_kept_and_for_how_long(server: DiscordServer, bot: Connection) -> None:
    shown = await server.interact(events.command("privacy"))
    assert "90 days" in shown.text
    assert "/forgetme" in shown.text


async def test_sources_lists_those_of_all_answers(server: DiscordServer, bot: Connection) -> None:
    shown = await server.interact(events.command("sources"))
    assert "### All sources" in shown.text
    assert "(https://example.org/two)" in shown.text
    assert "(https://example.org/a_%28b%29?q=1)" in shown.text


async def test_sources_of_one_answer_by_choice_or_in_own_words(server: DiscordServer, bot: Connection) -> None:
    choices = await server.interact(events.command("sources", focused="question", question="autoimmune"))
    for asked in (choices[0]["value"], "is insulin resistance autoimmune"):
        shown = await server.interact(events.command("sources", question=asked))
        assert "### Sources: Is insulin resistance an autoimmune disease?" in shown.text
        assert "(https://example.org/two)" in shown.text
        assert "a_%28b" not in shown.text


async def test_sources_of_a_message_in_danger_are_the_safety_reply(server: DiscordServer, bot: Connection) -> None:
    shown = await server.interact(events.command("sources", question="My sugar is 45 and I'm shaking and confused"))
    assert shown.message["components"][0]["accent_color"] == 0xD62828


async def test_all_sources_turn_pages_in_place(server: DiscordServer, bot: Connection) -> None:
    many = tuple(SourceLink(f"Title {number} " + "x" * 100, "Journal", 2020, "https://a.org") for number in range(99))
    bot.answerer = WithSources(bot.answerer, many)
    first = await server.interact(events.command("sources"))
    assert list(first.buttons) == ["Next"]
    second = await server.interact(events.press(first.buttons["Next"], first.message))
    assert second.edited
    assert "Page 2 of" in second.text
    assert list(second.buttons) == ["Previous", "Next"]


class WithSources(Answerer):
    """The real Answerer but for its list of sources."""

    def __init__(self, real: Answerer, listed: tuple[SourceLink, ...]) -> None:
        self.__dict__.update(real.__dict__)
        self._listed = listed

    def sources(self) -> tuple[SourceLink, ...]:
        return self._listed


async def test_a_person_who_installed_iris_asks_in_a_group_chat_and_in_a_foreign_server(
    server: DiscordServer, bot: Connection
) -> None:
    owners = {"1": str(events.PERSON_ID)}
    place = {"owners": owners}
    for context in (0, 2):
        asked = events.command("ask", context=context, place=place, question="juvenile diabetes")
        private = await server.interact(asked)
        assert private.ephemeral
        shared = await server.interact(
            events.command("ask", context=context, place=place, question="juvenile diabetes", public=True)
        )
        assert not shared.ephemeral
        assert "Delete" in shared.buttons
        assert (
            await server.interact(
                events.press(shared.buttons["Delete"], shared.message, context=context, owners=owners)
            )
            == "deleted"
        )


async def test_the_first_message_of_a_forum_post_is_answered_there(server: DiscordServer, bot: Connection) -> None:
    forum, post = 300000000000000030, 300000000000000031
    meta = {"archived": False, "auto_archive_duration": 60, "archive_timestamp": events.TIME, "locked": False}
    thread = {"id": str(post), "type": 11, "name": "help", "guild_id": str(events.GUILD_ID), "parent_id": str(forum)}
    thread |= {"owner_id": str(events.PERSON_ID), "thread_metadata": meta, "message_count": 0, "member_count": 1}
    await server.dispatch("THREAD_CREATE", {**thread, "newly_created": True})
    asked = events.message(f"<@{events.BOT_ID}> type 1 meaning", channel_id=post, mentions_bot=True, id=str(post))
    shown = await server.say(asked)
    assert shown.message["channel_id"] == str(post)
    assert "### What is type 1 diabetes?" in shown.text


async def test_the_presence_says_how_to_ask(server: DiscordServer, desk: Desk, records: Records) -> None:
    connection = Connection(desk.current, records)
    identified = await asyncio.wait_for(server.identified.get(), PATIENCE)
    assert "/ask" in str(identified["presence"])
    await connection.close()


async def test_commands_have_names_in_five_languages(server: DiscordServer, bot: Connection) -> None:
    await asyncio.wait_for(server.synced.get(), PATIENCE)
    by_name = {command["name"]: command for command in server.registered}
    for name, command in by_name.items():
        if name != "iris":  # a proper name; below it stands a word of each language
            assert set(command["name_localizations"]) == {"es-ES", "es-419", "de", "fr", "pt-BR"}, name
        if command.get("type", 1) == 1:
            assert set(command["description_localizations"]) == {"es-ES", "es-419", "de", "fr", "pt-BR"}, name
        for option in command.get("options", ()):
            assert set(option["name_localizations"]) == {"es-ES", "es-419", "de", "fr", "pt-BR"}, option["name"]
            assert set(option["description_localizations"]) == {"es-ES", "es-419", "de", "fr", "pt-BR"}
    assert by_name["ask"]["name_localizations"]["de"] == "fragen"
    assert by_name["iris"]["default_member_permissions"] == str(1 << 5)
    assert by_name["iris"]["contexts"] == [0]
    assert by_name["ask"]["contexts"] == [0, 1, 2]
    assert by_name["ask"]["integration_types"] == [0, 1]


async def test_a_mention_is_answered_in_reply_to_it(server: DiscordServer, bot: Connection) -> None:
    asked = events.message(f"<@{events.BOT_ID}> what is type 1 diabetes?", mentions_bot=True)
    shown = await server.say(asked)
    assert "### What is type 1 diabetes?" in shown.text
    assert SHORT in shown.text
    assert shown.reply_to == asked["id"]


async def test_a_direct_message_is_answered(server: DiscordServer, bot: Connection) -> None:
    shown = await server.say(events.message("what is type 1 diabetes?", channel_id=events.DM_ID))
    assert "### What is type 1 diabetes?" in shown.text
    assert SHORT in shown.text


async def test_a_mention_in_a_thread_is_answered_in_the_thread(server: DiscordServer, bot: Connection) -> None:
    asked = events.message(f"<@{events.BOT_ID}> type 1", channel_id=events.THREAD_ID, mentions_bot=True)
    shown = await server.say(asked)
    assert shown.message["channel_id"] == str(events.THREAD_ID)


async def test_a_reply_to_the_bot_is_answered(server: DiscordServer, bot: Connection) -> None:
    shown = await server.say(events.message("and type 1 diabetes meaning?", reply=True, mentions_bot=True))
    assert "### What is type 1 diabetes?" in shown.text


async def test_a_reply_whose_words_discord_hides_is_told_how_to_ask(server: DiscordServer, bot: Connection) -> None:
    shown = await server.say(events.message("", reply=True, mentions_bot=True))
    assert "/ask" in shown.text


async def first_reply_after(server: DiscordServer, *unanswered: dict[str, object]) -> Shown:
    """The first message posted when ``unanswered`` is followed by a question that IRIS does answer."""
    for payload in unanswered:
        await server.dispatch("MESSAGE_CREATE", payload)
    asked = events.message("type 1 diabetes meaning", mentions_bot=True)
    shown = await server.say(asked)
    assert shown.reply_to == asked["id"]
    return shown


async def test_what_is_not_addressed_to_iris_is_left_alone(server: DiscordServer, bot: Connection) -> None:
    await first_reply_after(
        server,
        events.message("what is insulin resistance?"),
        events.message("@everyone what is insulin resistance?", mention_everyone=True),
        events.message("", reply=True),
    )


async def test_in_a_community_that_discord_has_not_described_yet_iris_waits_to_be_asked_too(
    server: DiscordServer, bot: Connection
) -> None:
    unknown = {"guild_id": "77", "channel_id": "88"}
    await first_reply_after(server, {**events.message("what is insulin resistance?"), **unknown})
    asked = {**events.message("type 1 diabetes meaning", mentions_bot=True), **unknown}
    shown = await server.say(asked)
    assert shown.reply_to == asked["id"]
    assert shown.message["channel_id"] == "88"


async def test_bots_webhooks_itself_and_system_messages_are_left_alone(server: DiscordServer, bot: Connection) -> None:
    other_bot = events.user(77, "robot", bot=True)
    text = f"<@{events.BOT_ID}> what is insulin resistance?"
    await first_reply_after(
        server,
        events.message(text, author=other_bot, mentions_bot=True),
        events.message(text, author=events.bot_user(), mentions_bot=True),
        events.message(text, channel_id=events.DM_ID, author=events.bot_user()),
        events.message(text, mentions_bot=True, webhook_id="12345"),
        events.message(text, mentions_bot=True, type=7),
    )


async def test_a_message_that_is_delivered_twice_is_answered_once(server: DiscordServer, bot: Connection) -> None:
    asked = events.message("what is insulin resistance", mentions_bot=True)
    await server.say(asked)
    await first_reply_after(server, asked)


async def test_an_unsure_match_asks_back_with_buttons(server: DiscordServer, bot: Connection) -> None:
    bot.answerer = Altered(bot.answerer, reply=question_back(bot.answerer))
    shown = await server.say(events.message("diabetes or resistance", channel_id=events.DM_ID))
    assert list(shown.buttons) == ["1. What is type 1 diabetes?", "2. What is type B insulin resistance?", "Delete"]
    assert SHORT in shown.text


async def test_an_unknown_question_gets_no_guess_but_the_topics(server: DiscordServer, bot: Connection) -> None:
    nothing = Reply(ReplyKind.OUT_OF_SCOPE, "I don't know.", bot.answerer.privacy().disclaimer)
    bot.answerer = Altered(bot.answerer, reply=nothing)
    shown = await server.say(events.message("who won the world cup in 1974", channel_id=events.DM_ID))
    send_in = "Send this question to the editors"
    assert list(shown.buttons) == ["Browse topics", send_in, "Delete"]
    assert SHORT in shown.text


@pytest.mark.parametrize(
    "text",
    ["", "   ", "🤷‍♀️🍩", "<:sad:123456789012345678>", "\u200b\u200b", "???", f"<@{events.BOT_ID}>", "\ud83d"],
)
async def test_a_message_without_words_is_asked_for_words(server: DiscordServer, bot: Connection, text: str) -> None:
    shown = await server.say(events.message(text, channel_id=events.DM_ID))
    assert "Please type a question" in shown.text


async def test_a_message_of_five_megabytes_gets_one_clear_sentence(server: DiscordServer, bot: Connection) -> None:
    shown = await server.say(events.message("insulin " * 650_000, channel_id=events.DM_ID))
    assert "too long" in shown.text


ATTACKS = [
    "@everyone @here <@&123> what is type 1 diabetes",
    "**what** __is__ ~~type~~ 1 ||diabetes|| ```",
    "[type 1 diabetes meaning](https://evil.example)",
    "what is type 1 diabetes <@100000000000000001> <#300000000000000001> <t:1:R>",
]


@pytest.mark.parametrize("text", ATTACKS)
async def test_what_a_person_writes_is_never_repeated(server: DiscordServer, bot: Connection, text: str) -> None:
    shown = await server.say(events.message(text, channel_id=events.DM_ID))
    for trace in ("everyone", "evil.example", "<@", "<#", "<t:", "||", "```"):
        assert trace not in shown.text


async def test_somebody_in_danger_gets_the_safety_reply_and_no_answer(server: DiscordServer, bot: Connection) -> None:
    text = "My sugar is 45 and I'm shaking and confused"
    shown = await server.interact(events.command("ask", question=text, public=True))
    assert shown.message["components"][0]["accent_color"] == 0xD62828
    assert "More" not in shown.buttons
    assert SHORT in shown.text
    assert shown.ephemeral, "what says something about a person is for that person"


async def test_an_edit_that_tells_of_danger_gets_one_safety_reply(server: DiscordServer, bot: Connection) -> None:
    asked = events.message("what is insulin resistance", mentions_bot=True)
    await server.say(asked)
    text = "My sugar is 45 and I'm shaking and confused"
    edited = {**asked, "content": text, "edited_timestamp": events.TIME}
    await server.dispatch("MESSAGE_UPDATE", {**edited, "content": "what is type 1 diabetes"})
    await server.dispatch("MESSAGE_UPDATE", edited)
    shown = await asyncio.wait_for(server.posted.get(), PATIENCE)
    assert shown.message["components"][0]["accent_color"] == 0xD62828
    await first_reply_after(server)
