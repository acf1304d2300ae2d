"""Runs with a moving average of the parameters: checkpoints, resuming, reproduction, and what predicts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_runs import STEPS, experiment, partly_trained, trained

import bpcli
from bpcli.errors import CheckpointError
from bpcli.experiment.opening import open_experiment
from bpcli.jobs.reproduction import Reproduction
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.run_directory import RunDirectory

AVERAGED = "training.average.decay=0.8"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, not to be changed."""
    return trained(experiment(tmp_path_factory.mktemp("whole")), AVERAGED)


@pytest.mark.parametrize("calls", [1, 3, STEPS + 2, 2 * STEPS + 5])
def test_a_resumed_run_ends_with_the_same_averages(tmp_path: Path, whole: Path, calls: int) -> None:
    partly_trained(experiment(tmp_path), calls, AVERAGED)
    ended = RunDirectory(partly_trained(tmp_path, 10**6))
    for file in ("best", "last"):
        before, now = (Checkpoint.load(getattr(run, file)).vectors for run in (RunDirectory(whole), ended))
        assert before.keys() == now.keys()
        assert all(np.array_equal(before[name], now[name]) for name in before)


def test_the_last_checkpoint_predicts_with_the_average(whole: Path) -> None:
    last = Checkpoint.load(RunDirectory(whole).last)
    assert not np.array_equal(last.vectors["average_params"], last.vectors["params"])
    assert not np.array_equal(last.vectors["average_state"], last.vectors["state"])
    file = RunDirectory(whole).last
    rows = [{"a": 0.5, "b": -1.0}, {"a": -2.0, "b": 0.25}]
    predicted = bpcli.load(file).predict_probabilities(rows)
    swapped = {
        **last.vectors,
        "params": last.vectors["average_params"],
        "state": last.vectors["average_state"],
        "average_params": last.vectors["params"],
        "average_state": last.vectors["state"],
    }
    other = file.with_name("swapped.safetensors")
    Checkpoint(last.header, swapped).save(other)
    assert not np.allclose(bpcli.load(other).predict_probabilities(rows), predicted, rtol=1e-4)
    best = bpcli.load(RunDirectory(whole).best)
    if best.header.score.epoch == 6:
        assert np.array_equal(best.predict_probabilities(rows), predicted)


def test_the_run_is_reproduced(whole: Path) -> None:
    reproduction = Reproduction(RunDirectory(whole))
    list(reproduction.run())
    assert reproduction.identical
    assert reproduction.weights.keys() >= {"last"}


@pytest.mark.parametrize("was", [AVERAGED, "training.average=null"])
def test_averaging_cannot_begin_or_end_within_a_run(tmp_path: Path, was: str) -> None:
    partly_trained(experiment(tmp_path), 3, was)
    other = "training.average=null" if was == AVERAGED else AVERAGED
    with pytest.raises(CheckpointError, match=r"training\.average is not what this run started with"):
        partly_trained(tmp_path, 10, other)


def test_a_new_run_starts_from_the_average(tmp_path: Path, whole: Path) -> None:
    last = RunDirectory(whole).last
    warm = bpcli.train(whole / "config.yaml", [AVERAGED, "training.epochs=1"], start_from=last, run_dir=tmp_path / "r")
    state = open_experiment(warm.path / "config.yaml").plan.new_state()
    before = Checkpoint.load(last).vectors
    assert np.array_equal(state.params[0], before["average_params"])
    assert np.array_equal(state.average_layer_state[0], before["average_state"])
