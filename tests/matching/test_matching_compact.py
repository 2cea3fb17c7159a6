"""Vectors in 7 bits: cosines as of the vectors themselves but for rounding, down to the edges of what can be asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bot.matching import Encoder, EncoderError, compact
from bot.matching.compact import CompactVectors

TEXTS = [
    "what is insulin resistance",
    "what does insulin resistance mean",
    "can thin people have insulin resistance",
    "why do my joints hurt in the morning",
    "is coeliac disease an allergy",
    "who won the football yesterday",
    "😂",
]
ROUNDING = 0.004


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return Encoder().encode_many(TEXTS)


@pytest.mark.parametrize("asked", range(len(TEXTS)))
def test_cosines_differ_by_the_rounding_alone(vectors: np.ndarray, asked: int) -> None:
    found = CompactVectors(vectors).cosines(vectors[asked])
    assert found.shape == (len(TEXTS),)
    assert found.dtype == np.float32
    assert np.abs(found - vectors @ vectors[asked]).max() < ROUNDING
    assert int(found.argmax()) == asked


@pytest.mark.parametrize("seed", range(5))
def test_any_unit_vectors_will_do(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows = random.standard_normal((500, 384)).astype(np.float32) ** (1 + 2 * (seed % 2))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    found = CompactVectors(rows).cosines(rows[7])
    assert np.abs(found - rows @ rows[7]).max() < 4 * ROUNDING


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_largest_sums_fit(sign: float) -> None:
    # All at their highest level: where two products overflowed 16 bits, this would be far from 1.
    flat = np.full((1, 384), sign / np.sqrt(384), dtype=np.float32)
    assert CompactVectors(flat).cosines(flat[0]) == pytest.approx([1.0], abs=1e-5)
    assert CompactVectors(-flat).cosines(flat[0]) == pytest.approx([-1.0], abs=1e-5)


def test_one_axis_and_zero_vectors() -> None:
    axis = np.eye(384, dtype=np.float32)[[3]]
    zero = np.zeros((1, 384), dtype=np.float32)
    both = CompactVectors(np.concatenate((axis, zero)))
    assert both.cosines(axis[0]) == pytest.approx([1.0, 0.0])
    assert both.cosines(zero[0]) == pytest.approx([0.0, 0.0])


def test_no_vectors_have_no_cosines(vectors: np.ndarray) -> None:
    assert CompactVectors(vectors[:0]).cosines(vectors[0]).shape == (0,)


@pytest.mark.parametrize("damage", [None, b"", b"not a model"])
def test_a_missing_or_damaged_product_is_one_clear_sentence(
    damage: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vectors: np.ndarray
) -> None:
    if damage is not None:
        (tmp_path / "product.onnx").write_bytes(damage)
    monkeypatch.setattr(compact, "MODEL_FOLDER", tmp_path)
    compact._product.cache_clear()
    try:
        with pytest.raises(EncoderError, match=r"^The sentence encoder in \S+ cannot be loaded .+ Reinstall IRIS\.$"):
            CompactVectors(vectors)
    finally:
        compact._product.cache_clear()
