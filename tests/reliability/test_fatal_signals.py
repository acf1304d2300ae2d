"""A fatal signal is named by the run that it ended, and costs what was trained since the last checkpoint."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any
from unittest import mock

import numpy as np
import pytest
from commands import Result, bpcli
from experiments import write_csv
from faults import at, disk, forked, kill
from same_runs import Whole, check_same

from bpcli.nn.compiled.program import Program
from bpcli.nn.inference import Inference
from bpcli.nn.layers.dense_layer import DenseLayer
from bpcli.storage.run_directory import RunDirectory
from bpcli.training.stepping import Stepping
from bpcli.training.steps.sharded import ShardedSteps

FATAL = [signal.SIGSEGV, signal.SIGILL, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE]

Crash = Callable[[], object]


def read_address_zero() -> None:
    """A crash of native code that holds Python's lock."""
    ctypes.string_at(0)


def write_address_zero() -> None:
    """A crash of native code that has given Python's lock back, as matrix products do."""
    ctypes.CDLL(None).memset(0, 1, 1)


def raised(number: signal.Signals) -> Crash:
    return lambda: os.kill(os.getpid(), number)


def crashing(owner: type, name: str, call: int, crash: Crash) -> Any:
    """Within the block `crash` comes before a call of a method, counted from 1."""
    plain, left = getattr(owner, name), [call]

    def method(*arguments: Any, **keywords: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            crash()
        return plain(*arguments, **keywords)

    return mock.patch.object(owner, name, method)


# Two epochs of three steps with two dense layers, a checkpoint after each step.
IN_A_STEP = (DenseLayer, "backward", 10)  # the first of the second epoch's second step
IN_AN_EVALUATION = (Inference, "logits", 2)  # of the second epoch's validation rows


def crashed_run(path: Path, of: tuple[type, str, int], crash: Crash, *arguments: object) -> int:
    """How a process ended that trained until a crash, or would have."""

    def run() -> None:
        with crashing(*of, crash):
            bpcli("train", *arguments, *(() if "--resume" in arguments else ("--run-dir", path))).ok()

    return forked(run)


def notes(result: Result) -> list[str]:
    return [line.removeprefix("note: ") for line in result.err.splitlines() if line.startswith("note: ")]


CRASHES: dict[str, tuple[Crash, signal.Signals]] = {
    "read": (read_address_zero, signal.SIGSEGV),
    "write": (write_address_zero, signal.SIGSEGV),
    "abort": (os.abort, signal.SIGABRT),
    **{number.name: (raised(number), number) for number in FATAL},
}


@pytest.mark.parametrize(
    ("crash", "number", "of"),
    [
        pytest.param(
            *crash,
            of,
            id=f"{name}, {place}",
            marks=() if index % 4 == 2 * (of is IN_AN_EVALUATION) else pytest.mark.exhaustive,
        )
        for index, (name, crash) in enumerate(CRASHES.items())
        for place, of in (("step", IN_A_STEP), ("evaluation", IN_AN_EVALUATION))
    ],
)
def test_a_fatal_signal_is_named_and_the_run_goes_on_to_the_same_bits(
    small: Whole, runs: Path, crash: Crash, number: signal.Signals, of: tuple[type, str, int]
) -> None:
    directory = RunDirectory(runs / "run")
    assert crashed_run(directory.path, of, crash, small.config) == -number

    listing = bpcli("runs", runs).ok()
    assert listing.out.splitlines()[1].split()[3:5] == ["died", "1"]
    assert notes(listing) == [
        "1 run died before finishing; continue with bpcli train --resume",
        f"died of {number.name}: 'run'; see crash.log in the run directory",
    ]
    (document,) = bpcli("runs", runs, "--json").ok().json["runs"]
    assert (document["status"], document["signal"], document["epochs"]) == ("died", number.name, 1)

    evaluation = bpcli("evaluate", directory.path, "--json").ok()
    resume = f"bpcli train --resume {directory.path.resolve()}"
    unfinished = f"this run died of {number.name} before it finished; continue with {resume}"
    assert unfinished in evaluation.json["notes"]
    stacks = directory.crash_log.read_text()
    assert f"in {'step' if of is IN_A_STEP else '_evaluate'}\n" in stacks

    resumed = bpcli("train", "--resume", directory.path).ok()
    done = "1 epoch and 1 step" if of is IN_A_STEP else "1 epoch and 2 steps"
    assert notes(resumed)[0] == f"the previous training process died of {number.name}; continuing after {done}"
    assert "Traceback" not in resumed.err
    check_same(small.directory, directory)
    assert not directory.crash_log.exists()


@pytest.mark.parametrize("of", [IN_A_STEP, IN_AN_EVALUATION], ids=["step", "evaluation"])
def test_a_process_that_is_killed_has_no_last_word_but_its_lock_tells(
    small: Whole, runs: Path, of: tuple[type, str, int]
) -> None:
    directory = RunDirectory(runs / "run")
    assert crashed_run(directory.path, of, raised(signal.SIGKILL), small.config) == -signal.SIGKILL
    listing = bpcli("runs", runs, "--json").ok()
    assert [(run["status"], run["signal"]) for run in listing.json["runs"]] == [("died", None)]
    assert notes(listing) == ["1 run died before finishing; continue with bpcli train --resume"]
    assert notes(bpcli("train", "--resume", directory.path).ok())[0].startswith(
        "the previous training process died; continuing after 1 epoch and "
    )
    check_same(small.directory, directory)
    assert not directory.crash_log.exists()


def test_a_crash_while_going_on_is_the_one_that_is_told_of(small: Whole, runs: Path) -> None:
    directory = RunDirectory(runs / "run")
    crashed_run(directory.path, IN_A_STEP, raised(signal.SIGSEGV), small.config)
    assert crashed_run(directory.path, (DenseLayer, "backward", 3), os.abort, "--resume", directory.path) == -6
    assert [run["signal"] for run in bpcli("runs", runs, "--json").json["runs"]] == ["SIGABRT"]
    crashed_run(directory.path, (DenseLayer, "backward", 1), raised(signal.SIGKILL), "--resume", directory.path)
    assert [run["signal"] for run in bpcli("runs", runs, "--json").json["runs"]] == [None]
    bpcli("train", "--resume", directory.path).ok()
    check_same(small.directory, directory)


def test_a_crash_before_the_first_checkpoint_is_one_line_of_every_command(small: Whole, runs: Path) -> None:
    directory = RunDirectory(runs / "run")
    assert (
        crashed_run(directory.path, (RunDirectory, "save_last", 1), read_address_zero, small.config) == -signal.SIGSEGV
    )
    assert directory.config.exists()
    run = directory.path
    for arguments, what in {
        ("evaluate", run): "died of SIGSEGV before its first checkpoint; start again with bpcli train",
        ("predict", small.folder / "t.csv", "--checkpoint", run): "died of SIGSEGV before its first checkpoint; start ",
        ("report", run): "died of SIGSEGV before its first checkpoint; start again with bpcli train",
        ("compare", small.directory.path, run): "died of SIGSEGV before its first checkpoint; start again with bpcli",
        ("inspect", run): "died of SIGSEGV before its first checkpoint; start again with bpcli train",
        ("train", "--resume", run): "died of SIGSEGV before its first checkpoint: nothing to resume from; start again",
        ("reproduce", run): "nothing to reproduce; it has no last checkpoint",
        ("plot", run, "-o", runs / "x.svg"): "no values to draw",
    }.items():
        result = bpcli(*arguments)
        assert (result.code, result.out, result.err.count("\n")) == (4, "", 1)
        assert result.err.startswith(f"error: {run}: {what}")
    listing = bpcli("runs", runs).ok()
    assert listing.out.splitlines()[1].split()[:3] == ["run", "-", "died"]
    assert notes(listing) == [
        "1 run died before the first checkpoint; start again with bpcli train",
        "died of SIGSEGV: 'run'; see crash.log in the run directory",
    ]


def test_a_crash_in_the_first_epoch_is_said_where_a_best_checkpoint_is_wanted(small: Whole, runs: Path) -> None:
    directory = RunDirectory(runs / "run")
    crashed_run(directory.path, (Inference, "logits", 1), read_address_zero, small.config)
    result = bpcli("evaluate", directory.path)
    said = "died of SIGSEGV before its first best checkpoint; continue with bpcli train --resume"
    assert result.err == f"error: {directory.path}: {said} {directory.path.resolve()}\n"
    assert notes(bpcli("train", "--resume", directory.path).ok())[0].endswith("; continuing after 2 steps")
    check_same(small.directory, directory)


def test_a_report_of_a_run_that_died_says_so(small: Whole, runs: Path) -> None:
    directory = RunDirectory(runs / "run")
    crashed_run(directory.path, IN_A_STEP, read_address_zero, small.config)
    bpcli("report", directory.path).ok()
    assert "run: died of SIGSEGV after 1 epoch, started" in directory.report.read_text()


def test_a_run_killed_at_any_call_with_its_crash_log_open_goes_on_to_the_same_files(small: Whole, runs: Path) -> None:
    """The last calls of the command, in which the log is closed and removed."""
    with disk() as names:
        bpcli("train", small.config, "--run-dir", runs / "counted").ok()
    number, code = len(names) - 1, -signal.SIGKILL
    while code == -signal.SIGKILL:
        directory = RunDirectory(runs / f"killed{number}")

        def run(number: int = number, directory: RunDirectory = directory) -> None:
            with disk(at(number, kill)):
                bpcli("train", small.config, "--run-dir", directory.path).ok()

        code = forked(run)
        bpcli("train", "--resume", directory.path).ok()
        assert not directory.crash_log.exists()
        check_same(small.directory, directory)
        number += 1
    assert code == 0
    assert number > len(names) + 2


@pytest.fixture
def long_steps(tmp_path: Path) -> Path:
    """An experiment whose steps are long enough to be shared out among threads."""
    numbers = np.random.default_rng(0).normal(size=(3, 128))
    write_csv(tmp_path / "t.csv", dict(zip("aby", numbers, strict=True)))
    path = tmp_path / "c.yaml"
    path.write_text(
        "data: {path: t.csv, target: y, split: {validation: 0, test: 0}}\nloss: mse\n"
        "layers: [{units: 512, activation: relu}, {units: 512, activation: relu}]\n"
        "optimizer: adam\ntraining: {epochs: 2, batch_size: full, checkpoint_every: {steps: 1}}\n"
    )
    return path


def check_died(config: Path, directory: RunDirectory, where: str) -> None:
    assert directory.signal == "SIGSEGV"
    assert where in directory.crash_log.read_text()
    resumed = bpcli("train", "--resume", directory.path, "--threads", 2).ok()
    assert notes(resumed)[0] == "the previous training process died of SIGSEGV; continuing from the start"
    bpcli("train", config, "--run-dir", directory.path.with_name("whole"), "--threads", 2).ok()
    check_same(RunDirectory(directory.path.with_name("whole")), directory)


def test_a_crash_in_another_thread_of_a_step_is_named(long_steps: Path, tmp_path: Path) -> None:
    def crash_elsewhere() -> None:
        if current_thread() is main_thread():
            time.sleep(0.2)  # while the other thread takes the next shard
        else:
            write_address_zero()

    def run() -> None:
        plain = ShardedSteps._rows

        def rows(self: ShardedSteps, *arguments: Any) -> None:
            crash_elsewhere()
            plain(self, *arguments)

        with mock.patch.object(ShardedSteps, "_rows", rows):
            bpcli("train", long_steps, "--run-dir", tmp_path / "run", "--threads", 2)

    assert forked(run) == -signal.SIGSEGV
    check_died(long_steps, RunDirectory(tmp_path / "run"), "in crash_elsewhere")


def test_a_crash_in_machine_code_is_named(long_steps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    # One thread: a second one that crashed too would end the process while the log of the first is written.
    monkeypatch.setattr("bpcli.experiment.prepare.choose_stepping", lambda _: Stepping("compiled", 1))
    # Compiled before, since a log has only so many frames, and numba's compiler more than that.
    bpcli("train", long_steps, "--run-dir", tmp_path / "compiled", "--threads", 2).ok()

    def run() -> None:
        plain = Program.__init__

        def begin(self: Program, *arguments: Any, **keywords: Any) -> None:
            plain(self, *arguments, **keywords)
            self.code = self.code._replace(gemm=0)  # the address that compiled steps call for their matrix products

        with mock.patch.object(Program, "__init__", begin):
            bpcli("train", long_steps, "--run-dir", tmp_path / "run", "--threads", 2)

    assert forked(run) == -signal.SIGSEGV
    check_died(long_steps, RunDirectory(tmp_path / "run"), "bpcli/training/steps/compiled.py")


PROGRAM = """
import ctypes, sys
from bpcli.nn.compiled.program import Program
from bpcli.nn.layers.dense_layer import DenseLayer

calls = []

def backward(self, *arguments, **keywords):
    calls.append(self)
    if len(calls) == 10:
        ctypes.string_at(0)
    return plain(self, *arguments, **keywords)

plain, DenseLayer.backward = DenseLayer.backward, backward
from bpcli.__main__ import run
run()
"""


def test_the_command_ends_with_the_signal_and_no_traceback(small: Whole, runs: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, "train", small.config, "--run-dir", runs / "run", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGSEGV, "", "")
    assert RunDirectory(runs / "run").signal == "SIGSEGV"
    bpcli("train", "--resume", runs / "run").ok()
    check_same(small.directory, RunDirectory(runs / "run"))
