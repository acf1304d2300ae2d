"""Windows of series, made of a model's own data and of new rows as they were in training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.data.files.query import Location
from bpcli.data.files.source import Source
from bpcli.data.spec import DataSpec
from bpcli.data.table import Kind, Table, require_columns
from bpcli.data.windows.fitted import FittedWindows
from bpcli.data.windows.series_rows import SeriesRows
from bpcli.data.windows.source import WindowSource, data_of_windows, split_windows
from bpcli.data.windows.windows import Windows
from bpcli.errors import DataError
from bpcli.models.new_rows import options_of_new_rows
from bpcli.storage.header import Header
from bpcli.wording import counted, listed, quoted


def own_windows(source: Source, spec: DataSpec, fitted: FittedWindows) -> tuple[WindowSource, DataSpec]:
    """Source and spec of the windows of a model's own data, in place of those of its rows."""
    rows = rows_of_series(source.table(), spec, fitted, source.shown)
    windows, parts, _ = split_windows(Windows.with_targets(rows, fitted))
    return WindowSource(source, windows, parts), data_of_windows(spec, fitted)


def rows_of_series(table: Table, spec: DataSpec, fitted: FittedWindows, source: str) -> SeriesRows:
    """Rows of a table in order of time.

    Raises DataError for stamps that do not fit the fitted time axis, and for values outside the target's domain.
    """
    assert spec.time is not None
    rows = SeriesRows.of(table, spec.time, fitted.axis, fitted.groups, fitted.target, fitted.returns, source)
    rows.require_moderate([fitted.target, *fitted.past], source)
    if (what := rows.outside_domain(fitted.normalize, fitted.returns)) is not None:
        raise DataError(f"{source}: {what}, and column {quoted(fitted.target)} has others; correct them")
    return rows


def windows_with_targets(rows: SeriesRows, fitted: FittedWindows, source: str, history: int) -> Windows:
    """Windows whose coming values are known, with at least `history` known values up to the origin.

    Raises DataError if there are none.
    """
    windows = Windows.with_targets(rows, fitted).with_history(history)
    windows = windows.take(windows.unobserved == 0)
    if not len(windows.now):
        fitted = fitted.model_copy(update={"window": max(history, fitted.window)})
        raise DataError(too_short(rows, fitted, fitted.window + fitted.horizon, source))
    return windows


def windows_of_history(rows: SeriesRows, fitted: FittedWindows, source: str) -> Windows:
    """Windows of all rows with enough rows before them. Raises DataError if there are none."""
    windows = Windows.of_history(rows, fitted)
    if not len(windows.now):
        raise DataError(too_short(rows, fitted, fitted.window, source))
    return windows


def too_short(rows: SeriesRows, fitted: FittedWindows, needed: int, source: str) -> str:
    """Message for series that are too short, with the number of rows that the longest lacks."""
    longest = int((rows.grid.starts[1:] - rows.known_from).max(initial=0))
    with_horizon = f" and a horizon of {fitted.horizon}" if needed > fitted.window else ""
    steps = f"{counted(longest, 'time step')}, {needed - longest:,} too few"
    return f"{source}: {steps} for a window of {fitted.window}{with_horizon}"


def series_kinds(header: Header) -> dict[str, Kind]:
    """Columns of rows of series that a model takes, with their kinds; stamps are read as text."""
    assert header.windows is not None
    kinds: dict[str, Kind] = dict.fromkeys(header.config.data.times, "categorical")
    return kinds | header.windows.kinds


def series_source(
    header: Header, locations: Sequence[Location], cache: bool = True, keep: Sequence[str] = ()
) -> Source:
    """Source of rows of series, with the columns that a model takes and the kept ones, as text.

    Raises DataError if a column of the model is missing.
    """
    kinds = series_kinds(header)
    options = options_of_new_rows(header.config.data, kinds, header.preprocessor)
    options = replace(options, columns=frozenset(kinds) | frozenset(keep))
    source = Source([(location, None) for location in locations], options, cache)
    require_columns([*kinds, *keep], source.header, source.shown)
    return source


def forecasts_of_rows(
    table: Table, data: DataSpec, fitted: FittedWindows, source: str, outcome_of: Callable[[Table], Array]
) -> tuple[Array, list[str]]:
    """Forecast (rows, horizon) of what follows each row, NaN where it lacks inputs, and notes on such rows.

    outcome_of: forecasts (windows, horizon) of a table of windows. Raises DataError if all rows lack inputs.
    """
    rows = rows_of_series(table, data, fitted, source)
    windows = windows_of_history(rows, fitted, source)
    windows = windows.take(rows.grid.rows[windows.now] >= 0)
    notes = []
    if short := table.rows - len(windows.now):
        notes.append(
            f"{counted(short, 'row')} left empty: fewer than {fitted.window} known values of {fitted.target} up to them"
        )
    lacking = np.zeros(len(windows.now), np.bool_)
    for name in fitted.known:
        lacking |= windows.lacking_ahead(name).any(axis=1)
    if lacking.any():
        steps = counted(fitted.horizon, "step")
        what = f"values of {listed(fitted.known)} must be known {steps} ahead"
        notes.append(f"{counted(int(np.count_nonzero(lacking)), 'row')} left empty: {what}")
        if lacking.all():
            raise DataError(f"{source}: {what}, and none are; add the coming rows, or use bpcli forecast --future")
        windows = windows.take(~lacking)
    predicted = np.full((table.rows, fitted.horizon), np.nan)
    predicted[rows.grid.rows[windows.now]] = outcome_of(windows.table(with_targets=False))
    return predicted, notes
