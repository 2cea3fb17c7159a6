"""Spelling: unknown words move to words of the content, and whatever anybody knows stays as it is."""

from __future__ import annotations

from collections import Counter
from itertools import chain

import pytest

from bot.content import Faq
from bot.matching import Encoder
from bot.matching.spelling import Speller, spelling_targets


@pytest.fixture(scope="module")
def speller(shipped: Faq, encoder: Encoder) -> Speller:
    """The speller of the shipped content."""
    edited = chain.from_iterable((entry.question, entry.short, entry.details) for entry in shipped.entries)
    utterances = chain.from_iterable(
        (*(entry.utterances for entry in shipped.entries), *(talk.utterances for talk in shipped.smalltalk))
    )
    names = chain.from_iterable((*shipped.vocabulary.diseases, *shipped.vocabulary.medicines))
    return Speller(
        spelling_targets(edited, utterances, encoder.wordpiece.__contains__), encoder.wordpiece.__contains__, names
    )


MISSPELT = [
    # a letter too few, too many, wrong, or two swapped
    ("symtoms", "symptoms"),
    ("bloood", "blood"),
    ("insluin", "insulin"),
    ("glucoze", "glucose"),
    ("thyriod", "thyroid"),
    ("hipoglycemia", "hypoglycemia"),
    ("dibaetes", "diabetes"),
    ("excercise", "exercise"),
    ("pregnent", "pregnant"),
    ("cytokins", "cytokines"),
    ("steriods", "steroids"),
    ("menapause", "menopause"),
    ("sugr", "sugar"),
    # two slips in a longer word
    ("antybodeis", "antibodies"),
    ("supliments", "supplements"),
    ("choelsteroll", "cholesterol"),
    ("rheumetiod", "rheumatoid"),
    ("psoriassiss", "psoriasis"),
    # the first letter
    ("nisulin", "insulin"),
    ("imsulin", "insulin"),
    ("yhyroid", "thyroid"),
    ("enflammation", "inflammation"),
    ("uatoimmune", "autoimmune"),
    ("oancreas", "pancreas"),
    ("kolesterol", "cholesterol"),
    # names that the content has
    ("metfromin", "metformin"),
    ("lupsu", "lupus"),
    ("celliac", "celiac"),
    ("psorasis", "psoriasis"),
]


@pytest.mark.parametrize(("misspelt", "corrected"), MISSPELT)
def test_a_misspelt_word_becomes_the_word_that_was_meant(speller: Speller, misspelt: str, corrected: str) -> None:
    assert speller.correct(misspelt) == corrected
    assert speller.correct(f"What IS {misspelt.capitalize()}?") == f"what is {corrected}"


def test_every_wrong_word_of_a_message_is_corrected(speller: Speller) -> None:
    assert speller.correct("Whta causses insluin resitsance, adn is it hereditery?").endswith("is it hereditary")
    assert "insulin" in speller.correct("Whta causses insluin resitsance")


STAYS = {
    "medicines, in the content or not": """
        metformin ozempic semaglutide tirzepatide mounjaro prednisone prednisolone hydroxychloroquine hydroxyzine
        hydroxyurea methotrexate rituximab infliximab levothyroxine liothyronine glipizide glyburide pioglitazone
        rosiglitazone empagliflozin dapagliflozin sitagliptin saxagliptin clomifene lantus humalog novolog actrapid
        actos byetta inositol berberine inulin
    """,
    "diseases, in the content or not": """
        hashimoto hashimotos graves gravis myasthenia sarcoidosis scleroderma vasculitis arteritis hypothyroid
        hyperthyroid hypothyroidism hyperthyroidism hypoparathyroidism lipodystrophy insulinoma sjogren sjögren behçet
        gout lichen mody lada pcos pcod nafld masld hirata
    """,
    "short forms": """
        ir ra ms sle t1d t2dm a1c hba1c homa ogtt dka tsh bmi crp il6 tnf
    """,
    "numbers and units": """
        126 6.5 5.6 100-125 48 1,000mg 500mcg x2 mmol/l mg/dl mmol kcal kg 16:8 glut4
    """,
    "short words, also wrong ones": """
        teh adn wat hte a ur u
    """,
    "English words that the content lacks": """
        xylophone plumber violin mortgage tortoise resident dietary injustice gloves luscious insulate insular diaries
        immoral thyme cellar tension glacier prescribe
    """,
    "everyday words and names of people and places": """
        lol london mexico sarah google football
    """,
    "other scripts and no words at all": "糖尿病 инсулин 😂 ?!",
}


@pytest.mark.parametrize("word", [word for group in STAYS.values() for word in group.split()])
def test_a_word_that_anybody_knows_stays(speller: Speller, word: str) -> None:
    assert speller.correct(word) == word


def test_every_name_of_the_vocabulary_stays(speller: Speller, shipped: Faq) -> None:
    names = {
        name
        for things in (shipped.vocabulary.diseases, shipped.vocabulary.medicines)
        for thing in things
        for name in thing
    }
    assert {name: speller.correct(name) for name in names if speller.correct(name) != name} == {}


def test_a_text_that_needs_nothing_comes_back_as_it_was_typed(speller: Speller) -> None:
    text = "What  IS\tHashimoto's Disease -- and why?!"
    assert speller.correct(text) is text


@pytest.mark.parametrize(
    "text",
    ["a", "insulin" * 50, "z" * 5_000, "insluin " * 300, "\ud83d half", "naïve café"],
    ids=lambda text: text[:10],
)
def test_no_text_is_too_strange_to_be_read(speller: Speller, text: str) -> None:
    assert isinstance(speller.correct(text), str)


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [("isulin", "insulin"), ("inuslin", "insulin"), ("inaulin", "insulin"), ("wheg", "when"), ("waht", "what")],
)
def test_one_of_the_commonest_words_is_likelier_meant_than_a_name_that_is_never_used(
    speller: Speller, misspelt: str, meant: str
) -> None:
    assert speller.correct(misspelt) == meant


@pytest.mark.parametrize(
    ("misspelt", "name"),
    [
        ("hypthyroid", "hypothyroid"),  # becomes "hyperthyroid", its very opposite
        ("gravvis", "gravis"),  # of myasthenia gravis; becomes "graves"
        ("innulin", "inulin"),  # a fibre; becomes "insulin"
        ("arteitis", "arteritis"),  # giant cell arteritis; becomes "arthritis"
        ("byeta", "byetta"),  # becomes "beta"
        ("infaction", "infarction"),  # becomes "infection"
    ],
)
def test_a_slip_in_a_protected_name_does_not_turn_it_into_another(speller: Speller, misspelt: str, name: str) -> None:
    assert speller.correct(misspelt) in (misspelt, name)


@pytest.mark.parametrize(
    ("misspelt", "corrected"),
    [
        ("resistence", "resistance"),
        ("insuline", "insulin"),
        ("autoimune", "autoimmune"),
        ("diabetis", "diabetes"),
        ("inflamation", "inflammation"),
        ("wieght", "weight"),
        ("suger", "sugar"),
        ("diffrence", "difference"),
    ],
)
def test_a_frequent_slip_is_a_slip_all_the_same(speller: Speller, misspelt: str, corrected: str) -> None:
    assert speller.correct(misspelt) == corrected


def test_of_two_words_as_near_the_more_frequent_one_is_taken() -> None:
    targets = Counter({"zibbet": 3, "zibbot": 30})
    assert Speller(targets, lambda word: False).correct("zibbat") == "zibbot"


@pytest.mark.parametrize(
    ("word", "corrected"),
    [
        ("blorg", "blorp"),  # five letters: one slip
        ("blxxp", "blxxp"),  # two are too many
        ("snorfle", "snurfle"),
        ("znorfle", "snurfle"),  # seven letters: two slips
        ("znarfla", "znarfla"),  # three are too many
        ("bxp", "bxp"),  # too short to say
    ],
)
def test_longer_words_may_have_more_slips(word: str, corrected: str) -> None:
    targets = Counter({"blorp": 5, "snurfle": 5, "bop": 5})
    assert Speller(targets, lambda word: False).correct(word) == corrected


@pytest.mark.parametrize(
    ("typed", "meant", "other"),
    [
        ("chafged", "charged", "changed"),  # f lies beside r, not beside n
        ("ligt", "light", "list"),  # a letter left out
        ("emaisl", "emails", "email"),  # two letters swapped, not one too many
        ("snurrf", "snurf", "snurrl"),  # a letter struck twice
    ],
)
def test_a_likely_slip_comes_before_a_commoner_word(typed: str, meant: str, other: str) -> None:
    assert Speller(Counter({meant: 5, other: 50}), lambda word: False).correct(f"{typed} zz") == f"{meant} zz"


@pytest.mark.parametrize(
    ("typed", "everyday", "of_the_content"),
    [
        ("sendign", "sending", "pending"),
        ("shippign", "shipping", "shopping"),
        ("creaotr", "creator", "create"),
        ("questoin", "question", "questions"),
    ],
)
def test_a_slip_in_an_everyday_word_does_not_lead_to_the_content(
    typed: str, everyday: str, of_the_content: str
) -> None:
    assert Speller(Counter({of_the_content: 50}), lambda word: False).correct(typed) == everyday


def test_a_short_word_has_lost_a_letter_of_a_very_common_one_or_stays() -> None:
    speller = Speller(Counter({"what": 40, "hurt": 1, "whet": 1, "filler": 2_000}), lambda word: False)
    assert speller.correct("wht hrt") == "what hrt"


def test_a_slip_beside_an_apostrophe_is_corrected() -> None:
    assert Speller(Counter({"haven't": 5}), lambda word: False).correct("haevn't") == "haven't"


def test_edited_words_are_right_and_those_of_utterances_only_when_several_agree() -> None:
    general = {"tired"}
    targets = spelling_targets(
        ["Snurfle and blorp"],
        ["snurfle wich", "am I tierd", "tired", *["zibbet zibbet"] * 4, *["quom"] * 3],
        general.__contains__,
    )
    assert targets["snurfle"] == 2
    assert targets["tired"] == 1
    assert targets["zibbet"] == 4
    assert not {"wich", "tierd", "quom"} & set(targets)
