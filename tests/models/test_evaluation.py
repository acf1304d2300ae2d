"""Evaluation of a model on a split of its own data or on a file: the right rows, scored as by hand."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import CONFIGS, DATASETS, PENGUINS
from comparison_runs import PART, TEST, YES, A, B, by
from experiments import write_csv

from bpcli.config.loading import load_config
from bpcli.data.examples.selection import select_examples
from bpcli.data.files.read import read_table
from bpcli.data.files.source import open_source
from bpcli.data.table import Kind, Part
from bpcli.errors import DataError
from bpcli.jobs.training import train
from bpcli.models.evaluation import (
    CHANGED,
    chosen_rows,
    data_of_each,
    evaluate_file,
    evaluate_split,
    find_data,
    own_data,
    split_rows,
    warnings_of_training,
)
from bpcli.models.file_rows import file_rows
from bpcli.models.model import Model
from bpcli.storage.run_directory import RunDirectory
from bpcli.system.files import path_from_here


def column(path: Path, name: str) -> list[str]:
    header, *lines = path.read_text().splitlines()
    return [line.split(",")[header.split(",").index(name)] for line in lines]


def rows_of(config: Path, part: Part) -> Any:
    """The rows of a split as the config's own reader and split have them."""
    loaded = load_config(config)
    source = open_source(loaded.config.data, loaded.folder)
    return select_examples(source, loaded.config.data, loaded.config.seed, loaded.config.loss).split.part(part)


def typed(cell: str, kind: Kind) -> str | float | None:
    """A cell as Python has it."""
    if cell in ("", "NA"):
        return None
    return float(cell) if kind == "numeric" else cell


def own(folder: Path, *settings: str) -> Model:
    """A model of penguins that may be changed."""
    shutil.copy(PENGUINS, folder / "data.csv")
    (folder / "c.yaml").write_text("data: {path: data.csv, target: species}\ntraining: {epochs: 2}\n")
    return Model.load(train(folder / "c.yaml", settings, run_dir=folder / "run").path)


# Scores


def test_two_classes_are_scored_as_by_hand(compared_runs: Path) -> None:
    found = evaluate_split(Model.load(compared_runs / "wrong"), "test")
    guess, chance = B[TEST] > 0, 1 / (1 + np.exp(-4 * B[TEST]))
    scores = found.report.scores
    assert found.report.rows == 30
    assert scores["accuracy"] == np.mean(guess == YES[TEST])
    assert scores["log_loss"] == pytest.approx(-np.mean(np.log(np.where(YES[TEST], chance, 1 - chance))))
    matrix = [[np.sum((YES[TEST] == true) & (guess == said)) for said in (False, True)] for true in (False, True)]
    assert found.report.confusion_matrix == matrix
    assert list(found.report.groups) == ["no", "yes"]
    assert found.source == f"test rows of {path_from_here(compared_runs / 't.csv')}"


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_more_classes_are_scored_as_by_hand_on_the_runs_own_rows(penguins_run: Path, part: Part) -> None:
    model, rows = Model.load(penguins_run), rows_of(CONFIGS / "penguins.yaml", part)
    found = evaluate_split(model, part).report
    kinds = model.preprocessor.input_kinds
    inputs = {name: [typed(cell, kinds[name]) for cell in column(PENGUINS, name)] for name in kinds}
    true = np.array(column(PENGUINS, "species"))[rows]
    guess = model.predict(inputs)[rows]
    classes = ["Adelie", "Chinstrap", "Gentoo"]
    assert found.rows == len(rows)
    assert found.scores["accuracy"] == np.mean(true == guess)
    matrix = [[int(np.sum((true == a) & (guess == b))) for b in classes] for a in classes]
    assert found.confusion_matrix == matrix
    recalls = [matrix[i][i] / sum(matrix[i]) for i in range(3)]
    assert found.scores["balanced_accuracy"] == pytest.approx(np.mean(recalls), rel=1e-12)
    places = [classes.index(name) for name in true]
    chances = model.predict_probabilities(inputs)[rows, places]
    log_loss = -np.mean(np.log(np.clip(chances, 2.3e-16, 1 - 2.3e-16)))
    assert found.scores["log_loss"] == pytest.approx(log_loss, rel=1e-12)


def test_quantities_are_scored_as_by_hand_in_their_own_units(concrete_run: Path) -> None:
    model, rows = Model.load(concrete_run), rows_of(concrete_run / "config.yaml", "test")
    found = evaluate_split(model, None).report
    lines = (DATASETS / "concrete.csv").read_text().splitlines()[1:]
    table = np.array([line.split(",") for line in lines], float)
    true, guess = table[rows, -1], model.predict(table[rows, :-1])
    errors = true - guess
    assert found.rows == len(rows) == 206
    assert found.scores["rmse"] == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-12)
    assert found.scores["mae"] == pytest.approx(np.mean(np.abs(errors)), rel=1e-12)
    assert found.scores["r2"] == pytest.approx(1 - np.mean(errors**2) / np.var(true), rel=1e-12)
    assert found.scores["median_absolute_error"] == pytest.approx(np.median(np.abs(errors)), rel=1e-12)


def test_scores_agree_with_what_training_said_of_the_test_rows(penguins_run: Path, concrete_run: Path) -> None:
    for run in (penguins_run, concrete_run):
        test = json.loads((run / "summary.json").read_text())["test"]
        report = evaluate_split(Model.load(run), None).report.to_json()
        assert {name: report[name] for name in test} == test


def test_a_quantity_that_is_predicted_worse_than_by_its_mean_is_noted(concrete_run: Path, tmp_path: Path) -> None:
    header, *lines = (DATASETS / "concrete.csv").read_text().splitlines()
    cells = [line.split(",") for line in lines[:200]]
    strange = [",".join([*row[:-1], f"{1000 + float(row[-1])}"]) for row in cells]
    (tmp_path / "other.csv").write_text("\n".join([header, *strange]) + "\n")
    model = Model.load(concrete_run)
    found = evaluate_file(model, tmp_path / "other.csv")
    r2 = found.report.scores["r2"]
    assert r2 is not None
    assert r2 < -100
    assert found.notes == [f"r2 is {r2:.3g}: worse than predicting the mean of these rows"]
    assert not [note for note in evaluate_split(model, None).notes if "r2" in note]


# A split of the run's own data


def test_rows_are_numbered_as_in_the_file(compared_runs: Path) -> None:
    found = split_rows(Model.load(compared_runs / "right"), "validation")
    np.testing.assert_array_equal(found.numbers, np.flatnonzero(PART == "validation") + 1)
    np.testing.assert_array_equal(found.table["a"].values, A[PART == "validation"])
    assert (found.part, found.notes) == ("validation", [])


@pytest.mark.parametrize(
    ("parts", "default"),
    [(("train", "validation", "test"), "test"), (("train", "validation"), "validation"), (("train",), "train")],
)
def test_by_default_it_is_the_last_split_that_the_run_has(tmp_path: Path, parts: tuple[str, ...], default: str) -> None:
    model = Model.load(by(tmp_path, "run", 4, 0, part=np.resize(parts, 90)))
    assert split_rows(model, None).part == default
    have = ", ".join(f"'{name}'" for name in parts)
    if "test" not in parts:
        with pytest.raises(DataError, match=f"^the run has no test rows; it has {have}$"):
            split_rows(model, "test")


def test_changed_data_is_noted(tmp_path: Path) -> None:
    model = own(tmp_path)
    assert not own_data(model).is_changed
    assert evaluate_split(model, None).notes == []
    with (tmp_path / "data.csv").open("a") as file:
        file.write("Adelie,Torgersen,39.1,18.7,181.0,3750.0,male,2007\n")
    assert own_data(model).is_changed
    assert evaluate_split(model, None).notes[0] == CHANGED


def test_a_split_that_the_data_no_longer_has_and_a_column_that_is_gone_are_errors(tmp_path: Path) -> None:
    model = Model.load(by(tmp_path, "run", 4, 0))
    text = (tmp_path / "t.csv").read_text()
    (tmp_path / "t.csv").write_text(text.replace(",test,", ",train,"))
    with pytest.raises(DataError, match=r"t\.csv: no longer has test rows$"):
        split_rows(model, "test")
    (tmp_path / "t.csv").write_text(text.replace("a,b,", "a,c,"))
    with pytest.raises(DataError, match="no column 'b'"):
        split_rows(model, "test")


def test_data_is_found_where_the_config_says_or_else_where_it_was_in_training(tmp_path: Path) -> None:
    model = own(tmp_path)
    data, folder = find_data(model.header, model.path, "give it")
    assert [path.resolve() for path, _ in data.sources(folder)] == [tmp_path / "data.csv"]
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(model.path, tmp_path / "elsewhere/model.safetensors")
    moved = Model.load(tmp_path / "elsewhere/model.safetensors")
    assert evaluate_split(moved, None).report == evaluate_split(model, None).report
    (tmp_path / "data.csv").rename(tmp_path / "moved.csv")
    for one in (model, moved):
        with pytest.raises(DataError, match=rf"^{tmp_path}/data\.csv: the data of this run .*; give it$"):
            find_data(one.header, one.path, "give it")
    assert evaluate_file(model, tmp_path / "moved.csv").report.rows == 344


def test_data_that_models_share_is_read_once(compared_runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []

    def counting(*arguments: Any, **options: Any) -> Any:
        opened.append(arguments)
        return read_table(*arguments, **options)

    monkeypatch.setattr("bpcli.data.files.source.read_table", counting)
    models = [Model.load(compared_runs / name) for name in ("right", "wrong", "both")]
    found = list(data_of_each(models, cache=False, otherwise=""))
    assert [one.model for one in found] == models
    assert len(opened) == 1


def test_warnings_of_training_are_repeated_with_controls_escaped(tmp_path: Path) -> None:
    model = own(tmp_path)
    assert warnings_of_training(model) == []
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    (tmp_path / "run/summary.json").write_text(json.dumps({**summary, "warnings": ["column 'x\x1b'"]}))
    (told,) = warnings_of_training(model)
    assert told.endswith("training: column 'x\\x1b'")
    assert evaluate_split(model, None).notes == [told]
    shutil.copy(model.path, tmp_path / "alone.safetensors")
    assert warnings_of_training(Model.load(tmp_path / "alone.safetensors")) == []
    assert RunDirectory(tmp_path / "run").read_summary().warnings == ["column 'x\x1b'"]


# A file


def test_another_file_is_evaluated_whole(compared_runs: Path, tmp_path: Path) -> None:
    a, b = np.random.default_rng(9).normal(size=(2, 40))
    path = write_csv(tmp_path / "few.csv", {"b": b, "y": np.where(a > 0, "yes", "no"), "a": a})
    found = evaluate_file(Model.load(compared_runs / "wrong"), path)
    assert (found.source, found.report.rows) == (str(path), 40)
    assert found.report.scores["accuracy"] == np.mean((a > 0) == (b > 0))


def test_rows_without_a_target_are_left_out_aloud(compared_runs: Path, tmp_path: Path) -> None:
    model = Model.load(compared_runs / "right")
    path = write_csv(tmp_path / "some.csv", {"a": A[:6], "b": B[:6], "y": ["yes", None, "no", "NA", "no", "yes"]})
    rows = file_rows(model, [path])
    assert rows.has_target.tolist() == [True, False, True, False, True, True]
    chosen, told = chosen_rows(rows.has_target, model, str(path))
    assert (chosen.tolist(), told) == ([0, 2, 4, 5], ["2 rows left out: no value in the target"])
    found = evaluate_file(model, path)
    assert (found.report.rows, found.notes[0]) == (4, told[0])
    with pytest.raises(DataError, match=rf"^{path}: no row has a value in target 'y'$"):
        chosen_rows(np.zeros(6, bool), model, str(path))


def test_values_never_seen_are_noted(penguins_run: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("\n".join(PENGUINS.read_text().replace("Torgersen", "Atlantis").split()[:5]))
    (note, *_) = evaluate_file(Model.load(penguins_run), tmp_path / "new.csv").notes
    assert note == "column 'island': 4 rows with 'Atlantis', not seen in training"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("species,", "specie,"), "no column 'species'; did you mean 'specie'?"),
        (lambda text: text.replace("bill_length_mm", "bill_len_mm"), "no column 'bill_length_mm'; did you mean "),
        (lambda text: text.splitlines()[0] + "\n", "no row has a value in target 'species'"),
        (
            lambda text: re.sub("^(Adelie|Chinstrap|Gentoo)", "", text, flags=re.MULTILINE),
            "no row has a value in target 'species'",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_a_data_error_that_names_it(
    penguins_run: Path, tmp_path: Path, change: Callable[[str], str], message: str
) -> None:
    path = tmp_path / "other.csv"
    path.write_text(change(PENGUINS.read_text()))
    with pytest.raises(DataError, match=rf"^{path}: {re.escape(message)}"):
        evaluate_file(Model.load(penguins_run), path)


def test_a_file_needs_no_weights_to_be_evaluated(tmp_path: Path) -> None:
    model = own(tmp_path, "data.weight=year", "data.exclude=[island]")
    (tmp_path / "without.csv").write_text(PENGUINS.read_text().replace(",year", ",jahr"))
    assert evaluate_file(model, tmp_path / "without.csv").report.rows == 344


# Row weights

WEIGHT = np.where(A > 0.5, 0.5, np.where(B > 0.5, 0, 3))


def weighing(folder: Path) -> Path:
    """A run that answers yes where the second number is above 0, of rows with weights."""
    return by(folder, "weighing", 0, 4, extra=", weight: w", w=WEIGHT)


def test_row_weights_count_in_the_scores_beside_the_unweighted_ones(tmp_path: Path) -> None:
    run = weighing(tmp_path)
    rows = TEST & (WEIGHT > 0)
    right = (B > 0) == YES
    found = evaluate_split(Model.load(run), "test")
    report = found.report
    assert report.rows == rows.sum()
    assert report.scores["accuracy"] == pytest.approx(np.average(right[rows], weights=WEIGHT[rows]))
    assert report.weight_sum == WEIGHT[TEST].sum()
    assert report.groups["yes"]["support"] == WEIGHT[TEST & YES].sum()
    assert report.unweighted is not None
    assert report.unweighted.scores["accuracy"] == np.mean(right[rows])
    assert report.unweighted.groups["yes"]["support"] == np.sum(rows & YES)
    assert report.differing["accuracy"] == report.unweighted.scores["accuracy"]
    assert report.differing["accuracy"] != report.scores["accuracy"]
    summary = RunDirectory(run).read_summary()
    assert summary.test == report
    assert summary.best is not None
    validation = (WEIGHT > 0) & (PART == "validation")
    accuracy = np.average(right[validation], weights=WEIGHT[validation])
    assert summary.best.values["validation_accuracy"] == pytest.approx(accuracy)
    assert summary.best.values["validation_accuracy_unweighted"] == pytest.approx(np.mean(right[validation]))


def test_a_file_is_weighted_by_its_column_or_said_to_be_unweighted(tmp_path: Path) -> None:
    model = Model.load(weighing(tmp_path))
    other = {"a": A, "b": B, "y": np.where(YES, "yes", "no")}
    write_csv(tmp_path / "with.csv", {**other, "w": 2 * WEIGHT})
    found, rows = evaluate_file(model, tmp_path / "with.csv"), WEIGHT > 0
    right = (B > 0) == YES
    assert found.report.scores["accuracy"] == pytest.approx(np.average(right, weights=WEIGHT))
    assert (found.report.rows, found.report.weight_sum) == (rows.sum(), 2 * WEIGHT.sum())
    assert f"{np.sum(~rows)} rows left out: weight 0 in 'w'" in found.notes
    write_csv(tmp_path / "without.csv", other)
    found = evaluate_file(model, tmp_path / "without.csv")
    assert (found.report.scores["accuracy"], found.report.unweighted) == (np.mean(right), None)
    assert "no column 'w' of weights: metrics are unweighted" in found.notes


@pytest.mark.parametrize("bad", [-1.0, None])
def test_weights_of_a_file_that_are_none_are_a_data_error(tmp_path: Path, bad: float | None) -> None:
    model = Model.load(weighing(tmp_path))
    weights = [bad, *WEIGHT[1:]]
    path = write_csv(tmp_path / "bad.csv", {"a": A, "b": B, "y": np.where(YES, "yes", "no"), "w": weights})
    with pytest.raises(DataError, match=f"^{path}: column 'w' must hold non-negative numbers, none missing"):
        evaluate_file(model, path)
