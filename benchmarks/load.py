"""What the load tests of the platforms share: a bot with a core to itself, questions at it, and what they cost."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from benchmarks.latency import percentile

OUTSTANDING = (1, 32)
WARM_UP = 64
# What may be added to the echo bot's processor time and the Answerer's.
ALLOWED_MS = 1.0
# Twice what Discord lets a bot answer in a second, three times what Telegram does.
HELD_PER_SECOND = 100
_CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


class Load:
    """A bot under load: ``process`` is its id, ``ask`` hands it a payload and returns when it has answered."""

    def __init__(self, process: int, ask: Callable[[Any], Awaitable[Any]]) -> None:
        self.process = process
        self._ask = ask

    async def closed(self, make: Callable[[int], Any], number: int, outstanding: int) -> dict[str, float]:
        """``number`` payloads, each handed over when one of ``outstanding`` before it has been answered."""
        numbers = iter(range(number))
        times: list[float] = []

        async def one_after_the_other() -> None:
            for each in numbers:
                times.append(await self._timed(make(each)))

        cpu, started = _cpu_seconds(self.process), time.perf_counter()
        await asyncio.gather(*(one_after_the_other() for _ in range(outstanding)))
        return self._told(times, cpu, time.perf_counter() - started)

    async def steady(self, make: Callable[[int], Any], per_second: float, seconds: float) -> dict[str, float]:
        """So many payloads a second, whether those before have been answered or not."""
        begun: list[asyncio.Task[float]] = []
        loop = asyncio.get_running_loop()
        cpu, started, first = _cpu_seconds(self.process), time.perf_counter(), loop.time()
        for number in range(int(per_second * seconds)):
            await asyncio.sleep(first + number / per_second - loop.time())
            begun.append(asyncio.create_task(self._timed(make(number))))
        times = list(await asyncio.gather(*begun))
        return self._told(times, cpu, time.perf_counter() - started)

    async def _timed(self, payload: Any) -> float:
        started = time.perf_counter()
        await self._ask(payload)
        return (time.perf_counter() - started) * 1e3

    def _told(self, times: list[float], cpu: float, seconds: float) -> dict[str, float]:
        return {
            "per_second": round(len(times) / seconds),
            "p50_ms": round(percentile(times, 0.5), 2),
            "p99_ms": round(percentile(times, 0.99), 2),
            "cpu_ms": round((_cpu_seconds(self.process) - cpu) / len(times) * 1e3, 3),
        }


def measure_answerer(content: Path, cache: Path, texts: list[str], rounds: int = 1) -> dict[str, float]:
    """Milliseconds of processor time that the Answerer takes for a question, alone and in company of 31.

    The quickest of so many ``rounds``. ``texts`` must be those that the bots are asked: some take longer than others.
    """
    keep_to_a_core(first=True)
    from bot.assembly import build_answerer
    from bot.question import Question

    answerer = build_answerer(content, cache)
    questions = [Question(text) for text in texts]
    taken = {}
    for together in OUTSTANDING:
        answerer.answer_all(questions[:WARM_UP])
        times = []
        for _ in range(rounds):
            started = time.process_time()
            for begin in range(0, len(questions), together):
                answerer.answer_all(questions[begin : begin + together])
            times.append((time.process_time() - started) / len(questions) * 1e3)
        taken[str(together)] = round(min(times), 3)
    return taken


def keep_to_a_core(*, first: bool) -> None:
    """Keep this process to the first core, or to all others."""
    if _CORES:
        os.sched_setaffinity(0, set(_CORES[:1] if first else _CORES[1:] or _CORES))


def settle() -> None:
    """Take what was loaded out of the garbage collector's rounds, as app.py does before it serves."""
    gc.collect()
    gc.freeze()


def _cpu_seconds(process: int) -> float:
    """Processor time of a process and all its threads, in steps of a hundredth of a second (proc(5))."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(process: int) -> int:
    """Resident memory of a process."""
    return int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def print_rows(found: dict[str, dict[str, Any]]) -> None:
    """A row for each bot and load."""
    print(f"{'bot: load':<44}{'per second':>12}{'p50 ms':>10}{'p99 ms':>10}{'CPU ms':>10}")
    for bot, rows in found.items():
        for load, row in rows.items():
            told = "".join(f"{value:>{width}}" for value, width in zip(row.values(), (12, 10, 10, 10), strict=True))
            print(f"{bot + ': ' + load:<44}{told}")
