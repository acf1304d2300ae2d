"""Make the folder 0.1: runs of version 0.1.0 on small data, what they predict, and what the broken off ones end in.

Run by hand, once, by the version named above; later versions must read the files as they are:

    python tests/golden/make_0_1.py

The folder holds `data`, `finished` and `broken_off`, whose runs name their data relative to themselves, and
`expected.json`: the environment; the arguments with which runs go on, and the bits that they then end in.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from make_bits import ARITHMETIC, EXPERIMENTS, PINS, ROOT, bits, bpcli, prediction, write_data
from safetensors import safe_open

HERE = Path(__file__).parent
WORK = Path("/tmp/bpcli-0.1")  # stands in the checkpoints
ROWS = 240

FINISHED: dict[str, dict[str, Any]] = {
    "adadelta_quantile": {},
    "adagrad_huber_layer_norm": {},
    "adam_hinge_two_classes": {},
    "adam_labels": {},
    "adamw_hinge_classes": {},
    "codes_for_one_hot": {"layers": [{"units": 2}], "optimizer": "sgd"},
    "images_of_more_axes": {"layers": [{"units": 4}, "batch_norm"]},
    "nadam_several_numbers_weighted": {},
    "poisson_counts_stops_early": {},
    "rmsprop_mae_float64": {},
    "rprop_full_batch": {},
    "sgd_clip_norm_batch_norm": {},
    "stopped_by_health": {},
}
"""Changes of the experiments in bits.yaml, which keep files small."""

SHORT = ("penguins", "xor")
"""Of the shipped experiments; with more epochs they go on."""

_LONG = {"epochs": 20, "batch_size": 20, "checkpoint_every": {"steps": 5}}
BROKEN_OFF: dict[str, tuple[signal.Signals, dict[str, Any]]] = {
    "sgd_clip_norm_batch_norm": (signal.SIGKILL, {"training": _LONG}),
    "sgd_penalties_dropout_balanced": (signal.SIGKILL, {"training": _LONG | {"class_weights": "balanced"}}),
    "nadam_several_numbers_weighted": (signal.SIGTERM, {"training": _LONG}),
    "rmsprop_mae_float64": (signal.SIGTERM, {"training": _LONG}),
    "rprop_full_batch": (signal.SIGTERM, {"training": _LONG | {"batch_size": "full"}}),
    "adam_labels": (signal.SIGTERM, {"training": _LONG | {"early_stopping": {"patience": 15}}}),
    "compiled_codes": (
        signal.SIGTERM,
        {
            "layers": [{"units": 2}] * 5,
            "training": {"epochs": 6, "batch_size": 1, "checkpoint_every": {"steps": 1000}},
        },
    ),
}


def write_config(name: str, changes: dict[str, Any]) -> str:
    path = WORK / "data" / f"{name}.yaml"
    if name in EXPERIMENTS:
        path.write_text(json.dumps(EXPERIMENTS[name] | changes))
    else:
        path.write_text((ROOT / "configs" / path.name).read_text().replace("../datasets/", ""))
    return path.name


def data_of(run: Path) -> Path:
    """The file that a run was trained on."""
    (line,) = (line for line in (run / "config.yaml").read_text().splitlines() if line.startswith("  path: "))
    return run / line.split()[-1]


def train(runs: dict[Path, list[str]]) -> None:
    """Train all, and predict."""
    quiet = ["--quiet", "--no-cache"]
    bpcli([["train", *options, "--run-dir", str(run), *quiet] for run, options in runs.items()], WORK / "data")
    bpcli([prediction(run, str(data_of(run))) for run in runs], WORK)


def break_off(config: str, run: Path, by: signal.Signals) -> None:
    """Train until a checkpoint lies within the third epoch or a later one, and send a signal."""
    command = [sys.executable, "-m", "bpcli", "train", config, "--run-dir", str(run), "--quiet", "--no-cache"]
    process = subprocess.Popen(command, cwd=WORK / "data", env={**os.environ, **PINS}, stdout=subprocess.DEVNULL)
    while (counters(run).get("epoch") or 0) < 3:
        assert process.poll() is None, "it ended by itself"
        time.sleep(0.001)
    process.send_signal(by)
    assert process.wait() in (-by, 128 + by)
    assert counters(run)["stop"] is None


def counters(run: Path) -> dict[str, Any]:
    """Where the last checkpoint stands."""
    last = run / "checkpoints" / "last.safetensors"
    if not last.exists():
        return {}
    with safe_open(last, "numpy") as file:
        found: dict[str, Any] = json.loads(file.metadata()["bpcli"])["counters"]
    return found


def go_on(runs: dict[Path, list[str]]) -> dict[str, Any]:
    """How copies of the runs end."""
    copies = {run: WORK / "copies" / f"{run.parent.name}_{run.name}" for run in runs}
    for run, copy in copies.items():
        shutil.copytree(run, copy)
    bpcli([["train", "--resume", str(copies[run]), *options, "--quiet"] for run, options in runs.items()], WORK)
    bpcli([prediction(copy, str(data_of(copy))) for copy in copies.values()], WORK)
    return {
        f"{run.parent.name}/{run.name}": {"with": runs[run], "epochs": summary(copy)["epochs"], "bits": bits(copy)}
        for run, copy in copies.items()
    }


def summary(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "summary.json").read_text())
    return found


def main() -> None:
    shutil.rmtree(WORK, ignore_errors=True)
    (WORK / "data").mkdir(parents=True)
    write_data(WORK / "data", ROWS)
    finished, broken_off, whole = WORK / "finished", WORK / "broken_off", WORK / "whole"
    short = {finished / name: [write_config(name, {}), "--set", "training.epochs=30"] for name in SHORT}
    train(short | {finished / name: [write_config(name, changes)] for name, changes in FINISHED.items()})
    for name, (by, changes) in BROKEN_OFF.items():
        break_off(write_config(name, changes), broken_off / name, by)
    train({whole / name: [write_config(name, changes)] for name, (_, changes) in BROKEN_OFF.items()})
    runs = {run: ["--set", "training.epochs=60"] for run in short} | {broken_off / name: [] for name in BROKEN_OFF}
    expected = go_on(runs)
    for name in BROKEN_OFF:
        assert expected[f"broken_off/{name}"]["bits"] == bits(whole / name), name
    versions = summary(broken_off / "compiled_codes")["versions"]
    assert versions["bpcli"] == "0.1.0"
    environment = {key: versions[key] for key in (*ARITHMETIC, "numba")}
    (WORK / "expected.json").write_text(json.dumps({"environment": environment, "runs": expected}, indent=1) + "\n")
    used = {data_of(run).name for folder in (finished, broken_off) for run in folder.iterdir()}
    for path in (WORK / "data").iterdir():
        if path.name not in used:
            path.unlink()
    shutil.rmtree(whole)
    shutil.rmtree(WORK / "copies")
    shutil.rmtree(HERE / "0.1", ignore_errors=True)
    shutil.move(WORK, HERE / "0.1")


if __name__ == "__main__":
    main()
