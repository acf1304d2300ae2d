"""How good a trained model is: on the rows that its run set aside, or on other data."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bpcli.checkpoint import Header
from bpcli.data.data_files import DataFiles
from bpcli.data.selection import read_options, select_rows
from bpcli.data.spec import DataSpec
from bpcli.data.table import PARTS, Part, Table
from bpcli.errors import DataError, UsageError, errors_in
from bpcli.experiment import surprise_notes
from bpcli.files import path_from_here
from bpcli.model import Model
from bpcli.scoring import remarks
from bpcli.text import counted, listed, printable, quoted, suggestion

CHANGED = (
    "the data file is no longer the one that the model was trained on: the rows differ from those of the run, and some "
    "may have been trained on"
)


@dataclass(frozen=True)
class Evaluation:
    """Metrics, the rows they are of, and what the user should know of them."""

    source: str
    report: dict[str, Any]
    notes: list[str]


@dataclass(frozen=True)
class SplitRows:
    """Rows of a split of the run's own data, none of whose targets is missing."""

    table: Table
    part: Part
    source: str
    notes: list[str]


def split_rows(model: Model, part: Part | None, cache: bool = True) -> SplitRows:
    """Rows of the split asked for, else of the test, validation or training split; `cache` is as for `prepare`.

    Raises:
        DataError: the data is gone, or the run has no such rows.
    """
    header = model.header
    have = [name for name in PARTS if header.data.rows[name]]
    part = part or have[-1]
    if part not in have:
        raise DataError(f"the run has no {part} rows; it has {listed(have)}")
    data, folder = find_data(header, model.path, "give it with --data")
    kinds = model.preprocessor.evaluation_kinds
    selection = select_rows(data, folder, header.config.seed, header.config.loss, kinds, cache)
    notes = list(selection.notes)
    paths = [path for path, _ in data.sources(folder)]
    selection.table.require(list(kinds), printable(path_from_here(paths[0])))
    if selection.digest != header.data.sha256:
        notes.append(CHANGED)
    rows = selection.split.part(part)
    if not len(rows):
        raise DataError(f"{printable(str(paths[0]))}: it has no {part} rows any more")
    source = ", ".join(printable(path_from_here(path)) for path in paths)
    return SplitRows(selection.table.take(rows), part, f"{part} rows of {source}", notes)


def evaluate_split(model: Model, part: Part | None, cache: bool = True) -> Evaluation:
    """Metrics on a split of the run's own data, as `split_rows` chooses it."""
    rows = split_rows(model, part, cache)
    with errors_in(rows.source):
        report, surprises = model.report(rows.table)
    return Evaluation(rows.source, report, [*rows.notes, *surprise_notes(surprises), *remarks(report)])


def evaluate_file(model: Model, path: Path, cache: bool = True) -> Evaluation:
    """Metrics on all rows of a file; `cache` is as for `prepare`.

    Raises:
        DataError: a column is missing, or no row has a target.
    """
    kinds = model.preprocessor.evaluation_kinds
    options = read_options(model.header.config.data, kinds)
    table = DataFiles([(path, None)], cache).read(options)
    table.require(list(kinds), printable(str(path)))
    model.require_width(path, [name for name in table if name not in kinds])
    missing = np.any([table[name].missing() for name in model.preprocessor.target.names], axis=0)
    rows = np.flatnonzero(~missing)
    if not len(rows):
        raise DataError(
            f"{printable(str(path))}: no row has a value in target {listed(model.preprocessor.target.names)}"
        )
    notes = []
    if len(rows) < table.rows:
        notes.append(f"{counted(table.rows - len(rows), 'row')} left out: no value in the target")
    with errors_in(printable(str(path))):
        report, surprises = model.report(table.take(rows))
    return Evaluation(printable(str(path)), report, [*notes, *surprise_notes(surprises), *remarks(report)])


def find_data(header: Header, checkpoint: Path, otherwise: str) -> tuple[DataSpec, Path]:
    """A run's data and the folder its paths start from: where the run says, else where it was in training.

    Raises:
        DataError: it is in neither place, and what to do `otherwise`.
    """
    data = header.config.data
    folder = checkpoint.resolve().parent.parent
    if all(path.exists() for path, _ in data.sources(folder)):
        return data, folder
    absolute = data.with_paths(header.data.paths)
    missing = next((path for path, _ in absolute.sources(folder) if not path.exists()), None)
    if missing is not None:
        raise DataError(f"{printable(str(missing))}: the data of this run is no longer there; {otherwise}")
    return absolute, folder


_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
}


@dataclass(frozen=True)
class Requirement:
    """A bound on a metric, such as `accuracy>=0.95`."""

    metric: str
    comparison: str
    bound: float

    @classmethod
    def parse(cls, text: str) -> Requirement:
        """Raises UsageError where `text` is no bound on a metric."""
        match = re.fullmatch(r"\s*(\w+)\s*(>=|<=|==|>|<)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*", text)
        if match is None:
            raise UsageError(
                f"--require {quoted(text)}: write a metric, a comparison and a number, as in accuracy>=0.95"
            )
        return cls(match[1], match[2], float(match[3]))

    def check(self, report: dict[str, Any]) -> str | None:
        """What is wrong, or None where the requirement is met; raises UsageError for a metric that there is not."""
        if self.metric not in report or not isinstance(report[self.metric], float | int | None):
            metrics = [name for name, value in report.items() if isinstance(value, float)]
            hint = suggestion(self.metric, metrics) or f"; there are {', '.join(metrics)}"
            raise UsageError(f"--require: no metric {quoted(self.metric)}{hint}")
        value = report[self.metric]
        if value is not None and _COMPARISONS[self.comparison](value, self.bound):
            return None
        shown = "undefined" if value is None else f"{value:.6g}"
        return f"required {self.metric} {self.comparison} {self.bound:g}, but it is {shown}"
