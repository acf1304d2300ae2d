"""Forecasts past the last row of series."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array
from bpcli.data.examples.groups import group_codes
from bpcli.data.files.source import Source
from bpcli.data.table import Kind, Table, require_columns
from bpcli.data.windows.fitted import FittedWindows
from bpcli.data.windows.history import followed_by
from bpcli.data.windows.series_rows import SeriesRows
from bpcli.data.windows.windows import Windows
from bpcli.decision.intervals import level_name
from bpcli.errors import DataError, UsageError
from bpcli.models.new_rows import options_of_new_rows
from bpcli.models.new_windows import rows_of_series, series_source, too_short
from bpcli.storage.header import Header
from bpcli.wording import counted, enumerated, listed, quoted

Values = NDArray[np.float64]

THE_RUN = "the run's data"


@dataclass(frozen=True)
class Forecast:
    """Forecast of the coming values of one or more series.

    series: cells of the columns of groups, by column, (series,) each. stamps: cells of the columns of the time, by
    column, (series · horizon,) each. values: (series, horizon). bounds: lower and upper bounds (series, horizon) of
    each level. levels: with returns, the values that these lead to, (series, horizon). now: time of the last known
    value of each series. history: the latest known values of each series, the last of them now. simple: seasonal naive
    forecasts, (series, horizon).
    """

    series: Mapping[str, Sequence[str]]
    stamps: Mapping[str, Sequence[str]]
    values: Values
    bounds: Mapping[float, tuple[Values, Values]]
    levels: Values | None
    now: Sequence[str]
    history: Sequence[Values]
    simple: Values
    notes: list[str]

    @property
    def horizon(self) -> int:
        """Number of steps."""
        return int(self.values.shape[1])

    def columns(self) -> dict[str, Sequence[Any]]:
        """Columns of a table with a row for each series and step."""
        horizon = self.horizon
        found: dict[str, Sequence[Any]] = {
            name: [cell for cell in cells for _ in range(horizon)] for name, cells in self.series.items()
        }
        found |= self.stamps
        found["step"] = list(range(1, horizon + 1)) * len(self.values)
        found["forecast"] = self.values.ravel().tolist()
        for level, (lower, upper) in self.bounds.items():
            found[f"lower_{level_name(level)}"] = lower.ravel().tolist()
            found[f"upper_{level_name(level)}"] = upper.ravel().tolist()
        if self.levels is not None:
            found["level"] = self.levels.ravel().tolist()
        return found


class NamedRows(NamedTuple):
    """Rows of series, with the name of their file in messages."""

    table: Table
    shown: str


def forecast(
    header: Header,
    outcome_of: Callable[[Table], Array],
    history: NamedRows | None = None,
    future: NamedRows | None = None,
) -> Forecast:
    """Forecast what follows the last known value of each series.

    header: of the model's checkpoint. outcome_of: scaled forecasts (windows, horizon) of a table of windows.
    history: rows of the series up to now; by default the latest rows of the model's data. future: coming rows, with the
    columns that are known ahead.

    Raises:
        UsageError: the model forecasts no series.
        DataError: the history is too short, or values that are known ahead are missing.
    """
    fitted = require_series(header)
    if history is None:
        assert header.latest is not None
        history = NamedRows(header.latest.table(fitted.kinds), THE_RUN)
    table, shown = history
    notes = [header.blend.line] if header.blend is not None and header.blend.line else []
    if future is not None:
        future, past = _coming_rows(table, future, fitted, shown)
        table = followed_by(table, future.table)
        notes += past
    rows = rows_of_series(table, header.config.data, fitted, shown)
    now = rows.last_known
    enough = now - rows.known_from + 1 >= fitted.window
    if not enough.any():
        raise DataError(too_short(rows, fitted, fitted.window, shown))
    windows = Windows(rows, fitted, now[enough])
    _require_known(windows, shown if future is None else future.shown)
    table = windows.table(with_targets=False)
    scaled, origins = outcome_of(table), fitted.origins.of(table)
    values, intervals = origins.restored(scaled), header.intervals
    around = [] if intervals is None else intervals.around(scaled)
    notes += _notes_of_series(rows, enough, fitted)
    if intervals is not None and intervals.too_few:
        levels = enumerated(f"{level:.0%}" for level in intervals.too_few)
        notes.append(f"no interval of {levels}: {counted(intervals.windows, 'validation window')} are too few")
    return Forecast(
        series={name: [names[place] for names in _names(windows)] for place, name in enumerate(fitted.groups)},
        stamps=rows.axis.labels((windows.steps[:, None] + np.arange(1, fitted.horizon + 1)).ravel()),
        values=values,
        bounds={level: (origins.restored(low), origins.restored(high)) for level, low, high in around},
        levels=_levels(windows, values) if fitted.returns else None,
        now=rows.axis.texts(windows.steps),
        history=_history(windows),
        simple=np.where(np.isnan(origins.seasonal), origins.last, origins.seasonal),
        notes=notes,
    )


def _names(windows: Windows) -> list[tuple[str, ...]]:
    """Cells of the columns of groups of each window's series."""
    grid = windows.rows.grid
    return [grid.names[number] for number in grid.series[windows.now].tolist()]


def _history(windows: Windows) -> list[Values]:
    """Known values of each window's series up to now, as many as its next forecast refers to."""
    rows, length = windows.rows, windows.fitted.history
    begins = np.maximum(windows.now - length + 1, rows.known_from[rows.grid.series[windows.now]])
    return [rows.values[begin : now + 1] for begin, now in zip(begins, windows.now, strict=True)]


def _levels(windows: Windows, changes: Values) -> Values:
    """Values (windows, horizon) that relative changes lead to."""
    levels: Values = windows.rows.levels[windows.now][:, None] * np.cumprod(1 + changes, axis=1)
    return levels


def _coming_rows(history: Table, future: NamedRows, fitted: FittedWindows, source: str) -> tuple[NamedRows, list[str]]:
    """Rows of `future` that the history does not have, and a note on the others.

    Raises DataError for coming rows that repeat each other, and if there are none.
    """
    together = followed_by(history, future.table)
    stamps, columns = ([together[name] for name in names] for names in (fitted.axis.columns, fitted.groups))
    codes = group_codes(columns) if columns else np.zeros(together.rows, np.intp)

    def places(part: slice, shown: str) -> list[tuple[int, int]]:
        series = codes[part] if columns else None
        steps = fitted.axis.steps([column.take(part) for column in stamps], series, shown)
        return list(zip(codes[part].tolist(), steps.tolist(), strict=True))

    coming = places(slice(history.rows, None), future.shown)
    known = set(places(slice(history.rows), source))
    new = np.flatnonzero([place not in known for place in coming])
    if not len(new):
        raise DataError(f"{future.shown}: {source} has all of these rows already; give the rows after its last one")
    if len(new) == len(coming):
        return future, []
    past = counted(len(coming) - len(new), "row")
    return NamedRows(future.table.take(new), future.shown), [f"{past} of {future.shown} not used: {source} has them"]


def _notes_of_series(rows: SeriesRows, enough: NDArray[np.bool_], fitted: FittedWindows) -> list[str]:
    """Notes on series that are too short, and on those that end before the others."""
    names, notes = [" ".join(cells) for cells in rows.grid.names], []
    if not enough.all():
        short = listed(name for name, fits in zip(names, enough.tolist(), strict=True) if not fits)
        count = counted(int(np.count_nonzero(~enough)), "series", "series")
        notes.append(f"{count} left out, {short}: fewer than {fitted.window} known values")
    last = rows.grid.steps[np.maximum(rows.last_known, 0)]
    early = enough & (last < last[enough].max())
    if early.any():
        first = int(np.flatnonzero(early)[0])
        stamp = rows.axis.texts(last[first : first + 1])[0]
        count = counted(int(np.count_nonzero(early)), "series", "series")
        notes.append(
            f"{count} forecast from an earlier time, {quoted(names[first])} from {stamp}: no later value is known"
        )
    return notes


def _require_known(windows: Windows, source: str) -> None:
    """Raise DataError unless the columns that are known ahead have all their coming values."""
    fitted = windows.fitted
    for name in fitted.known:
        lacking = np.argwhere(windows.lacking_ahead(name))
        if len(lacking):
            window, step = lacking[0]
            stamp = windows.rows.axis.texts(windows.steps[window : window + 1] + step + 1)[0]
            series = listed(_names(windows)[window])
            of_series = f" for {series}" if series else ""
            raise DataError(
                f"{source}: {listed(fitted.known)} must be known ahead, and {quoted(name)} has no value at {stamp}"
                f"{of_series}; give the coming {counted(fitted.horizon, 'row')} of each series with --future"
            )


def history_rows(header: Header, path: Path) -> NamedRows:
    """Rows of series in a file. Raises DataError if a column of the model is missing."""
    require_series(header)
    source = series_source(header, [path])
    return NamedRows(source.table(), source.shown)


def future_rows(header: Header, path: Path) -> NamedRows:
    """Coming rows in a file: the columns of time and groups, and those that are known ahead.

    Raises DataError if one is missing.
    """
    data = header.config.data
    kinds = future_kinds(header)
    options = replace(options_of_new_rows(data, kinds, header.preprocessor), columns=frozenset(kinds))
    source = Source([(path, None)], options)
    require_columns(list(kinds), source.header, source.shown)
    return NamedRows(source.table(), source.shown)


def future_kinds(header: Header) -> dict[str, Kind]:
    """Columns of coming rows, with their kinds: of time, of groups, and those that are known ahead."""
    fitted = require_series(header)
    kinds: dict[str, Kind] = dict.fromkeys(header.config.data.times, "categorical")
    return kinds | {name: fitted.kinds[name] for name in (*fitted.groups, *fitted.known)}


def require_series(header: Header) -> FittedWindows:
    """Windows of a model. Raises UsageError if it forecasts no series."""
    if header.windows is None or header.latest is None:
        raise UsageError("the model forecasts no series: its config has no forecast")
    return header.windows
