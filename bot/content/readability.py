"""How hard a text is to read: the Flesch-Kincaid grade, with the terms that an entry explains left out.

The grade is that of textstat 0.7.8 (Kincaid and others, 1975: 0.39 words per sentence + 11.8 syllables per word -
15.59), about the years of school that a reader needs. Long medical words raise it although an entry is about
nothing else and explains them. So these words count as one short word each:

- words of the entry's question with more than 3 letters,
- words in **bold** with more than 3 letters: bold is where an entry explains a term,
- the words of the subject itself (SUBJECT), which nobody who asks can do without.

A plural in -s counts as its singular. Each list item counts as a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.content.small_markdown import bold_words, plain

SUBJECT = frozenset(
    ("insulin", "resistance", "resistant", "autoimmune", "autoimmunity", "immune", "antibody", "antibodies")
) | frozenset(("diabetes", "pancreas", "glucose"))
INSTALL = "pip install textstat==0.7.8"
"""What gives the measure; with IRIS from a package index, its extra ``editor`` does the same."""

_STAND_IN = "term"
_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*")
_SHORT_WORD_MAX = 3  # letters; shorter ones are never what makes a text hard


class ReadabilityMissing(Exception):
    """The library that counts syllables is not installed; it is not needed to answer questions."""


def grade(question: str, markdown: str) -> float:
    """The grade of one text of the entry with this ``question``. Raises ReadabilityMissing."""
    measure = _measure()
    terms = {
        word.lower() for word in _WORD.findall(f"{question} {bold_words(markdown)}") if len(word) > _SHORT_WORD_MAX
    }
    known = SUBJECT | terms

    def simplify(found: re.Match[str]) -> str:
        word = found[0].lower()
        return _STAND_IN if word in known or word.rstrip("s") in known else found[0]

    return measure(_WORD.sub(simplify, plain(markdown)))


def _measure() -> Callable[[str], float]:
    try:
        import textstat  # noqa: PLC0415 - optional, and slow to load
    except ImportError:
        raise ReadabilityMissing(
            f"The reading level was not checked, because textstat is not installed. Install it: {INSTALL}"
        ) from None
    measure: Callable[[str], float] = textstat.flesch_kincaid_grade
    return measure
