"""IRIS and what one could install in its place, on the same questions in one run.

    python -m benchmarks.peers [--peers rapidfuzz,bm25,...] [--set banking77] [--size 10] [--keep FOLDER]

Each peer learns the published 10-utterance split and answers the whole test set, clean and misspelt, in a virtual
environment of its own that is thrown away (``--keep`` keeps them for the next run). What cannot be installed is named,
with the reason. padatious needs swig and libfann-dev (on Debian: apt install swig libfann-dev). Downloads about 300 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
import venv
from pathlib import Path
from typing import Any

from benchmarks.convert import read_set
from benchmarks.peer_worker import PEERS
from benchmarks.public_sets import SEED, Rows, first_of, learn, percent, sample, training_rows
from benchmarks.report import ROOT, SHARED_DATA, save
from benchmarks.typos import misspell
from bot.evaluation import Rate, content_id
from bot.evaluation.report import table

# What each is called, and what it is installed from.
INSTALLED_FROM = {
    "rapidfuzz": ("RapidFuzz, nearest utterance", ["rapidfuzz==3.14.6"]),
    "bm25": ("BM25, nearest utterance", ["rank-bm25==0.2.2"]),
    "tfidf": ("TF-IDF + logistic regression", ["scikit-learn==1.9.1"]),
    # fastText's Python part does not know numpy 2.
    "fasttext": ("fastText", ["fasttext==0.9.3", "numpy<2"]),
    "padatious": ("padatious", ["ovos-padatious==1.4.3"]),
    "semantic-router": (
        "semantic-router, same encoder",
        ["semantic-router==1.1.1", "onnxruntime", "numpy", "symspellpy"],
    ),
}

_TIMED = 500
"""Questions that IRIS answers one by one for the time; all others in a batch, which gives the same answers."""


def score(labels: list[str | None], rows: Rows) -> dict[str, float]:
    """How many labels are right."""
    return Rate(sum(given == label for given, (_, label) in zip(labels, rows, strict=True)), len(rows)).as_json()


def measure_iris(train: Rows, name: str, test: Rows, misspelt: list[str]) -> dict[str, Any]:
    """IRIS, through the same flow as ``iris match``."""
    answerer, seconds, _ = learn(train, name)
    asked = [text for text, _ in test]
    parts = {
        part: list(map(first_of, answerer.decide(texts))) for part, texts in (("clean", asked), ("typos", misspelt))
    }
    times = []
    for text in asked[:_TIMED]:
        started = time.perf_counter()
        answerer.decide([text])
        times.append((time.perf_counter() - started) * 1e3)
    as_ids = [(text, content_id(label)) for text, label in test]
    return {
        "name": "IRIS",
        **{part: score(labels, as_ids) for part, labels in parts.items()},
        "fit_s": round(seconds, 2),
        "p50_ms": round(sorted(times)[len(times) // 2], 3),
    }


def measure_peer(peer: str, folder: Path, test: Rows, install_s: float, run_s: float) -> dict[str, Any]:
    """One peer in its own environment below ``folder``, where train.json and questions.json lie."""
    name, requirements = INSTALLED_FROM[peer]
    environment = folder / peer
    python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not (environment / "installed").exists():
        venv.create(environment, with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
        if problem := _run(command, install_s):
            return {"name": name, "requirements": requirements, "missing": f"could not be installed: {problem}"}
        (environment / "installed").touch()
    answers = environment / "answers.json"
    worker = Path(__file__).with_name("peer_worker.py")
    # -P: the files beside the worker must not stand in for modules of the same name.
    command = [str(python), "-P", "-W", "ignore", str(worker), peer]
    command += [str(folder / "train.json"), str(folder / "questions.json"), str(answers)]
    if problem := _run(command, run_s):
        return {"name": name, "requirements": requirements, "missing": f"was installed, but failed: {problem}"}
    told = json.loads(answers.read_text(encoding="utf-8"))
    return {
        "name": name,
        "requirements": requirements,
        **{part: score(labels, test) for part, labels in told["labels"].items()},
        "fit_s": told["fit_s"],
        "p50_ms": told["p50_ms"],
    }


def _run(command: list[str], limit_s: float) -> str:
    """Nothing where it went well, else the line that says why not."""
    # semantic-router's libraries look for price lists on the network when they are imported.
    quiet = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONPATH": str(ROOT)}
    try:
        done = subprocess.run(
            command, env={**os.environ, **quiet}, cwd=ROOT, capture_output=True, text=True, timeout=limit_s, check=False
        )
    except subprocess.TimeoutExpired:
        return f"not done after {limit_s:.0f} s"
    if done.returncode == 0:
        return ""
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    telling = [line for line in lines if "rror" in line and "subprocess-exited" not in line]
    return (telling or lines or [f"exit code {done.returncode}"])[-1][:300]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure IRIS against what can be installed in its place.")
    parser.add_argument("--data", type=Path, default=SHARED_DATA, help="folder of the sets (default: %(default)s)")
    parser.add_argument("--set", default="banking77", help="which set (default: %(default)s)")
    parser.add_argument("--size", default="10", help="utterances an intent, or full (default: %(default)s)")
    parser.add_argument("--peers", default=",".join(PEERS), help="which, with commas between (default: all)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the environments here for the next run")
    parser.add_argument("--install-s", type=float, default=900.0, help="for one installation (default: %(default)s)")
    parser.add_argument("--run-s", type=float, default=900.0, help="for one peer (default: %(default)s)")
    parser.add_argument("--limit", type=int, help="only so many test questions; nothing is saved")
    options = parser.parse_args()
    train = training_rows(options.data / options.set, options.size)
    test = sample(read_set(options.data / options.set / "test.jsonl"), options.limit)
    misspelt = [misspell(text, seed=SEED) for text, _ in test]
    results = [measure_iris(train, f"{options.set}-{options.size}", test, misspelt)]
    with tempfile.TemporaryDirectory() as thrown_away:
        folder = (options.keep or Path(thrown_away)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "train.json").write_text(json.dumps(train), encoding="utf-8")
        questions = {"clean": [text for text, _ in test], "typos": misspelt}
        (folder / "questions.json").write_text(json.dumps(questions), encoding="utf-8")
        for peer in options.peers.split(","):
            results.append(measure_peer(peer, folder, test, options.install_s, options.run_s))
            print(f"{peer}: {results[-1].get('missing', 'done')}", flush=True)
    rows = [
        [each["name"], percent(each["clean"]), percent(each["typos"]), each["fit_s"], each["p50_ms"]]
        for each in sorted(results, key=lambda each: -each.get("clean", {"share": -1})["share"])
        if "missing" not in each
    ]
    print(f"\n{options.set}, {options.size} utterances an intent, {len(test)} questions: right, % (95% limits)")
    print(table(["", "clean", "typos", "fit s", "p50 ms"], rows))
    for each in results:
        if "missing" in each:
            print(f"Not measured: {each['name']} {each['missing']}")
    if options.limit is None:
        save(
            "peers", {"set": options.set, "size": options.size, "questions": len(test), "seed": SEED, "peers": results}
        )


if __name__ == "__main__":
    main()
