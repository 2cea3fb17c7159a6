"""How well a message fits each intent, seen three ways and fused.

1. a linear classifier on sentence vectors (``head.py``),
2. the nearest utterance and the centre of each intent, by cosine,
3. the most similar utterance by shared words and pieces of words (``lexical.py``).

fused = log p(classifier) + 1/2 log softmax(nearest + centre) + 1/2 log softmax(lexical), each with its own
temperature; the form that measured best of 20 (docs/matching.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bot.matching.head import LinearHead, fit_head, log_softmax
from bot.matching.lexical import LexicalIndex

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

# How hard the classifier's weights are held back, per sample: 1e-4 at 1,000 samples was best on BANKING77, CLINC150
# and HWU64 with 10 utterances an intent, and within noise of the best on our own content.
_HEAD_STRENGTH = 0.1
_COSINE_SHARPNESS = 10.0  # inverse temperatures: chosen on the same sets, flat within a point from half to double
_LEXICAL_SHARPNESS = 15.0


@dataclass(frozen=True, slots=True)
class Scores:
    """One message against all intents; every array has shape (intents,)."""

    fused: Floats
    log_p: Floats
    logits: Floats
    nearest: Floats
    centre: Floats
    lexical: Floats
    background: float
    """Cosine to the nearest message that is known to be none of the intents; 0 where there are no such messages."""


class Ranker:
    """The texts of all intents with their vectors, and the classifier fitted on them.

    ``labels`` gives each text's intent and is sorted; ``kept`` marks the texts that take part (all but those that a
    cross-validation leaves out).
    """

    def __init__(
        self,
        vectors: Floats,
        labels: Ints,
        lexical: LexicalIndex,
        background: Floats,
        kept: Flags | None = None,
        head: LinearHead | None = None,
    ) -> None:
        self.vectors, self.labels, self.lexical, self.background = vectors, labels, lexical, background
        self.kept = np.ones(len(labels), dtype=bool) if kept is None else kept
        sizes = np.bincount(labels)
        self._starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
        kept_labels = labels[self.kept]
        # Intents that are left out whole keep their place, so that numbers mean the same in every fold.
        self.present: Flags = np.bincount(kept_labels, minlength=len(sizes)) > 0
        sums = np.zeros((len(sizes), vectors.shape[1]), dtype=np.float32)
        np.add.at(sums, kept_labels, vectors[self.kept])
        norms = np.linalg.norm(sums, axis=1, keepdims=True)
        self._centres = sums / np.where(norms > 0, norms, 1.0)
        self.head = head or _fit(vectors[self.kept], kept_labels, len(sizes))

    def without(self, texts: Flags, background: Flags) -> Ranker:
        """The same ranker had it never seen the marked texts and background messages."""
        kept = self.kept & ~texts
        # The whole fit is a good place to start from: most weights hardly move.
        head = _fit(self.vectors[kept], self.labels[kept], len(self.present), start=self.head)
        return Ranker(self.vectors, self.labels, self.lexical, self.background[~background], kept, head)

    def scores(self, text: str, vector: Floats) -> Scores:
        """How ``text``, whose sentence vector is ``vector`` of shape (384,), fits each intent."""
        logits = np.where(self.present, self.head.logits(vector), -np.inf)
        log_p = log_softmax(logits)
        nearest = self._best_of_each_intent(self.vectors @ vector)
        centre = np.where(self.present, self._centres @ vector, -1.0)
        lexical = self._best_of_each_intent(self.lexical.similarities(text))
        fused = (
            log_p
            + 0.5 * log_softmax(_COSINE_SHARPNESS * (nearest + centre))
            + 0.5 * log_softmax(_LEXICAL_SHARPNESS * lexical)
        )
        background = float((self.background @ vector).max()) if len(self.background) else 0.0
        return Scores(fused, log_p, logits, nearest, centre, lexical, background)

    def _best_of_each_intent(self, similarities: Floats) -> Floats:
        best: Floats = np.maximum.reduceat(np.where(self.kept, similarities, -1.0), self._starts)
        return best


def _fit(vectors: Floats, labels: Ints, classes: int, start: LinearHead | None = None) -> LinearHead:
    return fit_head(vectors, labels, classes, strength=_HEAD_STRENGTH / len(labels), start=start)


def pooled(scores: Sequence[Scores]) -> Scores:
    """Several readings of one message (as typed, spelling corrected) as one: each array's mean."""
    if len(scores) == 1:
        return scores[0]
    arrays = {
        name: np.mean([getattr(each, name) for each in scores], axis=0)
        for name in ("fused", "log_p", "logits", "nearest", "centre", "lexical")
    }
    return Scores(**arrays, background=max(each.background for each in scores))
