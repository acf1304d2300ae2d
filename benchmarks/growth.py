"""Growth: what more rows and wider layers cost.

Rows: wall time and peak memory of `bpcli train` with 10 epochs on 20 numeric and 10 categorical columns (hidden layers
of 64 and 32, batch 256, a single core), less what the same command takes for 100 rows. The exponent is the slope of
the least-squares line through the logarithms: 1 is linear.

Widths: microseconds a training step for two hidden layers of a width, with 64 inputs, 10 outputs and batch 128, on a
single core, measured as in `step`; the slope from each width to the next goes from 0, where calls cost more than what
they compute, to 2, where the products of the layers' matrices are everything.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from math import log
from pathlib import Path
from statistics import linear_regression, median
from tempfile import TemporaryDirectory

from benchmarks import step
from benchmarks.harness import Finished, figure, generated, in_turn, listed, run_child, significant, table
from benchmarks.job import bpcli_train
from benchmarks.peers.jobs import Job

FEW = 100
"""Rows of the table that stands for the fixed cost."""


def train(rows: int) -> Finished:
    """Train on so many rows."""
    with TemporaryDirectory() as folder:
        job = Job(str(generated("mixed", rows)), "outcome", (64, 32), 256, 10)
        return run_child(bpcli_train(job, Path(folder)), cores=1)


def exponent(sizes: list[int], costs: list[float]) -> str:
    """The slope of the least-squares line through the logarithms."""
    if min(costs) <= 0:
        return "lost in noise"
    return f"{linear_regression([log(size) for size in sizes], [log(cost) for cost in costs]).slope:.2f}"


def by_rows(quick: bool) -> str:
    """The table of rows, and the exponents below it."""
    sizes = [1_000, 10_000, 100_000] if quick else [10_000, 100_000, 1_000_000]
    for size in (FEW, *sizes):
        generated("mixed", size)
    contenders = {f"{size:,}": partial(train, size) for size in (FEW, *sizes)}
    values, notes = in_turn("rows", contenders, repeats=2 if quick else 3)
    header = ["rows", "seconds", "peak MB", "seconds beyond the fixed cost", "MB beyond the fixed cost"]
    if notes:
        return listed(notes)
    fixed, *grown = values.values()
    beyond = [
        [
            median(getattr(done, what) for done in found) - median(getattr(done, what) for done in fixed)
            for found in grown
        ]
        for what in ("seconds", "megabytes")
    ]
    rows = [
        [label, figure([done.seconds for done in found]), figure([done.megabytes for done in found]), *more]
        for (label, found), more in zip(
            values.items(), [["–", "–"], *(map(significant, pair) for pair in zip(*beyond, strict=True))], strict=True
        )
    ]
    rows.append(["exponent", "", "", *(exponent(sizes, costs) for costs in beyond)])
    return table(header, rows)


def by_widths(quick: bool) -> str:
    """The table of widths."""
    widths = [64, 256, 1024] if quick else [64, 128, 256, 512, 1024, 2048, 4096]
    sizes = {width: step.Size((64, width, width, 10), 128, max(10, 20_000 // width)) for width in widths}
    contenders = {
        str(width): partial(step.measure, "bpcli", sizes[width], 1, 0.3 if quick else 1.0) for width in widths
    }
    values, notes = in_turn("widths", contenders, repeats=2 if quick else 3)
    if notes:
        return listed(notes)
    medians = [median(found) for found in values.values()]
    slopes = ["–", *(exponent(list(w), list(t)) for w, t in zip(pairwise(widths), pairwise(medians), strict=True))]
    rows = [
        [label, figure([1e6 * value for value in found]), slope]
        for (label, found), slope in zip(values.items(), slopes, strict=True)
    ]
    rows.append(["exponent", "", exponent(widths, medians)])
    return table(["width", "µs a step", "slope from the width above"], rows)


def run(quick: bool) -> str:
    """Both tables in Markdown."""
    return f"{by_rows(quick)}\n\n{by_widths(quick)}"
