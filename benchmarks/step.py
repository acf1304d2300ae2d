"""A training step: microseconds, with the epoch loop around it.

Measured is everything that an epoch does, divided by its steps: shuffle, gather, forward, backward, Adam's update,
and the sum of the losses, in float32 with ReLU and cross-entropy on random data, whole batches only; for bpcli also
its checks that everything is finite and its copy of the best parameters. Not measured: starting, reading, compiling,
validation. Each figure is from processes of its own, bound to so many cores, with BLAS, OpenMP, PyTorch and XLA on as
many threads (bpcli: BLAS on one thread, and its own threads where a step is long enough). PyTorch uses a fused Adam,
JAX one jitted scan an epoch, scikit-learn `partial_fit`. `bpcli` is the base install, `bpcli fast` has numba beside it,
and the ratios are to that. The last column is the share of this machine's fastest sgemm that both reach: the
floating-point operations of a step's matrix products, divided by its time.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from benchmarks.harness import (
    Failed,
    core_counts,
    figure,
    in_turn,
    installed,
    listed,
    module,
    ratio,
    run_child,
    significant,
    table,
)

CONTENDERS = {
    "bpcli": "numpy",
    "bpcli fast": "numba",
    "scikit-learn": "sklearn",
    "PyTorch": "torch",
    "PyTorch compiled": "torch",
    "JAX": "jax",
}
CHILDREN = {
    "bpcli fast": "bpcli_fast",
    "scikit-learn": "sklearn",
    "PyTorch": "torch",
    "PyTorch compiled": "torch_compiled",
    "JAX": "jax",
}
SGEMM = "sgemm"


class Size(NamedTuple):
    """Widths from input to output, rows a batch, and steps an epoch."""

    widths: tuple[int, ...]
    batch: int
    steps: int

    @property
    def operations(self) -> int:
        """Floating-point operations of the matrix products: x W, xᵀ dz, and dz Wᵀ but for the first layer."""
        products = [n_in * n_out for n_in, n_out in pairwise(self.widths)]
        return 2 * self.batch * (3 * sum(products) - products[0])

    def __str__(self) -> str:
        return f"{'-'.join(map(str, self.widths))} batch {self.batch}"


SIZES = {
    "S": Size((4, 16, 3), 16, 1000),
    "M": Size((54, 128, 64, 7), 256, 100),
    "L": Size((784, 512, 256, 10), 128, 100),
    "XL": Size((784, 2048, 2048, 10), 512, 20),
}


def measure(contender: str, size: Size, cores: int, seconds: float) -> float:
    """Seconds a step, in a process of its own."""
    arguments = {"sizes": size.widths, "batch": size.batch, "steps": size.steps, "seconds": seconds}
    child = module("peers.step", CHILDREN.get(contender, contender), json.dumps(arguments))
    return float(run_child(child, cores).result)


def measure_sgemm(cores: int, seconds: float) -> float:
    """Floating-point operations a second."""
    return float(run_child(module("peers.step", SGEMM, json.dumps({"seconds": seconds})), cores).result)


def run(quick: bool) -> str:
    """The table in Markdown."""
    repeats, seconds = (1, 0.3) if quick else (3, 1.0)
    names, notes = installed(CONTENDERS)
    rows = []
    for cores in core_counts():
        measured, peak = {}, 0.0
        for label, size in SIZES.items():
            if quick:
                size = size._replace(steps=max(size.steps // 5, 5))
            contenders: dict[str, Callable[[], float]] = {
                name: partial(measure, name, size, cores, seconds) for name in names
            }
            contenders[SGEMM] = partial(measure_sgemm, cores, seconds)
            values, failures = in_turn(f"{label} on {cores}", contenders, repeats)
            notes += failures
            if SGEMM not in values or "bpcli" not in values:
                raise Failed("; ".join(failures))
            peak = max(peak, *values.pop(SGEMM))
            measured[f"{label} {size}"] = size, values
        for label, (size, values) in measured.items():
            own = [values[name] for name in ("bpcli", "bpcli fast") if name in values]
            cells = [_cell(values.get(name), own[-1] if values.get(name) not in own else None) for name in names]
            shares = ", ".join(f"{significant(100 * size.operations / median(times) / peak)} %" for times in own)
            rows.append([label, str(cores), *cells, f"{shares} of {peak / 1e9:.0f} GFLOP/s"])
    header = ["network", "cores", *(f"{name} µs" for name in names), "bpcli's share of sgemm"]
    return table(header, rows) + listed(notes)


def _cell(values: list[float] | None, ours: list[float] | None) -> str:
    if values is None:
        return "failed"
    shown = figure([1e6 * value for value in values])
    return shown if ours is None else f"{shown}, {ratio(values, ours)}"
