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

from bot.matching.compact import CompactVectors
from bot.matching.head import LinearHead, fit_head, log_softmax
from bot.matching.lexical import LexicalIndex, ranges, words

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

# How hard the classifier's weights are held back, per sample: 1e-4 at 1,000 samples was best on BANKING77, CLINC150
# and HWU64 with 10 utterances an intent, and within noise of the best on our own content.
_HEAD_STRENGTH = 0.1
_COSINE_SHARPNESS = 10.0  # inverse temperatures: chosen on the same sets, flat within a point from half to double
_LEXICAL_SHARPNESS = 15.0
# With short forms as typed, and written out; a half each did equally well.
_READING_SHARES = (0.25, 0.75)
# Beyond so many pairs of a text and an intent the classifier is not fitted, which would take minutes, but the centres
# serve as its weights: 300 intents of 40 texts are under it, 1,000 of 10 above.
_FITTED_MAX = 4_000_000
_CENTRE_SHARPNESS = 20.0
# Beyond so many texts only those of the intents are compared that come near by centre or by words, so many by each.
_ALL_MAX = 30_000
_SHORTLIST = 100


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
    foreign: float
    """Log odds, by a linear classifier, of being like those messages and not like the intents' texts."""


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
        border: LinearHead | None = None,
        compact: CompactVectors | None = None,
    ) -> None:
        self.vectors, self.labels, self.lexical, self.background = vectors, labels, lexical, background
        if compact is None and len(labels) <= _ALL_MAX:
            compact = CompactVectors(vectors)
        self._compact, self._compact_background = compact, CompactVectors(background)
        self.kept = np.ones(len(labels), dtype=bool) if kept is None else kept
        self._complete = bool(self.kept.all())
        self._sizes = np.bincount(labels)
        self._starts = np.cumsum(self._sizes) - self._sizes
        # Intents that are left out whole keep their place, so that numbers mean the same in every fold.
        self.present: Flags = np.bincount(labels[self.kept], minlength=len(self._sizes)) > 0
        sums = np.add.reduceat(vectors if self._complete else vectors * self.kept[:, None], self._starts, axis=0)
        norms = np.linalg.norm(sums, axis=1, keepdims=True)
        self._centres: Floats = (sums / np.where(norms > 0, norms, 1.0)).astype(np.float32)
        self.head = head or self._fit_head(None)
        self.border = border or self._fit_border(None)

    def without(self, texts: Flags, background: Flags) -> Ranker:
        """The same ranker had it never seen the marked texts and background messages."""
        part = Ranker(
            self.vectors,
            self.labels,
            self.lexical,
            self.background[~background],
            self.kept & ~texts,
            self.head,
            self.border,
            self._compact,
        )
        # The whole fit is a good place to start from: most weights hardly move.
        part.head, part.border = part._fit_head(self.head), part._fit_border(self.border)
        return part

    def _fit_head(self, start: LinearHead | None) -> LinearHead:
        intents = len(self.present)
        if len(self.labels) * intents > _FITTED_MAX:
            return LinearHead(_CENTRE_SHARPNESS * self._centres.T, np.zeros(intents, dtype=np.float32))
        vectors, labels = (self.vectors, self.labels) if self._complete else self._kept_only()
        return fit_head(vectors, labels, intents, strength=_HEAD_STRENGTH / len(labels), start=start)

    def _fit_border(self, start: LinearHead | None) -> LinearHead:
        """What tells the texts of all intents (class 0) from the background (class 1), each class counting alike."""
        if not len(self.background):
            return LinearHead(np.zeros((self.vectors.shape[1], 2), dtype=np.float32), np.zeros(2, dtype=np.float32))
        vectors = np.concatenate((self._kept_only()[0], self.background))
        labels = np.repeat([0, 1], [len(vectors) - len(self.background), len(self.background)])
        shares = (0.5 / np.bincount(labels)[labels]).astype(np.float32)
        strength = _HEAD_STRENGTH / len(labels)
        return fit_head(vectors, labels, 2, strength=strength, sample_weights=shares, start=start)

    def _kept_only(self) -> tuple[Floats, Ints]:
        return self.vectors[self.kept], self.labels[self.kept]

    def scores(self, text: str, vector: Floats) -> Scores:
        """How ``text``, whose sentence vector is ``vector`` of shape (384,), fits each intent."""
        to_centres, to_background = self._centres @ vector, self._compact_background.cosines(vector)
        if self._compact is not None:
            cosines, lexical = self._compact.cosines(vector), self.lexical.similarities(text)
        else:
            cosines, lexical = self._of_shortlist(text, vector, to_centres)
        logits, border = self.head.logits(vector), self.border.logits(vector)
        return self._fused(lexical, logits, border, cosines, to_centres, to_background)

    def _of_shortlist(self, text: str, vector: Floats, to_centres: Floats) -> tuple[Floats, Floats]:
        """Cosines and likenesses to the texts of the intents that centres or words bring near; of all others, the least
        that they can be.
        """
        by_word = self.lexical.by_word.similarities(words(text)).astype(np.float32)
        near = [np.argpartition(-each, _SHORTLIST)[:_SHORTLIST] for each in (to_centres, self._best(by_word))]
        rows = ranges(self._starts[numbers := np.unique(near)], self._sizes[numbers])
        cosines = np.full(len(self.labels), -1.0, dtype=np.float32)
        cosines[rows] = self.vectors[rows] @ vector
        lexical = by_word / np.float32(2)
        lexical[rows] += self.lexical.by_piece.similarities(words(text), rows) / np.float32(2)
        return cosines, lexical

    def _fused(
        self,
        likeness: Floats,
        logits: Floats,
        border: Floats,
        cosines: Floats,
        to_centres: Floats,
        to_background: Floats,
    ) -> Scores:
        logits = np.where(self.present, logits, -np.inf)
        log_p = log_softmax(logits)
        nearest = self._best(cosines)
        centre = np.where(self.present, to_centres, -1.0)
        lexical = self._best(likeness)
        fused = (
            log_p
            + 0.5 * log_softmax(_COSINE_SHARPNESS * (nearest + centre))
            + 0.5 * log_softmax(_LEXICAL_SHARPNESS * lexical)
        )
        near_background, foreign = float(to_background.max(initial=0.0)), float(border[1] - border[0])
        return Scores(fused, log_p, logits, nearest, centre, lexical, near_background, foreign)

    def _best(self, similarities: Floats) -> Floats:
        """The highest of each intent's texts, shape (intents,)."""
        if not self._complete:
            similarities = np.where(self.kept, similarities, -1.0)
        best: Floats = np.maximum.reduceat(similarities, self._starts)
        return best


def pooled(scores: Sequence[Scores]) -> Scores:
    """The readings of one message (``Wording.spellings``) as one: each array's weighted mean."""
    if len(scores) == 1:
        return scores[0]
    arrays = {
        name: np.average([getattr(each, name) for each in scores], axis=0, weights=_READING_SHARES)
        for name in ("fused", "log_p", "logits", "nearest", "centre", "lexical")
    }
    foreign = float(np.average([each.foreign for each in scores], weights=_READING_SHARES))
    return Scores(**arrays, background=max(each.background for each in scores), foreign=foreign)
