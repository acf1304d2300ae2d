"""Table of `bpcli runs` on the terminal: the columns of every run, and the config keys that matter most."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bpcli.cli.console import aligned, note, notes, result
from bpcli.wording import counted, number, plain, printable

if TYPE_CHECKING:
    from bpcli.storage.run_listing import ListedRun

COLUMNS: dict[str, Callable[[ListedRun], Any]] = {
    "run": lambda run: run.name,
    "started": lambda run: run.started_at,
    "status": lambda run: run.status,
    "epochs": lambda run: run.epochs,
    "seconds": lambda run: run.training_seconds,
    "monitor": lambda run: run.monitor,
    "best": lambda run: run.score,
}
"""Columns of every run: `run` is the directory name, `best` the value of `monitor` in the best epoch.

No config key has one of these names.
"""

MOST_KEYS = 6
"""Maximum number of config keys in the table."""

MATTER_MOST = ("layers", "loss", "optimizer", "schedule", "training")
MATTER_LEAST = ("data", "name", "dtype")
"""Sections of a config whose keys the table shows first, and last."""

WIDEST_VALUE = 24
"""Maximum width of a config value in the table, in characters."""

STARTED_FROM, OF_RUN = "start_from.checkpoint", "/checkpoints/best.safetensors"
"""Key whose value names another run, which users copy, and what follows the run in it."""


def value_of(run: ListedRun, name: str) -> Any:
    """Value of a column, metric or config key; None if the run has none."""
    if name in COLUMNS:
        return COLUMNS[name](run)
    return run.metrics[name] if name in run.metrics else run.config.get(name)


def print_table(ordered: list[ListedRun], short: dict[str, str], sort: str) -> None:
    """Print a row per run, with the most relevant config keys; on a terminal, only as many as fit."""
    from bpcli.storage.run_listing import notes_of_positive

    names = [name for name in COLUMNS if name != "seconds" or sort == name]
    names += [sort] if sort not in COLUMNS and sort not in short else []
    # The sort key is always shown.
    keys = sorted(short, key=lambda key: (key != sort, *_relevance(key, ordered)))
    rows = [[*names, *(short[key] for key in keys)]]
    rows += [
        [*(_cell(name, value_of(run, name)) for name in names), *(_setting(key, run.config.get(key)) for key in keys)]
        for run in ordered
    ]
    shown = len(names) + min(len(keys), MOST_KEYS)
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
        while shown > len(names) and max(map(len, aligned([row[:shown] for row in rows]))) > width:
            shown -= 1
    numeric = [
        index
        for index, name in enumerate((*names, *keys))
        if all(isinstance(value_of(run, name), int | float | None) for run in ordered)
    ]
    for line in aligned([row[:shown] for row in rows], right=numeric):
        result(line)
    if shown < len(rows[0]):
        left = counted(len(rows[0]) - shown, "more key differs", "more keys differ")
        first = ", ".join(map(printable, rows[0][shown:][:4]))
        more = " …" if len(rows[0]) > shown + 4 else ""
        note(f"{left}: {first}{more}; --json and --csv list all")
    notes(notes_of_positive(ordered, {sort, *(run.monitor or "" for run in ordered)}))


def _relevance(key: str, runs: list[ListedRun]) -> tuple[int, int]:
    """Sort key of a config key: its section, then its number of distinct values."""
    section = key.partition(".")[0]
    place = 0 if section in MATTER_MOST else 2 if section in MATTER_LEAST else 1
    return place, -len({plain(run.config.get(key)) for run in runs})


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if name == "started":
        return _local_time(value)
    measured = isinstance(value, int | float) and "." not in name and not isinstance(value, bool)
    return number(value) if measured else plain(value)


def _setting(key: str, value: Any) -> str:
    """Config value, truncated to fit the table. Of a checkpoint, the run that it is the best of, whole."""
    shown = "-" if value is None else plain(value)
    if key == STARTED_FROM:
        return shown.removesuffix(OF_RUN)
    if len(shown) <= WIDEST_VALUE:
        return shown
    # The end of a path is more informative.
    return f"…{shown[1 - WIDEST_VALUE :]}" if "/" in shown else f"{shown[: WIDEST_VALUE - 1]}…"


def _local_time(text: str) -> str:
    try:
        return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return text
