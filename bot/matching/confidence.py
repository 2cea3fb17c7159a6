"""How sure the matcher may be: the probability that its first candidate is right, and that one of three is.

Learnt anew for each content: the ranker is refitted several times without a part of the utterances, without whole
intents and without a part of the background messages, and asked about just those. What belongs to an intent that was
left out stands for the questions that nobody wrote an entry for: no other method known to us finds near-by
questions out of scope as well (docs/matching.md). A logistic regression on what can be seen of the ranking turns
this into probabilities, and thresholds follow from stated risks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bot.matching.head import fit_head
from bot.matching.ranking import Ranker, Scores

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

OFFERED = 3
"""A question back offers three entries at most: more are a menu, not a question."""

# The stated risks, on the messages of the cross-validation.
WRONG_ANSWERS_MAX = 0.015  # share of all messages that may get an answer they did not ask for
TURNED_AWAY_MAX = 0.05  # share of messages with an entry that may be told "I don't know"

_FOLDS = 5
_QUESTIONS_MAX = 1_600  # enough to place a threshold within a point; keeps a refit to seconds
_STRENGTH = 1e-3
_BEYOND = 50.0
_STANDARD_MAX = 2.5
"""Standard deviations: trials of a small content never see a text that is nearly an utterance, and what they did not
see must not count for more than what they did."""
_SIGNALS = 18
# Which way each of ``signals`` may count towards "one of three": nothing that makes a message more like an intent may
# count against it; the number of words may count either way. The trials have few messages from far away, and without
# this they teach that a high cosine is a bad sign among near ones: on CLINC150's validation part 21% of the messages
# out of scope pass where 95% of the others do, with it 14% (docs/matching.md).
_SPEAKS_FOR = np.array([1.0] * 12 + [-1.0] + [1.0] * 3 + [0.0] + [-1.0])
_ANSWER_LEAST = 0.5
"""Nobody is answered with what is more probably wrong than right, however few mistakes the trials show."""
# The shares of messages with an entry, near by without one, and far off that the probabilities are made for. What
# communities will ask is unknown; these are the shares of the published intent sets with out-of-scope questions
# (Larson et al. 2019), rounded.
_SHARES = {"inside": 0.75, "left out": 0.10, "background": 0.15}


def signals(scores: Scores, share_known: float, word_count: int) -> Floats:
    """What can be seen of one ranking, shape (signals,)."""
    order = np.argsort(-scores.fused, kind="stable")
    first = int(order[0])
    others = np.delete(np.arange(len(scores.fused)), first)
    belief = np.exp(scores.fused - scores.fused[first])
    belief /= belief.sum()
    by_cosine = scores.nearest + scores.centre
    agree = (scores.log_p.argmax() == first, by_cosine.argmax() == first, scores.lexical.argmax() == first)
    second_logit = float(scores.logits[others].max()) if len(others) else 0.0
    seen = np.array(
        [
            np.log(belief[first] + 1e-9),
            belief[first],
            belief[order[:OFFERED]].sum(),
            scores.log_p[first],
            np.exp(scores.log_p[first]),
            scores.logits[first],
            scores.logits[first] - second_logit,
            scores.nearest[first],
            scores.centre[first],
            scores.lexical[first],
            scores.nearest.max(),
            scores.centre.max(),
            scores.background,
            scores.nearest[first] - scores.background,
            sum(agree),
            share_known,
            np.log1p(word_count),
            scores.foreign,
        ],
        dtype=np.float64,
    )
    # An intent that a trial left out has a logit of minus infinity.
    return np.nan_to_num(seen, posinf=_BEYOND, neginf=-_BEYOND)


@dataclass(frozen=True, slots=True)
class Probability:
    """A logistic regression on standardised signals."""

    mean: Floats
    scale: Floats
    weights: Floats
    bias: float | Floats

    def __call__(self, seen: Floats) -> Floats:
        standard = np.clip((seen - self.mean) / self.scale, -_STANDARD_MAX, _STANDARD_MAX)
        result: Floats = 1 / (1 + np.exp(-(standard @ self.weights + self.bias)))
        return result


@dataclass(frozen=True, slots=True)
class Confidence:
    """The two probabilities, and the thresholds from which on to answer and to ask back."""

    first_right: Probability
    one_of_three: Probability
    answer_from: float
    clarify_from: float


@dataclass(frozen=True, slots=True)
class _Trials:
    """The cross-validation: signals of each message, and how the ranking did."""

    seen: Floats
    first_right: Flags
    one_of_three: Flags
    kinds: npt.NDArray[np.str_]

    def weights(self) -> Floats:
        weights = np.zeros(len(self.kinds))
        for kind, share in _SHARES.items():
            mine = self.kinds == kind
            weights[mine] = share / max(1, mine.sum())
        result: Floats = weights / weights.sum()
        return result


def fit_confidence(
    ranker: Ranker,
    texts: list[str],
    background: list[str],
    untuned: Flags | None = None,
    risk: float = WRONG_ANSWERS_MAX,
) -> Confidence:
    """Learn both probabilities and thresholds for ``ranker``.

    ``untuned`` marks texts that the encoder was not tuned on: only these may stand for people's own words. ``risk`` is
    the share of all messages of the trials that may be answered wrongly.
    """
    trials = _try_out(ranker, texts, background, np.ones(len(texts), bool) if untuned is None else untuned)
    if not (trials.kinds == "inside").any():  # too small a content to learn from its own mistakes: ask back
        never = Probability(np.zeros(_SIGNALS), np.ones(_SIGNALS), np.zeros(_SIGNALS), -_BEYOND)
        return Confidence(never, never, answer_from=1.0, clarify_from=0.0)
    weights = trials.weights()
    first_right = _fit_probability(trials.seen, trials.first_right, weights)
    one_of_three = _fit_probability(trials.seen, trials.one_of_three, weights, _SPEAKS_FOR)
    inside = trials.kinds == "inside"
    return Confidence(
        first_right,
        one_of_three,
        answer_from=max(
            _ANSWER_LEAST,
            lowest_threshold(first_right(trials.seen), ~trials.first_right, weights, risk),
        ),
        clarify_from=float(np.quantile(one_of_three(trials.seen[inside]), TURNED_AWAY_MAX)),
    )


def _try_out(ranker: Ranker, texts: list[str], background: list[str], usable: Flags) -> _Trials:
    # A fixed seed: the same content gives the same matcher.
    random = np.random.default_rng(20261121)
    intents = len(ranker.present)
    intent_fold = random.permutation(intents) % _FOLDS
    text_fold = random.permutation(len(texts)) % _FOLDS
    background_fold = random.permutation(len(background)) % _FOLDS
    wanted = usable & (random.random(len(texts)) < _QUESTIONS_MAX / max(1, int(usable.sum())))
    seen: list[Floats] = []
    first_right: list[bool] = []
    one_of_three: list[bool] = []
    kinds: list[str] = []
    for fold in range(_FOLDS):
        # Small contents have too few intents to leave any out without changing what is left.
        gone = (intent_fold == fold) if intents >= 2 * _FOLDS else np.zeros(intents, bool)
        of_gone = gone[ranker.labels]
        asked = wanted & ((text_fold == fold) | (of_gone & (random.random(len(texts)) < 1 / _FOLDS)))
        left_out = (text_fold == fold) | of_gone
        if left_out.all():  # the smallest contents have nothing left to ask
            continue
        part = ranker.without(left_out, background_fold == fold)
        for number in np.flatnonzero(asked):
            text = texts[number]
            scores = part.scores(text, ranker.vectors[number])
            order = np.argsort(-scores.fused, kind="stable")[:OFFERED]
            there = not of_gone[number]
            seen.append(signals(scores, ranker.lexical.share_known(text, own=1), len(text.split())))
            first_right.append(there and order[0] == ranker.labels[number])
            one_of_three.append(there and ranker.labels[number] in order)
            kinds.append("inside" if there else "left out")
        for number in np.flatnonzero(background_fold == fold):
            text = background[number]
            scores = part.scores(text, ranker.background[number])
            seen.append(signals(scores, ranker.lexical.share_known(text), len(text.split())))
            first_right.append(False)
            one_of_three.append(False)
            kinds.append("background")
    return _Trials(np.array(seen), np.array(first_right), np.array(one_of_three), np.array(kinds, dtype=str))


def _fit_probability(seen: Floats, right: Flags, weights: Floats, signs: Floats | None = None) -> Probability:
    """A logistic regression on ``seen``; with ``signs``, signals that would have to count the wrong way don't count."""
    mean, scale = seen.mean(axis=0), seen.std(axis=0) + 1e-9
    standard = np.clip((seen - mean) / scale, -_STANDARD_MAX, _STANDARD_MAX).astype(np.float32)
    while True:
        head = fit_head(
            standard, right.astype(np.intp), 2, strength=_STRENGTH, sample_weights=weights.astype(np.float32)
        )
        slope = (head.weights[:, 1] - head.weights[:, 0]).astype(np.float64)
        against = np.zeros(len(slope)) if signs is None else np.minimum(slope * signs, 0.0)
        if not against.any():
            return Probability(mean, scale, slope, float(head.bias[1] - head.bias[0]))
        standard[:, against.argmin()] = 0.0  # the one that is furthest on the wrong side, so that others may turn


def lowest_threshold(confidence: Floats, wrong: Flags, weights: Floats, risk: float) -> float:
    """The lowest confidence from which on at most ``risk`` of all messages are answered wrongly; 1 where none is."""
    order = np.argsort(-confidence, kind="stable")
    falling = confidence[order]
    answered_wrongly = np.cumsum(weights[order] * wrong[order])
    # Messages of one confidence are answered all or none.
    last_of_its_kind = np.append(falling[1:] < falling[:-1], True)
    allowed = np.flatnonzero(last_of_its_kind & (answered_wrongly <= risk))
    return float(falling[allowed[-1]]) if len(allowed) else 1.0
