"""Weighted statistics are those of NumPy for equal weights, and of repeated rows where that is what a weight means."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.data.columns.statistics import deviation, mean, quantiles, unequal

VALUES = np.random.default_rng(0).normal(3.0, 2.0, 50)
COUNTS = np.random.default_rng(1).integers(1, 5, 50)
SHARES = np.linspace(0.0, 1.0, 11)


def test_integer_weights_give_the_mean_and_the_deviation_of_repeated_rows() -> None:
    repeated, weights = np.repeat(VALUES, COUNTS), COUNTS.astype(float)
    assert mean(VALUES, weights) == pytest.approx(repeated.mean(), rel=1e-12)
    assert deviation(VALUES, weights) == pytest.approx(repeated.std(), rel=1e-12)


def test_equal_weights_give_numpys_quantiles() -> None:
    np.testing.assert_allclose(quantiles(VALUES, SHARES, np.full(50, 0.3)), np.quantile(VALUES, SHARES), rtol=1e-12)
    assert quantiles(VALUES, SHARES).tolist() == np.quantile(VALUES, SHARES).tolist()


def test_weights_pull_quantiles_and_weight_0_leaves_a_row_out() -> None:
    assert quantiles(np.array([1.0, 2.0, 9.0]), [0.5], np.array([1.0, 1.0, 98.0])).tolist() == [
        pytest.approx(2 + 7 * (0.5 - 1 / 99) / (1 - 1 / 99))
    ]
    assert quantiles(np.array([5.0, 1.0, 3.0, 1e9]), [0.0, 0.5, 1.0], np.array([1.0, 1, 1, 0])).tolist() == [1, 3, 5]
    assert quantiles(np.array([5.0]), [0.1, 0.9], np.array([2.0])).tolist() == [5.0, 5.0]


def test_equal_weights_are_none() -> None:
    assert unequal(np.array([0.3, 0.3])) is None
    weights = np.array([0.3, 0.4])
    assert unequal(weights) is weights
