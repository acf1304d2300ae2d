"""Numbers and statements about small files as people have them."""

from __future__ import annotations

import csv
import json
import unicodedata
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import yaml
from commands import Result, bpcli

FILES = Path(__file__).parent.parent / "data" / "real_files"


def train(folder: Path, data: dict[str, Any], *arguments: object, **config: Any) -> Result:
    """Train on files of FILES, in the run directory `folder / "run"`."""
    paths = {key: str(FILES / data[key]) for key in ("path", "train", "validation", "test") if key in data}
    config_file = folder / "config.yaml"
    config_file.write_text(json.dumps({"data": {**data, **paths}, **config}))
    return bpcli("train", config_file, "--run-dir", folder / "run", *arguments)


def predictions(folder: Path, name: str) -> tuple[list[str], str]:
    """Predictions of the run for a file of FILES, and what is said about it."""
    found = bpcli("predict", FILES / name, "--checkpoint", folder / "run").ok()
    return [row["prediction"] for row in found.rows], found.err


@pytest.mark.parametrize(("name", "column"), [("91_constant", "store"), ("99_empty", "sensor_b")])
def test_a_column_constant_or_empty_in_training_carries_nothing(name: str, column: str, tmp_path: Path) -> None:
    train(tmp_path, {"path": f"{name}_in_training.csv", "target": "sales"}, training={"epochs": 40}).ok()
    found, said = predictions(tmp_path, f"{name}_new.csv")
    np.testing.assert_allclose(np.array(found, float), [100, 115, 130, 145, 160, 175], atol=4)
    note = f"column '{column}' was constant in training, so it carries nothing: 4 other values ignored"
    assert said.count(note) == 1


def test_truth_is_what_the_file_says_not_what_was_encoded(tmp_path: Path) -> None:
    """Zeros decoded from float32 were tiny numbers, which gave a mape of millions."""
    train(tmp_path, {"path": "96_target_with_zeros.csv", "target": "rain_mm"}, training={"epochs": 2}).ok()
    report = bpcli("evaluate", tmp_path / "run", "--json").ok().json
    assert report["mape"] is None
    rows = csv.DictReader((FILES / "96_target_with_zeros.csv").read_text().splitlines())
    whole = bpcli("evaluate", tmp_path / "run", "--data", FILES / "96_target_with_zeros.csv", "--json").ok().json
    found = np.array(predictions(tmp_path, "96_target_with_zeros.csv")[0], float)
    errors = np.abs(found - np.array([float(row["rain_mm"]) for row in rows]))
    assert whole["mae"] == pytest.approx(errors.mean(), rel=1e-6)


@pytest.mark.parametrize("part", ["test", "validation"])
def test_a_class_without_training_rows_counts_as_wrong_and_training_goes_on(part: str, tmp_path: Path) -> None:
    data = {"train": "92_train.csv", part: "92_test_new_class.csv", "target": "y"}
    done = train(tmp_path, data, training={"epochs": 30}).ok()
    said = (
        "target 'y': class 'extreme' has 1 row here, none in the training set: counted as wrong, and left out of the "
        "metrics of probabilities"
    )
    assert f"warning: {part} rows: {said}" in done.err
    for arguments in (("--split", part), ("--data", FILES / "92_test_new_class.csv")):
        found = bpcli("evaluate", tmp_path / "run", *arguments, "--json").ok()
        report = found.json
        assert found.err.count(said) == 1
        assert report["per_class"]["extreme"] == {
            "precision": 0, "recall": 0, "f1": 0, "support": 1, "roc_auc": None, "average_precision": None,
        }  # fmt: skip
        assert sum(report["confusion_matrix"][3]) == 1
        assert report["accuracy"] == sum(report["confusion_matrix"][place][place] for place in range(3)) / 52
        assert report["log_loss"] < 1
    assert bpcli("report", tmp_path / "run", "-o", tmp_path / "page.html").code == 0
    assert bpcli("inspect", tmp_path / "run").code == 0
    strict = bpcli("train", tmp_path / "config.yaml", "--run-dir", tmp_path / "strict", "--strict")
    assert strict.code == 3


def test_a_target_that_is_constant_leaves_nothing_to_learn(tmp_path: Path) -> None:
    done = train(tmp_path, {"path": "20_constant_target.csv", "target": "y"}, loss="mse")
    assert (done.code, done.err.count("\n")) == (3, 1)
    assert "target 'y' is 7.5 in all 40 rows; there is nothing to learn" in done.err


def test_evaluation_on_the_rows_of_the_training_says_so(tmp_path: Path) -> None:
    data = {"train": "92_train.csv", "test": "92_test_new_class.csv", "target": "y"}
    train(tmp_path, data, training={"epochs": 1}).ok()
    trained = bpcli("evaluate", tmp_path / "run", "--data", FILES / "92_train.csv").ok()
    assert "note: these are rows that the model was trained on: scores on them say nothing about" in trained.err
    assert "trained on" not in bpcli("evaluate", tmp_path / "run", "--data", FILES / "92_test_new_class.csv").ok().err
    copy = tmp_path / "copy.csv"
    copy.write_bytes((FILES / "92_train.csv").read_bytes())
    assert "rows that the model was trained on" in bpcli("evaluate", tmp_path / "run", "--data", copy).ok().err


def test_batch_norm_on_batches_of_one_row_is_refused_by_check(tmp_path: Path) -> None:
    config = {
        "data": {"path": str(FILES / "92_train.csv"), "target": "y", "split": {"validation": 0, "test": 0}},
        "layers": [{"units": 4}, {"type": "batch_norm"}],
        "training": {"epochs": 2, "batch_size": 1},
    }
    (tmp_path / "config.yaml").write_text(json.dumps(config))
    refused = bpcli("check", tmp_path / "config.yaml")
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "training.batch_size: batch_norm (layer 1) standardizes over the rows of a batch" in refused.err
    last_of_one = ("--set", "training.batch_size=2")  # 99 rows
    assert bpcli("train", tmp_path / "config.yaml", "--run-dir", tmp_path / "run", *last_of_one).code == 0


def test_a_loss_no_better_than_a_constant_answer_is_diagnosed(tmp_path: Path) -> None:
    config = {
        "layers": [{"units": 2, "activation": "sigmoid"}],
        "loss": {"type": "mse", "link": "sigmoid"},
        "optimizer": {"type": "sgd", "learning_rate": 0.1},
        "training": {"epochs": 100},
    }
    data = {"path": "xor.csv", "target": "xor", "split": {"validation": 0, "test": 0}}
    done = train(tmp_path, data, **config).ok()
    assert "is no better than always answering the mean or the most frequent class (0.25)" in done.err
    learned = tmp_path / "learned"
    learned.mkdir()
    better = {**config, "optimizer": {"type": "adam", "learning_rate": 0.1}, "layers": [{"units": 8}]}
    assert "no better than" not in train(learned, data, **better).ok().err


def test_an_array_of_too_few_columns_is_counted_in_the_error(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).normal(size=(40, 8))
    np.savez(tmp_path / "whole.npz", X=numbers, y=np.arange(40) % 2)
    np.savez(tmp_path / "narrow.npz", X=numbers[:, :5], y=np.arange(40) % 2)
    train(tmp_path, {"path": str(tmp_path / "whole.npz")}, training={"epochs": 1}).ok()
    for found in (
        bpcli("predict", tmp_path / "narrow.npz", "--checkpoint", tmp_path / "run"),
        bpcli("evaluate", tmp_path / "run", "--data", tmp_path / "narrow.npz"),
    ):
        assert (found.code, found.err.count("\n")) == (3, 1)
        assert "'X' has 5 columns, the model takes 8" in found.err


def test_codes_written_as_decimals_are_the_codes(tmp_path: Path) -> None:
    data = {"path": "70_train.csv", "target": "y", "columns": {"code": "categorical"}}
    train(tmp_path, data, training={"epochs": 20}).ok()
    decimals, said = predictions(tmp_path, "70_codes_as_floats.csv")
    assert "not seen in training" not in said
    assert decimals == predictions(tmp_path, "70_train.csv")[0][: len(decimals)]


def test_rows_of_weight_0_are_as_if_they_were_not_there(tmp_path: Path) -> None:
    models = []
    for name in ("clean", "zero_weight_garbage"):
        folder = tmp_path / name
        folder.mkdir()
        data = {"train": f"98_train_{name}.csv", "test": "98_test.csv", "target": "y", "weight": "w"}
        done = train(folder, {**data, "split": {"validation": 0}}, training={"epochs": 5}).ok()
        assert ("10 rows left out: weight 0 in 'w'" in done.err) == (name != "clean")
        models.append(predictions(folder, "98_test.csv")[0])
    assert models[0] == models[1]


def test_columns_with_one_1_in_each_row_are_one_target_of_classes(tmp_path: Path) -> None:
    species = ["setosa", "versicolor", "virginica"]
    data = {"path": "113_onehot_columns.csv", "target": species}
    done = train(tmp_path, data, training={"epochs": 30}).ok()
    assert "loss: cross_entropy, as exactly one of targets 'setosa', 'versicolor', 'virginica' is 1" in done.err
    assert "for independent labels set loss: binary_cross_entropy" in done.err
    found = bpcli("predict", FILES / data["path"], "--checkpoint", tmp_path / "run", "--probabilities").ok().rows
    assert list(found[0]) == ["prediction", *(f"probability_{name}" for name in species)]
    assert {row["prediction"] for row in found} == {*species}
    assert all(abs(sum(float(row[f"probability_{name}"]) for name in species) - 1) < 1e-5 for row in found)
    scores = json.loads(bpcli("evaluate", tmp_path / "run", "--json").ok().out)
    assert (scores["task"], scores["names"]) == ("multiclass", species)
    assert [sum(row) for row in scores["confusion_matrix"]] == [8, 7, 7]  # stratified
    traced = bpcli("trace", tmp_path / "run").ok().out
    assert "t = 1 for the class of the row, versicolor, 0 for the others" in traced
    assert bpcli("inspect", tmp_path / "run").ok().out.count("highest for") == 1
    bpcli("report", tmp_path / "run").ok()


def test_independent_labels_remain_so_if_the_loss_says_so(tmp_path: Path) -> None:
    data = {"path": "113_onehot_columns.csv", "target": ["setosa", "versicolor", "virginica"]}
    train(tmp_path, data, loss="binary_cross_entropy", training={"epochs": 1}).ok()
    found = bpcli("predict", FILES / data["path"], "--checkpoint", tmp_path / "run").ok().rows
    assert list(found[0]) == ["prediction_setosa", "prediction_versicolor", "prediction_virginica"]


def test_evaluation_names_a_row_with_several_classes_or_none(tmp_path: Path) -> None:
    data = {"path": "113_onehot_columns.csv", "target": ["setosa", "versicolor", "virginica"]}
    train(tmp_path, data, loss="cross_entropy", training={"epochs": 1}).ok()
    table = "len,wid,setosa,versicolor,virginica\n5,3,1,0,0\n6,3,,,\n5,3,{}\n"
    for cells in ("1,1,0", "0,0,0"):
        (tmp_path / "new.csv").write_text(table.format(cells))
        refused = bpcli("evaluate", tmp_path / "run", "--data", tmp_path / "new.csv")
        assert refused.code == 3
        targets = "'setosa', 'versicolor', 'virginica'"
        assert f"new.csv: row 3: targets {targets} are {', '.join(cells.split(','))}; exactly one" in refused.err
    (tmp_path / "new.csv").write_text(table.format("0,1,0"))
    assert "1 row left out: no value" in bpcli("evaluate", tmp_path / "run", "--data", tmp_path / "new.csv").ok().err


def test_an_array_with_one_1_in_each_row_is_one_target_of_classes(tmp_path: Path) -> None:
    train(tmp_path, {"path": "40_onehot_labels.npz"}, training={"epochs": 100}).ok()
    found, _ = predictions(tmp_path, "40_onehot_labels.npz")
    with np.load(FILES / "40_onehot_labels.npz") as arrays:
        truth = [f"y{place}" for place in arrays["y"].argmax(axis=1)]
    assert {*found} == {"y0", "y1", "y2"}
    assert np.mean([one == other for one, other in zip(found, truth, strict=True)]) > 0.9


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_and_cells_are_compared_in_one_unicode_form(form: Literal["NFC", "NFD"], tmp_path: Path) -> None:
    """Files, the config and options of either form go together."""
    text = (FILES / "70_nfd.csv").read_text()
    files = {one: tmp_path / f"{one}.csv" for one in ("NFC", "NFD")}
    for one, file in files.items():
        file.write_text(unicodedata.normalize(one, text))
    assert not unicodedata.is_normalized("NFC", files["NFD"].read_text().splitlines()[0])
    other = "NFC" if form == "NFD" else "NFD"
    columns = {"code": "categorical", unicodedata.normalize(other, "Gr\u00f6\u00dfe"): {"type": "numeric"}}
    train(tmp_path, {"path": str(files[form]), "target": "y", "columns": columns}, training={"epochs": 5}).ok()
    own, foreign = (
        bpcli("predict", files[one], "--checkpoint", tmp_path / "run", "--keep", "Gro\u0308\u00dfe").ok()
        for one in (form, other)
    )
    assert [row["Gr\u00f6\u00dfe"] for row in own.rows[:2]] == ["11.34", "5.41"]
    assert own.rows == foreign.rows
    assert "not seen in training" not in foreign.err
    assert bpcli("inspect", tmp_path / "run", "--column", "Gro\u0308\u00dfe").code == 0
    drafted = bpcli("init", files[form], "--target", unicodedata.normalize(other, "Gr\u00f6\u00dfe")).ok()
    assert yaml.safe_load(drafted.out)["data"]["target"] == "Gr\u00f6\u00dfe"


def test_classes_that_differ_only_in_case_are_named(tmp_path: Path) -> None:
    """Blanks at the ends, no-break ones too, make no class."""
    file = FILES / "15_label_variants.csv"
    said = "classes 'Setosa' and 'setosa'; 'Virginica' and 'virginica' differ only in case; write them alike in the"
    done = train(tmp_path, {"path": file.name, "target": "species"}, training={"epochs": 1}).ok()
    assert done.err.count(f"warning: target 'species': {said}") == 1
    assert f"note: 'species': {said}" in bpcli("init", file, "--target", "species").ok().err
    other = tmp_path / "other"
    other.mkdir()
    as_input = train(other, {"path": file.name, "target": "len"}, training={"epochs": 1}).ok()
    assert f"note: column 'species': {said.replace('classes', 'categories')}" in as_input.err
