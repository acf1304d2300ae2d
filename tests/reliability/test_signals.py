"""A signal ends training after the step under way, with everything saved; and nobody's leaving ends it at all."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import Result, bpcli, bpcli_process
from faults import Call, Strike, at, disk, forked, send
from same_runs import Whole, check_goes_on, check_left_whole

from bpcli.cli.signals import StopRequest
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.run_directory import RunDirectory

MANY = ("--set", "training.epochs=200", "--set", "training.checkpoint_every={seconds: 1000}")
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1]


def train(whole: Whole, run: Path, strike: Strike = lambda call: None) -> tuple[Result, list[str]]:
    """The command, and the calls that it made to change the disk."""
    with disk(strike) as names:
        result = bpcli("train", whole.config, "--run-dir", run)
    return result, names


@pytest.mark.parametrize(
    ("number", "step"),
    [
        pytest.param(
            number, step, id=f"{step}-{number.name}", marks=() if step == 25 and one else pytest.mark.exhaustive
        )
        for number, one in zip(SIGNALS, (True, False, False, True), strict=True)
        for step in (25, 1)
    ],
)
def test_a_signal_at_any_call_lets_the_save_complete_and_the_run_goes_on_to_the_same_bits(
    small: Whole, runs: Path, number: signal.Signals, step: int, record_property: Any
) -> None:
    result, names = train(small, runs / "counted")
    result.ok()
    stopped = 0
    places = range(1, len(names) + 1, step)
    for place in places:
        directory = RunDirectory(runs / f"stopped{place}")
        result, made = train(small, directory.path, at(place, send(number)))
        assert "Traceback" not in result.err
        if result.code == 0 or place == len(names):  # it was all but over, or over and its lock given back
            assert result.code in (0, 128 + number)
            assert place > len(names) / 2
            assert directory.read_summary().status == "finished"
            continue
        assert result.code == 128 + number
        assert len(made) >= place
        if directory.last.exists():
            stopped += 1
            assert directory.read_summary().status == "interrupted"
            assert not list(directory.path.rglob(".*"))
            assert "and saved; continue with: bpcli train --resume" in result.err
            assert check_goes_on(small, directory)
    record_property("cases", len(places))
    assert stopped > len(places) / 2


@pytest.mark.parametrize("step", [25, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_a_second_ctrl_c_ends_at_once_and_the_run_goes_on_to_the_same_bits(
    small: Whole, runs: Path, step: int, record_property: Any
) -> None:
    def twice(call: Call) -> None:
        send(signal.SIGINT)(call)
        send(signal.SIGINT)(call)

    _, names = train(small, runs / "counted")
    first = names.index("write")  # of the config, when training has begun
    places = range(first, len(names) - 10, step)
    for place in places:
        directory = RunDirectory(runs / f"stopped{place}")
        assert forked(lambda run=directory, n=place: train(small, run.path, at(n, twice))) == -signal.SIGINT
        check_goes_on(small, directory)
    record_property("cases", len(places))
    assert len(names) > 100


def test_a_handler_only_sets_a_flag() -> None:
    for number in SIGNALS:
        before = signal.getsignal(number)
        with StopRequest() as stop:
            assert not stop()
            signal.raise_signal(number)
            assert stop()
            assert stop.signal == number
        assert signal.getsignal(number) == before


def test_a_signal_that_is_not_ctrl_c_may_come_again_and_again() -> None:
    with StopRequest() as stop:
        for _ in range(3):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGUSR1)
        assert stop.signal == signal.SIGUSR1


def test_a_hangup_that_nohup_has_ignored_stays_ignored(small: Whole, runs: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        result, _ = train(small, runs / "run", at(60, send(signal.SIGHUP)))
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    result.ok()
    assert RunDirectory(runs / "run").read_summary().status == "finished"


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_while_predictions_are_written_leaves_the_old_file(
    small: Whole, tmp_path: Path, number: signal.Signals
) -> None:
    output = tmp_path / "out.csv"
    output.write_text("old")
    arguments = ("predict", small.folder / "t.csv", "--checkpoint", small.directory.path, "-o", output, "--force")
    with disk() as names:
        bpcli(*arguments).ok()
    output.write_text("old")
    for place in range(1, names.index("replace") + 1):
        with disk(at(place, send(number))):
            result = bpcli(*arguments)
        said = "interrupted\n" if number == signal.SIGINT else ""
        assert (result.code, result.out, result.err) == (128 + number, "", said)
        assert output.read_text() == "old"
        assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_ctrl_c_before_there_is_a_run_is_said_and_leaves_nothing(
    small: Whole, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object, **keywords: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("bpcli.experiment.opening.prepare", interrupted)
    result = bpcli("train", small.config, "--run-dir", runs / "run")
    assert (result.code, result.out, result.err) == (130, "", "interrupted\n")
    assert not (runs / "run").exists()


def test_ctrl_c_while_the_command_line_is_loaded_is_said() -> None:
    program = """
import signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "bpcli.cli.main":
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
from bpcli.__main__ import run
run()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


# Those who leave


def test_training_goes_on_to_its_end_where_nobody_reads_what_it_prints(small: Whole, runs: Path) -> None:
    """Both outputs into one pipe, as `2>&1 | head -1` has it, whose reader leaves after the first line."""
    command = [sys.executable, "-m", "bpcli", "train", str(small.config), "--run-dir", str(runs / "run")]
    process = subprocess.Popen([*command, *MANY], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"config: 12 train")
    process.stdout.close()
    assert process.wait(timeout=100) == 141
    summary = RunDirectory(runs / "run").read_summary()
    assert (summary.status, summary.epochs) == ("finished", 200)


def test_training_goes_on_to_its_end_where_its_words_find_no_room(small: Whole, runs: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full here")
    command = [sys.executable, "-m", "bpcli", "train", str(small.config), "--run-dir", str(runs / "run")]
    with full.open("wb") as stderr:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=stderr, check=False)
    assert (done.returncode, done.stdout.decode().splitlines()[-1]) == (0, str(runs / "run"))
    assert check_goes_on(small, RunDirectory(runs / "run"))


def test_training_goes_on_to_its_end_where_its_terminal_is_gone(small: Whole, runs: Path) -> None:
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "NO_COLOR")}
    command = [sys.executable, "-m", "bpcli", "train", str(small.config), "--run-dir", str(runs / "run")]
    process = subprocess.Popen(
        [*command, *MANY],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env={**environment, "TERM": "xterm"},
    )
    os.close(theirs)
    assert os.read(ours, 1)
    os.close(ours)
    assert process.wait(timeout=100) == 0
    summary = RunDirectory(runs / "run").read_summary()
    assert (summary.status, summary.epochs) == ("finished", 200)


def test_a_scheduler_that_wants_the_machine_gets_it_with_the_run_saved(small: Whole, runs: Path) -> None:
    """A process of its own, in the middle of a long epoch of its own time."""
    process = bpcli_process(
        *("train", small.config, "--run-dir", runs / "run", "--set", "training.epochs=1000000"),
        *("--set", "training.checkpoint_every={seconds: 1000}"),
        cwd=runs,
    )
    assert process.stderr is not None
    while not process.stderr.readline().startswith(b"epoch "):
        pass
    process.send_signal(signal.SIGUSR1)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (128 + signal.SIGUSR1, b"")
    assert b"and saved; continue with: bpcli train --resume " in err
    directory = RunDirectory(runs / "run")
    check_left_whole(directory)
    counters = Checkpoint.load(directory.last).header.counters
    assert counters is not None
    assert counters["epoch"] == directory.read_summary().epochs > 0
