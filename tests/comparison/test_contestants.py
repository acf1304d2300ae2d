"""Runs to compare: what they are called, what is refused, and which are the same model."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from comparison_runs import YES, A, by

from bpcli.comparison.contestants import contestants_of, have_same_weights
from bpcli.errors import CheckpointError, DataError, UsageError
from bpcli.models.model import Model
from bpcli.wording import quoted


def test_runs_are_called_by_their_names_and_where_these_are_equal_by_their_paths(
    compared_runs: Path, tmp_path: Path
) -> None:
    assert [one.label for one in contestants_of([compared_runs / "right", compared_runs / "both"])] == ["right", "both"]
    other = shutil.copytree(compared_runs / "both", tmp_path / "right")
    found = contestants_of([compared_runs / "right", other])
    assert [one.label for one in found] == [str(compared_runs / "right"), str(other)]
    assert found[1].shown == quoted(str(other))
    assert [one.run.status for one in found] == ["finished", "finished"]
    assert found[0].model.path == compared_runs / "right/checkpoints/best.safetensors"


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        ([], UsageError, "give two or more runs to compare"),
        (["right"], UsageError, "give two or more runs to compare"),
        (["right", "right"], UsageError, "right: given twice"),
        (["right", "wrong/../right"], UsageError, "right: given twice"),
        (["right", "nothing"], CheckpointError, "nothing: no such run"),
    ],
)
def test_fewer_than_two_different_runs_are_refused(
    compared_runs: Path, names: list[str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        contestants_of([compared_runs / name for name in names])


def test_a_damaged_run_is_named(compared_runs: Path, tmp_path: Path) -> None:
    damaged = shutil.copytree(compared_runs / "wrong", tmp_path / "damaged")
    (damaged / "summary.json").write_text("{}")
    with pytest.raises(CheckpointError, match=rf"^{damaged}: damaged: its summary\.json "):
        contestants_of([compared_runs / "right", damaged])


def test_runs_of_other_targets_tasks_and_classes_are_refused(compared_runs: Path, tmp_path: Path) -> None:
    for name in ("target", "task", "classes"):
        (tmp_path / name).mkdir()
    for other, message in (
        (by(tmp_path / "target", "other", 4, 0, extra=", exclude: [y]", target="z", z=YES), "they predict 'y' and 'z'"),
        (by(tmp_path / "task", "other", 4, 0, y=A), "their tasks are binary and regression"),
        (
            by(tmp_path / "classes", "other", 4, 0, y=np.where(YES, "aye", "nay")),
            "their classes are 'no', 'yes' and 'aye', 'nay'",
        ),
    ):
        with pytest.raises(DataError, match=f"^'right' and 'other' cannot be compared: {message}$"):
            contestants_of([compared_runs / "right", other])


def test_the_same_weights_behind_other_preprocessing_are_another_model(compared_runs: Path, tmp_path: Path) -> None:
    right = Model.load(compared_runs / "right")
    again = Model.load(by(tmp_path, "again", 4, 0))
    assert have_same_weights(right, again)
    assert not have_same_weights(right, Model.load(compared_runs / "both"))
    inputs = right.preprocessor.inputs
    assert [one.name for one in inputs] == ["a", "b"]
    other = right.preprocessor.model_copy(update={"inputs": (inputs[1], inputs[0])})
    assert not have_same_weights(right, replace(again, preprocessor=other))
