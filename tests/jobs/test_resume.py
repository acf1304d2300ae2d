"""What must be as it was for training to go on, in whichever direction it changed; and when checkpoints are due."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoints import forged
from experiments import after, prepared, snapshot, taken_so, write_csv
from small_runs import cut_short, experiment, trained

from bpcli.errors import CheckpointError
from bpcli.experiment.prepared import Prepared
from bpcli.jobs.pace import Pace
from bpcli.jobs.resume import resume_state
from bpcli.jobs.runner import Runner
from bpcli.jobs.training import train
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.run_directory import RunDirectory
from bpcli.training.plan import EpochReport
from bpcli.training.steps import choose_stepping
from bpcli.training.steps.choice import numpy_seconds

STEPS = 4
"""In an epoch: 26 rows to train on, in batches of 8."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    numbers = np.random.default_rng(0).normal(size=(2, 34))
    write_csv(folder / "t.csv", {"a": numbers[0], "b": numbers[1], "y": ["yes" if a > 0 else "no" for a in numbers[0]]})
    return folder


DATA = {"path": "t.csv", "target": "y", "split": {"validation": 0.12, "test": 0.12, "stratify": False}}


def config(**changes: Any) -> dict[str, Any]:
    training = {"epochs": 3, "batch_size": 8, **changes.pop("training", {})}
    return {"data": DATA, "layers": [{"units": 3}], "training": training, **changes}


PAIRS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "data": ({"data": {**DATA, "exclude": ["b"]}}, {"data": DATA}),
    "layers": ({"layers": [{"units": 2}]}, {"layers": [{"units": 3}]}),
    "seed": ({"seed": 1}, {"seed": 2}),
    "dtype": ({"dtype": "float32"}, {"dtype": "float64"}),
    "loss": ({"loss": "hinge"}, {"loss": "binary_cross_entropy"}),
    "optimizer": ({"optimizer": "adam"}, {"optimizer": "nadam"}),
    "the optimizer's options": ({"optimizer": "adam"}, {"optimizer": {"type": "adam", "amsgrad": True}}),
    "training.average": ({"training": {"average": {}}}, {}),
    "training.early_stopping.monitor": (
        {"training": {"early_stopping": {"monitor": "validation_accuracy"}}},
        {"training": {"early_stopping": {"monitor": "validation_loss"}}},
    ),
}


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(("what", "pair"), PAIRS.items(), ids=PAIRS)
def test_a_run_goes_on_neither_from_one_to_the_other_nor_back(
    folder: Path, tmp_path: Path, what: str, pair: tuple[dict[str, Any], dict[str, Any]], backwards: bool
):
    one, other = reversed(pair) if backwards else pair
    directory = RunDirectory.create(tmp_path / "run")
    list(Runner(prepared(folder, **config(**one)), directory).run(after(3)))
    with pytest.raises(
        CheckpointError, match=rf"run: .*{what} (is|are) not what this run started with; start a new run$"
    ):
        resume_state(prepared(folder, **config(**other)), directory)
    assert resume_state(prepared(folder, **config(**one)), directory).counters.step == 3


@pytest.mark.parametrize(("batch_size", "step"), [(5, 0), (8, 3), (13, 0), ("full", 0)])
def test_an_epoch_begins_anew_with_batches_of_any_other_size(
    folder: Path, tmp_path: Path, batch_size: int | str, step: int
):
    directory = RunDirectory.create(tmp_path / "run")
    list(Runner(prepared(folder, **config()), directory).run(after(3)))
    of = prepared(folder, **config(training={"batch_size": batch_size}))
    state = resume_state(of, directory)
    assert state.counters.step == step
    assert (state.counters.loss_sum > 0, state.counters.weight_sum) == ((False, 0.0), (True, 24.0))[step > 0]
    assert np.array_equal(state.params[0], Checkpoint.load(directory.last).vectors["params"])


def _scale(about: dict[str, Any], tensors: dict[str, Any]) -> None:
    about["preprocessor"]["inputs"][0]["encoding"]["scale"] *= 2.0


def test_a_run_does_not_go_on_with_preprocessing_that_was_fitted_to_other_rows(folder: Path, tmp_path: Path):
    directory = RunDirectory.create(tmp_path / "run")
    list(Runner(prepared(folder, **config()), directory).run(after(3)))
    directory.last.write_bytes(forged(directory.last.read_bytes(), _scale))
    with pytest.raises(CheckpointError, match="run: the fitted preprocessing is not what this run started with"):
        resume_state(prepared(folder, **config()), directory)


@pytest.mark.parametrize(("step", "goes_on"), [(3, True), (4, True), (5, False)])
def test_a_run_does_not_go_on_from_a_step_beyond_its_epoch(folder: Path, tmp_path: Path, step: int, goes_on: bool):
    def change(about: dict[str, Any], tensors: dict[str, Any]) -> None:
        about["counters"]["step"] = step

    directory = RunDirectory.create(tmp_path / "run")
    list(Runner(prepared(folder, **config()), directory).run(after(3)))
    directory.last.write_bytes(forged(directory.last.read_bytes(), change))
    of = prepared(folder, **config())
    if goes_on:
        assert resume_state(of, directory).counters.step == step
    else:
        with pytest.raises(CheckpointError, match=r"last\.safetensors: its step is beyond the end of its epoch$"):
            resume_state(of, directory)


def test_a_run_that_was_over_is_over_until_more_is_asked_of_it(folder: Path, tmp_path: Path):
    directory = RunDirectory.create(tmp_path / "run")
    list(Runner(prepared(folder, **config()), directory).run())
    assert resume_state(prepared(folder, **config()), directory).counters.stop == "epochs"
    assert resume_state(prepared(folder, **config(training={"epochs": 4})), directory).counters.stop is None


@pytest.mark.parametrize("factor", [0.999, 1.0, 1.001], ids=["below", "at", "above"])
def test_a_run_with_more_epochs_asked_of_it_takes_the_way_that_it_would_have_taken(
    folder: Path, tmp_path: Path, factor: float
):
    """Around the time an epoch from which on machine code is worth its making, and whatever the epochs are."""

    def of(epochs: int) -> Prepared:
        of = prepared(folder, **config(training={"epochs": epochs}))
        return taken_so(of, choose_stepping(of.plan, compiled_from=factor * numpy_seconds(of.plan)))

    short, long = of(2), of(6)
    assert [of(epochs).plan.stepping.compiled for epochs in (1, 2, 6, 10**6)] == [factor <= 1] * 4
    whole = Runner(long, RunDirectory.create(tmp_path / "whole"))
    list(whole.run())
    directory = RunDirectory.create(tmp_path / "run")
    list(Runner(short, directory).run())
    resumed = Runner(long, directory, resume_state(long, directory))
    list(resumed.run())
    assert (resumed.status, resumed.state.counters.epoch) == ("finished", 6)
    assert snapshot(resumed.state) == snapshot(whole.state)
    for kept in ("best", "last"):
        one, other = (Checkpoint.load(getattr(run.directory, kept)) for run in (whole, resumed))
        assert all(np.array_equal(one.vectors[name], other.vectors[name]) for name in {**one.vectors, **other.vectors})


@pytest.mark.parametrize(
    ("cost", "saved"),
    [(0.0, [0, 4, 7, 10, 13, 16]), (0.01, [0, 4, 7, 10, 13, 16]), (0.05, [0, 8, 15, 17])],
    ids=["free", "cheap", "dear"],
)
def test_checkpoints_come_a_second_apart_and_take_a_fiftieth_of_the_time_at_most(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cost: float, saved: list[int]
):
    """Epochs of 0.4 seconds, and checkpoints that take `cost` seconds: one more epoch is due only at the end."""
    clock, epochs = [100.0], [0]
    saves: list[int] = []

    def save_last(directory: RunDirectory, checkpoint: Checkpoint) -> None:
        clock[0] += cost
        assert checkpoint.header.counters is not None
        saves.append(checkpoint.header.counters["epoch"])

    monkeypatch.setattr(RunDirectory, "save_last", save_last)
    of = prepared(folder, **config(training={"epochs": saved[-1]}))
    for event in Runner(of, RunDirectory.create(tmp_path / "run"), pace=Pace(clock=lambda: clock[0])).run():
        if isinstance(event, EpochReport):
            epochs[0] += 1
            clock[0] += 0.4
    assert epochs == [saved[-1]]
    assert saves == saved


def test_a_run_that_time_ended_resumes_to_the_same_bits_as_one_without_a_limit(tmp_path: Path) -> None:
    for name in ("straight", "limited"):
        (tmp_path / name).mkdir()
        experiment(tmp_path / name)
    straight = trained(tmp_path / "straight")
    limited, epoch, _ = cut_short(tmp_path / "limited")
    summary = RunDirectory(limited).read_summary()
    assert (summary.status, summary.stop_reason, summary.epochs) == ("finished", "max_time", epoch)
    train(resume=limited, overrides=["training.max_time=null"], threads=1)
    for name in ("best", "last"):
        whole, resumed = (Checkpoint.load(getattr(RunDirectory(run), name)).vectors for run in (straight, limited))
        assert all(np.array_equal(whole[key], resumed[key]) for key in whole)
    assert len((limited / "metrics.jsonl").read_text().splitlines()) == 6
