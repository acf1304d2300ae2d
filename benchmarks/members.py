"""Members: a training step and a prediction of an ensemble, beside one network.

Microseconds of a whole training step (gather, forward, backward, Adam) and of predicting 1,000 rows, in NumPy on one
core, on random data in float32 with ReLU and cross-entropy. The ratio is that of an ensemble to one network.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from functools import partial
from itertools import count
from statistics import median
from time import perf_counter

import numpy as np

from benchmarks.harness import figure, in_turn, listed, module, ratio, run_child, table

SIZES = {"S": ((4, 16, 3), 16), "2×128": ((100, 128, 128, 2), 128)}
"""Widths from input to output, and rows a batch."""

MEMBERS = (1, 4, 8)

PREDICTED = 1_000
"""Rows of a prediction."""


def run(quick: bool) -> str:
    """The table in Markdown."""
    seconds = 0.2 if quick else 1.0
    contenders = {
        f"{name}, {members}": partial(measure, widths, batch, members, seconds)
        for name, (widths, batch) in SIZES.items()
        for members in MEMBERS
    }
    values, notes = in_turn("members", contenders, repeats=1 if quick else 7)
    rows = []
    for name in SIZES:
        one = values[f"{name}, 1"]
        for members in MEMBERS:
            cells = [name, str(members)]
            for place in (0, 1):
                times = [1e6 * found[place] for found in values[f"{name}, {members}"]]
                cells += [figure(times), ratio(times, [1e6 * found[place] for found in one])]
            rows.append(cells)
    head = ["network", "members", "step, µs", "to one", f"{PREDICTED:,} rows, µs", "to one"]
    return table(head, rows) + listed(notes)


def measure(widths: tuple[int, ...], batch: int, members: int, seconds: float) -> tuple[float, float]:
    """Seconds a step, and a prediction, in a process of its own."""
    arguments = {"widths": widths, "batch": batch, "members": members, "seconds": seconds}
    step, predicted = run_child(module("members", json.dumps(arguments)), 1).result
    return float(step), float(predicted)


def main(widths: list[int], batch: int, members: int, seconds: float) -> tuple[float, float]:
    """Median seconds of a step, and of a prediction."""
    from bpcli.arrays.rows import Rows
    from bpcli.data.batches import Dataset
    from bpcli.nn.ensemble import inference_of
    from bpcli.nn.layers.dense import Dense
    from bpcli.nn.losses.classification import CrossEntropy
    from bpcli.nn.network import Network
    from bpcli.nn.optimizers.adam import Adam
    from bpcli.nn.schedules.constant import Constant
    from bpcli.training.monitor import Monitor
    from bpcli.training.plan import TrainingPlan
    from bpcli.training.row_order import RowOrder
    from bpcli.training.spec import TrainingSpec
    from bpcli.training.steps.serial import SerialSteps

    generator = np.random.default_rng(0)
    x = Rows.of_numbers(generator.normal(size=(100 * batch, widths[0])).astype(np.float32))
    dataset = Dataset(x, generator.integers(0, widths[-1], 100 * batch))
    plan = TrainingPlan(
        network=Network.plan(x.signature, {}, [Dense(units=width) for width in widths[1:-1]], widths[-1]),
        loss=CrossEntropy(),
        optimizer=Adam(),
        schedule=Constant(),
        spec=TrainingSpec(batch_size=batch),
        seed=0,
        train=dataset,
        validation=None,
        score=lambda *_: {},
        monitor=Monitor("train", "loss"),
    )
    plan = replace(plan, members=tuple(range(members)))
    state = plan.new_state()
    steps, order = SerialSteps(plan, state), RowOrder(plan)
    inference = inference_of(plan.network, state.params, state.layer_state, plan.loss, np.dtype(np.float64))
    rows = Rows.of_numbers(generator.normal(size=(PREDICTED, widths[0])).astype(np.float32))
    epochs, predictions, end = [], [], perf_counter() + seconds
    with np.errstate(all="ignore"):
        for epoch in count():
            started = perf_counter()
            taken = sum(1 for _ in steps.epoch(order.of_epoch(epoch), epoch, 0))
            epochs.append((perf_counter() - started) / taken)
            started = perf_counter()
            inference.logits(rows)
            predictions.append(perf_counter() - started)
            if perf_counter() > end:
                return median(epochs), median(predictions)
    raise AssertionError("count() does not end")


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
