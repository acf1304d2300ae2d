"""Temperature and isotonic calibration, held against their definitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bpcli.decision.calibration import (
    HOTTEST,
    FittedIsotonic,
    FittedTemperature,
    Isotonic,
    Temperature,
    isotonic_regression,
)
from bpcli.nn.losses import LossBase
from bpcli.nn.losses.classification import BinaryCrossEntropy, CrossEntropy

DRAWN = np.random.default_rng(1)


def log_loss(temperature: float, loss: LossBase, logits: Any, truth: Any, weights: Any) -> float:
    """Weighted log loss, by its definition."""
    predictions = np.empty_like(logits)
    loss.link(logits / temperature, predictions)
    if truth.ndim == 2:
        of_true = np.where(truth == 1, predictions, 1 - predictions)
        return float(weights @ -np.log(of_true).sum(axis=1))
    return float(weights @ -np.log(predictions[np.arange(len(truth)), truth]))


def rows_of(kind: str) -> tuple[LossBase, Any, Any]:
    """Logits that are too large by a factor of 3, and truths drawn with the probabilities before that."""
    logits = DRAWN.normal(size=(400, 1 if kind == "two" else 3)) * 1.5
    if kind == "classes":
        noise = DRAWN.gumbel(size=logits.shape)
        return CrossEntropy(), 3 * logits, (logits + noise).argmax(axis=1)
    truth = (logits + DRAWN.logistic(size=logits.shape) > 0).astype(np.uint8)
    return BinaryCrossEntropy(), 3 * logits, truth


@pytest.mark.parametrize("kind", ["two", "labels", "classes"])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_slope_of_the_log_loss_is_zero_at_the_temperature(kind: str, weighted: bool) -> None:
    loss, logits, truth = rows_of(kind)
    weights = DRAWN.integers(0, 4, len(logits)).astype(np.float64) if weighted else np.ones(len(logits))
    found = Temperature().fit(loss, logits, truth, weights if weighted else None)
    best, step = found.temperature, 1e-4
    assert 2 < best < 4.5
    low, here, high = (log_loss(best + by, loss, logits, truth, weights) for by in (-step, 0, step))
    assert here < min(low, high)
    assert abs(high - low) / (2 * step) < 1e-4 * here
    for other in np.geomspace(0.6, HOTTEST, 41):
        assert log_loss(other, loss, logits, truth, weights) >= here


def test_a_repeated_row_is_a_row_of_twice_the_weight_and_weight_0_is_none() -> None:
    loss, logits, truth = rows_of("classes")
    weights = DRAWN.integers(0, 3, len(logits))
    repeated = np.repeat(np.arange(len(logits)), weights)
    one = Temperature().fit(loss, logits, truth, weights)
    other = Temperature().fit(loss, logits[repeated], truth[repeated])
    assert one.temperature == pytest.approx(other.temperature, rel=1e-12)


@pytest.mark.parametrize("truth", [[0, 0, 1, 1], [1, 1, 0, 0]], ids=["all right", "all wrong"])
def test_where_no_temperature_is_best_it_is_1_and_that_is_said(truth: list[int]) -> None:
    logits = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    found = Temperature().fit(BinaryCrossEntropy(), logits, np.array(truth)[:, None])
    assert found == FittedTemperature(temperature=1.0, found=False)
    assert "none minimizes log loss" in str(found)


@pytest.mark.parametrize("loss", [CrossEntropy(), BinaryCrossEntropy()])
def test_a_temperature_divides_logits_and_keeps_the_predicted_class(loss: LossBase) -> None:
    logits = DRAWN.normal(size=(20, 3))
    out, expected, plain = np.empty_like(logits), np.empty_like(logits), np.empty_like(logits)
    FittedTemperature(temperature=2.5).link(loss, logits, out)
    loss.link(logits / 2.5, expected)
    loss.link(logits, plain)
    np.testing.assert_array_equal(out, expected)
    assert np.array_equal(out.argmax(axis=1), plain.argmax(axis=1))
    FittedTemperature(temperature=2.5).link(loss, logits, logits)
    np.testing.assert_array_equal(logits, expected)


def min_max(p: np.ndarray[Any, Any], t: np.ndarray[Any, Any], w: np.ndarray[Any, Any]) -> dict[float, float]:
    """Isotonic regression by its min-max formula (Barlow et al. 1972), at each distinct probability."""
    distinct = np.unique(p[w > 0])

    def mean(low: float, high: float) -> float:
        of = (p >= low) & (p <= high) & (w > 0)
        return float(w[of] @ t[of] / w[of].sum())

    return {
        float(x): max(min(mean(a, b) for b in distinct[distinct >= x]) for a in distinct[distinct <= x])
        for x in distinct
    }


@settings(deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.25, 0.5, 1.0])), st.integers(0, 1), st.integers(0, 3)
        ),
        min_size=1,
        max_size=12,
    ).filter(lambda rows: any(weight for *_, weight in rows))
)
def test_isotonic_regression_equals_the_min_max_formula(rows: list[tuple[float, int, int]]) -> None:
    p, t, w = (np.array(column, np.float64) for column in zip(*rows, strict=True))
    found = isotonic_regression(p, t, w)
    expected = min_max(p, t, w)
    at = np.interp(list(expected), found.given, found.calibrated)
    np.testing.assert_allclose(at, list(expected.values()), atol=1e-12)
    assert FittedIsotonic.model_validate(found.model_dump()) == found


def test_isotonic_by_hand() -> None:
    p, t = np.array([0.1, 0.2, 0.3, 0.6, 0.9]), np.array([0, 1, 0, 1, 1])
    found = isotonic_regression(p, t)
    assert (found.given, found.calibrated) == ((0.1, 0.2, 0.3, 0.6, 0.9), (0.0, 0.5, 0.5, 1.0, 1.0))


@pytest.mark.parametrize(("loss", "outputs"), [(BinaryCrossEntropy(), 1), (CrossEntropy(), 2)])
def test_isotonic_calibrates_the_second_class_and_probabilities_add_up(loss: LossBase, outputs: int) -> None:
    logits = DRAWN.normal(size=(200, outputs)).astype(np.float32)
    positive = (logits[:, -1] - logits[:, 0] * (outputs - 1) + DRAWN.logistic(size=200) > 0).astype(np.uint8)
    truth = positive if outputs == 2 else positive[:, None]
    found = Isotonic().fit(loss, logits, truth)
    plain, out = np.empty_like(logits), np.empty_like(logits)
    loss.link(logits, plain)
    found.link(loss, logits, out)
    assert out.dtype == np.float32
    np.testing.assert_allclose(out[:, -1], np.interp(plain[:, -1], found.given, found.calibrated), rtol=1e-6)
    if outputs == 2:
        np.testing.assert_allclose(out.sum(axis=1), 1, rtol=1e-6)
    assert out[:, -1].mean() == pytest.approx(positive.mean(), rel=1e-5)  # calibrated on average


@pytest.mark.parametrize(
    ("given", "calibrated"),
    [([0.1, 0.1], [0.0, 1.0]), ([0.1, 0.2], [1.0, 0.0]), ([0.1], [0.0, 1.0]), ([0.1, 0.2], [0.5, 1.5]), ([], [])],
)
def test_points_that_do_not_increase_are_refused(given: list[float], calibrated: list[float]) -> None:
    with pytest.raises(ValidationError):
        FittedIsotonic.model_validate({"given": given, "calibrated": calibrated})
