"""Latest rows of series, from which a model forecasts what follows its data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field, model_validator

from bpcli.data.table import Column, Kind, Table
from bpcli.spec import Sequence, Spec

if TYPE_CHECKING:
    from bpcli.data.windows.fitted import FittedWindows
    from bpcli.data.windows.series_rows import SeriesRows

Cells = Sequence[float | None] | Sequence[str | None]


class LatestRows(Spec):
    """The rows of each series that its next forecast needs, in order of time; stored in checkpoints."""

    columns: dict[str, Annotated[Cells, Field(union_mode="left_to_right")]] = Field(
        description="Cells by column: numbers, or texts of categories and of stamps; null where missing."
    )

    @model_validator(mode="after")
    def _check_lengths(self) -> LatestRows:
        if len({len(cells) for cells in self.columns.values()}) > 1:
            raise ValueError("columns must be of one length")
        return self

    @classmethod
    def of(cls, rows: SeriesRows, fitted: FittedWindows) -> LatestRows:
        """Rows from which each series is forecast, and those after them, of which the target is missing."""
        grid = rows.grid
        begin = np.maximum(rows.last_known - fitted.history + 1, grid.starts[:-1])
        places = np.concatenate([np.arange(*ends) for ends in zip(begin, grid.starts[1:], strict=True)])
        stamps = rows.axis.labels(grid.steps[places])
        columns: dict[str, Cells] = {name: tuple(cells) for name, cells in stamps.items()}
        for name in fitted.columns:
            column = rows.placed(name).take(places)
            missing = column.missing() | (rows.after_end[places] if name == fitted.target else False)
            cells = column.labels() if column.kind == "categorical" else column.values.astype(np.float64).tolist()
            columns[name] = tuple(None if lacks else cell for cell, lacks in zip(cells, missing.tolist(), strict=True))
        return cls(columns=columns)

    def table(self, kinds: Mapping[str, Kind]) -> Table:
        """Table of the rows; columns without a kind hold stamps."""
        return Table([_column(name, kinds.get(name, "categorical"), cells) for name, cells in self.columns.items()])


def _column(name: str, kind: Kind, cells: Cells) -> Column:
    if kind == "categorical":
        words = sorted({str(cell) for cell in cells if cell is not None})
        code = {word: place for place, word in enumerate(words)}
        codes = np.array([-1 if cell is None else code[str(cell)] for cell in cells], np.int32)
        return Column(name, kind, codes, tuple(words))
    return Column(name, kind, np.array([np.nan if cell is None else float(cell) for cell in cells]))


def followed_by(first: Table, second: Table) -> Table:
    """Rows of one table and then those of another, whose missing columns have no values."""
    joined = []
    for name, column in first.items():
        other = second.get(name)
        if column.kind == "categorical":
            cells = [*_texts(column), *(_texts(other) if other is not None else [None] * second.rows)]
            joined.append(_column(name, "categorical", tuple(cells)))
            continue
        more = np.full(second.rows, np.nan) if other is None else other.values.astype(np.float64)
        joined.append(Column(name, column.kind, np.concatenate([column.values.astype(np.float64), more])))
    return Table(joined)


def _texts(column: Column) -> list[str | None]:
    return [None if lacks else label for label, lacks in zip(column.labels(), column.missing().tolist(), strict=True)]
