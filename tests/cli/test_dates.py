"""Dates from a file to predictions: what they are read as, and what they are good for."""

from __future__ import annotations

import shutil
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from commands import bpcli

import bpcli as library

REAL_FILES = Path(__file__).parent.parent / "data" / "real_files"


def write_sales(path: Path, days: int) -> list[tuple[date, float]]:
    """Write daily sales with a trend, a season and a weekly cycle, and a column of noise, in a fixed random order."""
    generator = np.random.default_rng(3)
    found = []
    lines = ["day,noise,sales"]
    for number in generator.permutation(days).tolist():
        day = date(2019, 1, 1) + timedelta(days=number)
        season = 10 * np.sin(2 * np.pi * day.timetuple().tm_yday / 365)
        sales = 50 + number / 100 + season + (8 if day.weekday() >= 5 else 0) + generator.normal(scale=0.5)
        found.append((day, float(sales)))
        lines.append(f"{day:%d.%m.%Y},{generator.normal():.3f},{sales:.3f}")
    path.write_text("\n".join(lines) + "\n")
    return found


CONFIG = """
data:
  path: sales.csv
  target: sales
  {column}
layers: [{{units: 32, activation: tanh}}, {{units: 16, activation: tanh}}]
loss: mse
optimizer: {{type: adam, learning_rate: 0.01}}
training: {{epochs: 60, batch_size: 64}}
"""


def r2_with(folder: Path, column: str) -> float:
    (folder / "config.yaml").write_text(CONFIG.format(column=column))
    run = folder / column.partition(":")[0]
    bpcli("train", folder / "config.yaml", "-q", "--run-dir", run).ok()
    return float(bpcli("evaluate", run, "--json").ok().json["r2"])


def test_a_column_of_dates_explains_trend_season_and_week(tmp_path: Path) -> None:
    write_sales(tmp_path / "sales.csv", 1200)
    assert r2_with(tmp_path, "exclude: [day]") < 0.1
    assert r2_with(tmp_path, "columns: {day: {type: date, order: day_month_year}}") > 0.97


@pytest.fixture(scope="module")
def run_on_dates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on the file with all kinds of dates, from the config that init writes."""
    folder = tmp_path_factory.mktemp("dates")
    shutil.copy(REAL_FILES / "28_dates.csv", folder / "data.csv")
    result = bpcli("init", "data.csv", "--target", "y", "-o", "config.yaml", cwd=folder).ok()
    assert result.err.splitlines()[:5] == [
        "note: 'd1' read as dates: 01-Jan-23 to 19-Dec-23",
        "note: 'd2' read as dates: January 01 2023 to December 19 2023",
        "note: 'd3' read as dates: 20230101 to 20231219",
        "note: 'd4' read as dates: 1672531200000 to 1702947600000",
        "note: 't' read as times of day: 00:00 to 23:00",
    ]
    bpcli("train", "config.yaml", "-q", "--run-dir", "run", "--set", "training.epochs=80", cwd=folder).ok()
    return folder / "run"


def test_the_config_of_init_names_every_column_of_dates(run_on_dates: Path) -> None:
    assert (
        "  columns:\n"
        "    d1: {type: date, order: day_month_year}    # 01-Jan-23 to 19-Dec-23\n"
        "    d2: date    # January 01 2023 to December 19 2023\n"
        "    d3: date    # 20230101 to 20231219\n"
        "    d4: {type: date, order: epoch_milliseconds}    # 1672531200000 to 1702947600000\n"
        "    t: time_of_day    # 00:00 to 23:00\n"
    ) in (run_on_dates.parent / "config.yaml").read_text()
    assert float(bpcli("evaluate", run_on_dates, "--json").ok().json["r2"]) > 0.85


def test_predictions_are_the_same_from_a_file_from_standard_input_and_from_python(run_on_dates: Path) -> None:
    lines = (run_on_dates.parent / "data.csv").read_text().splitlines()[:4]
    (run_on_dates.parent / "new.csv").write_text("\n".join(lines) + "\n")
    out = bpcli("predict", run_on_dates.parent / "new.csv", "--checkpoint", run_on_dates, "--keep", "d1").ok()
    piped = bpcli("predict", "-", "--checkpoint", run_on_dates, "--keep", "d1", stdin="\n".join(lines) + "\n").ok()
    assert out.out == piped.out
    assert [row["d1"] for row in out.rows] == ["01-Jan-23", "03-Jan-23", "06-Jan-23"]
    days = [date(2023, 1, 1), date(2023, 1, 3), date(2023, 1, 6)]
    moments = [datetime(2023, 1, 1), datetime(2023, 1, 3, 23), datetime(2023, 1, 6, 22)]
    rows = {"d1": days, "d2": days, "d3": np.array(days, "datetime64[D]"), "d4": moments}
    predicted = library.load(run_on_dates).predict({**rows, "t": ["00:00", "11 PM", "22:00:00"]})
    assert predicted.tolist() == pytest.approx([float(row["prediction"]) for row in out.rows], rel=1e-6)


def test_a_word_that_is_no_date_is_an_error_with_its_place(run_on_dates: Path) -> None:
    text = "d1,d2,d3,d4,t\n31-Feb-23,January 01 2023,20230101,1672531200000,00:00\n"
    result = bpcli("predict", "-", "--checkpoint", run_on_dates, stdin=text)
    assert result.code == 3
    assert result.err.splitlines()[-1] == (
        "error: standard input: line 2: column 'd1': '31-Feb-23' is not a date such as 31.01.2023 or 31-Jan-23, with "
        "the day before the month"
    )


def test_dates_far_from_those_of_training_are_noted_as_dates(run_on_dates: Path) -> None:
    text = "d1,d2,d3,d4,t\n01-Jan-33,January 01 2023,20230101,1672531200000,00:00\n"
    result = bpcli("predict", "-", "--checkpoint", run_on_dates, stdin=text).ok()
    assert "column 'd1': 1 value far outside 2023-01-0" in result.err


def test_inspection_shows_dates_as_dates(run_on_dates: Path) -> None:
    found = bpcli("inspect", run_on_dates, "--column", "d1", "--column", "t", "--json").ok().json
    curves = {one["column"]: one["values"] for one in found["dependence"]["columns"]}
    assert all(datetime.fromisoformat(value).year == 2023 for value in curves["d1"])
    assert curves["d1"] == sorted(curves["d1"])
    assert all(len(value) == 5 and value[2] == ":" for value in curves["t"])


def test_reports_and_traces_name_the_features_in_words(run_on_dates: Path) -> None:
    bpcli("report", run_on_dates).ok()
    assert "time, month, day of week, hour" in (run_on_dates / "report.html").read_text()
    trace = bpcli("trace", run_on_dates, "--row", "1", "--json").ok().json
    assert "d4 day of week, sine" in str(trace)


@pytest.mark.parametrize("kind", ["date", "time_of_day"])
def test_dates_are_no_targets(tmp_path: Path, kind: str) -> None:
    cell = "2024-01-01" if kind == "date" else "09:30"
    (tmp_path / "t.csv").write_text("d,x\n" + "".join(f"{cell},{n}\n" for n in range(40)))
    (tmp_path / "c.yaml").write_text(f"data: {{path: t.csv, target: d, columns: {{d: {kind}}}}}\nlayers: []\n")
    result = bpcli("check", "c.yaml", cwd=tmp_path)
    what = "dates" if kind == "date" else "times of day"
    assert (result.code, result.err) == (
        2,
        f"error: c.yaml:1:29: data.target: column 'd' holds {what}, which cannot be predicted; predict a number, such "
        "as the days or hours since an event\n",
    )


def test_dates_with_blanks_in_lines_with_comments_are_recognised(tmp_path: Path) -> None:
    lines = (REAL_FILES / "09_comments_trailing.csv").read_text().splitlines()
    plain = [line.rstrip(";") for line in lines if not line.startswith("#")]
    (tmp_path / "t.csv").write_text("\n".join(plain) + "\n")
    result = bpcli("init", "t.csv", "--target", "W", cwd=tmp_path).ok()
    assert "    time: {type: date, order: day_month_year}    # 01.05.2021 09:00 to " in result.out


def test_a_column_of_splits_or_weights_is_no_date(tmp_path: Path) -> None:
    cells = "".join(f"{'train' if n % 3 else 'test'},{n % 2 + 1},{n},{n * 2.5}\n" for n in range(60))
    (tmp_path / "t.csv").write_text(f"part,w,x,y\n{cells}")
    (tmp_path / "c.yaml").write_text(
        "data: {path: t.csv, target: y, weight: w, split: {column: part}, columns: {part: date, w: time_of_day}}\n"
        "layers: []\n"
    )
    assert bpcli("check", "c.yaml", "--json", cwd=tmp_path).ok().json["rows"]["train"] == 40


def test_an_array_is_no_date(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", X=np.zeros((40, 2, 2)), y=np.arange(40) % 2)
    (tmp_path / "c.yaml").write_text("data: {path: t.npz, columns: {X: date}}\nlayers: []\n")
    result = bpcli("check", "c.yaml", cwd=tmp_path)
    assert (result.code, result.err) == (
        2,
        "error: c.yaml:1:34: data.columns.X: 'X' is an array of 2 × 2, and cannot be a date\n",
    )


def test_a_date_that_gives_the_target_away_is_warned_of(tmp_path: Path) -> None:
    days = [date(2024, 1, 1) + timedelta(days=number * number % 367) for number in range(200)]
    lines = "".join(f"{day},{number % 7},{(day - date(2024, 1, 1)).days / 2}\n" for number, day in enumerate(days))
    (tmp_path / "t.csv").write_text(f"day,x,y\n{lines}")
    (tmp_path / "c.yaml").write_text("data: {path: t.csv, target: y, columns: {day: date}}\nlayers: []\nloss: mse\n")
    warnings = bpcli("check", "c.yaml", "--json", cwd=tmp_path).ok().json["warnings"]
    assert [warning.partition(";")[0] for warning in warnings if "correlation" in warning] == [
        "column 'day': has a correlation of 1 with target 'y'"
    ]


def test_dates_in_parquet_are_read_as_those_in_text(run_on_dates: Path) -> None:
    pl = pytest.importorskip("polars")
    folder = run_on_dates.parent
    frame = pl.read_csv(folder / "data.csv").with_columns(
        pl.col("d1").str.to_date("%d-%b-%y"),
        pl.col("d2").str.to_datetime("%B %d %Y"),
        pl.from_epoch("d4", time_unit="ms").dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo"),
        pl.col("t").str.to_time("%H:%M"),
    )
    frame.write_parquet(folder / "data.parquet")
    found = [
        bpcli("predict", folder / f"data.{form}", "--checkpoint", run_on_dates).ok().out for form in ("csv", "parquet")
    ]
    assert found[0] == found[1]
