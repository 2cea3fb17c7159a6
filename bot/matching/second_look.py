"""A second look at safety: a classifier on sentence vectors, for wordings that the triage rules do not know.

It learns from ``content/utterances/safety.yaml``: examples of each kind, and harmless messages that look like them;
all utterances of the entries count as harmless too. From which probability on it speaks follows from a stated risk,
measured on examples left out in turn. What the flow makes of a suspicion stands in ``bot/answer.py``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bot.matching import snapshot
from bot.matching.encoder import Encoder
from bot.matching.head import LinearHead, fit_head, log_softmax
from bot.matching.ranking import Flags, Floats, Ints

FALSE_ALARMS_MAX = 0.01
"""Share of harmless messages, look-alikes included, that may be taken for a danger."""

_FOLDS = 5
_STRENGTH = 0.1  # per sample, as in ranking.py
_LONG_WORDS = 18
"""From this length on each sentence is looked at too: one may matter among many that don't."""
_SENTENCES_MAX = 24


@dataclass(frozen=True, slots=True)
class Suspicion:
    """The likeliest kind of danger, and how probable it is that the message is one of any kind, 0 to 1."""

    kind: str
    probability: float


class SecondLook:
    """Says which kind of danger a message may be, and how probably; alarming from ``threshold`` on."""

    def __init__(self, kinds: Sequence[str], head: LinearHead, threshold: float, encoder: Encoder) -> None:
        self.kinds = list(kinds)
        self.head = head
        self.threshold = threshold
        self._encoder = encoder

    @classmethod
    def fit(cls, examples: Mapping[str, Sequence[str]], harmless: Sequence[str], encoder: Encoder) -> SecondLook:
        """Learn the kinds of ``examples`` against ``harmless``. Raises NotConverged."""
        kinds = list(examples)
        texts = [text for kind in kinds for text in examples[kind]]
        # Class 0 is harmless, so that a kind's class is its place in ``kinds`` plus one.
        labels = np.repeat(np.arange(len(kinds) + 1), [len(harmless), *(len(examples[kind]) for kind in kinds)])
        parts = [*harmless, *(f"{kind}\0{text}" for kind in kinds for text in examples[kind])]
        file = snapshot.place(encoder.cache_folder, "second_look", parts, encoder.digest)
        if file and (stored := snapshot.load(file)):
            return cls(kinds, LinearHead(stored["weights"], stored["bias"]), float(stored["threshold"]), encoder)
        vectors = encoder.encode_content([*harmless, *texts])
        head = _fit(vectors, labels, len(kinds) + 1)
        threshold = _threshold(vectors, labels, head, encoder.untuned([*harmless, *texts]))
        if file:
            arrays = {"weights": head.weights, "bias": head.bias, "threshold": np.array(threshold)}
            snapshot.save(file, arrays)
        return cls(kinds, head, threshold, encoder)

    def look(self, text: str) -> Suspicion:
        """The strongest suspicion that the message or one of its sentences raises."""
        suspicions = [self._suspicion(self._encoder.encode(reading)) for reading in readings_of(text)]
        return max(suspicions, key=lambda suspicion: suspicion.probability)

    def _suspicion(self, vector: Floats) -> Suspicion:
        shares = np.exp(log_softmax(self.head.logits(vector)))
        return Suspicion(self.kinds[int(shares[1:].argmax())], float(1 - shares[0]))


def readings_of(text: str) -> list[str]:
    """Where the message is long each of its sentences, then the whole message."""
    if len(text.split()) < _LONG_WORDS:
        return [text]
    sentences = [part.strip() for part in re.split(r"(?<=[.!?…])\s+|\n+", text)]
    return [*[part for part in sentences if len(part.split()) > 1][:_SENTENCES_MAX], text]


def _fit(vectors: Floats, labels: Ints, classes: int, start: LinearHead | None = None) -> LinearHead:
    # Every class counts alike, however many examples it has: harmless ones are ten to one.
    counts = np.bincount(labels, minlength=classes)
    weights = (1.0 / (classes * counts[labels])).astype(np.float32)
    return fit_head(vectors, labels, classes, strength=_STRENGTH / len(labels), sample_weights=weights, start=start)


def _threshold(vectors: Floats, labels: Ints, whole: LinearHead, untuned: Flags) -> float:
    """The probability that FALSE_ALARMS_MAX of the harmless messages reach although they were not learnt from.

    ``untuned`` marks the messages that the encoder was not tuned on: only these stand for people's own words.
    """
    fold = np.random.default_rng(20261121).permutation(len(labels)) % _FOLDS
    danger = np.zeros(len(labels), dtype=np.float32)
    for number in range(_FOLDS):
        kept = fold != number
        head = _fit(vectors[kept], labels[kept], len(whole.bias), start=whole)
        danger[~kept] = 1 - np.exp(log_softmax(head.logits(vectors[~kept])))[:, 0]
    return float(np.quantile(danger[(labels == 0) & untuned], 1 - FALSE_ALARMS_MAX))
