"""Record in bits.json what experiments train to, bit by bit, on this machine's arithmetic.

Run by hand by the version that later ones must equal; the entry of another environment is left as it is:

    python tests/golden/make_bits.py

Only what users rely on is used: the command line and the files of a run.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
import yaml
from safetensors.numpy import load_file

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
BITS = HERE / "bits.json"

EXPERIMENTS: dict[str, dict[str, Any]] = yaml.safe_load((HERE / "bits.yaml").read_text(encoding="utf-8"))

SHIPPED = {
    "auto_mpg": 40,
    "concrete": 40,
    "credit": 8,
    "digits": 8,
    "fashion": 3,
    "penguins": 200,
    "textbook": 300,
    "xor": 300,
}
"""Epochs, at most, of the experiments in configs/."""

_COMPILED = tuple(name for name in EXPERIMENTS if name.startswith("compiled_"))

GROUPS: dict[str, tuple[str, ...]] = {
    "shipped": tuple(SHIPPED),
    "numpy": tuple(name for name in EXPERIMENTS if name not in _COMPILED),
    "compiled": _COMPILED,
    "compiled without numba": _COMPILED,
}
"""Experiments that are trained in one process."""

SAMPLED = {
    "shipped": ("auto_mpg", "credit", "digits", "textbook"),
    "numpy": tuple(name for name in EXPERIMENTS if name not in (*_COMPILED, "sharded_large_layers")),
    "compiled without numba": _COMPILED[::4],
}
"""Experiments of the default tests, of groups whose kinds of layers and optimizers other groups have too."""

SHARED = frozenset(
    {"codes_for_one_hot_sharded", "sharded", "sharded_large_layers", "gathered_codes", "compiled_in_parts"}
)
"""Experiments whose steps are divided among threads, or look up codes in them."""

ARITHMETIC = ("numpy", "blas", "simd", "system")
"""What of a run's `versions` its bits depend on; where steps are compiled, also numba."""

MACHINE_CODE = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2,+fma"}

PINS = {"OPENBLAS_NUM_THREADS": "1", "OPENBLAS_CORETYPE": "Haswell", **MACHINE_CODE}
"""The same kernels and machine code on all processors of x86-64 that have AVX2."""

CHILD = """
import json, runpy, sys
from pathlib import Path
if json.loads(sys.argv[1]):
    sys.modules["numba"] = None
for arguments in json.loads(sys.argv[2]):
    if arguments[0] == "predict" and "cross_entropy" in Path(arguments[3], "config.yaml").read_text():
        arguments.append("--probabilities")
    sys.argv = ["bpcli", *arguments]
    try:
        runpy.run_module("bpcli", run_name="__main__")
    except SystemExit as end:
        if end.code not in (None, 0, 6):
            raise
"""

COLUMNS = ["size", "age", "price", "flag", "grade", "colour"]  # inputs
COLUMNS += ["kind", "accepted", "count", "y1", "y2", "l1", "l2", "l3", "level", "part", "weight"]

PREDICTIONS = "predictions.csv"

Bits = dict[str, str]
"""Digests of what a run ended in."""


class Trained(NamedTuple):
    """The `versions` that a run names, and its bits by the number of threads."""

    versions: dict[str, str]
    bits: dict[int, Bits]


def write_data(folder: Path, rows: int = 3000) -> None:
    """Copy the shipped data sets, and write tables of seeded numbers; `random` gives the same ones in all versions."""
    shutil.copytree(ROOT / "datasets", folder, dirs_exist_ok=True)
    random = Random(0).random
    with (folder / "mixed.csv").open("w", newline="") as file:
        write = csv.writer(file).writerow
        write(COLUMNS)
        for _ in range(rows):
            size = round(random() + random() + random() - 1.5, 3)
            age, price = int(18 + 70 * random()), round(1 / (0.02 + random()), 2)
            flag, grade, colour = random() < 0.4, int(3 * random()), int(4 * random())
            score = 2 * size + (age - 50) / 20 + flag - grade + random() - 0.5
            write(
                [
                    "" if random() < 0.05 else size,
                    "" if random() < 0.05 else age,
                    price,
                    str(flag).lower(),
                    ["low", "mid", "high"][grade],
                    ["red", "green", "blue", ""][colour],
                    "abc"[(score > -1.5) + (score > 0.5)],
                    "yes" if score + random() > 0.5 else "no",
                    int(abs(score) + 2 * random()),
                    round(10 * score + price, 2),
                    round(score * score, 3),
                    *(int(score > bound + random()) for bound in (-2, -1, 0.5)),
                    min(4, max(0, int(score + 2))),
                    ["train", "train", "validation", "test"][int(4 * random())],
                    round(0.5 + random(), 2),
                ]
            )
    with (folder / "codes.csv").open("w", newline="") as file:
        write = csv.writer(file).writerow
        write(["left", "right", "answer"])
        for row in range(4500):
            # Three rows of each category, so that training rows have nearly all of them.
            left, right = row % 1500 + 1, (7 * row + int(40 * random())) % 1500 + 1
            write([f"a{left}", f"b{right}", "yes" if left % 3 == right % 2 else "no"])
    digits = np.load(ROOT / "datasets" / "digits_8x8.npz")
    np.savez_compressed(folder / "images.npz", X=digits["X"][:300].reshape(-1, 4, 8, 2), y=digits["y"][:300])


def write_config(folder: Path, name: str) -> tuple[str, list[str]]:
    """Write an experiment's config beside its data; gives the data's name, and the arguments to train it with.

    Without a positive class, as in the versions that knew none: that of credit would exchange the two classes.
    """
    path = folder / f"{name}.yaml"
    if name in EXPERIMENTS:
        path.write_text(json.dumps(EXPERIMENTS[name]))  # which is YAML
        arguments = [path.name]
    else:
        path.write_text((ROOT / "configs" / path.name).read_text().replace("../datasets/", ""))
        arguments = [path.name, "--set", f"training.epochs={SHIPPED[name]}", "--set", "data.positive=null"]
    return yaml.safe_load(path.read_text())["data"]["path"], arguments


def bpcli(commands: list[list[str]], folder: Path, without_numba: bool = False) -> None:
    """Run command lines in one process; all must end well, or by `stop_when`."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, json.dumps(without_numba), json.dumps(commands)],
        cwd=folder,
        env={**os.environ, **PINS},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def train(folder: Path, names: Iterable[str], without_numba: bool = False, whole: bool = True) -> dict[str, Trained]:
    """Train experiments in one process, each with one thread and with two; unless `whole`, only SHARED with one."""
    way = "numpy" if without_numba else "run"
    runs = {
        name: {threads: folder / f"{name}-{way}-{threads}" for threads in ((1, 2) if whole or name in SHARED else (2,))}
        for name in names
    }
    commands = []
    for name, of_name in runs.items():
        data, arguments = write_config(folder, name)
        for threads, run in of_name.items():
            place = ["--run-dir", str(run), "--threads", str(threads)]
            commands.append(["train", *arguments, *place, "--quiet", "--no-cache"])
            commands.append(prediction(run, data))
    bpcli(commands, folder, without_numba)
    return {
        name: Trained(
            json.loads((of_name[2] / "summary.json").read_text())["versions"],
            {threads: bits(run) for threads, run in of_name.items()},
        )
        for name, of_name in runs.items()
    }


def prediction(run: Path, data: str, output: Path | None = None) -> list[str]:
    """The command line that predicts the rows of a file."""
    return ["predict", data, "--checkpoint", str(run), "--output", str(output or run / PREDICTIONS), "--force"]


def bits(run: Path) -> Bits:
    """Digests of what a run ended in."""
    arrays = load_file(run / "checkpoints" / "last.safetensors")
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for record in records:
        del record["seconds"]
        for name in [name for name in record if name.endswith("_unweighted")]:  # the metrics of version 0.1
            record[name.removesuffix("_unweighted")] = record.pop(name)
    parts: dict[str, list[bytes]] = {"parameters": [], "best": [], "optimizer": []}
    for name in sorted(arrays):
        parts[name.split(".")[0] if name.startswith(("best.", "optimizer.")) else "parameters"].append(
            arrays[name].tobytes()
        )
    return {
        **{part: digest(b"".join(contents)) for part, contents in parts.items()},
        "metrics": digest(json.dumps(records, sort_keys=True).encode()),
        "predictions": digest((run / PREDICTIONS).read_bytes()),
    }


def digest(content: bytes) -> str:
    """The first half of a SHA-256."""
    return hashlib.sha256(content).hexdigest()[:32]


def train_group(folder: Path, group: str, whole: bool = True) -> dict[str, Trained]:
    """Write the data, and train one of the groups, or a sample of it."""
    write_data(folder)
    names = GROUPS[group] if whole else SAMPLED.get(group, GROUPS[group])
    return train(folder, names, without_numba=group.endswith("without numba"), whole=whole)


def recorded() -> list[dict[str, Any]]:
    """What was recorded, an entry an environment."""
    entries: list[dict[str, Any]] = json.loads(BITS.read_text(encoding="utf-8")) if BITS.exists() else []
    return entries


def main() -> None:
    """Record all groups under this environment."""
    environment: dict[str, str] = {}
    found: dict[str, dict[str, Bits]] = {}
    for group in GROUPS:
        with tempfile.TemporaryDirectory() as name:
            trained = train_group(Path(name), group)
        for experiment, (versions, by_threads) in trained.items():
            assert by_threads[1] == by_threads[2], f"{experiment}: two threads give other bits than one"
            assert ("numba" in versions) == (group == "compiled"), f"{experiment}: not taken in the way of its group"
            environment |= {key: versions[key] for key in (*ARITHMETIC, "numba") if key in versions}
        found[group] = {experiment: by_threads[1] for experiment, (_, by_threads) in trained.items()}
    others = [entry for entry in recorded() if entry["environment"] != environment]
    BITS.write_text(json.dumps([*others, {"environment": environment, "bits": found}], indent=1) + "\n")


if __name__ == "__main__":
    main()
