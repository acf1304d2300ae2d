"""Convolutions: a training step, in milliseconds of CPU time on one thread.

Forward, backward and Adam on a batch of 128 random images in float32, with ReLU and cross-entropy; bpcli in NumPy,
without compiled steps. The kernels are 3 × 3 with same padding in LeNet 32-64 and VGG, 5 × 5 in LeNet-5.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter, process_time
from typing import Any

import numpy as np

from benchmarks.harness import Failed, figure, in_turn, installed, listed, module, ratio, run_child, table

BATCH, CLASSES = 128, 10

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

CONTENDERS = {"bpcli": "numpy", "PyTorch": "torch"}


def run(quick: bool) -> str:
    """The table in Markdown."""
    seconds = 0.5 if quick else 3.0
    names, notes = installed(CONTENDERS)
    rows = []
    for network in NETWORKS:
        contenders = {name: partial(measure, name, network, seconds) for name in names}
        values, failures = in_turn(network, contenders, repeats=1 if quick else 5)
        notes += failures
        if not values.get("bpcli"):
            raise Failed("; ".join(failures))
        own = [1e3 * value for value in values["bpcli"]]
        peer = [1e3 * value for value in values.get("PyTorch", [])]
        rows.append([network, figure(own), *([figure(peer), ratio(peer, own)] if peer else ["–", "–"])])
    return table(["network", "bpcli, ms", "PyTorch, ms", "to bpcli"], rows) + listed(notes)


def measure(contender: str, network: str, seconds: float) -> float:
    """CPU seconds of a step, in a process of its own."""
    child = module("convolution", json.dumps({"contender": contender, "network": network, "seconds": seconds}))
    return float(run_child(child, 1, pinned=False).result)


def main(contender: str, network: str, seconds: float) -> float:
    """Median CPU seconds of a step."""
    shape, layers = NETWORKS[network]
    generator = np.random.default_rng(0)
    x = generator.normal(size=(BATCH, *shape)).astype(np.float32)
    y = generator.integers(0, CLASSES, BATCH)
    step = {"bpcli": _bpcli, "PyTorch": _torch}[contender](x, y, layers)
    for _ in range(2):
        step()
    times, end = [], perf_counter() + seconds
    while perf_counter() < end or len(times) < 5:
        started = process_time()
        step()
        times.append(process_time() - started)
    return median(times)


def _bpcli(x: Any, y: Any, layers: list[tuple[str, int, int, str]]) -> Callable[[], object]:
    from bpcli.arrays.fields import Field, Grid
    from bpcli.nn.batch_pass import BatchPass
    from bpcli.nn.layers import Conv, Dense, MaxPool, Position
    from bpcli.nn.losses import CrossEntropy
    from bpcli.nn.network import Network
    from bpcli.nn.optimizers import Adam, Update
    from bpcli.randomness import Stream

    made: list[Any] = []
    for kind, size, kernel, padding in layers:
        if kind == "conv":
            made.append(Conv.model_validate({"filters": size, "kernel": kernel, "padding": padding}))
        else:
            made.append(MaxPool(size=size) if kind == "pool" else Dense(units=size))
    network = Network.plan((Field("image", Grid(x.shape[1:])),), {}, made, CLASSES)
    params, state = network.initialize(0, x.dtype)
    grads, rule = np.empty_like(params), Adam()
    bound, bound_state, bound_grads = network.bind(params), network.bind_state(state), network.bind(grads)
    through, position = BatchPass(network, CrossEntropy(), len(x), x.dtype), Position(Stream(0, "dropout"))
    update, optimizer = Update(rule, network.layout, x.dtype), rule.init(params.size, x.dtype)
    parts = update.parts(params[None], grads[None], optimizer)
    target = np.eye(CLASSES, dtype=x.dtype)[y]

    def step() -> None:
        through.value(through.forward(bound, bound_state, (x,), position), target, None)
        through.backward(bound, bound_grads)
        update.take(parts, 1e-3, optimizer)

    return step


def _torch(x: Any, y: Any, layers: list[tuple[str, int, int, str]]) -> Callable[[], object]:
    import torch
    from torch import nn

    torch.set_num_threads(1)
    made: list[nn.Module] = []
    for kind, size, kernel, padding in layers:
        if kind == "conv":
            made += [nn.LazyConv2d(size, kernel, padding=padding), nn.ReLU()]
        elif kind == "pool":
            made.append(nn.MaxPool2d(size))
        else:
            made += [*([] if any(isinstance(one, nn.Flatten) for one in made) else [nn.Flatten()])]
            made += [nn.LazyLinear(size), nn.ReLU()]
    network = nn.Sequential(*made, nn.LazyLinear(CLASSES))
    images, target = torch.from_numpy(np.moveaxis(x, -1, 1).copy()), torch.from_numpy(y)
    network(images)
    optimizer, loss = torch.optim.Adam(network.parameters(), 1e-3, fused=True), nn.CrossEntropyLoss()

    def step() -> None:
        optimizer.zero_grad()
        loss(network(images), target).backward()
        optimizer.step()

    return step


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
