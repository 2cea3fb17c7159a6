"""Turns text into sentence vectors with all-MiniLM-L6-v2 as int8 ONNX; see ``training/`` for how the file is made.

The weights are 7-bit (reduce_range), because 8-bit products overflow on processors without VNNI instructions:
so every processor gives the same vectors, only slower or faster. Activations are quantised by the range that one
run sees, so a text's vector would depend on its neighbours in a batch: each text is run alone.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from bot.matching.runtime import MODEL_FOLDER, file_digest, loading, open_model
from bot.matching.seen_texts import KEY_BYTES, SeenTexts, text_key
from bot.matching.snapshot import remove_old
from bot.matching.wordpiece import WordPiece

Floats = npt.NDArray[np.float32]
_Encoded = TypeVar("_Encoded")

DIMENSIONS = 384
_NO_VECTORS: Floats = np.zeros((0, DIMENSIONS), dtype=np.float32)
_SUM_BYTES = 32
_COUNT_BYTES = 16  # so that vectors begin at a multiple of 16 bytes
_OTHERS_MIN = 2_000
"""So many vectors of texts that are no longer in the content stay in the cache at least: editors change their minds."""
_UNTUNED_SHARE_MIN = 0.05
_THREADS_FROM = 16
"""Texts; starting threads for fewer takes longer than it saves."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """A text as the encoder sees it."""

    vector: Floats
    """Shape (384,), unit length."""
    inside: Floats
    """Shape (1, tokens, 384): what leaves the fourth of the six layers, where ``danger.py`` reads on."""


Encodings = Mapping[str, Encoding]
"""By their text."""


class Encoder:
    """Text -> unit vector of 384 floats.

    ``cache_folder`` keeps the vectors of content texts between starts (never those of questions); None keeps none.
    """

    def __init__(self, model_folder: Path = MODEL_FOLDER, cache_folder: Path | None = None) -> None:
        model = model_folder / "encoder.onnx"
        tuned_on = model_folder / "tuned_on.bin"
        with loading(model_folder):
            self.wordpiece = WordPiece(model_folder / "vocab.txt")
            self._session = open_model(model)
            self.digest = file_digest(model, model_folder / "vocab.txt", tuned_on)
        self._tuned_on = SeenTexts(tuned_on)
        self.cache_folder = cache_folder
        self._cache = _VectorCache(cache_folder, self.digest) if cache_folder else None
        self._content: tuple[list[bytes], Floats] = ([], _NO_VECTORS)

    def encode(self, text: str) -> Floats:
        """Shape (384,), unit length."""
        return self.encoding(text).vector

    def encoding(self, text: str) -> Encoding:
        """The vector, and what it was made from."""
        ids = np.asarray([self.wordpiece(text)], dtype=np.int64)
        vectors, inside = self._session.run(["embedding", "inside"], {"ids": ids})
        return Encoding(vectors[0], inside)

    def encode_many(self, texts: Sequence[str]) -> Floats:
        """Shape (texts, 384). Uses every processor core; the result does not depend on the company of a text."""
        return np.stack(_side_by_side(self.encode, texts)) if texts else _NO_VECTORS

    def encode_each(self, texts: Iterable[str]) -> Encodings:
        """The encoding of each distinct text, on every processor core."""
        distinct = list(dict.fromkeys(texts))
        return dict(zip(distinct, _side_by_side(self.encoding, distinct), strict=True))

    def untuned(self, texts: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Which of ``texts`` the encoder was not tuned on, shape (texts,).

        The vectors of the others are better than those of a person's own words will be, so only these may tell how
        sure to be. Where nearly all were seen in tuning, all count.
        """
        unseen = self._tuned_on.unseen(texts)
        return unseen if unseen.mean() >= _UNTUNED_SHARE_MIN else np.ones(len(texts), dtype=bool)

    def encode_content(self, texts: Sequence[str]) -> Floats:
        """``encode_many`` for texts of the content, which are remembered on disk.

        The vectors of the last content stay in memory: what is asked again, such as a part of it, takes no room.
        """
        if not texts:
            return _NO_VECTORS
        wanted = [text_key(text) for text in texts]
        if not set(wanted) <= set(self._content[0]):
            self._content = wanted, self._read_or_make(wanted, texts)
        keys, vectors = self._content
        first = keys.index(wanted[0])
        if keys[first : first + len(wanted)] == wanted:
            return vectors[first : first + len(wanted)]
        places = _places(keys)
        return vectors[[places[key] for key in wanted]]

    def _read_or_make(self, wanted: list[bytes], texts: Sequence[str]) -> Floats:
        """The vectors of ``texts``, whose keys are ``wanted``: from the disk what is there, the rest made now."""
        known, vectors = self._cache.load() if self._cache else self._content
        if known[: len(wanted)] == wanted:
            return vectors[: len(wanted)]
        rows = dict(zip(known, vectors, strict=True))
        missing = {key: text for key, text in zip(wanted, texts, strict=True) if key not in rows}
        rows |= zip(missing, self.encode_many(list(missing.values())), strict=True)
        found = np.stack([rows[key] for key in wanted])
        if self._cache and missing:
            present = set(wanted)
            others = [key for key in known if key not in present][: max(_OTHERS_MIN, len(wanted))]
            self._cache.save([*wanted, *others], [*found, *(rows[key] for key in others)])
        return found


def _side_by_side(encode: Callable[[str], _Encoded], texts: Sequence[str]) -> list[_Encoded]:
    """``encode`` of each text."""
    if len(texts) < _THREADS_FROM:
        return list(map(encode, texts))
    with ThreadPoolExecutor(max_workers=_processors()) as pool:
        return list(pool.map(encode, texts))


def _processors() -> int:
    """How many this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _places(keys: Iterable[bytes]) -> dict[bytes, int]:
    return {key: place for place, key in enumerate(keys)}


class _VectorCache:
    """Vectors by hash of their text, in one file per model; a damaged or unwritable cache is simply not used.

    The file: a digest of all that follows, the number of vectors, their keys, the vectors.
    """

    def __init__(self, folder: Path, model_digest: str) -> None:
        self._file = folder / f"vectors-{model_digest[:16]}.bin"

    def load(self) -> tuple[list[bytes], Floats]:
        """Keys and vectors, in the order of the file."""
        try:
            stored = np.fromfile(self._file, dtype=np.uint8)
        except OSError:
            return [], _NO_VECTORS
        sum_of, body = stored[:_SUM_BYTES].tobytes(), stored[_SUM_BYTES:]
        if hashlib.sha256(body.data).digest() != sum_of:
            return [], _NO_VECTORS
        count = int.from_bytes(body[:_COUNT_BYTES].tobytes(), "little")
        keys = body[_COUNT_BYTES : _COUNT_BYTES + count * KEY_BYTES].tobytes()
        vectors = body[_COUNT_BYTES + len(keys) :].view(np.float32).reshape(count, DIMENSIONS)
        starts = range(0, len(keys), KEY_BYTES)
        return [keys[start : start + KEY_BYTES] for start in starts], vectors

    def save(self, keys: Sequence[bytes], vectors: Sequence[Floats]) -> None:
        # One after the other: joined first, they would take their room three times more, which the process then keeps.
        head = len(keys).to_bytes(_COUNT_BYTES, "little") + b"".join(keys)
        digest = hashlib.sha256(head)
        for vector in vectors:
            digest.update(vector.tobytes())
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            # Written aside and renamed, so that a second process never reads half a file.
            with tempfile.NamedTemporaryFile(dir=self._file.parent, suffix=".part", delete=False) as aside:
                aside.write(digest.digest() + head)
                aside.writelines(vector.tobytes() for vector in vectors)
            Path(aside.name).replace(self._file)
            remove_old(self._file.parent, "vectors")
        except OSError:
            return
