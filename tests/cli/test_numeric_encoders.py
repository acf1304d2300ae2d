"""Encoders of numeric columns from the config to predictions of a stored model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from commands import bpcli
from experiments import write_csv

import bpcli as package

AGE = np.linspace(18, 66, 96).round(1)
CITY = ["north", "south"] * 48
DOSE = [None if row % 12 == 5 else float(row % 9) for row in range(96)]
RISK = (np.sin(AGE / 8) + np.array([dose or 0.0 for dose in DOSE]) / 4).round(3)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("numeric_encoders")
    write_csv(folder / "t.csv", {"age": AGE, "dose": DOSE, "city": CITY, "risk": RISK})
    return folder / "t.csv"


def trained(data: Path, encoder: str) -> Path:
    """Run of a network on all columns, with the encoder of numeric columns as YAML."""
    folder = data.parent / encoder.replace(" ", "")
    folder.mkdir()
    (folder / "c.yaml").write_text(
        f"data: {{path: ../t.csv, target: risk, encoders: {{numeric: {encoder}}}, split: {{test: 0}}}}\n"
        "layers: [{units: 8, activation: tanh}]\ntraining: {epochs: 20}\ndtype: float64\n"
    )
    bpcli("train", folder / "c.yaml", "--run-dir", folder / "run", "-q").ok()
    return folder / "run"


def encodings(run: Path) -> dict[str, tuple[str, int]]:
    """Encoder and number of features of each column, as inspect lists them."""
    columns = bpcli("inspect", run, "--json").ok().json["network"]["columns"]
    return {column["name"]: (column["encoding"], column["inputs"]) for column in columns}


def assert_explained(data: Path, run: Path) -> None:
    """Contributions of the columns and the baseline add up to each prediction, which Python predicts too."""
    rows = bpcli("predict", data, "--checkpoint", run, "--explain").ok().rows
    of = {name: np.array([float(row[name]) for row in rows]) for name in rows[0] if name != "city"}
    parts = of["baseline"] + sum(of[f"contribution_{name}"] for name in ("age", "dose", "city"))
    np.testing.assert_allclose(parts, of["prediction"], atol=1e-6)
    assert np.ptp(of["contribution_age"]) > 0.1
    again = package.load(run).predict([{"age": 18.0, "dose": None, "city": "north"}])
    assert np.isfinite(again).all()


def test_a_smoothly_clipped_column_is_one_feature_from_training_to_predictions(data: Path) -> None:
    run = trained(data, "smooth_clip")
    assert encodings(run) == {"age": ("smooth_clip", 1), "dose": ("smooth_clip", 2), "city": ("one_hot", 2)}
    assert_explained(data, run)


def test_a_column_in_bins_is_one_column_from_training_to_predictions(data: Path) -> None:
    run = trained(data, "{type: piecewise_linear, bins: 4}")
    assert encodings(run) == {
        "age": ("piecewise_linear", 5),
        "dose": ("piecewise_linear", 6),
        "city": ("one_hot", 2),
    }
    assert_explained(data, run)
    importance = bpcli("inspect", run, "--json").ok().json["importance"]
    assert {column["column"] for column in importance["columns"]} == {"age", "dose", "city"}
    checked = bpcli("check", run.parent / "c.yaml").ok().out
    assert "13 → 8" in checked


def test_a_run_of_other_bins_does_not_go_on(data: Path) -> None:
    run = trained(data, "{type: piecewise_linear, bins: 3}")
    result = bpcli("train", run.parent / "c.yaml", "--from", run, "--set", "data.encoders.numeric.bins=5", "-q")
    assert result.code == 2
    assert "encoder piecewise_linear 5 smooth_clip, but piecewise_linear 3 smooth_clip in" in result.err


def test_bins_train_again_to_the_bit(data: Path) -> None:
    run = trained(data, "{type: piecewise_linear, bins: 5}")
    assert "metrics of 20 epochs: identical" in bpcli("reproduce", run).ok().out


def test_a_run_of_another_default_imputation_does_not_go_on(data: Path) -> None:
    run = trained(data, "{type: piecewise_linear, bins: auto}, impute: median")
    assert encodings(run)["dose"] == ("piecewise_linear", 11)
    again = bpcli("train", run.parent / "c.yaml", "--from", run, "-q")
    assert again.code == 0
    result = bpcli("train", run.parent / "c.yaml", "--from", run, "--set", "data.encoders.impute=mean", "-q")
    assert result.code == 2
    assert "column 'age': impute mean, but median in" in result.err


def test_a_periodic_column_is_one_column_from_training_to_predictions(data: Path) -> None:
    run = trained(data, "{type: periodic, frequencies: 6, sigma: 0.5, units: 2}")
    assert encodings(run) == {"age": ("periodic", 3), "dose": ("periodic", 4), "city": ("one_hot", 2)}
    assert_explained(data, run)
    importance = bpcli("inspect", run, "--json").ok().json["importance"]
    assert {column["column"] for column in importance["columns"]} == {"age", "dose", "city"}
    checked = bpcli("check", run.parent / "c.yaml").ok().out
    assert "9 → 8" in checked
    assert "age  periodic" in checked
    traced = bpcli("trace", run.parent / "c.yaml", "--row", 6).ok().out
    assert "dose periodic 1" in traced
    assert "number 2 of the output of periodic for " in traced
    assert "0.1 for parameters of periodic encoders" in traced
    assert " · 0.1 · " in traced
    assert bpcli("gradcheck", run.parent / "c.yaml").ok().out.count(" ok\n") == 5


def test_a_periodic_run_is_baselined_reproduced_and_warm_started(data: Path) -> None:
    run = trained(data, "{type: periodic, units: 4}")
    assert "metrics of 20 epochs: identical" in bpcli("reproduce", run).ok().out
    assert bpcli("train", "--resume", run, "--set", "training.epochs=21").ok().out.startswith("21 epochs in ")
    assert "\nbaselines, validation loss" in bpcli("train", "--resume", run).ok().out
    warm = bpcli("train", run.parent / "c.yaml", "--from", run, "--run-dir", data.parent / "warm").ok()
    assert "its fitted preprocessing and all layers" in warm.err
    other = ("--set", "data.encoders.numeric.units=3")
    refused = bpcli("train", run.parent / "c.yaml", "--from", run, *other)
    assert refused.code == 2
    assert "encoder periodic 16 0.1 3, but periodic 16 0.1 4 in" in refused.err


def test_a_periodic_run_that_is_interrupted_ends_with_the_same_bits(data: Path) -> None:
    run = trained(data, "{type: periodic, frequencies: 3}")
    part = data.parent / "part"
    bpcli("train", run.parent / "c.yaml", "--run-dir", part, "--set", "training.epochs=7", "-q").ok()
    bpcli("train", "--resume", part, "--set", "training.epochs=20", "-q").ok()
    rows = [{"age": 30.5, "dose": None, "city": "south"}, {"age": 44.0, "dose": 3.0, "city": "north"}]
    whole, resumed = (package.load(one).predict(rows).tolist() for one in (run, part))
    assert whole == resumed


def test_members_with_periodic_columns_train_on_folds(data: Path) -> None:
    run = trained(data, "{type: periodic, sigma: 0.2}")
    folds = ("--set", "ensemble={members: 3, folds: true}")
    found = data.parent / "folds"
    bpcli("train", run.parent / "c.yaml", *folds, "--run-dir", found, "-q").ok()
    assert bpcli("evaluate", found, "--split", "validation", "--json").ok().json["rows"] == 96
    assert_explained(data, found)


def test_a_censored_column_may_be_periodic(tmp_path: Path) -> None:
    level = ["<1" if row % 8 == 0 else str(row % 7) for row in range(96)]
    write_csv(tmp_path / "t.csv", {"level": level, "risk": [float(row % 7) for row in range(96)]})
    (tmp_path / "c.yaml").write_text(
        "data: {path: t.csv, target: risk, columns: {level: {type: censored, encoder: periodic}}}\n"
        "layers: [{units: 8}]\nloss: mse\ntraining: {epochs: 3}\n"
    )
    bpcli("train", tmp_path / "c.yaml", "--run-dir", tmp_path / "run", "-q").ok()
    assert encodings(tmp_path / "run") == {"level": ("periodic", 5)}
    assert np.isfinite(package.load(tmp_path / "run").predict([{"level": "<1"}, {"level": "3"}])).all()
    explained = bpcli("predict", tmp_path / "t.csv", "--checkpoint", tmp_path / "run", "--explain").ok().rows[1]
    parts = [float(explained[name]) for name in ("baseline", "contribution_level", "prediction")]
    assert parts[0] + parts[1] == pytest.approx(parts[2], abs=1e-5)


def test_an_array_cannot_be_periodic(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", X=np.ones((20, 2, 2)), y=np.arange(20.0))
    (tmp_path / "c.yaml").write_text("data: {path: t.npz, encoders: {numeric: periodic}}\n")
    found = bpcli("check", tmp_path / "c.yaml")
    assert found.code == 2
    assert "periodic encodes columns of single numbers, but 'X' is an array" in found.err
