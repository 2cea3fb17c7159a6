"""Logs: one format, tokens masked however they get there, libraries kept quiet, and no word of a question."""

from __future__ import annotations

import io
import json
import logging
import re
import warnings

import pytest
import structlog

from bot.answer import Answerer
from bot.logs import MASK, mask_tokens, set_up_logs
from bot.question import Question

DISCORD = "MTA0NTQ4ODg1NDYyMzQ5ODI0MA.GxKzAb.not-a-real-token-but-shaped-like-one-000"
TELEGRAM = "123456789:AAnot-a-real-token-but-shaped-like_1"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"token {TELEGRAM}.", f"token {MASK}."),
        (f"https://api.telegram.org/bot{TELEGRAM}/getMe", f"https://api.telegram.org/bot{MASK}/getMe"),
        ("http://127.0.0.1:8081/bot123:short/getMe", f"http://127.0.0.1:8081/bot{MASK}/getMe"),
        (f"Authorization: Bot {DISCORD}", f"Authorization: Bot {MASK}"),
        (f'{{"token": "{DISCORD}"}}', f'{{"token": "{MASK}"}}'),
        ("2026-11-21T06:45:32.123456Z ir-what 0.97", "2026-11-21T06:45:32.123456Z ir-what 0.97"),
        ("gateway.discord.gg:443 port 12345:67", "gateway.discord.gg:443 port 12345:67"),
        ("the known secret hunter2", f"the known secret {MASK}"),
    ],
)
def test_what_looks_like_a_token_is_masked_and_nothing_else(text: str, masked: str) -> None:
    assert mask_tokens(text, ["hunter2"]) == masked


def _ways_to_log_a_token() -> None:
    structlog.get_logger("bot.app").info("event", token=DISCORD)
    logging.getLogger("adapters.telegram").warning("argument %s", TELEGRAM)
    logging.getLogger("httpx").warning("POST https://api.telegram.org/bot%s/sendMessage", TELEGRAM)
    warnings.warn(f"a warning with {DISCORD}", UserWarning, stacklevel=1)
    try:
        raise RuntimeError(f"refused: {TELEGRAM}")
    except RuntimeError:
        logging.getLogger("discord.client").exception("failed")
        structlog.get_logger("adapters.discord").exception("failed")


@pytest.mark.parametrize("style", ["pretty", "json"])
def test_no_way_of_logging_leaks_a_token(style: str) -> None:
    stream = io.StringIO()
    set_up_logs("json" if style == "json" else "pretty", "debug", stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        _ways_to_log_a_token()
    written = stream.getvalue()
    assert DISCORD not in written
    assert TELEGRAM not in written
    assert written.count(MASK) >= 6
    if style == "json":
        assert all(
            {"event", "level", "timestamp", "logger"} <= json.loads(line).keys() for line in written.splitlines()
        )


@pytest.mark.parametrize("name", ["httpx", "telegram.ext.Application", "discord.gateway", "discord", "aiohttp.access"])
def test_libraries_are_held_at_warning_however_much_we_say_ourselves(name: str) -> None:
    stream = io.StringIO()
    set_up_logs("json", "debug", stream)
    logging.getLogger(name).debug("payload with a message in it")
    logging.getLogger(name).info("an address with a token in it")
    assert stream.getvalue() == ""
    logging.getLogger(name).warning("mind this")
    structlog.get_logger("bot.answer").debug("ours")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["mind this", "ours"]


@pytest.mark.parametrize("style", ["pretty", "json"])
def test_a_traceback_shows_no_local_variables(style: str) -> None:
    stream = io.StringIO()
    set_up_logs("json" if style == "json" else "pretty", "debug", stream)

    def answer(text: str) -> None:
        raise ValueError(len(text))

    try:
        answer("my heart " + "races")
    except ValueError:
        structlog.get_logger("bot.answer").exception("failed")
    assert "in answer" in stream.getvalue()
    assert "my heart races" not in stream.getvalue()


QUESTIONS = [
    "Is zanzibar hashimoto's making me insulin resistant, quetzal?",
    "zanzibar quetzal xylophone",
    "my sugar is 38 and I am shaking, zanzibar",
    "\ud800 zanzibar \x00 quetzal",
    "zanzibar " * 3000,
]


@pytest.mark.parametrize("text", QUESTIONS, ids=range(len(QUESTIONS)))
def test_no_word_of_a_question_reaches_the_log(text: str, answerer: Answerer) -> None:
    stream = io.StringIO()
    set_up_logs("json", "debug", stream)
    answerer.answer(Question(text))
    assert not re.search("zanzibar|quetzal|xylophone|shaking", stream.getvalue())
