"""One experiment with several seeds: processes side by side, a run each, and how their scores spread."""

from __future__ import annotations

import math
import os
import re
import selectors
import signal
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bpcli.documents.json_value import Json
from bpcli.errors import CheckpointError, ExistsError
from bpcli.storage.run_directory import RunDirectory
from bpcli.storage.run_listing import ListedRun
from bpcli.wording import printable

POLL_SECONDS = 0.1
"""How long a signal may wait before it is passed on."""


@dataclass(frozen=True)
class SeedRun:
    """A run to be, or to go on with: its seed and its directory."""

    seed: int
    path: Path

    @classmethod
    def below(cls, stem: Path, seeds: Sequence[int]) -> list[SeedRun]:
        """The runs of seeds: `stem`, a hyphen, `seed` and the seed."""
        return [cls(seed, stem.with_name(f"{stem.name}-seed{seed}")) for seed in seeds]

    @classmethod
    def called_after(cls, stem: Path) -> list[SeedRun]:
        """The runs that have this stem, by seed; raises CheckpointError if there are none, or none can be resumed."""
        pattern = re.compile(re.escape(stem.name) + r"-seed(\d+)")
        names = [path.name for path in stem.parent.iterdir()] if stem.parent.is_dir() else []
        runs = cls.below(stem, sorted(int(match[1]) for name in names if (match := pattern.fullmatch(name))))
        if not runs:
            raise CheckpointError(
                f"{printable(str(stem))}: no run directories are called so, and then -seed and a number; give what "
                "stands before that"
            )
        if not any(run.directory.last.is_file() for run in runs):
            raise CheckpointError(
                f"{printable(str(stem))}: no seed has a checkpoint to resume from; start again with bpcli train --seeds"
            )
        return runs

    @property
    def directory(self) -> RunDirectory:
        """The directory, which need not be there yet."""
        return RunDirectory(self.path)

    def has_begun(self) -> bool:
        """Whether there is something to go on with.

        The directory of a process that ended before its first checkpoint is removed.
        """
        if self.directory.is_run():
            self.directory.discard_unbegun()
        return self.path.exists()


def require_none(runs: Sequence[SeedRun]) -> None:
    """Raise ExistsError where one of the runs exists already."""
    for run in runs:
        if os.path.lexists(run.path):
            raise ExistsError(
                f"{printable(str(run.path))}: exists already; choose another --run-dir, or go on with it by --resume"
            )


def train_side_by_side(
    commands: Mapping[SeedRun, Sequence[str]],
    at_once: int,
    stop: Callable[[], int | None],
    say: Callable[[SeedRun, str], None],
    killed: Callable[[SeedRun, int], None],
) -> dict[SeedRun, int]:
    """Run the bpcli command of each seed in a process of its own, and give their exit codes, 128+n for signal n.

    `say` is told every line that one of them says, and `killed` the number of a signal that kills one. As soon as
    `stop` gives a signal, all get it, once, and no more are started; those have no exit code.
    """
    codes: dict[SeedRun, int] = {}
    waiting = list(commands)
    processes: dict[SeedRun, _Process] = {}
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or processes:
                number = stop()
                if number is not None:
                    waiting.clear()
                    for process in processes.values():
                        process.pass_on(number)
                while waiting and len(processes) < at_once:
                    run = waiting.pop(0)
                    processes[run] = _Process(commands[run])
                    selector.register(processes[run].output, selectors.EVENT_READ, run)
                for key, _ in selector.select(POLL_SECONDS):
                    run = key.data
                    lines = processes[run].read()
                    if lines is None:
                        selector.unregister(key.fileobj)
                        code = processes.pop(run).exit_code()
                        codes[run] = code if code >= 0 else 128 - code
                        if code < 0:
                            killed(run, -code)
                    else:
                        for line in lines:
                            say(run, line)
        finally:
            for process in processes.values():  # after an error of our own
                process.pass_on(signal.SIGTERM)
                process.exit_code()
    return codes


PROGRAM = """
import os, signal, sys, threading

sys.path[:] = {path!r}

def stop_with_parent():
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=stop_with_parent, daemon=True).start()
from bpcli.__main__ import run
run()
"""
"""The modules that this process has are those that the other finds, whatever the current folder holds. Where this
process is killed, the other saves what it has and ends."""


class _Process:
    """A bpcli command in a process, whose standard error is read."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(path=sys.path), *arguments],
            stdin=subprocess.PIPE,  # never written to; it ends when this process does
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,  # a terminal's Ctrl-C comes to it from us alone, and once
        )
        assert self._process.stderr is not None
        self.output = self._process.stderr
        self._rest = b""
        self._told = False

    def read(self) -> list[str] | None:
        """The lines that have come since, or None after the last."""
        content = os.read(self.output.fileno(), 1 << 16)
        if not content:
            return None
        *lines, self._rest = (self._rest + content).split(b"\n")
        return [line.decode(errors="backslashreplace") for line in lines]

    def pass_on(self, number: int) -> None:
        """Send a signal, unless one has been sent."""
        if not self._told:
            self._told = True
            self._process.send_signal(number)

    def exit_code(self) -> int:
        """Wait for the end; the exit code, or -n if signal n killed the process."""
        self.output.close()
        code = self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
        return code


@dataclass(frozen=True)
class Spread:
    """Mean, sample standard deviation (n − 1 below the line), extremes and number of the values that are defined."""

    mean: float | None
    std: float | None
    min: float | None
    max: float | None
    count: int

    @classmethod
    def of(cls, values: Sequence[float | None]) -> Spread:
        """The spread of values; of none and of one there is no standard deviation."""
        defined = [value for value in values if value is not None and math.isfinite(value)]
        return cls(
            mean=statistics.fmean(defined) if defined else None,
            std=statistics.stdev(defined) if len(defined) > 1 else None,
            min=min(defined, default=None),
            max=max(defined, default=None),
            count=len(defined),
        )


def spreads(runs: Sequence[ListedRun]) -> dict[str, Spread]:
    """The spread of every metric over runs, by its name in `ListedRun.metrics`."""
    names = dict.fromkeys(name for run in runs for name in run.metrics)
    return {name: Spread.of([run.metrics.get(name) for run in runs]) for name in names}


@dataclass(frozen=True)
class SeedOutcome:
    """What came of a seed: the exit code of its training, and the run, where there is one."""

    seed: int
    run_directory: str
    exit_code: int
    run: ListedRun | None

    def to_json(self) -> dict[str, Json]:
        """The outcome as a document."""
        document: dict[str, Json] = {
            "seed": self.seed,
            "run_directory": self.run_directory,
            "exit_code": self.exit_code,
        }
        if self.run is None:
            return document
        best = self.run.best.to_json() if self.run.best else {}
        return {**document, "status": self.run.status, "epochs": self.run.epochs, "best": best, "test": self.run.test}


@dataclass(frozen=True)
class SeedsReport:
    """What came of all seeds, and how the metrics of those that finished spread."""

    stem: str
    finished: int
    runs: Sequence[SeedOutcome]
    metrics: Mapping[str, Spread]

    def to_json(self) -> dict[str, Json]:
        """The report as a document."""
        return {
            "stem": self.stem,
            "finished": self.finished,
            "runs": [run.to_json() for run in self.runs],
            "metrics": {name: asdict(spread) for name, spread in self.metrics.items()},
        }
