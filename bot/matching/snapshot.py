"""Keeps what a fit has learnt between starts, so that the second start answers at once.

One file of plain arrays (no pickle, which could run code) per content, encoder and version of this code; anything
that cannot be read is simply fitted again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from bot.matching.confidence import Confidence, Probability
from bot.matching.head import LinearHead
from bot.matching.lexical import LexicalIndex, PieceIndex, Postings, WordIndex
from bot.matching.near_words import NearWords

Floats = npt.NDArray[np.float32]
Arrays = dict[str, Any]
Made = TypeVar("Made")
Learnt = tuple[LexicalIndex, LinearHead, LinearHead, Confidence, Floats]

_PROBABILITIES = ("first_right", "one_of_three")
_POSTINGS = tuple(part.name for part in fields(Postings))
FILES_KEPT = 6
"""Files of each kind that a folder remembers, those used last: before the last edits, of a second content."""


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
        remove_old(file.parent, file.name.split("-")[0])
    except OSError:
        return


def remove_old(folder: Path, kind: str) -> None:
    """Remove all but the files of a kind that were used last, so that editing does not fill the disk."""
    files = sorted(folder.glob(f"{kind}-*"), key=lambda path: max(path.stat().st_mtime, path.stat().st_atime))
    for old in files[:-FILES_KEPT]:
        old.unlink(missing_ok=True)


def load(file: Path) -> Arrays | None:
    """What ``save`` wrote, or None where there is nothing that can be read."""
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except Exception:  # zipfile and numpy raise many kinds for damaged files
        return None
    with contextlib.suppress(OSError):  # another's folder
        os.utime(file, ns=(time.time_ns(), file.stat().st_mtime_ns))
    return arrays


def from_learnt(
    lexical: LexicalIndex, head: LinearHead, border: LinearHead, confidence: Confidence, elsewhere: Floats
) -> Arrays:
    """All that a matcher has learnt, as arrays; ``elsewhere`` are vectors of messages that it added of its own."""
    by_word, by_piece = lexical.by_word, lexical.by_piece
    arrays: Arrays = {
        "head.weights": head.weights,
        "head.bias": head.bias,
        "border.weights": border.weights,
        "border.bias": border.bias,
        "elsewhere": elsewhere,
        "thresholds": np.array([confidence.answer_from, confidence.clarify_from]),
        "vocabulary": _joined(by_word.vocabulary),
        "texts": np.array(by_word.texts),
        "pairs": by_word.pairs,
        "frequency": by_word.frequency,
        "pieces": _joined(by_piece.numbers),
        "idf": by_piece.idf,
        "said": by_piece.said,
        "shares": by_piece.shares,
        "starts": by_piece.starts,
    }
    for name, postings in (("by_word", by_word.postings), ("by_piece", by_piece.postings)):
        arrays.update({f"{name}.{part}": getattr(postings, part) for part in _POSTINGS})
    for name in _PROBABILITIES:
        probability = getattr(confidence, name)
        arrays.update(
            {f"{name}.{part.name}": np.asarray(getattr(probability, part.name)) for part in fields(Probability)}
        )
    return arrays


def to_learnt(arrays: Arrays | None) -> Learnt | None:
    """What ``from_learnt`` was given, or None where something of it is missing."""
    return _whole(_to_learnt, arrays)


def _to_learnt(arrays: Arrays) -> Learnt:
    by_word, by_piece = (
        Postings(*(arrays[f"{name}.{part}"] for part in _POSTINGS)) for name in ("by_word", "by_piece")
    )
    vocabulary = _numbered(arrays["vocabulary"])
    word_index = WordIndex(vocabulary, arrays["pairs"], by_word, arrays["frequency"], int(arrays["texts"]))
    piece_index = PieceIndex(
        _numbered(arrays["pieces"]), by_piece, *(arrays[name] for name in ("idf", "said", "shares", "starts"))
    )
    probabilities = {
        name: Probability(*(arrays[f"{name}.{part.name}"] for part in fields(Probability))) for name in _PROBABILITIES
    }
    answer_from, clarify_from = map(float, arrays["thresholds"])
    return (
        LexicalIndex(word_index, piece_index),
        LinearHead(arrays["head.weights"], arrays["head.bias"]),
        LinearHead(arrays["border.weights"], arrays["border.bias"]),
        Confidence(**probabilities, answer_from=answer_from, clarify_from=clarify_from),
        arrays["elsewhere"],
    )


def from_speller(targets: Counter[str], near: NearWords) -> Arrays:
    """The words that a speller corrects to, as arrays."""
    return {
        "targets": _joined(targets),
        "counts": np.array(list(targets.values()), dtype=np.int64),
        "known": _joined(near.known),
        "forms": near.forms,
        "owners": near.owners,
    }


def to_speller(arrays: Arrays | None) -> tuple[Counter[str], NearWords] | None:
    """What ``from_speller`` was given, or None where something of it is missing."""
    return _whole(_to_speller, arrays)


def _to_speller(arrays: Arrays) -> tuple[Counter[str], NearWords]:
    targets = Counter(dict(zip(_split(arrays["targets"]), arrays["counts"].tolist(), strict=True)))
    return targets, NearWords(_split(arrays["known"]), arrays["forms"], arrays["owners"])


def from_changed(texts: Mapping[int, str]) -> Arrays:
    """Texts without line breaks by their number, as arrays."""
    return {"numbers": np.array(list(texts), dtype=np.int64), "texts": _joined(texts.values())}


def to_changed(arrays: Arrays | None) -> dict[int, str] | None:
    """What ``from_changed`` was given, or None where something of it is missing."""
    return _whole(_to_changed, arrays)


def _to_changed(arrays: Arrays) -> dict[int, str]:
    numbers = arrays["numbers"].tolist()
    # No text and one empty text are the same bytes.
    texts = _split(arrays["texts"]) if numbers else []
    return dict(zip(numbers, texts, strict=True))


def _whole(made_of: Callable[[Arrays], Made], arrays: Arrays | None) -> Made | None:
    """What is made of ``arrays``, or None where these are not there or something of them is missing."""
    try:
        return made_of(arrays) if arrays else None
    except (KeyError, ValueError, TypeError):
        return None


def _joined(texts: Iterable[str]) -> npt.NDArray[np.uint8]:
    """Texts without line breaks as one array of bytes."""
    return np.frombuffer("\n".join(texts).encode("utf-8", "surrogatepass"), np.uint8)


def _split(joined: npt.NDArray[np.uint8]) -> list[str]:
    return joined.tobytes().decode("utf-8", "surrogatepass").split("\n")


def _numbered(joined: npt.NDArray[np.uint8]) -> dict[str, int]:
    return {text: number for number, text in enumerate(_split(joined))}
