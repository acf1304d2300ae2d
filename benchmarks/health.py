"""Health: what it costs to look at every layer at the end of each epoch.

The processor's time of training with and without that, in turn, on a single core: the copy of the parameters before
the last step, norms and ratios, the forward pass over a sample of rows, and, for whole commands, what is written of
them and the diagnosis. Without it, nothing is copied, looked at or written. The cost is the difference of the medians;
`inside` is the time spent on looking at layers, by the clock, as a share of training, which noise disturbs less.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

from benchmarks.harness import PYTHON, ROOT, in_turn, listed, module, run_child, significant, table

PLANS = {
    "784-512-256-10, batch 128, 2,000 rows": {"widths": [784, 512, 256, 10], "batch": 128, "rows": 2_000, "epochs": 5},
    "784-512-256-10, batch 128, 20,000 rows": {
        "widths": [784, 512, 256, 10],
        "batch": 128,
        "rows": 20_000,
        "epochs": 1,
    },
    "54-128-64-7, batch 256, 10,000 rows": {"widths": [54, 128, 64, 7], "batch": 256, "rows": 10_000, "epochs": 10},
    "fashion": {"config": "fashion", "epochs": 4},
    "credit": {"config": "credit", "epochs": 20},
    "digits": {"config": "digits", "epochs": 40},
    "penguins": {"config": "penguins", "epochs": 100},
    "xor": {"config": "xor", "epochs": 500},
}
COMMANDS = ("fashion", "credit", "digits", "penguins", "xor")

WITHOUT = """
from bpcli.jobs import runner
from bpcli.training.health import HealthCheck
from bpcli.training.steps.base import Steps

HealthCheck.look = lambda self, epoch: ()
Steps.remember = lambda self, epoch, step: None
runner.diagnose = lambda *_: []
"""
COMMAND = """
import sys, time
{patch}
from bpcli.__main__ import run
try:
    run()
finally:
    print(time.process_time())
"""


def plan_of(given: dict[str, Any]) -> Any:
    """A training plan: that of a shipped config, or one for random data."""
    import numpy as np

    from bpcli.config.loading import load_config
    from bpcli.experiment.prepare import prepare
    from bpcli.training.spec import TrainingSpec

    if "config" in given:
        changes = ["training.early_stopping=null", "training.goal=null", f"training.epochs={given['epochs']}"]
        loaded = load_config(ROOT / f"configs/{given['config']}.yaml", changes)
        return prepare(loaded.config, loaded.folder).plan
    from bpcli.arrays.rows import Rows
    from bpcli.data.batches import Dataset
    from bpcli.nn.layers.dense import Dense
    from bpcli.nn.losses.classification import CrossEntropy
    from bpcli.nn.network import Network
    from bpcli.nn.optimizers.adam import Adam
    from bpcli.nn.schedules.constant import Constant
    from bpcli.training.monitor import Monitor
    from bpcli.training.plan import TrainingPlan
    from bpcli.training.steps import choose_stepping

    generator = np.random.default_rng(0)
    n_in, *hidden, n_out = given["widths"]
    x = generator.normal(size=(given["rows"], n_in)).astype(np.float32)
    rows = Rows.of_numbers(x)
    plan = TrainingPlan(
        network=Network.plan(rows.signature, {}, [Dense(units=units) for units in hidden], n_out),
        loss=CrossEntropy(),
        optimizer=Adam(),
        schedule=Constant(),
        spec=TrainingSpec(epochs=given["epochs"], batch_size=given["batch"]),
        seed=0,
        train=Dataset(rows, generator.integers(0, n_out, len(x))),
        validation=None,
        score=lambda *_: {},
        monitor=Monitor("train", "loss"),
    )
    return replace(plan, stepping=choose_stepping(plan))


def main() -> None:
    """The child: train in turn with, without, and with a clock inside; print the times of each."""
    from bpcli.system.blas import BlasThreads
    from bpcli.training.health import HealthCheck
    from bpcli.training.loop import train
    from bpcli.training.steps.base import Steps

    given, repeats = json.loads(sys.argv[1]), int(sys.argv[2])
    look, remember = HealthCheck.look, Steps.remember
    spent = [0.0]

    def clocked(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            started = perf_counter()
            result = function(*arguments)
            spent[0] += perf_counter() - started
            return result

        return call

    ways: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
        "with": (look, remember),
        "without": (lambda self, epoch: (), lambda self, epoch, step: None),
    }
    times: dict[str, list[float]] = {name: [] for name in (*ways, "inside")}
    with BlasThreads().single():
        plan = plan_of(given)
        for repeat in range(repeats + 1):
            for name, (HealthCheck.look, Steps.remember) in ways.items():  # type: ignore[method-assign]
                started = process_time()
                list(train(plan, plan.new_state(), threads=1))
                if repeat:  # the first warms up
                    times[name].append(process_time() - started)
            HealthCheck.look = clocked(look)  # type: ignore[method-assign]
            # Most calls of it do nothing, and a clock would cost more than they do.
            spent[0], started = 0.0, perf_counter()
            list(train(plan, plan.new_state(), threads=1))
            times["inside"].append(spent[0] / (perf_counter() - started))
    print(json.dumps(times))


def command(config: str, patch: str) -> float:
    """The processor's seconds of `bpcli train`."""
    with TemporaryDirectory() as folder:
        arguments = ["train", f"configs/{config}.yaml", "--run-dir", str(Path(folder) / "run"), "--quiet"]
        child = [PYTHON, "-c", COMMAND.format(patch=patch), *arguments]
        return float(run_child(child, cores=1).output.splitlines()[-1])


def run(quick: bool) -> str:
    """The table in Markdown."""
    rows = []
    for name, given in PLANS.items():
        print(f"health: {name}", file=sys.stderr, flush=True)
        times = run_child(module("health", json.dumps(given), "3" if quick else "9"), cores=1).result
        inside = f"{100 * median(times['inside']):.2f} %"
        rows.append([name, *_cells(times["with"], times["without"], given["epochs"]), inside])
    notes = []
    for name in COMMANDS:
        contenders = {"with": partial(command, name, ""), "without": partial(command, name, WITHOUT)}
        values, failures = in_turn(f"health: bpcli train {name}", contenders, 3 if quick else 9)
        notes += failures
        if not failures:
            rows.append([f"`bpcli train configs/{name}.yaml`", *_cells(values["with"], values["without"]), "–"])
    header = ["training", "with, ms", "without, ms", "cost", "µs an epoch", "inside"]
    return table(header, rows) + listed(notes)


def _cells(given: list[float], without: list[float], epochs: int | None = None) -> list[str]:
    cost = median(given) - median(without)
    return [
        significant(1e3 * median(given)),
        significant(1e3 * median(without)),
        f"{100 * cost / median(without):.1f} %",
        "–" if epochs is None else significant(1e6 * cost / epochs),
    ]


if __name__ == "__main__":
    main()
