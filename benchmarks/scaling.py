"""How fit time, latency, memory and accuracy grow with the content, from 100 to 10,000 entries.

    python -m benchmarks.scaling [--entries 100,300,1000,3000,10000] [--utterances 10] [--limit-s 900] [--data FOLDER]

The contents are made: there are not 10,000 public intents. An entry is a pair of intents of BANKING77, CLINC150 and
HWU64 (42,000 pairs), and each of its utterances says something of the one and something of the other; its questions
are made the same way from other sentences. So entries share halves, as neighbours do. Each size runs in a process of
its own, which is stopped when it takes longer than the limit or more memory than there is.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from itertools import combinations
from pathlib import Path
from typing import Any

from benchmarks.report import ROOT, SHARED_DATA, cores, save

SETS = ("banking77", "clinc150", "hwu64")
SEED = 1
QUESTIONS_MAX = 1_000
_JOINS = (" and ", ", ", ". ", " also ", " and then ")


def sentences(data: Path) -> dict[str, tuple[list[str], list[str]]]:
    """For each intent of the sets the texts to learn from, and others to ask."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for name in SETS:
        for part, file in enumerate(("train.jsonl", "test.jsonl")):
            for line in (data / name / file).read_text(encoding="utf-8").splitlines():
                item = json.loads(line)
                found.setdefault(f"{name}.{item['label']}", ([], []))[part].append(item["text"].strip())
    return {label: parts for label, parts in sorted(found.items()) if all(parts)}


def make_content(data: Path, entries: int, utterances: int) -> tuple[dict[str, list[str]], list[tuple[str, str]]]:
    """The utterances of each made entry, and questions with their entry."""
    intents = sentences(data)
    chance = random.Random(SEED)
    pairs = chance.sample(list(combinations(intents, 2)), entries)
    content: dict[str, list[str]] = defaultdict(list)
    asked = []
    for number, pair in enumerate(pairs):
        id_ = f"entry-{number}"
        # A set keeps an utterance from coming twice.
        while len(set(content[id_])) < utterances:
            content[id_].append(_said(pair, intents, 0, chance))
        content[id_] = list(dict.fromkeys(content[id_]))
        asked.append((_said(pair, intents, 1, chance), id_))
    return dict(content), chance.sample(asked, min(QUESTIONS_MAX, len(asked)))


def _said(
    pair: tuple[str, str], intents: dict[str, tuple[list[str], list[str]]], part: int, chance: random.Random
) -> str:
    """A sentence of each of the two, in either order."""
    halves = [chance.choice(intents[label][part]).rstrip(".?! ") for label in chance.sample(pair, 2)]
    return chance.choice(_JOINS).join(halves)


def measure(data: Path, entries: int, utterances: int) -> dict[str, Any]:
    """One size, in this process: cold fit, a second one from the cache, then one question at a time."""
    from benchmarks.convert import intents_as_content, write_content
    from bot.assembly import build_answerer
    from bot.question import Question

    content, asked = make_content(data, entries, utterances)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_content(folder / "content.yaml", intents_as_content(content))
        started, computed = time.perf_counter(), time.process_time()
        answerer = build_answerer(folder / "content.yaml", folder / "cache")
        cold, cold_computing = time.perf_counter() - started, time.process_time() - computed
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        first = answerer.decide([text for text, _ in asked[:100]])
        del answerer
        started = time.perf_counter()
        answerer = build_answerer(folder / "content.yaml", folder / "cache")
        from_cache = time.perf_counter() - started
    times, computing = [], []
    for text, _ in asked:
        started, computed = time.perf_counter(), time.thread_time()
        answerer.answer(Question(text))
        times.append((time.perf_counter() - started) * 1e3)
        computing.append((time.thread_time() - computed) * 1e3)
    decisions = answerer.decide([text for text, _ in asked])
    times.sort()
    computing.sort()
    right = sum(
        bool(each.candidates) and each.candidates[0][0] == id_ for each, (_, id_) in zip(decisions, asked, strict=True)
    )
    three = sum(id_ in dict(each.candidates) for each, (_, id_) in zip(decisions, asked, strict=True))
    return {
        "entries": entries,
        "utterances": sum(map(len, content.values())),
        "fit_s": round(cold, 2),
        "fit_cpu_s": round(cold_computing, 2),
        "from_cache_s": round(from_cache, 2),
        "p50_ms": round(times[len(times) // 2], 2),
        "p99_ms": round(times[int(0.99 * len(times))], 2),
        # Without what other work on the machine adds.
        "cpu_p50_ms": round(computing[len(computing) // 2], 2),
        "cpu_p99_ms": round(computing[int(0.99 * len(computing))], 2),
        "resident_mb": _resident_mb(),
        "peak_fit_mb": round(peak),
        "first_right": round(right / len(asked), 4),
        "one_of_three": round(three / len(asked), 4),
        "same_from_cache": first == decisions[: len(first)],
        "questions": len(asked),
    }


def _resident_mb() -> int | None:
    statm = Path("/proc/self/statm")
    return round(int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6) if statm.exists() else None


def _hold_back_memory() -> None:
    """Let the process fail rather than the machine: at most nine tenths of what is free now."""
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        free = next(line for line in meminfo.read_text().splitlines() if line.startswith("MemAvailable"))
        most = int(int(free.split()[1]) * 1000 * 0.9)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def measure_apart(data: Path, entries: int, utterances: int, limit_s: float) -> dict[str, Any]:
    """``measure`` in a process of its own; says why where it did not come to an end."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.scaling", "--data", str(data)]
    command += ["--utterances", str(utterances), "--one", str(entries)]
    try:
        told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired:
        return {"entries": entries, "stopped": f"not done after {limit_s:.0f} s"}
    if told.returncode:
        last = (told.stderr.strip().splitlines() or [f"exit code {told.returncode}"])[-1]
        return {"entries": entries, "stopped": "more memory than there is" if "MemoryError" in last else last[:120]}
    result: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how IRIS grows with its content.")
    parser.add_argument("--data", type=Path, default=SHARED_DATA, help="folder of the sets (default: %(default)s)")
    parser.add_argument("--entries", default="100,300,1000,3000,10000", help="sizes (default: %(default)s)")
    parser.add_argument("--utterances", type=int, default=10, help="of each entry (default: %(default)s)")
    parser.add_argument("--limit-s", type=float, default=900.0, help="for one size (default: %(default)s)")
    parser.add_argument("--dry", action="store_true", help="save nothing")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        _hold_back_memory()
        print(json.dumps(measure(options.data, options.one, options.utterances)))
        return
    from bot.evaluation.report import table

    results = []
    for entries in map(int, options.entries.split(",")):
        results.append(measure_apart(options.data, entries, options.utterances, options.limit_s))
        print(f"{entries} entries: {results[-1].get('stopped', 'done')}", flush=True)
    head = [
        "entries",
        "utterances",
        "fit s",
        "CPU fit s",
        "from cache s",
        "p50 ms",
        "p99 ms",
        "CPU p50 ms",
        "CPU p99 ms",
        "resident MB",
        "first right",
        "among three",
    ]
    keys = ["entries", "utterances", "fit_s", "fit_cpu_s", "from_cache_s", "p50_ms", "p99_ms"]
    keys += ["cpu_p50_ms", "cpu_p99_ms", "resident_mb"]
    rows = [
        [*(each[key] for key in keys), f"{each['first_right']:.1%}", f"{each['one_of_three']:.1%}"]
        for each in results
        if "stopped" not in each
    ]
    print(f"\n{options.utterances} utterances an entry, {cores()} cores")
    print(table(head, rows))
    for each in results:
        if "stopped" in each:
            print(f"{each['entries']} entries: {each['stopped']}")
    if not options.dry:
        save("scaling", {"seed": SEED, "utterances_an_entry": options.utterances, "sizes": results})


if __name__ == "__main__":
    main()
