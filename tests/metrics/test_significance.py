"""Significance tests: the bootstrap against theory, McNemar's and Holm's tests against published and exact values."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest

from bpcli.metrics import report
from bpcli.metrics.rowwise import ROWWISE, ROWWISE_LOG_LOSS
from bpcli.metrics.significance import (
    holm,
    mcnemar_exact,
    paired_bootstrap,
    resampled_t_margin,
    student_t_bound,
)
from bpcli.training.scoring import HEADLINES


def mean(means: np.ndarray) -> np.ndarray:
    return means[:, 0]


def test_mcnemar_is_the_two_sided_binomial_test(record_property):
    cases = 0
    for first in range(25):
        for second in range(25):
            rows = first + second
            tail = sum(comb(rows, heads) for heads in range(min(first, second) + 1))
            assert mcnemar_exact(first, second) == float(min(Fraction(1), Fraction(2 * tail, 2**rows)))
            cases += 1
    record_property("cases", cases)
    assert cases == 625


def test_mcnemar_of_many_rows_neither_overflows_nor_vanishes():
    # Beyond 1,074 rows 2**-rows underflows. For that many rows the normal approximation with continuity correction is
    # close.
    assert mcnemar_exact(5000, 5000) == 1
    assert mcnemar_exact(4900, 5100) == pytest.approx(0.0466, abs=0.0005)
    assert mcnemar_exact(0, 5000) == 0


def test_holm_corrects_as_worked_by_hand():
    # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1, and never less than the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


def test_the_interval_of_a_mean_is_that_of_the_central_limit():
    generator = np.random.default_rng(1)
    first, second = generator.normal(0, 1, (400, 1)), generator.normal(0.3, 1, (400, 1))
    found = paired_bootstrap(first, second, mean)
    difference = second - first
    error = difference.std() / 20
    assert found.low == pytest.approx(difference.mean() - 1.96 * error, abs=0.06 * error)
    assert found.high == pytest.approx(difference.mean() + 1.96 * error, abs=0.06 * error)
    assert found.p < 0.05


def test_rows_are_paired():
    # Rows differ a lot, but the models by the same small amount on each row, which an unpaired test would miss.
    rows = np.random.default_rng(2).normal(0, 100, (50, 1))
    found = paired_bootstrap(rows, rows + 0.1, mean)
    assert (found.low, found.high) == pytest.approx((0.1, 0.1))
    assert found.p == pytest.approx(2 / 10_001)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another():
    first, second = np.random.default_rng(3).random((2, 30, 1))
    assert paired_bootstrap(first, second, mean, seed=5) == paired_bootstrap(first, second, mean, seed=5)
    assert paired_bootstrap(first, second, mean, seed=5) != paired_bootstrap(first, second, mean, seed=6)


def test_models_that_answer_alike_differ_by_nothing():
    rows = np.random.default_rng(4).random((30, 1))
    found = paired_bootstrap(rows, rows, mean)
    assert (found.low, found.high, found.p) == (0, 0, 1)


def test_an_interval_holds_the_truth_as_often_as_it_says(record_property):
    generator = np.random.default_rng(5)
    held = 0
    for trial in range(200):
        right = generator.random((150, 2)) < [0.8, 0.7]
        figures = right.astype(float)
        found = paired_bootstrap(figures[:, :1], figures[:, 1:], mean, seed=trial, resamples=1000)
        held += found.low <= -0.1 <= found.high
    record_property("cases", 200)
    assert 180 <= held <= 199  # 190 are expected, with a standard deviation of 3


@pytest.mark.parametrize("task", list(ROWWISE))
def test_the_headline_metric_taken_apart_is_the_metric(task, record_property):
    generator = np.random.default_rng(6)
    cases = 0
    for rows in (1, 2, 7, 100):
        if task == "regression":
            true, predicted = generator.normal(0, 3, (2, rows, 2))
            names = ["a", "b"]
        elif task == "multilabel":
            true, predicted = (generator.random((2, rows, 3)) < [0.5, 0.1, 0.9]).astype(np.int8)
            names = ["a", "b", "c"]
        else:
            names = ["a", "b", "c"][: 2 if task == "binary" else 3]
            true, predicted = generator.integers(0, len(names), (2, rows))
        rowwise = ROWWISE[task]
        found = rowwise.of_means(rowwise.figures(true, predicted).mean(axis=0, keepdims=True))
        expected = report(task, true, predicted, None, names).scores[HEADLINES[task]]
        assert found.shape == (1,)
        assert found[0] == pytest.approx(expected, rel=1e-12)
        cases += 1
    record_property("cases", cases)
    assert cases == 4


@pytest.mark.parametrize("task", list(ROWWISE_LOG_LOSS))
def test_the_log_loss_taken_apart_is_the_metric(task, record_property):
    generator = np.random.default_rng(7)
    cases = 0
    for rows in (1, 2, 7, 100):
        names = ["a", "b", "c"][: 2 if task == "binary" else 3]
        shares = generator.dirichlet(np.ones(len(names)), rows)
        shares[0] = np.eye(len(names))[0]  # certain, and clipped
        true, predicted = generator.integers(0, len(names), (2, rows))
        if task == "multilabel":
            true, predicted = np.eye(3, dtype=np.int8)[true], (shares > 0.5).astype(np.int8)
        rowwise = ROWWISE_LOG_LOSS[task]
        found = rowwise.of_means(rowwise.figures(true, shares).mean(axis=0, keepdims=True))
        assert found.shape == (1,)
        assert found[0] == pytest.approx(report(task, true, predicted, shares, names).scores["log_loss"], rel=1e-12)
        cases += 1
    record_property("cases", cases)
    assert cases == 4


@pytest.mark.parametrize(
    ("degrees", "bound"),
    [
        (1, 12.706204736),
        (2, 4.302652730),
        (3, 3.182446305),
        (4, 2.776445105),
        (9, 2.262157163),
        (24, 2.063898562),
        (49, 2.009575237),
        (100, 1.983971519),
    ],
)
def test_the_bounds_of_students_t_are_those_of_tables(degrees: int, bound: float) -> None:
    assert student_t_bound(0.95, degrees) == pytest.approx(bound, abs=5e-10)


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9, 0.99, 0.999])
def test_the_bounds_of_one_and_two_degrees_are_exact(probability: float) -> None:
    assert student_t_bound(probability, 1) == pytest.approx(np.tan(np.pi * probability / 2), rel=1e-12)
    two = probability * np.sqrt(2 / (1 - probability**2))
    assert student_t_bound(probability, 2) == pytest.approx(two, rel=1e-12)


def test_the_margin_of_ten_folds_has_the_correction_for_overlapping_training_sets() -> None:
    margin = resampled_t_margin(0.03, 10, 1 / 9)
    assert margin == pytest.approx(2.262157163 * np.sqrt((1 / 10 + 1 / 9) * 0.03**2), rel=1e-9)
    assert resampled_t_margin(0.03, 10, 0) == pytest.approx(2.262157163 * 0.03 / np.sqrt(10), rel=1e-9)
