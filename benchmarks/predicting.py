"""Predicting from CSV to CSV: 1,000,000 rows of 20 numeric and 10 categorical columns, some cells empty.

Measured are wall time and peak memory of whole processes: `bpcli predict`, and a script that loads a scikit-learn
pipeline, reads with pandas, all at once or in chunks of 50,000 rows, predicts, and writes with pandas, on all cores.
Both models were trained before, on the job `mixed` (hidden layers of 128 and 64). The last column is the share of
rows for which the answer is the one that bpcli's model gives; they are two models of one table, so most should be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.harness import (
    BPCLI,
    Failed,
    Finished,
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
from benchmarks.job import bpcli_train
from benchmarks.peers.jobs import Job

PIPELINE, CHUNKED = "scikit-learn, all at once", "scikit-learn, in chunks"
CONTENDERS = {"bpcli": "numpy", PIPELINE: "sklearn", CHUNKED: "sklearn"}


@dataclass(frozen=True)
class Bench:
    """A folder with trained models in it, and the rows to predict."""

    folder: Path
    data: Path

    def train(self, contender: str, job: Job) -> None:
        """Train the contender's model."""
        if contender == "bpcli":
            run_child(bpcli_train(job, self.folder))
        else:
            run_child(module("peers.sklearn_job", str(job.save(self.folder / "job.json", self.folder / "pipeline"))))

    def measure(self, contender: str) -> Finished:
        """Predict all rows once."""
        output = self.output(contender)
        output.unlink(missing_ok=True)
        if contender == "bpcli":
            run = str(self.folder / "run")
            return run_child([BPCLI, "predict", str(self.data), "--checkpoint", run, "--output", str(output)])
        rows = "50000" if contender == CHUNKED else "0"
        return run_child(
            module("peers.sklearn_predict", str(self.folder / "pipeline"), str(self.data), str(output), rows)
        )

    def output(self, contender: str) -> Path:
        """Where a contender's predictions go."""
        return self.folder / f"{contender}.csv"

    def agreement(self, contender: str) -> float:
        """The share of rows for which a contender says what bpcli says; the files must have as many rows."""
        with self.output(contender).open() as theirs, self.output("bpcli").open() as ours:
            same = [a == b for a, b in zip(theirs, ours, strict=True)][1:]
        return sum(same) / len(same)


def run(quick: bool) -> str:
    """The table in Markdown."""
    names, notes = installed(CONTENDERS)
    count = 100_000 if quick else 1_000_000
    job = Job(str(generated("mixed", 10_000 if quick else 100_000)), "outcome", (128, 64), 128, 5)
    rows = []
    with TemporaryDirectory() as folder:
        bench = Bench(Path(folder), generated("inputs", count))
        for needed, name in {CONTENDERS[name]: name for name in names}.items():
            try:
                bench.train(name, job)
            except Failed as reason:
                notes.append(f"{name}: its training failed, {reason}")
                names = [other for other in names if CONTENDERS[other] != needed]
        contenders: dict[str, Callable[[], Finished]] = {name: partial(bench.measure, name) for name in names}
        values, failures = in_turn("predicting", contenders, repeats=2 if quick else 3)
        ours = [done.seconds for done in values.get("bpcli", [])]
        for name, found in values.items():
            seconds = [done.seconds for done in found]
            rows.append(
                [
                    f"{count:,}",
                    name,
                    figure(seconds),
                    figure([count / value for value in seconds]),
                    ratio(seconds, ours),
                    figure([done.megabytes for done in found]),
                    f"{bench.agreement(name):.1%}" if ours else "–",
                ]
            )
    header = ["rows", "", "seconds", "rows a second", "ratio", "peak MB", "agreement"]
    return table(header, rows) + listed(notes + failures)
