"""Stamps of a time axis keep their text, wherever they are read from."""

import datetime
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from time_columns import fitted

from bpcli.data.files.source import open_source
from bpcli.data.spec import DataSpec
from bpcli.data.table import Column


def columns(folder: Path, **keys: object) -> list[Column]:
    """Columns of the time of a source."""
    spec = DataSpec.model_validate({"target": "y", **keys})
    table = open_source(spec, folder, cache=False).table()
    return [table[name] for name in spec.times]


@pytest.mark.parametrize(
    "cells", [["19580329", "19580405"], ["1959.0", "1960.0"], ["007", "008"], ["1959Q1", "1959Q2"]]
)
def test_cells_of_csv(tmp_path: Path, cells: list[str]) -> None:
    (tmp_path / "a.csv").write_text("t,y\n" + "".join(f"{cell},1\n" for cell in [*cells, "NA"]))
    (column,) = columns(tmp_path, path="a.csv", time="t")
    assert (column.kind, column.labels()) == ("categorical", [*cells, ""])


def test_year_and_quarter_of_json_and_a_database(tmp_path: Path) -> None:
    rows = [(1959, 3), (1959, 4), (1960, 1)]
    lines = [json.dumps({"year": year, "quarter": quarter, "y": 1}) for year, quarter in rows]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    with closing(sqlite3.connect(tmp_path / "a.db")) as database, database:
        database.execute("create table t (year integer, quarter real, y real)")
        database.executemany("insert into t values (?, ?, 1)", rows)
    for keys in ({"path": "a.jsonl"}, {"url": "sqlite:///a.db", "query": "select * from t"}):
        axis, steps = fitted(columns(tmp_path, time=["year", "quarter"], **keys))
        assert (steps, axis.frequency.written) == ([0, 1, 2], "quarter")
        assert axis.labels(np.array([3])) == {"year": ["1960"], "quarter": ["2"]}


def test_dates_of_parquet(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    hours = [datetime.datetime(2020, 3, 28, 22 + hour) for hour in range(2)]
    berlin = polars.Series(hours).dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin")
    days = [hour.date() + datetime.timedelta(days=day) for day, hour in enumerate(hours)]
    frame = polars.DataFrame({"day": days, "hour": hours, "zoned": berlin, "n": [20200131.0, 20200201.0], "y": [1, 2]})
    frame.write_parquet(tmp_path / "a.parquet")
    for name, written, label in (
        ("day", "1d", "2020-03-30"),
        ("hour", "1h", "2020-03-29 00:00:00.000000"),
        ("zoned", "1h", "2020-03-29 01:00:00.000000+01:00"),
        ("n", "1d", "20200202"),
    ):
        axis, steps = fitted(columns(tmp_path, path="a.parquet", time=name))
        assert (steps, axis.frequency.written, axis.texts(np.array([2]))) == ([0, 1], written, [label])
