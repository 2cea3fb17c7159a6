"""Inline and guest mode: answers in chats where the bot is not."""

from __future__ import annotations

from typing import Any

import pytest
from bot_api import BotApi, Call
from people import ANN, GROUP, message
from telegram_html import parse_html

DISCLAIMER = "General information, not medical advice. Ask a health professional."
IR = "Insulin resistance means that cells respond weakly to insulin."

pytestmark = pytest.mark.usefixtures("platform")


def texts(call: Call) -> list[str]:
    """What choosing each result would post."""
    return [parse_html(result["input_message_content"]["message_text"]).text for result in call.data["results"]]


async def test_a_question_is_answered_first_and_like_ones_are_offered_after_it(api: BotApi) -> None:
    offered = await api.ask_inline("what is insulin resistance", ANN)
    assert IR in texts(offered)[0]
    assert len(texts(offered)) > 1
    assert all(text.endswith(DISCLAIMER) for text in texts(offered))
    assert offered.data["results"][0]["title"] == "What is insulin resistance?"
    assert offered.data["results"][0]["description"] == IR


async def test_results_are_personal_and_kept_for_seconds_only(api: BotApi) -> None:
    offered = await api.ask_inline("what is insulin resistance", ANN)
    assert 0 < int(offered.data["cache_time"]) <= 30
    assert offered.data["is_personal"] == "true"


@pytest.mark.parametrize("text", ["", "wha", "   "])
async def test_before_there_is_a_question_entries_are_offered(api: BotApi, text: str) -> None:
    offered = await api.ask_inline(text, ANN)
    assert 1 <= len(texts(offered)) <= 8
    assert all(text.endswith(DISCLAIMER) for text in texts(offered))


@pytest.mark.parametrize("text", ["I took all my pills, I want to die", "I can't breathe and my throat is swelling"])
async def test_a_safety_reply_is_the_only_result_and_not_kept(api: BotApi, text: str) -> None:
    offered = await api.ask_inline(text, ANN)
    assert len(texts(offered)) == 1
    assert texts(offered)[0].endswith(DISCLAIMER)
    assert IR not in texts(offered)[0]
    assert "reply_markup" not in offered.data["results"][0]
    assert offered.data["cache_time"] == "0"
    assert offered.data["is_personal"] == "true"


async def test_what_nobody_can_answer_offers_no_words_of_the_asker(api: BotApi) -> None:
    offered = await api.ask_inline("plugh xyzzy quux", ANN)
    assert not any("plugh" in text for text in texts(offered))


async def test_more_of_a_posted_answer_opens_in_place(api: BotApi) -> None:
    offered = await api.ask_inline("what is insulin resistance", ANN)
    (row,) = offered.data["results"][0]["reply_markup"]["inline_keyboard"]
    assert [button["text"] for button in row] == ["More", "Sources (2)"]
    await api.press(row[0]["callback_data"], "m1", GROUP, ANN)
    opened = await api.call("editMessageText")
    assert opened.data["inline_message_id"] == "m1"
    assert "The liver makes more." in opened.text
    assert opened.text.endswith(DISCLAIMER)
    assert [button["text"] for button in opened.buttons] == ["Less", "Sources (2)"]


async def test_too_late_an_answer_does_no_harm(api: BotApi) -> None:
    api.fail("answerInlineQuery", 400, "Bad Request: query is too old and response timeout expired")
    await api.push(inline_query={"id": "i1", "from": ANN, "query": "what is insulin resistance", "offset": ""})
    await api.until(lambda: api.failed("answerInlineQuery"))
    assert IR in texts(await api.ask_inline("what is insulin resistance", ANN))[0]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("@iris_test_bot what is insulin resistance?", IR),
        ("@iris_test_bot plugh xyzzy quux", "I don't have a reviewed answer"),
        ("/help@iris_test_bot", "I answer questions"),
    ],
)
async def test_a_guest_answers_with_one_message(api: BotApi, text: str, answer: str) -> None:
    reply = await api.ask_as_guest(message(text, GROUP))
    assert answer in reply.text
    assert reply.text.endswith(DISCLAIMER)
    assert api.called("sendMessage") == []


async def test_a_guest_heeds_an_emergency(api: BotApi) -> None:
    reply = await api.ask_as_guest(message("@iris_test_bot I can't breathe and my throat is swelling", GROUP))
    assert IR not in reply.text
    result: dict[str, Any] = reply.data["result"]
    assert "reply_markup" not in result
    assert reply.text.endswith(DISCLAIMER)
