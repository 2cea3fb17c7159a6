"""/settings: who may change what, and what it changes."""

from __future__ import annotations

from typing import Any

import pytest
from bot_api import BotApi, Call
from people import ANN, BEN, GROUP, PRIVATE, message

from adapters.telegram.venue import community_of
from bot.records import CommunitySettings, Records

FORUM = GROUP | {"id": -1001234, "is_forum": True}
STAFF = -100555
ASK = "/ask what is insulin resistance?"
IR = "Insulin resistance means that cells respond weakly to insulin."
DISCLAIMER = "General information, not medical advice. Ask a health professional."

pytestmark = pytest.mark.usefixtures("platform")


@pytest.fixture(autouse=True)
def ann_administers(api: BotApi) -> None:
    """Ann is an administrator of both groups, Ben is not."""
    api.members |= {(chat, ANN["id"]): "administrator" for chat in (GROUP["id"], FORUM["id"], STAFF)}


async def answer_to(api: BotApi, text: str, chat: Any = GROUP, user: Any = ANN, **more: Any) -> Call:
    """What comes back."""
    shown = len(api.shown_so_far())
    await api.push(message=message(text, chat, user, **more))
    return (await api.shown(shown + 1))[-1]


async def of(records: Records, chat: Any = GROUP) -> CommunitySettings:
    """What holds in a chat."""
    return await records.settings(community_of(chat["id"]))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("region gb", CommunitySettings(region="GB")),
        ("language de-AT", CommunitySettings(language="de-AT")),
        ("pause 45", CommunitySettings(cooldown_s=45)),
        ("line  Our rules:\nexample.org ", CommunitySettings(extra_line="Our rules: example.org")),
        ("human here", CommunitySettings(human_channel=str(GROUP["id"]))),
        ("human -100555", CommunitySettings(human_channel=str(STAFF))),
    ],
)
async def test_an_administrator_changes_a_setting_by_words_and_takes_it_back(
    api: BotApi, records: Records, words: str, expected: CommunitySettings
) -> None:
    api.chats[str(STAFF)] = {"id": STAFF, "type": "supergroup", "title": "Staff"}
    shown = await answer_to(api, f"/settings {words}")
    assert shown.text.startswith("Settings of this chat")
    assert await of(records) == expected
    await answer_to(api, f"/settings {words.split(maxsplit=1)[0]} off")
    assert await of(records) == CommunitySettings()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("region Britain", "two letters"),
        ("language 42!", "such as en"),
        ("pause soon", "number of seconds"),
        ("pause 99999", "up to 3600"),
        ("line " + "x" * 201, "200 characters"),
        ("human -100999", "can't see that chat"),
        ("human -100666", "administrator of that chat"),
        ("colour blue", "Send one of these"),
    ],
)
async def test_what_cannot_be_taken_is_refused_with_the_reason(
    api: BotApi, records: Records, words: str, why: str
) -> None:
    api.chats["-100666"] = {"id": -100666, "type": "supergroup", "title": "Not hers"}
    refused = await answer_to(api, f"/settings {words}")
    assert why in refused.text
    assert refused.text.endswith(DISCLAIMER)
    assert await of(records) == CommunitySettings()


async def test_nobody_else_may_change_anything_by_words_or_buttons(api: BotApi, records: Records) -> None:
    assert "Only administrators" in (await answer_to(api, "/settings pause 30", user=BEN)).text
    page = await answer_to(api, "/settings")
    await api.press(page.button("Pause"), page, GROUP, BEN)
    assert "Only administrators" in (await api.call("answerCallbackQuery")).data["text"]
    api.members.clear()  # Ann's rights are gone; the page is still there
    await api.press(page.button("Pause"), page, GROUP, ANN)
    assert "Only administrators" in (await api.call("answerCallbackQuery", 2)).data["text"]
    assert await of(records) == CommunitySettings()


async def test_when_telegram_cannot_say_who_is_an_administrator_nobody_is(api: BotApi, records: Records) -> None:
    api.fail("getChatMember", 400, "Bad Request: CHAT_ADMIN_REQUIRED")
    assert "Only administrators" in (await answer_to(api, "/settings pause 30")).text
    assert await of(records) == CommunitySettings()


async def test_an_administrator_who_writes_anonymously_is_one(api: BotApi, records: Records) -> None:
    nobody = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
    await answer_to(api, "/settings pause 30", user=nobody, sender_chat=GROUP)
    assert (await of(records)).cooldown_s == 30
    channel = {"id": -100888, "type": "channel", "title": "Somebody's channel"}
    assert "Only administrators" in (await answer_to(api, "/settings pause 0", user=nobody, sender_chat=channel)).text


async def test_buttons_change_the_pause_and_the_topics_in_place(api: BotApi, records: Records) -> None:
    page = await answer_to(api, "/settings", FORUM, message_thread_id=7, is_topic_message=True)
    assert [button["text"] for button in page.buttons] == ["Pause: none", "Answer in this topic"]
    await api.press(page.button("Pause"), page, FORUM, ANN)
    assert "one person: 10 s" in (await api.call("editMessageText")).text
    await api.press(page.button("Answer"), page, FORUM, ANN)
    chosen = await api.call("editMessageText", 2)
    assert (await of(records, FORUM)) == CommunitySettings(cooldown_s=10, channels=("7",))
    await api.press(chosen.button("Answer in all"), page, FORUM, ANN)
    await api.call("editMessageText", 3)
    assert (await of(records, FORUM)).channels == ()


async def test_in_other_topics_the_bot_says_where_it_answers_but_triage_is_not_held_back(
    api: BotApi, records: Records
) -> None:
    await records.save_settings(community_of(FORUM["id"]), CommunitySettings(channels=("7", "9")))
    general = await answer_to(api, ASK, FORUM)
    assert general.text.startswith("In this group I answer questions in other topics: here, here.")
    assert general.seen.links == ["https://t.me/c/1234/7", "https://t.me/c/1234/9"]
    assert IR in (await answer_to(api, ASK, FORUM, message_thread_id=7, is_topic_message=True)).text
    danger = await answer_to(api, "/ask I can't breathe and my throat is swelling", FORUM)
    assert danger.buttons == []
    assert "other topics" not in danger.text


async def test_the_pause_holds_back_questions_but_never_triage(api: BotApi, records: Records) -> None:
    await records.save_settings(community_of(GROUP["id"]), CommunitySettings(cooldown_s=300))
    assert IR in (await answer_to(api, ASK)).text
    waiting = await answer_to(api, ASK)
    assert waiting.text.startswith("Please wait ")
    assert waiting.text.endswith(DISCLAIMER)
    assert (await answer_to(api, "/ask I can't breathe and my throat is swelling")).text.startswith(
        "This may be an emergency"
    )
    assert IR in (await answer_to(api, ASK, user=BEN)).text


async def test_region_and_extra_line_stand_in_the_replies(api: BotApi, records: Records) -> None:
    settings = CommunitySettings(region="AU", extra_line="House <rules> apply.")
    await records.save_settings(community_of(GROUP["id"]), settings)
    assert (await answer_to(api, ASK)).text.endswith(f"{DISCLAIMER}\nHouse <rules> apply.")
    assert "000" in (await answer_to(api, "/ask I can't breathe and my throat is swelling")).text


async def test_settings_go_along_when_a_group_becomes_a_supergroup(api: BotApi, records: Records) -> None:
    old, new = {"id": -55, "type": "group", "title": "Group"}, GROUP | {"id": -10055}
    await records.save_settings(community_of(-55), CommunitySettings(region="NZ"))
    await api.push(message=message(chat=old, migrate_to_chat_id=-10055))
    await answer_to(api, "/privacy", old)
    assert (await of(records, new)).region == "NZ"


async def test_settings_go_along_when_the_move_shows_in_an_error(api: BotApi, records: Records) -> None:
    await records.save_settings(community_of(GROUP["id"]), CommunitySettings(region="NZ"))
    api.fail("sendMessage", 400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-1002)
    await answer_to(api, ASK)
    await answer_to(api, "/privacy", GROUP)
    assert (await of(records, {"id": -1002})).region == "NZ"


async def test_in_private_a_person_chooses_region_and_language_alone(api: BotApi, records: Records) -> None:
    assert (await answer_to(api, "/settings region US", PRIVATE)).text.startswith("Your settings")
    assert (await of(records, PRIVATE)).region == "US"
    assert "Send one of these" in (await answer_to(api, "/settings pause 30", PRIVATE)).text
    assert (await of(records, PRIVATE)).cooldown_s == 0


async def test_what_cannot_be_saved_is_said(api: BotApi, records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: object) -> bool:
        return False

    monkeypatch.setattr(records, "save_settings", fails)
    assert "could not save" in (await answer_to(api, "/settings pause 30")).text
