"""Learning curves: the values that can be drawn, and their division into panels."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from records import record_of

from bpcli.errors import CheckpointError, UsageError
from bpcli.history.curves import Curves, Panel, panels_of, read_curves

RECORDS = [
    {"epoch": 1, "train_loss": 2.0, "validation_loss": None, "validation_f1": 0.5, "learning_rate": 0.1, "health": []},
    {"epoch": 2, "train_loss": 1.0, "validation_loss": math.inf, "validation_f1": None, "best_epoch": 1},
]


def curves(label: str, *lines: dict[str, Any]) -> Curves:
    return Curves(label, [record_of(line) for line in lines])


def test_what_is_a_number_in_some_epoch_can_be_drawn():
    assert curves("run", *RECORDS).names == ["train_loss", "validation_f1", "learning_rate"]


def test_what_is_no_finite_number_leaves_a_gap():
    epochs, values = curves("run", *RECORDS).points("validation_f1")
    assert epochs == [1, 2]
    assert values[0] == 0.5
    assert math.isnan(values[1])
    assert all(math.isnan(value) for value in curves("run", *RECORDS).points("validation_loss")[1])


def test_what_somebody_wrote_into_the_lines_is_no_number():
    run = curves("run", {"epoch": 1, "a": "2", "b": True, "c": 10**400, "d": [], "e": 3})
    assert run.names == ["e"]
    assert run.points("e") == ([1.0], [3.0])
    assert panels_of([run]) == [Panel("e", ["e"])]


@pytest.mark.parametrize(
    ("last", "best"), [({"best_epoch": 7}, 7), ({"best_epoch": 0}, None), ({}, None), ({"best_epoch": 10**400}, None)]
)
def test_the_best_epoch_is_the_one_that_the_last_knows_of(last: dict[str, int], best: int | None):
    assert curves("run", {"epoch": 9, **last}).best == best


def test_a_panel_holds_the_splits_of_one_quantity():
    runs = [
        curves("a", {"epoch": 1, "train_loss": 1.0, "validation_loss": 2.0, "validation_rmse": 3.0, "seconds": 1.0}),
        curves("b", {"epoch": 1, "train_loss": 1.0, "train_rmse": 3.0}),
    ]
    loss = Panel("loss", ["train_loss", "validation_loss"])
    assert panels_of(runs) == [loss, Panel("rmse", ["validation_rmse", "train_rmse"])]
    assert panels_of(runs, ["validation_loss", "seconds", "loss", "loss"]) == [
        Panel("loss", ["validation_loss"]),
        Panel("seconds", ["seconds"]),
        loss,
    ]


def test_a_metric_that_no_run_has_is_named_with_those_that_there_are():
    message = r"--metric 'los': not in any run; did you mean 'loss'\?; available: 'loss', 'f1', 'learning_rate'"
    with pytest.raises(UsageError, match=message):
        panels_of([curves("run", *RECORDS)], ["los"])


def test_runs_are_labelled_by_their_directories_or_by_whole_paths_where_those_are_the_same(tmp_path: Path):
    for name in ("x/run", "y/run", "y/other"):
        (tmp_path / name / "checkpoints").mkdir(parents=True)
        (tmp_path / name / "metrics.jsonl").write_text(json.dumps(RECORDS[0]) + "\n")
    labels = [run.label for run in read_curves([tmp_path / "x/run", tmp_path / "y/other"])]
    assert labels == ["run", "other"]
    same = [tmp_path / "x/run", tmp_path / "y/run"]
    assert [run.label for run in read_curves(same)] == [str(path) for path in same]


def test_a_run_without_an_epoch_has_no_curve(tmp_path: Path):
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(CheckpointError, match="no values to draw"):
        read_curves([tmp_path])
