"""A small experiment with shards, and the bits of its runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from small_runs import CONFIG, experiment

from bpcli.storage.checkpoint import Checkpoint

SHARDED: dict[str, Any] = {
    **CONFIG,
    "layers": [{"units": 5}, {"type": "layer_norm"}, {"type": "dropout", "rate": 0.2}],
    "training": {"epochs": 4, "batch_size": 8, "shards": 4, "baselines": False},
}


def sharded(folder: Path, **training: Any) -> Path:
    experiment(folder)
    config = {**SHARDED, "training": {**SHARDED["training"], **training}}
    (folder / "c.json").write_text(json.dumps(config))
    return folder / "c.json"


def bits(run: Path) -> list[Any]:
    """Everything that must be the same for any number of ranks."""
    found: list[Any] = []
    for path in sorted((run / "checkpoints").iterdir()):
        checkpoint = Checkpoint.load(path)
        found += [(path.name, name, vector.tobytes()) for name, vector in sorted(checkpoint.vectors.items())]
        counters = dict(checkpoint.header.counters or {})
        counters.pop("seconds", None)
        found.append(counters)
    timed = {"seconds", "rows_per_second"}
    for line in (run / "metrics.jsonl").read_text().splitlines():
        found.append({name: value for name, value in json.loads(line).items() if name not in timed})
    return found
