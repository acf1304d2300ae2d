"""Baselines are scored on the rows that the network is validated on, by its loss and its metrics."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from experiments import plan

from bpcli.arrays.rows import Rows
from bpcli.training.baselines import baselines
from bpcli.training.folds import Folds
from bpcli.training.plan import TrainingPlan
from bpcli.training.spec import TrainingSpec

NETWORK = {"train_loss": 0.1, "validation_loss": 0.25, "validation_one": 0.5}


def line(rows: int = 60, features: int = 3) -> tuple[Any, Any]:
    """Rows of a target that is linear in the features, up to noise of deviation ½."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(rows, features))
    return x, x[:, :1] * 2 + 1 + generator.normal(size=(rows, 1)) / 2


def planned(rows: int = 60, features: int = 3) -> TrainingPlan:
    (x, y), known = line(rows + 40, features), rows
    return plan(
        x[:known],
        y[:known],
        TrainingSpec(epochs=5),
        validation=(x[known:], y[known:]),
        score=lambda predictions, dataset: {"one": float(np.abs(predictions - dataset.y).max())},
    )


def test_each_model_has_the_loss_and_the_metrics_of_the_validation_rows() -> None:
    of = planned()
    assert of.validation is not None
    found = baselines(of, 5, NETWORK)
    assert found is not None
    y, mean = of.validation.y, of.train.y.mean()
    assert found.scores["constant"]["loss"] == pytest.approx(float(np.mean((y - mean) ** 2)), rel=1e-4)
    assert found.scores["constant"]["one"] == pytest.approx(float(np.abs(y - mean).max()), rel=1e-4)
    linear = found.scores["linear"]["loss"]
    assert linear is not None
    assert 0.1 < linear < 0.4
    assert found.scores["network"] == {"loss": 0.25, "one": 0.5}
    assert (found.rows, found.fitted_rows, found.training_rows) == (40, 60, 60)


def test_of_folds_each_row_is_predicted_by_a_model_that_was_fitted_without_it() -> None:
    x, y = line(80)
    folds = Folds(np.arange(80, dtype=np.int16) % 4, 4)
    # A column by which a row's own target could be learned by heart.
    own = np.eye(80)
    known = plan(np.hstack([x, own]), y, TrainingSpec(epochs=1000), score=lambda *_: {})
    of = replace(known, validation=known.train, folds=folds, members=(0, 1, 2, 3))
    found, learned = baselines(of, 1000, NETWORK), baselines(replace(known, validation=known.train), 1000, NETWORK)
    assert found is not None
    assert learned is not None
    assert learned.scores["linear"]["loss"] == pytest.approx(0.0, abs=0.05)
    honest = found.scores["linear"]["loss"]
    assert honest is not None
    assert honest > 0.2
    assert (found.out_of_fold, learned.out_of_fold) == (True, False)


def test_a_long_table_is_sampled_evenly_and_a_long_training_allows_for_more() -> None:
    of = planned(rows=20_000, features=20)
    few, more = baselines(of, 1, NETWORK), baselines(of, 2000, NETWORK)
    assert few is not None
    assert more is not None
    assert few.fitted_rows < 10_000
    assert few.fitted == f"linear model fitted to {few.fitted_rows:,} of 20,000 training rows"
    assert more.fitted_rows == 20_000
    assert more.fitted == ""


def test_there_are_none_without_validation_rows_for_images_and_for_very_many_features() -> None:
    of = planned()
    assert baselines(replace(of, validation=None), 5, NETWORK) is None
    images = Rows.of_numbers(np.zeros((60, 2, 2)))
    assert baselines(replace(of, train=replace(of.train, x=images)), 5, NETWORK) is None
    wide = Rows.of_numbers(np.zeros((60, 1025)))
    assert baselines(replace(of, train=replace(of.train, x=wide)), 5, NETWORK) is None


def test_numbers_that_overflow_have_no_score() -> None:
    of = planned()
    huge = replace(of, train=replace(of.train, y=of.train.y * 1e200))
    found = baselines(huge, 5, NETWORK)
    assert found is not None
    assert found.scores["linear"] == {"loss": None}
    assert found.share is None
