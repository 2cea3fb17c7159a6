"""A second look at safety: a classifier for wordings that the triage rules do not know.

It reads a message as the sentence vector of its corrected spelling and as the signs that triage sees in it (word
classes of ``safety.yaml``, which tell a reading of 2.1 from one of 7). It learns from
``content/utterances/safety.yaml``: examples of each kind, and harmless messages that look like them; utterances of the
entries count as harmless too. Where that leaves a doubt, the model of ``danger.py`` has a say. From which strength on
the second look speaks follows from a stated risk, measured on examples left out in turn. What the flow makes of a
suspicion stands in ``bot/answer.py``.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np

from bot.matching import snapshot
from bot.matching.compact import CompactVectors
from bot.matching.danger import DangerModel
from bot.matching.encoder import DIMENSIONS, Encoder, Encoding, Encodings
from bot.matching.head import LinearHead, fit_head, log_softmax
from bot.matching.ranking import Flags, Floats, Ints

# Shares of harmless messages that may reach a limit; most of those it is measured on are look-alikes, rare among real
# ones, or everyday messages of other fields. Which limit is for what stands at ``Limits``.
CONVINCED_MAX = 0.01
FALSE_ALARMS_MAX = 0.025
WORRIED_MAX = 0.06
DOUBTED_MAX = 0.08
UNLIKE_MAX = 0.05
"""Of examples of danger, the share that is further from the nearest other example than what is like one may be."""

_FOLDS = 5
_STRENGTH = 0.1  # per sample, as in ranking.py
_NEAREST_WEIGHT = 10.0
"""Of the nearest example against the classifier; 5 to 20 did equally well."""
_MODEL_WEIGHT = 0.6
"""Of the danger model's log odds against the classifier's; 0.3 to 1 did equally well."""
_MODEL_ODDS_MAX = 5.0
"""Log odds that count for no more: what it says for sure must not outweigh all else."""
_SIGN_WEIGHT = 0.1
"""Of a sign beside a sentence vector of length 1; 0.075 to 0.15 did equally well."""
_SIGN_SEEN_MIN = 3
"""In so many texts a sign must occur to be learnt from."""
_UNSEEN_MIN = 100
"""So many harmless messages that the danger model did not learn from give limits; of fewer, all count."""
_HARMLESS_STEP = 2
"""Every second utterance of the content tells as much as all of them, in half the time."""
_LONG_WORDS = 30
"""From this length on each sentence is looked at too: one may matter among many that don't."""
_SENTENCES_MAX = 24
_TINY = 1e-7


@dataclass(frozen=True, slots=True)
class Suspicion:
    """The likeliest kind of danger, and how much speaks for any danger (0: as much as against it)."""

    kind: str
    strength: float


@dataclass(frozen=True, slots=True)
class Limits:
    """From which strength on a suspicion counts for what; each follows from a share of harmless messages, see above."""

    convincing: float
    """For a finding even where the matcher is sure of an entry, or where the text is unlike all examples."""
    alarming: float
    """For a finding elsewhere."""
    worrying: float
    """For a line where to turn, if nothing else answers."""
    dubious: float
    """Below it a rule is overruled that takes a hint for an emergency or for self-harm, or that finds what can wait."""
    near: float
    """The cosine to the nearest example of danger below which a text is unlike them; see ``UNLIKE_MAX``."""


Spell = Callable[[str], str]
"""What corrects the spelling of a text and writes its short forms out."""


class Signs(Protocol):
    """What names the signs in a text; ``Triage`` does."""

    @property
    def digest(self) -> str:
        """Another one when the same text may get other signs."""

    def signs(self, text: str) -> Collection[str]:
        """The names of all that was seen in the text."""

    def undisguised(self, text: str) -> str:
        """The words of the text in plain letters, whatever signs and gaps they were typed with."""


class SecondLook:
    """Says which kind of danger a message may be, and how strongly it is one.

    ``limits`` has a strength for each share of harmless messages that reach it.
    """

    def __init__(
        self,
        encoder: Encoder,
        signs: Signs,
        kinds: Sequence[str],
        named: Sequence[str],
        head: LinearHead,
        referred: Floats,
        look_alikes: int,
        limits: Limits,
        spell: Spell,
        model: DangerModel | None,
    ) -> None:
        """``referred`` are the vectors of so many ``look_alikes``, then those of the examples of danger."""
        self._spell, self._model = spell, model
        self._model_columns = [0, *(1 + model.kinds.index(kind) for kind in kinds)] if model else []
        self.encoder, self._signs, self._kinds, self._head = encoder, signs, list(kinds), head
        self._column = {name: column for column, name in enumerate(named)}
        self._referred, self._look_alikes = CompactVectors(referred), look_alikes
        self.limits = limits

    @classmethod
    def fit(
        cls,
        examples: Mapping[str, Sequence[str]],
        look_alikes: Sequence[str],
        harmless: Sequence[str],
        encoder: Encoder,
        signs: Signs,
        spell: Spell = lambda text: text,
        spelt: Mapping[str, str] = MappingProxyType({}),
        model: DangerModel | None = None,
    ) -> SecondLook:
        """Learn the kinds of ``examples`` against ``look_alikes`` and other ``harmless`` messages.

        Examples and look-alikes are learnt in the spelling in which messages are read, the others as they are;
        ``spelt`` has that of texts for which it is known. ``model`` must know every kind. Raises NotConverged.
        """
        kinds = list(examples)
        harmless = [*look_alikes, *harmless[::_HARMLESS_STEP]]
        texts = [*harmless, *(text for kind in kinds for text in examples[kind])]
        # Class 0 is harmless, so that a kind's class is its place in ``kinds`` plus one.
        labels = np.repeat(np.arange(len(kinds) + 1), [len(harmless), *(len(examples[kind]) for kind in kinds)])
        plain = range(len(look_alikes), len(harmless))
        read = [text if number in plain else spelt.get(text) or spell(text) for number, text in enumerate(texts)]
        parts = [f"{label}\0{text}\0{reading}" for label, text, reading in zip(labels, texts, read, strict=True)]
        parts.insert(len(look_alikes), signs.digest)
        digest = encoder.digest + (model.digest if model else "")
        file = snapshot.place(encoder.cache_folder, "second_look", parts, digest)
        stored = snapshot.load(file) if file else None
        if stored is None or not {"weights", "bias", "limits", "named"} <= stored.keys():
            seen = [signs.signs(text) for text in texts]
            often = Counter(name for names in seen for name in set(names))
            named = sorted(name for name, texts_with_it in often.items() if texts_with_it >= _SIGN_SEEN_MIN)
            column = {name: number for number, name in enumerate(named)}
            features = np.hstack(
                [encoder.encode_content(read), [_marked(names, column) for names in seen]], dtype=np.float32
            )
            referred = (np.arange(len(texts)) < len(look_alikes)) | (labels > 0)
            head = _fit(features, labels, len(kinds) + 1)
            unknown = (labels == 0) & encoder.untuned(texts)
            if model and (unseen := unknown & model.unseen(texts)).sum() >= _UNSEEN_MIN:
                unknown = unseen
            left_out, nearest_danger = _left_out(features, labels, head, referred)
            strengths = left_out[unknown]
            if model:
                asked = [read[number] for number in np.flatnonzero(unknown)]
                encodings = encoder.encode_each(asked)
                strengths += [_model_says(model.log_probabilities(encodings[reading].inside)) for reading in asked]
            shares = [CONVINCED_MAX, FALSE_ALARMS_MAX, WORRIED_MAX, DOUBTED_MAX]
            dangers = texts[len(harmless) :]
            near = np.quantile(nearest_danger[len(harmless) :][encoder.untuned(dangers)], UNLIKE_MAX)
            stored = {
                "weights": head.weights,
                "bias": head.bias,
                "limits": np.append(np.quantile(strengths, 1 - np.array(shares)), near),
                "named": np.array(named),
            }
            if file:
                snapshot.save(file, stored)
        # Asked for without the others, they are a part of what the encoder holds of the content anyway.
        nearest = encoder.encode_content([*read[: len(look_alikes)], *read[len(harmless) :]])
        head = LinearHead(stored["weights"], stored["bias"])
        limits = Limits(*map(float, stored["limits"]))
        return cls(
            encoder, signs, kinds, stored["named"].tolist(), head, nearest, len(look_alikes), limits, spell, model
        )

    def readings(self, text: str) -> list[str]:
        """What is looked at of a message: all of it, and its sentences where it is long."""
        return [self._spell(text), *map(self._spell, sentences_of(text))]

    def look(
        self,
        text: str,
        known: Encodings = MappingProxyType({}),
        signs: Collection[str] | None = None,
        *,
        closely: bool = False,
    ) -> Suspicion:
        """What the message raises as a whole, or the worst of its sentences where it is long.

        ``closely`` also looks at the sentences of a short one, and at the whole as typed and without disguise: so
        nothing that was put around a danger hides it. ``known`` has vectors of readings that are encoded already;
        ``signs`` are those of the whole message, if known.
        """
        signs = self._signs.signs(text) if signs is None else signs
        seen = [(self._spell(text), signs)]
        if closely:
            seen += [(reading, signs) for reading in (text, self._signs.undisguised(text))]
        seen += [
            (self._spell(part), self._signs.signs(part)) for part in sentences_of(text, 0 if closely else _LONG_WORDS)
        ]
        readings = [reading for reading, _ in seen]
        encodings = known if all(reading in known for reading in readings) else self.encoder.encode_each(readings)
        suspicions = [self._suspicion(encodings[reading], found) for reading, found in seen]
        return max(suspicions, key=lambda suspicion: suspicion.strength)

    def _suspicion(self, encoding: Encoding, signs: Collection[str]) -> Suspicion:
        features = np.hstack([encoding.vector, _marked(signs, self._column)], dtype=np.float32)[None]
        log_p = log_softmax(self._head.logits(features))[0]
        cosines = self._referred.cosines(encoding.vector)
        nearest = float(cosines[self._look_alikes :].max())
        strength = float(_odds(log_p)) + _NEAREST_WEIGHT * (nearest - float(cosines[: self._look_alikes].max()))
        # Where the model could change nothing it is not asked: for most messages.
        most = _MODEL_WEIGHT * _MODEL_ODDS_MAX
        if self._model and self.limits.dubious - most <= strength < self.limits.convincing + most:
            model_log_p = self._model.log_probabilities(encoding.inside)
            strength += _model_says(model_log_p)
            log_p = log_p + _MODEL_WEIGHT * model_log_p[self._model_columns]
        if nearest < self.limits.near and strength < self.limits.convincing:
            # A classifier that knows little else than health says too much of a text about a late parcel. It is lowered
            # here, not where it is used, so that in a long message it hides no sentence that is like an example.
            strength = min(strength, math.nextafter(self.limits.alarming, -math.inf))
        return Suspicion(self._kinds[int(log_p[1:].argmax())], strength)


def sentences_of(text: str, least: int = _LONG_WORDS) -> list[str]:
    """The sentences of a message of ``least`` words and more; none of a shorter one."""
    if len(text.split()) < least:
        return []
    sentences = [part.strip() for part in re.split(r"(?<=[.!?…])\s+|\n+", text)]
    few = 2
    return [part for part in sentences if len(part.split()) > few][:_SENTENCES_MAX]


def _marked(names: Collection[str], column: Mapping[str, int]) -> Floats:
    """Which of the signs that are learnt from are among ``names``, shape (signs,)."""
    marks = np.zeros(len(column), dtype=np.float32)
    marks[[column[name] for name in names if name in column]] = _SIGN_WEIGHT
    return marks


def _fit(features: Floats, labels: Ints, classes: int, start: LinearHead | None = None) -> LinearHead:
    # Every class counts alike, however many examples it has: harmless ones are ten to one.
    counts = np.bincount(labels, minlength=classes)
    weights = (1.0 / (classes * counts[labels])).astype(np.float32)
    return fit_head(features, labels, classes, strength=_STRENGTH / len(labels), sample_weights=weights, start=start)


def _odds(log_p: Floats) -> Floats:
    """Log odds of any danger, from log probabilities of shape (..., 1 + kinds), harmless first."""
    harmless = log_p[..., 0]
    result: Floats = np.log(np.maximum(1 - np.exp(harmless), _TINY)) - harmless
    return result


def _model_says(log_p: Floats) -> float:
    """What the danger model's log probabilities add to a strength."""
    return _MODEL_WEIGHT * min(max(float(_odds(log_p)), -_MODEL_ODDS_MAX), _MODEL_ODDS_MAX)


def _left_out(features: Floats, labels: Ints, whole: LinearHead, referred: Flags) -> tuple[Floats, Floats]:
    """The strength of each message, and its cosine to the nearest example of danger, had it not been learnt from.

    Both have shape (messages,).
    """
    fold = np.random.default_rng(20261121).permutation(len(labels)) % _FOLDS
    strengths = np.zeros(len(labels), dtype=np.float32)
    nearest = np.zeros(len(labels), dtype=np.float32)
    for number in range(_FOLDS):
        kept = fold != number
        head = _fit(features[kept], labels[kept], len(whole.bias), start=whole)
        known = kept & referred
        vectors = features[:, :DIMENSIONS]
        near, far = ((vectors[~kept] @ vectors[known & of].T).max(axis=1) for of in (labels > 0, labels == 0))
        strengths[~kept] = _odds(log_softmax(head.logits(features[~kept]))) + _NEAREST_WEIGHT * (near - far)
        nearest[~kept] = near
    return strengths, nearest
