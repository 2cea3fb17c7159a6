"""Keeps what a fit has learnt between starts, so that the second start answers at once.

One file of plain arrays (no pickle, which could run code) per content, encoder and version of this code; anything
that cannot be read is simply fitted again.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from bot.matching.confidence import Confidence, Probability
from bot.matching.head import LinearHead
from bot.matching.lexical import LexicalIndex, TermIndex

Arrays = dict[str, Any]

_PROBABILITIES = ("first_right", "one_of_three")
_TERM_ARRAYS = ("starts", "rows", "weights", "idf", "frequency")
_FILES_KEPT = 4
"""Contents that a folder remembers; older ones are removed, so that editing does not fill the disk."""


def place(folder: Path | None, kind: str, texts: Iterable[str], model_digest: str) -> Path | None:
    """The file for what was learnt from ``texts``; another one when a text, the encoder or this code changes."""
    if folder is None:
        return None
    digest = hashlib.sha256(model_digest.encode())
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    for text in texts:
        digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
    return folder / f"{kind}-{digest.hexdigest()[:32]}.npz"


def save(file: Path, arrays: Arrays) -> None:
    """Write the arrays whole or not at all; a folder that cannot be written to is not an error."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".part", delete=False) as aside:
            np.savez(aside, **arrays)
        Path(aside.name).replace(file)
        kind = file.name.split("-")[0]
        snapshots = sorted(file.parent.glob(f"{kind}-*.npz"), key=lambda path: path.stat().st_mtime)
        for old in snapshots[:-_FILES_KEPT]:
            old.unlink(missing_ok=True)
    except OSError:
        return


def load(file: Path) -> Arrays | None:
    """What ``save`` wrote, or None where there is nothing that can be read."""
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except Exception:  # zipfile and numpy raise many kinds for damaged files
        return None


def from_learnt(lexical: LexicalIndex, head: LinearHead, confidence: Confidence) -> Arrays:
    """All that a matcher has learnt, as arrays."""
    arrays: Arrays = {
        "head.weights": head.weights,
        "head.bias": head.bias,
        "texts": np.array(lexical.texts),
        "thresholds": np.array([confidence.answer_from, confidence.clarify_from]),
    }
    for name, index in (("by_word", lexical.by_word), ("by_piece", lexical.by_piece)):
        arrays[f"{name}.terms"] = np.frombuffer("\n".join(index.number).encode("utf-8", "surrogatepass"), np.uint8)
        arrays.update({f"{name}.{part}": getattr(index, part) for part in _TERM_ARRAYS})
    for name in _PROBABILITIES:
        probability = getattr(confidence, name)
        arrays.update(
            {f"{name}.{part.name}": np.asarray(getattr(probability, part.name)) for part in fields(Probability)}
        )
    return arrays


def to_learnt(arrays: Arrays | None) -> tuple[LexicalIndex, LinearHead, Confidence] | None:
    """What ``from_learnt`` was given, or None where something of it is missing."""
    try:
        return _to_learnt(arrays) if arrays else None
    except (KeyError, ValueError, TypeError):
        return None


def _to_learnt(arrays: Arrays) -> tuple[LexicalIndex, LinearHead, Confidence]:
    indexes = {}
    for name in ("by_word", "by_piece"):
        terms = arrays[f"{name}.terms"].tobytes().decode("utf-8", "surrogatepass").split("\n")
        indexes[name] = TermIndex(terms, *(arrays[f"{name}.{part}"] for part in _TERM_ARRAYS))
    probabilities = {
        name: Probability(*(arrays[f"{name}.{part.name}"] for part in fields(Probability))) for name in _PROBABILITIES
    }
    answer_from, clarify_from = map(float, arrays["thresholds"])
    return (
        LexicalIndex(int(arrays["texts"]), indexes["by_word"], indexes["by_piece"]),
        LinearHead(arrays["head.weights"], arrays["head.bias"]),
        Confidence(**probabilities, answer_from=answer_from, clarify_from=clarify_from),
    )
