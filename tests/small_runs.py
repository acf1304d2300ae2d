"""A small experiment of two classes, whose runs are trained, stopped and tampered with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from checkpoints import forged
from experiments import after, taken_so, ticking, write_csv

from bpcli.config.loading import load_config
from bpcli.experiment.prepare import prepare
from bpcli.jobs.pace import Pace
from bpcli.jobs.resume import resume_state
from bpcli.jobs.runner import Runner
from bpcli.jobs.training import train
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.run_directory import RunDirectory
from bpcli.training.stepping import Stepping

CONFIG = {
    "name": "small",
    "data": {"path": "t.csv", "target": "y"},
    "layers": [{"units": 5}, {"type": "batch_norm"}, {"type": "dropout", "rate": 0.2}],
    "optimizer": {"type": "adam", "learning_rate": 0.02},
    "training": {"epochs": 6, "batch_size": 8},
}
STEPS = 4
"""Steps of an epoch: 28 training rows in batches of 8. An epoch asks at each step whether to stop, twice at its end."""


def experiment(folder: Path) -> Path:
    """Write the experiment's config and data into a folder."""
    numbers = np.random.default_rng(0).normal(size=(2, 40))
    write_csv(folder / "t.csv", {"a": numbers[0], "b": numbers[1], "y": [f"c{int(a > b)}" for a, b in numbers.T]})
    (folder / "c.json").write_text(json.dumps(CONFIG))
    return folder


def trained(folder: Path, *settings: str) -> Path:
    """Train the experiment of a folder in its subfolder `run`."""
    return train(folder / "c.json", settings, run_dir=folder / "run", threads=1).path


def partly_trained(folder: Path, calls: int, *settings: str, stepping: Stepping | None = None) -> Path:
    """A run that was stopped at the call number `calls` for whether to stop, and resumed if there was one."""
    directory, old = RunDirectory(folder / "run"), (folder / "run").exists()
    loaded = load_config(directory.config if old else folder / "c.json", settings)
    prepared = prepare(loaded.config, loaded.folder)
    prepared = prepared if stepping is None else taken_so(prepared, stepping)
    directory = directory if old else RunDirectory.create(folder / "run")
    list(Runner(prepared, directory, resume_state(prepared, directory) if old else None).run(after(calls)))
    return directory.path


def cut_short(folder: Path) -> tuple[Path, int, int]:
    """A run that a time limit ended within an epoch; with the number of whole epochs, and of steps."""
    run = folder / "run"
    for limit in range(16, 60):  # seconds of a clock that moves by one at each look
        loaded = load_config(folder / "c.json", [f"training.max_time={limit}"])
        pace = Pace(clock=ticking())
        list(Runner(prepare(loaded.config, loaded.folder), RunDirectory.create(run), pace=pace).run())
        last = Checkpoint.load(run / "checkpoints/last.safetensors").header
        assert last.counters is not None
        epoch, steps = last.counters["epoch"], last.optimizer_steps
        if epoch * STEPS < steps:
            assert last.counters["stop"] == "max_time"
            assert last.counters["step"] == steps - epoch * STEPS
            return run, epoch, steps
        shutil.rmtree(run)
    raise AssertionError("no limit ends within an epoch")


def cut_short_before(folder: Path) -> tuple[Path, int, int]:
    """A run as `cut_short`, as earlier versions left it, which counted the epoch as a whole one, with its metrics."""
    run, epoch, steps = cut_short(folder)
    header = Checkpoint.load(run / "checkpoints/last.safetensors").header
    counted = {"epoch": epoch + 1, "step": 0, "loss_sum": 0.0, "weight_sum": 0.0}
    change_header(run, "last", counters={**(header.counters or {}), **counted})
    line = {**record(run, epoch), "epoch": epoch + 1}
    with (run / "metrics.jsonl").open("a") as file:
        file.write(f"{json.dumps(line)}\n")
    return run, epoch, steps


def record(run: Path, epoch: int) -> dict[str, Any]:
    """The line of an epoch in metrics.jsonl."""
    return json.loads((run / "metrics.jsonl").read_text().splitlines()[epoch - 1])


def change_epoch(run: Path, epoch: int, **values: Any) -> None:
    """Change values of an epoch in metrics.jsonl."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    lines[epoch - 1].update(values)
    (run / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def change_header(run: Path, name: str, **values: Any) -> None:
    """Change values of a checkpoint's header."""
    path = run / f"checkpoints/{name}.safetensors"
    path.write_bytes(forged(path.read_bytes(), lambda header, tensors: header.update(values)))


def nudge_weights(run: Path, name: str) -> None:
    """Change the last bit of the first weights of a checkpoint."""

    def nudge(header: dict[str, Any], tensors: dict[str, Any]) -> None:
        tensors["layers.0.weight"] = np.nextafter(tensors["layers.0.weight"], np.float32(9))

    path = run / f"checkpoints/{name}.safetensors"
    path.write_bytes(forged(path.read_bytes(), nudge))
