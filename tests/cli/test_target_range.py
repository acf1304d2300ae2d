"""Predictions are clipped alike by every command, and the commands say so."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from commands import bpcli
from experiments import write_csv

import bpcli as package

X = np.linspace(-3, 3, 90).round(3)
PRICE = np.maximum(10 * X, 0).round(2)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A line through prices of 0 and above, which is negative for small x."""
    folder = tmp_path_factory.mktemp("range")
    write_csv(folder / "t.csv", {"x": X, "price": PRICE})
    (folder / "c.yaml").write_text(
        "data: {path: t.csv, target: price}\nlayers: []\noptimizer: {type: adam, learning_rate: 0.05}\n"
        "training: {epochs: 60}\ndtype: float64\n"
    )
    bpcli("train", folder / "c.yaml", "--run-dir", folder / "run").ok()
    return folder / "run"


def test_check_train_and_inspect_say_that_predictions_are_clipped(run: Path) -> None:
    note = (
        "note: predictions of 'price' are clipped to at least 0, as no training value is negative; data.target_range: "
        "none turns that off"
    )
    checked = bpcli("check", run.parent / "c.yaml").ok()
    assert note in checked.err
    assert "target  price, regression, clipped to at least 0" in checked.out
    assert "target  price, regression, clipped to at least 0" in bpcli("inspect", run).ok().out
    assert bpcli("inspect", run, "--json").ok().json["network"]["target"]["ranges"] == {"price": "at least 0"}
    plain = bpcli("check", run.parent / "c.yaml", "--set", "data.target_range=none").ok()
    assert "clipped" not in plain.err + plain.out


def test_predict_evaluate_and_python_clip_alike_and_explanations_say_so(run: Path) -> None:
    data = run.parent / "t.csv"
    result = bpcli("predict", data, "--checkpoint", run, "--explain", "--keep", "x").ok()
    rows = result.rows
    predicted, explained = (np.array([float(row[name]) for row in rows]) for name in ("prediction", "explained"))
    clipped = explained < 0
    assert 10 < clipped.sum() < 60
    assert (predicted[clipped] == 0).all()
    np.testing.assert_array_equal(predicted[~clipped], explained[~clipped])
    parts = sum(np.array([float(row[name]) for row in rows]) for name in ("baseline", "contribution_x"))
    np.testing.assert_allclose(parts, explained, atol=1e-9)
    assert (
        f"note: {clipped.sum()} predictions clipped to at least 0; explained is the prediction before that"
        in result.err
    )
    np.testing.assert_array_equal(package.load(run).predict({"x": X}), predicted)
    evaluated = bpcli("evaluate", run, "--data", data, "--json").ok()
    assert f"{clipped.sum()} predictions clipped to at least 0" in evaluated.json["notes"]
    assert f"note: {clipped.sum()} predictions clipped to at least 0\n" in evaluated.err
    rmse = evaluated.json["rmse"]
    assert rmse == pytest.approx(np.sqrt(np.mean((predicted - PRICE) ** 2)))


def test_a_range_of_ones_own_holds_and_can_be_turned_off(run: Path) -> None:
    config, data, folder = run.parent / "c.yaml", run.parent / "t.csv", run.parent
    for name, setting in (("none", "none"), ("own", "[null, 12.5]")):
        trained = bpcli("train", config, "--run-dir", folder / name, "--set", f"data.target_range={setting}").ok()
        predicted = bpcli("predict", data, "--checkpoint", folder / name).ok()
        values = np.array([float(row["prediction"]) for row in csv.DictReader(predicted.out.splitlines())])
        assert values.min() < 0
        told = bpcli("evaluate", folder / name, "--data", data).ok().err
        assert ("clipped to at most 12.5" in told) == (name == "own" and bool((values == 12.5).any()))
        assert (values.max() <= 12.5) == ("clipped to at most 12.5" in trained.err) == (name == "own")


def test_predictions_beyond_the_data_can_stop_at_the_training_values(run: Path) -> None:
    folder = run.parent
    setting = "data.target_range=training"
    trained = bpcli("train", folder / "c.yaml", "--run-dir", folder / "within", "--set", setting).ok()
    write_csv(folder / "far.csv", {"x": [-100.0, 0.5, 100.0]})
    rows = bpcli("predict", folder / "far.csv", "--checkpoint", folder / "within").ok().rows
    low, between, high = (float(row["prediction"]) for row in rows)
    assert low == 0 < between < high
    assert high in PRICE  # the greatest one of the training rows
    assert high > 25
    assert f"predictions of 'price' are clipped to 0 to {high:g}, the range of the training values" in trained.err
