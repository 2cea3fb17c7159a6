"""The encoder: unit vectors that depend on their text alone, a cache that can only help, and errors in a sentence."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import bot.matching
from bot.matching import Encoder, EncoderError
from bot.matching.encoder import DIMENSIONS
from bot.matching.snapshot import FILES_KEPT

MODEL = Path(bot.matching.__file__).parent / "model"

TEXTS = [
    "",
    "?",
    "insulin",
    "what is insulin resistance",
    "What Is Insulin Resistance?",
    "Is Hashimoto's thyroiditis linked to insulin resistance?",
    "my nan has type 2 diabetes and the doctor spoke of inflammation, what has one to do with the other? " * 8,
    "什么是胰岛素抵抗 😂",
    "a\0b\ud83d",
]


@pytest.mark.parametrize("text", TEXTS)
def test_every_text_has_a_vector_of_unit_length(encoder: Encoder, text: str) -> None:
    vector = encoder.encode(text)
    assert vector.shape == (DIMENSIONS,)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_a_vector_does_not_depend_on_the_company_of_its_text(encoder: Encoder) -> None:
    alone = [encoder.encode(text) for text in TEXTS]
    together = encoder.encode_many(TEXTS)
    turned_round = encoder.encode_many(TEXTS[::-1])[::-1]
    assert together.shape == (len(TEXTS), DIMENSIONS)
    assert np.array_equal(together, np.stack(alone))
    assert np.array_equal(turned_round, together)


def test_a_vector_is_the_same_from_every_thread_and_every_encoder(encoder: Encoder) -> None:
    wanted = encoder.encode_many(TEXTS)
    orders = [np.random.default_rng(number).permutation(len(TEXTS)) for number in range(12)]
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = list(pool.map(lambda order: [encoder.encode(TEXTS[number]) for number in order], orders))
    for order, vectors in zip(orders, found, strict=True):
        assert np.array_equal(np.stack(vectors), wanted[order])
    assert np.array_equal(Encoder().encode_many(TEXTS), wanted)


def test_no_texts_have_no_vectors(encoder: Encoder) -> None:
    assert encoder.encode_many([]).shape == (0, DIMENSIONS)


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("what is insulin resistance", "explain to me what insulin resistance means", "explain what a mortgage is"),
        ("how can I lose weight", "ways to get slimmer", "how can I lose my fear of flying"),
        ("my blood sugar is too low", "I have hypoglycaemia", "my rent is too high"),
        ("does poor sleep matter", "is it bad to sleep too little", "does the colour of a car matter"),
        ("which foods should I eat", "what is a good diet for me", "which shoes should I wear"),
        ("is the thyroid involved", "has it to do with my thyroid gland", "is the government involved"),
        ("can children have it", "does it occur in teenagers", "can it be painted blue"),
        ("WHAT IS PCOS", "what is pcos", "what is lupus"),
        ("when are you open on sunday", "sunday opening hours", "when did columbus sail"),
        ("how do I renew a library book", "extend the loan of a book", "how do I bake bread"),
    ],
)
def test_near_meanings_are_nearer_than_far_ones(encoder: Encoder, text: str, near: str, far: str) -> None:
    vector = encoder.encode(text)
    assert vector @ encoder.encode(near) > vector @ encoder.encode(far)


def the_cache_of(folder: Path) -> Path:
    (file,) = folder.glob("vectors-*.bin")
    return file


def test_content_is_encoded_once_and_read_from_the_cache_ever_after(encoder: Encoder, tmp_path: Path) -> None:
    wanted = encoder.encode_many(TEXTS)
    assert np.array_equal(Encoder(cache_folder=tmp_path).encode_content(TEXTS), wanted)
    cache = the_cache_of(tmp_path)
    before = cache.stat().st_mtime_ns, cache.read_bytes()
    assert np.array_equal(Encoder(cache_folder=tmp_path).encode_content(TEXTS[::-1]), wanted[::-1])
    assert (cache.stat().st_mtime_ns, cache.read_bytes()) == before
    # Only by reading the file can it give what stands there now.
    zeros = np.zeros((len(TEXTS), DIMENSIONS), dtype=np.float32).tobytes()
    body = cache.read_bytes()[32 : -len(zeros)] + zeros
    cache.write_bytes(hashlib.sha256(body).digest() + body)
    assert not Encoder(cache_folder=tmp_path).encode_content(TEXTS).any()


def test_a_new_text_joins_the_cache_and_those_in_it_stay(encoder: Encoder, tmp_path: Path) -> None:
    Encoder(cache_folder=tmp_path).encode_content(TEXTS[:4])
    smaller = the_cache_of(tmp_path).stat().st_size
    vectors = Encoder(cache_folder=tmp_path).encode_content([*TEXTS[2:], *TEXTS[2:]])
    assert np.array_equal(vectors, encoder.encode_many([*TEXTS[2:], *TEXTS[2:]]))
    cache = the_cache_of(tmp_path)
    larger = cache.stat()
    assert larger.st_size > smaller
    # Also the texts that only the first content had are still known: nothing is encoded, so nothing is written.
    vectors = Encoder(cache_folder=tmp_path).encode_content(TEXTS)
    assert np.array_equal(vectors, encoder.encode_many(TEXTS))
    after = cache.stat()  # reading it may change when it was last read
    assert (after.st_ino, after.st_mtime_ns, after.st_size) == (larger.st_ino, larger.st_mtime_ns, larger.st_size)


def test_a_part_of_the_content_is_a_view_of_the_whole(tmp_path: Path) -> None:
    for folder in (None, tmp_path, tmp_path):
        encoder = Encoder(cache_folder=folder)
        whole = encoder.encode_content(TEXTS)
        part = encoder.encode_content(TEXTS[3:7])
        assert np.array_equal(part, whole[3:7])
        assert np.shares_memory(part, whole)
        assert np.array_equal(encoder.encode_content(TEXTS[7:2:-2]), whole[7:2:-2])


def test_no_content_has_no_vectors(tmp_path: Path) -> None:
    for folder in (None, tmp_path):
        assert Encoder(cache_folder=folder).encode_content([]).shape == (0, DIMENSIONS)


def test_caches_of_older_models_are_removed(tmp_path: Path) -> None:
    for number in range(9):
        old = tmp_path / f"vectors-{number}.npy"
        old.touch()
        os.utime(old, (number, number))
    Encoder(cache_folder=tmp_path).encode_content(TEXTS[:2])
    assert len(list(tmp_path.glob("vectors-*"))) == FILES_KEPT
    assert the_cache_of(tmp_path).is_file()


def test_the_digest_covers_all_files_of_the_model(encoder: Encoder, tmp_path: Path) -> None:
    names = ("encoder.onnx", "vocab.txt", "tuned_on.bin")
    digests = {encoder.digest}
    for changed in ("vocab.txt", "tuned_on.bin"):
        folder = tmp_path / changed
        folder.mkdir()
        for name in names:
            (folder / name).write_bytes((MODEL / name).read_bytes() + (b"\nxyzzy" if name == changed else b""))
        digests.add(Encoder(folder).digest)
    assert len(digests) == 3


def test_questions_are_never_written_to_the_cache(tmp_path: Path) -> None:
    encoder = Encoder(cache_folder=tmp_path)
    encoder.encode("what somebody asked")
    encoder.encode_many(["what somebody asked", "and somebody else"])
    assert list(tmp_path.iterdir()) == []


def _shortened(cache: Path) -> None:
    cache.write_bytes(cache.read_bytes()[:-100])


def _one_bit_of_a_vector(cache: Path) -> None:
    content = bytearray(cache.read_bytes())
    content[-5] ^= 1
    cache.write_bytes(content)


def _folder_in_its_place(cache: Path) -> None:
    cache.unlink()
    cache.mkdir()


@pytest.mark.parametrize(
    "damage",
    [
        lambda cache: cache.write_bytes(b""),
        lambda cache: cache.write_bytes(b"not a table" * 500),
        _shortened,
        _one_bit_of_a_vector,
        _folder_in_its_place,
    ],
    ids=["empty", "garbage", "shortened", "one bit", "folder"],
)
def test_a_damaged_cache_does_no_harm(encoder: Encoder, tmp_path: Path, damage: Callable[[Path], object]) -> None:
    Encoder(cache_folder=tmp_path).encode_content(TEXTS)
    damage(the_cache_of(tmp_path))
    vectors = Encoder(cache_folder=tmp_path).encode_content(TEXTS)
    assert np.array_equal(vectors, encoder.encode_many(TEXTS))


def test_a_cache_folder_that_cannot_be_written_does_no_harm(encoder: Encoder, tmp_path: Path) -> None:
    # A file where the folder should be refuses even the administrator.
    in_the_way = tmp_path / "cache"
    in_the_way.write_text("no folder")
    for folder in (in_the_way, in_the_way / "deeper"):
        vectors = Encoder(cache_folder=folder).encode_content(TEXTS[:3])
        assert np.array_equal(vectors, encoder.encode_many(TEXTS[:3]))


def test_a_missing_cache_folder_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "yet"
    Encoder(cache_folder=folder).encode_content(TEXTS[:3])
    assert the_cache_of(folder).is_file()


MODEL_FILES = {name: (MODEL / name).read_bytes()[:200_000] for name in ("encoder.onnx", "vocab.txt")}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("encoder.onnx", None),
        ("encoder.onnx", b""),
        ("encoder.onnx", b"not a model" * 100),
        ("encoder.onnx", b"version https://git-lfs.github.com/spec/v1\n"),
        ("encoder.onnx", MODEL_FILES["encoder.onnx"]),
        ("vocab.txt", None),
        ("vocab.txt", b""),
        ("vocab.txt", b"\xff\xfe" + MODEL_FILES["vocab.txt"]),
    ],
    ids=["no model", "empty", "garbage", "pointer", "half a model", "no vocabulary", "empty", "no UTF-8"],
)
def test_a_missing_or_damaged_model_is_one_clear_sentence(tmp_path: Path, name: str, content: bytes | None) -> None:
    other = "vocab.txt" if name == "encoder.onnx" else "encoder.onnx"
    (tmp_path / other).symlink_to(MODEL / other)
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(EncoderError) as caught:
        Encoder(tmp_path)
    sentence = str(caught.value)
    assert sentence.startswith(f"The sentence encoder in {tmp_path} cannot be loaded (")
    assert sentence.endswith("). Reinstall IRIS.")
    assert "\n" not in sentence


def test_a_model_folder_that_is_not_there_is_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"^The sentence encoder in \S+ cannot be loaded .+ Reinstall IRIS\.$"):
        Encoder(tmp_path / "nowhere")
