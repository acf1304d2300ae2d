"""Rows that no run has seen, or a refusal that says which run has seen them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from comparison_runs import PART, TEST, YES, A, B, by, columns
from experiments import write_csv

from bpcli.comparison.common_rows import CommonRows, rows_of_file, rows_of_test
from bpcli.comparison.contestants import contestants_of
from bpcli.errors import DataError
from bpcli.jobs.training import train
from bpcli.system.files import path_from_here


def of_test(*paths: Path) -> CommonRows:
    return rows_of_test(contestants_of(paths), cache=False)


def of_file(path: Path, *runs: Path) -> CommonRows:
    return rows_of_file(contestants_of(runs), path, cache=False)


def test_all_runs_are_asked_the_test_rows_of_the_first(compared_runs: Path) -> None:
    found = of_test(compared_runs / "right", compared_runs / "wrong")
    assert found.source == f"test rows of {path_from_here(compared_runs / 't.csv')}"
    assert found.notes == []
    for table in found.tables:
        np.testing.assert_array_equal(table["a"].values, A[TEST])
        np.testing.assert_array_equal(table["b"].values, B[TEST])


@pytest.mark.parametrize(("seen", "what"), [("train", "training"), ("validation", "validation")])
def test_test_rows_that_another_run_has_seen_are_refused(tmp_path: Path, seen: str, what: str) -> None:
    other = np.array([{"test": seen, seen: "test"}.get(part, part) for part in PART])
    both = columns(other=other)
    write_csv(tmp_path / "t.csv", both)
    one = by(tmp_path, "one", 4, 0, extra=", exclude: [other]", other=other)
    config = (tmp_path / "c.yaml").read_text()
    assert config.count("part") == 1
    (tmp_path / "c.yaml").write_text(
        config.replace("[other]", "[part]")
        .replace("{column: part}", "{column: other}")
        .replace("name: one", "name: two")
    )
    two = train(tmp_path / "c.yaml", run_dir=tmp_path / "two").path
    with pytest.raises(
        DataError,
        match=f"^of the 30 test rows of 'one', 30 are {what} rows of 'two', as their data.split.column differs; ",
    ):
        of_test(one, two)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            "data.split.validation=0.1",
            "as their data.split.validation differs \\(test rows are drawn after the validation rows, so their share "
            "moves them\\); give",
        ),
        ("seed=1", "as their seed differs; give"),
        ("data.split={seed: 1, stratify: false}", "as their data.split.stratify, data.split.seed differ; give"),
    ],
)
def test_the_refusal_says_why_the_splits_differ(tmp_path: Path, change: str, why: str) -> None:
    write_csv(tmp_path / "t.csv", columns())
    (tmp_path / "c.yaml").write_text(
        "data: {path: t.csv, target: y, exclude: [part]}\nlayers: []\ntraining: {epochs: 1}\n"
    )
    one = train(tmp_path / "c.yaml", run_dir=tmp_path / "one").path
    two = train(tmp_path / "c.yaml", [change], run_dir=tmp_path / "two").path
    with pytest.raises(DataError, match=f"{why} rows that no run has seen with --data"):
        of_test(one, two)


def test_data_that_changed_since_training_is_refused(tmp_path: Path) -> None:
    paths = [by(tmp_path, name, 4, 0) for name in "ab"]
    lines = (tmp_path / "t.csv").read_text().splitlines()
    (tmp_path / "t.csv").write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n")
    with pytest.raises(DataError, match=r"^'a': its data file has changed since, "):
        of_test(*paths)


def test_data_that_is_gone_is_refused(tmp_path: Path) -> None:
    paths = [by(tmp_path, name, 4, 0) for name in "ab"]
    (tmp_path / "t.csv").unlink()
    with pytest.raises(DataError, match=r"t\.csv: the data of this run .*; give other data with --data$"):
        of_test(*paths)


def test_runs_of_other_data_are_refused(compared_runs: Path, tmp_path: Path) -> None:
    less = {name: values[:-1] for name, values in columns().items()}
    other = by(tmp_path, "less", 4, 0, **less)
    with pytest.raises(DataError, match=r"^'less' was trained on .* data than 'right'"):
        of_test(compared_runs / "right", other)


def test_runs_without_test_rows_need_others(tmp_path: Path) -> None:
    paths = [by(tmp_path, name, 4, 0, part=np.where(TEST, "train", PART)) for name in "ab"]
    with pytest.raises(DataError, match=r"^'a' has no test rows; give other rows with --data$"):
        of_test(*paths)


def test_other_rows_can_be_given_and_those_without_a_target_are_left_out(compared_runs: Path, tmp_path: Path) -> None:
    y = [None, *("yes" if yes else "no" for yes in YES[1:10])]
    path = write_csv(tmp_path / "new.csv", {"a": A[:10], "b": B[:10], "y": y})
    found = of_file(path, compared_runs / "right", compared_runs / "wrong")
    assert found.source == str(path)
    for table in found.tables:
        np.testing.assert_array_equal(table["a"].values, A[1:10])
    assert len(found.notes) == 2
    assert "whether runs were trained on " in found.notes[0]
    assert found.notes[1] == "1 row left out: no value in the target"


def test_a_file_that_a_run_was_trained_on_is_refused_under_any_name(compared_runs: Path, tmp_path: Path) -> None:
    shutil.copy(compared_runs / "t.csv", tmp_path / "copy.csv")
    for path in (compared_runs / "t.csv", tmp_path / "copy.csv"):
        with pytest.raises(DataError, match=f"^{path}: 'right' was trained on rows of this file; "):
            of_file(path, compared_runs / "right", compared_runs / "wrong")


def test_a_copy_of_one_of_several_training_files_is_refused_and_the_test_file_is_not(tmp_path: Path) -> None:
    for name in ("train", "test"):
        chosen = {key: np.array(values)[name == PART] for key, values in columns().items() if key != "part"}
        write_csv(tmp_path / f"{name}.csv", chosen)
    (tmp_path / "c.yaml").write_text(
        "data: {train: train.csv, test: test.csv, target: y, split: {validation: 0.2}}\ntraining: {epochs: 1}\n"
    )
    paths = [train(tmp_path / "c.yaml", run_dir=tmp_path / name).path for name in "ab"]
    copy = tmp_path / "copy.csv"
    shutil.copy(tmp_path / "train.csv", copy)
    with pytest.raises(DataError, match="'a' was trained on rows of this file"):
        of_file(copy, *paths)
    shutil.copy(tmp_path / "test.csv", copy)
    assert of_file(copy, *paths).tables[1].rows == 30
