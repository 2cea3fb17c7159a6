"""Which part of a message asks: people tell a story around their question, and sometimes ask two things."""

from __future__ import annotations

import re

from bot.matching.lexical import words

_END = re.compile(r"(?<=[.!?…])\s+|\n+")
_OPENER = re.compile(
    r"(?:what|how|why|which|who|when|where|is|isn|are|aren|am|can|could|do|does|doesn|don|did|has|have|should|would|will"
    r"|explain|describe|define|tell|list|name|compare|discuss|outline)(?:['’]?[a-z]{1,2})?\b",
    re.IGNORECASE,
)
_SHORTEST = 3
"""Words; "right?" and "any idea?" ask nothing by themselves."""


def asking_sentences(text: str) -> list[str]:
    """The sentences of ``text`` that ask something, in their order; none for a message of one sentence."""
    sentences = [part.strip() for part in _END.split(text) if part.strip()]
    return [part for part in sentences if _asks(part)] if len(sentences) > 1 else []


def _asks(sentence: str) -> bool:
    return len(words(sentence)) >= _SHORTEST and (sentence.endswith("?") or _OPENER.match(sentence) is not None)
