"""One peer learns and answers, in a virtual environment of its own; ``benchmarks.peers`` starts it.

    python peer_worker.py NAME TRAIN.json QUESTIONS.json ANSWERS.json

TRAIN has pairs of text and label, QUESTIONS lists of texts by name. A peer is a function: rows -> (text -> label).
Settings are the peer's defaults, or the one that its documentation names for short texts.
"""

from __future__ import annotations

import atexit
import json
import re
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

Rows = list[tuple[str, str]]
Classifier = Callable[[str], str | None]

_WORD = re.compile(r"\w+(?:['’]\w+)?")


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def rapidfuzz(rows: Rows) -> Classifier:
    """The label of the most similar utterance; token_sort_ratio measured best of its scorers."""
    process, fuzz, clean = (import_module(f"rapidfuzz.{name}") for name in ("process", "fuzz", "utils"))
    texts = [text for text, _ in rows]

    def classify(text: str) -> str | None:
        found = process.extractOne(text, texts, scorer=fuzz.token_sort_ratio, processor=clean.default_process)
        return rows[found[2]][1] if found else None

    return classify


def bm25(rows: Rows) -> Classifier:
    """The label of the utterance with the highest BM25 score."""
    index = import_module("rank_bm25").BM25Okapi([_words(text) for text, _ in rows])
    return lambda text: rows[int(index.get_scores(_words(text)).argmax())][1]


def tfidf(rows: Rows) -> Classifier:
    """Logistic regression on words, pairs of words and pieces of 3 to 5 letters."""
    text_part = import_module("sklearn.feature_extraction.text")
    pipeline = import_module("sklearn.pipeline")
    features = pipeline.make_union(
        text_part.TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        text_part.TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True),
    )
    head = import_module("sklearn.linear_model").LogisticRegression(C=30, max_iter=1000, tol=1e-5)
    model = pipeline.make_pipeline(features, head).fit([text for text, _ in rows], [label for _, label in rows])
    return lambda text: str(model.predict([text])[0])


def fasttext(rows: Rows) -> Classifier:
    """Its tutorial's settings for short texts: pairs of words, many epochs, a high learning rate; pieces of words."""
    library = import_module("fasttext")
    number = {label: str(index) for index, label in enumerate(dict.fromkeys(label for _, label in rows))}
    label_of = {index: label for label, index in number.items()}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "train.txt"
        file.write_text("\n".join(f"__label__{number[label]} {' '.join(_words(text))}" for text, label in rows) + "\n")
        model = library.train_supervised(
            str(file), lr=0.5, epoch=100, wordNgrams=2, minn=3, maxn=5, dim=100, bucket=200_000, thread=1, verbose=0
        )

    def classify(text: str) -> str | None:
        labels, _ = model.predict(" ".join(_words(text)))
        return label_of[labels[0].removeprefix("__label__")] if labels else None

    return classify


def padatious(rows: Rows) -> Classifier:
    """Its IntentContainer, as it comes."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    container = import_module("ovos_padatious").IntentContainer(folder.name)
    number = {label: f"intent{index}" for index, label in enumerate(dict.fromkeys(label for _, label in rows))}
    label_of = {index: label for label, index in number.items()}
    for label, name in number.items():
        # Brackets and braces are its grammar.
        container.add_intent(name, [re.sub(r"[(){}\[\]|]", " ", text) for text, own in rows if own == label])
    container.train()

    def classify(text: str) -> str | None:
        found = container.calc_intent(re.sub(r"[(){}\[\]|]", " ", text))
        name = found.get("name") if isinstance(found, dict) else found.name
        return label_of.get(name or "")

    return classify


def semantic_router(rows: Rows) -> Classifier:
    """Its IndexedRouter on IRIS's own encoder; as it comes it has no threshold, so it always answers."""
    from bot.matching import Encoder

    encoder = Encoder()
    dense = import_module("semantic_router.encoders").DenseEncoder

    class OwnEncoder(dense):  # type: ignore[misc, valid-type]  # a class of a library that is only there in its venv
        name: str = "iris"
        type: str = "iris"

        def __call__(self, docs: list[Any]) -> list[list[float]]:
            return [[float(value) for value in vector] for vector in encoder.encode_many(docs)]

        async def acall(self, docs: list[Any]) -> list[list[float]]:
            return self(docs)

    route = import_module("semantic_router").Route
    labels = list(dict.fromkeys(label for _, label in rows))
    routes = [route(name=label, utterances=[text for text, own in rows if own == label]) for label in labels]
    router = import_module("semantic_router.routers").IndexedRouter(encoder=OwnEncoder(), routes=routes)
    return lambda text: router(text).name


PEERS: dict[str, Callable[[Rows], Classifier]] = {
    "rapidfuzz": rapidfuzz,
    "bm25": bm25,
    "tfidf": tfidf,
    "fasttext": fasttext,
    "padatious": padatious,
    "semantic-router": semantic_router,
}


def main() -> None:
    name, train, questions, answers = sys.argv[1:]
    rows: Rows = [(text, label) for text, label in json.loads(Path(train).read_text(encoding="utf-8"))]
    asked: dict[str, list[str]] = json.loads(Path(questions).read_text(encoding="utf-8"))
    started = time.perf_counter()
    classify = PEERS[name](rows)
    fit_s = time.perf_counter() - started
    labels: dict[str, list[str | None]] = {}
    times = []
    for part, texts in asked.items():
        labels[part] = []
        for text in texts:
            started = time.perf_counter()
            labels[part].append(classify(text))
            times.append((time.perf_counter() - started) * 1e3)
    result = {"labels": labels, "fit_s": round(fit_s, 2), "p50_ms": round(sorted(times)[len(times) // 2], 3)}
    Path(answers).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
