"""Windows of series: which there are, and the table that holds them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bpcli.data.origins import Origins
from bpcli.data.series.regular import numbers_of
from bpcli.data.table import Column, Table, position_names
from bpcli.data.windows.fitted import FROM_LAST, FittedWindows
from bpcli.data.windows.series_rows import SeriesRows
from bpcli.system.memory import require_memory

Values = NDArray[np.float64]
Places = NDArray[np.intp]

NARROW = 0.1
"""Smallest spread that a window is divided by, in relation to the mean of the series' windows: of a window in which a
value repeats, the next change would be as good as infinite."""


@dataclass(frozen=True)
class Windows:
    """Windows of the rows of series, each of them an example.

    now: place of the last known time step of each window, the origin of its forecast, (windows,).
    """

    rows: SeriesRows
    fitted: FittedWindows
    now: Places

    @classmethod
    def with_targets(cls, rows: SeriesRows, fitted: FittedWindows) -> Windows:
        """Windows whose coming values end no later than the known values of their series, in order of place."""
        now = _with_history(rows, fitted)
        return cls(rows, fitted, now[now + fitted.horizon <= rows.last_known[rows.grid.series[now]]])

    @classmethod
    def of_history(cls, rows: SeriesRows, fitted: FittedWindows) -> Windows:
        """All windows, whether the series go on after them or not."""
        now = _with_history(rows, fitted)
        return cls(rows, fitted, now[~rows.after_end[now]])

    def take(self, chosen: NDArray[np.bool_] | Places) -> Windows:
        """Select windows."""
        return Windows(self.rows, self.fitted, self.now[chosen])

    def with_history(self, length: int) -> Windows:
        """Windows with at least so many known values up to the origin."""
        begin = self.rows.known_from[self.rows.grid.series[self.now]]
        return self.take(self.now - begin >= length - 1)

    @cached_property
    def steps(self) -> NDArray[np.int64]:
        """Time step of each origin, (windows,)."""
        return self.rows.grid.steps[self.now]

    @cached_property
    def coming(self) -> Places:
        """Places of the coming values, (windows, horizon)."""
        return self.now[:, None] + np.arange(1, self.fitted.horizon + 1)

    @property
    def unobserved(self) -> NDArray[np.intp]:
        """Number of coming values that the source lacks, (windows,)."""
        lacking = np.concatenate([[0], np.cumsum(~self.rows.observed)])
        counts: NDArray[np.intp] = lacking[self.now + self.fitted.horizon + 1] - lacking[self.now + 1]
        return counts

    def lacking_ahead(self, name: str) -> NDArray[np.bool_]:
        """Whether the source lacks each coming value of a column, (windows, horizon)."""
        ends = self.rows.grid.starts[self.rows.grid.series[self.now] + 1][:, None]
        there = self.rows.grid.observed(self.rows.table[name])
        return (self.coming >= ends) | ~there[np.minimum(self.coming, len(there) - 1)]

    def origins(self) -> Origins:
        """What the windows are counted from."""
        fitted, rows = self.fitted, self.rows
        scales = self._scales
        values = np.log(rows.values) if fitted.normalize == "log" else rows.values
        window = self._past(values)
        last, seasonal = values[self.now][:, None], values[self._season_before]
        spread = np.maximum(window.std(axis=1), NARROW * scales["window"])[:, None]
        zero = np.zeros_like(last)
        base, by = {
            "last_scale": (last, spread),
            "log": (last, spread),
            "seasonal": (seasonal, spread),
            "last": (last, scales["window"][:, None]),
            "mean_std": (window.mean(axis=1, keepdims=True), spread),
            "none": (scales["center"][:, None], scales["spread"][:, None]),
        }[fitted.normalize]
        naive, before = rows.values[self.now][:, None], rows.values[self._season_before]
        if fitted.returns and fitted.normalize in FROM_LAST:
            base = zero
        if fitted.returns:
            naive = zero  # the level stays
        if fitted.season == 1:
            before = np.full_like(before, np.nan)
        error = scales["error"][:, None]
        known = np.where(error > 0, error, np.nan)
        return Origins(base, by, naive, before, known, fitted.normalize == "log", fitted.returns)

    @property
    def _scales(self) -> dict[str, Values]:
        """Figures of the scale of each window's series, (windows,)."""
        of, usual = {scale.names: scale for scale in self.fitted.scales}, self.fitted.usual
        found = [of.get(names, usual) for names in self.rows.grid.names]
        series = self.rows.grid.series[self.now]
        return {
            name: np.array([getattr(scale, name) for scale in found])[series]
            for name in ("center", "spread", "window", "error")
        }

    @property
    def _season_before(self) -> Places:
        """Places of the latest known values a whole number of seasons before the coming ones, (windows, horizon).

        The last value where the series begins later than that.
        """
        season, steps = self.fitted.season, np.arange(1, self.fitted.horizon + 1)
        places = self.now[:, None] + steps - season * -(-steps // season)
        begin = self.rows.known_from[self.rows.grid.series[self.now]][:, None]
        return np.where(places < begin, self.now[:, None], places)

    def _past(self, values: Values) -> Values:
        """Values at the places of the windows, (windows, window), of values at all places."""
        return sliding_window_view(values, self.fitted.window)[self.now - self.fitted.window + 1]

    def spread_of(self, name: str) -> float:
        """Mean standard deviation of another numeric column in the windows; 0 where it is unknown in all of them."""
        spread = self._others(name).std(axis=1)
        known = spread[~np.isnan(spread)]
        return float(known.mean()) if len(known) else 0.0

    def require_memory(self) -> None:
        """Raise MemoryLimitError if the table of the windows needs more memory than is available."""
        fitted = self.fitted
        numbers = fitted.window + fitted.other_window * len(fitted.past) + fitted.horizon * (2 + len(fitted.known))
        require_memory(16 * numbers * len(self.now), "windows of the series", "use a shorter forecast.window")

    def table(self, with_targets: bool, parts: NDArray[np.int8] | None = None) -> Table:
        """Table of the windows: inputs, coming values if there are any, and origins.

        parts: split of each window, indices into PARTS, or None. Raises MemoryLimitError.
        """
        self.require_memory()
        fitted, rows, origins = self.fitted, self.rows, self.origins()
        columns = [self._window_of_target(origins), *map(self._window, fitted.past)]
        names = fitted.groups if fitted.series_are_inputs else ()
        columns += [self._latest(name) for name in (*names, *fitted.latest)]
        columns += [column for name in fitted.known for column in self._ahead(name)]
        columns += self._calendar()
        if with_targets:
            ahead = rows.values[self.coming]
            scaled = origins.scaled(ahead)
            columns += [Column(name, "numeric", scaled[:, step]) for step, name in enumerate(fitted.targets)]
        columns += fitted.origins.columns(origins)
        return Table(columns, parts, len(self.now))

    def _window_of_target(self, origins: Origins) -> Column:
        """The scaled window of the target."""
        fitted = self.fitted
        values = np.log(self.rows.values) if fitted.normalize == "log" else self.rows.values
        window = self._past(values)
        first = 1 - fitted.window
        base = origins.base
        if fitted.counts_from_last:
            base = window[:, -1:]
            window = window[:, :-1] if fitted.window > 1 else window
        return Column(fitted.target, "numeric", (window - base) / origins.spread, first=first)

    def _window(self, name: str) -> Column:
        """The window of another numeric column, counted from its last value and divided by its spread."""
        window = self._others(name)
        spread = np.maximum(window.std(axis=1, keepdims=True), NARROW * self.fitted.spreads[name] or 1.0)
        scaled, length = (window - window[:, -1:]) / spread, self.fitted.other_window
        return Column(name, "numeric", scaled[:, :-1] if length > 1 else scaled, first=1 - length)

    def _others(self, name: str) -> Values:
        """Past values (windows, other_window) of another numeric column, NaN before the series begins."""
        steps, values = np.arange(1 - self.fitted.other_window, 1), numbers_of(self.rows.placed(name))
        places, begin = self.now[:, None] + steps, self.rows.grid.starts[self.rows.grid.series[self.now]][:, None]
        return np.where(places < begin, np.nan, values[np.maximum(places, 0)])

    def _latest(self, name: str) -> Column:
        return self.rows.placed(name).take(self.now)

    def _ahead(self, name: str) -> list[Column]:
        """Coming values of a column that is known ahead: an array of numbers, or columns of categories."""
        column = self.rows.placed(name)
        values = column.values[self.coming]
        if column.kind == "categorical":
            names = position_names(name, self.fitted.horizon, 1)
            return [
                Column(step, column.kind, np.ascontiguousarray(values[:, place]), column.categories)
                for place, step in enumerate(names)
            ]
        return [Column(name, "numeric", values.astype(np.float64), first=1)]

    def _calendar(self) -> list[Column]:
        """Sine and cosine of the place of the first coming step within each cycle."""
        if not self.fitted.cycles:
            return []
        found = self.rows.axis.calendar(self.steps + 1)
        return [
            Column(f"{cycle} {name}", "numeric", function(2 * np.pi * found[cycle]))
            for cycle in self.fitted.cycles
            for name, function in (("sine", np.sin), ("cosine", np.cos))
        ]


def _with_history(rows: SeriesRows, fitted: FittedWindows) -> Places:
    """Places that have a whole window of known values behind them."""
    begin = rows.known_from[rows.grid.series]
    return np.flatnonzero(np.arange(rows.grid.places) - begin >= fitted.window - 1)
