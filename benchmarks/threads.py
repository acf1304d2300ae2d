"""Threads: long steps on all cores, alone on the machine and beside a process that keeps a core busy.

Microseconds a step, measured as in `step`: bpcli in NumPy alone, whose threads each take some of the rows and then
some of the parameters, with BLAS on one thread; the same steps one after another, with as many threads of BLAS's own
as there are cores; and the same on a single core. The busy process adds up numbers in Python on the last core.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from benchmarks import step
from benchmarks.harness import CORES, PYTHON, figure, in_turn, listed, pin, ratio, table

WAYS = {"bpcli's threads": "bpcli", "BLAS's threads": "bpcli_blas"}
BUSY = "while True: sum(range(10**6))"


@contextmanager
def neighbour(busy: bool) -> Iterator[None]:
    """A process beside what is measured, or none."""
    if not busy:
        yield
        return
    process = subprocess.Popen([PYTHON, "-c", BUSY], preexec_fn=partial(pin, 1))
    try:
        yield
    finally:
        process.kill()
        process.wait()


def measure(contender: str, size: step.Size, cores: int, seconds: float, busy: bool) -> float:
    """Seconds a step."""
    with neighbour(busy):
        return step.measure(contender, size, cores, seconds)


def run(quick: bool) -> str:
    """The table in Markdown."""
    repeats, seconds = (1, 0.3) if quick else (3, 1.0)
    if len(CORES) == 1:
        return "This machine has a single core."
    rows, notes = [], []
    for label in ("M", "L", "XL"):
        size = step.SIZES[label]._replace(steps=20)
        for busy in (False, True):
            contenders: dict[str, Callable[[], float]] = {
                name: partial(measure, child, size, len(CORES), seconds, busy) for name, child in WAYS.items()
            }
            contenders["one core"] = partial(measure, "bpcli", size, 1, seconds, busy)
            values, failures = in_turn(f"{label}{' busy' * busy}", contenders, repeats)
            notes += failures
            reference = values.get("bpcli's threads", [])
            cells = [
                f"{figure([1e6 * value for value in found])}, {ratio(found, reference)}" for found in values.values()
            ]
            rows.append([f"{label} {size}", "busy" if busy else "none", *cells])
    return table(["network", "neighbour", *(f"{name} µs" for name in (*WAYS, "one core"))], rows) + listed(notes)
