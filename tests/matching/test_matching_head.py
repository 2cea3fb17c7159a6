"""The classifier: it learns, agrees with what can be worked out by hand, and refuses to serve an unfinished fit."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from bot.matching import NotConverged
from bot.matching.head import Floats, Ints, LinearHead, fit_head, log_softmax, minimise


def clouds(classes: int, each: int, spread: float) -> tuple[Floats, Ints]:
    """Points around the corners of a cube in as many dimensions as there are classes."""
    random = np.random.default_rng(7)
    labels = np.repeat(np.arange(classes), each)
    points = np.eye(classes)[labels] + random.normal(scale=spread, size=(len(labels), classes))
    return points.astype(np.float32), labels


def shares(head: LinearHead, vectors: Floats) -> Floats:
    return np.asarray(np.exp(log_softmax(head.logits(vectors))), dtype=np.float32)


@pytest.mark.parametrize(("classes", "each"), [(2, 3), (5, 10), (40, 4)])
def test_separable_classes_are_learnt_without_a_mistake(classes: int, each: int) -> None:
    vectors, labels = clouds(classes, each, spread=0.1)
    head = fit_head(vectors, labels, classes, strength=1e-3)
    assert head.weights.shape == (classes, classes)
    assert head.bias.shape == (classes,)
    assert np.array_equal(head.logits(vectors).argmax(axis=1), labels)
    assert shares(head, vectors).sum(axis=1) == pytest.approx(np.ones(len(labels)), abs=1e-5)


def test_the_same_examples_give_the_very_same_classifier() -> None:
    vectors, labels = clouds(10, 6, spread=0.6)
    first, second = (fit_head(vectors.copy(), labels.copy(), 10, strength=1e-3) for _ in range(2))
    assert np.array_equal(first.weights, second.weights)
    assert np.array_equal(first.bias, second.bias)


@pytest.mark.parametrize("height", [0.1, 0.5, 1.0, 2.0])
def test_two_points_get_the_slope_that_a_pencil_gives(height: float) -> None:
    # Points at 1 and -1, one of each class: by symmetry the weights are -u and u and the bias is 0. The loss
    # log(1 + exp(-2u)) + strength * u^2 is least where strength * u = 1 / (1 + exp(2u)).
    strength = 1 / (1 + math.exp(2 * height)) / height
    head = fit_head(np.array([[1.0], [-1.0]], dtype=np.float32), np.array([1, 0]), 2, strength=strength)
    assert head.weights[0] == pytest.approx([-height, height], abs=2e-3)
    assert head.bias == pytest.approx([0, 0], abs=1e-4)


def test_where_vectors_say_nothing_each_class_gets_its_frequency() -> None:
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 2])
    head = fit_head(np.zeros((8, 3), dtype=np.float32), labels, 3, strength=0.1)
    assert not head.weights.any()
    assert shares(head, np.ones(3, dtype=np.float32)) == pytest.approx([4 / 8, 3 / 8, 1 / 8], abs=1e-3)


def test_the_minimum_is_a_minimum() -> None:
    vectors, labels = clouds(3, 8, spread=0.8)
    strength = 0.01
    head = fit_head(vectors, labels, 3, strength=strength)

    def loss(weights: Floats, bias: Floats) -> float:
        log_p = log_softmax((vectors @ weights + bias).astype(np.float64))
        held_back = strength / 2 * float((weights.astype(np.float64) ** 2).sum())
        return float(-log_p[np.arange(len(labels)), labels].mean()) + held_back

    least = loss(head.weights, head.bias)
    random = np.random.default_rng(1)
    for size in (0.02, 0.1, 1.0):
        for _ in range(50):
            aside = random.normal(scale=size, size=(4, 3)).astype(np.float32)
            assert loss(head.weights + aside[:3], head.bias + aside[3]) > least


def test_an_example_of_double_weight_counts_like_two_examples() -> None:
    vectors, labels = clouds(3, 5, spread=0.8)
    twice = np.array([0, 7])
    doubled = fit_head(
        np.concatenate([vectors, vectors[twice]]), np.concatenate([labels, labels[twice]]), 3, strength=0.01
    )
    weights: npt.NDArray[np.float32] = np.ones(15, dtype=np.float32)
    weights[twice] = 2
    weighted = fit_head(vectors, labels, 3, strength=0.01, sample_weights=weights / weights.sum())
    assert weighted.weights == pytest.approx(doubled.weights, abs=5e-3)
    assert weighted.bias == pytest.approx(doubled.bias, abs=5e-3)


def test_an_example_without_weight_might_as_well_not_be_there() -> None:
    vectors, labels = clouds(2, 5, spread=0.8)
    weights = np.full(10, 1 / 9, dtype=np.float32)
    weights[3] = 0
    weighted = fit_head(vectors, labels, 2, strength=0.01, sample_weights=weights)
    others = np.arange(10) != 3
    without = fit_head(vectors[others], labels[others], 2, strength=0.01)
    assert weighted.weights == pytest.approx(without.weights, abs=5e-3)


def test_another_place_to_start_from_leads_to_the_same_minimum() -> None:
    vectors, labels = clouds(4, 10, spread=0.5)
    cold = fit_head(vectors, labels, 4, strength=0.01)
    elsewhere = LinearHead(cold.weights[::-1] * 3, cold.bias + 2)
    warm = fit_head(vectors, labels, 4, strength=0.01, start=elsewhere)
    assert shares(warm, vectors) == pytest.approx(shares(cold, vectors), abs=5e-3)


def test_stronger_restraint_gives_smaller_weights() -> None:
    vectors, labels = clouds(4, 10, spread=0.3)
    sizes = [
        float(np.abs(fit_head(vectors, labels, 4, strength=strength).weights).sum()) for strength in (1e-4, 1e-2, 1)
    ]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("scale", [1e3, 1e4, 1e6])
def test_a_fit_that_cannot_reach_its_minimum_is_refused(scale: float) -> None:
    # Numbers that large leave float32 no way to a small gradient; classes that overlap leave no other way out.
    random = np.random.default_rng(0)
    vectors = (random.normal(size=(40, 5)) * scale).astype(np.float32)
    with pytest.raises(NotConverged, match=r"did not converge \(gradient .+\)\. Check the content's utterances\."):
        fit_head(vectors, np.arange(40) % 2, 2, strength=1e-3)


def test_a_fit_that_cannot_go_on_gives_up_soon() -> None:
    # A valley so narrow that float32 has no number between its walls.
    looked = 0

    def loss(point: Floats) -> tuple[float, Floats]:
        nonlocal looked
        looked += 1
        return 1.0 + 1e-9 * float((point * point).sum()), point

    with pytest.raises(NotConverged):
        minimise(loss, np.full((2, 2), 3e4, dtype=np.float32), aim=1e-5)
    assert looked < 100


def test_a_fit_on_what_is_no_number_is_refused() -> None:
    vectors, labels = clouds(2, 5, spread=0.1)
    vectors[3, 1] = np.nan
    with pytest.raises(NotConverged):
        fit_head(vectors, labels, 2, strength=1e-3)


def test_logarithms_of_probabilities_stand_large_numbers() -> None:
    scores = np.array([[1e30, 0, -1e30], [0, 0, 0]], dtype=np.float32)
    assert np.exp(log_softmax(scores)) == pytest.approx(np.array([[1, 0, 0], [1 / 3, 1 / 3, 1 / 3]]))
