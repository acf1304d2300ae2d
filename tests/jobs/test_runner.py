"""A run, whole or in pieces, leaves the same directory behind; and pieces that do not fit are refused."""

import itertools
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiments import prepared, taken_so, write_csv
from networks import members
from same_runs import check_same, contents, go, new_run, records

from bpcli.config.loading import load_config
from bpcli.errors import CheckpointError, DivergedError, ExitCode
from bpcli.experiment.prepare import prepare
from bpcli.experiment.prepared import Prepared
from bpcli.jobs.pace import PACE, Pace
from bpcli.jobs.resume import resume_state
from bpcli.jobs.runner import Runner
from bpcli.nn.optimizers import OptimizerSpec
from bpcli.nn.schedules import Schedule
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.run_directory import RunDirectory
from bpcli.training.plan import EpochReport, Progress
from bpcli.training.stepping import Stepping

EPOCHS, STEPS = 5, 4
OVER = ("finished", "stopped")
CALLS = EPOCHS * (STEPS + 2)
"""How often an uninterrupted run asks whether to stop."""

LAYERS = {
    "dense": [{"units": 5}],
    "dropout": [{"units": 5}, {"type": "dropout", "rate": 0.3}],
    "batch_norm": [{"units": 5}, {"type": "batch_norm"}, {"units": 3, "activation": "tanh"}],
    "scale": ["scale", {"units": 5}, "parametric"],
    "scheduled_dropout": [{"units": 5}, {"type": "dropout", "rate": 0.3, "schedule": "cosine"}],
    "layer_norm": ["layer_norm", {"units": 5, "activation": "gelu"}],
}
OPTIMIZERS = [rule().type for rule in members(OptimizerSpec)]
SCHEDULES = {
    **{schedule().type: {"type": schedule().type, "warmup_epochs": 1.5} for schedule in members(Schedule)},
    "reduce_on_plateau": {"type": "reduce_on_plateau", "patience": 1, "gamma": 0.5},
    "step": {"type": "step", "every": 2},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty-four rows: 26 of them train, in three batches of eight and one of two."""
    numbers = np.random.default_rng(0).normal(size=(3, 34))
    path = tmp_path_factory.mktemp("data")
    target = [f"c{int(a > b) + int(c > 0)}" for a, b, c in numbers.T]
    write_csv(path / "t.csv", {"a": numbers[0], "b": numbers[1], "c": numbers[2], "y": target})
    return path


def config(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "data": {"path": "t.csv", "target": "y", "split": {"validation": 0.12, "test": 0.12, "stratify": False}},
        "layers": LAYERS["batch_norm"],
        "optimizer": {"type": "adam", "learning_rate": 0.02},
        "training": {"epochs": EPOCHS, "batch_size": 8, "early_stopping": {"patience": 4}},
    }
    return {**base, **changes}


def check_resumes(tmp_path: Path, of: Prepared, calls: list[int]) -> None:
    """A run that is interrupted at each of these calls, and resumed, equals one that is not."""
    whole, pieces = new_run(tmp_path / "whole"), new_run(tmp_path / "pieces")
    assert go(of, whole).status in OVER
    for number, stop in enumerate(calls):
        if go(of, pieces, stop, resume=number > 0).status in OVER:
            break
        assert pieces.read_summary().status == "interrupted"
        assert pieces.read_summary().stop_reason is None
    go(of, pieces, resume=True)
    check_same(whole, pieces)


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("way", ["sharded", "compiled"])
def test_shared_and_compiled_steps_go_on_as_if_nothing_had_happened(
    folder: Path, tmp_path: Path, parts: int, way: Any
) -> None:
    of = taken_so(prepared(folder, **config(layers=LAYERS["dropout"])), Stepping(way, parts, gathered_bytes=1))
    check_resumes(tmp_path, of, calls=[3, 1, 5])
    assert ("numba" in RunDirectory(tmp_path / "whole").read_summary().versions) is (way == "compiled")


# A whole run


def test_a_run_leaves_a_complete_directory(folder: Path, tmp_path: Path) -> None:
    of = prepared(folder, **config())
    directory = new_run(tmp_path / "run")
    run = Runner(of, directory)
    reports = [event for event in run.run() if isinstance(event, EpochReport)]
    written = records(directory)
    assert [record["epoch"] for record in written] == [1, 2, 3, 4, 5]
    assert [record["train_loss"] for record in written] == [report.train_loss for report in reports]
    assert set(written[0]) == {
        "epoch",
        "train_loss",
        "validation_loss",
        "validation_accuracy",
        "learning_rate",
        "best_epoch",
        "health",
    }
    assert [layer["layer"] for layer in written[0]["health"]] == [0, 1, 2, 3]
    assert set(written[0]["health"][0]) == {"layer", "gradient_norm", "update_ratio", "dead", "saturated"}
    assert run.status == "finished"
    result = directory.read_summary().to_json()
    assert (result["status"], result["stop_reason"], result["epochs"]) == ("finished", "epochs", 5)
    assert result["rows"] == {"train": 26, "validation": 4, "test": 4}
    assert result["data_sha256"] == of.digest
    assert result["parameters"] == of.network.layout.size
    assert result["final"] == {key: written[-1][key] for key in result["final"]}
    assert result["best"] == {key: written[result["best"]["epoch"] - 1][key] for key in result["best"]}
    assert result["test"]["rows"] == 4
    assert result["started_at"] <= result["finished_at"]


def test_the_best_checkpoint_is_that_of_the_best_epoch(folder: Path, tmp_path: Path) -> None:
    of = prepared(folder, **config())
    directory = new_run(tmp_path / "run")
    run = Runner(of, directory)
    kept = {}
    for event in run.run():
        if isinstance(event, EpochReport):
            kept[event.epoch] = (run.state.params[0].copy(), run.state.layer_state[0].copy())
    checkpoint = Checkpoint.load(directory.best)
    best = min(records(directory), key=lambda record: record["validation_loss"])
    assert checkpoint.header.score.epoch == best["epoch"] == directory.read_summary().best_epoch
    assert checkpoint.header.score.value == best["validation_loss"]
    assert np.array_equal(checkpoint.vectors["params"], kept[best["epoch"]][0])
    assert np.array_equal(checkpoint.vectors["state"], kept[best["epoch"]][1])


def test_the_resolved_config_trains_again_to_the_same_bits(folder: Path, tmp_path: Path) -> None:
    first = new_run(tmp_path / "first")
    go(prepared(folder, **config()), first)
    loaded = load_config(first.config)
    second = new_run(tmp_path / "second")
    go(prepare(loaded.config, loaded.folder), second)
    check_same(first, second)


OFTEN = Pace(checkpoint_seconds=0.0, checkpoint_share=float("inf"), progress_seconds=0.0)


def test_checkpoints_are_written_as_time_goes_by(folder: Path, tmp_path: Path) -> None:
    of = prepared(folder, **config())
    directory = new_run(tmp_path / "run")
    for event in Runner(of, directory, pace=OFTEN).run():
        if isinstance(event, Progress):
            continue
        if event.stop is None:
            # This generator is a step ahead of the file: it writes once it goes on.
            continue
        break
    counters = Checkpoint.load(directory.last).header.counters
    assert counters is not None
    assert counters["epoch"] == EPOCHS - 1


def saved_steps(folder: Path, path: Path, pace: Pace = PACE, **training: Any) -> list[int]:
    """The steps that `last` knows of after each of training's events, without repetitions; all but the last of them."""
    of = prepared(folder, **config(training={"epochs": 2, "batch_size": 8, **training}))
    directory = new_run(path)
    steps = [Checkpoint.load(directory.last).header.optimizer_steps for _ in Runner(of, directory, pace=pace).run()]
    return [step for step, _ in itertools.groupby(steps)]


@pytest.mark.parametrize(("every", "steps"), [(1, [1, 2, 3, 4, 5, 6, 7]), (3, [3, 6]), (4, [4]), (9, [0])])
def test_a_checkpoint_comes_at_each_multiple_of_as_many_steps_as_the_config_says(
    folder: Path, tmp_path: Path, every: int, steps: list[int]
) -> None:
    assert saved_steps(folder, tmp_path / "run", checkpoint_every={"steps": every}) == steps
    last = Checkpoint.load(tmp_path / "run/checkpoints/last.safetensors").header
    assert (last.optimizer_steps, last.counters and last.counters["epoch"]) == (2 * STEPS, 2)


def test_a_checkpoint_comes_after_as_many_seconds_as_the_config_says(folder: Path, tmp_path: Path) -> None:
    pace = Pace(progress_seconds=0.0)
    assert saved_steps(folder, tmp_path / "late", checkpoint_every={"seconds": 1e9}) == [0]
    assert saved_steps(folder, tmp_path / "soon", pace, checkpoint_every={"seconds": 1e-9}) == [1, 2, 3, 4, 5, 6, 7]
    both = {"seconds": 1e9, "steps": 5}
    assert saved_steps(folder, tmp_path / "both", pace, checkpoint_every=both) == [0, 5]


def test_a_long_epoch_is_not_lost_where_the_config_says_nothing(folder: Path, tmp_path: Path) -> None:
    assert saved_steps(folder, tmp_path / "late", Pace(progress_seconds=0.0)) == [0]
    assert saved_steps(folder, tmp_path / "soon", OFTEN) == [1, 2, 3, 4, 5, 6, 7]


def test_what_is_not_finite_is_not_saved_in_the_middle_of_an_epoch(folder: Path, tmp_path: Path) -> None:
    """A rate that overflows parameters within an epoch, of which each step would be saved."""
    optimizer = {"type": "sgd", "learning_rate": 1e38}
    training = {"epochs": 2, "batch_size": 8, "checkpoint_every": {"steps": 1}}
    of = prepared(folder, **config(optimizer=optimizer, training=training))
    directory = new_run(tmp_path / "run")
    with pytest.raises(DivergedError):
        go(of, directory)
    assert Checkpoint.load(directory.last).header.optimizer_steps < STEPS


def test_an_epochs_line_is_on_disk_before_a_checkpoint_that_knows_of_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a power cut leaves is what was flushed: metrics.jsonl must not end before the epochs of `last`."""
    on_disk: dict[int, int] = {}
    fsync, save = os.fsync, RunDirectory.save_last

    def noting_fsync(descriptor: int) -> None:
        status = os.fstat(descriptor)
        on_disk[status.st_ino] = status.st_size
        fsync(descriptor)

    def checking_save(self: RunDirectory, checkpoint: Checkpoint) -> None:
        status = self.metrics.stat()
        assert on_disk[status.st_ino] == status.st_size
        assert checkpoint.header.counters is not None
        seen.append((checkpoint.header.counters["epoch"], len(records(self))))
        save(self, checkpoint)

    seen: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "fsync", noting_fsync)
    monkeypatch.setattr(RunDirectory, "save_last", checking_save)
    training = {"epochs": 3, "batch_size": 8, "checkpoint_every": {"seconds": 1e-9}}
    go(prepared(folder, **config(training=training)), new_run(tmp_path / "run"))
    assert seen == [(0, 0), (1, 1), (2, 2), (3, 3)]


# In pieces


def sampled(names: Iterable[str], *kept: str) -> list[Any]:
    """Cases of which some run by default; reliability/test_resume.py has each optimizer and schedule once."""
    return [pytest.param(name, marks=() if name in kept else pytest.mark.exhaustive) for name in names]


@pytest.mark.parametrize("optimizer", sampled(OPTIMIZERS, "rprop", "nadam"))
def test_a_resumed_run_equals_an_uninterrupted_one_with_every_optimizer(
    folder: Path, tmp_path: Path, optimizer: str
) -> None:
    of = prepared(folder, **config(optimizer=optimizer))
    check_resumes(tmp_path, of, [STEPS + 4, 5])


@pytest.mark.parametrize("schedule", sampled(SCHEDULES, "reduce_on_plateau", "one_cycle"))
def test_a_resumed_run_equals_an_uninterrupted_one_with_every_schedule(
    folder: Path, tmp_path: Path, schedule: str
) -> None:
    of = prepared(folder, **config(schedule=SCHEDULES[schedule]))
    check_resumes(tmp_path, of, [2 * (STEPS + 2) + 2])


@pytest.mark.parametrize(
    ("layers", "dtype"),
    [
        pytest.param(layers, dtype, marks=pytest.mark.exhaustive if dtype == "float64" and index % 3 else ())
        for index, layers in enumerate(LAYERS)
        for dtype in ("float32", "float64")
    ],
)
def test_a_resumed_run_equals_an_uninterrupted_one_with_every_layer(
    folder: Path, tmp_path: Path, layers: str, dtype: str
) -> None:
    of = prepared(folder, **config(layers=LAYERS[layers], dtype=dtype))
    check_resumes(tmp_path, of, [3, STEPS + 3])


@pytest.mark.parametrize(
    "calls",
    [pytest.param(calls, marks=() if calls % 4 == 1 else pytest.mark.exhaustive) for calls in range(1, CALLS + 1, 3)],
)
def test_a_run_can_be_interrupted_anywhere(folder: Path, tmp_path: Path, calls: int) -> None:
    check_resumes(tmp_path, prepared(folder, **config()), [calls])


def test_a_run_can_be_interrupted_again_and_again(folder: Path, tmp_path: Path) -> None:
    check_resumes(tmp_path, prepared(folder, **config()), [1] * (EPOCHS * STEPS))


@pytest.mark.parametrize(
    "training",
    [
        {"early_stopping": {"monitor": "train_loss", "patience": 1, "min_delta": 0.05}},
        {"early_stopping": {"monitor": "validation_accuracy", "patience": 2}},
        {"goal": {"metric": "accuracy", "value": 0.01}},
        {"penalty": {"l1": 0.01, "l2": 0.01}, "clip": {"norm": 0.5, "value": 0.1}},
        {"class_weights": "balanced"},
        {"tolerance": 10.0},
        {"stop_when": {"update_ratio": 1e-9, "epochs": 3}},
        {"batch_size": "full"},
    ],
    ids=str,
)
def test_a_resumed_run_stops_where_an_uninterrupted_one_does(folder: Path, tmp_path: Path, training: Any) -> None:
    of = prepared(folder, **config(training={"epochs": 9, "batch_size": 8, **training}))
    check_resumes(tmp_path, of, [2, 2, STEPS + 2])


@pytest.mark.exhaustive
@pytest.mark.parametrize(("optimizer", "schedule"), list(itertools.product(OPTIMIZERS, SCHEDULES)))
def test_every_kind_of_run_can_be_interrupted_anywhere(
    folder: Path, tmp_path: Path, optimizer: str, schedule: str
) -> None:
    for layers in LAYERS:
        changes = {"optimizer": optimizer, "schedule": SCHEDULES[schedule], "layers": LAYERS[layers]}
        for calls in (1, STEPS, STEPS + 1, STEPS + 2, 2 * STEPS + 5, CALLS):
            place = tmp_path / f"{layers}-{calls}"
            place.mkdir()
            check_resumes(place, prepared(folder, **config(**changes)), [calls])


def test_a_run_that_was_killed_goes_on_from_its_last_checkpoint(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written after the kill; epochs in metrics.jsonl that the checkpoint does not know are done again."""
    of = prepared(folder, **config())
    whole, killed = new_run(tmp_path / "whole"), new_run(tmp_path / "killed")
    go(of, whole)
    reports = (event for event in Runner(of, killed).run() if isinstance(event, EpochReport))
    assert [next(reports).epoch for _ in range(3)] == [1, 2, 3]
    assert len(records(killed)) == 3
    with killed.metrics.open("a") as file:
        file.write('{"epoch": 4, "train_lo')
    assert killed.read_summary().status == "running"
    go(of, killed, resume=True)
    check_same(whole, killed)


def test_the_epochs_of_a_finished_run_can_be_raised(folder: Path, tmp_path: Path) -> None:
    def epochs(number: int) -> Prepared:
        return prepared(folder, **config(training={"epochs": number, "batch_size": 8}))

    whole, raised = new_run(tmp_path / "whole"), new_run(tmp_path / "raised")
    go(epochs(7), whole)
    go(epochs(3), raised)
    assert raised.read_summary().epochs == 3
    go(epochs(7), raised, resume=True)
    check_same(whole, raised)


def test_resuming_a_finished_run_changes_nothing(folder: Path, tmp_path: Path) -> None:
    of = prepared(
        folder, **config(training={"epochs": 9, "batch_size": 8, "goal": {"metric": "accuracy", "value": 0.0}})
    )
    whole, again = new_run(tmp_path / "whole"), new_run(tmp_path / "again")
    go(of, whole)
    go(of, again)
    assert again.read_summary().stop_reason == "goal"
    assert go(of, again, resume=True).status == "finished"
    check_same(whole, again)


def test_resuming_a_finished_run_writes_nothing(folder: Path, tmp_path: Path) -> None:
    of = prepared(folder, **config())
    directory = new_run(tmp_path / "run")
    go(of, directory)

    def files() -> dict[Path, tuple[int, bytes]]:
        return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in directory.path.rglob("*.*")}

    before = files()
    assert go(of, directory, resume=True).status == "finished"
    assert files() == before
    assert len(before) == 5


def test_a_run_that_a_layer_ended_goes_on_by_other_bounds_with_a_count_of_its_own(folder: Path, tmp_path: Path) -> None:
    def until(**when: Any) -> Prepared:
        return prepared(folder, **config(training={"epochs": 9, "batch_size": 8, "stop_when": when or None}))

    directory = new_run(tmp_path / "run")
    first = go(until(update_ratio=1e-9, epochs=3), directory)
    assert (first.status, first.state.counters.stop, first.state.counters.epoch) == ("stopped", "stop_when", 3)
    said = directory.read_summary().stop_explanation
    assert said.startswith("stop_when: layer 0: a step changed the parameters by ")
    assert said.endswith(" of their norm, above 1e-09, for 3 epochs in a row")
    second = go(until(gradient_norm=1e-9, epochs=2), directory, resume=True)
    assert (second.state.counters.stop, second.state.counters.epoch) == ("stop_when", 5)
    assert go(until(), directory, resume=True).state.counters.stop == "epochs"


def test_more_epochs_do_not_undo_a_stop_for_another_reason(folder: Path, tmp_path: Path) -> None:
    def epochs(number: int, patience: int) -> Prepared:
        stopping = {"patience": patience, "min_delta": 10.0}
        return prepared(folder, **config(training={"epochs": number, "batch_size": 8, "early_stopping": stopping}))

    whole, raised = new_run(tmp_path / "whole"), new_run(tmp_path / "raised")
    go(epochs(30, patience=4), whole)
    go(epochs(9, patience=4), raised)
    assert raised.read_summary().stop_reason == "early_stopping"
    go(epochs(30, patience=4), raised, resume=True)
    assert records(raised) == records(whole)
    assert contents(raised.best)[0] == contents(whole.best)[0]
    go(epochs(30, patience=7), raised, resume=True)
    assert len(records(raised)) == len(records(whole)) + 3


def test_checkpoints_may_come_at_another_pace_in_a_run_that_goes_on(folder: Path, tmp_path: Path) -> None:
    def paced(every: Any) -> Prepared:
        return prepared(folder, **config(training={**config()["training"], "checkpoint_every": every}))

    whole, parts = new_run(tmp_path / "whole"), new_run(tmp_path / "parts")
    go(paced({"steps": 3}), whole)
    go(paced(None), parts, STEPS + 4)
    go(paced({"steps": 3}), parts, resume=True)
    check_same(whole, parts)
    assert resume_state(paced({"seconds": 5.0}), whole).counters.stop == "epochs"


def test_left_over_temporary_files_are_removed(folder: Path, tmp_path: Path) -> None:
    of = prepared(folder, **config())
    whole, directory = new_run(tmp_path / "whole"), new_run(tmp_path / "run")
    go(of, whole)
    go(of, directory, 5)
    expected = sorted(path.relative_to(whole.path) for path in whole.path.rglob("*"))
    for path in (directory.last, directory.best, directory.config, directory.metrics, directory.summary):
        path.with_name(f".{path.name}.123.tmp").write_bytes(b"half")
    go(of, directory, resume=True)
    assert sorted(path.relative_to(directory.path) for path in directory.path.rglob("*")) == expected
    check_same(whole, directory)


def test_a_best_checkpoint_that_was_lost_is_written_again(folder: Path, tmp_path: Path) -> None:
    of = prepared(folder, **config())
    directory = new_run(tmp_path / "run")
    go(of, directory, 2 * (STEPS + 2))
    before = contents(directory.best)
    directory.best.unlink()
    go(of, directory, 1, resume=True)
    assert contents(directory.best) == before


# What does not fit


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"layers": [{"units": 6}]}, "layers are not what this run started with"),
        ({"layers": LAYERS["dropout"]}, "layers are not"),
        ({"optimizer": "sgd"}, "optimizer is not"),
        ({"optimizer": {"type": "adam", "amsgrad": True}}, "optimizer's options are not"),
        ({"loss": {"type": "cross_entropy", "label_smoothing": 0.1}}, "loss is not"),
        ({"loss": "hinge"}, "loss is not"),
        ({"seed": 1}, "seed is not"),
        ({"dtype": "float64"}, "dtype is not"),
        ({"data": {**config()["data"], "exclude": ["c"]}}, "data is not"),
        ({"data": {**config()["data"], "encoders": {"numeric": "min_max"}}}, "data is not"),
        ({"data": {**config()["data"], "split": {"validation": 0.12, "test": 0.12, "order": "time"}}}, "data is not"),
        (
            {"training": {**config()["training"], "early_stopping": {"monitor": "validation_accuracy"}}},
            "training.early_stopping.monitor is not",
        ),
    ],
    ids=str,
)
def test_a_run_does_not_go_on_as_another_one(folder: Path, tmp_path: Path, changes: Any, words: str) -> None:
    directory = new_run(tmp_path / "run")
    go(prepared(folder, **config()), directory, 5)
    before = directory.last.read_bytes()
    with pytest.raises(CheckpointError, match=f"{words}.*; start a new run") as caught:
        resume_state(prepared(folder, **config(**changes)), directory)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == ExitCode.CHECKPOINT == 4
    assert directory.last.read_bytes() == before


def test_a_run_does_not_go_on_with_other_data(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "data"
    elsewhere.mkdir()
    text = (folder / "t.csv").read_text()
    (elsewhere / "t.csv").write_text(text)
    directory = new_run(tmp_path / "run")
    go(prepared(elsewhere, **config()), directory, 5)
    resume_state(prepared(folder, **config()), directory)
    (elsewhere / "t.csv").write_text(text + "0.5,0.5,0.5,c0\n")
    with pytest.raises(CheckpointError, match="the data has changed since this run started"):
        resume_state(prepared(elsewhere, **config()), directory)


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": {"type": "adam", "learning_rate": 0.001}},
        {"schedule": "cosine"},
        {"training": {**config()["training"], "epochs": 50, "batch_size": 5, "max_time": 1e6}},
    ],
    ids=str,
)
def test_a_run_may_go_on_at_another_pace(folder: Path, tmp_path: Path, changes: Any) -> None:
    directory = new_run(tmp_path / "run")
    go(prepared(folder, **config()), directory, 3)
    assert go(prepared(folder, **config(**changes)), directory, resume=True).status == "finished"
    assert [record["epoch"] for record in records(directory)] == list(range(1, len(records(directory)) + 1))


def test_an_epoch_cut_into_other_batches_begins_anew(folder: Path, tmp_path: Path) -> None:
    directory = new_run(tmp_path / "run")
    go(prepared(folder, **config()), directory, STEPS + 4)
    other = prepared(folder, **config(training={**config()["training"], "batch_size": 5}))
    counters = resume_state(other, directory).counters
    assert (counters.epoch, counters.step, counters.loss_sum, counters.weight_sum) == (1, 0, 0.0, 0.0)


def test_fewer_epochs_than_are_done_are_refused_and_as_many_are_not(folder: Path, tmp_path: Path) -> None:
    directory = new_run(tmp_path / "run")
    go(prepared(folder, **config()), directory, 3 * (STEPS + 2))

    def epochs(number: int) -> Prepared:
        return prepared(folder, **config(training={**config()["training"], "epochs": number}))

    with pytest.raises(
        CheckpointError, match=r"run: 3 epochs are done, more than training\.epochs asks for; raise it$"
    ):
        resume_state(epochs(2), directory)
    assert go(epochs(3), directory, resume=True).status == "finished"
    assert len(records(directory)) == 3


def test_a_run_without_test_rows_has_no_test_metrics(folder: Path, tmp_path: Path) -> None:
    data = {**config()["data"], "split": {"validation": 0.2, "test": 0.0, "stratify": False}}
    directory = new_run(tmp_path / "run")
    assert go(prepared(folder, **config(data=data)), directory).status == "finished"
    assert directory.read_summary().test is None


def test_where_there_is_nothing_to_resume_from_is_an_error(folder: Path, tmp_path: Path) -> None:
    of = prepared(folder, **config())
    directory = new_run(tmp_path / "run\x1b")
    with pytest.raises(CheckpointError, match=r"run\\x1b: died before its first checkpoint: nothing to resume from"):
        resume_state(of, directory)
    go(of, directory)
    directory.best.replace(directory.last)
    with pytest.raises(CheckpointError, match="not a checkpoint to resume from"):
        resume_state(of, directory)


# Divergence


def test_a_run_that_diverges_keeps_its_last_finite_checkpoints(folder: Path, tmp_path: Path) -> None:
    training = {"epochs": 9, "batch_size": 8}
    calm = prepared(folder, **config(layers=[{"units": 5}], training=training))
    directory = new_run(tmp_path / "run")
    go(calm, directory, 2 * (STEPS + 2))
    best = contents(directory.best)
    # Cross-entropy needs parameters beyond float32 to diverge, which a rate of 1e38 makes within a few steps.
    optimizer = {"type": "adam", "learning_rate": 1e38}
    wild = prepared(folder, **config(layers=[{"units": 5}], training=training, optimizer=optimizer))
    with pytest.raises(DivergedError, match=r"layer \d \(dense\)") as caught:
        go(wild, directory, resume=True)
    assert caught.value.exit_code == ExitCode.DIVERGED == 5
    assert directory.read_summary().status == "diverged"
    assert contents(directory.best)[0] == best[0]
    last = Checkpoint.load(directory.last)
    assert all(np.isfinite(vector).all() for vector in last.vectors.values())
    assert last.header.counters is not None
    assert last.header.counters["epoch"] == 2


def test_a_run_that_is_interrupted_has_its_diagnosis(folder: Path, tmp_path: Path) -> None:
    still = {"type": "sgd", "learning_rate": 1e-12}
    training = {"epochs": 30, "batch_size": 8}
    of = prepared(folder, **config(layers=LAYERS["dense"], optimizer=still, training=training))
    directory = new_run(tmp_path / "run")
    assert go(of, directory, 13 * (STEPS + 2)).status == "interrupted"
    (said,) = directory.read_summary().diagnosis
    assert said.startswith(
        "steps too small: in 13 of 13 epochs, no layer's parameters changed by more than a millionth"
    )
    healthy = new_run(tmp_path / "healthy")
    go(prepared(folder, **config()), healthy)
    assert healthy.read_summary().diagnosis == []


def test_a_run_that_diverges_at_once_can_still_be_resumed_from_its_beginning(folder: Path, tmp_path: Path) -> None:
    of = prepared(folder, **config(optimizer={"type": "sgd", "learning_rate": 1e38}))
    directory = new_run(tmp_path / "run")
    with pytest.raises(DivergedError):
        go(of, directory)
    assert not directory.best.exists()
    assert resume_state(of, directory).counters.epoch == 0


def test_the_summary_and_the_best_checkpoint_hold_what_belongs_to_the_best_epoch(folder: Path, tmp_path: Path) -> None:
    directory = new_run(tmp_path / "run")
    go(prepared(folder, **config(optimizer={"type": "nadam", "learning_rate": 2.0})), directory)
    best = min(records(directory), key=lambda record: record["validation_loss"])
    assert best["epoch"] < EPOCHS
    summary = directory.read_summary().to_json()
    assert summary["best"] == {name: best[name] for name in summary["final"]}
    header = Checkpoint.load(directory.best).header
    assert (header.counters, header.optimizer_steps, header.optimizer_product) == (None, 0, 1.0)
