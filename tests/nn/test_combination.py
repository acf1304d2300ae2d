"""Logits of an ensemble: their prediction is the mean of the members' predictions, with the right gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bpcli.nn.losses.classification import BinaryCrossEntropy, CrossEntropy
from bpcli.nn.losses.hinge import Hinge
from bpcli.nn.losses.log_link import Poisson
from bpcli.nn.losses.regression import MeanAbsoluteError, MeanSquaredError

LOSSES = [
    CrossEntropy(),
    BinaryCrossEntropy(),
    MeanSquaredError(),
    MeanSquaredError.model_validate({"link": "sigmoid"}),
    MeanAbsoluteError(),
    Poisson(),
    Hinge(),
]
MEMBERS = np.random.default_rng(5).normal(scale=2.0, size=(3, 6, 4))


def predicted(loss: Any, logits: Any) -> Any:
    out = np.empty_like(logits)
    loss.link(logits, out)
    return out


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_the_prediction_is_the_mean_prediction(loss: Any) -> None:
    mean = np.mean([predicted(loss, member) for member in MEMBERS], axis=0)
    np.testing.assert_allclose(predicted(loss, loss.combination.logits(MEMBERS)), mean, rtol=1e-13)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_the_gradient_is_that_of_central_differences(loss: Any) -> None:
    slope = np.random.default_rng(6).normal(size=(6, 4))
    found, step = loss.combination.gradient(MEMBERS, slope), 1e-6
    assert found.shape == MEMBERS.shape
    for place in np.ndindex(MEMBERS.shape):
        ends = []
        for sign in (1.0, -1.0):
            moved = MEMBERS.copy()
            moved[place] += sign * step
            ends.append(float((slope * loss.combination.logits(moved)).sum()))
        assert found[place] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-7)


@pytest.mark.parametrize("loss", [CrossEntropy(), BinaryCrossEntropy(), Poisson()], ids=repr)
def test_certain_members_give_finite_logits(loss: Any) -> None:
    """A probability of 1 - 1e-200 is 1 in float64; its logit is not infinite."""
    certain = np.array([[[400.0, -400.0]], [[380.0, -390.0]]])
    combined = loss.combination.logits(certain)
    assert np.isfinite(combined).all()
    assert 370.0 < combined[0, 0] - (combined[0, 1] if isinstance(loss, CrossEntropy) else 0.0) < 800.0


def test_rows_of_certain_members_are_as_exact_as_others() -> None:
    """Mean of p and q, of which q is 0 by underflow: log p - log 2; a row is the same alone as among others."""
    rows = np.array([[[0.0, -600.0], [1.0, 2.0]], [[0.0, -800.0], [3.0, -4.0]]])
    combined = CrossEntropy().combination.logits(rows)
    assert combined[0, 1] == pytest.approx(-600.0 - np.log(2.0), abs=1e-12)
    for row in range(2):
        np.testing.assert_array_equal(CrossEntropy().combination.logits(rows[:, row : row + 1])[0], combined[row])


def test_one_member_keeps_its_prediction() -> None:
    for loss in LOSSES:
        combined = predicted(loss, loss.combination.logits(MEMBERS[:1]))
        np.testing.assert_allclose(combined, predicted(loss, MEMBERS[0]), rtol=1e-13)
