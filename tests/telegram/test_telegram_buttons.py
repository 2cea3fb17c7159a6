"""Pressed buttons over the wire: what they show, where, and that each press is acknowledged."""

from __future__ import annotations

import pytest
from bot_api import BotApi, Call
from people import ANN, BEN, GROUP, PRIVATE, message

from adapters.telegram.callback import Browse, Show, Turn, View, write
from bot.answer import Answerer

DISCLAIMER = "General information, not medical advice. Ask a health professional."

pytestmark = pytest.mark.usefixtures("platform")


async def asked(api: BotApi) -> Call:
    """An answer to press buttons under."""
    await api.push(message=message("What is insulin resistance?"))
    return (await api.shown())[0]


async def pressed(api: BotApi, under: Call, label: str) -> Call:
    """What a press of the button ``label``, or with the number of that question, shows; there was no notice."""
    shown = len(await api.shown())
    acknowledged = len(api.called("answerCallbackQuery"))
    data = under.choice(label) if label.endswith("?") else under.button(label)
    await api.press(data, under, PRIVATE, ANN)
    result = (await api.shown(shown + 1))[-1]
    acknowledgement = await api.call("answerCallbackQuery", acknowledged + 1)
    assert "text" not in acknowledgement.data
    assert result.text.endswith(DISCLAIMER)
    return result


async def test_more_opens_the_details_in_place_and_less_closes_them(api: BotApi) -> None:
    answer = await asked(api)
    opened = await pressed(api, answer, "More")
    assert opened.method == "editMessageText"
    assert opened.message_id == answer.message_id
    assert "A1C >5.7 % & <6.5 %" in opened.text
    assert "\n• Muscle takes up less glucose.\n• The liver makes more." in opened.text
    assert "Evidence: well established · Reviewed: 2026-11-21, not yet reviewed by a clinician" in opened.text
    closed = await pressed(api, opened, "Less")
    assert closed.text == answer.text


async def test_sources_open_as_links_beside_what_is_open(api: BotApi) -> None:
    both = await pressed(api, await pressed(api, await asked(api), "More"), "Sources")
    assert "The liver makes more." in both.text
    assert "• Insulin Resistance & Prediabetes. NIDDK, 2018" in both.text
    assert "• Standards of Care <2024>. American Diabetes Association, 2024" in both.text
    assert both.seen.links == [
        "https://www.niddk.nih.gov/health-information/diabetes?a=1&b=2",
        "https://doi.org/10.2337/dc24-S002",
    ]
    assert both.button("Less")
    assert both.button("Hide sources")


async def test_a_related_question_is_answered_below(api: BotApi) -> None:
    related = await pressed(api, await asked(api), "How is insulin resistance tested?")
    assert related.method == "sendMessage"
    assert "no routine single test" in related.text


async def test_a_suggestion_of_a_question_back_is_answered_in_its_place(api: BotApi, small_answerer: Answerer) -> None:
    question_back = await asked(api)  # any message of the bot's stands in for it
    choice = small_answerer.show("ir-tests")
    data = write(Turn(View(), "ir-tests", choice.revision))
    assert data is not None
    await api.press(data, question_back, PRIVATE, ANN)
    chosen = (await api.shown(2))[1]
    assert chosen.method == "editMessageText"
    assert "no routine single test" in chosen.text
    assert "has changed" not in chosen.text


async def test_more_of_an_answer_with_an_emergency_banner_opens_below(api: BotApi, small_answerer: Answerer) -> None:
    answer = await asked(api)
    entry = small_answerer.show("what-is-insulin-resistance")
    data = write(Turn(View(details=True, below=True), "what-is-insulin-resistance", entry.revision))
    assert data is not None
    await api.press(data, answer, PRIVATE, ANN)
    opened = (await api.shown(2))[1]
    assert opened.method == "sendMessage"
    assert opened.data["reply_parameters"]["message_id"] == answer.message_id
    assert "The liver makes more." in opened.text
    assert (await pressed(api, opened, "Less")).method == "editMessageText"


async def test_a_button_from_before_a_change_shows_the_entry_as_it_is_now_and_says_so(api: BotApi) -> None:
    answer = await asked(api)
    data = write(Show("ir-tests", "00000000"))
    assert data is not None
    await api.press(data, answer, PRIVATE, ANN)
    shown = (await api.shown(2))[1]
    assert shown.text.startswith("This answer has changed since")
    assert "no routine single test" in shown.text


async def test_an_entry_that_was_taken_away_is_gone_from_the_message_too(api: BotApi) -> None:
    answer = await asked(api)
    data = write(Turn(View(details=True), "withdrawn", "00000000"))
    assert data is not None
    await api.press(data, answer, PRIVATE, ANN)
    shown = (await api.shown(2))[1]
    assert shown.method == "editMessageText"
    assert "was taken away" in shown.text
    assert shown.text.endswith(DISCLAIMER)


@pytest.mark.parametrize("data", ["", "x", "v:::", "s:a b:c", "s::", "n:x", "t:\ud83d", "v:d:what-is:1:2", "1:" * 30])
async def test_a_button_that_nobody_made_is_acknowledged_with_a_notice(api: BotApi, data: str) -> None:
    answer = await asked(api)
    await api.press(data, answer, PRIVATE, ANN)
    notice = await api.call("answerCallbackQuery")
    assert "was taken away" in notice.data["text"]
    assert len(await api.shown()) == 1


async def test_a_button_under_a_message_that_is_no_longer_known_is_acknowledged(api: BotApi) -> None:
    await api.press("n:", None, PRIVATE, ANN)
    assert "was taken away" in (await api.call("answerCallbackQuery")).data["text"]


async def test_a_second_press_of_the_same_button_does_no_harm(api: BotApi) -> None:
    answer = await asked(api)
    for _ in range(2):
        await api.press(answer.button("More"), answer, PRIVATE, ANN)
    await api.call("answerCallbackQuery", 2)
    await api.push(message=message("/privacy"))
    last = (await api.shown(3))[-1]
    assert "not stored" in last.text


async def test_a_press_that_is_too_old_to_acknowledge_is_still_obeyed(api: BotApi) -> None:
    answer = await asked(api)
    api.fail("answerCallbackQuery", 400, "Bad Request: query is too old and response timeout expired")
    await api.press(answer.button("More"), answer, PRIVATE, ANN)
    assert "The liver makes more." in (await api.shown(2))[1].text


async def test_where_the_message_cannot_be_edited_the_entry_comes_below(api: BotApi) -> None:
    answer = await asked(api)
    api.fail("editMessageText", 400, "Bad Request: message can't be edited")
    await api.press(answer.button("More"), answer, PRIVATE, ANN)
    shown = (await api.shown(2))[1]
    assert shown.method == "sendMessage"
    assert "The liver makes more." in shown.text


async def test_under_a_message_too_old_to_be_seen_the_related_question_is_answered_below(api: BotApi) -> None:
    answer = await asked(api)
    await api.press(answer.choice("How is"), answer, PRIVATE, ANN, inaccessible=True)
    assert "no routine single test" in (await api.shown(2))[1].text


async def test_topics_are_browsed_in_one_message_and_back(api: BotApi) -> None:
    await api.push(message=message("/topics"))
    groups = (await api.shown())[0]
    assert [button["text"] for button in groups.buttons] == ["Insulin resistance", "Autoimmunity"]
    entries = await pressed(api, groups, "Autoimmunity")
    assert [button["text"] for button in entries.buttons] == ["1", "2", "‹ Topics"]
    entry = await pressed(api, entries, "Is type 1 diabetes autoimmune?")
    assert "destroys the beta cells" in entry.text
    back = await pressed(api, entry, "‹ Topics")
    assert [button["text"] for button in back.buttons] == ["Insulin resistance", "Autoimmunity"]
    methods = [call.method for call in await api.shown(4)]
    assert methods == ["sendMessage", "editMessageText", "editMessageText", "editMessageText"]


async def test_topics_from_under_a_reply_leave_the_reply_where_it_is(api: BotApi) -> None:
    await api.push(message=message("/help"))
    topics = await pressed(api, (await api.shown())[0], "Browse the topics")
    assert topics.method == "sendMessage"
    assert topics.text.startswith("Topics")


async def test_in_a_group_anybody_may_press(api: BotApi) -> None:
    await api.push(message=message("/ask what is insulin resistance?", GROUP, ANN))
    answer = (await api.shown())[0]
    await api.press(answer.button("More"), answer, GROUP, BEN)
    assert "The liver makes more." in (await api.shown(2))[1].text


async def test_browsing_a_group_that_is_gone_shows_the_groups(api: BotApi) -> None:
    answer = await asked(api)
    data = write(Browse("no-such-group"))
    assert data is not None
    await api.press(data, answer, PRIVATE, ANN)
    assert (await api.shown(2))[1].text.startswith("Topics")
