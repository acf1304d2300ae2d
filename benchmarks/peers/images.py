"""Seconds a training step of a convolutional network: a child of the benchmark `convolution`.

`python -m benchmarks.peers.images '{"contender": "bpcli", "shape": [28, 28, 1], "layers": [["conv", 32, 3, "same"]],
"threads": 1, "seconds": 2}'`
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from statistics import median
from time import perf_counter, process_time
from typing import Any

import numpy as np

BATCH, CLASSES, LEARNING_RATE = 128, 10, 1e-3

Layers = Sequence[tuple[str, int, int, str]]
"""Type, filters or units or size, kernel, padding."""
Make = Callable[[Any, Any, Layers, int], Callable[[], object]]
"""Makes a step from images (rows, height, width, channels), classes, layers and threads."""


def bpcli(x: Any, y: Any, layers: Layers, threads: int, compiled_from: float = float("inf")) -> Callable[[], object]:
    """The steps of `bpcli train`: in NumPy, or as machine code from so many seconds an epoch on."""
    from bpcli.arrays.fields import Field, Grid
    from bpcli.arrays.rows import Rows
    from bpcli.data.batches import Dataset
    from bpcli.nn.layers.conv import Conv
    from bpcli.nn.layers.dense import Dense
    from bpcli.nn.layers.max_pool import MaxPool
    from bpcli.nn.losses.classification import CrossEntropy
    from bpcli.nn.network import Network
    from bpcli.nn.optimizers.adam import Adam
    from bpcli.nn.schedules.constant import Constant
    from bpcli.system.blas import BlasThreads
    from bpcli.system.threads import Crew
    from bpcli.training.monitor import Monitor
    from bpcli.training.plan import TrainingPlan
    from bpcli.training.spec import TrainingSpec
    from bpcli.training.steps import choose_stepping, steps_for

    made: list[Any] = []
    for kind, size, kernel, padding in layers:
        if kind == "conv":
            made.append(Conv.model_validate({"filters": size, "kernel": kernel, "padding": padding}))
        else:
            made.append(MaxPool(size=size) if kind == "pool" else Dense(units=size))
    rows = Rows((Field("image", Grid(x.shape[1:])),), (x,), x.dtype)
    plan = TrainingPlan(
        network=Network.plan(rows.signature, {}, made, CLASSES),
        loss=CrossEntropy(),
        optimizer=Adam(learning_rate=LEARNING_RATE),
        schedule=Constant(),
        spec=TrainingSpec(epochs=1_000_000, batch_size=len(x)),
        seed=0,
        train=Dataset(rows, y),
        validation=None,
        score=lambda *_: {},
        monitor=Monitor("train", "loss"),
    )
    plan = replace(plan, stepping=choose_stepping(plan, compiled_from=compiled_from))
    entered = ExitStack()
    entered.enter_context(BlasThreads().single())
    steps = steps_for(plan, plan.new_state(), entered.enter_context(Crew(threads)))
    order = np.arange(len(x))
    return lambda: list(steps.epoch(order, 0, 0))


def torch(x: Any, y: Any, layers: Layers, threads: int, channels_last: bool = False) -> Callable[[], object]:
    """Eager, with the fused Adam."""
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    made: list[nn.Module] = []
    for kind, size, kernel, padding in layers:
        if kind == "conv":
            made += [nn.LazyConv2d(size, kernel, padding=padding), nn.ReLU()]
        elif kind == "pool":
            made.append(nn.MaxPool2d(size))
        else:
            made += [] if any(isinstance(one, nn.Flatten) for one in made) else [nn.Flatten()]
            made += [nn.LazyLinear(size), nn.ReLU()]
    network: nn.Module = nn.Sequential(*made, nn.LazyLinear(CLASSES))
    images, target = torch.from_numpy(np.moveaxis(x, -1, 1).copy()), torch.from_numpy(y)
    network(images)
    if channels_last:
        network, images = network.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)
    optimizer, loss = torch.optim.Adam(network.parameters(), LEARNING_RATE, fused=True), nn.CrossEntropyLoss()

    def step() -> None:
        optimizer.zero_grad()
        loss(network(images), target).backward()
        optimizer.step()

    return step


def jax(x: Any, y: Any, layers: Layers, threads: int) -> Callable[[], object]:
    """A step compiled by XLA."""
    import jax
    import jax.numpy as jnp

    generator, shape = np.random.default_rng(0), x.shape[1:]
    params: list[tuple[Any, Any]] = []
    for kind, size, kernel, padding in [*layers, ("dense", CLASSES, 0, "")]:
        if kind == "pool":
            shape = (shape[0] // size, shape[1] // size, shape[2])
            continue
        fan = (kernel, kernel, shape[-1]) if kind == "conv" else (int(np.prod(shape)),)
        weight = generator.normal(0.0, (2 / np.prod(fan)) ** 0.5, (*fan, size))
        params.append((jnp.asarray(weight, jnp.float32), jnp.zeros(size)))
        lost = kernel - 1 if padding == "valid" else 0
        shape = (shape[0] - lost, shape[1] - lost, size) if kind == "conv" else (size,)

    def loss(params: Any, x: Any, y: Any) -> Any:
        given = iter(params)
        for kind, size, _, padding in layers:
            if kind == "pool":
                window = (1, size, size, 1)
                x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, window, "VALID")
                continue
            weight, bias = next(given)
            if kind == "conv":
                dimensions = ("NHWC", "HWIO", "NHWC")
                x = jax.lax.conv_general_dilated(x, weight, (1, 1), padding.upper(), dimension_numbers=dimensions)
            else:
                x = x.reshape(len(x), -1) @ weight
            x = jax.nn.relu(x + bias)
        weight, bias = next(given)
        logits = x.reshape(len(x), -1) @ weight + bias
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1).mean()

    @partial(jax.jit, donate_argnums=0)
    def update(state: Any, x: Any, y: Any) -> Any:
        params, m, v, steps = state
        grads, steps = jax.grad(loss)(params, x, y), steps + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)
        rate, correction = LEARNING_RATE / (1 - 0.9**steps), 1 - 0.999**steps
        params = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v / correction) + 1e-8), params, m, v)
        return params, m, v, steps

    images, target = jnp.asarray(x), jnp.asarray(y)
    zeros = partial(jax.tree.map, jnp.zeros_like)
    state = [(params, zeros(params), zeros(params), jnp.zeros((), jnp.int32))]

    def step() -> None:
        state[0] = jax.block_until_ready(update(state[0], images, target))

    return step


CONTENDERS: dict[str, Make] = {
    "bpcli": bpcli,
    "bpcli[fast]": partial(bpcli, compiled_from=0.0),
    "PyTorch": torch,
    "PyTorch channels last": partial(torch, channels_last=True),
    "JAX": jax,
}


def main(contender: str, shape: list[int], layers: Layers, threads: int, seconds: float) -> float:
    """Median seconds of a step: CPU time on one thread, else wall time."""
    clock = process_time if threads == 1 else perf_counter
    generator = np.random.default_rng(0)
    x = generator.normal(size=(BATCH, *shape)).astype(np.float32)
    step = CONTENDERS[contender](x, generator.integers(0, CLASSES, BATCH), layers, threads)
    for _ in range(2):
        step()
    times, end = [], perf_counter() + seconds
    while perf_counter() < end or len(times) < 5:
        started = clock()
        step()
        times.append(clock() - started)
    return median(times)


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
