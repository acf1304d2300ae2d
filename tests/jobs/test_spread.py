"""Spread of scores over runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from series_runs import listed

from bpcli.jobs.spread import Spread, spreads


def test_the_deviation_is_that_of_a_sample() -> None:
    deviation = pytest.approx((((4 / 3) ** 2 + (1 / 3) ** 2 + (5 / 3) ** 2) / 2) ** 0.5)
    assert Spread.of([1.0, 2.0, None, 4.0]) == Spread(7 / 3, deviation, 1.0, 4.0, 3)
    assert Spread.of([3.0]).std is None
    assert Spread.of([None]) == Spread(None, None, None, None, 0)
    assert Spread.of([1.0, float("nan"), float("inf")]) == Spread(1.0, None, 1.0, 1.0, 1)


def test_the_spread_is_over_the_best_epochs_and_the_test_rows() -> None:
    runs = [
        listed(Path("p-seed0"), {"accuracy": 1.0, "roc_auc": 0.75}),
        listed(Path("p-seed1"), {"accuracy": 0.75, "roc_auc": None}, loss=0.5),
    ]
    assert spreads(runs) == {
        "validation_loss": Spread(0.25, pytest.approx(0.5**1.5), 0.0, 0.5, 2),
        "test_accuracy": Spread(0.875, pytest.approx(0.5**0.5 / 4), 0.75, 1.0, 2),
        "test_roc_auc": Spread(0.75, None, 0.75, 0.75, 1),
    }
    assert spreads([]) == {}
