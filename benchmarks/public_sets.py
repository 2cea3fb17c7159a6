"""BANKING77, CLINC150 and HWU64 through the whole flow that people use: content file, fit, triage, match, decision.

    python -m benchmarks.public_sets [--sets banking77,clinc150,hwu64] [--sizes 10,full] [--data FOLDER]

For each set and size: how often the first candidate is right, on clean and on misspelt questions (1 to 2 typing
errors in words of 4 letters or more, fixed seed; once anywhere in a word, once with first letters kept, as in most
published tests); what comes outright at the default thresholds; and for CLINC150 how well its out-of-scope questions
are told from the others by ``in_scope`` alone, without and with the set's own 100 out-of-scope messages in the content.
A message that triage stops counts as not found; "passed" leaves such messages out.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.convert import as_content, read_set, write_content
from benchmarks.report import CACHE, RESULTS, SHARED_DATA, save
from benchmarks.typos import misspell
from bot.answer import Answerer, Decision
from bot.assembly import build_answerer
from bot.evaluation import Rate, content_id
from bot.evaluation.report import table
from bot.reply import ReplyKind

SETS = ("banking77", "clinc150", "hwu64")
SEED = 1
Rows = list[tuple[str, str]]


def training_rows(folder: Path, size: str) -> Rows:
    """``full``, or so many utterances an intent: the published few-shot split where there is one, else a fixed draw."""
    if size == "full":
        return read_set(folder / "train.jsonl")
    split = folder / f"train_{size}.jsonl"
    if split.is_file():
        return read_set(split)
    by_label: dict[str, list[str]] = defaultdict(list)
    for text, label in read_set(folder / "train.jsonl"):
        by_label[label].append(text)
    chance = random.Random(SEED)
    return [
        (text, label) for label, texts in by_label.items() for text in chance.sample(texts, min(int(size), len(texts)))
    ]


def learn(rows: Rows, name: str, background: Sequence[str] = ()) -> tuple[Answerer, float, bool]:
    """The Answerer of a set as ``iris match --content`` builds it, the seconds it took, and whether a cache helped."""
    folder = CACHE / name
    cached = (folder / "cache").is_dir()
    write_content(folder / "content.yaml", as_content(rows, background))
    started = time.perf_counter()
    answerer = build_answerer(folder / "content.yaml", folder / "cache")
    return answerer, time.perf_counter() - started, cached


def first_of(decision: Decision) -> str | None:
    """The id in the first place, whatever was decided."""
    return decision.candidates[0][0] if decision.candidates else decision.id


def first_right(decisions: Sequence[Decision], rows: Rows) -> Rate:
    """How often the first candidate is what was asked."""
    return Rate(
        sum(first_of(each) == content_id(label) for each, (_, label) in zip(decisions, rows, strict=True)), len(rows)
    )


def passed(decisions: Sequence[Decision], rows: Rows) -> tuple[list[Decision], Rows]:
    """Those that triage let through, with their rows."""
    through = [pair for pair in zip(decisions, rows, strict=True) if pair[0].kind is not ReplyKind.SAFETY]
    return [decision for decision, _ in through], [row for _, row in through]


def area_under_roc(inside: Sequence[float], outside: Sequence[float]) -> float:
    """The chance that a question from inside is surer than one from outside; ties count half."""
    ordered = np.sort(np.asarray(outside))
    below = np.searchsorted(ordered, inside, side="left")
    up_to = np.searchsorted(ordered, inside, side="right")
    return float((below + up_to).sum() / 2 / (len(inside) * len(outside)))


def false_at_95(inside: Sequence[float], outside: Sequence[float]) -> float:
    """Share of the outside questions that pass the threshold which 95% of the inside ones pass."""
    threshold = np.sort(np.asarray(inside))[int(np.floor(0.05 * len(inside)))]
    return float((np.asarray(outside) >= threshold).mean())


def measure(folder: Path, size: str, limit: int | None) -> dict[str, Any]:
    """Everything about one set at one size."""
    rows = training_rows(folder, size)
    answerer, seconds, cached = learn(rows, f"{folder.name}-{size}")
    test = sample(read_set(folder / "test.jsonl"), limit)
    started = time.perf_counter()
    clean = answerer.decide([text for text, _ in test])
    each_ms = (time.perf_counter() - started) * 1e3 / len(test)
    misspelt = answerer.decide([misspell(text, seed=SEED) for text, _ in test])
    inside_words = answerer.decide([misspell(text, seed=SEED, first_letters=False) for text, _ in test])
    answered = [(each, label) for each, (_, label) in zip(clean, test, strict=True) if each.kind is ReplyKind.ANSWER]
    right = sum(each.id == content_id(label) for each, label in answered)
    return {
        "set": folder.name,
        "size": size,
        "utterances": len(rows),
        "intents": len({label for _, label in rows}),
        "fit_s": round(seconds, 2),
        "vectors_from_cache": cached,
        "ms_per_question": round(each_ms, 2),
        "clean": first_right(clean, test).as_json(),
        "clean_passed": first_right(*passed(clean, test)).as_json(),
        "typos": first_right(misspelt, test).as_json(),
        "typos_passed": first_right(*passed(misspelt, test)).as_json(),
        "typos_first_letters_kept": first_right(inside_words, test).as_json(),
        "outright_right": Rate(right, len(test)).as_json(),
        "outright_wrong": Rate(len(answered) - right, len(test)).as_json(),
        "stopped_by_triage": sum(each.kind is ReplyKind.SAFETY for each in clean),
    }


def measure_out_of_scope(folder: Path, size: str, limit: int | None, with_background: bool) -> dict[str, Any]:
    """How well ``in_scope`` alone tells the test's in-scope questions from its out-of-scope ones."""
    background = [text for text, _ in read_set(folder / "out_of_scope_train.jsonl")] if with_background else []
    name = f"{folder.name}-{size}{'-background' if with_background else ''}"
    answerer, _, _ = learn(training_rows(folder, size), name, background)
    test = sample(read_set(folder / "test.jsonl"), limit)
    strange = sample(read_set(folder / "out_of_scope_test.jsonl"), limit)
    inside = answerer.decide([text for text, _ in test])
    outside = answerer.decide([text for text, _ in strange])
    # Triage goes by rules and has no probability of its own.
    sure_inside = [each.in_scope for each in inside if each.kind is not ReplyKind.SAFETY]
    sure_outside = [each.in_scope for each in outside if each.kind is not ReplyKind.SAFETY]
    kinds = {kind: sum(each.kind is kind for each in outside) for kind in ReplyKind}
    return {
        "set": folder.name,
        "size": size,
        "background_messages": len(background),
        "auroc": round(area_under_roc(sure_inside, sure_outside), 4),
        "fpr_at_95_tpr": round(false_at_95(sure_inside, sure_outside), 4),
        "answered": Rate(kinds[ReplyKind.ANSWER], len(strange)).as_json(),
        "asked_back": Rate(kinds[ReplyKind.CLARIFY], len(strange)).as_json(),
        "in_scope_first_right": first_right(inside, test).as_json(),
    }


def sample(rows: Rows, limit: int | None) -> Rows:
    """At most ``limit`` rows, drawn from all of them."""
    return rows if limit is None or limit >= len(rows) else random.Random(SEED).sample(rows, limit)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure IRIS on public intent sets.")
    parser.add_argument("--data", type=Path, default=SHARED_DATA, help="folder of the sets (default: %(default)s)")
    parser.add_argument("--sets", default=",".join(SETS), help="which, with commas between (default: %(default)s)")
    parser.add_argument("--sizes", default="10,full", help="utterances an intent, or full (default: %(default)s)")
    parser.add_argument("--limit", type=int, help="only so many test questions of each set; nothing is saved")
    options = parser.parse_args()
    results: list[dict[str, Any]] = []
    strange: list[dict[str, Any]] = []
    for name in options.sets.split(","):
        for size in options.sizes.split(","):
            folder = options.data / name
            results.append(measure(folder, size, options.limit))
            print(f"{name} {size}: done", flush=True)
            if (folder / "out_of_scope_test.jsonl").is_file():
                for with_background in (False, True):
                    strange.append(measure_out_of_scope(folder, size, options.limit, with_background))
            if options.limit is None:
                keep(results, strange)
    print("\nFirst candidate right, % (95% limits); outright: at the default thresholds")
    print(accuracy_table(results))
    if strange:
        print("\nOut of scope, by the probability that one of the candidates is right")
        print(strange_table(strange))


def keep(accuracy: Sequence[dict[str, Any]], out_of_scope: Sequence[dict[str, Any]]) -> None:
    """Save what is measured so far; rows of sets and sizes that are not among it stay, each with its own date."""
    file = RESULTS / "public_sets.json"
    before = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    merged: dict[str, Any] = {"seed": SEED}
    for part, rows in (("accuracy", accuracy), ("out_of_scope", out_of_scope)):
        new = [{"measured": datetime.now(UTC).date().isoformat(), **row} for row in rows]
        measured = {(row["set"], row["size"]) for row in rows}
        old = [
            {"measured": before["date"][:10], **row}
            for row in before.get(part, [])
            if (row["set"], row["size"]) not in measured
        ]
        merged[part] = [*new, *old]
    save("public_sets", merged)


def accuracy_table(results: Sequence[dict[str, Any]]) -> str:
    head = [
        "set",
        "size",
        "intents",
        "clean",
        "passed",
        "typos",
        "passed",
        "typos, 1st kept",
        "outright right",
        "outright wrong",
        "triage",
        "fit s",
        "ms each",
    ]
    rows = [
        [
            *(each[key] for key in ("set", "size", "intents")),
            *(
                percent(each[key])
                for key in (
                    *("clean", "clean_passed", "typos", "typos_passed", "typos_first_letters_kept"),
                    *("outright_right", "outright_wrong"),
                )
            ),
            *(each[key] for key in ("stopped_by_triage", "fit_s", "ms_per_question")),
        ]
        for each in results
    ]
    return table(head, rows)


def strange_table(results: Sequence[dict[str, Any]]) -> str:
    head = ["set", "size", "background", "AUROC", "FPR at 95% TPR", "answered", "asked back"]
    rows = [
        [
            *(each[key] for key in ("set", "size", "background_messages")),
            *(f"{each[key]:.1%}" for key in ("auroc", "fpr_at_95_tpr")),
            *(percent(each[key]) for key in ("answered", "asked_back")),
        ]
        for each in results
    ]
    return table(head, rows)


def percent(rate: dict[str, float]) -> str:
    return f"{rate['share']:.1%} ({rate['low']:.1%}-{rate['high']:.1%})"


if __name__ == "__main__":
    main()
