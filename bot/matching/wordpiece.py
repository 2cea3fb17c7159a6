"""Splits text into the encoder's vocabulary: BERT's uncased WordPiece, in the standard library alone.

The `tokenizers` package gives the same ids but brings a network client (huggingface-hub) along, about 30 MB in
all; this file replaces it. Method: Devlin et al. 2019 (BERT), greedy longest match first.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import Path

# The encoder was trained on 256 tokens at most; a chat question has about 20. Later words are dropped.
TOKENS_MAX = 128
_WORD_MAX = 100  # BERT gives up on longer words and calls them unknown

_ASCII_PART = re.compile(r"[a-z0-9]+|[!-/:-@\[-`{-~]")
_NO_CONTROLS = {code: None for code in (*range(0x20), 0x7F) if chr(code) not in "\t\n\r"}


class WordPiece:
    """Token ids of a text by the vocabulary in ``vocabulary_file``, one token a line."""

    def __init__(self, vocabulary_file: Path) -> None:
        lines = vocabulary_file.read_text(encoding="utf-8").split("\n")
        self._ids = {token: number for number, token in enumerate(lines) if token}
        self._start, self._end, self._unknown = (self._ids[name] for name in ("[CLS]", "[SEP]", "[UNK]"))
        self._pieces = lru_cache(maxsize=20_000)(self._split_word)

    def __call__(self, text: str) -> list[int]:
        """Ids from [CLS] to [SEP], at most TOKENS_MAX."""
        ids = [self._start]
        for word in _split_text(text):
            ids += self._pieces(word)
            if len(ids) >= TOKENS_MAX:
                break
        return [*ids[: TOKENS_MAX - 1], self._end]

    def __contains__(self, word: str) -> bool:
        """Whether ``word`` is in the general vocabulary whole, so surely is a word."""
        return word in self._ids

    def _split_word(self, word: str) -> tuple[int, ...]:
        if len(word) > _WORD_MAX:
            return (self._unknown,)
        ids = []
        start = 0
        while start < len(word):
            prefix = "##" if start else ""
            for end in range(len(word), start, -1):
                number = self._ids.get(prefix + word[start:end])
                if number is not None:
                    ids.append(number)
                    start = end
                    break
            else:
                return (self._unknown,)
        return tuple(ids)


def _split_text(text: str) -> list[str]:
    """Lower-case words and punctuation marks, accents removed, as BERT's basic tokenizer does."""
    if text.isascii():  # the same, a tenth as long
        return _ASCII_PART.findall(text.translate(_NO_CONTROLS).lower())
    cleaned = []
    for character in text:
        if character in "\t\n\r":
            cleaned.append(" ")
            continue
        category = unicodedata.category(character)
        # Every control, format, private and unassigned character, and what stands in for undecodable bytes.
        if category.startswith("C") or character in "\0\ufffd":
            continue
        if category == "Zs":
            cleaned.append(" ")
        elif _is_cjk(ord(character)):
            cleaned.append(f" {character} ")
        else:
            cleaned.append(character)
    decomposed = unicodedata.normalize("NFD", "".join(cleaned).lower())
    spaced = []
    for character in decomposed:
        category = unicodedata.category(character)
        if category == "Mn":
            continue
        spaced.append(f" {character} " if _is_punctuation(character, category) else character)
    return "".join(spaced).split()


def _is_punctuation(character: str, category: str) -> bool:
    # BERT counts all ASCII symbols ($, +, ~ ...) as punctuation too.
    return category.startswith("P") or (character.isascii() and not character.isalnum() and character > " ")


def _is_cjk(code: int) -> bool:
    """Chinese characters stand alone; the blocks are those of BERT's tokenizer."""
    return (
        0x4E00 <= code <= 0x9FFF
        or 0x3400 <= code <= 0x4DBF
        or 0x20000 <= code <= 0x2A6DF
        or 0x2A700 <= code <= 0x2B73F
        or 0x2B740 <= code <= 0x2B81F
        or 0x2B820 <= code <= 0x2CEAF
        or 0xF900 <= code <= 0xFAFF
        or 0x2F800 <= code <= 0x2FA1F
    )
