"""Seconds a training step, or floating-point operations a second of sgemm: a child of the benchmark `step`.

`python -m benchmarks.peers.step CONTENDER '{"sizes": [4, 16, 3], "batch": 16, "steps": 1000, "seconds": 2}'`
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

LEARNING_RATE = 1e-3
SEED = 0


def bpcli(sizes: list[int], batch: int, x: Any, y: Any) -> Callable[[], object]:
    """In NumPy alone."""
    return _bpcli(sizes, batch, x, y, compiled_from=float("inf"))


def bpcli_blas(sizes: list[int], batch: int, x: Any, y: Any) -> Callable[[], object]:
    """As `bpcli`, with BLAS's own threads in place of bpcli's."""
    return _bpcli(sizes, batch, x, y, compiled_from=float("inf"), shared_from=float("inf"))


def bpcli_fast(sizes: list[int], batch: int, x: Any, y: Any) -> Callable[[], object]:
    """As machine code where numba is installed, however short an epoch is."""
    return _bpcli(sizes, batch, x, y, compiled_from=0.0)


def _bpcli(sizes: list[int], batch: int, x: Any, y: Any, **thresholds: float) -> Callable[[], object]:
    """The training loop of `bpcli train`."""
    from bpcli.arrays.rows import Rows
    from bpcli.data.batches import Dataset
    from bpcli.nn.layers.dense import Dense
    from bpcli.nn.losses.classification import CrossEntropy
    from bpcli.nn.network import Network
    from bpcli.nn.optimizers.adam import Adam
    from bpcli.nn.schedules.constant import Constant
    from bpcli.system.blas import BlasThreads
    from bpcli.training.loop import train
    from bpcli.training.monitor import Monitor
    from bpcli.training.plan import EpochReport, TrainingPlan
    from bpcli.training.spec import TrainingSpec
    from bpcli.training.steps import choose_stepping

    if sys.argv[1] != "bpcli_blas":
        ExitStack().enter_context(BlasThreads().single())
    _, *hidden, n_out = sizes
    rows = Rows.of_numbers(x)
    plan = TrainingPlan(
        network=Network.plan(rows.signature, {}, [Dense(units=units) for units in hidden], n_out),
        loss=CrossEntropy(),
        optimizer=Adam(learning_rate=LEARNING_RATE),
        schedule=Constant(),
        spec=TrainingSpec(epochs=1_000_000, batch_size=batch),
        seed=SEED,
        train=Dataset(rows, y),
        validation=None,
        score=lambda *_: {},
        monitor=Monitor("train", "loss"),
    )
    plan = replace(plan, stepping=choose_stepping(plan, **thresholds))
    reports = (event for event in train(plan, plan.new_state()) if isinstance(event, EpochReport))
    return lambda: next(reports)


def sklearn(sizes: list[int], batch: int, x: Any, y: Any) -> Callable[[], object]:
    """`partial_fit`, which is one epoch."""
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(sizes[1:-1], batch_size=batch, learning_rate_init=LEARNING_RATE, alpha=0.0, random_state=SEED)
    classes = np.arange(sizes[-1])
    return lambda: model.partial_fit(x, y, classes=classes)


def torch(sizes: list[int], batch: int, x: Any, y: Any, compiled: bool = False) -> Callable[[], object]:
    """Eager, or with the network compiled."""
    import torch

    from benchmarks.peers.torch_network import adam, network, train_epoch

    torch.manual_seed(SEED)
    model = network(sizes)
    optimizer = adam(model, LEARNING_RATE)
    forward = torch.compile(model) if compiled else model
    tx, ty = torch.from_numpy(x), torch.from_numpy(y)
    return lambda: train_epoch(forward, optimizer, tx, ty, batch)


def torch_compiled(sizes: list[int], batch: int, x: Any, y: Any) -> Callable[[], object]:
    """PyTorch with `torch.compile`."""
    return torch(sizes, batch, x, y, compiled=True)


def jax(sizes: list[int], batch: int, x: Any, y: Any) -> Callable[[], object]:
    """A jitted scan over the batches of an epoch; the order is drawn by NumPy, which is faster at it."""
    import jax

    from benchmarks.peers.jax_network import batches, new_state, train_epoch

    state = new_state(sizes, SEED)
    generator = np.random.default_rng(SEED)
    dx, dy = jax.device_put(x), jax.device_put(y.astype(np.int32))

    def epoch() -> float:
        nonlocal state
        state, loss = train_epoch(state, dx, dy, batches(len(x), batch, generator), LEARNING_RATE)
        return float(loss)

    return epoch


CONTENDERS = {
    "bpcli": bpcli,
    "bpcli_fast": bpcli_fast,
    "bpcli_blas": bpcli_blas,
    "sklearn": sklearn,
    "torch": torch,
    "torch_compiled": torch_compiled,
    "jax": jax,
}


def seconds_per_step(contender: str, sizes: list[int], batch: int, steps: int, seconds: float) -> float:
    """The median over epochs of at least `seconds` altogether, and two at least, after one to warm up."""
    generator = np.random.default_rng(SEED)
    x = generator.standard_normal((steps * batch, sizes[0]), np.float32)
    y = generator.integers(sizes[-1], size=steps * batch)
    epoch = CONTENDERS[contender](sizes, batch, x, y)
    epoch()
    times: list[float] = []
    while len(times) < 2 or sum(times) < seconds:
        started = perf_counter()
        epoch()
        times.append(perf_counter() - started)
    return median(times) / steps


def sgemm_peak(seconds: float) -> float:
    """The most floating-point operations a second in square float32 products into an output that exists."""
    best = 0.0
    for n in (512, 1024, 2048, 3072):
        a, b, out = (np.ones((n, n), np.float32) for _ in range(3))
        until = perf_counter() + seconds / 4
        while perf_counter() < until:
            started = perf_counter()
            np.matmul(a, b, out=out)
            best = max(best, 2 * n**3 / (perf_counter() - started))
    return best


def main(contender: str, arguments: str) -> None:
    given = json.loads(arguments)
    print(sgemm_peak(**given) if contender == "sgemm" else seconds_per_step(contender, **given))


if __name__ == "__main__":
    main(*sys.argv[1:])
