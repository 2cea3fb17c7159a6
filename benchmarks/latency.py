"""How fast and how large IRIS is: one question at a time, many at once, the start, and memory.

    python -m benchmarks.latency [--content PATH] [--batch 1000] [--starts 5]

Everything runs on one core, as on the smallest server. Questions are the varied ones of ../shared/data/questions and
benchmarks/questions, each asked once, in mixed order. Memory is resident memory of a fresh process that answers, less
that of one which has read the same content and triage rules and has all that runs beside them, but no matcher.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.report import CACHE, OWN_QUESTIONS, ROOT, SHARED_DATA, cores, existing, save

WARM_UP = 50
SEED = 1
# What a start and a first answer are, and what memory is: in processes of their own.
_WITHOUT_MATCHER = """
import sys, gc
from pathlib import Path
from bot.content import load_faq, load_safety_rules
from bot.safety import Triage
import bot.settings, bot.logs, bot.reply, bot.question, bot.records, bot.internal, bot.supervisor, bot.metrics
assert not {"numpy", "onnxruntime"} & sys.modules.keys()
folder = Path(sys.argv[1])
faq, triage = load_faq(folder), Triage(load_safety_rules(folder))
for text in Path(sys.argv[3]).read_text(encoding="utf-8").splitlines():
    triage.assess(text)
gc.collect()
print(int(open("/proc/self/statm").read().split()[1]))
"""
_WITH_MATCHER = """
import sys, gc
from pathlib import Path
import bot.settings, bot.logs
from bot.assembly import build_answerer
from bot.question import Question
answerer = build_answerer(Path(sys.argv[1]), Path(sys.argv[2]))
for text in Path(sys.argv[3]).read_text(encoding="utf-8").splitlines():
    answerer.answer(Question(text))
gc.collect()
print(int(open("/proc/self/statm").read().split()[1]))
"""


def default_files() -> list[Path]:
    """Questions of every kind."""
    shared = SHARED_DATA / "questions"
    return [*sorted(shared.glob("*.jsonl")), *sorted(OWN_QUESTIONS.glob("*.jsonl"))]


def varied_texts(files: list[Path]) -> list[str]:
    """The texts of all files, each once, in a fixed mixed order."""
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    texts = list(dict.fromkeys(str(json.loads(line)["text"]) for line in lines))
    random.Random(SEED).shuffle(texts)
    return texts


def percentile(values: list[float], share: float) -> float:
    """The smallest value that ``share`` of all values do not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def measure_answers(content: Path, cache: Path, texts: list[str], batch: int) -> dict[str, Any]:
    """One after the other through ``Answerer.answer``, then many through ``Answerer.answer_all``."""
    from bot.assembly import build_answerer
    from bot.question import Question

    answerer = build_answerer(content, cache)
    questions = [Question(text) for text in texts]
    for question in questions[:WARM_UP]:
        answerer.answer(question)
    times, computing = [], []
    for question in questions[WARM_UP:]:
        started, computed = time.perf_counter(), time.thread_time()
        answerer.answer(question)
        times.append((time.perf_counter() - started) * 1e3)
        computing.append((time.thread_time() - computed) * 1e3)
    many = [questions[number % len(questions)] for number in range(batch)]
    started, computed = time.perf_counter(), time.process_time()
    answerer.answer_all(many)
    whole, whole_computing = time.perf_counter() - started, time.process_time() - computed
    return {
        "questions": len(times),
        "p50_ms": round(percentile(times, 0.5), 2),
        "p90_ms": round(percentile(times, 0.9), 2),
        "p99_ms": round(percentile(times, 0.99), 2),
        "slowest_ms": round(max(times), 2),
        # What the answer costs in itself; on a machine with other work the times above are longer.
        "cpu_p50_ms": round(percentile(computing, 0.5), 2),
        "cpu_p99_ms": round(percentile(computing, 0.99), 2),
        "mean_words": round(sum(len(text.split()) for text in texts) / len(texts), 1),
        "batch": batch,
        "batch_s": round(whole, 2),
        "batch_cpu_s": round(whole_computing, 2),
    }


def measure_starts(content: Path, cache: Path, question: str, starts: int) -> dict[str, Any]:
    """From typing ``iris ask`` to its answer, the content known from an earlier start; a process each time."""
    command = [sys.executable, "-m", "bot", "ask", "--json", "--content", str(content), question]
    environment = {**os.environ, "IRIS_CACHE": str(cache), "PYTHONPATH": str(ROOT)}
    times, computing = [], []
    for _ in range(starts):
        started, computed = time.perf_counter(), _processor_time_of_children()
        subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True)
        times.append(time.perf_counter() - started)
        computing.append(_processor_time_of_children() - computed)
    return {
        "starts": starts,
        "median_s": round(percentile(times, 0.5), 2),
        "slowest_s": round(max(times), 2),
        "cpu_median_s": round(percentile(computing, 0.5), 2),
    }


def _processor_time_of_children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def measure_memory(content: Path, cache: Path, texts: list[str]) -> dict[str, Any]:
    """Resident megabytes without and with the matcher, each after answering 200 questions."""
    if not Path("/proc/self/statm").exists():
        return {"skipped": "resident memory is only measured on Linux"}
    listed = cache / "memory-questions.txt"
    listed.write_text("\n".join(" ".join(text.split()) for text in texts[:200]), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    megabytes = []
    for code in (_WITHOUT_MATCHER, _WITH_MATCHER):
        command = [sys.executable, "-W", "ignore", "-c", code, str(content), str(cache), str(listed)]
        told = subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True, text=True)
        megabytes.append(int(told.stdout) * os.sysconf("SC_PAGE_SIZE") / 1e6)
    listed.unlink()
    without, whole = megabytes
    return {
        "without_matcher_mb": round(without, 1),
        "whole_mb": round(whole, 1),
        "matcher_mb": round(whole - without, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how fast IRIS answers, on one core.")
    parser.add_argument("--content", type=Path, default=ROOT / "content", help="content folder (default: content/)")
    parser.add_argument("--batch", type=int, default=1000, help="messages asked at once (default: %(default)s)")
    parser.add_argument("--starts", type=int, default=5, help="starts to take the median of (default: %(default)s)")
    parser.add_argument("--limit", type=int, help="only so many questions; nothing is saved")
    options = parser.parse_args()
    texts = varied_texts(existing(default_files()))[: options.limit and options.limit + WARM_UP]
    cache = CACHE / "own"
    # The fit belongs to none of the times; it may use all cores.
    warm = [sys.executable, "-c", "import sys; from pathlib import Path; from bot.assembly import build_answerer; "]
    warm[-1] += "build_answerer(Path(sys.argv[1]), Path(sys.argv[2]))"
    subprocess.run([*warm, str(options.content), str(cache)], cwd=ROOT, check=True)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # before numpy counts the cores; children inherit it
    else:
        print(f"This system cannot hold a process to one core: measured on {cores()}.")
    answers = measure_answers(options.content, cache, texts, options.batch)
    starts = measure_starts(options.content, cache, texts[0], options.starts)
    memory = measure_memory(options.content, cache, texts)
    print(f"One question, whole Answerer, warm, {cores()} core, {answers['questions']} different ones:")
    print("  p50 {p50_ms} ms, p90 {p90_ms} ms, p99 {p99_ms} ms, slowest {slowest_ms} ms".format(**answers))
    print("  of processor time: p50 {cpu_p50_ms} ms, p99 {cpu_p99_ms} ms".format(**answers))
    print(f"{options.batch} in a batch: {answers['batch_s']} s, {answers['batch_cpu_s']} s of processor time")
    print(
        f"Start to first answer from cache: {starts['median_s']} s, slowest of {options.starts} {starts['slowest_s']} s"
        f", {starts['cpu_median_s']} s of processor time"
    )
    print(
        f"Resident memory: {memory['whole_mb']} MB, of which the matcher {memory['matcher_mb']} MB"
        if "whole_mb" in memory
        else memory["skipped"]
    )
    if options.limit is None:
        save("latency", {"answers": answers, "start_to_first_answer": starts, "memory": memory})


if __name__ == "__main__":
    main()
