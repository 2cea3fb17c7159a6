"""What is taken out of a question that somebody sends in, and what must stay in it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.records.scrub import scrub

OUT = [
    # mentions and user names
    ("<@817236451827364518> what is insulin?", "[mention] what is insulin?"),
    ("<@!8172> <@&99> <#123456> <:smile:8172> <a:dance:8172> <t:1700000000:R>", " ".join(["[mention]"] * 6)),
    ("</ask:8172364518273645> is broken", "[mention] is broken"),
    ("@anna_k told me that PCOS is hereditary", "[name] told me that PCOS is hereditary"),
    ("ask @Dr.Müller99 about T4", "ask [name] about T4"),
    ("I am anna#1234 on Discord", "I am [name] on Discord"),
    ("My name is Anna Schmidt and I have PCOS", "[name] and I have PCOS"),
    ("my name's ben, is 6.5% bad?", "[name], is 6.5% bad?"),
    # mail
    ("write to anna.k+pcos@mail.example.co.uk please", "write to [mail] please"),
    ("anna (at) example.org", "[mail]"),
    # links
    ("see https://forum.example/u/anna?id=3#top now", "see [link] now"),
    ("www.annas-blog.de has my story", "[link] has my story"),
    ("annas-blog.com/story", "[link]"),
    ("my group is t.me/annas_group", "my group is [link]"),
    ("tel:+4930123456 or tg://user?id=81", "[link] or [link]"),
    # phone numbers, as people write them in several countries
    ("call +44 7700 900123 now", "call [number] now"),
    ("+49 (0)30 / 123 45-67", "[number]"),
    ("0171/1234567", "[number]"),
    ("030/123 45 67", "[number]"),
    ("(555) 123-4567", "[number]"),
    ("555-1234", "[number]"),
    ("06.12.34.56.78", "[number]"),
    ("+91 98765 43210, please ring", "[number], please ring"),
    ("\uff10\uff11\uff17\uff11 \uff11\uff12\uff13\uff14\uff15\uff16\uff17", "[number]"),
    ("0171\u200b1234567", "[number]"),
    # long numbers of other kinds
    ("patient 20481936, TSH 4.5", "patient [number], TSH 4.5"),
    ("NHS 943 476 5919", "NHS [number]"),
    ("DE89370400440532013000", "[number]"),
    ("card 4111 1111 1111 1111", "card [number]"),
    ("id817236451827364518x", "[number]"),
    # birthdays and other full dates
    ("born 12.03.1985, type 1 since 2019", "born [date], type 1 since 2019"),
    ("1985-03-12 or 3/12/1985", "[date] or [date]"),
]

STAYS = [
    "Is 5.8 mmol/L too high after 2 hours?",
    "HbA1c 6.5% or 48 mmol/mol, fasting glucose 100-125 mg/dL",
    "5.8 6.1 7.2 6.9 5,5 6,0 in one week",
    "blood pressure 120/80 135/85 128/79",
    "70-180 70-140 54-70 mg/dL",
    "T4, T3, B12, D3, HLA-B27, GLP-1, IL-6, CD4, 25(OH)D, C-peptide, GAD65",
    "HOMA-IR 2.5, TSH 4.5 mIU/L (0.4-4.0), TPO 600",
    "vitamin D 10000 IU, platelets 250000, 250,000, 1,200,000",
    "metformin 500 mg 2x, 1000 mg at night, levothyroxine 88 mcg",
    "I am 34, 172 cm, 81 kg, BMI 27.4, and was diagnosed in 2019 at 28.",
    "75 g OGTT: 0 h 92, 1 h 180, 2 h 153",
    "insulin resistance.It is new to me.Is it bad?",
    "type 1.5 (LADA) vs. type 2, e.g. in adults, i.e. over 30",
    "and/or, w/o insulin, 24/7, 16:8 fasting, 3 a.m.",
    "¿Qué es la resistencia a la insulina? Insulinresistenz, инсулин",
    "I measured @ 8 pm and @5.8",
]


@pytest.mark.parametrize(("said", "kept"), OUT)
def test_what_could_tell_who_wrote_it_goes(said: str, kept: str) -> None:
    assert scrub(said) == kept


@pytest.mark.parametrize("said", STAYS)
def test_what_is_medical_stays(said: str) -> None:
    assert scrub(said) == said


@pytest.mark.parametrize(("said", "kept"), OUT)
def test_what_was_scrubbed_is_not_changed_by_scrubbing_again(said: str, kept: str) -> None:
    assert scrub(kept) == kept


@given(st.text(st.sampled_from("0123456789 +-()/.,@#:<>ab\u0663\u200b"), max_size=200))
def test_nothing_is_left_that_has_seven_digits_or_looks_like_a_name(said: str) -> None:
    kept = scrub(said)
    assert not re.search(r"\d{7}", kept)
    assert not re.search(r"(?<![\w@])@[ab]{2,64}", kept)


@pytest.mark.parametrize("piece", ["a.", "@", "1 ", "1-", "a@", "<@", "a.b@", "(1", "http", "x" * 63 + "."])
def test_hostile_texts_come_to_an_end(piece: str) -> None:
    kept = scrub(piece * (4_000 // len(piece)))
    assert not re.search(r"\d(?:[ -]?\d){6}", kept)
