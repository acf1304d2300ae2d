"""What the benchmarks share: measured child processes on chosen cores, repeats in turn, figures, and tables.

Whatever is measured runs in a child. This process imports the standard library alone and stays small, since Linux
counts what a process held when it forked as its child's peak memory.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from math import floor, log10
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, TypeVar

T = TypeVar("T")

ROOT = Path(__file__).parent.parent
BPCLI = str(Path(sysconfig.get_path("scripts")) / "bpcli")
PYTHON = sys.executable
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
PACKAGES = (
    "numpy",
    "polars",
    "scikit-learn",
    "lightgbm",
    "catboost",
    "fasttext-wheel",
    "torch",
    "jax",
    "pandas",
    "pyarrow",
)
WIDE = 1.25
"""Repeats further apart than this, largest to smallest, are shown with their range."""


class Failed(Exception):
    """Something could not be measured, and why."""


@dataclass(frozen=True)
class Finished:
    """A child that ended well: wall time from before its start to its end, peak resident memory, output, CPU time."""

    seconds: float
    megabytes: float
    output: str
    cpu: float
    """Seconds in the program and in the system, which other programs on the machine change less than wall time."""

    @property
    def result(self) -> Any:
        """The JSON in the last line of the output."""
        return json.loads(self.output.splitlines()[-1])


def run_child(command: Sequence[str], cores: int = len(CORES), *, pinned: bool = True) -> Finished:
    """Run a command from the checkout on so many cores and threads; raises Failed with its last words.

    Not pinned, it has as many threads but may run on any core: CPU time is measured beside other work.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        started = perf_counter()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            cwd=ROOT,
            env=environment(cores),
            preexec_fn=(lambda: pin(cores)) if pinned else None,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            last = (errors.read().strip().splitlines() or ["no word why"])[-1]
            raise Failed(f"exit code {process.returncode}: {last[:200]}")
        peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return Finished(seconds, peak / 1e6, output.read(), usage.ru_utime + usage.ru_stime)


def module(name: str, *arguments: str) -> list[str]:
    """The command that runs a module of the benchmarks."""
    return [PYTHON, "-m", f"benchmarks.{name}", *arguments]


def environment(cores: int) -> dict[str, str]:
    """The environment in which every library that is measured keeps to so many threads, and finds itself compiled."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")
    xla = f"--xla_cpu_multi_thread_eigen={'true' if cores > 1 else 'false'}"
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **dict.fromkeys(names, str(cores)), "XLA_FLAGS": xla, "JAX_PLATFORMS": "cpu"}


def pin(cores: int) -> None:
    """Bind the child to the last `cores` cores: what counts cores itself, and takes no advice, counts these."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, CORES[-cores:])


def core_counts() -> list[int]:
    """One core, and all of them where there are more."""
    return sorted({1, len(CORES)})


def installed(contenders: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """The contenders whose module can be imported, and a note for each of the others."""
    names = [name for name, needed in contenders.items() if find_spec(needed) is not None]
    return names, [
        f"{name}: left out, {contenders[name]} is not installed." for name in contenders if name not in names
    ]


def in_turn(what: str, contenders: Mapping[str, Callable[[], T]], repeats: int) -> tuple[dict[str, list[T]], list[str]]:
    """Measure all contenders once, then all of them again, and so on; gives values by name, and notes.

    A contender that fails is not tried again, has no values, and its note says why.
    """
    values: dict[str, list[T]] = {name: [] for name in contenders}
    notes = []
    for repeat in range(repeats):
        for name in list(values):
            print(f"{what}: {name}, {repeat + 1} of {repeats}", file=sys.stderr, flush=True)
            try:
                values[name].append(contenders[name]())
            except Failed as reason:
                del values[name]
                notes.append(f"{what}: {name} failed, {reason}")
    return values, notes


def significant(value: float) -> str:
    """Three significant digits, thousands separated."""
    digits = max(0, 2 - floor(log10(abs(value)))) if value else 0
    return f"{value:,.{digits}f}"


def figure(values: Sequence[float]) -> str:
    """The median, with the range where that is wide."""
    low, high = min(values), max(values)
    spread = f" ({significant(low)}–{significant(high)})" if high > WIDE * low else ""
    return significant(median(values)) + spread


def ratio(values: Sequence[float], reference: Sequence[float]) -> str:
    """A peer's median in relation to bpcli's."""
    return f"{significant(median(values) / median(reference))}×" if reference else "–"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def listed(notes: Iterable[str]) -> str:
    """Notes as a Markdown list after a table, each of them once; nothing for none."""
    lines = [f"- {note}" for note in dict.fromkeys(notes)]
    return "\n".join(["\n", *lines]) if lines else ""


def generated(kind: str, size: int) -> Path:
    """A generated table of `size` rows or megabytes, made by a child unless it is in the cache."""
    source = ROOT / "benchmarks" / "generated.py"
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:8]
    path = Path(tempfile.gettempdir()) / "bpcli-benchmarks" / digest / f"{kind}-{size}.csv"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        print(f"generating {path}", file=sys.stderr, flush=True)
        run_child(module("generated", kind, str(size), str(path)))
    return path


def provenance(command: str, load: float) -> str:
    """When, where, with what and how the figures came about, as a line of Markdown."""
    cpu = Path("/proc/cpuinfo")
    models = re.findall(r"^model name\s*: (.*)$", cpu.read_text() if cpu.exists() else "", re.MULTILINE)
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    held = [f"bpcli {version('backprop-cli')} ({commit.stdout.strip() or 'no commit'})"]
    for package in PACKAGES:
        try:
            held.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {(models or [platform.processor() or platform.machine()])[0]}, "
        f"{len(CORES)} cores, load {load:.1f} at the start; {platform.system()}, "
        f"Python {platform.python_version()}, {', '.join(held)}; `{command}`"
    )
