"""Ranks: the exchange of gradients, and training by one and by two processes.

The first table is of `bpcli ranks --measure`: least microseconds in which two processes of this machine sum a vector
of float32, by the tree of `training.shards`, and by MPI's own Allreduce, whose order of additions depends on library,
size and number of processes. The second is of `bpcli train` on 16,384 random rows in batches of 1,024, 784-512-256-10,
ReLU, cross-entropy, Adam, float32: milliseconds a step, from the fastest epoch (so that a busy neighbour counts least),
without validation rows.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.harness import BPCLI, CORES, figure, in_turn, listed, table

ROWS, BATCH, SHARDS = 16_384, 1024, 8


def write_experiment(folder: Path) -> Path:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(ROWS, 784)).astype(np.float32)
    np.savez(folder / "rows.npz", X=x, y=generator.integers(0, 10, ROWS))
    config = {
        "data": {"path": "rows.npz", "target": "y", "split": {"validation": 0, "test": 0}},
        "layers": [{"units": 512}, {"units": 256}],
        "training": {"epochs": 20, "batch_size": BATCH, "baselines": False},
    }
    path = folder / "large.json"
    path.write_text(json.dumps(config))
    return path


def train(config: Path, *options: str) -> float:
    """Seconds a step."""
    with TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        command = [BPCLI, "train", str(config), "--run-dir", str(run), "--quiet", *options]
        subprocess.run(command, check=True, capture_output=True, text=True)
        records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    ends = [0.0, *(record["seconds"] for record in records)]
    return min(end - start for start, end in pairwise(ends)) / (ROWS // BATCH)


def exchange_table(ranks: int) -> str:
    command = [BPCLI, "ranks", "--measure", "--ranks", str(ranks), "--json"]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    rows = [
        [
            f"{of['bytes']:,}",
            f"{1e6 * of['tree']:,.1f}",
            f"{1e6 * of['allreduce']:,.1f}",
            f"{of['tree'] / of['allreduce']:.2f}",
        ]
        for of in found["times"]
    ]
    return table(["bytes", f"tree µs, {found['measured']}", "Allreduce µs", "tree / Allreduce"], rows)


def run(quick: bool) -> str:
    """The tables in Markdown."""
    repeats = 1 if quick else 3
    with TemporaryDirectory() as folder:
        config = write_experiment(Path(folder))
        shards = ("--set", f"training.shards={SHARDS}")
        contenders: dict[str, Callable[[], float]] = {
            "no shards, 1 thread": partial(train, config, "--threads", "1"),
            f"no shards, {len(CORES)} threads": partial(train, config),
            f"{SHARDS} shards, 1 process": partial(train, config, *shards),
            f"{SHARDS} shards, 1 rank": partial(train, config, *shards, "--ranks", "1"),
            f"{SHARDS} shards, 2 ranks": partial(train, config, *shards, "--ranks", "2"),
        }
        values, notes = in_turn("large", contenders, repeats)
    one = min(values.get(f"{SHARDS} shards, 1 rank", [float("nan")]))
    rows = [
        [name, figure([1e3 * value for value in found]), f"{1e3 * min(found):.1f}", f"{one / min(found):.2f}"]
        for name, found in values.items()
    ]
    header = ["way", "ms a step", "least", "speed, of 1 rank (least)"]
    return exchange_table(2) + "\n\n" + table(header, rows) + listed(notes)
