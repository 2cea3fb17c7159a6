"""From people to people: thumbs, sending a question in, asking a human, and what is kept of whom."""

from __future__ import annotations

import pytest
from bot_api import BotApi, Call
from people import ANN, BEN, GROUP, PRIVATE, message

from adapters.telegram.venue import community_of
from bot.records import CommunitySettings, Person, Records

DISCLAIMER = "General information, not medical advice. Ask a health professional."
EDITORS = "Send this question to the editors"
ANN_HERSELF = Person("telegram", str(ANN["id"]))
HELPERS = -100777

pytestmark = pytest.mark.usefixtures("platform")


async def answer_to(api: BotApi, text: str, chat: dict = PRIVATE, user: dict = ANN) -> Call:
    """The reply to a question."""
    shown = len(api.shown_so_far())
    await api.push(message=message(text, chat, user))
    return (await api.shown(shown + 1))[-1]


async def notice_after(api: BotApi, data: str, under: Call, chat: dict = PRIVATE, user: dict = ANN) -> str:
    """What appears over the chat when the button is pressed; "" for nothing."""
    pressed = len(api.called("answerCallbackQuery"))
    await api.press(data, under, chat, user)
    return (await api.call("answerCallbackQuery", pressed + 1)).data.get("text", "")


async def test_each_person_has_one_vote_which_a_second_press_changes(api: BotApi, records: Records) -> None:
    answer = await answer_to(api, "What is insulin resistance?")
    assert await notice_after(api, answer.button("👍"), answer) == "Thank you!"
    assert "not the answer" in await notice_after(api, answer.button("👎"), answer)
    kept = await records.my_data(ANN_HERSELF)
    assert kept is not None
    assert kept.votes == 1


async def test_a_thumb_down_offers_to_send_the_question_in_and_does_so_once(api: BotApi) -> None:
    answer = await answer_to(api, "What is insulin resistance?")
    for _ in range(2):
        await notice_after(api, answer.button("👎"), answer)
    offer = await api.call("editMessageReplyMarkup")
    assert [button["text"] for button in offer.buttons][-1] == EDITORS
    assert len(api.called("editMessageReplyMarkup")) == 1


async def test_only_after_send_a_question_is_kept_and_it_is_the_right_one(
    api: BotApi, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = []

    async def send_in(text: str, **more: object) -> bool:
        kept.append((text, more))
        return True

    monkeypatch.setattr(records, "send_in", send_in)
    unknown = await answer_to(api, "@iris_test_bot plugh xyzzy quux", GROUP)
    assert await notice_after(api, unknown.button(EDITORS), unknown, GROUP) == ""
    prompt = (await api.shown(2))[-1]
    assert "kept encrypted, and deleted after 90 days" in prompt.text
    assert prompt.text.endswith(DISCLAIMER)
    assert prompt.data["reply_parameters"]["message_id"] == unknown.data["reply_parameters"]["message_id"]
    assert kept == []
    assert await notice_after(api, prompt.button("Send"), prompt, GROUP) == ""
    assert (await api.shown(3))[-1].text.startswith("Sent.")
    assert kept == [
        ("plugh xyzzy quux", {"platform": "telegram", "entry_id": None, "person": ANN_HERSELF}),
    ]


async def test_what_was_sent_in_stands_in_my_data_and_goes_with_forgetme(api: BotApi, records: Records) -> None:
    unknown = await answer_to(api, "plugh xyzzy quux")
    await notice_after(api, unknown.button(EDITORS), unknown)
    prompt = (await api.shown(2))[-1]
    await notice_after(api, prompt.button("Send"), prompt)
    await api.shown(3)
    mine = await answer_to(api, "/mydata")
    assert "1 question that you sent" in mine.text
    assert await notice_after(api, mine.button("Delete"), mine) == ""
    assert "Deleted" in (await api.shown(5))[-1].text
    kept = await records.my_data(ANN_HERSELF)
    assert kept is not None
    assert kept.questions == 0
    assert "nothing that I could tie to you" in (await answer_to(api, "/forgetme")).text


async def test_nobody_else_can_send_a_question_in(api: BotApi, records: Records) -> None:
    unknown = await answer_to(api, "@iris_test_bot plugh xyzzy quux", GROUP)
    assert "Only the person who asked" in await notice_after(api, unknown.button(EDITORS), unknown, GROUP, BEN)
    await notice_after(api, unknown.button(EDITORS), unknown, GROUP)
    prompt = (await api.shown(2))[-1]
    assert "Only the person who asked" in await notice_after(api, prompt.button("Send"), prompt, GROUP, BEN)
    for person in (ANN, BEN):
        kept = await records.my_data(Person("telegram", str(person["id"])))
        assert kept is not None
        assert kept.questions == 0


async def test_cancel_takes_the_offer_away_and_keeps_nothing(api: BotApi, records: Records) -> None:
    unknown = await answer_to(api, "plugh xyzzy quux")
    await notice_after(api, unknown.button(EDITORS), unknown)
    prompt = (await api.shown(2))[-1]
    assert await notice_after(api, prompt.button("Cancel"), prompt) == ""
    assert (await api.call("deleteMessage")).data["message_id"] == str(prompt.message_id)
    kept = await records.my_data(ANN_HERSELF)
    assert kept is not None
    assert kept.questions == 0


async def test_somebody_elses_words_cannot_be_sent_in(api: BotApi) -> None:
    bens = message("plugh xyzzy quux", GROUP, BEN)
    await api.push(message=message("/ask", GROUP, ANN, reply_to_message=bens))
    reply = (await api.shown())[-1]
    assert EDITORS not in [button["text"] for button in reply.buttons]


async def test_a_question_that_was_deleted_meanwhile_cannot_be_sent_in(api: BotApi) -> None:
    unknown = await answer_to(api, "plugh xyzzy quux")
    api.forget_reply(unknown, PRIVATE)
    assert "can't see the question any more" in await notice_after(api, unknown.button(EDITORS), unknown)


@pytest.mark.parametrize("text", ["I took all my pills, I want to die", "I can't breathe and my throat is swelling"])
async def test_under_a_safety_reply_there_is_nothing_to_press(api: BotApi, records: Records, text: str) -> None:
    await records.save_settings(community_of(GROUP["id"]), CommunitySettings(human_channel=str(HELPERS)))
    for chat, asked in ((PRIVATE, text), (GROUP, f"/ask {text}")):
        assert (await answer_to(api, asked, chat)).buttons == []


async def test_ask_a_human_tells_the_helpers_once_where_to_look_without_the_words(
    api: BotApi, records: Records
) -> None:
    await records.save_settings(community_of(GROUP["id"]), CommunitySettings(human_channel=str(HELPERS)))
    unknown = await answer_to(api, "/ask plugh xyzzy quux", GROUP)
    for _ in range(2):
        assert "I told the people" in await notice_after(api, unknown.button("Ask a human"), unknown, GROUP)
    calls = [call for call in api.called("sendMessage") if call.data["chat_id"] == str(HELPERS)]
    assert len(calls) == 1
    assert calls[0].text.startswith("Somebody in Group would like an answer from a person: here.")
    assert "plugh" not in calls[0].text
    assert len(calls[0].seen.links) == 1


async def test_without_helpers_there_is_no_such_button_and_an_old_one_says_so(api: BotApi) -> None:
    unknown = await answer_to(api, "/ask plugh xyzzy quux", GROUP)
    assert "Ask a human" not in [button["text"] for button in unknown.buttons]
    assert "could not reach" in await notice_after(api, "h:", unknown, GROUP)


async def test_in_a_group_the_answer_can_be_had_in_private(api: BotApi) -> None:
    answer = await answer_to(api, "/ask What is insulin resistance?", GROUP)
    assert answer.button("Answer me") == "https://t.me/iris_test_bot?start=what-is-insulin-resistance"
    unknown = await answer_to(api, "/ask plugh xyzzy quux", GROUP)
    assert unknown.button("Answer me") == "https://t.me/iris_test_bot?start=help"


@pytest.mark.parametrize("command", ["/mydata", "/forgetme"])
async def test_what_is_kept_of_a_person_is_told_in_private_alone(api: BotApi, command: str) -> None:
    reply = await answer_to(api, command, GROUP)
    assert reply.text.startswith("I tell you that in private: open our chat.")
    assert reply.seen.links == ["https://t.me/iris_test_bot?start=_mydata"]
    assert "nothing that I could tie to you" in (await answer_to(api, "/start _mydata")).text


async def test_privacy_says_what_is_kept_and_for_how_long(api: BotApi) -> None:
    reply = await answer_to(api, "/privacy")
    assert "Your questions are not stored." in reply.text
    assert "Questions that you send in" in reply.text
    assert "deleted after 90 days" in reply.text


async def test_sources_are_browsed_by_topic(api: BotApi) -> None:
    topics = await answer_to(api, "/sources")
    assert [button["text"] for button in topics.buttons] == ["Insulin resistance", "Autoimmunity"]
    await notice_after(api, topics.button("Insulin resistance"), topics)
    listed = (await api.shown(2))[-1]
    assert listed.text.startswith(
        "Insulin resistance: sources\n1. Standards of Care <2024>. American Diabetes Association, 2024\n2."
    )
    assert len(listed.seen.links) == 2
    assert [button["text"] for button in listed.buttons] == ["‹ All topics"]


async def test_sources_under_an_answer_are_those_of_the_answer(api: BotApi) -> None:
    answer = await answer_to(api, "What is insulin resistance?")
    await api.push(message=message("/sources", reply_to_message=api.message_of(answer, PRIVATE)))
    assert "• Insulin Resistance & Prediabetes. NIDDK, 2018" in (await api.shown(2))[-1].text


@pytest.mark.parametrize("data", ["c:", "h:", "o:", "u:ir-tests:00000000"])
async def test_under_a_message_too_old_to_be_seen_people_are_told_to_ask_again(api: BotApi, data: str) -> None:
    answer = await answer_to(api, "What is insulin resistance?")
    await api.press(data, answer, PRIVATE, ANN, inaccessible=True)
    assert "too old" in (await api.call("answerCallbackQuery")).data["text"]


@pytest.mark.parametrize("label", ["More", "👍"])
async def test_a_press_is_acknowledged_before_its_turn(api: BotApi, label: str) -> None:
    answer = await answer_to(api, "What is insulin resistance?")
    gate = api.hold("sendMessage")
    await api.push(message=message("What is insulin resistance?"))
    await api.arrived("sendMessage")
    await api.press(answer.button(label), answer, PRIVATE, ANN)
    await api.call("answerCallbackQuery")
    gate.set()


async def test_when_a_press_fails_it_is_acknowledged_all_the_same(
    api: BotApi, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> bool:
        raise RuntimeError("secret words")

    monkeypatch.setattr(records, "vote", fails)
    answer = await answer_to(api, "What is insulin resistance?")
    await api.press(answer.button("👍"), answer, PRIVATE, ANN)
    assert "went wrong" in (await api.call("answerCallbackQuery")).data["text"]
