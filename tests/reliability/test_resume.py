"""Whatever a run is made of, it goes on from after any of its steps to the bits of one that was never stopped."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiments import prepared, snapshot, timeless, write_csv
from networks import members
from same_runs import new_run

from bpcli.experiment.prepared import Prepared
from bpcli.jobs.resume import resume_state
from bpcli.jobs.runner import Runner
from bpcli.nn.optimizers import OptimizerSpec
from bpcli.nn.schedules import Schedule
from bpcli.storage.run_directory import RunDirectory
from bpcli.training.loop import train
from bpcli.training.plan import EpochReport

EPOCHS, STEPS = 5, 10
POINTS = EPOCHS * STEPS
"""After each step; after an epoch's last one, when the epoch is over."""

OPTIMIZERS = [rule().type for rule in members(OptimizerSpec)]
SCHEDULES = {
    **{schedule().type: {"type": schedule().type, "warmup_epochs": 1.5} for schedule in members(Schedule)},
    "reduce_on_plateau": {"type": "reduce_on_plateau", "patience": 1, "gamma": 0.5},
    "step": {"type": "step", "every": 2},
}
DROPOUT: list[Any] = [{"type": "dropout", "rate": 0.3}]
STOPPING = {"patience": EPOCHS - 1, "min_delta": 1e3}
"""Nothing after the first epoch improves by so much, so that it is this that stops the run."""

COMBINATIONS = list(itertools.product(OPTIMIZERS, SCHEDULES, [False, True], [False, True], [False, True]))
SAMPLE = [
    (optimizer, schedule, bool(number & 1), bool(number & 2), bool(number & 4))
    for number, (optimizer, schedule) in enumerate(
        zip(OPTIMIZERS * len(SCHEDULES), list(SCHEDULES) * len(OPTIMIZERS), strict=True)
    )
][: max(len(OPTIMIZERS), len(SCHEDULES))]
"""Each optimizer and each schedule once, and all the rest in turn."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifty rows: 38 of them train, in nine batches of four and one of two."""
    numbers = np.random.default_rng(0).normal(size=(3, 50))
    path = tmp_path_factory.mktemp("data")
    target = [f"c{int(a > b) + int(c > 0)}" for a, b, c in numbers.T]
    write_csv(path / "t.csv", {"a": numbers[0], "b": numbers[1], "c": numbers[2], "y": target})
    return path


def experiment(
    folder: Path, optimizer: str, schedule: str, dropout: bool, batch_norm: bool, stopping: bool
) -> Prepared:
    return prepared(
        folder,
        data={"path": "t.csv", "target": "y", "split": {"validation": 0.12, "test": 0.12, "stratify": False}},
        layers=[{"units": 5}, *(["batch_norm"] * batch_norm), *(DROPOUT * dropout), {"units": 3, "activation": "tanh"}],
        optimizer=optimizer,
        schedule=SCHEDULES[schedule],
        training={
            "epochs": EPOCHS + stopping,
            "batch_size": 4,
            "early_stopping": STOPPING if stopping else None,
            "checkpoint_every": {"seconds": 1e-9, "steps": 1},
        },
    )


def check_resumes_anywhere(of: Prepared, directory: RunDirectory, step: int) -> int:
    """Go on from the checkpoint after each `step`-th point of a run; how many these were."""
    run, kept, expected = Runner(of, directory), [], []
    for event in run.run():
        kept.append(directory.last.read_bytes())
        expected.append(timeless(event) if isinstance(event, EpochReport) else None)
    assert len(set(kept)) == POINTS - 1  # the run's last point is the one checkpoint that comes after its event
    assert run.state.optimizer.steps == EPOCHS * STEPS
    whole, points = snapshot(run.state), range(0, POINTS, step)
    for point in points:
        directory.last.write_bytes(kept[point])
        state = resume_state(of, directory)
        left = [timeless(event) for event in train(of.plan, state) if isinstance(event, EpochReport)]
        first = point + (point < POINTS - 1)
        assert left == [report for report in expected[first:] if report is not None]
        assert snapshot(state) == whole
    return len(points)


@pytest.mark.parametrize("combination", SAMPLE, ids=str)
def test_a_run_goes_on_from_after_some_of_its_steps(
    folder: Path, tmp_path: Path, combination: Any, record_property: Any
) -> None:
    of = experiment(folder, *combination)
    record_property("cases", check_resumes_anywhere(of, new_run(tmp_path / "run"), 6))


@pytest.mark.exhaustive
@pytest.mark.parametrize("combination", COMBINATIONS, ids=str)
def test_a_run_of_any_make_goes_on_from_after_any_of_its_steps(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, combination: Any, record_property: Any
) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # 150 times a run, and no power will be cut
    of = experiment(folder, *combination)
    cases = check_resumes_anywhere(of, new_run(tmp_path / "run"), 1)
    record_property("cases", cases)
    assert cases == POINTS
