"""Turns text into sentence vectors with all-MiniLM-L6-v2 as int8 ONNX; see ``training/`` for how the file is made.

The weights are 7-bit (reduce_range), because 8-bit products overflow on processors without VNNI instructions:
so every processor gives the same vectors, only slower or faster. Activations are quantised by the range that one
run sees, so a text's vector would depend on its neighbours in a batch: each text is run alone.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

# onnxruntime reports its use to its maker unless it is told not to before it is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime

from bot.matching.wordpiece import WordPiece

Floats = npt.NDArray[np.float32]

DIMENSIONS = 384
_MODEL_FOLDER = Path(__file__).parent / "model"
_KEY_BYTES = 16
_SHORT_KEY_BYTES = 6
_CACHED_MAX = 250_000  # vectors, 1.5 kB each
_UNTUNED_SHARE_MIN = 0.05


class EncoderError(Exception):
    """The encoder's files are missing or damaged."""


class Encoder:
    """Text -> unit vector of 384 floats.

    ``cache_folder`` keeps the vectors of content texts between starts (never those of questions); None keeps none.
    """

    def __init__(self, model_folder: Path = _MODEL_FOLDER, cache_folder: Path | None = None) -> None:
        model = model_folder / "encoder.onnx"
        try:
            weights = model.read_bytes()
            self.wordpiece = WordPiece(model_folder / "vocab.txt")
            options = onnxruntime.SessionOptions()
            # One thread is fastest for one short text; throughput comes from several texts at once.
            options.intra_op_num_threads = 1
            options.inter_op_num_threads = 1
            options.enable_cpu_mem_arena = False
            options.log_severity_level = 3
            self._session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises its own kinds for damaged files
            raise EncoderError(
                f"The sentence encoder in {model_folder} cannot be loaded ({error}). Reinstall IRIS."
            ) from error
        self.digest = hashlib.sha256(weights).hexdigest()
        tuned_on = model_folder / "tuned_on.bin"
        self._tuned_on = _split_keys(tuned_on.read_bytes(), _SHORT_KEY_BYTES) if tuned_on.is_file() else frozenset()
        self._last = threading.local()
        self.cache_folder = cache_folder
        self._cache = _VectorCache(cache_folder, self.digest) if cache_folder else None

    def encode(self, text: str) -> Floats:
        """Shape (384,), unit length. Each thread remembers the last text: triage and matcher read the same one."""
        if getattr(self._last, "text", None) == text:
            remembered: Floats = self._last.vector
            return remembered
        ids = np.asarray([self.wordpiece(text)], dtype=np.int64)
        (vectors,) = self._session.run(None, {"ids": ids})
        vector: Floats = vectors[0]
        self._last.text, self._last.vector = text, vector
        return vector

    def encode_many(self, texts: Sequence[str]) -> Floats:
        """Shape (texts, 384). Uses every processor core; the result does not depend on the company of a text."""
        if not texts:
            return np.zeros((0, DIMENSIONS), dtype=np.float32)
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
            return np.stack(list(pool.map(self.encode, texts)))

    def untuned(self, texts: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Which of ``texts`` the encoder was not tuned on, shape (texts,).

        The vectors of the others are better than those of a person's own words will be, so only these may tell how
        sure to be. Where nearly all were seen in tuning, all count.
        """
        unseen = np.array([_key(text)[:_SHORT_KEY_BYTES] not in self._tuned_on for text in texts], dtype=bool)
        return unseen if unseen.mean() >= _UNTUNED_SHARE_MIN else np.ones(len(texts), dtype=bool)

    def encode_content(self, texts: Sequence[str]) -> Floats:
        """``encode_many`` for texts of the content, which are remembered on disk."""
        if self._cache is None:
            return self.encode_many(texts)
        known = self._cache.load()
        missing = [text for text in dict.fromkeys(texts) if _key(text) not in known]
        if missing:
            known.update(zip(map(_key, missing), self.encode_many(missing), strict=True))
            self._cache.save(known)
        return np.stack([known[_key(text)] for text in texts])


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_KEY_BYTES).digest()


def _split_keys(keys: bytes, length: int) -> frozenset[bytes]:
    return frozenset(keys[start : start + length] for start in range(0, len(keys), length))


class _VectorCache:
    """Vectors by hash of their text, in one file per model; a damaged or unwritable cache is simply not used."""

    def __init__(self, folder: Path, model_digest: str) -> None:
        self._file = folder / f"vectors-{model_digest[:16]}.npy"

    def load(self) -> dict[bytes, Floats]:
        try:
            stored = np.load(self._file, allow_pickle=False)
        except Exception:  # numpy raises what Python's parser raises for a damaged header
            return {}
        row = np.dtype([("key", "V16"), ("vector", np.float32, (DIMENSIONS,))])
        if not isinstance(stored, np.ndarray) or stored.dtype != row:
            return {}
        keys = stored["key"].tobytes()
        vectors = np.ascontiguousarray(stored["vector"])
        starts = range(0, len(keys), _KEY_BYTES)
        return {keys[start : start + _KEY_BYTES]: vectors[number] for number, start in enumerate(starts)}

    def save(self, vectors: dict[bytes, Floats]) -> None:
        vectors = dict(list(vectors.items())[-_CACHED_MAX:])  # the oldest go first
        row = np.dtype([("key", "V16"), ("vector", np.float32, (DIMENSIONS,))])
        table = np.empty(len(vectors), dtype=row)
        table["key"] = np.frombuffer(b"".join(vectors), dtype="V16")
        table["vector"] = np.stack(list(vectors.values()))
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            # Written aside and renamed, so that a second process never reads half a file.
            with tempfile.NamedTemporaryFile(dir=self._file.parent, suffix=".npy", delete=False) as aside:
                np.save(aside, table, allow_pickle=False)
            Path(aside.name).replace(self._file)
        except OSError:
            return
