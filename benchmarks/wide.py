"""Wide tables: what more columns cost.

CPU time (user and system) of commands on a CSV file of 1,000 rows with so many numeric columns and a numeric target,
and on a run with a hidden layer of 8 that was trained on it for 2 epochs, on a single core and without the data cache.
The exponent is the slope from the narrow table to the wide one, less what the command takes for 10 columns: 1 is
linear.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.growth import exponent
from benchmarks.harness import PYTHON, Finished, figure, in_turn, listed, run_child, table

ROWS = 1_000

FEW = 10
"""Columns of the table that stands for the fixed cost."""

COMMANDS = {
    "check": ("check", "{config}", "--no-cache"),
    "inspect": ("inspect", "{run}", "--no-cache"),
    "report": ("report", "{run}", "--output", "{page}", "--force", "--no-cache"),
}


def write(folder: Path, columns: int) -> Path:
    """Write a table, its config and a run trained on it; gives the path of the config."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(ROWS, columns))
    y = x[:, 0] + 0.5 * x[:, 1] + generator.normal(size=ROWS)
    data, config = folder / f"{columns}.csv", folder / f"{columns}.yaml"
    names = [*(f"column_{place}" for place in range(columns)), "target"]
    np.savetxt(data, np.column_stack([x, y]), "%.4f", ",", header=",".join(names), comments="")
    layers, training = "[{units: 8, activation: relu}]", "{epochs: 2}"
    config.write_text(f"data: {{path: {data.name}, target: target}}\nlayers: {layers}\ntraining: {training}\n")
    bpcli("train", str(config), "--run-dir", str(folder / str(columns)), "--quiet")
    return config


def bpcli(*arguments: str) -> Finished:
    """Run a command on a single core."""
    return run_child([PYTHON, "-m", "bpcli", *arguments], cores=1)


def timed(command: tuple[str, ...], config: Path) -> Finished:
    """Run a command on a table or its run."""
    run, page = config.with_suffix(""), config.with_suffix(".html")
    return bpcli(*(argument.format(config=config, run=run, page=page) for argument in command))


def run(quick: bool) -> str:
    """The table in Markdown."""
    sizes = (FEW, 200, 1_000) if quick else (FEW, 1_000, 10_000)
    with TemporaryDirectory() as name:
        configs = {size: write(Path(name), size) for size in sizes}
        contenders = {
            f"{command}, {size:,}": partial(timed, arguments, config)
            for command, arguments in COMMANDS.items()
            for size, config in configs.items()
        }
        values, notes = in_turn("columns", contenders, repeats=1 if quick else 3)
    rows = []
    for command in COMMANDS:
        seconds = [[done.cpu for done in values[f"{command}, {size:,}"]] for size in sizes]
        if all(seconds):
            fixed, *beyond = map(median, seconds)
            slope = exponent(list(sizes[1:]), [cost - fixed for cost in beyond])
            rows.append([command, *map(figure, seconds), slope])
    return table(["command", *(f"{size:,} columns, CPU s" for size in sizes), "exponent"], rows) + listed(notes)
