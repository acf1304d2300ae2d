"""Rows that stand for all, and predictions in blocks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from planted import trained

from bpcli.inspection import sampling
from bpcli.inspection.sampling import ChangedRows, evenly_spaced, features_of, logits_of, predictions
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


@pytest.mark.parametrize(
    "layers", ["[]", "[{units: 5, activation: gelu}, {units: 3}]", "[{type: batch_norm}, {units: 4}]"]
)
def test_a_change_of_a_few_features_gives_the_logits_of_all(tmp_path: Path, layers: str) -> None:
    generator = np.random.default_rng(0)
    a, b, c = generator.normal(size=(3, 40))
    run = trained(tmp_path, layers, "{}", {"a": a, "b": b, "c": c, "y": a + b * c})
    model = Model.load(run)
    x = features_of(model, split_rows(model, None).table)
    values = generator.normal(size=(len(x), 2)).astype(x.dtype)
    other = x.copy()
    other[:, 1:] = values
    before = x.copy()
    for wide in (1, 1000):
        found = ChangedRows(model, x, wide).logits(slice(1, 3), values)
        np.testing.assert_allclose(found, logits_of(model, other), rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(x, before)
