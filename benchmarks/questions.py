"""Our own topics: what becomes of questions that nobody wrote for the content.

    python -m benchmarks.questions [FILE.jsonl ...] [--content PATH]

Without files: ../shared/data/questions where it is there, and benchmarks/questions. Prints and saves, for each file,
right outright, right or among the suggestions, asked back, refused and wrong, with 95% limits and by style; what 1, 2
and 3 typing errors a question take away; out of scope answered and asked back; and draws the risk-coverage curve into
results/questions.png (needs the extra ``benchmarks``, which is matplotlib). No text of a question is saved.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.report import CACHE, OWN_QUESTIONS, RESULTS, ROOT, SHARED_DATA, existing, name_of, save
from benchmarks.typos import misspell
from bot.answer import Answerer
from bot.assembly import build_answerer, load_content
from bot.content import Faq
from bot.evaluation import Judged, Rates, judge_all, read_questions
from bot.evaluation.judge import by_group, coverage_rates, in_scope_rates, out_of_scope_rates, risk_coverage
from bot.evaluation.report import rates_table
from bot.matching.confidence import WRONG_ANSWERS_MAX
from bot.reply import ReplyKind

ERRORS = (1, 2, 3)
SEED = 1
_INSIDE = (ReplyKind.ANSWER, ReplyKind.SMALLTALK)


def default_files() -> list[Path]:
    """The shared development questions, and our own."""
    names = ("in_scope.jsonl", "out_of_scope.jsonl")
    files = [folder / name for folder in (SHARED_DATA / "questions", OWN_QUESTIONS) for name in names]
    # Further files of our own join by lying there; those about safety belong to benchmarks.safety.
    others = (file for file in sorted(OWN_QUESTIONS.glob("*.jsonl")) if not file.name.startswith("safety"))
    return [*files, *(file for file in others if file not in files)]


def measure(answerer: Answerer, faq: Faq, file: Path, limit: int | None) -> tuple[dict[str, Any], list[Judged]]:
    """One file, printed and as data, and what became of each of its questions as it stands there."""
    questions = read_questions(file, faq)
    questions = questions[:: max(1, len(questions) // limit)] if limit else questions
    judged = judge_all(answerer, questions)
    result: dict[str, Any] = {"questions": len(questions)}
    inside = [each for each in judged if each.expected.kind in _INSIDE]
    outside = [each for each in judged if each.expected.kind is ReplyKind.OUT_OF_SCOPE]
    print(f"\n{name_of(file)}, {len(questions)} messages")
    if inside:
        groups = {"all": in_scope_rates(inside)}
        groups |= {style: in_scope_rates(members) for style, members in by_group(inside).items()}
        for errors in ERRORS:
            misspelt = [
                replace(each.expected, text=misspell(each.expected.text, errors, errors, SEED)) for each in inside
            ]
            groups[f"all + {errors} typing error{'s' if errors > 1 else ''}"] = in_scope_rates(
                judge_all(answerer, misspelt)
            )
        print(rates_table("with an entry", groups))
        right = groups["all"]["right"].share
        losses = {
            errors: right - rates["right"].share
            for errors, rates in zip(ERRORS, list(groups.values())[-len(ERRORS) :], strict=True)
        }
        print("Lost by typing errors: " + ", ".join(f"{100 * lost:+.1f} points by {n}" for n, lost in losses.items()))
        result["in_scope"] = {group: _plain(rates) for group, rates in groups.items()}
        result["points_lost_by_typing_errors"] = {str(n): round(100 * lost, 2) for n, lost in losses.items()}
        result["safety_replies"] = sum(each.decision.kind is ReplyKind.SAFETY for each in inside)
        print(f"Safety replies among these: {result['safety_replies']} (counted as wrong)")
    if outside:
        groups = {"all": out_of_scope_rates(outside)}
        groups |= {tag: out_of_scope_rates(members) for tag, members in by_group(outside).items()}
        print(rates_table("out of scope", groups))
        result["out_of_scope"] = {group: _plain(rates) for group, rates in groups.items()}
    return result, judged


def _plain(rates: Rates) -> dict[str, Any]:
    return {name: rate.as_json() for name, rate in rates.items()}


def curve_data(judged: Sequence[Judged], faq: Faq) -> dict[str, Any]:
    """Coverage and risk at every threshold, thinned to what a picture can show."""
    points = risk_coverage(judged, faq)
    of_inside = max(1, points[-1].inside) if points else 1
    thinned = [*points[:: max(1, len(points) // 400)], *points[-1:]]
    return {
        "confidence": [round(point.confidence, 4) for point in thinned],
        "coverage": [round(point.inside / of_inside, 4) for point in thinned],
        "wrong_of_all": [round(point.wrong / point.of, 4) for point in thinned],
        "wrong_of_answered": [round(point.wrong / point.answered, 4) for point in thinned],
        "at_the_defaults": _plain(coverage_rates(judged, faq)),
        "stated_risk": WRONG_ANSWERS_MAX,
    }


def draw(curves: dict[str, dict[str, Any]], picture: Path) -> None:
    """The risk-coverage curves, one for each source of questions; dots are the thresholds in use."""
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        print("\nNo picture: matplotlib is missing. Install it with: pip install -e '.[benchmarks]'")
        return
    mpl.rcParams["svg.hashsalt"] = "iris"
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for name, curve in curves.items():
        (line,) = axes.plot(
            [100 * share for share in curve["coverage"]], [100 * share for share in curve["wrong_of_all"]], label=name
        )
        chosen = curve["at_the_defaults"]
        axes.plot(
            100 * chosen["answered"]["share"], 100 * chosen["answered wrongly"]["share"], "o", color=line.get_color()
        )
    axes.axhline(100 * WRONG_ANSWERS_MAX, color="grey", linestyle=":", label="stated risk")
    axes.set_xlabel("questions with an entry that get an answer outright, %")
    axes.set_ylabel("wrong answers, % of all messages")
    axes.set_xlim(0, 100)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend()
    picture.parent.mkdir(exist_ok=True)
    figure.savefig(picture, dpi=130)
    print(f"\nCurve in {name_of(picture)}.")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure IRIS on questions about its own topics.")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE.jsonl", help="else the shared ones and our own")
    parser.add_argument("--content", type=Path, default=ROOT / "content", help="content folder (default: content/)")
    parser.add_argument("--limit", type=int, help="only about so many messages of each file; nothing is saved")
    options = parser.parse_args()
    faq, _ = load_content(options.content)
    answerer = build_answerer(options.content, CACHE / "own")
    results: dict[str, Any] = {}
    # Questions with and without an entry come from one source together, as people's messages do.
    by_source: dict[str, list[Judged]] = {}
    for file in existing(options.files or default_files()):
        results[name_of(file)], judged = measure(answerer, faq, file, options.limit)
        by_source.setdefault(name_of(file.parent), []).extend(judged)
    curves = {source: curve_data(judged, faq) for source, judged in by_source.items()}
    for source, curve in curves.items():
        chosen = curve["at_the_defaults"]
        print(
            f"\n{source}: {chosen['answered']['share']:.1%} of the questions with an entry answered outright, "
            f"{chosen['answered wrongly']['share']:.1%} of all messages wrongly;\nat the stated risk of "
            f"{WRONG_ANSWERS_MAX:.1%} it could be {chosen['could be answered at the stated risk']['share']:.1%}."
        )
    if options.limit is None:
        draw(curves, RESULTS / "questions.png")
        entries = {"entries": len(faq.entries), "utterances": sum(len(entry.utterances) for entry in faq.entries)}
        save("questions", {"content": entries, "seed": SEED, "files": results, "risk_coverage": curves})


if __name__ == "__main__":
    main()
