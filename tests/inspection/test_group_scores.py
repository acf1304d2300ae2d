"""Scores without each group of rows, and jackknife intervals from them."""

from __future__ import annotations

from math import gamma, pi, sqrt

import numpy as np
import pytest

from bpcli.inspection.group_scores import MOST_GROUPS, T_975, groups_of, jackknife_interval


def test_the_quantiles_are_those_of_students_t() -> None:
    for degrees, quantile in enumerate(T_975, 1):
        x = np.linspace(0, quantile, 200_001)
        scale = gamma((degrees + 1) / 2) / (sqrt(degrees * pi) * gamma(degrees / 2))
        density = scale * (1 + x * x / degrees) ** (-(degrees + 1) / 2)
        assert np.trapezoid(density, x) == pytest.approx(0.475, abs=2e-5)


def test_groups_are_of_nearly_equal_size_and_of_a_least_size() -> None:
    assert groups_of(9, 5).tolist() == [0, 9]
    assert groups_of(17, 5).tolist() == [0, 5, 11, 17]
    bounds = groups_of(1003, 5)
    assert (len(bounds) - 1, bounds[-1]) == (MOST_GROUPS, 1003)
    assert {*np.diff(bounds)} == {50, 51}


def test_of_a_mean_the_interval_is_that_of_the_means_of_the_groups() -> None:
    means = np.random.default_rng(0).normal(size=12)
    without = (means.sum() - means) / 11
    found = jackknife_interval(float(means.mean()), without)
    error = means.std(ddof=1) / np.sqrt(12)
    assert found == pytest.approx((means.mean() - 2.2010 * error, means.mean() + 2.2010 * error))


def test_there_is_no_interval_of_one_group_or_of_an_undefined_value() -> None:
    assert jackknife_interval(1.0, np.array([])) is None
    assert jackknife_interval(1.0, np.array([1.0, np.nan])) is None
