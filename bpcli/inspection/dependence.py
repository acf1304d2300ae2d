"""Partial dependence: mean output with a column set to one value in all rows, over a grid of values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.data.columns import ColumnInput
from bpcli.data.columns.categorical_inputs import CategoricalInput
from bpcli.data.columns.censored import CensoredInput
from bpcli.data.table import Column, Table
from bpcli.errors import UsageError
from bpcli.inspection.sampling import MOST_MULTIPLICATIONS, MOST_NUMBERS, evenly_spaced, features_of, predictions
from bpcli.inspection.track import Track, untracked
from bpcli.models.model import Model
from bpcli.training.scoring import require_finite
from bpcli.wording import listed, quoted, suggestion

GRID = 20
"""Grid size of a column of numbers or dates: quantiles evenly spaced in rank, without duplicates."""

MOST_ROWS = 1_000
"""Maximum number of rows in a mean, evenly spaced."""


@dataclass(frozen=True)
class Dependence:
    """Mean outputs for each grid value of a column.

    values: numbers in the file's units, ISO dates, times, categories, or false and true. answers: by name of a class
    (mean probability, or mean score if the loss gives none), label (mean probability) or target (mean prediction); one
    number per value. missing: mean outputs at a missing cell, by the same names; empty unless the column had missing
    cells in training.
    """

    column: str
    values: list[float] | list[str]
    answers: dict[str, list[float]]
    missing: dict[str, float] = field(default_factory=dict)

    def drawn(self, name: str) -> list[float]:
        """Outputs at each value, then at a missing cell."""
        return [*self.answers[name], *([self.missing[name]] if name in self.missing else [])]

    @property
    def spread(self) -> float:
        """Range (maximum minus minimum) of the output that varies most."""
        outputs = [drawn for name in self.answers if (drawn := self.drawn(name))]
        return max((max(drawn) - min(drawn) for drawn in outputs), default=0.0)


@dataclass(frozen=True)
class PartialDependence:
    """Description of the outputs, number of rows in each mean, and columns in the requested order."""

    answer: str
    rows: int
    columns: list[Dependence]


def partial_dependence(
    model: Model, table: Table, columns: Sequence[str] | None = None, track: Track = untracked
) -> PartialDependence:
    """Partial dependence of the outputs on input columns (default: all of them).

    Friedman 2001, "Greedy function approximation", section 8.2. With correlated columns, some of the evaluated rows are
    unrealistic.

    Raises:
        UsageError: a column is not an input of the model.
        DataError: an output is not finite.
    """
    inputs = {part.name: part for part in model.preprocessor.parts}
    names = list(inputs) if columns is None else list(dict.fromkeys(columns))
    require_columns(names, list(inputs))
    table = model.preprocessor.table_of_parts(table)
    grids = [_grid(inputs[name], table[name]) for name in names]
    asked = [_with_missing(grid) if inputs[grid.name].indicator else grid for grid in grids]
    passes = sum(map(len, asked))
    most = MOST_MULTIPLICATIONS / (model.inference.network.multiplications * max(passes, 1))
    chosen = table.take(evenly_spaced(table.rows, min(MOST_ROWS, most)))
    x = features_of(model, chosen)
    ends = dict(zip(inputs, accumulate(column.width for column in inputs.values()), strict=True))
    answers = model.target.answer_names(model.loss)
    found = []
    for name, grid, cells in track(list(zip(names, grids, asked, strict=True)), "partial dependence"):
        features = slice(ends[name] - inputs[name].width, ends[name])
        means = _mean_answers(model, x, _encoded(model, chosen, inputs[name], cells, features), features)
        of_values, of_missing = means[: len(grid)].T.tolist(), means[len(grid) :].ravel().tolist()
        missing = dict(zip(answers, of_missing, strict=True)) if of_missing else {}
        found.append(Dependence(name, _shown(inputs[name], grid), dict(zip(answers, of_values, strict=True)), missing))
    return PartialDependence(model.target.answer_meaning(model.loss), len(x), found)


def require_columns(names: Sequence[str], inputs: Sequence[str]) -> None:
    """Raise UsageError for a name that is not among those of the inputs."""
    for name in names:
        if name not in inputs:
            hint = suggestion(name, inputs) or f"; it takes {listed(inputs)}"
            raise UsageError(f"the model has no input column {quoted(name)}{hint}")


def _grid(fitted: ColumnInput, column: Column) -> Column:
    """Grid of a column's values, as a column."""
    if column.kind == "boolean":
        return Column(column.name, column.kind, np.array([0.0, 1.0]))
    if column.kind == "categorical":
        levels = fitted.levels.values() if isinstance(fitted, CategoricalInput) else _ordered(fitted, column)
        categories = tuple(levels)
        return Column(column.name, column.kind, np.arange(len(categories), dtype=np.int32), categories)
    known = np.asarray(column.values[~column.missing()], np.float64)
    if not len(known):
        return Column(column.name, column.kind, np.empty(0))
    # Observed values, without interpolation.
    return Column(column.name, column.kind, np.unique(np.quantile(known, np.linspace(0, 1, GRID), method="nearest")))


def _with_missing(grid: Column) -> Column:
    """Grid followed by a missing cell."""
    missing = -1 if grid.kind == "categorical" else np.nan
    return Column(grid.name, grid.kind, np.append(grid.values, missing).astype(grid.values.dtype), grid.categories)


def _ordered(fitted: ColumnInput, column: Column) -> list[str]:
    """Some words of a column of numbers and bounds, in order; none of other columns."""
    if not isinstance(fitted, CensoredInput):
        return []
    words = column.present()
    values, sides = fitted.numbers(words)
    order = np.lexsort((sides, values))
    places = np.linspace(0, len(order) - 1, min(GRID, len(order))).astype(np.intp)
    return [words[place] for place in order[places]]


def _shown(fitted: ColumnInput, grid: Column) -> list[float] | list[str]:
    if isinstance(fitted, CategoricalInput):
        return [*fitted.levels]
    return grid.values.tolist() if grid.kind == "numeric" else grid.labels()


def _encoded(model: Model, table: Table, fitted: ColumnInput, grid: Column, features: slice) -> Array:
    """Features (values, width) of each grid value."""
    inputs, stems = model.preprocessor, model.inference.network.stems
    if fitted.field(0) is None and not inputs.arrays and not stems.trained:  # its numbers are the features
        out = np.empty((len(grid), fitted.width), model.dtype)
        fitted.writer(grid)(grid, out)
        return out
    row = table.take(np.zeros(len(grid), np.intp))
    names = model.preprocessor.input_kinds_in(table)
    whole = Table([grid if name == grid.name else row[name] for name in names], rows=len(grid))
    return features_of(model, whole)[:, features]


def _mean_answers(model: Model, x: Array, cells: Array, features: slice) -> Array:
    """Mean outputs (values, outputs) over rows x (rows, inputs), a column set to each of `cells` (values, width)."""
    rows, answers = len(x), len(model.target.answer_names(model.loss))
    means = np.empty((len(cells), answers))
    together = max(1, MOST_NUMBERS // x.size)
    for start in range(0, len(cells), together):
        some = cells[start : start + together]
        asked = np.tile(x, (len(some), 1))
        asked[:, features] = np.repeat(some, rows, axis=0)
        said = predictions(model, asked)
        require_finite(said)
        said = model.target.answers(said, model.loss)
        means[start : start + together] = said.reshape(len(some), rows, answers).mean(axis=1)
    return means
