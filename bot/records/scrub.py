"""Takes out of a text what could tell who wrote it, before it is encrypted and kept; the rest stays as it is.

What no pattern finds is a name in the running text: so the person sees what will be sent, and can change it.
"""

from __future__ import annotations

import re

# Characters that nobody sees, with which a number or a name would look like two.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")

# In this order: a mail address has an @ and a domain in it, and a link may have both.
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # Discord's own marks: <@123>, <#123>, <:smile:123>, <t:123:R>
    (re.compile(r"<(?:@[!&]?|#|id:|/[\w -]{1,100}:|a?:\w{1,32}:|t:)[^<>\s]{0,40}>"), "[mention]"),
    (re.compile(r"\b[a-z][a-z0-9+.-]{1,15}://\S+|\bwww\.\S+|\b(?:mailto|tel|tg):\S+", re.I), "[link]"),
    (re.compile(r"[\w.+%-]{1,64}\s?(?:@|\(at\)|\[at\])\s?(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}\b", re.I), "[mail]"),
    # Domains that are no word at the beginning of a sentence ("...resistance.It is"); others only with a path.
    (
        re.compile(
            r"(?<![\w.@])(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}"
            r"(?:(?:com|org|net|info|biz|io|gg|app|dev|eu|uk|tv)\b(?:[/?#]\S*)?|[a-z]{2,12}/\S*)",
            re.I,
        ),
        "[link]",
    ),
    (re.compile(r"(?<![\w@])@(?!\d+(?:[.,]\d+)?\b)[\w.]{2,64}"), "[name]"),  # Telegram's and Discord's @name
    (re.compile(r"(?<![\w.])[\w.]{2,32}#\d{4}\b"), "[name]"),  # Discord's older name#1234
    (
        re.compile(r"(?i:\b(?:my name is|my name's|my username is|my handle is))\s+[\w'.-]+(?:\s+[A-Z][\w'.-]+)?"),
        "[name]",
    ),
    (
        re.compile(
            r"(?<!\d)(?:(?:19|20)\d\d[-./](?:0?[1-9]|1[0-2])[-./](?:[12]\d|3[01]|0?[1-9])"
            r"|(?:[12]\d|3[01]|0?[1-9])[-./](?:[12]\d|3[01]|0?[1-9])[-./](?:19|20)\d\d)(?!\d)"
        ),
        "[date]",
    ),
)
# Digits with what people put between them in phone, card and insurance numbers.
_RUN = re.compile(r"(?<!\w)\+?\(?\d(?:[ \t\u00a0\u202f().\u2010-\u2015/-]{0,3}\d)+")
# What stands in such a run and is a value: 5.8, 6,1, 120/80, 70-180.
_VALUE = re.compile(r"(?:0|[1-9]\d{0,2})[.,]\d{1,2}|[1-9]\d{1,2}/[1-9]\d{1,2}|[1-9]\d{0,2}[-\u2010-\u2015][1-9]\d{0,2}")
_DECIMAL = re.compile(r"\d+[.,]\d+")
_WORD = re.compile(r"\w+")
# Values with units have up to six digits (250000 platelets, 10000 IU); phone numbers have seven or more.
_DIGITS_MIN = 7
_BEFORE_MAX = 3


def scrub(text: str) -> str:
    """``text`` with marks in place of mentions, user names, links, mail addresses, phone and other long numbers."""
    text = _INVISIBLE.sub("", text)
    for pattern, mark in _PATTERNS:
        text = pattern.sub(mark, text)
    text = _RUN.sub(lambda run: _mark_numbers(run[0]), text)
    return _WORD.sub(lambda word: _mark_if_long(word[0]), text).strip()


def _mark_numbers(run: str) -> str:
    """A run of digits in which everything between two values is one number."""
    marked, pending = [], ""
    for part in re.split(r"(\s+)", run):
        # A range after other digits is more likely the end of a phone number: +49 30 123 45-67.
        if _VALUE.fullmatch(part) and (_DECIMAL.fullmatch(part) or _digits(pending) < _BEFORE_MAX):
            marked += [_mark_if_long(pending), part]
            pending = ""
        else:
            pending += part
    return "".join([*marked, _mark_if_long(pending)])


def _mark_if_long(text: str) -> str:
    if _digits(text) < _DIGITS_MIN:
        return text
    after = text[len(text.rstrip()) :]
    before = text[: len(text) - len(text.lstrip())]
    return f"{before}[number]{after}"


def _digits(text: str) -> int:
    return sum(character.isdigit() for character in text)
