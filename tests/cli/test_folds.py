"""`bpcli train --folds`: every row tested once, runs that stand by themselves, and one table of predictions."""

from __future__ import annotations

import csv
import statistics
from pathlib import Path
from typing import Any

import pytest
from commands import CONFIGS, DATASETS, bpcli, series_in_process
from experiments import write_csv

from bpcli.config.loading import load_config
from bpcli.storage.run_directory import RunDirectory

PENGUINS = CONFIGS / "penguins.yaml"
FEW = ("--set", "training.epochs=3")
NAMES = ["p-fold1", "p-fold2", "p-fold3", "p-repeat2-fold1", "p-repeat2-fold2", "p-repeat2-fold3"]


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """Three folds, twice, and the document about them."""
    folder = tmp_path_factory.mktemp("folds")
    options = (*FEW, "--folds", 3, "--repeats", 2, "--run-dir", "p", "--json")
    with series_in_process():
        return folder, bpcli("train", PENGUINS, *options, cwd=folder).ok().json


def test_every_row_is_tested_once_in_each_repeat_by_the_fold_it_is_in(trained: tuple[Path, Any]) -> None:
    folder, document = trained
    assert document["predictions"] == "p-folds.csv"
    rows = table(folder / "p-folds.csv")
    assert list(rows[0]) == [
        *("repeat", "row", "fold", "species", "prediction"),
        *("probability_Adelie", "probability_Chinstrap", "probability_Gentoo"),
    ]
    assert [(row["repeat"], row["row"]) for row in rows] == [
        (str(repeat), str(row)) for repeat in (1, 2) for row in range(1, 345)
    ]
    species = [row["species"] for row in table(DATASETS / "penguins.csv")]
    assert [row["species"] for row in rows] == species * 2
    first, second = ([row["fold"] for row in rows if row["repeat"] == repeat] for repeat in ("1", "2"))
    assert {first.count(fold) for fold in "123"} == {second.count(fold) for fold in "123"} == {114, 115}
    assert first != second


def test_the_predictions_are_those_that_the_runs_were_scored_by(trained: tuple[Path, Any]) -> None:
    folder, document = trained
    rows = table(folder / "p-folds.csv")
    assert [Path(run["run_directory"]).name for run in document["runs"]] == NAMES
    for run in document["runs"]:
        of_run = [row for row in rows if (int(row["repeat"]), int(row["fold"])) == (run["repeat"], run["fold"])]
        right = sum(row["species"] == row["prediction"] for row in of_run)
        assert right / len(of_run) == pytest.approx(run["test"]["accuracy"], rel=1e-12)
        for row in of_run:
            probabilities = {name: float(row[f"probability_{name}"]) for name in ("Adelie", "Chinstrap", "Gentoo")}
            assert sum(probabilities.values()) == pytest.approx(1, abs=1e-12)
            assert row["prediction"] == max(probabilities, key=lambda name: probabilities[name])
    values = [run["test"]["accuracy"] for run in document["runs"]]
    found = document["metrics"]["test_accuracy"]
    assert (found["mean"], found["std"]) == (
        pytest.approx(statistics.fmean(values), rel=1e-12),
        pytest.approx(statistics.stdev(values), rel=1e-12),
    )
    assert found["interval"][0] < found["mean"] < found["interval"][1]
    assert document["interval"]["test_to_train"] == pytest.approx(0.5, abs=0.005)


def test_a_run_of_one_fold_is_reproduced_by_its_own_config(trained: tuple[Path, Any]) -> None:
    folder, _ = trained
    split = load_config(folder / "p-repeat2-fold3" / "config.yaml").config.data.split
    assert (split.fold, split.seed, split.test, split.validation) == ("3/3", 1, None, 0.2)
    bpcli("train", folder / "p-repeat2-fold3" / "config.yaml", "-q", "--run-dir", folder / "again").ok()
    again, first = (RunDirectory(folder / name).best.read_bytes() for name in ("again", "p-repeat2-fold3"))
    assert again == first


@pytest.mark.usefixtures("in_process")
def test_new_rows_are_predicted_by_a_run_of_all_rows_though_folds_are_newer(tmp_path: Path) -> None:
    rows = DATASETS / "penguins.csv"
    with series_in_process():
        bpcli("train", PENGUINS, *FEW, "--folds", 2, "--run-dir", "runs/cv", cwd=tmp_path).ok()
        of_fold = bpcli("predict", rows, cwd=tmp_path).ok()
        assert "runs/cv-fold2, which predicts" in of_fold.err
        bpcli("train", PENGUINS, *FEW, "--run-dir", "runs/all", cwd=tmp_path).ok()
        bpcli("train", PENGUINS, *FEW, "--folds", 2, "--run-dir", "runs/newer", cwd=tmp_path).ok()
    assert "runs/all, which predicts" in bpcli("predict", rows, cwd=tmp_path).ok().err
    assert "runs/all, which predicts" in bpcli("predict", "-", stdin=rows.read_text(), cwd=tmp_path).ok().err


def test_a_fold_that_is_missing_is_trained_again_and_the_table_is_the_same(trained: tuple[Path, Any]) -> None:
    folder, document = trained
    path = folder / "p-folds.csv"
    whole = path.read_bytes()
    path.unlink()
    (folder / "p-repeat2-fold1").rename(folder / "moved")
    with series_in_process():
        resumed = bpcli("train", "--folds", 3, "--repeats", 2, "--resume", "p", "--json", cwd=folder).ok().json
    assert path.read_bytes() == whole
    assert resumed["metrics"] == document["metrics"]


@pytest.mark.usefixtures("in_process")
def test_a_report_and_the_run_directories_are_printed(tmp_path: Path) -> None:
    result = bpcli("train", PENGUINS, *FEW, "--folds", 2, "--run-dir", "p", cwd=tmp_path).ok()
    lines = result.out.splitlines()
    assert lines[0].split() == ["fold", "status", "epochs", "best", "epoch", "best", "validation_loss"]
    assert lines[1].split()[:4] == ["1", "finished", "3", "3"]
    start = lines.index("over 2 folds: scores of the test rows; sample standard deviation (n − 1)")
    assert lines[start + 1] == "95% interval of the mean: corrected resampled t (Nadeau and Bengio 2003)"
    header = "metric mean ± standard deviation 95% from … to least greatest"
    assert " ".join(lines[start + 2].split()) == header
    assert all(line.split()[0].startswith("test_") for line in lines[start + 3 : -2])
    assert lines[-2:] == ["p-fold1", "p-fold2"]
    said = result.err.splitlines()
    assert "note: data.split.test, 0.2, is not used: the test rows are those of the fold" in said
    assert said[-1] == "note: predictions of the test rows: p-folds.csv"


@pytest.mark.usefixtures("in_process")
def test_a_class_without_training_rows_in_a_fold_has_no_probability_there(tmp_path: Path) -> None:
    names = ["a", "b"] * 20 + ["rare"]
    write_csv(tmp_path / "t.csv", {"x": [float(i % 7) for i in range(41)], "y": names})
    (tmp_path / "c.yaml").write_text(
        "data: {path: t.csv, target: y, split: {validation: 0}}\nlayers: []\ntraining: {epochs: 2}\n"
    )
    bpcli("train", "c.yaml", "--folds", 2, "--run-dir", "p", "-q", cwd=tmp_path).ok()
    rows = table(tmp_path / "p-folds.csv")
    fold = rows[40]["fold"]
    assert rows[40]["y"] == "rare"
    assert rows[40]["prediction"] in ("a", "b")
    assert {row["probability_rare"] == "" for row in rows if row["fold"] == fold} == {True}
    assert all(0 < float(row["probability_rare"]) < 1 for row in rows if row["fold"] != fold)


@pytest.mark.usefixtures("in_process")
def test_numbers_and_one_hot_columns_have_their_values_in_the_table(tmp_path: Path) -> None:
    write_csv(
        tmp_path / "t.csv",
        {
            "x": [float(i % 5) for i in range(30)],
            "u": [i / 8 for i in range(30)],
            "v": [float(-i) for i in range(30)],
            "is_a": [i % 2 for i in range(30)],
            "is_b": [1 - i % 2 for i in range(30)],
        },
    )
    for stem, target, loss in (("n", "[u, v]", "mse"), ("h", "[is_a, is_b]", "cross_entropy")):
        (tmp_path / f"{stem}.yaml").write_text(
            f"data: {{path: t.csv, target: {target}, split: {{validation: 0}}}}\nloss: {loss}\n"
            "layers: []\ntraining: {epochs: 1}\n"
        )
        bpcli("train", f"{stem}.yaml", "--folds", 2, "--run-dir", stem, "-q", cwd=tmp_path).ok()
    numbers = table(tmp_path / "n-folds.csv")
    assert list(numbers[0]) == ["repeat", "row", "fold", "u", "v", "prediction_u", "prediction_v"]
    assert [(float(row["u"]), float(row["v"])) for row in numbers] == [(i / 8, -i) for i in range(30)]
    classes = table(tmp_path / "h-folds.csv")
    names = ["repeat", "row", "fold", "true", "prediction", "probability_is_a", "probability_is_b"]
    assert list(classes[0]) == names
    assert [row["true"] for row in classes] == ["is_b", "is_a"] * 15


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((PENGUINS, "--folds", 1), 2, "Invalid value for '--folds'"),
        ((PENGUINS, "--folds", 2, "--seeds", 2), 2, "--folds and --seeds exclude each other"),
        ((PENGUINS, "--repeats", 2), 2, "--repeats requires --folds"),
        ((PENGUINS, "--folds", 2000), 2, "the number of folds must be from 2 to 1000"),
        ((PENGUINS, "--folds", 400), 2, "class 'Adelie' has 152 rows, too few for 400 folds"),
        ((CONFIGS / "xor.yaml", "--folds", 5), 2, "data.split.fold: 4 rows cannot be divided into 5 folds"),
        ((CONFIGS / "fashion.yaml", "--folds", 2), 2, "the data has test rows of its own"),
        (("--folds", 2, "--resume", "nothing"), 4, "nothing: no run directories nothing-foldN"),
    ],
)
def test_what_cannot_be_done_is_one_error_before_anything_is_made(
    tmp_path: Path, arguments: tuple[object, ...], code: int, message: str
) -> None:
    result = bpcli("train", *arguments, cwd=tmp_path)
    assert (result.code, result.out, result.err.count("\n")) == (code, "", 1)
    assert message in result.err
    assert list(tmp_path.iterdir()) == []


def test_an_existing_table_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "p-folds.csv").write_text("mine")
    result = bpcli("train", PENGUINS, "--folds", 2, "--run-dir", "p", cwd=tmp_path)
    assert (result.code, result.err) == (
        8,
        "error: p-folds.csv: already exists; choose another --run-dir, or continue it with --resume\n",
    )
