"""Learning curves of runs, and their division into panels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite, isnan, nan
from pathlib import Path
from typing import NamedTuple

from bpcli.errors import CheckpointError, UsageError
from bpcli.frozen import dataclass
from bpcli.storage.records import EpochRecord
from bpcli.storage.run_directory import RunDirectory
from bpcli.storage.run_labels import run_labels
from bpcli.wording import listed, printable, quoted, suggestion

SPLITS = ("train", "validation")

LOG_FROM = 50.0
"""Ratio of the largest to the smallest loss from which the axis is logarithmic."""


@dataclass(frozen=True)
class Curves:
    """Epoch records of a run, and its label in legends."""

    label: str
    records: Sequence[EpochRecord]

    @property
    def names(self) -> list[str]:
        """Names of values that are a finite number in some epoch."""
        names = dict.fromkeys(name for record in self.records for name in record.values)
        return [name for name in names if not all(map(isnan, self.points(name)[1]))]

    @property
    def best(self) -> int | None:
        """Epoch of the best model; None if unknown."""
        return self.records[-1].best_epoch or None

    def points(self, name: str) -> tuple[list[float], list[float]]:
        """Epochs and values of a quantity; NaN, a gap in the curve, for a value that is not a finite number."""
        values = (record.number(name) for record in self.records)
        return [float(record.epoch) for record in self.records], [nan if value is None else value for value in values]

    def members(self) -> list[list[float]]:
        """Validation loss of each member of an ensemble by epoch, NaN where unknown; empty for one network."""
        losses = [record.member_losses for record in self.records]
        count = min(map(len, losses), default=0)
        return [[nan if (v := of_epoch[member]) is None else v for of_epoch in losses] for member in range(count)]


class Panel(NamedTuple):
    """A quantity, such as `loss`, and the names of the values drawn on its axes."""

    quantity: str
    names: list[str]


def read_curves(paths: Sequence[Path]) -> list[Curves]:
    """Curves of runs, labelled by their directories.

    Raises: CheckpointError: a path is not a run, or has no values to draw.
    """
    found = []
    for path, label in zip(paths, run_labels(paths), strict=True):
        curves = Curves(label, list(RunDirectory.open(path).records.read()))
        if not curves.names:
            raise CheckpointError(f"{printable(str(path))}: no values to draw")
        found.append(curves)
    return found


def panels_of(runs: Sequence[Curves], metrics: Sequence[str] = ()) -> list[Panel]:
    """One panel for each of `metrics`, quantities or names of values; by default, for all values of a split.

    Raises: UsageError: no run has one of them.
    """
    names = list(dict.fromkeys(name for run in runs for name in run.names))
    quantities = list(dict.fromkeys(quantity_of(name) for name in names))
    metrics = metrics or [quantity_of(name) for name in names if split_of(name)] or quantities
    panels = []
    for metric in dict.fromkeys(metrics):
        shown = [name for name in names if metric in (name, quantity_of(name))]
        if not shown:
            near = suggestion(metric, [*quantities, *names])
            raise UsageError(f"--metric {quoted(metric)}: not in any run{near}; available: {listed(quantities, 20)}")
        panels.append(Panel(quantity_of(shown[0]), shown))
    return panels


def suits_logarithmic_axis(values: Iterable[float]) -> bool:
    """Whether losses, if there are any, are positive and span a ratio of at least LOG_FROM."""
    known = [value for value in values if isfinite(value)]
    return bool(known) and min(known) > 0 and max(known) / min(known) >= LOG_FROM


def split_of(name: str) -> str:
    """Split of a value: `validation` for `validation_loss`; empty for a value without one, such as `learning_rate`."""
    split = name.partition("_")[0]
    return split if split in SPLITS else ""


def quantity_of(name: str) -> str:
    """Quantity of a value: `loss` for `validation_loss`."""
    return name.partition("_")[2] if split_of(name) else name
