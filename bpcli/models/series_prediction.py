"""Predictions for the rows of a file of series: a forecast from each row that has enough rows before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from bpcli.errors import UsageError
from bpcli.models.model import Model
from bpcli.models.new_windows import series_source
from bpcli.models.prediction_lines import Lines


def predict_series(
    model: Model,
    sources: Sequence[Path | None],
    out: TextIO,
    keep: Sequence[str],
    lines_of: Callable[[Sequence[str]], Lines],
) -> tuple[int, list[str]]:
    """Write a forecast for each row of one file, in its order: of the values that follow the row.

    Rows with too few rows before them, or without values that are known ahead, are left empty. Returns the number of
    rows and notes.

    Raises:
        UsageError: there are several files, or standard input.
        DataError: no row has enough rows before it.
    """
    fitted = model.header.windows
    assert fitted is not None
    if len(sources) != 1 or sources[0] is None:
        raise UsageError("a model of series predicts the rows of one file at a time")
    source = series_source(model.header, [sources[0]], keep=keep)
    table = source.table()
    predicted, notes = model.forecasts_of_rows(table, source.shown)
    lines = lines_of([*keep, *(f"prediction_{name}" for name in fitted.targets)])
    empty: list[bool] = np.all(np.isnan(predicted), axis=1).tolist()
    columns: list[Sequence[Any]] = [lines.cells(table[name].labels()) for name in keep]
    steps = predicted.T.tolist()
    columns += [["" if lacks else value for value, lacks in zip(step, empty, strict=True)] for step in steps]
    out.write(lines.beginning() + lines.rows(columns))
    return table.rows, notes
