"""The wordings in which a message is read: its spelling corrected, and its short forms written out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from bot.matching import snapshot
from bot.matching.encoder import Encoder
from bot.matching.lexical import words
from bot.matching.spelling import Speller, spelling_targets

_LONG_WORDS = 30
"""From this length on a message is read once."""


@dataclass(frozen=True, slots=True)
class Intent:
    """Something that people ask for: the ways in which they put it, and the edited texts that answer it."""

    id: str
    utterances: tuple[str, ...]
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What an editor knows about words.

    ``expand`` maps abbreviations and lay words to the words of the entries; ``names`` has, for each disease and
    medicine, all its spellings.
    """

    expand: Mapping[str, str] = field(default_factory=dict)
    names: Sequence[Sequence[str]] = ()


class Wording:
    """Knows the words of a content: corrects towards them, and writes its short forms out."""

    def __init__(self, speller: Speller, expand: Mapping[str, str], source: Sequence[str] = ()) -> None:
        """``source`` are all texts that speller and short forms come from."""
        self._speller, self._source = speller, source
        self._expand = {tuple(words(short)): long for short, long in expand.items()}
        self._begun: dict[str, int] = {}
        """By the first word of a short form: the most words that one has that begins so."""
        for first, *rest in self._expand:
            self._begun[first] = max(self._begun.get(first, 0), 1 + len(rest))

    @classmethod
    def of(
        cls, intents: Sequence[Intent], background: Sequence[str], vocabulary: Vocabulary, encoder: Encoder
    ) -> Wording:
        """The wording of a content; the speller is read from the encoder's cache where it was made before."""
        edited = list(chain.from_iterable(intent.texts for intent in intents))
        utterances = [*chain.from_iterable(intent.utterances for intent in intents), *background]
        protected = list(chain.from_iterable(vocabulary.names))
        source = [*edited, "", *utterances, "", *protected]
        speller = _speller(edited, utterances, protected, source, encoder)
        return cls(speller, vocabulary.expand, [*source, "", *chain.from_iterable(vocabulary.expand.items())])

    def spellings(self, text: str) -> list[str]:
        """The message with its spelling corrected and, where that differs, also with its short forms written out.

        As typed it is not read beside that: misspelt questions lose up to a point more so, and each reading takes
        longer. A long message is read in the last form alone.
        """
        corrected = self._speller.correct(text)
        written_out = self._written_out(corrected)
        if written_out == corrected or len(text.split()) >= _LONG_WORDS:
            return [written_out]
        return [corrected, written_out]

    def best(self, text: str) -> str:
        """The one reading of what is read once: corrected and written out."""
        return self._written_out(self._speller.correct(text))

    def best_of(self, texts: Sequence[str], encoder: Encoder) -> dict[str, str]:
        """``best`` of each of ``texts``, from the encoder's cache where it was found before: they are thousands."""
        file = snapshot.place(encoder.cache_folder, "wording", (*self._source, "", *texts), encoder.digest)
        stored = snapshot.to_changed(snapshot.load(file)) if file else None
        if stored is None:
            read = ((number, self.best(text)) for number, text in enumerate(texts))
            stored = {number: best for number, best in read if best != texts[number]}
            if file:
                snapshot.save(file, snapshot.from_changed(stored))
        return {text: stored.get(number, text) for number, text in enumerate(texts)}

    def knows(self, word: str) -> bool:
        """Whether a lower-case word is one of the content's, a name, or English."""
        return self._speller.knows(word)

    def _written_out(self, text: str) -> str:
        found = words(text)
        result: list[str] = []
        changed = False
        start = 0
        while start < len(found):
            for length in range(self._begun.get(found[start], 0), 0, -1):
                long = self._expand.get(tuple(found[start : start + length]))
                if long is not None:
                    result.append(long)
                    changed = True
                    start += length
                    break
            else:
                result.append(found[start])
                start += 1
        return " ".join(result) if changed else text


def _speller(
    edited: list[str], utterances: list[str], protected: list[str], source: list[str], encoder: Encoder
) -> Speller:
    """What corrects towards the words of these texts, from the cache where it was made before."""
    is_word = encoder.wordpiece.__contains__
    file = snapshot.place(encoder.cache_folder, "speller", source, encoder.digest)
    if file and (made := snapshot.to_speller(snapshot.load(file))):
        targets, near = made
        return Speller(targets, is_word, protected, near)
    speller = Speller(spelling_targets(edited, utterances, is_word), is_word, protected)
    if file:
        snapshot.save(file, snapshot.from_speller(speller.targets, speller.near))
    return speller
