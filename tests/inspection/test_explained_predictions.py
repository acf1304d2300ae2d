"""Attributions as columns: named after inputs and outputs, and their digits add up, for every shipped experiment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commands import CONFIGS
from planted import trained

from bpcli.inspection.attributions import attributions
from bpcli.inspection.explained_predictions import AttributionColumns
from bpcli.jobs.training import train
from bpcli.models.evaluation import split_rows
from bpcli.models.model import Model
from bpcli.models.prediction_lines import CsvLines


def written(model: Model, rows: int = 10**9) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Header, cells as numbers (columns, rows), and predictions of the last split's first rows."""
    table = split_rows(model, None).table
    table = table.take(np.arange(min(rows, table.rows)))
    explained = AttributionColumns(model)
    cells = np.array([[float(cell) for cell in column] for column in explained.columns(table, CsvLines([]))])
    return explained.header, cells, model.outcome(table)[0].predicted


def test_a_linear_model_has_columns_by_hand(tmp_path: Path) -> None:
    a, b = np.array([1.0, 2.0, 3.0, 6.0]), np.array([0.0, 4.0, 0.0, 0.0])
    columns = {"a": a, "b": b, "y": 2 * a - b + 0.25}
    parameters = "{layers.0.weight: [[2], [-1]], layers.0.bias: [0.5]}"
    model = Model.load(trained(tmp_path, "[]", parameters, columns, ", target_encoder: none"))
    header, cells, _ = written(model)
    assert header == ["explained", "baseline", "contribution_a", "contribution_b"]
    np.testing.assert_allclose(cells, [2 * a - b + 0.5, np.full(4, 5.5), 2 * (a - 3), -(b - 1)], rtol=1e-12, atol=1e-12)


def test_several_outputs_have_such_columns_each(tmp_path: Path) -> None:
    run = train(CONFIGS / "textbook.yaml", ["training.epochs=3"], run_dir=tmp_path / "run").path
    header, cells, _ = written(Model.load(run))
    assert header == [
        "explained_o1", "baseline_o1", "contribution_i1_to_o1", "contribution_i2_to_o1",
        "explained_o2", "baseline_o2", "contribution_i1_to_o2", "contribution_i2_to_o2",
    ]  # fmt: skip
    for first in (0, 4):
        np.testing.assert_allclose(cells[first + 1 : first + 4].sum(axis=0), cells[first], rtol=1e-15)


@pytest.mark.parametrize("name", ["penguins", "credit", "concrete", "auto_mpg", "digits", "xor"])
def test_of_every_shipped_experiment_each_row_adds_up(
    name: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    run = train(CONFIGS / f"{name}.yaml", ["training.epochs=2"], run_dir=tmp_path / "run").path
    model = Model.load(run)
    _, cells, predicted = written(model, 300)
    said, parts = cells[0], cells[1:]
    # Each number is written with the digits of float32.
    assert np.all(np.abs(said - parts.sum(axis=0)) <= 1e-7 * (np.abs(parts).sum(axis=0) + np.abs(said)))
    if model.target.task == "regression":
        np.testing.assert_array_equal(said.astype(np.float32), predicted[:, 0].astype(np.float32))
    record_property("cases", said.size)
    assert said.size >= 4


def test_the_columns_hold_the_attributions_in_the_dtype_of_the_model(penguins_run: Path) -> None:
    model = Model.load(penguins_run)
    _, cells, _ = written(model)
    found = attributions(model, split_rows(model, None).table)
    np.testing.assert_array_equal(cells[0].astype(np.float32), found.explained[:, 0].astype(np.float32))
    np.testing.assert_array_equal(cells[2:].T.astype(np.float32), found.contributions[:, 0].astype(np.float32))
