"""Rows that stand for all, and predictions in blocks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bpcli.inspection import sampling
from bpcli.inspection.sampling import evenly_spaced, features_of, predictions
from bpcli.models.evaluation import split_rows
from bpcli.models.model import Model


def test_rows_that_stand_for_all_are_enough_for_a_mean() -> None:
    assert evenly_spaced(1000, 0.01).tolist() == np.linspace(0, 999, 30).astype(int).tolist()
    assert evenly_spaced(1000, 250.9).tolist() == np.linspace(0, 999, 250).astype(int).tolist()
    assert evenly_spaced(20, 1).tolist() == evenly_spaced(20, 1e9).tolist() == list(range(20))


def test_predictions_from_features_are_those_of_the_model_in_blocks_of_any_size(
    penguins_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model.load(penguins_run)
    table = split_rows(model, None).table
    x = features_of(model, table)
    assert (x.shape, x.dtype) == ((69, 14), model.dtype)
    outcome, _ = model.outcome(table)
    assert outcome.probabilities is not None
    for numbers in (sampling.MOST_NUMBERS, 1, 500):
        monkeypatch.setattr(sampling, "MOST_NUMBERS", numbers)
        np.testing.assert_allclose(predictions(model, x), outcome.probabilities, rtol=1e-5, atol=1e-7)
