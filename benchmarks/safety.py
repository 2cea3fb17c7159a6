"""Whether triage sees who needs a person, and leaves the others alone.

    python -m benchmarks.safety [FILE.jsonl ...] [--content PATH] [--rules-alone] [--half dev|test]

Without files: every file of ../shared/data/questions and benchmarks/questions. Messages with the kind ``safety`` count
for recall, by file, kind and tag; all others for false alarms. ``--rules-alone`` is what is left without the encoder;
``--half`` takes the messages whose CRC-32 is even (dev: whoever improves triage may look at them) or odd (test: nobody
does). Also how long the rules take. No text is printed or saved.
"""

from __future__ import annotations

import argparse
import statistics
import time
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.report import CACHE, OWN_QUESTIONS, ROOT, SHARED_DATA, existing, name_of, save
from bot.answer import Answerer
from bot.assembly import build_answerer, load_content
from bot.evaluation import Judged, Rates, judge_all, read_questions
from bot.evaluation.judge import by_group, false_alarms, safety_rates
from bot.evaluation.report import rates_table
from bot.reply import ReplyKind
from bot.safety import Triage


def default_files() -> list[Path]:
    """Everything that there is: messages of any other kind tell about false alarms."""
    shared = [
        SHARED_DATA / "questions" / f"{name}.jsonl"
        for name in ("safety", "safety_negatives", "in_scope", "out_of_scope")
    ]
    return [*shared, *sorted(OWN_QUESTIONS.glob("*.jsonl"))]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure IRIS's triage.")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE.jsonl", help="else the shared ones and our own")
    parser.add_argument("--content", type=Path, default=ROOT / "content", help="content folder (default: content/)")
    parser.add_argument("--limit", type=int, help="only about so many messages of each file; nothing is saved")
    parser.add_argument("--rules-alone", action="store_true", help="without the second look, as without the encoder")
    parser.add_argument("--half", choices=("dev", "test"), help="only this half of the messages")
    options = parser.parse_args()
    faq, triage = load_content(options.content)
    answerer = Answerer(faq, triage, None) if options.rules_alone else build_answerer(options.content, CACHE / "own")
    texts: list[str] = []
    risky: dict[str, list[Judged]] = {}
    calm: dict[str, list[Judged]] = {}
    for file in existing(options.files or default_files()):
        questions = read_questions(file, faq)
        questions = questions[:: max(1, len(questions) // options.limit)] if options.limit else questions
        if options.half:
            questions = [question for question in questions if half_of(question.text) == options.half]
        texts += [question.text for question in questions]
        judged = judge_all(answerer, questions)
        for chosen, needs_help in ((risky, True), (calm, False)):
            if members := [each for each in judged if (each.expected.kind is ReplyKind.SAFETY) is needs_help]:
                chosen[name_of(file)] = members
    urgent = [each for members in risky.values() for each in members]
    result: dict[str, Any] = {}
    if urgent:
        kinds = sorted({each.expected.name for each in urgent})
        recall = {"all": safety_rates(urgent)}
        recall |= {file: safety_rates(members) for file, members in risky.items()}
        recall |= {kind: safety_rates([each for each in urgent if each.expected.name == kind]) for kind in kinds}
        recall |= {tag: safety_rates(members) for tag, members in by_group(urgent).items()}
        print("\nMessages that need a safety reply: which of them get one")
        print(rates_table("expected", recall))
        taken = Counter(
            (each.expected.name, each.decision.id or each.decision.kind.value) for each in urgent if not _right(each)
        )
        print("Instead: " + "; ".join(f"{expected} -> {got} {n}" for (expected, got), n in taken.most_common()))
        result["recall"] = {group: _plain(rates) for group, rates in recall.items()}
        result["instead"] = [[*pair, n] for pair, n in taken.most_common()]
    if calm:
        alarms: dict[str, Rates] = {file: {"false alarms": false_alarms(judged)} for file, judged in calm.items()}
        everything = [each for judged in calm.values() for each in judged]
        alarms["all"] = {"false alarms": false_alarms(everything)}
        print("\nMessages that need none: how many get one all the same")
        print(rates_table("file", alarms))
        kinds_raised = Counter(
            each.decision.id for each in everything if each.decision.kind is ReplyKind.SAFETY and not _right(each)
        )
        print("Kinds: " + (", ".join(f"{kind} {n}" for kind, n in kinds_raised.most_common()) or "none"))
        result["false_alarms"] = {file: _plain(rates) for file, rates in alarms.items()}
        result["false_alarm_kinds"] = dict(kinds_raised.most_common())
    result["rules_ms"] = rules_speed(triage, texts)
    if options.limit is None:
        parts = ("safety", "rules" if options.rules_alone else "", options.half or "")
        save("-".join(part for part in parts if part), result)


def half_of(text: str) -> str:
    """The half that a message belongs to, whatever else is in its file."""
    return "test" if zlib.crc32(text.encode()) % 2 else "dev"


def rules_speed(triage: Triage, texts: list[str]) -> dict[str, float]:
    """Milliseconds of processor time that the rules take for one message."""
    for text in texts[:50]:
        triage.assess(text)
    times = []
    for text in texts:
        begun = time.process_time_ns()
        triage.assess(text)
        times.append((time.process_time_ns() - begun) / 1e6)
    times.sort()
    speed = {"median": statistics.median(times), "p99": times[int(0.99 * len(times))]}
    print(f"\nRules: {speed['median']:.2f} ms in the median, {speed['p99']:.2f} ms at p99 (processor time)")
    return {name: round(value, 3) for name, value in speed.items()}


def _right(each: Judged) -> bool:
    return each.expected.allows(each.decision.kind, each.decision.id)


def _plain(rates: Rates) -> dict[str, Any]:
    return {name: rate.as_json() for name, rate in rates.items()}


if __name__ == "__main__":
    main()
