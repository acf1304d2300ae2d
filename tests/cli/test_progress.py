"""What training looks like while it runs."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from commands import CONFIGS, bpcli
from terminals import bpcli_on_terminal

from bpcli.cli import console, progress
from bpcli.cli.progress import Lines, Live, Silent, view
from bpcli.cli.training_view import TrainingView
from bpcli.jobs.training import train
from bpcli.storage.records import EpochRecord
from bpcli.training.plan import EpochReport, Progress
from bpcli.training.state import StopReason
from bpcli.wording import duration


def report(epoch: int, stop: StopReason | None = None) -> EpochReport:
    return EpochReport(
        epoch=epoch,
        train_loss=0.5,
        validation_loss=0.25,
        metrics={"validation_accuracy": 0.75, "validation_f1_macro": None},
        learning_rate=0.001,
        seconds=3.0,
        rows_per_second=12345.6,
        monitor="validation_loss",
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
        "best validation_loss 0.1250 (epoch 2)  learning_rate 0.001  rows/s 12,346\n"
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


def panel(shown: Live, columns: int, lines: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the view shows on a terminal of that size."""
    from rich.console import Console

    monkeypatch.setattr(shown._console, "size", (columns, lines))
    stream = io.StringIO()
    Console(file=stream, width=columns, height=lines, force_terminal=False).print(shown._live.renderable)
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def falling(epochs: int, validation: bool = True) -> Live:
    before = EpochRecord(1, {"train_loss": 100.0, "validation_loss": 90.0 if validation else None})
    shown = Live("x", epochs, [before])
    for epoch in range(2, epochs + 1):
        loss = 90.0 / epoch
        shown.show(replace(report(epoch), train_loss=loss, validation_loss=2 * loss if validation else None))
    return shown


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (40, 24), (200, 50), (80, 19)])
def test_the_live_view_draws_both_losses_in_the_room_that_there_is(
    monkeypatch: pytest.MonkeyPatch, columns: int, lines: int
):
    shown = panel(falling(1000), columns, lines, monkeypatch)
    chart = [line for line in shown if "│" in line]
    assert len(shown) < lines
    assert len(chart) == (8 if lines > 20 else 3)
    assert max(map(len, chart)) == columns
    assert chart[0].startswith("100.0000 │")  # of the epoch before this view
    assert chart[-1].startswith("  0.0900 │")
    assert shown[-2].split() == ["1", "epoch", "1,000"]
    assert shown[-1] == "⠒⠒ train_loss  ⠂⠂ validation_loss (log)"


def test_the_live_view_draws_one_loss_where_there_is_one(monkeypatch: pytest.MonkeyPatch):
    shown = panel(falling(10, validation=False), 80, 24, monkeypatch)
    assert shown[-1] == "⠒⠒ train_loss"


@pytest.mark.parametrize(("columns", "lines"), [(80, 14), (18, 24), (1, 1)])
def test_where_there_is_no_room_the_live_view_has_no_chart(monkeypatch: pytest.MonkeyPatch, columns: int, lines: int):
    assert "│" not in "".join(panel(falling(1000), columns, lines, monkeypatch))


def test_a_terminal_without_block_characters_gets_ascii(monkeypatch: pytest.MonkeyPatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stderr", stream)
    shown = panel(falling(100), 60, 24, monkeypatch)
    assert shown[-1] == "# train_loss  o validation_loss (log)"
    chart = "".join(line for line in shown if "|" in line)
    assert {"#", "o", "|"} < set(chart)
    assert chart.isascii()


def test_the_live_view_keeps_no_more_of_a_long_run_than_of_a_short_one():
    shown = falling(20_000)
    assert all(len(bins.all()) <= 512 for bins in shown._losses.values())


def test_a_run_that_goes_on_shows_its_earlier_epochs_on_a_terminal(tmp_path: Path):
    config, run = CONFIGS / "penguins.yaml", tmp_path / "run"
    bpcli("train", config, "--run-dir", run, "--quiet", "--set", "training.epochs=20").ok()
    (run / "metrics.jsonl").write_text(
        (run / "metrics.jsonl").read_text().replace('"train_loss": 1.0', '"train_loss": 777.0', 1)
    )
    result = bpcli_on_terminal("train", "--resume", run, "--set", "training.epochs=200", cwd=tmp_path)
    assert result.code == 0
    assert re.search(r"777\.\d{4} (│|in the first epochs)", re.sub(r"\x1b\[[0-9;]*m", "", result.out))


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


def test_a_terminal_shows_the_live_view_without_colours_that_nobody_wants_and_stdout_stays_plain(tmp_path: Path):
    out, shown = on_terminal(tmp_path, NO_COLOR="1")
    assert "\x1b" not in out
    assert out.splitlines()[-1].startswith("runs/penguins-")
    assert "\x1b[?25l" in shown
    assert "\x1b[?25h" in shown
    assert "train_loss" in shown
    assert "epoch 3/3" not in shown
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).rstrip().splitlines()[-6:]
    assert "train_loss  ⠂⠂ validation_loss" in "".join(last)  # the last frame stays on the screen
    assert not shown.rstrip("\r\n").endswith("\x1b[2K")  # nothing is erased after it
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", shown)


def test_a_dumb_terminal_gets_plain_lines(tmp_path: Path):
    _, shown = on_terminal(tmp_path, TERM="dumb")
    assert "\x1b" not in shown
    assert "epoch 3/3" in shown


class StopsAfter(TrainingView):
    """View that is stopped by a signal once it has been asked so many times."""

    def __init__(self, steps: int) -> None:
        super().__init__(quiet=True)
        self._left = steps

    def interrupted(self) -> bool:
        self._left -= 1
        return self._left <= 0


@pytest.mark.parametrize(
    ("steps", "reached"), [(1, "after 1 step"), (2, "after 1 epoch"), (5, "after 1 epoch and 1 step")]
)
def test_how_far_an_interrupted_training_got_is_told_in_epochs_and_steps(tmp_path: Path, steps: int, reached: str):
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{row},{row % 7}.5\n" for row in range(40)))
    (tmp_path / "c.yaml").write_text(
        "data: {path: t.csv, target: y, split: {validation: 0, test: 0}}\nlayers: []\n"
        "training: {epochs: 9, batch_size: 20}\n"
    )
    view = StopsAfter(steps)
    assert train(tmp_path / "c.yaml", run_dir=tmp_path / "run", observer=view).status == "interrupted"
    assert view.reached == reached
