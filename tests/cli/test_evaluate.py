"""`bpcli evaluate`: the metrics of the very rows that the run set aside, or of other data."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from commands import CONFIGS, DATASETS, PENGUINS, Result, bpcli

from bpcli.config import load_config
from bpcli.data.examples.selection import select_examples
from bpcli.data.files.source import open_source


def predicted(run: Path, data: Path) -> list[dict[str, str]]:
    return bpcli("predict", data, "--checkpoint", run, "--probabilities").ok().rows


def column(path: Path, name: str) -> list[str]:
    header, *lines = path.read_text().splitlines()
    return [line.split(",")[header.split(",").index(name)] for line in lines]


def split_rows(config: Path, part: str) -> np.ndarray:
    loaded = load_config(config)
    selection = select_examples(
        open_source(loaded.config.data, loaded.folder), loaded.config.data, loaded.config.seed, loaded.config.loss
    )
    return getattr(selection.split, part)


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_classes_are_scored_as_by_hand_on_the_runs_own_rows(penguins_run: Path, part: str):
    report = bpcli("evaluate", penguins_run, "--split", part, "--json").ok().json
    rows = split_rows(CONFIGS / "penguins.yaml", part)
    every = predicted(penguins_run, PENGUINS)
    true = np.array(column(PENGUINS, "species"))[rows]
    guess = np.array([row["prediction"] for row in every])[rows]
    classes = ["Adelie", "Chinstrap", "Gentoo"]
    assert report["rows"] == len(rows)
    assert report["accuracy"] == np.mean(true == guess)
    matrix = [[int(np.sum((true == a) & (guess == b))) for b in classes] for a in classes]
    assert report["confusion_matrix"] == matrix
    recalls = [matrix[i][i] / sum(matrix[i]) for i in range(3)]
    assert report["balanced_accuracy"] == pytest.approx(np.mean(recalls), rel=1e-12)
    chances = np.array([float(every[row][f"probability_{name}"]) for row, name in zip(rows, true, strict=True)])
    assert report["log_loss"] == pytest.approx(-np.mean(np.log(np.clip(chances, 1.2e-7, 1 - 1.2e-7))), rel=1e-5)


def test_quantities_are_scored_as_by_hand_in_their_own_units(concrete_run: Path):
    report = bpcli("evaluate", concrete_run, "--json").ok().json
    rows = split_rows(concrete_run / "config.yaml", "test")
    data = DATASETS / "concrete.csv"
    true = np.array(column(data, "compressive_strength"), float)[rows]
    guess = np.array([float(row["prediction"]) for row in bpcli("predict", data, "--checkpoint", concrete_run).rows])
    errors = true - guess[rows]
    assert report["rows"] == len(rows) == 206
    assert report["rmse"] == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-6)
    assert report["mae"] == pytest.approx(np.mean(np.abs(errors)), rel=1e-6)
    assert report["r2"] == pytest.approx(1 - np.mean(errors**2) / np.var(true), rel=1e-6)
    assert report["median_absolute_error"] == pytest.approx(np.median(np.abs(errors)), rel=1e-5)


def test_evaluate_agrees_with_what_training_said_of_the_test_rows(penguins_run: Path, concrete_run: Path):
    import json

    for run in (penguins_run, concrete_run):
        test = json.loads((run / "summary.json").read_text())["test"]
        report = bpcli("evaluate", run, "--json").ok().json
        assert {name: report[name] for name in test} == test


def test_a_table_is_printed_for_people(penguins_run: Path):
    result = bpcli("evaluate", penguins_run).ok()
    lines = result.out.splitlines()
    assert re.fullmatch(r"test rows of .*datasets/penguins\.csv, 69 rows, epoch \d+", lines[0])
    assert re.fullmatch(r"accuracy +[01]\.\d{4}", lines[1])
    assert "           precision  recall      f1  support  roc_auc  average_precision" in lines
    assert "true \\ predicted  Adelie  Chinstrap  Gentoo" in lines
    assert result.err == ""


def test_a_checkpoint_file_is_evaluated_like_its_run(penguins_run: Path):
    by_run = bpcli("evaluate", penguins_run).ok().out
    assert bpcli("evaluate", penguins_run / "checkpoints/best.safetensors").ok().out == by_run


def test_a_checkpoint_that_left_its_run_still_finds_its_data(penguins_run: Path, tmp_path: Path):
    shutil.copy(penguins_run / "checkpoints/best.safetensors", tmp_path / "model.safetensors")
    moved = bpcli("evaluate", tmp_path / "model.safetensors", cwd=tmp_path).ok()
    assert moved.out.splitlines()[1:] == bpcli("evaluate", penguins_run).out.splitlines()[1:]


def test_another_file_is_evaluated_whole(penguins_run: Path, tmp_path: Path):
    lines = PENGUINS.read_text().splitlines(keepends=True)
    few = tmp_path / "few.csv"
    few.write_text("".join([lines[0], *lines[200:240]]))
    report = bpcli("evaluate", penguins_run, "--data", few, "--json").ok().json
    guesses = [row["prediction"] for row in predicted(penguins_run, few)]
    assert report["rows"] == 40
    assert report["accuracy"] == np.mean(np.array(guesses) == np.array(column(few, "species")))


def test_rows_without_a_target_are_left_out_aloud(penguins_run: Path, tmp_path: Path):
    lines = PENGUINS.read_text().splitlines(keepends=True)
    data = tmp_path / "some.csv"
    data.write_text("".join([*lines[:20], lines[21].replace("Adelie", "NA"), lines[22].replace("Adelie", "")]))
    result = bpcli("evaluate", penguins_run, "--data", data, "--json").ok()
    assert result.json["rows"] == 19
    assert result.err == "note: 2 rows left out: no value in the target\n"
    assert result.json["notes"] == ["2 rows left out: no value in the target"]


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (lambda text: text.replace("species,", "specie,"), 3, "no column 'species'; did you mean 'specie'?"),
        (lambda text: text.replace("bill_length_mm", "bill_len_mm"), 3, "no column 'bill_length_mm'; did you mean "),
        (lambda text: text.splitlines()[0] + "\n", 3, "no row has a value in target 'species'"),
        (lambda text: re.sub("^(Adelie|Chinstrap|Gentoo)", "", text, flags=re.M), 3, "no row has a value in target"),
    ],
)
def test_other_data_that_does_not_fit_is_a_data_error(penguins_run: Path, tmp_path: Path, change, code, message):
    data = tmp_path / "other.csv"
    data.write_text(change(PENGUINS.read_text()))
    result = bpcli("evaluate", penguins_run, "--data", data)
    assert (result.code, result.out, result.err.count("\n")) == (code, "", 1)
    assert message in result.err


def own_run(folder: Path, text: str = "data: {path: data.csv, target: species}\ntraining: {epochs: 2}\n") -> Path:
    """A run on a copy of the penguins that may be changed."""
    shutil.copy(PENGUINS, folder / "data.csv")
    (folder / "c.yaml").write_text(text)
    bpcli("train", folder / "c.yaml", "-q", "--run-dir", folder / "run").ok()
    return folder / "run"


def test_changed_data_is_noted(tmp_path: Path):
    run = own_run(tmp_path)
    assert bpcli("evaluate", run).ok().err == ""
    with (tmp_path / "data.csv").open("a") as file:
        file.write("Adelie,Torgersen,39.1,18.7,181.0,3750.0,male,2007\n")
    result = bpcli("evaluate", run, "--json").ok()
    assert result.err.startswith("note: the data file is no longer the one that the model was trained on")
    assert result.json["notes"][0].startswith("the data file is no longer")


def test_data_that_is_gone_is_a_data_error_that_says_what_to_do(tmp_path: Path):
    run = own_run(tmp_path)
    (tmp_path / "data.csv").rename(tmp_path / "moved.csv")
    result = bpcli("evaluate", run)
    assert (result.code, result.out) == (3, "")
    assert result.err == (f"error: {tmp_path}/data.csv: the data of this run is no longer there; give it with --data\n")
    assert bpcli("evaluate", run, "--data", tmp_path / "moved.csv").ok().out.count("344 rows") == 1


def test_a_split_that_the_run_does_not_have_is_a_data_error(tmp_path: Path):
    run = own_run(tmp_path, "data: {path: data.csv, target: species, split: {test: 0}}\ntraining: {epochs: 1}\n")
    result = bpcli("evaluate", run, "--split", "test")
    assert (result.code, result.err) == (3, "error: the run has no test rows; it has 'train', 'validation'\n")
    assert bpcli("evaluate", run).ok().out.startswith("validation rows of ")


def test_a_file_needs_no_weights_to_be_evaluated(tmp_path: Path):
    shutil.copy(PENGUINS, tmp_path / "data.csv")
    text = "data: {path: data.csv, target: species, weight: year, exclude: [island]}\ntraining: {epochs: 1}\n"
    run = own_run(tmp_path, text)
    without = tmp_path / "without.csv"
    without.write_text(PENGUINS.read_text().replace(",year", ",jahr"))
    assert bpcli("evaluate", run, "--data", without, "--json").ok().json["rows"] == 344


def test_a_requirement_that_is_met_changes_nothing(penguins_run: Path):
    with_one = bpcli("evaluate", penguins_run, "--require", "accuracy>=0.5", "--require", " log_loss < 1e1 ").ok()
    assert with_one.out == bpcli("evaluate", penguins_run).out


def test_a_requirement_that_is_not_met_ends_with_6_after_the_metrics(penguins_run: Path):
    arguments = ("evaluate", penguins_run, "--require", "accuracy>=0.5", "--require", "mcc>1", "--require", "rows==3")
    result = bpcli(*arguments)
    assert result.code == 6
    assert re.fullmatch(r"error: required mcc > 1, but it is 0\.9\d+; required rows == 3, but it is 69\n", result.err)
    assert result.out == bpcli("evaluate", penguins_run).out
    document = bpcli(*arguments, "--json").json
    assert [failure.split(",")[0] for failure in document["failed"]] == ["required mcc > 1", "required rows == 3"]


def failing(run: Path, requirement: str) -> Result:
    result = bpcli("evaluate", run, "--require", requirement)
    assert (result.code, result.err.count("\n")) == (2, 1)
    return result


@pytest.mark.parametrize(
    "requirement",
    [
        *("", "accuracy", "accuracy>=", ">=0.9", "accuracy=>0.9", "accu racy>=1", "accuracy>=0.9 and f1>0.8"),
        *("accuracy>=high", "accuracy>=.", "accuracy>=1.2.3", "accuracy>=0,9", "accuracy>=nan", "accuracy>=1e"),
    ],
)
def test_a_malformed_requirement_is_a_usage_error(penguins_run: Path, requirement: str):
    result = failing(penguins_run, requirement)
    assert result.err.startswith(f"error: --require '{requirement}': expected a metric, a comparison and a number")
    assert result.out == ""


def test_an_unknown_metric_is_a_usage_error_with_the_nearest_name(penguins_run: Path):
    assert failing(penguins_run, "acuracy>=0.9").err == (
        "error: --require: no metric 'acuracy'; did you mean 'accuracy'?\n"
    )
    assert failing(penguins_run, "confusion_matrix>=1").err.startswith(
        "error: --require: no metric 'confusion_matrix'; available: accuracy, "
    )


def test_what_cannot_be_evaluated_is_said(penguins_run: Path, tmp_path: Path):
    nothing = bpcli("evaluate", tmp_path / "nothing")
    assert (nothing.code, nothing.err) == (4, f"error: {tmp_path}/nothing: no such run or checkpoint\n")
    both = bpcli("evaluate", penguins_run, "--data", PENGUINS, "--split", "test")
    assert (both.code, both.err.count("\n")) == (2, 1)
    other = bpcli("evaluate", PENGUINS)
    assert (other.code, other.err.count("\n")) == (4, 1)


def test_class_names_are_shown_with_their_controls_escaped(tmp_path: Path):
    (tmp_path / "data.csv").write_text("x,y\n" + "".join(f"{n},[red]a\n-{n},b\x1b[2J\n" for n in range(30)))
    (tmp_path / "c.yaml").write_text("data: {path: data.csv, target: y}\ntraining: {epochs: 1}\n")
    bpcli("train", tmp_path / "c.yaml", "-q", "--run-dir", tmp_path / "run").ok()
    out = bpcli("evaluate", tmp_path / "run").ok().out
    assert "\x1b" not in out
    assert "[red]a " in out
    assert "b\\x1b[2J " in out


def test_a_quantity_that_is_predicted_worse_than_by_its_mean_is_noted(concrete_run: Path, tmp_path: Path):
    header, *lines = (DATASETS / "concrete.csv").read_text().splitlines()
    cells = [line.split(",") for line in lines[:200]]
    strange = [",".join([*row[:-1], f"{1000 + float(row[-1])}"]) for row in cells]
    (tmp_path / "other.csv").write_text("\n".join([header, *strange]) + "\n")
    result = bpcli("evaluate", concrete_run, "--data", tmp_path / "other.csv").ok()
    r2 = float(re.search(r"^r2 +(\S+)", result.out, re.MULTILINE)[1].replace(",", ""))
    (remark,) = [line for line in result.err.splitlines() if "r2" in line]
    assert r2 < -100
    assert remark == f"note: r2 is {r2:.3g}: worse than predicting the mean of these rows"
    assert "r2" not in bpcli("evaluate", concrete_run).ok().err
