"""WordPiece: the ids are those that the `tokenizers` package 0.22 gave for the encoder's own tokenizer.json."""

from __future__ import annotations

import pytest

from bot.matching import Encoder
from bot.matching.wordpiece import TOKENS_MAX, WordPiece

START, END, UNKNOWN = 101, 102, 100
WORD = 2773
INTERNATIONALISATION = [2248, 6648]

IDS = [
    # plain
    ("", [101, 102]),
    (" \t\r\n", [101, 102]),
    ("What is insulin resistance?", [101, 2054, 2003, 22597, 5012, 1029, 102]),
    ("WHAT IS PCOS", [101, 2054, 2003, 7473, 2891, 102]),
    ("hypogammaglobulinaemia", [101, 1044, 22571, 18170, 14760, 23296, 16429, 18639, 6679, 10092, 102]),
    (
        "pseudopseudohypoparathyroidism",
        [101, 18404, 29251, 6784, 11631, 22571, 29477, 27362, 12541, 9314, 2964, 102],
    ),
    # accents and apostrophes
    (
        "Sjögren's, Behçet's and Ménière's",
        [
            101,
            1055,
            5558,
            13565,
            1005,
            1055,
            1010,
            2022,
            16257,
            3388,
            1005,
            1055,
            1998,
            2273,
            21253,
            1005,
            1055,
            102,
        ],
    ),
    ("re\u0301sistance a\u0300 l’insuline", [101, 5012, 1037, 1048, 1521, 22597, 2063, 102]),
    (
        "Hashimoto's vs hashimoto’s",
        [101, 23325, 16339, 3406, 1005, 1055, 5443, 23325, 16339, 3406, 1521, 1055, 102],
    ),
    ("don't can't I'm", [101, 2123, 1005, 1056, 2064, 1005, 1056, 1045, 1005, 1049, 102]),
    ("Straße İstanbul ﬁbre ½ ①", [101, 2358, 27807, 9960, 1984, 13578, 1092, 100, 102]),
    # numbers, units and marks
    (
        "HbA1c 6.5% = 48 mmol/mol",
        [101, 1044, 3676, 2487, 2278, 1020, 1012, 1019, 1003, 1027, 4466, 3461, 4747, 1013, 9587, 2140, 102],
    ),
    (
        "5.6–6.9 mmol/L (100-125 mg/dL)",
        [
            101,
            1019,
            1012,
            1020,
            1516,
            1020,
            1012,
            1023,
            3461,
            4747,
            1013,
            1048,
            1006,
            2531,
            1011,
            8732,
            11460,
            1013,
            21469,
            1007,
            102,
        ],
    ),
    ("1,000mg x2/day", [101, 1015, 1010, 2199, 24798, 1060, 2475, 1013, 2154, 102]),
    (
        "50% off!!! $5 + ~3 <b>",
        [101, 2753, 1003, 2125, 999, 999, 999, 1002, 1019, 1009, 1066, 1017, 1026, 1038, 1028, 102],
    ),
    (
        "IL-6, TNF-α & GLP-1",
        [101, 6335, 1011, 1020, 1010, 28286, 2546, 1011, 1155, 1004, 1043, 14277, 1011, 1015, 102],
    ),
    ("type_1 #diabetes @iris", [101, 2828, 1035, 1015, 1001, 14671, 1030, 11173, 102]),
    ("#hashtag ##ing", [101, 1001, 23325, 15900, 1001, 1001, 13749, 102]),
    ("...", [101, 1012, 1012, 1012, 102]),
    ("why?!?", [101, 2339, 1029, 999, 1029, 102]),
    ("e.g. U.S.A.", [101, 1041, 1012, 1043, 1012, 1057, 1012, 1055, 1012, 1037, 1012, 102]),
    ("a/b\\c|d", [101, 1037, 1013, 1038, 1032, 1039, 1064, 1040, 102]),
    (
        "http://example.org/a?b=c",
        [101, 8299, 1024, 1013, 1013, 2742, 1012, 8917, 1013, 1037, 1029, 1038, 1027, 1039, 102],
    ),
    # other scripts, alone and mixed
    ("什么是胰岛素抵抗", [101, 100, 100, 100, 100, 100, 100, 100, 100, 102]),
    ("diabetes糖尿病type2", [101, 14671, 100, 100, 100, 2828, 2475, 102]),
    ("インスリン抵抗性", [101, 1695, 30263, 30233, 30258, 30263, 100, 100, 100, 102]),
    (
        "인슐린 저항성",
        [
            101,
            1463,
            30019,
            30021,
            29997,
            30016,
            30022,
            29994,
            30019,
            30021,
            1464,
            30008,
            30005,
            30006,
            30025,
            29997,
            30008,
            30025,
            102,
        ],
    ),
    (
        "Что такое диабет",
        [101, 1202, 22919, 14150, 1197, 10260, 23925, 14150, 15290, 1184, 10325, 10260, 29740, 15290, 22919, 102],
    ),
    ("ما هو السكري", [101, 1295, 25573, 1297, 29836, 1270, 23673, 29824, 29835, 17149, 14498, 102]),
    (
        "τι είναι ο διαβήτης",
        [101, 1174, 18199, 1159, 18199, 16177, 14608, 18199, 1169, 1158, 27432, 29720, 24824, 29734, 29155, 102],
    ),
    ("मधुमेह क्या है", [101, 1331, 29862, 29867, 29875, 1315, 29868, 29876, 1339, 102]),
    ("ＷＩＤＥ ｌｅｔｔｅｒｓ", [101, 100, 100, 102]),
    # emoji, control and invisible characters
    ("😂😂 help 🔥", [101, 100, 2393, 100, 102]),
    ("👩\u200d👩\u200d👧 family", [101, 100, 2155, 102]),
    ("in\u200bsulin re\u00adsistance", [101, 22597, 5012, 102]),
    ("a\0b\ac\ufffdd\x7fe", [101, 5925, 3207, 102]),
    ("tab\tnew\nline\u00a0space\u3000wide", [101, 21628, 2047, 2240, 2686, 2898, 102]),
    ("line\u2028separator", [101, 2240, 19802, 25879, 2953, 102]),
]


@pytest.fixture(scope="module")
def wordpiece(encoder: Encoder) -> WordPiece:
    return encoder.wordpiece


@pytest.mark.parametrize(("text", "ids"), IDS)
def test_text_becomes_the_ids_that_the_encoder_was_trained_on(wordpiece: WordPiece, text: str, ids: list[int]) -> None:
    assert wordpiece(text) == ids


def test_a_word_of_more_than_100_letters_is_unknown(wordpiece: WordPiece) -> None:
    assert wordpiece("x" * 100) == [START, 22038, *[20348] * 49, END]
    assert wordpiece("x" * 101) == [START, UNKNOWN, END]
    assert wordpiece("a" + "b" * 149) == [START, UNKNOWN, END]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("word " * 125, [WORD] * 125),
        ("word " * 126, [WORD] * 126),
        ("word " * 127, [WORD] * 126),
        ("word " * 5_000, [WORD] * 126),
        # The cut may fall inside a word.
        ("word " * 124 + "internationalisation", [WORD] * 124 + INTERNATIONALISATION),
        ("word " * 125 + "internationalisation", [WORD] * 125 + INTERNATIONALISATION[:1]),
        ("internationalisation " * 70, INTERNATIONALISATION * 63),
    ],
)
def test_a_long_text_keeps_its_first_tokens_and_its_end_mark(wordpiece: WordPiece, text: str, ids: list[int]) -> None:
    assert wordpiece(text) == [START, *ids, END]
    assert len(wordpiece(text)) <= TOKENS_MAX == 128


def test_marks_of_the_model_that_a_person_types_are_ordinary_characters(wordpiece: WordPiece) -> None:
    # The `tokenizers` package would take them for its own, and so let a message end before its end.
    ids = wordpiece("[SEP] [CLS] [UNK] [PAD] [MASK]")
    assert ids[0] == START
    assert ids[-1] == END
    assert {START, END, UNKNOWN, 0, 103}.isdisjoint(ids[1:-1])


def test_half_characters_and_every_plane_of_unicode_are_survived(wordpiece: WordPiece) -> None:
    everything = [chr(code) for code in range(0, 0x110000, 61)]
    for text in ("".join(everything), "\ud83d insulin \udc00", *everything):
        ids = wordpiece(text)
        assert (ids[0], ids[-1]) == (START, END)


@pytest.mark.parametrize(
    ("word", "known"), [("insulin", True), ("diabetes", True), ("resistence", False), ("insln", False), ("", False)]
)
def test_whole_words_of_the_vocabulary_are_known_as_words(wordpiece: WordPiece, word: str, known: bool) -> None:
    assert (word in wordpiece) is known
