"""Writes a sentence for every phrase of safety.yaml, so that a test can say whether the engine still sees it."""

from __future__ import annotations

from bot.safety.patterns import Element, Pattern

# A sentence part that makes each class of the readings; numbers in words cannot be made from phrases.
READINGS = {
    "{glucose-very-low}": "sugar 40",
    "{glucose-low}": "sugar 60",
    "{glucose-normal}": "sugar 100",
    "{glucose-raised}": "sugar 220",
    "{glucose-high}": "sugar 260",
    "{glucose-very-high}": "sugar 400",
    "{glucose-unclear}": "sugar 25",
    "{glucose-value}": "sugar 100",
    "{ketones-high}": "ketones 4",
    "{ketones-some}": "ketones 1.2",
    "{lab-value}": "homa 2.6",
    "{bare-value}": "6",
    "{many-pills}": "40 tablets",
    "{startling-low}": "48",
    "{startling-high}": "420",
    "{startling-unclear}": "28",
    "{decimal-low}": "2.4",
    "{question}": "what?",
}


def sentence_for(pattern: Pattern, by_name: dict[str, list[Pattern]], depth: int = 0) -> str:
    """Return the shortest wording of a phrase: the first choice everywhere, optional words left out."""
    if depth == 0 and not any(atom.startswith(("only:", "few:")) for e in pattern.elements for atom in e.atoms):
        # Padded, since a number in a message of few words is read as a glucose.
        return sentence_for(pattern, by_name, 1) + " and all the rest of it"
    return " ".join(_wording(element, by_name, depth) for element in pattern.elements if not element.optional)


def _wording(element: Element, by_name: dict[str, list[Pattern]], depth: int) -> str:
    plain = sorted(atom for atom in element.atoms if atom.isalnum())
    if plain:
        return plain[0]
    atom = sorted(element.atoms)[0].removeprefix("only:").removeprefix("few:")
    if atom in READINGS:
        return READINGS[atom]
    if atom.startswith("{"):
        if depth > 8:
            raise AssertionError(f"{atom} has no plain wording")
        inner = sorted(by_name[atom], key=lambda pattern: (len(pattern.elements), pattern.source))
        return sentence_for(inner[0], by_name, depth + 1)
    if atom == "#year":
        return "2012"
    if atom == "#":
        return "7"
    return atom.removesuffix("*")
