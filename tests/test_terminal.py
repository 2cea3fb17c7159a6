"""The terminal chat: what each kind of reply looks like, how picking works, and that nothing is kept."""

from __future__ import annotations

import io
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from adapters import terminal
from bot.answer import Answerer
from bot.assembly import build_answerer
from bot.reply import Reply, ReplyKind, SourceLink, Suggestion

ROOT = Path(__file__).parent.parent
SMALL = ROOT / "tests" / "small_faq.yaml"
DISCLAIMER = "General information, not medical advice."


@pytest.fixture(scope="module")
def small() -> Answerer:
    return build_answerer(SMALL, ROOT / ".cache" / "iris")


def _shown(reply: Reply, width: int = 80, *, details: bool = False) -> str:
    screen = Console(file=io.StringIO(), width=width, highlight=False)
    screen.print(terminal.render(reply, details=details))
    assert isinstance(screen.file, io.StringIO)
    return "\n".join(line.rstrip() for line in screen.file.getvalue().splitlines())


FULL = Reply(
    kind=ReplyKind.ANSWER,
    entry_id="ir-what",
    title="What is [bold]this[/bold]?",
    text="First **bold** words.\n\n- one\n- two <b>tags</b> & [red]brackets[/red]",
    details="1. long\n2. part",
    banner="Is it happening now? Call 112.",
    sources=(SourceLink("A title", "A publisher", 2020, "https://example.org/" + "long/" * 30),),
    strength="established",
    reviewed="2026-11-21, somebody",
    suggestions=(Suggestion("a", "1", "What is A?"), Suggestion("b", "1", "What is B?")),
    disclaimer=DISCLAIMER,
)


@pytest.mark.parametrize("width", [20, 50, 80, 200])
def test_a_reply_shows_everything_from_banner_to_disclaimer_at_any_width(width: int) -> None:
    shown = _shown(FULL, width)
    joined = "".join(shown.split())
    assert max(map(len, shown.splitlines())) <= width
    order = [
        "!Isithappeningnow?Call112.",
        "Whatis[bold]this[/bold]?",
        "Firstboldwords.",
        "-one",
        "-two<b>tags</b>&[red]brackets[/red]",
        "mmoreaboutthis",
        "Atitle.Apublisher,2020",
        "https://example.org/" + "long/" * 30,
        "Evidence:established",
        "1WhatisA?",
        "2WhatisB?",
        "".join(DISCLAIMER.split()),
    ]
    assert [joined.find(part) for part in order] == sorted(joined.find(part) for part in order)
    assert -1 not in [joined.find(part) for part in order]
    assert joined.endswith(order[-1])


def test_details_replace_the_offer_to_type_m() -> None:
    shown = _shown(FULL, details=True)
    assert "1. long" in shown
    assert "more about this" not in shown


def test_every_entry_and_every_talk_is_shown_with_its_disclaimer(answerer: Answerer) -> None:
    for topic in answerer.topics():
        for suggestion in topic.entries:
            reply = answerer.show(suggestion.entry_id)
            shown = " ".join(_shown(reply, 50, details=True).split())
            assert suggestion.label in shown
            assert shown.endswith(" ".join(reply.disclaimer.split()))
            assert "**" not in shown
            assert all("".join(source.url.split()) in shown.replace(" ", "") for source in reply.sources)


@pytest.mark.parametrize(
    ("environment", "language", "region"),
    [
        ({"LANG": "en_GB.UTF-8"}, "en-GB", "GB"),
        ({"LC_ALL": "de_AT", "LANG": "en_US.UTF-8"}, "de-AT", "AT"),
        ({"LC_ALL": "", "LANG": "fil_PH"}, "fil-PH", "PH"),
        ({"LANG": "C.UTF-8"}, None, None),
        ({"LANG": "POSIX"}, None, None),
        ({}, None, None),
    ],
)
def test_language_and_region_come_from_the_locale(
    environment: dict[str, str], language: str | None, region: str | None
) -> None:
    asked = terminal.question("text", environment)
    assert (asked.text, asked.language, asked.region) == ("text", language, region)


def _talk(answerer: Answerer, *typed: str, explain: bool = False) -> list[str]:
    """What stands on the screen after the greeting and after each line; the input ends like Ctrl-D."""
    screen = Console(file=io.StringIO(), width=80, highlight=False)
    assert isinstance(screen.file, io.StringIO)
    written = screen.file
    parts: list[str] = []
    lines: Iterator[str] = iter(typed)

    def read(prompt: str) -> str:
        parts.append("\n".join(line.rstrip() for line in written.getvalue().splitlines()))
        written.seek(0)
        written.truncate()
        line = next(lines, None)
        if line is None:
            raise EOFError
        if line == "^C":
            raise KeyboardInterrupt
        return line

    terminal.chat(answerer, screen, explain=explain, read=read)
    assert "Goodbye." in written.getvalue()
    return parts


def test_a_conversation(small: Answerer) -> None:
    greeting, answer, more, picked, number, blank, interrupted, topics, topic, reading, help_ = _talk(
        small, "what is insulin resistance?", "m", "1", "7", "   ", "^C", "t", "1", "54", "h"
    )
    assert "Ctrl-D" in greeting
    assert "Cells respond less" in answer
    assert "the pancreas makes more" not in answer
    assert "the pancreas makes more" in more
    assert "An autoimmune disease of the thyroid. [not markup]" in picked
    assert "Cells respond less" not in number  # no suggestion has that number: it is a message
    assert blank == ""
    assert interrupted == ""
    assert "Basics" in topics
    assert "2 What is Hashimoto's disease?" in topics
    assert "Cells respond less" in topic
    assert "Cells respond less" not in reading
    assert "IRIS is an automated bot." in help_
    for shown in (greeting, answer, more, picked, number, topics, topic, reading, help_):
        assert DISCLAIMER in shown


@pytest.mark.parametrize("typed", ["²", "٣", "0", "-1", "9" * 5000, "m", "\x1b[2J", "\ud800", "x" * 100_000])
def test_odd_input_is_answered_like_any_other(typed: str, small: Answerer) -> None:
    _, shown = _talk(small, typed)
    assert DISCLAIMER in shown
    assert "\x1b" not in shown


def test_explain_shows_what_matched_and_what_triage_saw(small: Answerer) -> None:
    _, matched, alarmed = _talk(small, "define insulin resistance", "my sugar is 38 and I am shaking", explain=True)
    assert all(word in matched for word in ("kind", "answer", "confidence", "candidates", "ir-what"))
    assert all(word in alarmed for word in ("safety", "emergency-low-glucose", "rule"))


class _Terminal:
    """`iris chat` in a real (pseudo) terminal."""

    def __init__(self, home: Path) -> None:
        self.master, slave = pty.openpty()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("IRIS_", "LC_", "LANG"))}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot", "chat", "--content", str(SMALL)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=home,
            env={
                **kept,
                "HOME": str(home),
                "IRIS_CACHE": str(ROOT / ".cache" / "iris"),
                "PYTHONPATH": str(ROOT),
                "TERM": "xterm",
                "NO_COLOR": "1",
                "COLUMNS": "80",
            },
            start_new_session=True,
        )
        os.close(slave)
        self._unseen = ""

    def see(self, expected: str) -> str:
        """Everything from where the last call ended to the end of ``expected``, waited for."""
        ends = time.monotonic() + 240  # reading the content takes its time on a busy machine
        while expected not in self._unseen:
            readable, _, _ = select.select([self.master], [], [], max(0.0, ends - time.monotonic()))
            try:
                more = os.read(self.master, 65536) if readable else b""
            except OSError:  # EIO: on Linux, the other side has left
                more = b""
            assert more, f"not seen: {expected}\n{self._unseen}"
            self._unseen += more.decode("utf-8", "replace")
        seen, self._unseen = self._unseen.split(expected, 1)
        return seen + expected

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def interrupt(self) -> None:
        """Ctrl-C once the chat waits for a key: Python's readline overlooks a signal that comes just before it does."""
        state = Path(f"/proc/{self.process.pid}/stat")
        while state.read_text(encoding="ascii").rpartition(")")[2].split()[0] != "S":
            time.sleep(0.001)  # another process: there is no event to wait for
        os.kill(self.process.pid, signal.SIGINT)


@pytest.mark.usefixtures("small")  # what it learnt is then in the cache, so that the chat starts at once
def test_in_a_real_terminal_arrow_up_recalls_ctrl_c_clears_and_nothing_is_written(tmp_path: Path) -> None:
    screen = _Terminal(tmp_path)
    try:
        screen.see("you> ")
        screen.type("define insulin resistance\n")
        screen.see("not medical advice.")
        screen.see("you> ")
        screen.type("half a quest")
        screen.see("half a quest")
        screen.interrupt()
        screen.see("you> ")
        screen.type("\x1b[A\n")  # arrow up
        assert "Cells respond" in screen.see("not medical advice.")
        screen.see("you> ")
        screen.type("\x04")
        screen.see("Goodbye.")
        assert screen.process.wait(30) == 0
    finally:
        screen.process.kill()
        screen.process.wait()
        os.close(screen.master)
    assert list(tmp_path.iterdir()) == []  # its home and its working folder
