"""Convolutions: a training step on a batch of 128 random images, in milliseconds.

Forward, backward and Adam in float32, with ReLU and cross-entropy. The kernels are 3 × 3 with same padding in LeNet
32-64 and VGG, 5 × 5 in LeNet-5. On one thread, the time is CPU time, which other programs on the machine change less;
on several it is wall time, of the first network alone. `bpcli[fast]`: steps compiled by numba, after compilation.
"""

from __future__ import annotations

import json
from functools import partial

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
    table,
)

NETWORKS: dict[str, tuple[tuple[int, int, int], list[tuple[str, int, int, str]]]] = {
    "LeNet 32-64, 28 × 28 × 1": (
        (28, 28, 1),
        [
            ("conv", 32, 3, "same"),
            ("pool", 2, 0, ""),
            ("conv", 64, 3, "same"),
            ("pool", 2, 0, ""),
            ("dense", 128, 0, ""),
        ],
    ),
    "LeNet-5, 28 × 28 × 1": (
        (28, 28, 1),
        [
            *(("conv", 6, 5, "same"), ("pool", 2, 0, ""), ("conv", 16, 5, "valid"), ("pool", 2, 0, "")),
            *(("dense", 120, 0, ""), ("dense", 84, 0, "")),
        ],
    ),
    "VGG 32-32-64-64, 32 × 32 × 3": (
        (32, 32, 3),
        [
            *(("conv", 32, 3, "same"), ("conv", 32, 3, "same"), ("pool", 2, 0, "")),
            *(("conv", 64, 3, "same"), ("conv", 64, 3, "same"), ("pool", 2, 0, ""), ("dense", 128, 0, "")),
        ],
    ),
}
"""Shape of an image, and the layers: type, filters or units or size, kernel, padding."""

CONTENDERS = {
    "bpcli": "numpy",
    "bpcli[fast]": "numba",
    "PyTorch": "torch",
    "PyTorch channels last": "torch",
    "JAX": "jax",
}


def run(quick: bool) -> str:
    """The table in Markdown."""
    seconds = 0.5 if quick else 2.0
    names, notes = installed(CONTENDERS)
    rows = []
    for index, network in enumerate(NETWORKS):
        for threads in core_counts() if index == 0 else [1]:
            contenders = {name: partial(measure, name, network, threads, seconds) for name in names}
            values, failures = in_turn(f"{network}, threads: {threads}", contenders, repeats=1 if quick else 3)
            notes += failures
            if not values.get("bpcli"):
                raise Failed("; ".join(failures))
            own = values["bpcli"]
            cells = [_cell(values.get(name, []), own) for name in CONTENDERS]
            rows.append([network, f"{threads}, {'CPU' if threads == 1 else 'wall'}", *cells])
    header = ["network", "threads, time", *(f"{name}, ms" for name in CONTENDERS)]
    return table(header, rows) + listed(notes)


def _cell(seconds: list[float], own: list[float]) -> str:
    if not seconds:
        return "–"
    shown = figure([1e3 * value for value in seconds])
    return shown if seconds is own else f"{shown}, {ratio(seconds, own)}"


def measure(contender: str, network: str, threads: int, seconds: float) -> float:
    """Seconds of a step, in a process of its own."""
    shape, layers = NETWORKS[network]
    what = {"contender": contender, "shape": shape, "layers": layers, "threads": threads, "seconds": seconds}
    return float(run_child(module("peers.images", json.dumps(what)), threads, pinned=False).result)
