"""Content that changes while IRIS runs: taken in whole or not at all, and whoever asks meanwhile is answered."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import shutil
import weakref
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import get_args

import pytest
import yaml
from editing import Operators, rewrite, soon

from bot import reload
from bot.answer import Answerer
from bot.assembly import build_answerer
from bot.content import HARMLESS
from bot.content.safety_rules import KindId
from bot.desk import Desk
from bot.matching import Encoder
from bot.metrics import REGISTRY
from bot.question import Question
from bot.reload import Reloader, read_files, revision_of, try_out
from bot.reply import Reply, ReplyKind

OLD, NEW = "Your cells respond **less** to insulin.", "Your cells hear insulin **less** well."


class WatchedDesk(Desk):
    """A desk that lets a test wait for new content."""

    def __init__(self, answerer: Answerer) -> None:
        super().__init__(answerer)
        self.swapped = asyncio.Event()

    def swap(self, answerer: Answerer) -> None:
        super().swap(answerer)
        self.swapped.set()


class Running:
    """A reloader at work on a folder, with what it works for."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.operators = Operators()
        encoder = Encoder(cache_folder=cache)
        self.desk = WatchedDesk(build_answerer(folder, cache, encoder))
        self.reloader = Reloader(
            folder,
            revision_of(read_files(folder)),
            cache,
            self.desk,
            lambda copy: build_answerer(copy, cache, encoder),
            self.operators.tell,
        )

    async def says(self) -> str:
        return (await self.desk.answer(Question("What is insulin resistance?"))).text


Start = Callable[..., Awaitable[Running]]


@pytest.fixture
async def start(folder: Path, tmp_path: Path) -> AsyncIterator[Start]:
    async with contextlib.AsyncExitStack() as endings:

        async def start_one(watch: bool = True) -> Running:
            running = await asyncio.to_thread(Running, folder, tmp_path / "cache")
            task = asyncio.create_task(running.reloader.run(watch=watch))

            async def end() -> None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                await running.desk.close()

            endings.push_async_callback(end)
            return running

        yield start_one


async def _nothing_wrong(folder: Path, cache: Path) -> list[str]:
    return []


def _metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_a_change_is_taken_in_and_a_broken_one_is_not_and_the_operators_hear_why(
    folder: Path, start: Start
) -> None:
    running = await start()
    faq = folder / "faq.yaml"
    refused_before = _metric("iris_reloads_total", result="refused")
    rewrite(faq, "id: ir-signs\n    group: basics", "id: ir-signs\n    group: nonsense\n    color: red")
    key, said = await soon(running.operators.said.get())
    refused = revision_of(read_files(folder))
    assert key == f"content-refused-{refused}"
    assert said.startswith("**The changed content was not taken in; IRIS goes on with what it had.**\n")
    assert f'content/faq.yaml:{_line(faq, "color")} (ir-signs): "color" is not a known key.' in said
    assert OLD in await running.says()
    assert _metric("iris_reloads_total", result="refused") == refused_before + 1
    assert _metric("iris_content_refused") == 1

    rewrite(faq, "group: nonsense\n    color: red", "group: basics")
    rewrite(faq, OLD, NEW)
    await soon(running.desk.swapped.wait())
    assert NEW in await running.says()
    assert running.reloader.revision == revision_of(read_files(folder))
    assert _metric("iris_content_info", revision=running.reloader.revision) == 1
    assert _metric("iris_content_refused") == 0
    assert running.operators.said.empty()


def _line(file: Path, words: str) -> int:
    return next(number for number, line in enumerate(file.read_text("utf-8").splitlines(), 1) if words in line)


async def test_what_iris_check_refuses_is_not_taken_in_while_running_either(folder: Path, tmp_path: Path) -> None:
    rewrite(folder / "utterances" / "all.yaml", "skin number 7\n", "cells number 7\n")
    problems = await try_out(folder, tmp_path / "cache")
    assert [problem for problem in problems if "cells number 7" in problem]


async def test_whoever_asks_while_content_changes_is_answered_from_the_old_or_the_new_one(
    folder: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reload, "try_out", _nothing_wrong)
    running = await start()
    texts: list[str] = []

    async def ask_on() -> None:
        while not running.desk.swapped.is_set():
            texts.append(await running.says())
        texts.append(await running.says())

    asking = [asyncio.create_task(ask_on()) for _ in range(8)]
    rewrite(folder / "faq.yaml", OLD, NEW)
    await soon(asyncio.gather(*asking))
    assert {OLD in text or NEW in text for text in texts} == {True}
    assert OLD in texts[0]
    assert NEW in texts[-1]


async def test_a_button_of_an_entry_that_has_gone_says_so(
    folder: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reload, "try_out", _nothing_wrong)
    running = await start()
    (button,) = [
        each for topic in running.desk.current.topics() for each in topic.entries if each.entry_id == "ir-signs"
    ]
    rewrite(folder / "faq.yaml", "ir-signs", "ir-marks")
    rewrite(folder / "utterances" / "all.yaml", "ir-signs", "ir-marks")
    await soon(running.desk.swapped.wait())
    reply: Reply = running.desk.current.show(button.entry_id, button.revision)
    assert reply.kind is ReplyKind.OUT_OF_SCOPE
    assert reply.disclaimer


async def test_a_burst_of_writes_is_tried_out_once_and_as_it_ends(
    folder: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reload, "SETTLE_SECONDS", 0.1)
    seen: list[str] = []

    async def look(copy: Path, cache: Path) -> list[str]:
        seen.append((copy / "faq.yaml").read_text("utf-8"))
        return []

    monkeypatch.setattr(reload, "try_out", look)
    running = await start()
    faq = folder / "faq.yaml"
    whole = faq.read_text("utf-8").replace(OLD, NEW)
    for part in (whole[:100], whole[:900], ""):
        faq.write_text(part, "utf-8")
        await asyncio.sleep(0.03)
    (folder / ".faq.yaml.swp").write_bytes(b"\0")
    aside = folder / "faq.yaml.new"  # as editors that save by renaming do
    aside.write_text(whole, "utf-8")
    aside.replace(faq)
    await soon(running.desk.swapped.wait())
    assert seen == [whole]
    assert NEW in await running.says()


async def test_without_watching_a_change_waits_for_the_signal(
    folder: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reload, "try_out", _nothing_wrong)
    monkeypatch.setattr(reload, "SETTLE_SECONDS", 0.01)
    running = await start(watch=False)
    rewrite(folder / "faq.yaml", OLD, NEW)
    await asyncio.sleep(0.1)
    assert OLD in await running.says()
    running.reloader.ask()
    await soon(running.desk.swapped.wait())
    assert NEW in await running.says()


async def test_where_nothing_can_be_watched_the_folder_is_looked_at_from_time_to_time(
    folder: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_watch_left(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")  # what Linux says when the table of watches is full

    monkeypatch.setattr(reload, "awatch", no_watch_left)
    monkeypatch.setattr(reload, "try_out", _nothing_wrong)
    monkeypatch.setattr(reload, "LOOK_EVERY_SECONDS", 0.05)
    running = await start()
    rewrite(folder / "faq.yaml", OLD, NEW)
    await soon(running.desk.swapped.wait())
    assert NEW in await running.says()


@pytest.mark.parametrize("code", ["import sys; sys.exit(3)", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"])
async def test_a_trial_that_dies_leaves_the_old_content_in_force(
    code: str, folder: Path, start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!{reload.sys.executable}\n{code}\n", encoding="utf-8")
    python.chmod(0o755)
    monkeypatch.setattr(reload.sys, "executable", str(python))
    running = await start()
    rewrite(folder / "faq.yaml", OLD, NEW)
    key, said = await soon(running.operators.said.get())
    assert key.startswith("content-failed-")
    assert "The process that tries it out" in said
    assert OLD in await running.says()


async def test_the_trial_sees_no_token(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nenv > {tmp_path}/environment\necho '[]'\n", encoding="utf-8")
    python.chmod(0o755)
    monkeypatch.setattr(reload.sys, "executable", str(python))
    monkeypatch.setenv("IRIS_DISCORD_TOKEN", "secret-one")
    assert await try_out(folder, tmp_path) == []
    assert "secret-one" not in (tmp_path / "environment").read_text("utf-8")


async def test_many_changes_do_not_grow_memory_and_leave_no_old_content_behind(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reload, "try_out", _nothing_wrong)
    monkeypatch.setattr(reload, "SETTLE_SECONDS", 0.0)
    running = await asyncio.to_thread(Running, folder, tmp_path / "cache")
    kept: weakref.WeakSet[Answerer] = weakref.WeakSet()

    async def change(times: int) -> None:
        for number in range(times):
            rewrite(folder / "faq.yaml", *((OLD, NEW) if number % 2 == 0 else (NEW, OLD)))
            await running.reloader.look()
            kept.add(running.desk.current)
            assert (NEW if number % 2 == 0 else OLD) in await running.says()
        # The thread that answers lets go of what was asked last when it turns to the next.
        await asyncio.get_running_loop().run_in_executor(running.desk._thread, int)

    await change(10)
    before, ours = _memory_mb(), _objects_of_ours()
    await change(50)
    grown = _memory_mb() - before
    assert _objects_of_ours() - ours == Counter(), "each change leaves something where the collector never looks"
    gc.collect()
    assert len(kept) == 1
    assert grown < 15, f"50 changes grew memory by {grown:.0f} MB"
    await running.desk.close()


def test_a_content_that_is_replaced_goes_without_the_collector_which_no_longer_sees_it(
    folder: Path, tmp_path: Path
) -> None:
    shutil.copy(Path(__file__).parents[2] / "content" / "safety.yaml", folder)
    dangers = {kind: [f"{kind} number {number}" for number in range(12)] for kind in (*get_args(KindId), HARMLESS)}
    (folder / "utterances" / "safety.yaml").write_text(yaml.safe_dump(dangers), encoding="utf-8")
    answerer = build_answerer(folder, None, Encoder(cache_folder=tmp_path / "cache"))
    asked = ("What is insulin resistance?", "insulin resistence", "rain number 7", "I want to kill myself", "hello")
    answerer.answer_all([Question(text) for text in asked])
    answerer.complete("insulin res")
    for topic in answerer.topics():
        for entry in topic.entries:
            answerer.show(entry.entry_id)
    # Its encoder, which outlives every content, is held here; a ring in anything else would stay for good.
    encoder = answerer._matcher and answerer._matcher.encoder
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        del answerer
        gc.collect()
        rings = sorted(type(each).__qualname__ for each in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
    assert rings == []
    assert encoder


def test_building_leaves_no_garbage_which_would_then_be_kept_for_good(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(Path(__file__).parents[2] / "content" / "safety.yaml", folder)
    encoder = Encoder(cache_folder=tmp_path / "cache")
    build_answerer(folder, encoder.cache_folder, encoder)
    monkeypatch.setattr(gc, "freeze", lambda: None)
    gc.collect()
    before = gc.get_threshold()
    built = reload._build_aside(lambda path: build_answerer(path, encoder.cache_folder, encoder), folder)
    assert gc.collect() < 20
    assert gc.get_threshold() == before
    assert built.topics()


def _objects_of_ours() -> Counter[str]:
    """How many objects of each class of IRIS there are, frozen ones included."""
    gc.unfreeze()
    kinds = (type(each) for each in gc.get_objects())
    found = Counter(kind.__qualname__ for kind in kinds if str(kind.__module__).startswith("bot."))
    gc.freeze()
    return found


def _memory_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
