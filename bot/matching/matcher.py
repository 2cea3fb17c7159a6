"""From a message to a ``Match``: read it in several spellings, rank the intents, decide what may be said.

wordpiece + encoder (vectors) -> ranking (which intent) -> confidence (how sure) -> Match
spelling, vocabulary and names stand beside that line: they give the message its readings and its limits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

import numpy as np

from bot.matching import snapshot
from bot.matching.asking import asking_sentences
from bot.matching.confidence import OFFERED, Confidence, fit_confidence, signals
from bot.matching.encoder import Encoder
from bot.matching.head import NotConverged
from bot.matching.lexical import LexicalIndex, words
from bot.matching.match import Candidate, Match, Outcome
from bot.matching.names import Names
from bot.matching.ranking import Floats, Ints, Ranker, Scores, pooled
from bot.matching.spelling import Speller, spelling_targets

_TWO = 2
_SURE_ALONE = 0.97
"""Two questions are both offered when each alone is this sure: a story around one question often ends in a "?" too."""


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


class Matcher:
    """Finds the intent of a message, or says that it does not know. Immutable after ``fit``."""

    def __init__(
        self,
        intents: Sequence[Intent],
        encoder: Encoder,
        ranker: Ranker,
        confidence: Confidence,
        speller: Speller,
        vocabulary: Vocabulary,
    ) -> None:
        self._ids = [intent.id for intent in intents]
        self._encoder, self._ranker, self._confidence, self._speller = encoder, ranker, confidence, speller
        self._said = {tuple(words(text)): intent.id for intent in intents for text in intent.utterances}
        self._expand = {tuple(words(short)): long for short, long in vocabulary.expand.items()}
        self._names = Names(vocabulary.names)
        self._named_by = [self._names.named_in(" \n ".join((*intent.texts, *intent.utterances))) for intent in intents]

    @classmethod
    def fit(
        cls,
        intents: Sequence[Intent],
        background: Sequence[str],
        encoder: Encoder,
        vocabulary: Vocabulary | None = None,
    ) -> Matcher:
        """Learn ``intents``; ``background`` are messages that are none of them.

        Raises NotConverged when a fit did not reach its minimum, ValueError when an intent has no utterance.
        """
        vocabulary = vocabulary or Vocabulary()
        if empty := [intent.id for intent in intents if not intent.utterances]:
            raise ValueError(f"These intents have no utterances to learn from: {', '.join(empty)}.")
        texts = [text for intent in intents for text in intent.utterances]
        labels = np.repeat(np.arange(len(intents)), [len(intent.utterances) for intent in intents])
        vectors = encoder.encode_content([*texts, *background])
        ranker, confidence = _learn(texts, labels, list(background), vectors, encoder)
        speller = Speller(
            spelling_targets(
                chain.from_iterable(intent.texts for intent in intents),
                [*texts, *background],
                encoder.wordpiece.__contains__,
            ),
            encoder.wordpiece.__contains__,
            chain.from_iterable(vocabulary.names),
        )
        return cls(intents, encoder, ranker, confidence, speller, vocabulary)

    def match(self, text: str) -> Match:
        """The verdict on one message.

        An utterance, word for word, is its intent. A message that asks two things, each sure alone, gets both offered.
        """
        said = tuple(words(text))
        if said and (known := self._said.get(said)) is not None:
            others = (candidate for candidate in self._read(text).candidates if candidate.intent_id != known)
            return Match(Outcome.ANSWER, 1.0, (Candidate(known, 1.0), *islice(others, OFFERED - 1)))
        asking = asking_sentences(text)
        if len(asking) == _TWO:
            both = [self._read(part) for part in asking]
            ids = [reading.candidates[0].intent_id for reading in both]
            if all(reading.confidence >= _SURE_ALONE for reading in both) and ids[0] != ids[1]:
                first = tuple(reading.candidates[0] for reading in both)
                return Match(Outcome.CLARIFY, min(reading.confidence for reading in both), first)
        return self._read(text)

    def _read(self, text: str) -> Match:
        readings = self._readings(text)
        scores = pooled([self._ranker.scores(reading, self._encoder.encode(reading)) for reading in readings])
        seen = signals(scores, self._ranker.lexical.share_known(readings[-1]), len(text.split()))
        first_right = float(self._confidence.first_right(seen))
        one_of_three = float(self._confidence.one_of_three(seen))
        outcome = self._outcome(scores, readings[-1], first_right, one_of_three)
        return Match(outcome, first_right, self._candidates(scores))

    def _readings(self, text: str) -> list[str]:
        """The message as typed and, where that differs, with its spelling corrected and its short forms written out."""
        corrected = self._speller.correct(text)
        expanded = self._written_out(corrected)
        return [text] if expanded == text else [text, expanded]

    def _written_out(self, text: str) -> str:
        found = words(text)
        longest = max(map(len, self._expand), default=0)
        result: list[str] = []
        changed = False
        start = 0
        while start < len(found):
            for length in range(min(longest, len(found) - start), 0, -1):
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

    def _outcome(self, scores: Scores, text: str, first_right: float, one_of_three: float) -> Outcome:
        named = self._names.named_in(text)
        strange = bool(named) and not named <= self._named_by[int(scores.fused.argmax())]
        if first_right >= self._confidence.answer_from and not strange:
            return Outcome.ANSWER
        if one_of_three >= self._confidence.clarify_from:
            return Outcome.CLARIFY
        return Outcome.OUT_OF_SCOPE

    def _candidates(self, scores: Scores) -> tuple[Candidate, ...]:
        belief = np.exp(scores.fused - scores.fused.max())
        belief /= belief.sum()
        order = np.argsort(-scores.fused, kind="stable")[:OFFERED]
        return tuple(Candidate(self._ids[number], float(belief[number])) for number in order)


def _learn(
    texts: list[str], labels: Ints, background: list[str], vectors: Floats, encoder: Encoder
) -> tuple[Ranker, Confidence]:
    """The fitted parts, from the encoder's cache folder where this very content was fitted before."""
    known, others = vectors[: len(texts)], vectors[len(texts) :]
    parts = (*texts, "", *map(str, labels), "", *background)
    file = snapshot.place(encoder.cache_folder, "matcher", parts, encoder.digest)
    if file and (learnt := snapshot.to_learnt(snapshot.load(file))):
        lexical, head, confidence = learnt
        return Ranker(known, labels, lexical, others, head=head), confidence
    ranker = Ranker(known, labels, LexicalIndex.of(texts), others)
    _require_learnt(ranker)
    confidence = fit_confidence(ranker, texts, background, encoder.untuned(texts))
    if file:
        snapshot.save(file, snapshot.from_learnt(ranker.lexical, ranker.head, confidence))
    return ranker, confidence


def _require_learnt(ranker: Ranker) -> None:
    """A classifier that does not know its own utterances did not learn, whatever its gradient says."""
    known = float((ranker.head.logits(ranker.vectors).argmax(axis=1) == ranker.labels).mean())
    least = 0.5
    if known < least:
        raise NotConverged(
            f"The classifier knows only {known:.0%} of its own utterances. "
            "Check the content for utterances that stand under the wrong entry."
        )
