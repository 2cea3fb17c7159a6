"""A process that is killed while it writes: what it was told is saved is there, and nothing is damaged."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from stores import Store

from bot.records import Community, Person, PersonData
from bot.records.database import DATABASE_FILE

ROOT = Path(__file__).parents[2]
# How much is saved before each kill: soon after the start, and in full swing.
SAVED = (1, 60, 25)


async def test_what_was_saved_before_kill_9_is_there_afterwards(store: Store) -> None:
    saved: list[int] = []
    for number in SAVED:
        saved += _write_and_kill(store, len(saved) * 10, number)
        if store.settings.database_url is None:
            with closing(sqlite3.connect(store.settings.data / DATABASE_FILE)) as database:
                assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    records = await store.open()
    numbers = await records.numbers()
    assert numbers is not None
    texts = {question.text for question in numbers.questions}
    assert {f"Question {number}?" for number in saved} <= texts
    for number in saved:
        assert (await records.settings(Community("telegram", str(number)))).cooldown_s == number
        assert await records.my_data(Person("discord", str(number))) == PersonData(votes=1)
    # Counts are not promised: but each was written once or not at all, and most of them were.
    (counted,) = numbers.ids.values()
    assert 0 < counted <= len(saved) + 4 * len(SAVED)
    assert await records.vote(Person("discord", "one more"), "ir-tests", "r1", True)


def _write_and_kill(store: Store, first: int, number: int) -> list[int]:
    """What was saved by a process that was killed after it had saved ``number`` things."""
    arguments = [str(store.settings.data), str(first)]
    if store.settings.database_url is not None:
        arguments.append(store.settings.database_url.get_secret_value())
    process = subprocess.Popen(
        [sys.executable, Path(__file__).parent / "writing.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(number)]
        process.send_signal(signal.SIGKILL)
        # What it had said before the signal came counts too.
        lines += process.stdout.readlines()
    assert process.returncode == -signal.SIGKILL
    return [int(line) for line in lines if line.endswith("\n") and line.strip()]
