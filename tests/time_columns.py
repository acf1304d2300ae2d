"""Columns of time as the readers of files give them, and axes fitted on them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.data.series.time_axis import TimeAxis
from bpcli.data.series.time_spec import TimeSpec
from bpcli.data.table import Column


def time_column(name: str, cells: Sequence[str]) -> Column:
    """Categorical column of cells, missing where empty."""
    words = sorted({*cells} - {""})
    codes = [words.index(cell) if cell else -1 for cell in cells]
    return Column(name, "categorical", np.array(codes, np.int32), tuple(words))


def time_columns(**cells: Sequence[str]) -> list[Column]:
    """A column for each list of cells."""
    return [time_column(name, words) for name, words in cells.items()]


def fitted(columns: Sequence[Column], groups: Sequence[int] | None = None, **spec: Any) -> tuple[TimeAxis, list[int]]:
    """Axis fitted on columns, and the step of each row."""
    numbers: NDArray[np.intp] | None = None if groups is None else np.array(groups, np.intp)
    names = [column.name for column in columns]
    axis = TimeAxis.fit(columns, TimeSpec(column=names[0] if len(names) == 1 else names, **spec), numbers, "f.csv")
    return axis, axis.steps(columns, numbers, "f.csv").tolist()


def dates(first: str, count: int, written: str = "%Y-%m-%d", **step: float) -> list[str]:
    """Dates in a format, `step` of a timedelta apart."""
    start = datetime.fromisoformat(first)
    return [(start + timedelta(**step) * place).strftime(written) for place in range(count)]
