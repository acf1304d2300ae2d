"""Encoders of categorical columns from the config to predictions of a stored model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands import bpcli
from experiments import write_csv

import bpcli as package
from bpcli.config.loading import load_config
from bpcli.experiment.prepare import prepare

CITY = [*["Bern", "Basel", "Zug"] * 30, "Chur", "Genf", "Thun", "Visp", None, None]
SEX = ["f", "m"] * 48
AGE = np.linspace(18, 66, 96).round(1)
RISK = (AGE / 40 + np.array([len(city or "") for city in CITY]) / 4 + np.arange(96) % 2).round(3)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("categorical_encoders")
    write_csv(folder / "t.csv", {"age": AGE, "city": CITY, "sex": SEX, "risk": RISK})
    return folder / "t.csv"


def trained(data: Path, encoder: str) -> Path:
    """Run of a network on all columns, with the encoder of categorical columns as YAML."""
    folder = data.parent / encoder.replace(" ", "")
    folder.mkdir()
    (folder / "c.yaml").write_text(
        f"data: {{path: ../t.csv, target: risk, encoders: {{categorical: {encoder}}}, split: {{test: 0}}}}\n"
        "layers: [{units: 8, activation: tanh}]\ntraining: {epochs: 20}\ndtype: float64\n"
    )
    bpcli("train", folder / "c.yaml", "--run-dir", folder / "run", "-q").ok()
    return folder / "run"


def listed(run: Path) -> dict[str, tuple[str, int]]:
    """Encoder and number of features of each column, as inspect lists them."""
    columns = bpcli("inspect", run, "--json").ok().json["network"]["columns"]
    return {column["name"]: (column["encoding"], column["inputs"]) for column in columns}


def assert_explained(data: Path, run: Path) -> None:
    """Contributions of the columns and the baseline add up to each prediction, which Python predicts too."""
    rows = bpcli("predict", data, "--checkpoint", run, "--explain").ok().rows
    of = {name: np.array([float(row[name]) for row in rows]) for name in rows[0] if name not in ("city", "sex")}
    parts = of["baseline"] + sum(of[f"contribution_{name}"] for name in ("age", "city", "sex"))
    np.testing.assert_allclose(parts, of["prediction"], atol=1e-6)
    assert np.ptp(of["contribution_city"]) > 0.1
    assert np.ptp(of["contribution_sex"]) > 0.1
    again = package.load(run).predict([{"age": 18.0, "city": "Genf", "sex": "f"}])
    assert np.isfinite(again).all()


def test_signed_and_pooled_columns_are_named_from_training_to_predictions(data: Path) -> None:
    run = trained(data, "{type: one_hot, binary: sign, min_count: 2}")
    assert listed(run) == {"age": ("standard", 1), "city": ("one_hot", 5), "sex": ("sign", 1)}
    assert_explained(data, run)
    assert "one_hot, 4 rare" in bpcli("check", run.parent / "c.yaml").ok().out
    document = bpcli("inspect", run, "--json").ok().json
    assert document["network"]["columns"][1]["rare"] == 4
    (curve,) = [one for one in document["dependence"]["columns"] if one["column"] == "city"]
    assert curve["values"] == ["Basel", "Bern", "Zug", "(rare)"]
    assert "one_hot, 4 rare" in bpcli("inspect", run).ok().out
    traced = bpcli("trace", run.parent / "c.yaml", "--row", 1).ok().out
    assert "city is rare" in traced
    unseen = package.load(run).predict([{"age": 30.0, "city": name, "sex": "m"} for name in ("Chur", "Visp", "Paris")])
    assert len({float(one) for one in np.ravel(unseen)}) == 1


def test_other_rare_categories_do_not_go_on(data: Path) -> None:
    run = trained(data, "{type: one_hot, min_count: 3}")
    result = bpcli(
        "train", run.parent / "c.yaml", "--from", run, "--set", "data.encoders.categorical.min_count=4", "-q"
    )
    assert result.code == 2
    assert "column 'city': encoder one_hot 4, but one_hot 3 in" in result.err


def test_pooled_columns_train_again_to_the_bit(data: Path) -> None:
    run = trained(data, "{type: one_hot, binary: sign, min_count: 0.05}")
    assert "metrics of 20 epochs: identical" in bpcli("reproduce", run).ok().out


def test_target_statistics_are_named_from_training_to_predictions(data: Path) -> None:
    run = trained(data, "{type: target_mean, folds: 4}")
    assert listed(run) == {"age": ("standard", 1), "city": ("target_mean", 2), "sex": ("target_mean", 1)}
    assert_explained(data, run)
    assert "city, mean of risk" in bpcli("inspect", run).ok().out
    traced = bpcli("trace", run.parent / "c.yaml", "--row", 1).ok().out
    assert "mean of risk in the" in traced
    assert "metrics of 20 epochs: identical" in bpcli("reproduce", run).ok().out


def test_target_statistics_go_on_with_the_same_folds(data: Path) -> None:
    run = trained(data, "target_mean")
    straight = run.parent / "straight"
    longer = ("--set", "training.epochs=30")
    bpcli("train", run.parent / "c.yaml", "--run-dir", straight, "-q", *longer).ok()
    bpcli("train", "--resume", run, "-q", *longer).ok()
    of = [(folder / "metrics.jsonl").read_text().splitlines() for folder in (run, straight)]
    resumed, whole = ([json.loads(line)["train_loss"] for line in lines] for lines in of)
    assert len(whole) == 30
    assert resumed == whole


def test_rows_of_a_group_are_not_encoded_by_each_other(tmp_path: Path) -> None:
    """Each customer has a city and a risk of their own: what training learns of a city is of no use for others."""
    customer = np.repeat(np.arange(60), 5)
    risk = np.random.default_rng(4).normal(size=60)[customer]
    write_csv(
        tmp_path / "t.csv", {"customer": customer, "city": [f"c{one}" for one in customer], "risk": risk.round(4)}
    )
    spreads = []
    for key in ("group: customer", "exclude: [customer]"):
        (tmp_path / "c.yaml").write_text(
            f"data: {{path: t.csv, target: risk, {key}, encoders: {{categorical: target_mean}}}}"
        )
        (city,) = prepare(load_config(tmp_path / "c.yaml").config, tmp_path).datasets["train"].x.arrays()
        spreads.append(float(np.std(city)))
    assert spreads == [0.0, pytest.approx(1.0)]


def test_too_many_classes_for_target_statistics_are_an_error_of_the_config(tmp_path: Path) -> None:
    write_csv(tmp_path / "t.csv", {"a": ["x", "y", "z"] * 60, "t": [f"class {row % 36}" for row in range(180)]})
    (tmp_path / "c.yaml").write_text(
        "data: {path: t.csv, target: t, columns: {a: {type: categorical, encoder: target_mean}}}"
    )
    result = bpcli("check", tmp_path / "c.yaml")
    assert result.code == 2
    assert "data.columns.a.encoder: column 'a': target_mean makes an input of each class" in result.err


@pytest.mark.parametrize("order", ["random", "time"])
def test_folds_of_an_ensemble_know_nothing_of_their_own_targets(tmp_path: Path, order: str) -> None:
    """Predictions of a column of noise, out of fold, have no relation to the target that it was encoded by."""
    generator = np.random.default_rng(2)
    level, y = generator.integers(150, size=600), generator.normal(size=600).round(3)
    write_csv(tmp_path / "t.csv", {"level": [f"n{one}" for one in level], "y": y})
    (tmp_path / "c.yaml").write_text(
        "data: {path: t.csv, target: y, encoders: {categorical: target_mean}, "
        f"split: {{test: 0, order: {order}}}}}\n"
        "layers: [{units: 8}]\ntraining: {epochs: 5}\nensemble: {members: 2, folds: true}\ndtype: float64\n"
    )
    bpcli("train", tmp_path / "c.yaml", "--run-dir", tmp_path / "run", "-q").ok()
    lines = (tmp_path / "run" / "oof.csv").read_text().splitlines()
    true, predicted = np.array([line.split(",")[2:4] for line in lines[1:]], float).T
    assert len(true) == (600 if order == "random" else 300)
    assert np.corrcoef(true, predicted)[0, 1] < 3 / len(true) ** 0.5
    rmse = float(np.sqrt(np.mean((true - predicted) ** 2)))
    scored = bpcli("evaluate", tmp_path / "run", "--split", "validation", "--json").ok().json
    assert scored["rmse"] == pytest.approx(rmse, rel=1e-9)


def test_an_embedding_is_known_from_training_to_predictions(data: Path) -> None:
    run = trained(data, "{type: auto, one_hot_up_to: 4, size: 3, min_count: 2}")
    assert listed(run) == {"age": ("standard", 1), "city": ("embedding", 3), "sex": ("sign", 1)}
    assert_explained(data, run)
    document = bpcli("inspect", run, "--json").ok().json
    stem = {"column": "city", "type": "embedding", "shape": [5, 3], "parameters": 15}
    assert document["network"]["stems"] == [stem]
    assert {one["column"] for one in document["importance"]["columns"]} == {"age", "city", "sex"}
    (curve,) = [one for one in document["dependence"]["columns"] if one["column"] == "city"]
    assert curve["values"] == ["Basel", "Bern", "Zug", "(rare)"]
    checked = bpcli("check", run.parent / "c.yaml").ok().out
    assert "embedding, 4 rare" in checked
    assert "5 → 3" in checked
    assert "72 parameters" in checked  # 5 · 3 of the embedding, 5 · 8 + 8 and 8 + 1 of the layers
    assert "stem city: embedding" in bpcli("trace", run.parent / "c.yaml").ok().out
    assert "stems.city" in bpcli("gradcheck", run.parent / "c.yaml", "--json").ok().out
    assert "metrics of 20 epochs: identical" in bpcli("reproduce", run).ok().out
    unknown = package.load(run).predict([{"age": 30.0, "city": name, "sex": "m"} for name in ("Chur", "Paris")])
    assert unknown[0] == unknown[1]


def test_contributions_of_embeddings_of_several_members_add_up(data: Path) -> None:
    run = trained(data, "{type: embedding, size: 2}}, columns: {sex: {type: categorical, encoder: one_hot}")
    folder = run.parent
    members = ("--set", "ensemble={members: 3, folds: true}", "--run-dir", folder / "members")
    bpcli("train", folder / "c.yaml", "-q", *members).ok()
    assert_explained(data, folder / "members")
    assert listed(folder / "members")["city"] == ("embedding", 2)
