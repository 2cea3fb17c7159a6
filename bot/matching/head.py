"""The classifier on sentence vectors: multinomial logistic regression, fitted by L-BFGS in numpy.

scikit-learn would do the same fit but brings 197 MB (with scipy) into the image for it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.intp]

_HISTORY = 10  # pairs that L-BFGS remembers (Nocedal & Wright, Numerical Optimization, 2006, section 7.2: 3 to 20)
_ITERATIONS_MAX = 500
_IDLE_MAX = 5  # steps in a row that lower nothing: float32 cannot tell the places apart any more
_GRADIENT_TOLERANCE = 1e-4  # largest entry of the gradient of the mean loss, at which a fit has converged
_GRADIENT_AIM = 1e-5  # where a fit ends that nobody is in a hurry for


class NotConverged(Exception):
    """A fit stopped before it reached a minimum, so its classifier must not be served."""


def log_softmax(scores: Floats) -> Floats:
    """Logarithms of probabilities over the last axis; shape as given."""
    shifted = scores - scores.max(axis=-1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


@dataclass(frozen=True, slots=True)
class LinearHead:
    """Logits = vector . weights + bias. ``weights`` has shape (dimensions, classes), ``bias`` (classes,)."""

    weights: Floats
    bias: Floats

    def logits(self, vectors: Floats) -> Floats:
        """Shape (..., classes) for vectors of shape (..., dimensions)."""
        result: Floats = vectors @ self.weights + self.bias
        return result


def fit_head(
    vectors: Floats,
    labels: Ints,
    classes: int,
    *,
    strength: float,
    sample_weights: Floats | None = None,
    start: LinearHead | None = None,
) -> LinearHead:
    """Minimise mean cross-entropy + ``strength``/2 * |weights|^2 (the bias is not held back).

    With ``start``, a fit on nearly the same samples, the minimum is near and is approached less closely, which
    halves the time of a cross-validation. ``vectors`` has shape (samples, dimensions), ``labels`` (samples,) with
    values below ``classes``.

    Raises NotConverged when the gradient has not become small after the allowed number of steps.
    """
    samples, dimensions = vectors.shape
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    shares = np.full(samples, 1.0 / samples, np.float32) if sample_weights is None else sample_weights
    rows = np.arange(samples)

    def loss(parameters: Floats) -> tuple[float, Floats]:
        weights, bias = parameters[:-1], parameters[-1]
        log_p = log_softmax(vectors @ weights + bias)
        value = float(-(shares * log_p[rows, labels]).sum()) + strength / 2 * float((weights * weights).sum())
        error = np.exp(log_p)
        error[rows, labels] -= 1.0
        error *= shares[:, None]
        slope = np.empty_like(parameters)
        slope[:-1] = vectors.T @ error + strength * weights
        slope[-1] = error.sum(axis=0)
        return value, slope

    origin = np.zeros((dimensions + 1, classes), dtype=np.float32)
    if start is not None:
        origin[:-1], origin[-1] = start.weights, start.bias
    best = minimise(loss, origin, _GRADIENT_AIM if start is None else _GRADIENT_TOLERANCE)
    return LinearHead(best[:-1].copy(), best[-1].copy())


def minimise(loss: Callable[[Floats], tuple[float, Floats]], point: Floats, aim: float) -> Floats:
    """L-BFGS with backtracking until no entry of the gradient is above ``aim``; ``loss`` gives value and gradient."""
    value, slope = loss(point)
    pairs: deque[tuple[Floats, Floats, float]] = deque(maxlen=_HISTORY)
    idle = 0
    for _ in range(_ITERATIONS_MAX):
        if float(np.abs(slope).max()) < aim:
            return point
        direction = _direction(slope, pairs)
        descent = float((direction * slope).sum())
        if descent >= 0:  # rounding spoilt the history: begin again from steepest descent
            pairs.clear()
            direction, descent = -slope, -float((slope * slope).sum())
        step = 1.0 if pairs else min(1.0, 1.0 / float(np.abs(slope).sum()))
        for _ in range(30):
            trial = point + step * direction
            trial_value, trial_slope = loss(trial)
            if trial_value <= value + 1e-4 * step * descent:  # Armijo, Nocedal & Wright (3.4)
                break
            step /= 2
        else:
            break  # float32 sees no further decrease
        idle = idle + 1 if trial_value >= value else 0
        if idle == _IDLE_MAX:
            break
        moved, turned = trial - point, trial_slope - slope
        curvature = float((moved * turned).sum())
        if curvature > 1e-10 * float((moved * moved).sum()):
            pairs.append((moved, turned, curvature))
        point, value, slope = trial, trial_value, trial_slope
    if not float(np.abs(slope).max()) <= _GRADIENT_TOLERANCE:  # also where it is no number
        steepest = float(np.abs(slope).max())
        raise NotConverged(
            f"The classifier did not converge (gradient {steepest:.1e}). Check the content's utterances."
        )
    return point


def _direction(slope: Floats, pairs: deque[tuple[Floats, Floats, float]]) -> Floats:
    """Minus the slope times the remembered inverse curvature (two-loop recursion)."""
    direction = -slope
    shares = []
    for moved, turned, curvature in reversed(pairs):
        share = float((moved * direction).sum()) / curvature
        direction = direction - share * turned
        shares.append(share)
    if pairs:
        moved, turned, curvature = pairs[-1]
        direction *= curvature / float((turned * turned).sum())
    for (moved, turned, curvature), share in zip(pairs, reversed(shares), strict=True):
        direction += (share - float((turned * direction).sum()) / curvature) * moved
    return direction
