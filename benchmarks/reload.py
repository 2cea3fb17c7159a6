"""What changing content costs while people ask: longer waits, lost questions, and memory after a thousand changes.

    python -m benchmarks.reload [--per-second 20] [--changes 1000]

People ask the varied questions of benchmarks/questions at a steady mean rate, at random moments, through the desk, as
adapters do. Meanwhile a copy of the shipped content is changed: once a text, once an utterance (which has everything
learnt anew). The same questions in quiet minutes before are what to compare with. "Held up" is the longest time that
the event loop had to wait for computing of IRIS itself, in processor time, so it means the same on a busy machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.latency import percentile, varied_texts
from benchmarks.load import settle
from benchmarks.report import CACHE, OWN_QUESTIONS, ROOT, save

QUIET_SECONDS = 20.0
TICK_SECONDS = 0.001
SEED = 1
_EVERY = 100  # changes between two looks at memory


@dataclass
class Phase:
    """What was seen in one stretch of time."""

    name: str
    waits: list[float] = field(default_factory=list)
    lost: int = 0
    held_up: float = 0.0

    def row(self) -> dict[str, Any]:
        return {
            "phase": self.name,
            "questions": len(self.waits),
            "lost": self.lost,
            "p50_ms": round(1000 * percentile(self.waits, 0.5), 1),
            "p99_ms": round(1000 * percentile(self.waits, 0.99), 1),
            "longest_ms": round(1000 * max(self.waits), 1),
            "held_up_ms": round(1000 * self.held_up, 1),
        }


class Crowd:
    """People who ask at random moments, and a clock that notices when the event loop stands still."""

    def __init__(self, desk: Any, texts: list[str], per_second: float) -> None:
        self._desk = desk
        self._texts = texts
        self._per_second = per_second
        self._phases: list[Phase] = []
        self._asking: set[asyncio.Task[None]] = set()

    def begin(self, name: str) -> Phase:
        """From now on, what is seen belongs to a new phase."""
        self._phases.append(Phase(name))
        return self._phases[-1]

    async def ask_on(self) -> None:
        """Ask until cancelled; nobody waits for the reply of somebody else."""
        dice = random.Random(SEED)
        while True:
            await asyncio.sleep(dice.expovariate(self._per_second))
            task = asyncio.create_task(self._ask(dice.choice(self._texts), self._phases[-1]))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    async def watch(self) -> None:
        """Note the longest standstill that IRIS itself computed through."""
        while True:
            wall, cpu = time.perf_counter(), time.process_time()
            await asyncio.sleep(TICK_SECONDS)
            late = time.perf_counter() - wall - TICK_SECONDS
            phase = self._phases[-1]
            phase.held_up = max(phase.held_up, min(late, time.process_time() - cpu))

    async def _ask(self, text: str, phase: Phase) -> None:
        from bot.question import Question
        from bot.reply import TROUBLE

        begun = time.perf_counter()
        reply = await self._desk.answer(Question(text))
        phase.waits.append(time.perf_counter() - begun)
        phase.lost += reply is TROUBLE


async def measure_waits(folder: Path, cache: Path, per_second: float) -> list[dict[str, Any]]:
    """One row for each phase: quiet, a text changed, an utterance added; each change from trial to swap."""
    from bot import reload
    from bot.assembly import build_answerer
    from bot.desk import Desk
    from bot.matching import Encoder

    encoder = Encoder(cache_folder=cache)
    desk = Desk(build_answerer(folder, cache, encoder))
    settle()

    def build(copy: Path) -> Any:
        phases.append(crowd.begin("taking it in"))
        return build_answerer(copy, cache, encoder)

    async def tell(_: str, text: str) -> None:
        raise SystemExit(f"The content of the benchmark was refused:\n{text}")

    revision = reload.revision_of(reload.read_files(folder))
    reloader = reload.Reloader(folder, revision, cache, desk, build, tell)
    crowd = Crowd(desk, varied_texts(sorted(OWN_QUESTIONS.glob("*.jsonl"))), per_second)
    phases = [crowd.begin("(warming up)")]
    beside = [asyncio.create_task(crowd.ask_on()), asyncio.create_task(crowd.watch())]
    await asyncio.sleep(QUIET_SECONDS / 4)
    phases.append(crowd.begin("quiet"))
    await asyncio.sleep(QUIET_SECONDS)
    for name, change in (("a text changed", _change_text), ("an utterance added", _add_utterance)):
        change(folder)
        phases.append(crowd.begin(f"{name}: trying it out"))
        await reloader.look()
        phases.append(crowd.begin("quiet again"))
        await asyncio.sleep(QUIET_SECONDS / 2)
    for task in beside:
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*beside)
    await desk.close()
    return [phase.row() for phase in phases[1:] if phase.waits]


def _change_text(folder: Path) -> None:
    file = folder / "faq.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("short: ", "short:  ", 1) + f"\n# changed {time.time_ns()}\n", encoding="utf-8")


def _add_utterance(folder: Path) -> None:
    """Into the first list of utterances; another one in each run, as what was learnt once is remembered."""
    file = sorted((folder / "utterances").glob("*.yaml"))[0]
    lines = file.read_text(encoding="utf-8").splitlines()
    place = next(number for number, line in enumerate(lines) if line.lstrip().startswith("- "))
    indent = lines[place][: len(lines[place]) - len(lines[place].lstrip())]
    lines.insert(place, f'{indent}- "benchmark of {time.time_ns()}"')
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


async def measure_memory(changes: int) -> list[dict[str, Any]]:
    """Resident memory while a small content is changed again and again, each time to something never seen before."""
    from bot import reload
    from bot.assembly import build_answerer
    from bot.desk import Desk
    from bot.matching import Encoder
    from bot.question import Question

    async def nothing_wrong(folder: Path, cache: Path) -> list[str]:
        return []

    async def tell(_: str, text: str) -> None:
        raise SystemExit(text)

    reload.try_out = nothing_wrong  # the trial runs in a process of its own, whose memory goes with it
    reload.SETTLE_SECONDS = 0.0
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder, cache = Path(name) / "content", Path(name) / "cache"
        folder.mkdir()
        shutil.copy(ROOT / "tests" / "small_faq.yaml", folder / "faq.yaml")
        shutil.copy(ROOT / "content" / "safety.yaml", folder)
        whole = (folder / "faq.yaml").read_text(encoding="utf-8")
        encoder = Encoder(cache_folder=cache)
        desk = Desk(build_answerer(folder, cache, encoder))
        revision = reload.revision_of(reload.read_files(folder))
        reloader = reload.Reloader(
            folder, revision, cache, desk, lambda copy: build_answerer(copy, cache, encoder), tell
        )
        for number in range(changes + 1):
            if number % _EVERY == 0:
                rows.append({"changes": number, "memory_mb": round(_memory_mb(), 1)})
                print(f"{number:>8} {_memory_mb():>10.1f}", flush=True)
            changed = whole.replace("define insulin resistance", f"define insulin resistance {number}")
            (folder / "faq.yaml").write_text(changed, encoding="utf-8")
            await reloader.look()
            await desk.answer(Question("what is insulin resistance?"))
        await desk.close()
    return rows


def _memory_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--per-second", type=float, default=20.0, help="questions per second")
    parser.add_argument("--changes", type=int, default=1000, help="changes for the look at memory; 0 for none")
    options = parser.parse_args()
    from bot.logs import set_up_logs

    set_up_logs("pretty", "warning", sys.stderr)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "content"
        shutil.copytree(ROOT / "content", folder)
        waits = asyncio.run(measure_waits(folder, CACHE, options.per_second))
    print(f"{'phase':36} {'questions':>9} {'lost':>5} {'p50 ms':>8} {'p99 ms':>8} {'longest':>8} {'held up':>8}")
    for row in waits:
        print(
            "{phase:36} {questions:>9} {lost:>5} {p50_ms:>8} {p99_ms:>8} {longest_ms:>8} {held_up_ms:>8}".format(**row)
        )
    memory: list[dict[str, Any]] = []
    if options.changes:
        print(f"\n{'changes':>8} {'memory MB':>10}")
        memory = asyncio.run(measure_memory(options.changes))
    save("reload", {"per_second": options.per_second, "waits": waits, "memory": memory})


if __name__ == "__main__":
    main()
