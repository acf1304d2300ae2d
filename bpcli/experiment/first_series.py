"""Draft of the config of a forecast from a data file of series."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from bpcli.config.loading import run_name
from bpcli.data.columns.recognition import recognised_column, spec_yaml
from bpcli.data.examples.split import DEFAULT_SHARE
from bpcli.data.files.source import open_source
from bpcli.data.series.forecast_spec import ForecastSpec
from bpcli.data.spec import DataSpec
from bpcli.data.table import Table
from bpcli.data.windows.fit import SeriesFit, fit_windows, split_steps
from bpcli.errors import MismatchError, UsageError
from bpcli.experiment.first_config import Draft
from bpcli.experiment.first_reading import first_reading, require_named
from bpcli.experiment.unsuitable_columns import unsuitable_columns
from bpcli.wording import counted, quoted, yaml_scalar

HORIZONS = {12: 12, 4: 4, 52: 13, 7: 14, 24: 24, 96: 96, 48: 48, 5: 10}
"""Usual horizon by the first season of a frequency: a year of months or quarters, a quarter of weeks, two of days."""

OTHER_HORIZON = 6


@dataclass(frozen=True)
class SeriesNames:
    """Columns that the command names: the target, the time, what tells series apart, and what is known ahead.

    time_format: notation of the stamps, such as `%d/%m/%Y`; None to recognise it.
    """

    target: Sequence[str]
    time: Sequence[str]
    group: Sequence[str]
    known: Sequence[str]
    time_format: str | None = None


def draft_series(
    path: Path | str,
    names: SeriesNames,
    horizon: int | None,
    output: Path | None,
    cache: bool = True,
    query: str | None = None,
    sheet: str | None = None,
    reading: Mapping[str, object] | None = None,
) -> Draft:
    """Draft a commented config of a forecast; its data path is relative to `output`'s folder.

    horizon: number of steps; by default that of the frequency. The others are as for `draft_config`.

    Raises:
        DataError: the file cannot be read, or its rows are no regular series.
        UsageError: a name is not a column, or does not suit what it is named for.
    """
    found = first_reading(path, names.target, query, sheet, dict(reading or {}), cache)
    data, source, reasons, notes = found
    if not names.target:
        raise UsageError("--target is missing: name the column to forecast")
    target, time, group, known = (
        require_named(f"--{option}", given, found, path)
        for option, given in (
            ("target", names.target),
            ("time", names.time),
            ("group", names.group),
            ("known", names.known),
        )
    )
    data = _with_series(data, target, time, group, known, names.time_format)
    table = open_source(data, Path(), cache=cache).table()
    taken = {*target, *time, *group}
    recognised = {
        name: column
        for name, values in table.items()
        if name not in {*time, *group} and (column := recognised_column(values, data.dialect, name in target))
    }
    notes += [f"{quoted(name)} read as {column.read_as}: {column.reason}" for name, column in recognised.items()]
    data = data.model_copy(update={"columns": {name: column.spec for name, column in recognised.items()}})
    table = open_source(data, Path(), cache=cache).table() if recognised else table
    excluded = {name: why for name, why in unsuitable_columns(table, target, data.columns).items() if name not in taken}
    notes += [f"{quoted(name)} left out: {why}" for name, why in excluded.items()]
    data = data.model_copy(update={"exclude": tuple(excluded)})
    try:
        fit, horizon = _fit(table, data, horizon, source.shown)
    except MismatchError as error:
        first = error.mismatches[0]
        what = first.what.replace("set data.time.format", "set --time-format")
        raise UsageError(f"--{first.path[-1]}: {what}") from error
    notes += fit.notes
    folder = output.resolve().parent if output is not None else Path.cwd()
    data = data.with_paths(Path(os.path.relpath(Path(file).resolve(), folder)).as_posix() for file, _ in data.files)
    reasons |= {name: column.reason for name, column in recognised.items()}
    text = "\n".join(_lines(data, table, fit, excluded, reasons, Path(source.shown).name))
    return Draft(f"{text}\n", notes)


def _with_series(
    data: DataSpec, target: list[str], time: list[str], group: list[str], known: list[str], time_format: str | None
) -> DataSpec:
    """Data section with the columns of series. Raises UsageError for roles that exclude each other."""
    given = data.model_dump(mode="json", by_alias=True, exclude_unset=True)
    roles: dict[str, object] = {
        name: _one_or_more(names) for name, names in (("target", target), ("time", time), ("group", group))
    }
    roles = {name: names for name, names in (*roles.items(), ("known", known)) if names}
    if time_format is not None:
        roles["time"] = {"column": _one_or_more(time), "format": time_format}
    try:
        return DataSpec.model_validate(given | roles)
    except ValidationError as error:
        option = "--time" if time_format is None else "--time-format"
        raise UsageError(f"{option}: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


def _fit(table: Table, data: DataSpec, horizon: int | None, source: str) -> tuple[SeriesFit, int]:
    """Fitted windows, and the horizon, by default that of the frequency."""
    if horizon is not None:
        return fit_windows(table, data, ForecastSpec(horizon=horizon), source), horizon
    first = fit_windows(table, data, ForecastSpec(horizon=1), source)
    seasons = first.rows.axis.seasons
    longest = int((first.rows.last_known - first.rows.known_from + 1).max())
    usual = HORIZONS.get(seasons[0], seasons[0]) if seasons else OTHER_HORIZON
    horizon = max(1, min(usual, longest // 10))
    return fit_windows(table, data, ForecastSpec(horizon=horizon), source), horizon


def _lines(
    data: DataSpec, table: Table, fit: SeriesFit, excluded: Mapping[str, str], reasons: Mapping[str, str], source: str
) -> Iterator[str]:
    """Lines of the config."""
    fitted, grid = fit.fitted, fit.rows.grid
    series = "" if len(grid.first) == 1 else f" of {counted(len(grid.first), 'series', 'series')}"
    yield f"# Made by bpcli init from {yaml_scalar(source)}: {counted(table.rows, 'row')}{series}."
    yield f"name: {yaml_scalar(run_name(source.split('.')[0]))}"
    yield "seed: 0                       # seed of all random numbers"
    yield "recipe: series@1              # gives every key that is not here; bpcli check says what, and why"
    yield "data:"
    for key, value in {"url": data.url, "query": data.query, "path": data.path, "sheet": data.sheet}.items():
        if isinstance(value, str):
            yield f"  {key}: {yaml_scalar(value)}"
    for key, why in reasons.items():
        if hasattr(data.dialect, key):
            yield f"  {key}: {yaml_scalar(getattr(data, key))}    # {why}"
    yield f"  target: {yaml_scalar(fitted.target)}"
    yield f"  time: {_time(data)}    # {fit.rows.axis.frequency.shown}"
    if data.groups:
        yield f"  group: {_named(data.groups)}    # {counted(len(grid.first), 'series', 'series')}, one network"
    if fitted.known:
        yield f"  known: [{', '.join(map(yaml_scalar, fitted.known))}]    # their coming values are known ahead"
    elif others := [*fitted.past, *fitted.latest]:
        yield f"  # known: [{yaml_scalar(others[0])}]    # columns whose coming values are known"
    if excluded:
        yield "  exclude:"
        yield from (f"    - {yaml_scalar(name)}    # {why}" for name, why in excluded.items())
    if data.columns:
        yield "  columns:"
        for name, spec in data.columns.items():
            yield f"    {yaml_scalar(name)}: {spec_yaml(spec)}    # {reasons[name]}"
    if _shares_fit(fit):
        yield "  split: {validation: 0.15, test: 0.15}    # by time: the last rows are for testing"
    else:
        yield "  # The last horizon is for testing, the one before it for validation: shares of 0.15 would be shorter"
    yield "forecast:"
    yield f"  horizon: {fitted.horizon}    # steps to forecast at once"
    season = "no season found" if fitted.season == 1 else f"a season of {fitted.season} steps"
    yield f"  # window: {fitted.window}    # steps that a forecast is made from; {season}"
    yield "  # intervals: [0.8, 0.95]    # shares of coming values that the intervals are to hold"


def _shares_fit(fit: SeriesFit) -> bool:
    """Whether the usual shares of the splits hold a horizon each."""
    steps, horizon = fit.rows.grid.steps[~fit.rows.after_end], fit.fitted.horizon
    return split_steps(steps, DEFAULT_SHARE, DEFAULT_SHARE, horizon) == split_steps(steps, None, None, horizon)


def _one_or_more(names: list[str]) -> str | list[str]:
    return names[0] if len(names) == 1 else names


def _named(columns: Sequence[str]) -> str:
    return yaml_scalar(columns[0]) if len(columns) == 1 else f"[{', '.join(map(yaml_scalar, columns))}]"


def _time(data: DataSpec) -> str:
    """The time, with its format if one was given."""
    assert data.time is not None
    columns = _named(data.times)
    return columns if data.time.format is None else f"{{column: {columns}, format: {yaml_scalar(data.time.format)}}}"
