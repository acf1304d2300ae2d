"""`data.group` from the command line: what check says, and models that are given rows without the column."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from commands import bpcli
from experiments import write_csv

RANDOM = np.random.default_rng(0)
A, B = RANDOM.normal(size=(2, 120)).round(3)
CONFIG = """
data: {path: t.csv, target: y, group: customer}
layers: [{units: 3}]
training: {epochs: 2}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    columns = {"a": A, "b": B, "y": np.where(A + B > 0, "yes", "no")}
    write_csv(tmp_path / "t.csv", columns | {"customer": np.arange(120) // 6})
    write_csv(tmp_path / "new.csv", columns)
    (tmp_path / "c.yaml").write_text(CONFIG)
    return tmp_path


def test_check_says_how_many_groups_and_rows_each_split_has(folder: Path):
    lines = bpcli("check", "c.yaml", cwd=folder).ok().out.splitlines()
    assert lines[:2] == ["rows    84 train, 18 validation, 18 test", "groups  14 train, 3 validation, 3 test"]
    document = bpcli("check", "c.yaml", "--json", cwd=folder).ok().json
    assert document["groups"] == {"train": 14, "validation": 3, "test": 3}
    assert [column["name"] for column in document["columns"]] == ["a", "b"]
    assert bpcli("check", "c.yaml", "--set", "data.group=null", "--json", cwd=folder).ok().json["groups"] is None


def test_new_rows_need_no_group(folder: Path):
    bpcli("train", "c.yaml", "--run-dir", "r", "-q", cwd=folder).ok()
    own = bpcli("evaluate", "r", "--json", cwd=folder).ok().json
    assert own["rows"] == 18
    assert bpcli("evaluate", "r", "--data", "new.csv", "--json", cwd=folder).ok().json["rows"] == 120
    new = bpcli("predict", "new.csv", "--run", "r", cwd=folder).ok()
    assert len(list(csv.DictReader(new.out.splitlines()))) == 120
    known = bpcli("predict", "t.csv", "--run", "r", cwd=folder).ok()
    assert (known.out, known.err) == (new.out, new.err)


def test_groups_in_more_than_one_split_of_the_data_are_warned_of(folder: Path):
    rows = (folder / "t.csv").read_text().splitlines()
    (folder / "train.csv").write_text("\n".join([*rows[:93], ""]))
    (folder / "test.csv").write_text("\n".join([rows[0], *rows[93:], ""]))
    split = ("--set", "data.path=null", "--set", "data.train=train.csv", "--set", "data.test=test.csv")
    (line,) = [
        line for line in bpcli("check", "c.yaml", *split, cwd=folder).ok().err.splitlines() if line.startswith("warn")
    ]
    assert line.startswith(
        "warning: groups across splits: 1 of 5 groups with test rows also has validation rows; scores on them may be "
        "too optimistic; keep each in one split [shared_groups]"
    )
