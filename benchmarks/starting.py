"""Starting: milliseconds of short commands, from the start of the process to its end.

Measured are bpcli's console script as installed here, `train` with all the epochs of the config that ships and a new
run directory each time, and beside them what Python takes to do nothing, and to import what the peers' users import.
The files are in the system's cache, modules are compiled; all cores.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.harness import (
    BPCLI,
    PYTHON,
    Finished,
    figure,
    in_turn,
    installed,
    listed,
    ratio,
    run_child,
    table,
)

PENGUINS = "configs/penguins.yaml"
TRAIN = f"bpcli train {PENGUINS}"
IMPORTS = ("numpy", "polars", "pandas", "sklearn.neural_network", "jax", "torch")


def run(quick: bool) -> str:
    """The table in Markdown."""
    modules, notes = installed({name: name.partition(".")[0] for name in IMPORTS})
    commands = {
        "bpcli --version": [BPCLI, "--version"],
        "bpcli --help": [BPCLI, "--help"],
        f"bpcli check {PENGUINS}": [BPCLI, "check", PENGUINS],
        "python -c pass": [PYTHON, "-c", "pass"],
        **{f"python -c 'import {name}'": [PYTHON, "-c", f"import {name}"] for name in modules},
    }
    with TemporaryDirectory() as scratch:
        numbers = count()

        def train() -> Finished:
            return run_child([BPCLI, "train", PENGUINS, "--run-dir", str(Path(scratch) / str(next(numbers)))])

        contenders: dict[str, Callable[[], Finished]] = {
            **{label: partial(run_child, command) for label, command in commands.items()},
            TRAIN: train,
        }
        in_turn("warm-up", contenders, repeats=1)
        values, failures = in_turn("starting", contenders, repeats=3 if quick else 15)
    help_seconds = [done.seconds for done in values.get("bpcli --help", [])]
    rows = [
        [
            f"`{label}`",
            figure([1000 * done.seconds for done in found]),
            ratio([done.seconds for done in found], help_seconds),
            figure([done.megabytes for done in found]),
        ]
        for label, found in values.items()
    ]
    return table(["command", "ms", "ratio to --help", "peak MB"], rows) + listed(notes + failures)
