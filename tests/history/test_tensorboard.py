"""Event files: TensorBoard reads the values in the run's metrics.jsonl."""

from __future__ import annotations

import builtins
import errno
import struct
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from commands import CONFIGS, bpcli, series_in_process
from experiments import after
from faults import Call, disk, fail
from records import record_of
from same_runs import check_same, go, new_run

from bpcli.config.loading import load_config
from bpcli.experiment.prepare import prepare
from bpcli.experiment.prepared import Prepared
from bpcli.history import tensorboard
from bpcli.history.tensorboard import EventFile, scalars
from bpcli.jobs.resume import resume_state
from bpcli.jobs.runner import Runner
from bpcli.storage.records import EpochRecord
from bpcli.storage.run_directory import RunDirectory

pytest.importorskip("tensorboardX")

CURVES = ["train_loss", "validation_loss", "validation_accuracy", "learning_rate"]
Scalars = dict[str, list[tuple[int, float]]]


def read_events(path: Path) -> list[Any]:
    """Events of a file, with both checksums verified."""
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.record_writer import masked_crc32c

    content, events, place = path.read_bytes(), [], 0
    while place < len(content):
        length, of_length = struct.unpack_from("<QI", content, place)
        assert of_length == masked_crc32c(content[place : place + 8])
        start, place = place + 12, place + 16 + length
        assert struct.unpack_from("<I", content, place - 4) == (masked_crc32c(content[start : place - 4]),)
        events.append(Event.FromString(content[start : place - 4]))
    return events


def read_scalars(run: RunDirectory) -> Scalars:
    """Steps and values of all event files of a run, by tag, in file order."""
    found: Scalars = {}
    for path in sorted(run.tensorboard.iterdir()):
        assert path.name.startswith("events.out.tfevents.")
        for event in read_events(path):
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found


def check_scalars(run: RunDirectory) -> int:
    """Assert that each number of metrics.jsonl occurs once, to the format's precision. Return their number."""
    expected: Scalars = {}
    for record in run.records.read():
        for tag, value in scalars(record):
            expected.setdefault(tag, []).append((record.epoch, float(np.float32(value))))
    assert read_scalars(run) == expected
    return sum(map(len, expected.values()))


VALUES = 4 + 8
"""An epoch's of penguins: two losses, an accuracy, the learning rate; and the health of three layers."""


@pytest.fixture(scope="module")
def penguins() -> Prepared:
    loaded = load_config(CONFIGS / "penguins.yaml", ["training.epochs=12"])
    return prepare(loaded.config, loaded.folder)


def train(of: Prepared, run: RunDirectory, calls: int | None = None, resume: bool = False) -> None:
    """Train with event files, and stop at call number `calls` of `interrupted`."""
    state = resume_state(of, run) if resume else None
    for _ in Runner(of, run, state, tensorboard=True).run((lambda: False) if calls is None else after(calls)):
        pass


def test_the_command_writes_what_metrics_jsonl_holds(tmp_path: Path, record_property: Any):
    run = RunDirectory(tmp_path / "run")
    bpcli("train", CONFIGS / "penguins.yaml", "--run-dir", run.path, "--tensorboard", "--quiet").ok()
    assert [tag for tag in read_scalars(run) if not tag.startswith("health/")] == list(CURVES)
    count = check_scalars(run)
    assert count == VALUES * len(list(run.records.read())) > 100
    record_property("cases", count)


def test_without_the_option_there_is_no_such_folder(penguins_run: Path):
    assert not RunDirectory(penguins_run).tensorboard.exists()


def test_a_file_begins_as_readers_expect_and_its_times_are_those_of_training(penguins: Prepared, tmp_path: Path):
    run = new_run(tmp_path / "run")
    train(penguins, run)
    (path,) = run.tensorboard.iterdir()
    first, start, *epochs = read_events(path)
    assert first.file_version == "brain.Event:2"
    assert (start.session_log.status, start.step) == (1, 1)  # START makes TensorBoard purge later steps
    seconds = [record.values["seconds"] for record in run.records.read()]
    assert [event.wall_time - first.wall_time for event in epochs] == pytest.approx(seconds, abs=1e-5)


def test_the_scalars_of_a_record_are_its_finite_numbers_with_the_health_of_each_layer():
    record = {
        "epoch": 3,
        "train_loss": 0.5,
        "validation_loss": None,
        "validation_r2": float("nan"),
        "learning_rate": 0.01,
        "seconds": 1.5,
        "best_epoch": 2,
        "health": [
            {"layer": 0, "gradient_norm": 0.25, "update_ratio": 0.001, "dead": 0.0, "saturated": None},
            {"layer": 2, "gradient_norm": 2, "update_ratio": None, "dead": None, "saturated": 0.125},
        ],
    }
    assert dict(scalars(record_of(record))) == {
        "train_loss": 0.5,
        "learning_rate": 0.01,
        "health/0/gradient_norm": 0.25,
        "health/0/update_ratio": 0.001,
        "health/0/dead": 0.0,
        "health/2/gradient_norm": 2.0,
        "health/2/saturated": 0.125,
    }


def test_what_somebody_wrote_into_a_record_is_left_out():
    record = {"epoch": 3, "train_loss": 10**400, "validation_loss": True, "lr": 0.5, "health": [None, {"dead": 1.0}]}
    assert dict(scalars(record_of(record))) == {"lr": 0.5}
    assert dict(scalars(record_of({"epoch": 3, "health": [7]}))) == {}


@pytest.mark.parametrize("calls", [1, 2, 9, 10, 40, 65])
def test_a_run_that_goes_on_has_every_epoch_once(penguins: Prepared, tmp_path: Path, calls: int):
    run, whole = new_run(tmp_path / "run"), new_run(tmp_path / "whole")
    go(penguins, whole)
    train(penguins, run, calls)
    check_scalars(run)
    train(penguins, run, resume=True)
    assert check_scalars(run) == VALUES * 12
    check_same(whole, run)


def test_epochs_that_are_repeated_after_a_crash_are_there_once(penguins: Prepared, tmp_path: Path):
    run = new_run(tmp_path / "run")
    train(penguins, run, 40)
    done = resume_state(penguins, run).counters.epoch
    lost = EpochRecord(done + 1, {"train_loss": 9.0, "learning_rate": 0.1})  # written after the last checkpoint
    run.records.append(lost)
    (path,) = run.tensorboard.iterdir()
    events = EventFile(run.tensorboard)
    events.path = path
    events.add(lost)
    with path.open("ab") as file:
        file.write(b"\x07torn")
    train(penguins, run, resume=True)
    assert check_scalars(run) == VALUES * 12
    assert 9.0 not in [value for _, value in read_scalars(run)["train_loss"]]


def test_a_run_that_was_trained_without_gets_its_earlier_epochs_too(penguins: Prepared, tmp_path: Path):
    run = new_run(tmp_path / "run")
    go(penguins, run, 40)
    train(penguins, run, resume=True)
    assert check_scalars(run) == VALUES * 12


def test_a_finished_run_gets_an_event_file_without_being_trained(penguins: Prepared, tmp_path: Path):
    run, whole = new_run(tmp_path / "run"), new_run(tmp_path / "whole")
    go(penguins, whole)
    go(penguins, run)
    train(penguins, run, resume=True)
    assert check_scalars(run) == VALUES * 12
    check_same(whole, run)


def test_seeds_are_given_it_too(tmp_path: Path):
    arguments = ("--seeds", 2, "--run-dir", tmp_path / "run", "--tensorboard", "--set", "training.epochs=3", "--quiet")
    with series_in_process():
        bpcli("train", CONFIGS / "penguins.yaml", *arguments).ok()
    for seed in (0, 1):
        assert check_scalars(RunDirectory(tmp_path / f"run-seed{seed}")) == VALUES * 3


def test_where_the_library_is_missing_the_command_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    plain = builtins.__import__

    def refusing(name: str, *arguments: Any, **keywords: Any) -> Any:
        if name.split(".")[0] == "tensorboardX":
            raise ModuleNotFoundError("No module named 'tensorboardX'", name=name)
        return plain(name, *arguments, **keywords)

    for name in [name for name in sys.modules if name.split(".")[0] == "tensorboardX"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", refusing)
    result = bpcli("train", CONFIGS / "penguins.yaml", "--run-dir", tmp_path / "run", "--tensorboard")
    assert result.code == 2
    assert result.err == (
        "error: --tensorboard requires the package tensorboardX; install it with "
        "pip install 'backprop-cli[tensorboard]'\n"
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, pytest.param(errno.EACCES, marks=pytest.mark.exhaustive)])
def test_a_disk_that_refuses_any_call_for_an_event_file_is_one_line_with_7_and_the_run_goes_on(
    tmp_path: Path, number: int, record_property: Any
) -> None:
    """The calls are only those that a run without event files does not make."""
    config = ("train", CONFIGS / "penguins.yaml", "--set", "training.epochs=2", "--quiet")
    whole = RunDirectory(tmp_path / "whole")
    bpcli(*config, "--run-dir", whole.path).ok()

    def strike(call: Call) -> None:
        nonlocal refused, seen
        frame: FrameType | None = sys._getframe()
        while frame is not None and frame.f_code.co_filename != tensorboard.__file__:
            frame = frame.f_back
        seen += frame is not None
        if frame is not None and seen == place:
            refused = True
            fail(number)(call)

    cases, place = 0, 0
    while True:
        place += 1
        run, refused, seen = RunDirectory(tmp_path / f"run{place}"), False, 0
        with disk(strike):
            result = bpcli(*config, "--run-dir", run.path, "--tensorboard")
        if not refused:
            assert result.code == 0
            break
        cases += 1
        assert (result.code, result.out, result.err.count("\n")) == (7, "", 1)
        assert result.err.startswith(f"error: {run.path}/tensorboard")
        bpcli("train", "--resume", run.path, "--tensorboard", "--quiet").ok()
        check_same(whole, run)
        assert check_scalars(run) == VALUES * 2
    record_property("cases", cases)
    assert cases > 8
