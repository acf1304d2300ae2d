"""Dates are the same wherever they are read from."""

import datetime
import importlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

from bpcli.data.files.cells import ReadOptions
from bpcli.data.files.python_rows import table_from_rows
from bpcli.data.files.read import read_stream, read_table
from bpcli.data.files.table_cache import TableCache
from bpcli.data.notations.dates import DateNotation, Order, TimeNotation
from bpcli.data.table import Table
from bpcli.errors import DataError

LABELS = ["2023-01-05 09:30", "", "2023-02-28 23:05"]
UTC = datetime.UTC


def options(order: Order, name: str = "d") -> ReadOptions:
    return ReadOptions(
        kinds={name: "date", "t": "time_of_day"},
        columns=frozenset({name, "t"}),
        notations={name: DateNotation(order=order), "t": TimeNotation()},
    )


def write(path: Path, *cells: str) -> Path:
    path.write_text("d\n" + "\n".join(f'"{cell}"' for cell in cells) + "\n")
    return path


@pytest.mark.parametrize(
    ("order", "cells"),
    [
        ("year_month_day", ["2023-01-05T09:30Z", "NA", "2023-02-28 23:05"]),
        ("day_month_year", ["5.1.2023 9:30", "", "28-Feb-23 11:05 PM"]),
        ("month_day_year", [" 01/05/2023, 09:30 ", "?", "2/28/23 23:05"]),
        ("epoch_seconds", ["1672911000", "null", "1677625500"]),
        ("epoch_milliseconds", ["1672911000000", "NaN", "1677625500000.0"]),
    ],
)
def test_csv_in_a_file_and_on_standard_input(tmp_path: Path, order: Order, cells: list[str]) -> None:
    path = write(tmp_path / "t.csv", *cells)
    table = read_table([(path, None)], options(order))
    assert (table["d"].kind, table["d"].labels()) == ("date", LABELS)
    with mock.patch.object(sys, "stdin", mock.Mock(buffer=io.BytesIO(path.read_bytes()))):
        chunks = [table for table in read_stream(None, options(order), 2) if table is not None]
    assert [chunk["d"].values.tolist()[-1] for chunk in chunks] == pytest.approx(
        [np.nan, table["d"].values[2]], nan_ok=True
    )


def test_a_cell_that_is_no_date_is_named_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "2023-01-05", "2023-02-29")
    with pytest.raises(DataError, match=r"t.csv: line 3: column 'd': '2023-02-29' is not a date such as 2023-01-31"):
        read_table([(path, None)], options("year_month_day"))


def test_dates_of_several_files_are_joined(tmp_path: Path) -> None:
    train, test = write(tmp_path / "a.csv", "2023-01-05"), write(tmp_path / "b.csv", "2024-01-05", "")
    table = read_table([(train, "train"), (test, "test")], options("year_month_day"))
    assert (table["d"].kind, table["d"].labels()) == ("date", ["2023-01-05", "2024-01-05", ""])


def test_dates_are_kept_in_the_cache(tmp_path: Path) -> None:
    table = read_table([(write(tmp_path / "t.csv", "2023-01-05", "", "1999-12-31"), None)], options("year_month_day"))
    cache = TableCache(tmp_path / "cache")
    cache.keep("key", {"d": "date"}, table)
    found = cache.find("key", {"d": "date"})["d"]
    assert (found.kind, found.labels()) == ("date", ["2023-01-05", "", "1999-12-31"])
    assert len(cache.find("key", {"d": "numeric"})) == 0


def test_parquet_with_dates_text_and_numbers(tmp_path: Path) -> None:
    pl = pytest.importorskip("polars")
    naive = [datetime.datetime(2023, 1, 5, 9, 30), None, datetime.datetime(2023, 2, 28, 23, 5)]
    zoned = pl.Series("d", naive).dt.replace_time_zone("UTC").dt.convert_time_zone("America/New_York")
    series: list[tuple[Order, Any]] = [
        ("day_month_year", pl.Series("d", naive)),
        ("year_month_day", pl.Series("d", naive).cast(pl.Datetime("ns"))),
        ("epoch_seconds", zoned),
        ("day_month_year", pl.Series("d", ["5.1.2023 09:30", None, "28.2.2023 23:05"])),
        ("epoch_milliseconds", pl.Series("d", [1672911000000, None, 1677625500000])),
        ("epoch_seconds", pl.Series("d", [1672911000.0, None, 1677625500.0])),
        ("epoch_seconds", pl.Series("d", [1672911000.0, float("nan"), 1677625500.0])),
    ]
    for order, one in series:
        pl.DataFrame([one]).write_parquet(tmp_path / "t.parquet")
        column = read_table([(tmp_path / "t.parquet", None)], options(order))["d"]
        assert (column.kind, column.labels()) == ("date", LABELS), one
    times = pl.Series("t", [datetime.time(9, 30), None, datetime.time(23, 5)])
    dates = pl.Series("d", [datetime.date(2023, 1, 5), None, datetime.date(2023, 2, 28)])
    pl.DataFrame([times, dates]).write_parquet(tmp_path / "t.parquet")
    table = read_table([(tmp_path / "t.parquet", None)], options("month_day_year"))
    assert table["t"].labels() == ["09:30", "", "23:05"]
    assert table["d"].labels() == ["2023-01-05", "", "2023-02-28"]


@pytest.mark.parametrize(
    ("order", "values"),
    [
        ("day_month_year", ["2023-01-05T09:30:00", None, "28.2.2023 23:05"]),
        ("epoch_seconds", [1672911000, None, 1677625500.0]),
        ("epoch_milliseconds", [1672911000000, "NA", "1677625500000"]),
    ],
)
def test_text_and_numbers_of_json_lines(tmp_path: Path, order: Order, values: list[object]) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps({"d": value}) + "\n" for value in values))
    column = read_table([(path, None)], options(order))["d"]
    assert (column.kind, column.labels()) == ("date", LABELS)


@pytest.mark.parametrize(
    ("order", "values", "labels"),
    [
        ("epoch_seconds", np.array([1672911000, 1677625500]), LABELS[::2]),
        ("epoch_seconds", np.array([1672911000, np.nan, 1677625500]), LABELS),
        ("epoch_milliseconds", np.array([1672911000000.0, np.nan, 1677625500000.0]), LABELS),
        ("year_month_day", np.array([20230105, 20230228], np.int32), ["2023-01-05", "2023-02-28"]),
    ],
)
def test_numbers_of_npz(tmp_path: Path, order: Order, values: np.ndarray, labels: list[str]) -> None:
    np.savez(tmp_path / "t.npz", X=values[:, None], y=np.arange(len(values)))
    column = read_table([(tmp_path / "t.npz", None)], options(order, "X0"))["X0"]
    assert (column.kind, column.labels()) == ("date", labels)


def from_python(values: Any, order: Order = "day_month_year") -> Table:
    kinds = ReadOptions(kinds={"d": "date"}, notations={"d": DateNotation(order=order)})
    return table_from_rows({"d": values}, kinds)


@pytest.mark.parametrize(
    "values",
    [
        [datetime.datetime(2023, 1, 5, 9, 30), None, datetime.datetime(2023, 2, 28, 23, 5)],
        [datetime.datetime(2023, 1, 5, 9, 30, tzinfo=UTC), float("nan"), np.datetime64("2023-02-28T23:05")],
        np.array(["2023-01-05T09:30", "NaT", "2023-02-28T23:05"], "datetime64[ns]"),
        np.array(["2023-01-05T09:30", "NaT", "2023-02-28T23:05"], "datetime64[s]"),
        ["05.01.2023 09:30", "", "28/2/23 11:05 PM"],
    ],
)
def test_python_objects(values: Any) -> None:
    column = from_python(values)["d"]
    assert (column.kind, column.labels()) == ("date", LABELS)


def test_python_numbers_days_and_times() -> None:
    assert from_python([1672911000, None, 1677625500.0], "epoch_seconds")["d"].labels() == LABELS
    assert from_python(np.array([20230105.0]), "year_month_day")["d"].labels() == ["2023-01-05"]
    assert from_python([datetime.date(2023, 1, 5)])["d"].labels() == ["2023-01-05"]
    times = ReadOptions(kinds={"t": "time_of_day"}, notations={"t": TimeNotation()})
    rows = {"t": [datetime.time(9, 30), None, "11:05 PM", datetime.time(9, 30, 15, 500_000)]}
    assert table_from_rows(rows, times)["t"].labels() == ["09:30:00.000", "", "23:05:00.000", "09:30:15.500"]
    with pytest.raises(DataError, match=r"row 1, counted from 0: column 'd': 'True' is not a date such as 31.01.2023"):
        from_python(["1.1.2023", True])


@pytest.mark.parametrize(
    "frame",
    [
        lambda pandas, values: pandas.DataFrame({"d": pandas.to_datetime(values)}),
        lambda pandas, values: pandas.DataFrame({"d": pandas.to_datetime(values, utc=True)}),
    ],
)
def test_data_frames_of_pandas(frame: Callable[[Any, list[str | None]], Any]) -> None:
    pytest.importorskip("pandas")
    pandas = importlib.import_module("pandas")
    rows = frame(pandas, ["2023-01-05T09:30", None, "2023-02-28T23:05"])
    options = ReadOptions(kinds={"d": "date"}, notations={"d": DateNotation(order="epoch_seconds")})
    assert table_from_rows(rows, options)["d"].labels() == LABELS
