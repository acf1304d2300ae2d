"""The loss of the best constant prediction is what arithmetic says, for every loss."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from bpcli.arrays.rows import Rows
from bpcli.data.batches import Dataset
from bpcli.nn.losses.classification import BinaryCrossEntropy, CrossEntropy
from bpcli.nn.losses.hinge import Hinge
from bpcli.nn.losses.log_link import Gamma, Poisson, Tweedie
from bpcli.nn.losses.regression import Huber, MeanAbsoluteError, MeanSquaredError, Quantile
from bpcli.training.constant import baseline_loss, best_constant

NUMBERS = np.array([[1.0], [2.0], [2.5], [9.0]])
LABELS = np.array([[0.0], [0.0], [1.0], [0.0]])


def dataset(y: Any, weight: Any = None) -> Dataset:
    return Dataset(Rows.of_numbers(np.zeros((len(y), 1))), y, weight)


def entropy(share: float) -> float:
    return -share * math.log(share) - (1 - share) * math.log(1 - share)


@pytest.mark.parametrize(
    ("loss", "y", "outputs"),
    [
        (BinaryCrossEntropy(), LABELS, 1),
        (MeanSquaredError(), NUMBERS, 1),
        (MeanSquaredError(link="sigmoid"), LABELS, 1),
        (MeanAbsoluteError(), NUMBERS, 1),
        (Huber(), NUMBERS, 1),
        (Poisson(), NUMBERS, 1),
        (Gamma(), NUMBERS, 1),
        (Tweedie(), NUMBERS, 1),
        (Quantile(quantile=0.3), NUMBERS, 1),
        (Hinge(), LABELS, 1),
        (CrossEntropy(), np.array([0, 1, 2, 2], np.uint8), 3),
        (MeanSquaredError(), np.hstack([NUMBERS, LABELS]), 2),
    ],
    ids=lambda value: getattr(value, "type", ""),
)
def test_no_constant_on_a_grid_is_better(loss: Any, y: Any, outputs: int) -> None:
    from bpcli.training.constant import _evaluate

    data = dataset(y)
    found = baseline_loss(loss, data, outputs)
    grid = np.random.default_rng(0).uniform(-3, 9, (1000, outputs))
    least = min(_evaluate(loss, logits, data.targets(outputs), None)[0] for logits in grid)
    assert found <= least + 1e-9
    assert found == pytest.approx(least, abs=0.1)


def test_it_is_the_entropy_of_the_classes_or_the_variance_of_the_numbers() -> None:
    assert baseline_loss(BinaryCrossEntropy(), dataset(LABELS), 1) == pytest.approx(entropy(0.25))
    classes = dataset(np.array([0, 1, 1, 1], np.uint8))
    assert baseline_loss(CrossEntropy(), classes, 2) == pytest.approx(entropy(0.25))
    half = baseline_loss(MeanSquaredError(), dataset(NUMBERS), 1) / NUMBERS.var()
    assert half == pytest.approx(0.5) or half == pytest.approx(1.0)


def test_rows_are_weighted() -> None:
    weighted = dataset(LABELS, np.array([1.0, 1.0, 6.0, 0.0]))
    assert baseline_loss(BinaryCrossEntropy(), weighted, 1) == pytest.approx(entropy(0.25))


@pytest.mark.parametrize("loss", [BinaryCrossEntropy(), MeanSquaredError(), Hinge(), Quantile(quantile=0.3)])
def test_rows_of_few_distinct_targets_count_by_their_weights(loss: Any) -> None:
    """The middle of the interval is found among rows that are all distinct too, so nearly equal ones are compared."""
    generator = np.random.default_rng(0)
    y, weight = generator.integers(0, 2, (200, 1)).astype(np.float64), generator.uniform(0.5, 2.0, 200)
    distinct = y + np.linspace(0.0, 1e-9, 200)[:, None]
    for of_rows in (None, weight):
        few, many = (best_constant(loss, dataset(of, of_rows), 1) for of in (y, distinct))
        np.testing.assert_allclose(few, many, atol=1e-6)
