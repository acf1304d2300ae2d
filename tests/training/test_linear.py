"""The linear model is the optimum of its penalized loss, for every loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from networks import members, targets_for

from bpcli.nn.losses import Loss, LossScratch
from bpcli.nn.losses.classification import BinaryCrossEntropy, CrossEntropy
from bpcli.nn.losses.regression import MeanSquaredError
from bpcli.training.linear import LinearFit

ROWS, FEATURES = 400, 6


def rows(seed: int = 0) -> np.ndarray[Any, Any]:
    """Features of very different scales, one of them constant and one a copy of another."""
    x = np.random.default_rng(seed).normal(size=(ROWS, FEATURES)) * [1, 100, 0.01, 1, 1, 1] + [0, 1e3, 0, 0, 0, 0]
    x[:, 4], x[:, 5] = 7.0, x[:, 0]
    return x


def mean_loss(loss: Any, logits: Any, targets: Any, weight: Any = None) -> float:
    scratch = LossScratch(*logits.shape, logits.dtype)
    total = loss.value_and_gradient(logits, targets, weight, np.empty_like(logits), scratch)
    return float(total / (len(logits) if weight is None else weight.sum()))


def test_a_squared_error_gives_ridge_regression() -> None:
    x, generator = rows(), np.random.default_rng(1)
    y = (x[:, :1] * 2 + x[:, 1:2] / 50 + generator.normal(size=(ROWS, 1))).astype(float)
    found = LinearFit(x).fit(MeanSquaredError(), y, None, np.zeros(1))
    deviation = np.where(x.std(axis=0) > 0, x.std(axis=0), 1)
    standard = (x - x.mean(axis=0)) / deviation
    # Mean of squares plus ½ w² / rows: the normal equations have ½ on their diagonal.
    weights = np.linalg.solve(standard.T @ standard + np.eye(FEATURES) / 2, standard.T @ (y - y.mean()))
    np.testing.assert_allclose(found.weights, weights / deviation[:, None], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found.logits(x), standard @ weights + y.mean(), rtol=1e-3, atol=5e-3)


def test_a_binary_target_gives_the_optimum_of_newtons_method() -> None:
    x, generator = rows(), np.random.default_rng(2)
    standard = (x - x.mean(axis=0)) / np.where(x.std(axis=0) > 0, x.std(axis=0), 1)
    y = (standard[:, 0] + standard[:, 1] + generator.logistic(size=ROWS) > 1).astype(float)[:, None]
    design, weights = np.hstack([standard, np.ones((ROWS, 1))]), np.zeros((FEATURES + 1, 1))
    penalty = np.diag([1.0 / ROWS] * FEATURES + [0.0])
    for _ in range(20):
        p = 1 / (1 + np.exp(-design @ weights))
        slope = design.T @ (p - y) / ROWS + penalty @ weights
        weights -= np.linalg.solve(design.T @ (design * p * (1 - p)) / ROWS + penalty, slope)
    loss = BinaryCrossEntropy()
    found = LinearFit(x).fit(loss, y, None, np.zeros(1)).logits(x)
    assert mean_loss(loss, found, y) == pytest.approx(mean_loss(loss, design @ weights, y), rel=2e-3)
    np.testing.assert_allclose(found, design @ weights, atol=0.2)


@pytest.mark.parametrize("kind", members(Loss), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_loss_is_above_that_of_the_constant_or_far_above_the_best_of_random_models(kind: Any, dtype: Any) -> None:
    loss, generator = kind(), np.random.default_rng(3)
    outputs = 3 if isinstance(loss, CrossEntropy) else 1
    x, y = rows().astype(dtype), targets_for(loss, ROWS, outputs, generator)
    constant = np.zeros(outputs)
    found = LinearFit(x).fit(loss, y, None, constant).logits(x.astype(float))
    least = mean_loss(loss, found, y)
    assert least <= mean_loss(loss, np.zeros((ROWS, outputs)), y)
    standard = (x - x.mean(axis=0)) / np.where(x.std(axis=0) > 0, x.std(axis=0), 1)
    for _ in range(200):
        change, shift = generator.normal(size=(FEATURES, outputs)), generator.normal(size=outputs)
        nearby = found + standard @ change / 10 + shift / 10
        assert least <= mean_loss(loss, nearby, y) * 1.01 + 1e-3


def test_rows_without_weight_do_not_count() -> None:
    x, generator = rows(), np.random.default_rng(4)
    y = x[:, :1] + generator.normal(size=(ROWS, 1))
    weight = np.repeat([1.0, 0.0], ROWS // 2)
    wrong = np.where(weight[:, None] > 0, y, 1e4)
    found = LinearFit(x).fit(MeanSquaredError(), wrong, weight, np.zeros(1)).logits(x)[: ROWS // 2]
    alone = LinearFit(x).fit(MeanSquaredError(), y, weight, np.zeros(1)).logits(x)[: ROWS // 2]
    np.testing.assert_allclose(found, alone, rtol=1e-9)
    assert np.mean((found - y[: ROWS // 2]) ** 2) < 1.1
