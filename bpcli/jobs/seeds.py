"""Training one experiment with several seeds in parallel processes, and the spread of their scores."""

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
from typing import NamedTuple

from bpcli.documents.json_value import Json
from bpcli.errors import CheckpointError, ExistsError
from bpcli.storage.run_directory import RunDirectory
from bpcli.storage.run_listing import ListedRun
from bpcli.wording import printable

POLL_SECONDS = 0.1
"""Maximum delay before a signal is forwarded, in seconds."""


@dataclass(frozen=True)
class SeedRun:
    """Run of one seed, to start or to resume, and its directory."""

    seed: int
    path: Path

    @classmethod
    def below(cls, stem: Path, seeds: Sequence[int]) -> list[SeedRun]:
        """Runs of the given seeds, in directories named like `STEM-seed3`."""
        return [cls(seed, stem.with_name(f"{stem.name}-seed{seed}")) for seed in seeds]

    @classmethod
    def with_stem(cls, stem: Path) -> list[SeedRun]:
        """Existing runs with this stem, ordered by seed.

        Raises CheckpointError if there are none, or none can be resumed.
        """
        pattern = re.compile(re.escape(stem.name) + r"-seed(\d+)")
        names = [path.name for path in stem.parent.iterdir()] if stem.parent.is_dir() else []
        runs = cls.below(stem, sorted(int(match[1]) for name in names if (match := pattern.fullmatch(name))))
        if not runs:
            raise CheckpointError(
                f"{printable(str(stem))}: no run directories {printable(stem.name)}-seedN; give the path without -seedN"
            )
        if not any(run.directory.last.is_file() for run in runs):
            raise CheckpointError(
                f"{printable(str(stem))}: no seed has a checkpoint to resume from; start again with bpcli train --seeds"
            )
        return runs

    @property
    def directory(self) -> RunDirectory:
        """Run directory, which may not exist yet."""
        return RunDirectory(self.path)

    def has_started(self) -> bool:
        """Whether there is a checkpoint to resume from.

        Removes the directory of a process that ended before its first checkpoint.
        """
        if self.directory.is_run():
            self.directory.remove_if_unstarted()
        return self.path.exists()

    def arguments(self, config: Path, common: Sequence[str], resume: bool = False) -> list[str]:
        """Arguments of the bpcli command that trains this run from `config` or, if asked to and possible, resumes it.

        `common` are options of all seeds.
        """
        if resume and self.has_started():
            return ["train", "--resume", str(self.path), *common]
        return ["train", str(config), *common, "--set", f"seed={self.seed}", "--run-dir", str(self.path)]


def require_none(runs: Sequence[SeedRun]) -> None:
    """Raise ExistsError if one of the runs exists."""
    for run in runs:
        if os.path.lexists(run.path):
            raise ExistsError(
                f"{printable(str(run.path))}: already exists; choose another --run-dir, or continue it with --resume"
            )


class Division(NamedTuple):
    """Number of runs in parallel and of threads of each, and whether memory limits the runs."""

    at_once: int
    threads: int
    by_memory: bool


def divide(count: int, threads: int | None, *, cores: int, memory: int, needed: int) -> Division:
    """Divide cores and memory among `count` runs.

    threads: requested threads of each run; None to divide the cores. memory: available bytes. needed: bytes of a run.
    """
    by_cores, by_memory = min(count, max(1, cores // (threads or 1))), max(1, memory // needed)
    at_once = min(by_cores, by_memory)
    return Division(at_once, threads or max(1, cores // at_once), by_memory < by_cores)


def train_side_by_side(
    commands: Mapping[SeedRun, Sequence[str]],
    at_once: int,
    stop: Callable[[], int | None],
    say: Callable[[SeedRun, str], None],
    killed: Callable[[SeedRun, int], None],
) -> dict[SeedRun, int]:
    """Run the command of each seed in its own process. Returns their exit codes, 128+n for signal n.

    `say` is called with every line that a process prints, `killed` with the number of a signal that killed one. Once
    `stop` returns a signal, it is sent to all processes, once, and no more are started. Runs that were not started have
    no exit code.
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
            for process in processes.values():  # after an exception in this process
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
"""Program of a child process. It imports the same modules as this process, whatever the current folder, and saves and
exits if this process is killed."""


def child_command(arguments: Sequence[str]) -> list[str]:
    """Command of a child process that runs bpcli with these arguments."""
    return [sys.executable, "-c", PROGRAM.format(path=sys.path), *arguments]


class _Process:
    """Process of a command, whose standard error is read."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,  # never written to; end of file when this process ends
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C reaches it only through this process, once
        )
        assert self._process.stderr is not None
        self.output = self._process.stderr
        self._rest = b""
        self._told = False

    def read(self) -> list[str] | None:
        """Lines printed since the last call; None after the last line."""
        content = os.read(self.output.fileno(), 1 << 16)
        if not content:
            return None
        *lines, self._rest = (self._rest + content).split(b"\n")
        return [line.decode(errors="backslashreplace") for line in lines]

    def pass_on(self, number: int) -> None:
        """Send a signal, unless one has already been sent."""
        if not self._told:
            self._told = True
            self._process.send_signal(number)

    def exit_code(self) -> int:
        """Wait for the process. Returns its exit code, or -n if signal n killed it."""
        self.output.close()
        code = self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
        return code


@dataclass(frozen=True)
class Spread:
    """Mean, sample standard deviation (denominator n − 1), minimum, maximum and number of the defined values."""

    mean: float | None
    std: float | None
    min: float | None
    max: float | None
    count: int

    @classmethod
    def of(cls, values: Sequence[float | None]) -> Spread:
        """Spread of values. The standard deviation is None for fewer than two."""
        defined = [value for value in values if value is not None and math.isfinite(value)]
        return cls(
            mean=statistics.fmean(defined) if defined else None,
            std=statistics.stdev(defined) if len(defined) > 1 else None,
            min=min(defined, default=None),
            max=max(defined, default=None),
            count=len(defined),
        )


def spreads(runs: Sequence[ListedRun]) -> dict[str, Spread]:
    """Spread of every metric over runs, by its name in `ListedRun.metrics`."""
    names = dict.fromkeys(name for run in runs for name in run.metrics)
    return {name: Spread.of([run.metrics.get(name) for run in runs]) for name in names}


@dataclass(frozen=True)
class SeedOutcome:
    """Outcome of one seed: exit code of its training, and its run, if there is one."""

    seed: int
    run_directory: str
    exit_code: int
    run: ListedRun | None

    def to_json(self) -> dict[str, Json]:
        """Outcome as a JSON object."""
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
    """Outcomes of all seeds, and the spread of the metrics of finished runs."""

    stem: str
    finished: int
    runs: Sequence[SeedOutcome]
    metrics: Mapping[str, Spread]

    def to_json(self) -> dict[str, Json]:
        """Report as a JSON object."""
        return {
            "stem": self.stem,
            "finished": self.finished,
            "positive": next((one.run.positive for one in self.runs if one.run is not None), None),
            "runs": [run.to_json() for run in self.runs],
            "metrics": {name: asdict(spread) for name, spread in self.metrics.items()},
        }
