"""Folds what a person typed into plain lower-case words with sentence and clause marks; the first step of triage.

Every trick here exists because people in danger type badly, or hide words from filters: wide and bold letters,
look-alike letters of other alphabets, zero-width characters, letters with spaces between, digits for letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from bot.safety.spelling import Speller

# Look-alikes that NFKC leaves alone (Unicode TR39 calls them confusables): Cyrillic, then Greek, then Latin strays.
_PAIRS = (
    "аa вb гr еe ёe иu кk мm нh оo пn рp сc тt уy хx ьb іi ѕs јj ԁd һh ӏl "
    "αa βb γy εe ηn ιi κk νv οo ρp σo τt υu χx ωw "
    "øo łl đd ıi ɡg ɑa ʀr ʏy ɴn ʜh ɪi ʟl ꜱs ᴀa ᴄc ᴅd ᴇe ᴊj ᴋk ᴍm ᴏo ᴘp ᴛt ᴜu ᴠv ᴡw ᴢz"
)
_LOOK_ALIKE = {ord(pair[0]): pair[1] for pair in _PAIRS.split()}
_QUOTES = {ord(mark): None for mark in "'’‘`´ʼ＇"}
_MARKS = {
    ord("…"): " - ",
    ord("–"): " - ",
    ord("—"): " - ",
    ord("_"): " ",
    ord("|"): " ",
    ord("~"): " ",
    ord("\\"): " ",
}

_UNITS = (
    (re.compile(r"mmols?\s?/\s?mol"), " mmolmol "),
    (re.compile(r"mmols?\b(?:\s?(?:/|per)\s?(?:l|liter|litre)\b)?"), " mmol "),
    (re.compile(r"mg\s?(?:/|per|\s)\s?dl\b|mgdl"), " mgdl "),
    (re.compile(r"[uμm]?i?u\s?/\s?ml\b"), " uiuml "),
    (re.compile(r"(?<=\d)\s?%"), " percent "),
    # A clock time, a ratio or a blood pressure is no reading; a row of dots leads from a test to its value.
    (re.compile(r"\b\d{2,3}/\d{2,3}\b"), " ratio "),
    (re.compile(r"\b\d{1,3}:\d{1,3}\b"), " ratio "),
    (re.compile(r"\.{2,}"), " - "),
)
_SPACED = re.compile(r"(?<![^\W_])[a-z](?:[ ._*-]{1,3}[a-z](?![^\W_])){2,}")
_CAPITALS = re.compile(r"\b(?:HI|LO|LOW|HIGH)\b")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_TOKEN = re.compile(
    r"(?P<number>\d+(?:[.,]\d+)?)"
    r"|(?P<word>[^\W\d_](?:[^\W_]|[@$*](?=[^\W\d_]))*)"
    r"|(?P<stop>[.!?;\n\r\u2028]+)"
    r"|(?P<clause>[,:()\[\]\-]+)"
    r"|(?P<sign>[+<>=/&])"
)

_SMALL_NUMBERS = (
    "zero one two three four five six seven eight nine ten "
    "eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
)
_UNDER_TWENTY = {word: number for number, word in enumerate(_SMALL_NUMBERS.split())}
# What stands before a time of day: "at four thirty".
_BEFORE_TIMES = frozenset({"at", "by", "for", "until", "till", "around", "before", "after", "since"})
_TENS_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
_TENS = {word: 10 * number for number, word in enumerate(_TENS_WORDS.split(), 2)}


@dataclass(frozen=True, slots=True)
class Token:
    """One folded word or number, with the sentence and clause it stands in."""

    text: str
    sentence: int
    clause: int
    value: float | None = None
    """The number, when it is one."""
    shouted: bool = False
    """Typed in capitals while the message as a whole was not: HI on a meter is no greeting."""


@dataclass(frozen=True, slots=True)
class Folded:
    """A message as triage reads it."""

    tokens: tuple[Token, ...]
    questions: frozenset[int]
    """Numbers of the sentences that end in a question mark."""


class Normaliser:
    """Folds messages; built once from the rewrites and emoji of safety.yaml and the words that its rules know."""

    def __init__(self, speller: Speller, rewrites: Mapping[str, str], emoji: Mapping[str, str]) -> None:
        self._speller = speller
        self._emoji = {ord(sign): f" {words} " for sign, words in emoji.items() if len(sign) == 1}
        self._one = {key: tuple(to.split()) for key, to in rewrites.items() if " " not in key}
        self._two = {tuple(key.split()): tuple(to.split()) for key, to in rewrites.items() if " " in key}

    def fold(self, text: str) -> Folded:
        """Return the words of the text; never raises, whatever the string holds."""
        plain = self._plain(text)
        tokens: list[Token] = []
        questions: set[int] = set()
        sentence = clause = 0
        lower = plain.lower()
        letters = sum(map(str.isalpha, plain)) if lower != plain else 0
        shouting = letters > 6 and sum(map(str.isupper, plain)) > 0.6 * letters
        lowered = self._respell(lower)
        # Capitals are looked up by word, since folding moves positions.
        capitals = frozenset() if shouting or lower == plain else frozenset(_CAPITALS.findall(plain))
        for match in _TOKEN.finditer(lowered):
            kind = match.lastgroup
            found = match.group()
            if kind == "number":
                value = float(found.replace(",", "."))
                tokens.append(Token(found.replace(",", "."), sentence, clause, value))
            elif kind == "word":
                for word in self._words(found):
                    tokens.append(Token(word, sentence, clause, None, word.upper() in capitals))
            elif kind == "stop":
                if "?" in found:
                    questions.add(sentence)
                sentence += 1
                clause += 1
            elif kind == "clause":
                clause += 1
            else:
                tokens.append(Token(found, sentence, clause))
        return Folded(_with_numbers(self._join_pairs(tokens)), frozenset(questions))

    def words(self, phrase: str) -> list[str]:
        """Return the folded words of a phrase written in safety.yaml, so that rules and messages meet."""
        return [token.text for token in self.fold(phrase).tokens]

    def _plain(self, text: str) -> str:
        """Compatibility forms, look-alikes and accents to plain letters; invisible characters away."""
        if text.isascii():
            return text.translate(_QUOTES).translate(_MARKS)
        text = text.translate(_QUOTES).translate(_MARKS).translate(self._emoji)
        text = unicodedata.normalize("NFKD", text)
        kept: list[str] = []
        for char in text:
            category = unicodedata.category(char)
            if category in ("Mn", "Me", "Cf", "Cs", "Cc") and char not in "\n\r\t":
                continue
            if category in ("So", "Sk", "Co", "Cn"):
                kept.append(" ")
            else:
                kept.append(char)
        plain = "".join(kept).translate(_QUOTES).translate(_MARKS)
        # Capitals of other alphabets fold through their small letter, but plain capitals must stay to be seen.
        return "".join(char if char.isascii() else _LOOK_ALIKE.get(ord(char.lower()[0]), char) for char in plain)

    def _respell(self, text: str) -> str:
        """Units in one form, spaced-out letters joined."""
        text = _THOUSANDS.sub("", text)
        for pattern, unit in _UNITS:
            text = pattern.sub(unit, text)
        return _SPACED.sub(self._joined, text)

    def _joined(self, match: re.Match[str]) -> str:
        letters = re.sub(r"[^a-z]", "", match.group())
        words = self._speller.segment(letters)
        return " ".join(words) if words else match.group()

    def _words(self, found: str) -> tuple[str, ...]:
        folded: list[str] = []
        for word in self._one.get(found) or self._speller.fold(found):
            folded.extend(self._one.get(word, (word,)))
        return tuple(folded)

    def _join_pairs(self, tokens: list[Token]) -> tuple[Token, ...]:
        """Rewrite pairs such as `can not` to one word, inside a sentence."""
        joined: list[Token] = []
        skip = False
        for here, after in zip(tokens, [*tokens[1:], None], strict=False):
            if skip:
                skip = False
                continue
            if after is not None and after.sentence == here.sentence:
                to = self._two.get((here.text, after.text))
                if to is not None:
                    joined.extend(Token(word, here.sentence, here.clause) for word in to)
                    skip = True
                    continue
            joined.append(here)
        return tuple(joined)


def _with_numbers(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """Numbers in words become numbers where they can be a reading: `forty one`, `two point four`, `five hundred`.

    A small number alone stays a word, since most of them are none: `one side`, `the two of us`.
    """
    if not any(token.text in _TENS or token.text in ("point", "hundred") for token in tokens):
        return tokens
    folded: list[Token] = []
    place = 0
    while place < len(tokens):
        number, length = _number_at(tokens, place)
        first = tokens[place]
        if number:
            folded.append(Token(number, first.sentence, first.clause, float(number)))
        else:
            folded.extend(tokens[place : place + length])
        place += length
    return tuple(folded)


def _number_at(tokens: tuple[Token, ...], place: int) -> tuple[str, int]:
    """The number in words that begins there, in digits, and how many words it takes; an empty text and 1 for none."""
    words = [token.text for token in tokens[place : place + 5] if token.sentence == tokens[place].sentence]
    whole, length = _below_hundred(words)
    if not length:
        return "", 1
    rest = words[length:]
    if length == 1 and 0 < whole <= 12 and rest[:1] and rest[0] in _TENS:
        # "four thirty" is half past four, or how Americans say 430.
        more, taken = _below_hundred(rest)
        before = tokens[place - 1].text if place else ""
        is_time = whole > 9 or before in _BEFORE_TIMES or rest[taken : taken + 1] in (["am"], ["pm"])
        return ("" if is_time else str(100 * whole + more)), 1 + taken
    if rest[:1] == ["hundred"] and 0 < whole < 10:
        joint = int(rest[1:2] == ["and"])
        more, taken = _below_hundred(rest[1 + joint :])
        return str(100 * whole + more), length + 1 + (joint + taken if taken else 0)
    if rest[:1] == ["point"] and len(rest) > 1 and _UNDER_TWENTY.get(rest[1], 10) < 10:
        return f"{whole}.{_UNDER_TWENTY[rest[1]]}", length + 2
    return (str(whole), length) if words[0] in _TENS else ("", 1)


def _below_hundred(words: list[str]) -> tuple[int, int]:
    """The number that the words begin with, and how many words it takes; 0 and 0 for none."""
    if not words:
        return 0, 0
    if words[0] in _TENS:
        unit = _UNDER_TWENTY.get(words[1], 0) if len(words) > 1 else 0
        return (_TENS[words[0]] + unit, 2) if 0 < unit < 10 else (_TENS[words[0]], 1)
    return (_UNDER_TWENTY[words[0]], 1) if words[0] in _UNDER_TWENTY else (0, 0)
