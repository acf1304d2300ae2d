"""Fitting of windows to the rows of series: splits by time, season, length and scales."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bpcli.data.examples.split import DEFAULT_SHARE
from bpcli.data.series.forecast_spec import ForecastSpec
from bpcli.data.series.season import find_season
from bpcli.data.series.time_axis import TimeAxis
from bpcli.data.spec import DataSpec
from bpcli.data.table import Table
from bpcli.data.windows.fitted import FittedWindows, SeriesScale
from bpcli.data.windows.series_rows import SeriesRows
from bpcli.data.windows.windows import Windows
from bpcli.errors import DataError, Mismatch, MismatchError
from bpcli.wording import counted, listed, quoted

SEASONS, HORIZONS = 2, 3
"""Length of a window: so many seasons, and at least so many horizons."""

MOST_OF_ROWS = 3
"""A window has at most one part in so many of the training rows of a series, but for seasons: what comes after so few
seasons follows from them more than from what is learned of windows."""

LONGEST = 256
"""Longest window that is chosen."""

OTHER_STEPS = 4
"""Steps of other columns that are chosen: windows as long as the target's made forecasts worse."""

MOST_SERIES = 1_000
"""Most series of which each is an input of its own: of more, each has too little to say."""

CYCLES = 2
"""A cycle of the calendar is an input if the training rows have so many of it."""

Values = NDArray[np.float64]


class SeriesFit(NamedTuple):
    """Fitted windows, the rows they were fitted on, and notes for the user."""

    fitted: FittedWindows
    rows: SeriesRows
    notes: list[str]


def fit_windows(
    table: Table, data: DataSpec, forecast: ForecastSpec, source: str, axis: TimeAxis | None = None
) -> SeriesFit:
    """Fit windows on the rows of a source.

    axis: time axis of earlier rows, for series that are to be continued; by default it is fitted.

    Raises:
        MismatchError: the config does not fit the data.
        DataError: the rows are no regular series, or too short.
    """
    assert data.time is not None
    target = _target(table, data)
    returns = forecast.difference == "return"
    rows = SeriesRows.of(table, data.time, axis, data.groups, target, returns, source)
    columns = _columns(table, data, target)
    rows.require_moderate([target, *columns["past"]], source)
    _require_domain(rows, forecast, target)
    if rows.after_end.all():
        raise DataError(f"{source}: column {quoted(target)} has no value")
    grid = rows.grid
    validation_step, test_step = split_steps(
        grid.steps[~rows.after_end], data.split.validation, data.split.test, forecast.horizon
    )
    training = [_of_series(rows, number, validation_step) for number in range(len(grid.first))]
    season = forecast.season
    if season == "auto":
        season = find_season(max(training, key=len), rows.axis.seasons)
    typical = int(np.median([len(values) for values in training if len(values)] or [0]))
    window = forecast.window
    if window == "auto":
        window = _window(season, forecast.horizon, typical)
    _require_length(typical, window, forecast.horizon, source)
    fitted = FittedWindows(
        axis=rows.axis,
        target=target,
        groups=tuple(data.groups),
        series_are_inputs=len(grid.names) <= MOST_SERIES,
        known=tuple(data.known),
        past=tuple(columns["past"]),
        latest=tuple(columns["latest"]),
        kinds={
            name: table[name].kind for name in (*data.groups, target, *columns["past"], *columns["latest"], *data.known)
        },
        horizon=forecast.horizon,
        window=window,
        other_window=min(window, OTHER_STEPS) if forecast.other_window == "auto" else forecast.other_window,
        season=season,
        normalize=forecast.normalize,
        returns=returns,
        cycles=tuple(_cycles(rows.axis, forecast, typical, window)),
        validation_step=validation_step,
        test_step=test_step,
        scales=_scales(rows, validation_step, test_step, window, season, forecast.normalize == "log"),
    )
    windows = Windows.with_targets(rows, fitted)
    windows = windows.take(windows.steps < validation_step)
    windows.require_memory()
    fitted = fitted.model_copy(update={"spreads": {name: windows.spread_of(name) for name in fitted.past}})
    return SeriesFit(fitted, rows, _notes(fitted, rows, columns["left_out"]))


def split_steps(
    steps: NDArray[np.int64], validation: float | None, test: float | None, horizon: int
) -> tuple[int, int]:
    """First time step of the validation rows and of the test rows, by shares of all places.

    steps: time step of each place. Where a share is None, the rows hold at least one horizon.
    """
    ordered, end = np.sort(steps), int(steps.max()) + 1
    boundaries, after = [], end
    for share, taken in ((test, 0.0), (validation, test if test is not None else DEFAULT_SHARE)):
        wanted = DEFAULT_SHARE if share is None else share
        first = after
        if wanted:
            place = len(ordered) - round(len(ordered) * (taken + wanted))
            first = min(int(ordered[min(max(place, 0), len(ordered) - 1)]), after)
            first = min(first, after - horizon) if share is None else first
        boundaries.append(first)
        after = first
    return boundaries[1], boundaries[0]


def _target(table: Table, data: DataSpec) -> str:
    """Name of the target. Raises MismatchError unless it is one column of numbers."""
    key = ("data", "target")
    if len(data.targets) != 1:
        raise MismatchError(Mismatch(key, "a forecast has one target, a column of numbers; list others as inputs"))
    (name,) = data.targets
    if table[name].kind not in ("numeric", "boolean"):
        what = f"column {quoted(name)} holds text; a forecast has a target of numbers"
        raise MismatchError(Mismatch(key, what))
    return name


def _require_domain(rows: SeriesRows, forecast: ForecastSpec, target: str) -> None:
    """Raise MismatchError for values that have no logarithm or no relative change."""
    what = rows.outside_domain(forecast.normalize, forecast.difference == "return")
    if what is not None:
        key = "normalize" if what.startswith("log") else "difference"
        raise MismatchError(Mismatch(("forecast", key), f"{what}, and column {quoted(target)} has others; omit it"))


def _of_series(rows: SeriesRows, number: int, before: int) -> Values:
    """Known values of a series before a time step."""
    start, stop = rows.grid.starts[number], rows.grid.starts[number + 1]
    stop = min(stop, start + max(before - int(rows.grid.first[number]), 0))
    values = rows.values[start:stop]
    return values[~np.isnan(values)]


def _window(season: int, horizon: int, rows: int) -> int:
    """Length of a window for series of so many training rows."""
    seasons = SEASONS * season if season > 1 else 0
    most = max(rows // MOST_OF_ROWS, min(seasons, rows - 2 * horizon))
    return max(1, min(max(seasons, HORIZONS * horizon), most, LONGEST))


def _require_length(rows: int, window: int, horizon: int, source: str) -> None:
    """Raise DataError if a usual series has no window with its horizon in its training rows."""
    if rows >= window + horizon:
        return
    fits = rows - window
    remedy = f"a horizon of at most {fits} would fit" if fits > 0 else "use a shorter forecast.window"
    raise DataError(
        f"{source}: {counted(rows, 'training row')} of a series are fewer than a window of {window} and a horizon of "
        f"{horizon}; {remedy}, or smaller shares in data.split"
    )


def _columns(table: Table, data: DataSpec, target: str) -> dict[str, list[str]]:
    """Other columns by their role: numbers, others of which the latest value counts, and those that are left out."""
    taken = {target, *data.times, *data.groups, *data.known, *data.exclude}
    found: dict[str, list[str]] = {"past": [], "latest": [], "left_out": []}
    for name, column in table.items():
        if name in taken:
            continue
        role = {"numeric": "past", "boolean": "latest", "categorical": "latest"}.get(column.kind, "left_out")
        found["left_out" if column.shape or column.missing().all() else role].append(name)
    return found


def _cycles(axis: TimeAxis, forecast: ForecastSpec, rows: int, window: int) -> list[str]:
    """Cycles of the calendar that are inputs. Raises MismatchError for those that the frequency has not."""
    if forecast.calendar == "none":
        return []
    places = axis.calendar(np.arange(max(rows, 2)))
    if forecast.calendar != "auto":
        unknown = [name for name in forecast.calendar if name not in places]
        if unknown:
            has = f"it has {listed(places)}" if places else "it has none"
            what = f"no cycle {quoted(unknown[0])} at this frequency; {has}"
            raise MismatchError(Mismatch(("forecast", "calendar"), what))
        return list(forecast.calendar)
    lengths = {name: 1 / max(float(np.median(np.diff(place) % 1)), 1e-9) for name, place in places.items()}
    return [name for name, length in lengths.items() if window < length <= rows / CYCLES]


def _scales(
    rows: SeriesRows, validation_step: int, test_step: int, window: int, season: int, logarithms: bool
) -> tuple[SeriesScale, ...]:
    """Scales of the series that have training rows."""
    found = []
    for number, names in enumerate(rows.grid.names):
        values, before = _of_series(rows, number, validation_step), _of_series(rows, number, test_step)
        if not len(values):
            continue
        apart = season if len(before) > season else 1
        error = float(np.abs(before[apart:] - before[:-apart]).mean()) if len(before) > 1 else 0.0
        scaled = np.log(values) if logarithms else values
        spread = float(scaled.std())
        windows = sliding_window_view(scaled, min(window, len(scaled)))
        usual = float(windows.std(axis=1).mean())
        floor = abs(float(scaled.mean())) * 1e-6 or 1.0  # of a constant series
        found.append(
            SeriesScale(
                names=names,
                center=float(scaled.mean()),
                spread=spread or floor,
                window=usual or spread or floor,
                error=error,
            )
        )
    return tuple(found)


def _notes(fitted: FittedWindows, rows: SeriesRows, left_out: Sequence[str]) -> list[str]:
    notes = []
    if fitted.groups and not fitted.series_are_inputs:
        series = f"{len(rows.grid.names):,} series"
        notes.append(f"{listed(fitted.groups)} not an input: {series} are more than {MOST_SERIES:,}")
    notes += [f"column {quoted(name)} left out: neither numbers nor categories" for name in left_out]
    if rows.grid.gaps:
        notes.append(f"{counted(rows.grid.gaps, 'time step')} without a row; each gets the values of the step before")
    if gaps := rows.filled - rows.grid.gaps:
        notes.append(
            f"{quoted(fitted.target)}: {counted(gaps, 'value')} missing; each gets the value of the step before"
        )
    return notes
