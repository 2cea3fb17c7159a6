"""Nothing twice, nothing lost, nothing in the wrong order, nothing too often; by long polling."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from bot_api import TOKEN, BotApi, Flood
from people import ANN, BEN, BENS, GROUP, PRIVATE, message
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, ReplyParameters
from telegram_serving import CACHE, QUICK, UNLIMITED, served

from adapters.telegram import TelegramPlatform
from adapters.telegram.render import Page
from adapters.telegram.wire import TelegramBot
from bot import metrics
from bot.answer import Answerer
from bot.desk import Desk
from bot.question import Question
from bot.records import Records
from bot.settings import RecordSettings

IR = "Insulin resistance means that cells respond weakly to insulin."
ASK = "What is insulin resistance?"
DANGER = "I can't breathe and my throat is swelling"
EMERGENCY = "This may be an emergency."
HOUR_S = 3600
Make = Callable[..., TelegramPlatform]


def failures(event: str) -> float:
    """How often that was counted."""
    return metrics.REGISTRY.get_sample_value("iris_failures_total", {"platform": "telegram", "event": event}) or 0.0


async def test_what_was_sent_is_not_confirmed_before_it_is_answered(api: BotApi, make_platform: Make) -> None:
    gate = api.hold("sendMessage")
    async with served(make_platform(timing=replace(QUICK, handling=5.0))):
        update_id = await api.push(message=message(ASK))
        await api.arrived("sendMessage")
        assert not api.polling
        assert api.offset <= update_id
        gate.set()
        await api.until(lambda: api.offset == update_id + 1)
        assert len(await api.shown()) == 1


async def test_a_slow_reply_does_not_keep_others_waiting_for_long(api: BotApi, make_platform: Make) -> None:
    gate = api.hold("sendMessage")
    async with served(make_platform(timing=replace(QUICK, handling=0.05))):
        await api.push(message=message(ASK))
        await api.arrived("sendMessage")
        await api.push(message=message(ASK, BENS, BEN))
        await api.arrived("sendMessage", 2)
        gate.set()
        assert len(await api.shown(2)) == 2


async def test_what_a_stop_cuts_short_is_answered_after_the_next_start_and_once(
    api: BotApi, desk: Desk, tmp_path: Path
) -> None:
    async def run(drain: float) -> tuple[TelegramPlatform, Records]:
        records = await Records.open(RecordSettings(data=tmp_path / "data"))
        timing = replace(QUICK, drain=drain)
        return TelegramPlatform(TOKEN, desk, records, base_url=api.base_url, timing=timing, rates=UNLIMITED), records

    platform, records = await run(0.05)
    gate = api.hold("sendMessage")
    async with served(platform):
        await api.push(message=message(ASK))
        await api.arrived("sendMessage")
        await api.push(message=message("/privacy", BENS, BEN))
        await api.arrived("sendMessage", 2)
    await records.close()
    api.calls.clear()
    gate.set()
    platform, records = await run(5.0)
    async with served(platform):
        replies = await api.shown(2)
        await api.push(message=message("/help"))
        replies = await api.shown(3)
    await records.close()
    assert [IR in call.text for call in replies].count(True) == 1
    assert ["not stored" in call.text for call in replies].count(True) == 1


async def test_a_process_that_is_killed_loses_no_question_and_answers_none_twice(
    api: BotApi, tmp_path: Path, small_answerer: Answerer
) -> None:
    assert small_answerer  # learnt by now, and in the cache
    here = Path(__file__).parent
    command = [sys.executable, "-W", "ignore", str(here / "telegram_process.py"), api.base_url, str(tmp_path)]

    @contextlib.asynccontextmanager
    async def process() -> AsyncIterator[asyncio.subprocess.Process]:
        environment = {**os.environ, "PYTHONPATH": f"{here.parents[1]}{os.pathsep}{here}"}
        running = await asyncio.create_subprocess_exec(*command, str(CACHE), env=environment)
        try:
            yield running
        finally:
            if running.returncode is None:
                running.kill()
            await running.wait()

    bens = message(ASK, BENS, BEN)
    async with process() as killed:
        await api.until(lambda: api.polling, patience_s=120)
        answered = await api.push(message=bens)
        await api.until(lambda: api.offset > answered)
        gate = api.hold("sendMessage")
        await api.push(message=message(ASK))
        await api.arrived("sendMessage")
        killed.kill()
        await killed.wait()
    gate.set()
    async with process():
        await api.until(lambda: len(api.shown_so_far()) >= 2, patience_s=120)
        await api.push(message=message("/privacy"))
        asked = [call for call in await api.shown(3) if IR in call.text]
    assert sorted(call.data["chat_id"] for call in asked) == sorted([str(BENS["id"]), str(PRIVATE["id"])])


async def test_what_came_while_we_were_down_is_answered(api: BotApi, make_platform: Make) -> None:
    for user, chat in ((ANN, PRIVATE), (BEN, BENS)):
        await api.push(message=message(ASK, chat, user, date=int(time.time()) - 300))
    async with served(make_platform()):
        assert all(IR in call.text for call in await api.shown(2))


async def test_old_questions_get_one_message_and_the_chosen_one_its_answer(api: BotApi, make_platform: Make) -> None:
    written = [message(ASK, date=int(time.time()) - HOUR_S) for _ in range(3)]
    for each in written:
        await api.push(message=each)
    await api.push(message=message("/topics", BENS, BEN, date=int(time.time()) - HOUR_S))
    async with served(make_platform()):
        late = {call.data["chat_id"]: call for call in await api.shown(2)}
        assert set(late) == {str(PRIVATE["id"]), str(BENS["id"])}
        for call in late.values():
            assert "UTC, when I could not answer" in call.text
            assert call.text.endswith("Ask a health professional.")
        anns = late[str(PRIVATE["id"])]
        assert anns.data["reply_parameters"]["message_id"] == written[0]["message_id"]
        await api.press(anns.button("Answer it now"), anns, PRIVATE, ANN)
        assert IR in (await api.shown(3))[-1].text
        bens = late[str(BENS["id"])]
        await api.press(bens.button("Answer it now"), bens, BENS, BEN)
        assert (await api.shown(4))[-1].text.startswith("Topics")


async def test_an_old_emergency_is_answered_in_full(api: BotApi, make_platform: Make) -> None:
    for _ in range(2):
        await api.push(message=message(ASK, date=int(time.time()) - HOUR_S))
    await api.push(message=message(DANGER, date=int(time.time()) - HOUR_S))
    async with served(make_platform()):
        shown = await api.shown(2)
    assert sum(call.text.startswith(EMERGENCY) for call in shown) == 1


async def test_a_clock_that_is_wrong_makes_no_question_old(api: BotApi, make_platform: Make) -> None:
    api.clock_behind_s = HOUR_S
    async with served(make_platform()):
        await api.push(message=message(ASK, date=int(time.time()) - HOUR_S))
        assert IR in (await api.shown())[0].text


async def test_an_emergency_overtakes_what_waits_in_its_chat(api: BotApi, make_platform: Make) -> None:
    async with served(make_platform(rates=replace(UNLIMITED, chat=(1, HOUR_S)), timing=replace(QUICK, drain=0.01))):
        await api.push(message=message(f"/ask {ASK}", GROUP))
        await api.shown()
        await api.push(message=message(f"/ask {ASK}", GROUP))
        await api.push(message=message(f"/ask {DANGER}", GROUP, BEN))
        first, second = await api.shown(2)
    assert IR in first.text
    assert second.text.startswith(EMERGENCY)


async def test_a_chat_that_asks_too_much_is_told_so_once(api: BotApi, make_platform: Make, desk: Desk) -> None:
    gate = api.hold("sendMessage")
    async with served(make_platform()):
        await api.push(message=message(f"/ask {ASK}", GROUP))
        await api.arrived("sendMessage")
        for _ in range(30):
            await api.push(message=message(f"/ask {ASK}", GROUP))
        await api.polled()
        await desk.answer(Question(ASK))  # behind all of them
        gate.set()
        await api.push(message=message("/privacy", GROUP))
        await api.until(lambda: any("not stored" in call.text for call in api.shown_so_far()))
    texts = [call.text for call in api.shown_so_far()]
    assert sum(text.startswith("Too many questions") for text in texts) == 1
    assert 15 <= sum(IR in text for text in texts) <= 25


async def test_chatter_that_is_not_for_us_makes_no_chat_crowded(api: BotApi, make_platform: Make) -> None:
    gate = api.hold("sendMessage")
    async with served(make_platform()):
        await api.push(message=message(f"/ask {ASK}", GROUP))
        await api.arrived("sendMessage")
        for _ in range(40):
            await api.push(message=message("nice weather", GROUP, BEN))
        await api.push(message=message(f"/ask {ASK}", GROUP))
        await api.polled()
        gate.set()
        assert all(IR in call.text for call in await api.shown(2))


async def test_where_telegram_finds_it_too_much_everything_arrives_a_little_later(
    api: BotApi, make_platform: Make
) -> None:
    api.flood = Flood()
    async with served(make_platform()):
        for number in range(35):
            chat = {"id": 10_000 + number, "type": "private", "first_name": "Cy"}
            await api.push(message=message("/privacy", chat, BEN | {"id": chat["id"]}))
        await api.shown(35)
    assert api.flood.refused


async def test_a_poll_that_never_comes_back_is_noticed_and_healed(api: BotApi, make_platform: Make) -> None:
    platform = make_platform(timing=replace(QUICK, poll=0.0, answer=0.1, handling=0.05))
    assert not platform.health().flowing
    async with served(platform):
        await api.until(lambda: platform.health().flowing)
        gate = api.hold("getUpdates")
        await api.arrived("getUpdates", 4)
        assert not platform.health().flowing
        assert "Telegram can't be asked" in platform.health().reason
        assert platform.health().age_s > 0.1
        gate.set()
        await api.push(message=message(ASK))
        assert IR in (await api.shown())[0].text
        assert platform.health().flowing


async def test_into_a_closed_topic_only_what_is_urgent_finds_a_way(api: BotApi, make_platform: Make) -> None:
    forum = GROUP | {"id": -1009, "is_forum": True}
    topic = {"message_thread_id": 7, "is_topic_message": True}
    api.closed_topics.add((-1009, "7"))
    before = failures("topic_closed")
    async with served(make_platform()):
        await api.push(message=message(f"/ask {ASK}", forum, **topic))
        await api.push(message=message(f"/ask {DANGER}", forum, **topic))
        shown = await api.shown()
        await api.until(lambda: failures("topic_closed") == before + 1)
    assert len(shown) == 1
    assert shown[0].text.startswith(EMERGENCY)
    assert "message_thread_id" not in shown[0].data


async def test_where_we_may_not_write_an_emergency_is_answered_in_private(api: BotApi, make_platform: Make) -> None:
    api.muted.add(GROUP["id"])
    async with served(make_platform()):
        await api.push(message=message(f"/ask {ASK}", GROUP))
        await api.push(message=message(f"/ask {DANGER}", GROUP))
        (reply,) = await api.shown()
    assert reply.data["chat_id"] == str(ANN["id"])
    assert reply.text.startswith(EMERGENCY)


@pytest.mark.parametrize(
    ("code", "description", "event"),
    [
        (403, "Forbidden: bot was blocked by the user", "blocked"),
        (403, "Forbidden: user is deactivated", "blocked"),
        (403, "Forbidden: bot was kicked from the supergroup chat", "kicked"),
        (400, "Bad Request: not enough rights to send text messages to the chat", "no_right"),
        (403, "Forbidden: CHAT_WRITE_FORBIDDEN", "no_right"),
        (400, "Bad Request: TOPIC_CLOSED", "topic_closed"),
        (400, "Bad Request: message thread not found", "topic_closed"),
    ],
)
async def test_where_nothing_can_be_sent_one_try_is_made_and_counted(
    api: BotApi, make_platform: Make, code: int, description: str, event: str
) -> None:
    before = failures(event)
    api.fail("sendMessage", code, description)
    async with served(make_platform()):
        await api.push(message=message(f"/ask {ASK}", GROUP))
        await api.until(lambda: failures(event) == before + 1)
        await api.push(message=message("/privacy", GROUP))
        assert len(await api.shown()) == 1


async def test_a_pause_of_hours_is_not_waited_for_but_kept(api: BotApi, make_platform: Make) -> None:
    api.fail("sendMessage", 429, "Too Many Requests: retry after 7200", retry_after=7200)
    before = failures("flood")
    async with served(make_platform()):
        await api.push(message=message(ASK))
        await api.push(message=message(ASK))
        await api.until(lambda: api.failed("sendMessage"))  # it was not Ben's that was refused
        await api.push(message=message(ASK, BENS, BEN))
        (reply,) = await api.shown()
        await api.until(lambda: failures("flood") == before + 2)
    assert reply.data["chat_id"] == str(BENS["id"])
    assert api.failed("sendMessage") == 1


async def test_operators_hear_of_what_they_asked_for(api: BotApi, make_platform: Make) -> None:
    platform = make_platform(timing=replace(QUICK, poll=0.0))
    assert await platform.post("-100", "nothing yet") is False
    async with served(platform):
        await api.until(lambda: platform.health().flowing)
        assert await platform.post("-100123", "**2 problems**\n\n- one\n- two") is True
        (posted,) = await api.shown()
        api.fail("sendMessage", 400, "Bad Request: chat not found")
        assert await platform.post("-100124", "lost") is False
    assert posted.data["chat_id"] == "-100123"
    assert posted.text.startswith("2 problems\n\n• one\n• two")


async def test_a_message_is_the_same_as_the_librarys_own_client_would_send(api: BotApi) -> None:
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("1", callback_data="show é")]])
    for topic, reply_to in ((None, None), (7, 9)):
        async with Bot(TOKEN, base_url=api.base_url) as theirs:
            await theirs.send_message(
                GROUP["id"],
                "A <b>bold</b> &amp; 👍 + 100% é",
                parse_mode="HTML",
                link_preview_options=LinkPreviewOptions(is_disabled=True),
                message_thread_id=topic,
                reply_parameters=ReplyParameters(reply_to, allow_sending_without_reply=True) if reply_to else None,
                reply_markup=keyboard,
            )
        page = Page("A <b>bold</b> &amp; 👍 + 100% é", keyboard)
        async with TelegramBot(TOKEN, api.base_url, QUICK, UNLIMITED) as ours:
            await ours.write(GROUP["id"], page.html, page.keyboard_json, topic=topic, reply_to=reply_to)
    one, other, third, fourth = (call.data for call in api.called("sendMessage"))
    assert one == other
    assert third == fourth
