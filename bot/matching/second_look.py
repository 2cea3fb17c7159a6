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
DOUBTED_MAX = 0.15
"""Share of harmless messages that may look so dangerous that a rule which fired is not doubted."""

_FOLDS = 5
_STRENGTH = 0.1  # per sample, as in ranking.py
_NEAREST_WEIGHT = 10.0
"""Of the nearest example against the classifier; 5 to 20 did equally well."""
_LONG_WORDS = 30
"""From this length on each sentence is looked at too: one may matter among many that don't."""
_SENTENCES_MAX = 24
_TINY = 1e-7


@dataclass(frozen=True, slots=True)
class Suspicion:
    """The likeliest kind of danger, and how much speaks for any danger (0: as much as against it)."""

    kind: str
    strength: float


class SecondLook:
    """Says which kind of danger a message may be, and how strongly it is one.

    ``alarming`` is the strength that FALSE_ALARMS_MAX of harmless messages reach, ``dubious`` the one that
    DOUBTED_MAX of them reach.
    """

    def __init__(
        self,
        encoder: Encoder,
        kinds: Sequence[str],
        head: LinearHead,
        near: Floats,
        far: Floats,
        limits: tuple[float, float],
    ) -> None:
        self._encoder, self._kinds, self._head = encoder, list(kinds), head
        self._near, self._far = near, far  # vectors of the examples, and of their harmless look-alikes
        self.alarming, self.dubious = limits

    @classmethod
    def fit(
        cls,
        examples: Mapping[str, Sequence[str]],
        look_alikes: Sequence[str],
        harmless: Sequence[str],
        encoder: Encoder,
    ) -> SecondLook:
        """Learn the kinds of ``examples`` against ``look_alikes`` and other ``harmless`` messages.

        Raises NotConverged.
        """
        kinds = list(examples)
        texts = [text for kind in kinds for text in examples[kind]]
        # Class 0 is harmless, so that a kind's class is its place in ``kinds`` plus one.
        counts = [len(look_alikes) + len(harmless), *(len(examples[kind]) for kind in kinds)]
        labels = np.repeat(np.arange(len(kinds) + 1), counts)
        everything = [*look_alikes, *harmless, *texts]
        vectors = encoder.encode_content(everything)
        far, near = vectors[: len(look_alikes)], vectors[counts[0] :]
        parts = [f"{label}\0{text}" for label, text in zip(labels, everything, strict=True)]
        parts.insert(len(look_alikes), "")
        file = snapshot.place(encoder.cache_folder, "second_look", parts, encoder.digest)
        stored = snapshot.load(file) if file else None
        if stored is None or not {"weights", "bias", "limits"} <= stored.keys():
            referred = np.arange(len(everything)) < len(look_alikes)
            referred |= labels > 0
            head = _fit(vectors, labels, len(kinds) + 1)
            strengths = _left_out(vectors, labels, head, referred)[(labels == 0) & encoder.untuned(everything)]
            limits = np.quantile(strengths, [1 - FALSE_ALARMS_MAX, 1 - DOUBTED_MAX])
            stored = {"weights": head.weights, "bias": head.bias, "limits": limits}
            if file:
                snapshot.save(file, stored)
        alarming, dubious = map(float, stored["limits"])
        head = LinearHead(stored["weights"], stored["bias"])
        return cls(encoder, kinds, head, near, far, (alarming, dubious))

    def look(self, text: str) -> Suspicion:
        """What the message raises as a whole, or the worst of its sentences where it is long."""
        suspicions = map(self._suspicion, [*sentences_of(text), text])
        return max(suspicions, key=lambda suspicion: suspicion.strength)

    def _suspicion(self, text: str) -> Suspicion:
        vector = self._encoder.encode(text)
        kind = self._kinds[int(self._head.logits(vector)[1:].argmax())]
        return Suspicion(kind, float(_strengths(vector[None], self._head, self._near, self._far)[0]))


def sentences_of(text: str) -> list[str]:
    """The sentences of a long message; none of a short one."""
    if len(text.split()) < _LONG_WORDS:
        return []
    sentences = [part.strip() for part in re.split(r"(?<=[.!?…])\s+|\n+", text)]
    few = 2
    return [part for part in sentences if len(part.split()) > few][:_SENTENCES_MAX]


def _fit(vectors: Floats, labels: Ints, classes: int, start: LinearHead | None = None) -> LinearHead:
    # Every class counts alike, however many examples it has: harmless ones are ten to one.
    counts = np.bincount(labels, minlength=classes)
    weights = (1.0 / (classes * counts[labels])).astype(np.float32)
    return fit_head(vectors, labels, classes, strength=_STRENGTH / len(labels), sample_weights=weights, start=start)


def _strengths(vectors: Floats, head: LinearHead, near: Floats, far: Floats) -> Floats:
    """Log odds of any danger by the classifier, and how much nearer the nearest example is than a look-alike."""
    log_p = log_softmax(head.logits(vectors))
    odds = np.log(np.maximum(1 - np.exp(log_p[:, 0]), _TINY)) - log_p[:, 0]
    nearest = (vectors @ near.T).max(axis=1) - (vectors @ far.T).max(axis=1)
    result: Floats = odds + np.float32(_NEAREST_WEIGHT) * nearest
    return result


def _left_out(vectors: Floats, labels: Ints, whole: LinearHead, referred: Flags) -> Floats:
    """The strength of each message, shape (messages,), had it not been learnt from."""
    fold = np.random.default_rng(20261121).permutation(len(labels)) % _FOLDS
    strengths = np.zeros(len(labels), dtype=np.float32)
    for number in range(_FOLDS):
        kept = fold != number
        head = _fit(vectors[kept], labels[kept], len(whole.bias), start=whole)
        known = kept & referred
        strengths[~kept] = _strengths(
            vectors[~kept], head, vectors[known & (labels > 0)], vectors[known & (labels == 0)]
        )
    return strengths
