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

_TERM_ARRAYS = ("starts", "rows", "weights", "idf", "frequency")
_FILES_KEPT = 4
"""Contents that a folder remembers; older ones are removed, so that editing does not fill the disk."""


def snapshot_key(texts: Iterable[str], model_digest: str) -> str:
    """Changes with any text, with the encoder and with the code of this room."""
    digest = hashlib.sha256(model_digest.encode())
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    for text in texts:
        digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()[:32]


def save(file: Path, lexical: LexicalIndex, head: LinearHead, confidence: Confidence) -> None:
    """Write the snapshot whole or not at all; a folder that cannot be written to is not an error."""
    arrays: Arrays = {
        "head.weights": head.weights,
        "head.bias": head.bias,
        "texts": np.array(lexical.texts),
    }
    for name, index in (("by_word", lexical.by_word), ("by_piece", lexical.by_piece)):
        arrays[f"{name}.terms"] = np.frombuffer("\n".join(index.number).encode("utf-8", "surrogatepass"), np.uint8)
        arrays.update({f"{name}.{part}": getattr(index, part) for part in _TERM_ARRAYS})
    for name in ("first_right", "one_of_three"):
        probability = getattr(confidence, name)
        arrays.update(
            {f"{name}.{field.name}": np.asarray(getattr(probability, field.name)) for field in fields(Probability)}
        )
    arrays["thresholds"] = np.array([confidence.answer_from, confidence.clarify_from])
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".part", delete=False) as aside:
            np.savez(aside, **arrays)
        Path(aside.name).replace(file)
        snapshots = sorted(file.parent.glob("fit-*.npz"), key=lambda path: path.stat().st_mtime)
        for old in snapshots[:-_FILES_KEPT]:
            old.unlink(missing_ok=True)
    except OSError:
        return


def load(file: Path) -> tuple[LexicalIndex, LinearHead, Confidence] | None:
    """What ``save`` wrote, or None where there is nothing that can be read."""
    try:
        with np.load(file, allow_pickle=False) as stored:
            arrays: Arrays = {name: stored[name] for name in stored.files}
        indexes = {}
        for name in ("by_word", "by_piece"):
            terms = arrays[f"{name}.terms"].tobytes().decode("utf-8", "surrogatepass").split("\n")
            indexes[name] = TermIndex(terms, *(arrays[f"{name}.{part}"] for part in _TERM_ARRAYS))
        probabilities = {
            name: Probability(*(arrays[f"{name}.{field.name}"] for field in fields(Probability)))
            for name in ("first_right", "one_of_three")
        }
        answer_from, clarify_from = map(float, arrays["thresholds"])
        return (
            LexicalIndex(int(arrays["texts"]), indexes["by_word"], indexes["by_piece"]),
            LinearHead(arrays["head.weights"], arrays["head.bias"]),
            Confidence(**probabilities, answer_from=answer_from, clarify_from=clarify_from),
        )
    except (OSError, ValueError, KeyError, EOFError, TypeError):
        return None
