"""Which texts a model was tuned on. It knows those too well to tell from them how sure it may be of people's words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

KEY_BYTES = 16
_SHORT_KEY_BYTES = 6  # of 20,000 texts two share these once in a million


def text_key(text: str) -> bytes:
    """A hash that stands for a text."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES).digest()


class SeenTexts:
    """The texts whose short keys stand in ``file``, one after the other; none where there is no such file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def unseen(self, texts: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Which of ``texts`` are none of them, shape (texts,)."""
        return np.array([_short_key(text) not in self._keys for text in texts], dtype=bool)

    def write(self, texts: Iterable[str]) -> None:
        """Make these the seen ones, for whoever reads the file from now on."""
        self._file.write_bytes(b"".join(sorted(set(map(_short_key, texts)))))

    @cached_property
    def _keys(self) -> frozenset[bytes]:
        # Only now: a start from what was learnt before never asks.
        keys = self._file.read_bytes() if self._file.is_file() else b""
        starts = range(0, len(keys), _SHORT_KEY_BYTES)
        return frozenset(keys[start : start + _SHORT_KEY_BYTES] for start in starts)


def _short_key(text: str) -> bytes:
    return text_key(text)[:_SHORT_KEY_BYTES]
