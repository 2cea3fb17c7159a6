"""Likeness by words and pieces of words: 1 for the same text, 0 for nothing in common, and typing slips forgiven."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bot.matching.lexical import LexicalIndex, pieces, words

TEXTS = [
    "what is insulin resistance",
    "can thin people have insulin resistance",
    "what is Hashimoto's thyroiditis",
    "does coffee raise blood sugar",
    "Does coffee raise blood sugar?",
    "why am I always tired",
    "😂",
    "hypo",
]


@pytest.fixture(scope="module")
def index() -> LexicalIndex:
    return LexicalIndex.of(TEXTS)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("What IS it?", ["what", "is", "it"]),
        ("Hashimoto's hashimoto’s don't", ["hashimoto's", "hashimoto’s", "don't"]),
        ("graves' disease, 'quoted'", ["graves", "disease", "quoted"]),
        ("HbA1c 5.7% IL-6 TNF-α", ["hba1c", "5", "7", "il", "6", "tnf", "α"]),
        ("Sjögren 糖尿病", ["sjögren", "糖尿病"]),
        ("...?! 😂", []),
        ("", []),
    ],
)
def test_words_are_lower_case_with_their_apostrophes(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_pieces_are_runs_of_three_to_five_letters_with_borders() -> None:
    assert pieces("pcos") == [" pc", "pco", "cos", "os ", " pco", "pcos", "cos ", " pcos", "pcos "]
    assert pieces("a") == [" a "]


def test_pairs_of_neighbouring_words_count_beside_the_words(index: LexicalIndex) -> None:
    by_text = dict(zip(TEXTS, index.by_word.similarities(words("insulin resistance")), strict=True))
    turned = dict(zip(TEXTS, index.by_word.similarities(words("resistance insulin")), strict=True))
    assert by_text["what is insulin resistance"] > turned["what is insulin resistance"] > 0


def test_weights_are_those_of_the_book() -> None:
    # log(4/3) + 1 for a word in two of three texts, log(4/2) + 1 for one in one; of "a b" and "a" the second is like
    # the first by the share that "a" has in the length of "a", "b" and the pair "a b".
    common, rare = math.log(4 / 3) + 1, math.log(4 / 2) + 1
    similarities = LexicalIndex.of(["a b", "a", "c"]).by_word.similarities(["a"])
    assert similarities == pytest.approx([common / math.sqrt(common**2 + 2 * rare**2), 1, 0])


@pytest.mark.parametrize("number", [number for number, text in enumerate(TEXTS) if words(text)])
def test_a_text_is_wholly_like_itself(index: LexicalIndex, number: int) -> None:
    similarities = index.similarities(TEXTS[number])
    assert similarities.shape == (len(TEXTS),)
    assert similarities[number] == pytest.approx(1, abs=1e-5)
    assert similarities.max() == pytest.approx(1, abs=1e-5)


def test_capitals_and_marks_make_no_difference(index: LexicalIndex) -> None:
    assert index.similarities(TEXTS[3])[4] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("text", ["", "?!", "😂", "xylophon quartz", "糖尿病"])
def test_a_text_with_nothing_in_common_is_like_none(index: LexicalIndex, text: str) -> None:
    assert not index.similarities(text).any()


@pytest.mark.parametrize(
    ("misspelt", "number"),
    [
        ("waht is insulin resistence", 0),
        ("what is insuln resistanc", 0),
        ("can thin poeple have insulin resistnce", 1),
        ("hashimotos thyroidits", 2),
        ("does cofee rais blod suger", 3),
        ("y am i allways tierd", 5),
        ("hypos", 7),
    ],
)
def test_a_misspelt_text_is_still_nearest_to_what_was_meant(index: LexicalIndex, misspelt: str, number: int) -> None:
    similarities = index.similarities(misspelt)
    assert TEXTS[int(similarities.argmax())].lower().rstrip("?") == TEXTS[number].lower()
    assert 0.2 < similarities[number] < 1


def test_the_rare_word_counts_more_than_the_common_one(index: LexicalIndex) -> None:
    by_text = dict(zip(TEXTS, index.similarities("what thyroiditis"), strict=True))
    assert by_text["what is Hashimoto's thyroiditis"] > by_text["what is insulin resistance"] > 0


def test_saying_a_word_often_is_no_trick(index: LexicalIndex) -> None:
    similarities = index.similarities("coffee " * 500)
    assert np.isfinite(similarities).all()
    assert similarities.max() <= 1 + 1e-5


@pytest.mark.parametrize(
    ("text", "own", "known"),
    [
        ("insulin resistance", 0, 1.0),
        ("what is insulin resistance", 0, 1.0),
        ("quartz xylophone", 0, 0.0),
        ("", 0, 0.0),
        # "always tired" stands in one text only: to that text itself none of its terms but "i" and "am" are news.
        ("why am I always tired", 0, 1.0),
        ("why am I always tired", 1, 0.0),
        ("hypo", 1, 0.0),
        # Of two texts with the same words each knows the other.
        ("does coffee raise blood sugar", 1, 1.0),
    ],
)
def test_the_share_of_known_words_leaves_out_what_is_the_texts_own(
    index: LexicalIndex, text: str, own: int, known: float
) -> None:
    assert index.share_known(text, own) == pytest.approx(known)


def test_a_half_known_text_is_known_in_part(index: LexicalIndex) -> None:
    assert 0 < index.share_known("insulin quartz") < index.share_known("insulin resistance quartz") < 1


def test_texts_without_a_single_word_can_be_indexed() -> None:
    index = LexicalIndex.of(["😂", "?!"])
    assert index.similarities("insulin").tolist() == [0, 0]
    assert index.share_known("insulin") == 0


def test_all_texts_at_once_are_as_alike_as_one_by_one(index: LexicalIndex) -> None:
    # They are summed up in groups of about the same length, some of them one by one elsewhere.
    found = words("does coffee make insulin resistance worse, I am tired")
    alone = [index.by_piece.similarities(found, np.array([number]))[0] for number in range(len(TEXTS))]
    assert index.by_piece.similarities(found) == pytest.approx(alone, abs=1e-6)
    assert index.by_piece.similarities(["xyz"]).shape == (len(TEXTS),)
