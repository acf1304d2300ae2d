"""What training looks like while it runs."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from commands import CONFIGS

from bpcli.cli import console, progress
from bpcli.cli.progress import Lines, Live, Silent, duration, view
from bpcli.training import EpochReport, Progress
from bpcli.training.plan import StopReason


def report(epoch: int, stop: StopReason | None = None) -> EpochReport:
    return EpochReport(
        epoch=epoch,
        train_loss=0.5,
        validation_loss=0.25,
        metrics={"validation_accuracy": 0.75, "validation_f1_macro": None},
        learning_rate=0.001,
        seconds=3.0,
        rows_per_second=12345.6,
        best_epoch=2,
        best=0.125,
        improved=False,
        stop=stop,
    )


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(progress, "perf_counter", lambda: self.now)


def test_lines_come_at_most_once_a_second_and_the_last_one_always(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    clock = Clock(monkeypatch)
    shown = Lines(10)
    for epoch in range(1, 10):
        shown.show(report(epoch))
        clock.now += 0.3
    shown.show(report(10, stop="epochs"))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.findall(r"^epoch (\d+)/10", captured.err, re.MULTILINE) == ["1", "5", "9", "10"]


def test_a_line_says_all_there_is_to_say(capsys: pytest.CaptureFixture[str]):
    Lines(10).show(report(7))
    assert capsys.readouterr().err == (
        "epoch 7/10  train_loss 0.5000  validation_loss 0.2500  validation_accuracy 0.7500  validation_f1_macro -  "
        "best 0.1250 (epoch 2)  learning_rate 0.001  rows/s 12,346\n"
    )


def test_a_long_epoch_gives_signs_of_life(capsys: pytest.CaptureFixture[str]):
    Lines(10).show(Progress(epoch=1, step=1200, steps=4000, train_loss=1.5, seconds=2.0))
    assert capsys.readouterr().err == "epoch 1/10  step 1,200/4,000  train_loss 1.5000\n"


def test_the_silent_view_is_silent(capsys: pytest.CaptureFixture[str]):
    with Silent() as shown:
        shown.show(report(1))
    assert capsys.readouterr() == ("", "")


def test_the_live_view_shows_a_name_from_outside_as_it_is(monkeypatch: pytest.MonkeyPatch):
    from rich.console import Console

    shown = Live("[red]name[/red]", 10)
    shown.show(report(7))
    stream = io.StringIO()
    Console(file=stream, width=100, force_terminal=False).print(shown._live.renderable)
    lines = [line.strip() for line in stream.getvalue().splitlines()]
    assert lines[0] == "[red]name[/red]"
    assert re.search(r"learning_rate\s+0\.001", stream.getvalue())
    # 3 seconds for 7 epochs leave 9/7 for 3.
    assert re.search(r"time left\s+1\.3 s at most", stream.getvalue())


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.254, "0.25 s"), (3.21, "3.2 s"), (59.9, "59.9 s"), (250, "4 min 10 s"), (7500, "2 h 5 min")],
)
def test_durations_are_in_words(seconds: float, text: str):
    assert duration(seconds) == text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "stream", "live"),
    [
        ({"TERM": "xterm"}, Terminal(), True),
        ({"TERM": "dumb"}, Terminal(), False),
        ({"TERM": "xterm", "CI": "true"}, Terminal(), False),
        ({"TERM": "xterm"}, io.StringIO(), False),
    ],
)
def test_a_terminal_is_where_a_person_watches(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], stream: io.StringIO, live: bool
):
    monkeypatch.delenv("CI", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stderr", stream)
    assert console.is_terminal(stream) is live
    assert type(view("x", 1, quiet=False)) is (Live if live else Lines)
    assert type(view("x", 1, quiet=True)) is Silent


def on_terminal(tmp_path: Path, **environment: str) -> tuple[str, str]:
    """Stdout, and what a terminal at stderr received, of a short training."""
    ours, theirs = pty.openpty()
    clean = {name: value for name, value in os.environ.items() if name not in ("CI", "NO_COLOR", "GITHUB_ACTIONS")}
    process = subprocess.Popen(
        [sys.executable, "-m", "bpcli", "train", str(CONFIGS / "penguins.yaml"), "--set", "training.epochs=3"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**clean, "TERM": "xterm-256color", **environment},
    )
    os.close(theirs)
    received = b""
    try:
        while part := os.read(ours, 4096):
            received += part
    except OSError:
        pass  # Linux says so when the other side has closed
    os.close(ours)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return out.decode(), received.decode()


def test_a_terminal_shows_the_live_view_and_stdout_stays_plain(tmp_path: Path):
    out, shown = on_terminal(tmp_path)
    assert "\x1b" not in out
    assert out.splitlines()[-1].startswith("runs/penguins-")
    assert "\x1b[?25l" in shown
    assert "\x1b[?25h" in shown
    assert "train_loss" in shown
    assert "epoch 3/3" not in shown


def test_no_color_is_respected(tmp_path: Path):
    _, shown = on_terminal(tmp_path, NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", shown)


def test_a_dumb_terminal_gets_plain_lines(tmp_path: Path):
    _, shown = on_terminal(tmp_path, TERM="dumb")
    assert "\x1b" not in shown
    assert "epoch 3/3" in shown
