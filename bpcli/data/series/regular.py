"""Series on a regular grid of time steps: sorted rows, with a place for each missing step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bpcli.data.table import Column
from bpcli.errors import DataError
from bpcli.wording import counted

FEWEST_PRESENT = 20
"""A grid has at most this many places for each row."""

Places = NDArray[np.intp]


@dataclass(frozen=True)
class Grid:
    """Places of the rows of one or more series: those of the first series in order of time, then of the next.

    rows: index of the row at each place (places,), -1 where a time step has none. starts: first place of each series,
    and the number of places at the end. first: time step of each series' first place. names: cells by which the series
    are told apart, of each series.
    """

    rows: Places
    starts: Places
    first: NDArray[np.int64]
    names: tuple[tuple[str, ...], ...]

    @classmethod
    def of(
        cls, steps: NDArray[np.int64], series: NDArray[np.intp], names: Sequence[tuple[str, ...]], source: str
    ) -> Grid:
        """Grid of rows with these time steps (rows,), of the series with these numbers (rows,).

        No time step of a series has two rows. Raises DataError if nearly all time steps have none.
        """
        order = np.lexsort((steps, series))
        sorted_steps, sorted_series = steps[order], series[order]
        begins = np.flatnonzero(np.diff(sorted_series, prepend=-1))
        first, last = sorted_steps[begins], sorted_steps[np.append(begins[1:], len(order)) - 1]
        lengths = last - first + 1
        places = int(lengths.sum())
        if places > FEWEST_PRESENT * (len(steps) + 1):
            raise DataError(
                f"{source}: {counted(len(steps), 'row')} for {places:,} time steps between the first and the last; set "
                "data.time.frequency to the usual distance between rows"
            )
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.intp)
        of_row = np.repeat(np.arange(len(begins)), np.diff(np.append(begins, len(order))))
        rows = np.full(places, -1, np.intp)
        rows[starts[of_row] + (sorted_steps - first[of_row])] = order
        present = sorted_series[begins]
        return cls(rows, starts, first, tuple(names[number] for number in present.tolist()))

    @property
    def places(self) -> int:
        """Number of places."""
        return len(self.rows)

    @cached_property
    def series(self) -> Places:
        """Number of the series of each place, (places,)."""
        return np.repeat(np.arange(len(self.first)), np.diff(self.starts))

    @cached_property
    def steps(self) -> NDArray[np.int64]:
        """Time step of each place, (places,)."""
        return np.arange(self.places) - self.starts[self.series] + self.first[self.series]

    @property
    def gaps(self) -> int:
        """Number of time steps without a row."""
        return int(np.count_nonzero(self.rows < 0))

    def placed(self, column: Column) -> Column:
        """Values of a column at each place, missing ones and gaps filled with the latest before them.

        Those before the first known value of a series stay missing.
        """
        known = self.rows >= 0
        known[known] = ~column.missing()[self.rows[known]]
        latest = np.maximum.accumulate(np.where(known, np.arange(self.places), self.starts[self.series]))
        filled = column.values[self.rows[latest]]
        unknown = ~known[latest]
        if not unknown.any():
            return Column(column.name, column.kind, filled, column.categories)
        if column.kind == "categorical":
            filled = np.where(unknown, np.int32(-1), filled)
        else:
            filled = np.where(unknown, np.nan, filled)
        return Column(column.name, column.kind, filled, column.categories)

    def observed(self, column: Column) -> NDArray[np.bool_]:
        """Whether the row at each place exists and has a value, (places,)."""
        known = self.rows >= 0
        known[known] = ~column.missing()[self.rows[known]]
        return known


def numbers_of(column: Column) -> NDArray[np.float64]:
    """Values of a numeric or boolean column in float64."""
    return column.values.astype(np.float64, copy=False)
