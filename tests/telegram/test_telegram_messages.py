"""Messages over the wire: who is answered, with what, and who is not."""

from __future__ import annotations

from typing import Any

import pytest
from bot_api import ME, BotApi, Call
from people import ANN, BEN, BENS, GROUP, OTHER_BOT, PRIVATE, message, mine

from adapters.telegram import TelegramPlatform

DISCLAIMER = "General information, not medical advice. Ask a health professional."
IR = "Insulin resistance means that cells respond weakly to insulin."

pytestmark = pytest.mark.usefixtures("platform")


async def answer_to(api: BotApi, written: dict[str, Any]) -> Call:
    """The one message that comes back for one message."""
    await api.push(message=written)
    return (await api.shown())[-1]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is insulin resistance?", IR),
        ("is insulin resistance autoimmune", "No. Common insulin resistance is not an autoimmune disease."),
        ("how do I get tested for insulin resistance?", "There is no routine single test"),
        ("/ask why do people get type 1 diabetes", "the immune system destroys the beta cells"),
        ("/ask@iris_test_bot what does insulin resistant mean", IR),
        ("do you store my questions?", "Your questions are not stored."),
    ],
)
async def test_a_question_in_private_gets_its_entry_and_the_disclaimer(api: BotApi, question: str, answer: str) -> None:
    reply = await answer_to(api, message(question))
    assert answer in reply.text
    assert reply.text.endswith(DISCLAIMER)
    assert reply.data["chat_id"] == str(PRIVATE["id"])
    assert reply.data["reply_parameters"]["allow_sending_without_reply"] is True


async def test_an_answer_offers_more_its_sources_and_related_questions(api: BotApi) -> None:
    reply = await answer_to(api, message("What is insulin resistance?"))
    labels = [button["text"] for button in reply.buttons]
    assert labels == [
        "More",
        "Sources (2)",
        "1",
        "2",
        "👍",
        "👎",
    ]
    assert "\n1. How is insulin resistance tested?\n2. Is insulin resistance an autoimmune disease?\n" in reply.text


@pytest.mark.parametrize(
    "written",
    [
        message("@iris_test_bot what is insulin resistance?", GROUP),
        message("🤷 hey @IRIS_test_bot, what is insulin resistance?", GROUP),
        message("/ask what is insulin resistance?", GROUP),
        message("/ask@iris_test_bot what is insulin resistance?", GROUP),
        message("what is insulin resistance?", GROUP, reply_to_message=mine()),
        message("/ask", GROUP, reply_to_message=message("What is insulin resistance?", GROUP, BEN)),
        message("@iris_test_bot", GROUP, reply_to_message=message("What is insulin resistance?", GROUP, BEN)),
        message(
            "/ask",
            GROUP,
            reply_to_message=message("Hello all. What is insulin resistance? Thanks", GROUP, BEN),
            quote={"text": "What is insulin resistance?", "position": 11},
        ),
        message(chat=GROUP, caption="/ask what is insulin resistance?", photo=[]),
        message(
            "Iris, what is insulin resistance?",
            GROUP,
            entities=[{"type": "text_mention", "offset": 0, "length": 5, "user": ME}],
        ),
        message(  # an administrator who writes anonymously
            "/ask what is insulin resistance?",
            GROUP,
            {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"},
            sender_chat=GROUP,
        ),
    ],
)
async def test_in_a_group_whoever_addresses_the_bot_is_answered_under_their_message(
    api: BotApi, written: dict[str, Any]
) -> None:
    reply = await answer_to(api, written)
    assert IR in reply.text
    assert reply.text.endswith(DISCLAIMER)
    assert reply.data["reply_parameters"]["message_id"] == written["message_id"]
    assert reply.data["reply_parameters"]["allow_sending_without_reply"] is True


@pytest.mark.parametrize(
    "written",
    [
        message("What is insulin resistance?", GROUP),
        message("/ask@loop_bot What is insulin resistance?", GROUP),
        message("/weather", GROUP),
        message("@iris_test_bot2 What is insulin resistance?", GROUP),
        message("I think /ask is how you ask", GROUP),
        message("What is insulin resistance?", GROUP, reply_to_message=message("Hi", GROUP, BEN)),
        message("/ask What is insulin resistance?", GROUP, OTHER_BOT),
        message("/ask What is insulin resistance?", GROUP, via_bot=OTHER_BOT),
        message("/ask What is insulin resistance?", GROUP, is_automatic_forward=True),
        message("My chest hurts and I can't breathe", GROUP),
        message(chat=GROUP, new_chat_members=[BEN]),
    ],
)
async def test_in_a_group_whoever_does_not_address_the_bot_gets_silence(api: BotApi, written: dict[str, Any]) -> None:
    await api.push(message=written)
    addressed = message("/ask what is insulin resistance?", GROUP)
    reply = await answer_to(api, addressed)  # same chat, so the first one had its turn before
    assert reply.data["reply_parameters"]["message_id"] == addressed["message_id"]
    assert len(api.called("sendMessage")) == 1


async def test_a_reply_in_a_forum_stays_in_its_topic(api: BotApi) -> None:
    topic = message(
        "/ask what is insulin resistance?",
        GROUP | {"is_forum": True},
        message_thread_id=7,
        is_topic_message=True,
    )
    assert (await answer_to(api, topic)).data["message_thread_id"] == "7"


@pytest.mark.parametrize(
    "written",
    [
        message("🤷‍♀️🤷‍♀️"),
        message("/ask"),
        message("   "),
        message("/ask@iris_test_bot"),
        message("?!"),
        message(voice={"file_id": "a", "file_unique_id": "b", "duration": 1}),
    ],
)
async def test_without_words_a_person_is_asked_for_them(api: BotApi, written: dict[str, Any]) -> None:
    reply = await answer_to(api, written)
    assert "Please type a question" in reply.text
    assert reply.text.endswith(DISCLAIMER)


@pytest.mark.parametrize(
    "text",
    [
        "<b>@everyone</b> </b> &amp; **x** [a](tg://user?id=42) what is xyzzy",
        "<a href='https://evil.example'>click</a> @ben plugh",
        "\u202e \u200b\u200f x\u0338\u0322 zalgo",
        "quux " * 800,
        "\ud83d",  # half a character, as JSON may carry it
    ],
)
async def test_what_a_person_writes_never_comes_back(api: BotApi, text: str) -> None:
    reply = await answer_to(api, message(text))
    assert reply.text.endswith(DISCLAIMER)
    for word in ("everyone", "evil", "ben", "quux", "xyzzy", "zalgo", "Ann"):
        assert word not in reply.data["text"]


async def test_an_unsure_bot_asks_back_with_buttons_or_says_so(api: BotApi) -> None:
    reply = await answer_to(api, message("plugh xyzzy quux"))
    assert "I don't have a reviewed answer" in reply.text
    assert [button["text"] for button in reply.buttons] == ["Browse the topics", "Send this question to the editors"]


async def test_start_and_help_show_the_long_disclaimer(api: BotApi) -> None:
    for command in ("/start", "/help", "/nonsense"):
        await api.push(message=message(command))
    for reply in await api.shown(3):
        assert "I answer questions" in reply.text
        assert reply.text.endswith("IRIS is an automated bot and not a clinician. " + DISCLAIMER)
        assert reply.button("Browse")


async def test_a_deep_link_opens_its_entry(api: BotApi) -> None:
    assert "no routine single test" in (await answer_to(api, message("/start ir-tests"))).text


async def test_a_deep_link_to_an_entry_that_is_gone_says_so(api: BotApi) -> None:
    assert "was taken away" in (await answer_to(api, message("/start no-such-entry"))).text


async def test_privacy_is_told_in_the_words_of_the_content(api: BotApi) -> None:
    reply = await answer_to(api, message("/privacy"))
    assert "<b>not</b> stored" in reply.data["text"]
    assert reply.text.endswith(DISCLAIMER)


@pytest.mark.parametrize("text", ["I took all my pills, I want to die", "I can't breathe and my throat is swelling"])
async def test_an_emergency_gets_its_safety_reply_and_no_faq_buttons(api: BotApi, text: str) -> None:
    reply = await answer_to(api, message(text))
    assert reply.text.endswith(DISCLAIMER)
    assert IR not in reply.text
    assert reply.buttons == []


async def test_a_caption_is_triaged_too(api: BotApi) -> None:
    reply = await answer_to(api, message(caption="I can't breathe and my throat is swelling", photo=[]))
    assert reply.buttons == []
    assert "999" in reply.text or "112" in reply.text or "emergency" in reply.text.lower()


async def test_an_edit_brings_one_safety_reply_and_nothing_else(api: BotApi) -> None:
    written = message("What is insulin resistance?", BENS, BEN)
    await api.push(message=written)
    danger = written | {"text": "I can't breathe and my throat is swelling", "edit_date": written["date"] + 1}
    await api.push(edited_message=written | {"text": "how is it tested", "edit_date": written["date"] + 1})
    await api.push(edited_message=danger)
    await api.push(edited_message=danger | {"edit_date": written["date"] + 2})
    await api.push(message=message("/privacy", BENS, BEN))
    first, warning, last = await api.shown(3)
    assert IR in first.text
    assert warning.data["reply_parameters"]["message_id"] == written["message_id"]
    assert "not stored" in last.text


async def test_questions_of_one_chat_are_answered_in_their_order(api: BotApi) -> None:
    gate = api.hold("sendMessage")
    await api.push(message=message("What is insulin resistance?"))
    await api.arrived("sendMessage")
    await api.push(message=message("/privacy"))
    gate.set()
    first, second = await api.shown(2)
    assert IR in first.text
    assert "not stored" in second.text


async def test_an_album_is_not_answered_picture_by_picture(api: BotApi) -> None:
    for _ in range(3):
        await api.push(message=message(photo=[], media_group_id="1"))
    await api.push(message=message("/privacy"))
    await api.shown()
    assert len(api.called("sendMessage")) == 1


async def test_an_update_that_the_library_cannot_read_costs_only_itself(
    api: BotApi, platform: TelegramPlatform
) -> None:
    await api.push(message={"message_id": 1})
    assert IR in (await answer_to(api, message("What is insulin resistance?", user=ANN))).text
