"""Rows of series in order of time, with the target as it is forecast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bpcli.data.examples.groups import group_codes
from bpcli.data.series.forecast_spec import Normalize
from bpcli.data.series.gaps import require_no_gaps
from bpcli.data.series.regular import Grid
from bpcli.data.series.time_axis import TimeAxis
from bpcli.data.series.time_spec import TimeSpec
from bpcli.data.table import Column, Table
from bpcli.errors import DataError
from bpcli.wording import quoted

Values = NDArray[np.float64]

LARGEST = 1e150
"""Largest size of a value: sums of the squares of others overflow."""


@dataclass(frozen=True)
class SeriesRows:
    """Rows of a source on the grid of their series.

    Series are in the order of their names. table: rows of the source. values: target at each place (places,), gaps
    filled with the value before, NaN before the first; with returns, the relative change from the place before. levels:
    the target itself. observed: whether the source has the value, (places,). last_known: last place of each series
    where the source has the target, (series,); the place before the series if it has none.
    """

    table: Table
    grid: Grid
    axis: TimeAxis
    values: Values
    levels: Values
    observed: NDArray[np.bool_]
    last_known: NDArray[np.intp]

    @classmethod
    def of(
        cls,
        table: Table,
        time: TimeSpec,
        axis: TimeAxis | None,
        groups: Sequence[str],
        target: str,
        returns: bool,
        source: str,
    ) -> SeriesRows:
        """Order the rows of a table; `axis` is fitted on them if None.

        Raises:
            MismatchError: no regular grid of time steps is found.
            DataError: there are no rows, or a stamp is missing, repeated, or off the grid; with `missing: error`, also
                a row or a value.
        """
        if not table.rows:
            raise DataError(f"{source}: no rows below the header")
        stamps = [table[name] for name in time.columns]
        columns = [table[name] for name in groups]
        codes, names = _series(columns, table.rows)
        series = codes if columns else None
        axis = axis or TimeAxis.fit(stamps, time, series, source)
        steps = axis.steps(stamps, series, source)
        if time.missing == "error":
            require_no_gaps(axis, steps, series, source)
        grid = Grid.of(steps, codes, names, source)
        column = table[target]
        levels = grid.placed(column).values.astype(np.float64)
        observed = grid.observed(column)
        values, last_known = levels, _last(observed, grid)
        if returns:
            values, observed = _changes(levels, observed, grid)
        rows = cls(table, grid, axis, values, levels, observed, last_known)
        if time.missing == "error":
            rows._require_values(column, source)
        return rows

    def _require_values(self, target: Column, source: str) -> None:
        """Raise DataError for the first missing value of the target within a series."""
        lacking = np.flatnonzero(~self.grid.observed(target) & ~np.isnan(self.levels) & ~self.after_end)
        if len(lacking):
            stamp = self.axis.texts(self.grid.steps[lacking[:1]])[0]
            more = f", the first of {len(lacking):,} such rows" if len(lacking) > 1 else ""
            raise DataError(
                f"{source}: row {self.grid.rows[lacking[0]] + 1:,}: no value of {quoted(target.name)} at "
                f"{quoted(stamp)}{more}; add it, or set data.time.missing: forward_fill"
            )

    def placed(self, name: str) -> Column:
        """A column at each place."""
        return self.grid.placed(self.table[name])

    @property
    def known_from(self) -> NDArray[np.intp]:
        """First place of each series from which its values are known; its end if none is."""
        known = ~np.isnan(self.values)
        places = np.where(known, np.arange(self.grid.places), self.grid.places)
        first = np.minimum.reduceat(places, self.grid.starts[:-1])
        return np.minimum(first, self.grid.starts[1:])

    @cached_property
    def after_end(self) -> NDArray[np.bool_]:
        """Whether each place lies after the last observed value of its series, (places,)."""
        return np.arange(self.grid.places) > self.last_known[self.grid.series]

    def require_moderate(self, names: Sequence[str], source: str) -> None:
        """Raise DataError for a value whose square would overflow, of columns of numbers."""
        for name in names:
            values = self.table[name].values
            large = np.flatnonzero(np.abs(values.astype(np.float64)) > LARGEST)
            if len(large):
                row = int(large[0])
                raise DataError(
                    f"{source}: row {row + 1:,}: column {quoted(name)}: {values[row]:g} is too large, beyond "
                    f"{LARGEST:g}; correct it, or divide the column by a power of ten"
                )

    def outside_domain(self, normalize: Normalize, returns: bool) -> str | None:
        """Why values have no logarithm or no relative change, if they need one; None if all have."""
        if normalize == "log" and (self.values <= 0).any():
            return "log requires values above 0"
        if returns and (self.levels == 0).any():
            return "return requires values other than 0"
        return None

    @property
    def filled(self) -> int:
        """Number of steps within the series whose value is that of an earlier one."""
        return int(np.count_nonzero(~self.observed & ~np.isnan(self.values) & ~self.after_end))


def _series(columns: Sequence[Column], rows: int) -> tuple[NDArray[np.intp], list[tuple[str, ...]]]:
    """Number of the series of each row (rows,), in the order of their names, and these: cells of columns of groups."""
    if not columns:
        return np.zeros(rows, np.intp), [()]
    codes = group_codes(columns)
    _, row = np.unique(codes, return_index=True)
    names = list(zip(*(column.take(row).labels() for column in columns), strict=True))
    order = sorted(range(len(names)), key=names.__getitem__)
    number = np.empty(len(names), np.intp)
    number[order] = np.arange(len(names))
    return number[codes], [names[place] for place in order]


def _last(observed: NDArray[np.bool_], grid: Grid) -> NDArray[np.intp]:
    """Last place of each series with an observed value; the place before the series if none is."""
    begin = grid.starts[:-1]
    places = np.where(observed, np.arange(grid.places), -1)
    return np.maximum(np.maximum.reduceat(places, begin), begin - 1)


def _changes(levels: Values, observed: NDArray[np.bool_], grid: Grid) -> tuple[Values, NDArray[np.bool_]]:
    """Relative changes from the place before, and whether both values are observed; NaN at the start of a series."""
    with np.errstate(divide="ignore", invalid="ignore"):
        changes = np.diff(levels, prepend=np.nan) / np.roll(levels, 1)
    changes[grid.starts[:-1]] = np.nan
    both = observed & np.roll(observed, 1)
    both[grid.starts[:-1]] = False
    return changes, both
