"""A process that is killed, wherever it is, costs what was trained since the last checkpoint and nothing else."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from commands import bpcli
from faults import Strike, at, disk, ended, forked, kill, kill_within, start
from same_runs import Whole, check_goes_on, check_same, go, new_run

from bpcli.jobs.resume import resume_state
from bpcli.jobs.runner import Runner
from bpcli.storage.run_directory import RunDirectory
from bpcli.training.plan import EpochReport


def killed_run(whole: Whole, directory: RunDirectory, strike: Strike, resume: bool = False) -> None:
    """A run, or its rest, in a process of its own that must not survive it."""

    def run() -> None:
        with disk(strike):
            go(whole.prepared, directory, resume=resume)

    assert forked(run) == -signal.SIGKILL


def calls_of(whole: Whole, directory: RunDirectory, resume: bool = False) -> list[str]:
    """The names of all the calls that a run, or its rest, makes."""
    with disk() as names:
        go(whole.prepared, directory, resume=resume)
    return names


@pytest.mark.parametrize("step", [13, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_a_run_killed_before_any_call_goes_on_to_the_same_bits(
    small: Whole, runs: Path, step: int, record_property: Any
) -> None:
    names = calls_of(small, new_run(runs / "counted"))
    went_on = 0
    numbers = range(1, len(names) + 1, step)
    for number in numbers:
        directory = new_run(runs / f"killed{number}")
        killed_run(small, directory, at(number, kill))
        went_on += check_goes_on(small, directory)
    record_property("cases", len(numbers))
    assert len(names) > 100
    assert went_on > 80 // step
    assert {"open", "write", "fsync", "close", "replace"} <= set(names)


@pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_a_run_killed_in_the_middle_of_any_write_goes_on_to_the_same_bits(
    small: Whole, runs: Path, step: int, record_property: Any
) -> None:
    names = calls_of(small, new_run(runs / "counted"))
    writes = [number for number, name in enumerate(names, 1) if name == "write"]
    for number in writes[::step]:
        directory = new_run(runs / f"killed{number}")
        killed_run(small, directory, at(number, kill_within))
        check_goes_on(small, directory)
    record_property("cases", len(writes[::step]))
    assert len(writes) > 10


@pytest.fixture(scope="module")
def half_done(small: Whole) -> RunDirectory:
    """A run that was killed in the middle of a write, after two checkpoints, in its second epoch."""
    directory = new_run(Path(mkdtemp(dir=small.folder)) / "run")
    of_run = Runner(small.prepared, directory).run()
    while True:
        event = next(of_run)
        if event.epoch == 2:
            break
    assert not isinstance(event, EpochReport)
    with directory.metrics.open("a") as file:
        file.write('{"epoch": 2, "train_l')
    for path in (directory.last, directory.metrics):
        path.with_name(f".{path.name}.1.tmp").write_bytes(b"half")
    return directory


@pytest.mark.parametrize("step", [17, pytest.param(1, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("strike", [kill, kill_within])
def test_going_on_can_be_killed_anywhere_and_goes_on_again(
    small: Whole, half_done: RunDirectory, runs: Path, step: int, strike: Strike, record_property: Any
) -> None:
    names = calls_of(small, copied(half_done, runs / "counted"), resume=True)
    numbers = range(1, len(names) + 1, step)
    for number in numbers:
        directory = copied(half_done, runs / f"killed{number}")
        killed_run(small, directory, at(number, strike), resume=True)
        assert check_goes_on(small, directory)
    record_property("cases", len(numbers))
    assert len(names) > 60
    assert {"write", "unlink", "replace"} <= set(names)


def copied(run: RunDirectory, path: Path) -> RunDirectory:
    shutil.copytree(run.path, path)
    return RunDirectory.open(path)


def test_a_run_killed_between_best_and_last_finds_the_same_best_again(small: Whole, runs: Path) -> None:
    directory = new_run(runs / "run")

    def kill_with_best_ahead() -> None:
        def save_last(self: RunDirectory, checkpoint: object) -> None:
            if self.best.exists():
                os.kill(os.getpid(), signal.SIGKILL)
            plain(self, checkpoint)

        plain = RunDirectory.save_last
        RunDirectory.save_last = save_last  # type: ignore[method-assign, assignment]
        go(small.prepared, directory)

    assert forked(kill_with_best_ahead) == -signal.SIGKILL
    assert directory.best.exists()
    assert resume_state(small.prepared, directory).counters.best_epoch == 0
    assert check_goes_on(small, directory)


def test_a_run_killed_before_its_first_checkpoint_says_what_to_do(small: Whole, runs: Path) -> None:
    def run(strike: Strike) -> None:
        with disk(strike):
            bpcli("train", small.config, "--run-dir", runs / "run")

    names = calls_of(small, new_run(runs / "counted"))
    assert forked(lambda: run(at(names.index("replace") + 4, kill))) == -signal.SIGKILL
    result = bpcli("train", "--resume", runs / "run")
    assert (result.code, result.out) == (4, "")
    nothing = "died before its first checkpoint: nothing to resume from; start again with bpcli train"
    assert result.err == f"error: {runs}/run: {nothing}\n"
    result = bpcli("evaluate", runs / "run")
    assert (result.code, result.out, result.err.count("\n")) == (4, "", 1)


@pytest.mark.parametrize("kills", [3, pytest.param(200, marks=pytest.mark.exhaustive)])
def test_a_run_killed_at_any_moment_goes_on_to_the_same_bits(
    small: Whole, runs: Path, kills: int, record_property: Any
) -> None:
    """The command, from reading its config on, killed from outside; and killed again while it goes on."""
    options = ("--set", "training.epochs=20")
    started = time.perf_counter()
    bpcli("train", small.config, *options, "--run-dir", runs / "whole").ok()
    took = time.perf_counter() - started
    moments, number, reached, went_on = random.Random(0), 0, 0, 0
    while number < kills or went_on < kills // 4 or reached < kills // 2:
        number += 1
        assert number < 20 * kills
        directory = RunDirectory(runs / f"killed{number}")
        found = killed_after(moments.uniform(0, took), "train", small.config, *options, "--run-dir", directory.path)
        reached += found
        if not found:
            took *= 0.9  # as it does where the machine has grown quieter since
        if directory.last.exists():
            reached += killed_after(moments.uniform(0, took), "train", "--resume", directory.path)
            bpcli("train", "--resume", directory.path).ok()
            check_same(RunDirectory(runs / "whole"), directory)
            went_on += 1
        else:
            took *= 1.2  # a process takes longer to begin than the command did here
            if directory.path.exists():
                assert bpcli("train", "--resume", directory.path).code == 4
    record_property("cases", reached)


def killed_after(seconds: float, *arguments: object) -> bool:
    """Whether a command in a process of its own had not ended by itself before it was killed."""
    process = start(lambda: bpcli(*arguments))
    time.sleep(seconds)
    os.kill(process, signal.SIGKILL)
    return ended(process) == -signal.SIGKILL
