"""From a message to a ``Match``: read it in several spellings, rank the intents, decide what may be said.

wordpiece + encoder (vectors) -> ranking (which intent) -> confidence (how sure) -> Match
spelling, vocabulary and names stand beside that line: they give the message its readings and its limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice
from types import MappingProxyType

import numpy as np

from bot.matching import snapshot
from bot.matching.asking import asking_sentences
from bot.matching.confidence import OFFERED, WRONG_ANSWERS_MAX, Confidence, fit_confidence, signals
from bot.matching.elsewhere import messages_for
from bot.matching.encoder import Encoder, Encodings
from bot.matching.head import NotConverged
from bot.matching.lexical import LexicalIndex, words
from bot.matching.match import Candidate, Match, Outcome
from bot.matching.names import Names
from bot.matching.ranking import Floats, Ints, Ranker, Scores, pooled
from bot.matching.wording import Intent, Vocabulary, Wording

_TWO = 2
_SURE_ALONE = 0.97
"""Two questions are both offered when each alone is this sure: a story around one question often ends in a "?" too."""


class Matcher:
    """Finds the intent of a message, or says that it does not know. Immutable after ``fit``."""

    def __init__(
        self,
        intents: Sequence[Intent],
        encoder: Encoder,
        ranker: Ranker,
        confidence: Confidence,
        wording: Wording,
        vocabulary: Vocabulary,
        background: Sequence[str] = (),
    ) -> None:
        self._ids = [intent.id for intent in intents]
        self.encoder, self._ranker, self._confidence, self.wording = encoder, ranker, confidence, wording
        self._said = {_spoken(text): intent.id for intent in intents for text in intent.utterances}
        self._foreign = frozenset(map(_spoken, background))
        self._names = Names(vocabulary.names)
        self._named_by = [
            frozenset().union(*map(self._names.named_in, (*intent.texts, *intent.utterances))) for intent in intents
        ]

    @classmethod
    def fit(
        cls,
        intents: Sequence[Intent],
        background: Sequence[str],
        encoder: Encoder,
        vocabulary: Vocabulary | None = None,
        risk: float = WRONG_ANSWERS_MAX,
        wording: Wording | None = None,
    ) -> Matcher:
        """Learn ``intents``; ``background`` are messages that are none of them; ``risk`` as in ``fit_confidence``.

        ``wording`` is that of the same content, where it was made already.
        Raises NotConverged when a fit did not reach its minimum, ValueError when an intent has no utterance.
        """
        vocabulary = vocabulary or Vocabulary()
        if empty := [intent.id for intent in intents if not intent.utterances]:
            raise ValueError(f"These intents have no utterances to learn from: {', '.join(empty)}.")
        texts = [text for intent in intents for text in intent.utterances]
        labels = np.repeat(np.arange(len(intents)), [len(intent.utterances) for intent in intents])
        vectors = encoder.encode_content([*texts, *background])
        ranker, confidence = _learn(texts, labels, list(background), vectors, encoder, risk)
        wording = wording or Wording.of(intents, background, vocabulary, encoder)
        return cls(intents, encoder, ranker, confidence, wording, vocabulary, background)

    def readings(self, text: str) -> list[str]:
        """All that ``match`` reads of a message, in the spellings in which it does."""
        return list(chain.from_iterable(readings for _, readings in self._parts(text)))

    def _parts(self, text: str) -> list[tuple[str, list[str]]]:
        """The message with its readings, then the same of each question of one that asks two.

        These are read once, corrected: more readings take longer.
        """
        asking = asking_sentences(text)
        questions = asking if len(asking) == _TWO else []
        return [(text, self.wording.spellings(text)), *((part, [self.wording.best(part)]) for part in questions)]

    def match(self, text: str, known: Encodings = MappingProxyType({})) -> Match:
        """The verdict on one message. ``known`` has readings that are encoded already.

        An utterance, word for word, is its intent, and a background message none. A message that asks two things, each
        sure alone, gets both offered.
        """
        parts = self._parts(text)
        texts = list(chain.from_iterable(readings for _, readings in parts))
        encodings = known if all(reading in known for reading in texts) else self.encoder.encode_each(texts)
        whole, *both = (self._read(part, readings, encodings) for part, readings in parts)
        said = _spoken(text)
        if said and (own := self._said.get(said)) is not None:
            others = (candidate for candidate in whole.candidates if candidate.intent_id != own)
            return Match(Outcome.ANSWER, 1.0, (Candidate(own, 1.0), *islice(others, OFFERED - 1)), 1.0)
        if said in self._foreign:
            return Match(Outcome.OUT_OF_SCOPE, 0.0, whole.candidates)
        first = tuple(reading.candidates[0] for reading in both)
        sure = bool(both) and all(reading.confidence >= _SURE_ALONE for reading in both)
        if sure and first[0].intent_id != first[1].intent_id:
            return Match(Outcome.CLARIFY, min(reading.confidence for reading in both), first, 1.0)
        return whole

    def _read(self, text: str, readings: Sequence[str], encodings: Encodings) -> Match:
        scores = pooled([self._ranker.scores(reading, encodings[reading].vector) for reading in readings])
        seen = signals(scores, self._ranker.lexical.share_known(readings[-1]), len(text.split()))
        first_right = float(self._confidence.first_right(seen))
        one_of_three = float(self._confidence.one_of_three(seen))
        named = self._names.named_in(readings[-1]) | self._names.nearly_named_in(text, self.wording.knows)
        outcome = self._outcome(scores, named, first_right, one_of_three)
        return Match(outcome, first_right, self._candidates(scores), one_of_three)

    def _outcome(self, scores: Scores, named: frozenset[int], first_right: float, one_of_three: float) -> Outcome:
        strange = not named <= self._named_by[int(scores.fused.argmax())]
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


def _spoken(text: str) -> str:
    """A text without its capitals and marks."""
    return " ".join(words(text))


def _learn(
    texts: list[str], labels: Ints, background: list[str], vectors: Floats, encoder: Encoder, risk: float
) -> tuple[Ranker, Confidence]:
    """The fitted parts, from the encoder's cache folder where this very content was fitted before."""
    known, foreign = vectors[: len(texts)], vectors[len(texts) :]
    parts = (*texts, "", *map(str, labels), "", *background, "", str(risk))
    file = snapshot.place(encoder.cache_folder, "matcher", parts, encoder.digest)
    if file and (learnt := snapshot.to_learnt(snapshot.load(file))):
        lexical, head, border, confidence, elsewhere = learnt
        ranker = Ranker(known, labels, lexical, _together(foreign, elsewhere), head=head, border=border)
        return ranker, confidence
    messages, elsewhere = messages_for(known, background, encoder)
    ranker = Ranker(known, labels, LexicalIndex.of(texts), _together(foreign, elsewhere))
    _require_learnt(ranker)
    confidence = fit_confidence(ranker, texts, [*background, *messages], encoder.untuned(texts), risk)
    if file:
        snapshot.save(file, snapshot.from_learnt(ranker.lexical, ranker.head, ranker.border, confidence, elsewhere))
    return ranker, confidence


def _together(foreign: Floats, elsewhere: Floats) -> Floats:
    """Both in one; no copy of what is large where there is nothing to join."""
    return np.concatenate((foreign, elsewhere)) if len(elsewhere) else foreign


def _require_learnt(ranker: Ranker) -> None:
    """A classifier that does not know its own utterances did not learn, whatever its gradient says."""
    known = float((ranker.head.logits(ranker.vectors).argmax(axis=1) == ranker.labels).mean())
    least = 0.5
    if known < least:
        raise NotConverged(
            f"The classifier knows only {known:.0%} of its own utterances. "
            "Check the content for utterances that stand under the wrong entry."
        )
