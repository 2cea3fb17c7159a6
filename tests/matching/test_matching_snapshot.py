"""What was learnt is kept between starts: the same matches from disk, and whatever is damaged is learnt again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bot.matching import Encoder, Intent, Match, Matcher, Outcome, Vocabulary, Wording, snapshot

INTENTS = [
    Intent("tyre", ("my tyre is flat", "I need a new inner tube", "puncture repair", "can you patch a tyre")),
    Intent("brakes", ("my brakes squeal", "the brake does not grip", "new brake pads", "adjust my brakes")),
    Intent("rental", ("can I rent a bike", "bike hire for a weekend", "do you lend bicycles", "what does hire cost")),
    Intent("hours", ("when are you open", "opening hours", "are you open on sunday", "when do you close")),
]
BACKGROUND = [
    "what is the capital of france",
    "best pizza in town",
    "who won the match",
    "tell me a joke",
    "is it raining",
]
QUESTIONS = [
    "flat tyre",
    "hire two bikes",
    "what is the weather",
    "",
    "until when is your shop open",
    "brke pads 😂",
    "joke",
]


def fit(folder: Path, intents: list[Intent] | None = None, background: list[str] | None = None) -> Matcher:
    return Matcher.fit(
        intents or INTENTS, BACKGROUND if background is None else background, Encoder(cache_folder=folder)
    )


def matches(matcher: Matcher) -> list[Match]:
    return [matcher.match(question) for question in QUESTIONS]


@pytest.fixture(scope="module")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache folder that the first start leaves behind; look, don't touch."""
    folder = tmp_path_factory.mktemp("first")
    fit(folder)
    return folder


@pytest.fixture
def cache(first_start: Path, tmp_path: Path) -> Path:
    """A copy of that folder."""
    return Path(shutil.copytree(first_start, tmp_path / "cache"))


def snapshots(folder: Path) -> list[Path]:
    return sorted(folder.glob("matcher-*.npz"))


@pytest.fixture(scope="module")
def wanted(encoder: Encoder) -> list[Match]:
    """The matches of a matcher that was never near a disk."""
    return matches(Matcher.fit(INTENTS, BACKGROUND, encoder))


def test_what_was_saved_and_loaded_gives_the_very_same_matches(wanted: list[Match], cache: Path) -> None:
    (file,) = snapshots(cache)
    written = file.stat().st_mtime_ns, file.read_bytes()
    assert matches(fit(cache)) == wanted
    assert snapshots(cache) == [file]
    assert (file.stat().st_mtime_ns, file.read_bytes()) == written


def test_the_second_start_goes_by_the_file(cache: Path) -> None:
    (file,) = snapshots(cache)
    arrays = snapshot.load(file)
    assert arrays is not None
    snapshot.save(file, {**arrays, "thresholds": np.array([2.0, 2.0])})
    assert {match.outcome for match in matches(fit(cache))} == {Outcome.OUT_OF_SCOPE}


def test_the_files_hold_no_code(first_start: Path) -> None:
    kinds = {file.name.split("-")[0] for file in first_start.iterdir()}
    assert kinds == {"matcher", "speller", "vectors"}
    for file in first_start.glob("*.npz"):
        with np.load(file, allow_pickle=False) as arrays:
            assert all(arrays[name].dtype != object for name in arrays.files)


def test_a_damaged_file_of_words_is_made_again(wanted: list[Match], cache: Path) -> None:
    (file,) = cache.glob("speller-*.npz")
    whole = file.read_bytes()
    file.write_bytes(whole[:-1_000])
    assert matches(fit(cache)) == wanted
    assert file.read_bytes() == whole


@pytest.mark.parametrize(
    ("intents", "background"),
    [
        (
            [replace(INTENTS[0], utterances=(*INTENTS[0].utterances[:3], "can you patch a tire")), *INTENTS[1:]],
            BACKGROUND,
        ),
        (INTENTS, [*BACKGROUND[:-1], "is it snowing"]),
        # The same texts with a border moved: an utterance more here is one less there.
        (
            [
                replace(INTENTS[0], utterances=(*INTENTS[0].utterances, INTENTS[1].utterances[0])),
                replace(INTENTS[1], utterances=INTENTS[1].utterances[1:]),
                *INTENTS[2:],
            ],
            BACKGROUND,
        ),
    ],
    ids=["utterance", "background", "border"],
)
def test_a_changed_content_gets_another_file(cache: Path, intents: list[Intent], background: list[str]) -> None:
    fit(cache, intents, background)
    assert len(snapshots(cache)) == 2


def test_another_id_needs_no_new_fit_and_shows_at_once(cache: Path) -> None:
    renamed = [replace(INTENTS[0], id="puncture"), *INTENTS[1:]]
    assert fit(cache, renamed).match("my tyre is flat").candidates[0].intent_id == "puncture"
    assert len(snapshots(cache)) == 1


def test_another_encoder_gets_another_file(tmp_path: Path) -> None:
    places = {snapshot.place(tmp_path, "matcher", ["a", "b"], digest) for digest in ("one", "two")}
    assert len(places) == 2
    assert snapshot.place(None, "matcher", ["a", "b"], "one") is None


def _shortened(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1_000])


def _one_bit_of_the_data(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[2_000] ^= 1
    file.write_bytes(content)


def _said_to_be_encrypted(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] ^= 1  # the first entry of the zip's directory
    file.write_bytes(content)


def _an_array_is_missing(file: Path) -> None:
    arrays = dict(np.load(file))
    del arrays["thresholds"]
    with file.open("wb") as target:
        np.savez(target, **arrays)


def _folder_in_its_place(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"no archive" * 500),
        _shortened,
        _one_bit_of_the_data,
        _folder_in_its_place,
        _said_to_be_encrypted,
        _an_array_is_missing,
    ],
    ids=["empty", "garbage", "shortened", "one bit", "folder", "encrypted", "array missing"],
)
def test_a_damaged_file_is_fitted_again(wanted: list[Match], cache: Path, damage: Callable[[Path], object]) -> None:
    (file,) = snapshots(cache)
    damage(file)
    assert matches(fit(cache)) == wanted


def test_a_folder_that_cannot_be_written_does_no_harm(wanted: list[Match], tmp_path: Path) -> None:
    in_the_way = tmp_path / "cache"
    in_the_way.write_text("no folder")
    assert matches(fit(in_the_way)) == wanted


def test_old_files_of_a_kind_are_removed_and_those_of_others_stay(tmp_path: Path) -> None:
    other = tmp_path / "second_look-0.npz"
    snapshot.save(other, {"x": np.zeros(1)})
    files = [tmp_path / f"matcher-{number}.npz" for number in range(9)]
    for number, file in enumerate(files):
        snapshot.save(file, {"x": np.full(3, number)})
        os.utime(file, (number, number))
    assert snapshots(tmp_path) == files[-snapshot.FILES_KEPT :]
    assert other.is_file()
    assert list(tmp_path.glob("*.part")) == []
    newest = snapshot.load(files[-1])
    assert newest is not None
    assert newest["x"].tolist() == [8, 8, 8]


def test_a_file_that_is_still_read_outlives_newer_ones(tmp_path: Path) -> None:
    read = tmp_path / "matcher-read.npz"
    snapshot.save(read, {"x": np.zeros(1)})
    os.utime(read, (0, 0))
    for number in range(2 * snapshot.FILES_KEPT):
        assert snapshot.load(read) is not None
        file = tmp_path / f"matcher-{number}.npz"
        snapshot.save(file, {"x": np.zeros(1)})
        os.utime(file, (number, number))
    assert read in snapshots(tmp_path)


def test_a_file_that_is_not_there_is_nothing(tmp_path: Path) -> None:
    assert snapshot.load(tmp_path / "matcher-0.npz") is None


def test_spellings_of_examples_are_kept(encoder: Encoder, tmp_path: Path) -> None:
    wording = Wording.of(
        [Intent("thirst", ("why am I so thirsty",), ("thirst and sugar",))],
        [],
        Vocabulary({"bg": "blood glucose"}),
        encoder,
    )
    texts = ["why am i so thrsty", "two\nlines", "bg?", "why am I so thirsty", ""]
    wanted = {text: wording.best(text) for text in texts}
    assert wanted["bg?"] == "blood glucose"
    keeping = Encoder(cache_folder=tmp_path)
    assert wording.best_of(texts, keeping) == wanted
    (file,) = tmp_path.glob("wording-*.npz")
    written = file.stat().st_mtime_ns
    assert wording.best_of(texts, keeping) == wanted
    assert file.stat().st_mtime_ns == written
    assert wording.best_of(texts[:1], keeping) == {texts[0]: wanted[texts[0]]}
    assert wording.best_of([], keeping) == {}
    file.write_bytes(b"damaged")
    assert wording.best_of(texts, keeping) == wanted


@pytest.mark.parametrize("vocabulary", [{"": 0}, {"sugar": 0, "süß": 1}])
def test_a_vocabulary_is_read_as_it_was_kept_even_that_of_texts_without_words(vocabulary: dict[str, int]) -> None:
    assert snapshot._numbered(snapshot._joined(vocabulary)) == vocabulary
