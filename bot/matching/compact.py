"""Cosines of one sentence vector to thousands of others, which are kept in 7 bits a number.

What takes time in comparing one vector with 11,000 is to fetch these from memory, not to multiply. In a quarter of the
room they leave the processor's cache to what else a reply reads. Rounding moves the cosine of two texts by less than
0.004 (tests/matching/test_matching_compact.py).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import onnxruntime

from bot.matching.runtime import MODEL_FOLDER, loading, open_model

Floats = npt.NDArray[np.float32]

# Processors without VNNI instructions add two products in 16 bits: (127 + 127) * 63 * 2 still fits.
_LEVELS = 63
_ASKED_LEVELS = 127
_ZERO = 127
"""Stands for 0 in the vector that is asked about: the product is fast for numbers without sign."""
_TINY = 1e-12


class CompactVectors:
    """Unit vectors, of shape (vectors, 384) when given."""

    def __init__(self, vectors: Floats) -> None:
        self._product = _product()
        self._step = np.maximum(np.abs(vectors).max(axis=1, initial=0.0), _TINY) / np.float32(_LEVELS)
        levels = vectors / self._step[:, None]
        # One row a dimension: so the product reads them in order.
        self._levels = np.ascontiguousarray(np.rint(levels, out=levels).astype(np.int8).T)
        self._of_zero = _ZERO * self._levels.sum(axis=0, dtype=np.int32)

    def cosines(self, vector: Floats) -> Floats:
        """Of a unit vector of shape (384,) to each, shape (vectors,); the same on every processor."""
        if not len(self._step):
            return np.zeros(0, dtype=np.float32)
        step = max(float(np.abs(vector).max()), _TINY) / _ASKED_LEVELS
        asked = (np.rint(vector / np.float32(step)) + _ZERO).astype(np.uint8)
        (products,) = self._product.run(None, {"asked": asked[None], "levels": self._levels})
        result: Floats = (products[0] - self._of_zero).astype(np.float32) * (self._step * np.float32(step))
        return result


@cache
def _product() -> onnxruntime.InferenceSession:
    with loading(MODEL_FOLDER):
        return open_model(MODEL_FOLDER / "product.onnx")
