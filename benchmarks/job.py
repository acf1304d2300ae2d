"""A whole job: from typing the command to a saved and evaluated model.

Measured are wall time and peak memory of a process that starts, reads a table, splits it within the classes (70 %
training, 10 % validation, 20 % test), imputes, scales and one-hot encodes, trains a fixed number of epochs with Adam
(learning rate 0.001, no penalty, no early stopping), computes a validation score each epoch, keeps the best
parameters, evaluates them on the test rows and saves them: `bpcli train`, and the scripts in `benchmarks/peers/`.
bpcli also writes its run directory: config, a line of metrics an epoch, summary, and a second checkpoint to resume
from. Features, hidden layers, batches and epochs are the same; initial weights and the rows in each split are not, so
that the accuracies agree but for chance. Each process is bound to so many cores, with as many threads for every
library.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.harness import (
    BPCLI,
    ROOT,
    Failed,
    core_counts,
    figure,
    generated,
    in_turn,
    installed,
    listed,
    module,
    ratio,
    run_child,
    table,
)
from benchmarks.peers.jobs import Job

CONTENDERS = {"bpcli": "numpy", "scikit-learn": "sklearn", "PyTorch": "torch", "JAX": "jax"}


class Outcome(NamedTuple):
    """Of one process."""

    seconds: float
    megabytes: float
    accuracy: float


def jobs(quick: bool) -> dict[str, Job]:
    """The jobs by what the table calls them."""
    rows = 10 if quick else 1
    shipped = ROOT / "datasets"
    found = {
        "letters 20,000 × 16, 26 classes": Job(str(generated("letters", 20_000 // rows)), "letter", (128, 64), 128, 20),
        "mixed 100,000 × 30": Job(str(generated("mixed", 100_000 // rows)), "outcome", (128, 64), 128, 10),
        "digits 1,797 × 64": Job(str(shipped / "digits_8x8.npz"), "y", (128, 64), 32, 50),
        "penguins 344 × 6": Job(str(shipped / "penguins.csv"), "species", (32, 16), 32, 100, exclude=("year",)),
    }
    if quick:
        found = {f"{name}, a fraction": replace(job, epochs=job.epochs // 5) for name, job in found.items()}
    return found


def measure(contender: str, job: Job, cores: int) -> Outcome:
    """Do a job once."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if contender == "bpcli":
            done = run_child(bpcli_train(job, folder), cores)
            accuracy = json.loads(done.output)["test"]["accuracy"]
        else:
            name = {"scikit-learn": "sklearn", "PyTorch": "torch", "JAX": "jax"}[contender]
            spec = job.save(folder / "job.json", output=folder / "model")
            done = run_child(module(f"peers.{name}_job", str(spec)), cores)
            accuracy = done.result["accuracy"]
            if done.result["epochs"] != job.epochs:
                raise Failed(f"trained {done.result['epochs']} epochs, not {job.epochs}")
    return Outcome(done.seconds, done.megabytes, accuracy)


def bpcli_train(job: Job, folder: Path) -> list[str]:
    """The command that does a job with bpcli, in a run directory `run` in the folder."""
    config = folder / "job.yaml"
    config.write_text(json.dumps(job.config()))  # JSON is YAML
    return [BPCLI, "train", str(config), "--run-dir", str(folder / "run"), "--no-cache", "--json"]


def run(quick: bool) -> str:
    """The table in Markdown."""
    names, notes = installed(CONTENDERS)
    rows = []
    for label, job in jobs(quick).items():
        for cores in core_counts():
            contenders: dict[str, Callable[[], Outcome]] = {name: partial(measure, name, job, cores) for name in names}
            values, failures = in_turn(f"{label} on {cores}", contenders, repeats=2 if quick else 3)
            notes += failures
            ours = [outcome.seconds for outcome in values.get("bpcli", [])]
            for name, outcomes in values.items():
                seconds = [outcome.seconds for outcome in outcomes]
                rows.append(
                    [
                        label,
                        str(cores),
                        name,
                        figure(seconds),
                        ratio(seconds, ours),
                        figure([outcome.megabytes for outcome in outcomes]),
                        f"{outcomes[0].accuracy:.3f}",
                    ]
                )
    return table(["job", "cores", "", "seconds", "ratio", "peak MB", "test accuracy"], rows) + listed(notes)
