"""Names of diseases and medicines: the longest wins, and all spellings of one thing are one."""

from __future__ import annotations

import pytest

from bot.content import Faq
from bot.matching.lexical import words
from bot.matching.names import Names

THINGS = [
    ("diabetes", "diabetic"),
    ("type 1 diabetes", "t1d", "type 1"),
    ("type 2 diabetes", "t2d"),
    ("graves' disease", "graves", "grave's"),
    ("hashimoto's thyroiditis", "hashimoto", "hashis"),
    ("thyroiditis",),
    ("lupus", "sle"),
    ("discoid lupus",),
    ("tnf-alpha", "tnf alpha"),
    ("anti-tnf",),
    ("coeliac disease", "coeliac", "celiac"),
    ("st john's wort",),
]
DIABETES, TYPE_1, TYPE_2, GRAVES, HASHIMOTO, THYROIDITIS, LUPUS, DISCOID, TNF, ANTI_TNF, COELIAC, WORT = range(
    len(THINGS)
)


@pytest.mark.parametrize(
    ("text", "things"),
    [
        # none
        ("", set()),
        ("why am I so tired?!", set()),
        ("the diabetologist's lupuses and type 13", set()),
        # one, wherever it stands
        ("Is LUPUS hereditary?", {LUPUS}),
        ("lupus", {LUPUS}),
        ("(lupus), really", {LUPUS}),
        # the longest name wins
        ("what is type 1 diabetes", {TYPE_1}),
        ("what is type 1", {TYPE_1}),
        ("type 2 diabetes", {TYPE_2}),
        ("type 2", set()),
        ("is discoid lupus serious", {DISCOID}),
        ("hashimoto's thyroiditis", {HASHIMOTO}),
        ("hashimoto and thyroiditis", {HASHIMOTO, THYROIDITIS}),
        # overlapping names are read from the left
        ("anti-tnf alpha", {ANTI_TNF}),
        ("type 1 diabetes diabetic", {TYPE_1, DIABETES}),
        ("discoid lupus or lupus", {DISCOID, LUPUS}),
        # possessives, with and without their apostrophe
        ("lupus's signs", {LUPUS}),
        ("Hashimoto's", {HASHIMOTO}),
        ("hashimoto’s and graves’ and Graves's", {HASHIMOTO, GRAVES}),
        ("st john’s wort", {WORT}),
        ("st johns wort", set()),
        # spellings of one thing are one
        ("celiac, coeliac or coeliac disease", {COELIAC}),
        ("T1D vs t2d vs type 1 diabetes", {TYPE_1, TYPE_2}),
        # hyphens and blanks are alike
        ("tnf-alpha, TNF alpha", {TNF}),
        ("anti tnf", {ANTI_TNF}),
    ],
)
def test_a_text_names_these_things(text: str, things: set[int]) -> None:
    assert Names(THINGS).named_in(text) == things


KNOWN = {
    "what",
    "is",
    "does",
    "matter",
    "disease",
    "eye",
    "bowel",
    "type",
    "1",
    "2",
    "one",
    "my",
    "syndrome",
    "diabetes",
}


@pytest.mark.parametrize(
    ("text", "things"),
    [
        ("what is inflammatory botel disease", {0}),
        ("what is inflamatory bowel disease", {0}),
        ("what is inflammatory bowel disease", set()),  # named outright
        ("what is inflammatory botl disease", set()),  # two slips
        ("inflamatory botel disease", set()),  # two words
        ("is eey disease one", {1}),
        ("is one disease my disease", set()),  # a slip of "bone disease", but a word
        ("conns' syndrme", {3}),
        ("type 1 diabtes, type 2 diabetes", {4}),
        ("type 3 diabetes", set()),
        ("lups", set()),  # names of one word are left to the speller
        ("", set()),
    ],
)
def test_a_name_of_several_words_is_nearly_named_with_a_slip_in_one(text: str, things: set[int]) -> None:
    names = Names(
        [
            ("inflammatory bowel disease",),
            ("eye disease",),
            ("bone disease",),
            ("conns syndrome", "conns' syndrome"),
            ("type 1 diabetes",),
            ("lupus",),
        ]
    )
    assert names.nearly_named_in(text, KNOWN.__contains__) == things


def test_a_spelling_under_two_things_belongs_to_the_first() -> None:
    assert Names([("sugar", "glucose"), ("glucose",)]).named_in("glucose") == {0}


def test_without_names_nothing_is_named() -> None:
    assert Names([]).named_in("lupus") == frozenset()


def spellings(faq: Faq) -> list[tuple[int, str]]:
    things = (*faq.vocabulary.diseases, *faq.vocabulary.medicines)
    return [(number, spelling) for number, thing in enumerate(things) for spelling in thing]


def test_every_spelling_of_the_shipped_vocabulary_of_up_to_five_words_is_found_again(shipped: Faq) -> None:
    names = Names((*shipped.vocabulary.diseases, *shipped.vocabulary.medicines))
    short = [(number, spelling) for number, spelling in spellings(shipped) if len(words(spelling)) <= 5]
    lost = [spelling for number, spelling in short if number not in names.named_in(f"Does {spelling.title()} matter?")]
    assert lost == []


def test_a_name_of_six_words_is_found(shipped: Faq) -> None:
    (number,) = {
        number for number, spelling in spellings(shipped) if spelling == "maturity onset diabetes of the young"
    }
    names = Names((*shipped.vocabulary.diseases, *shipped.vocabulary.medicines))
    assert names.named_in("what is maturity onset diabetes of the young") == {number}
