from typing import Any

import numpy as np
import pytest
from time_columns import dates, fitted, time_column, time_columns

from bpcli.data.series.time_axis import TimeAxis
from bpcli.data.series.time_spec import TimeSpec
from bpcli.data.table import Column
from bpcli.errors import DataError, MismatchError

QUARTERS = {"year": ["1959", "1959", "1959", "1959", "1960"], "quarter": ["1", "2", "3", "4", "1"]}


def coming(axis: TimeAxis, steps: list[int], count: int = 2) -> dict[str, list[str]]:
    """Cells of the steps after the last."""
    return axis.labels(max(steps) + np.arange(1, count + 1))


CASES: list[tuple[dict[str, list[str]], dict[str, Any], str, dict[str, list[str]]]] = [
    ({"date": ["19580329", "19580405", "19580412"]}, {}, "7d", {"date": ["19580419", "19580426"]}),
    ({"t": ["19580329", "19580405"]}, {"format": "%Y%m%d"}, "7d", {"t": ["19580412", "19580419"]}),
    ({"t": ["195811", "195812"]}, {}, "month", {"t": ["195901", "195902"]}),
    ({"date": ["2012/01/30", "2012/01/31"]}, {}, "1d", {"date": ["2012/02/01", "2012/02/02"]}),
    ({"t": ["29.03.1958", "05.04.1958"]}, {}, "7d", {"t": ["12.04.1958", "19.04.1958"]}),
    (
        {"t": ["1/2/2012 5:00 PM", "1/2/2012 5:15 PM", "1/13/2012 5:30 PM"]},
        {},
        "15min",
        {"t": ["1/13/2012 5:45 PM", "1/13/2012 6:00 PM"]},
    ),
    ({"t": ["2020-01-31", "2020-02-29", "2020-03-31"]}, {}, "month", {"t": ["2020-04-30", "2020-05-31"]}),
    ({"t": ["Nov 1949", "Dec 1949"]}, {}, "month", {"t": ["Jan 1950", "Feb 1950"]}),
    ({"t": ["1949M11", "1949M12"]}, {}, "month", {"t": ["1950M01", "1950M02"]}),
    ({"t": ["1959Q3", "1959Q4"]}, {}, "quarter", {"t": ["1960Q1", "1960Q2"]}),
    ({"t": ["Q3 1959", "Q4 1959"]}, {}, "quarter", {"t": ["Q1 1960", "Q2 1960"]}),
    ({"t": ["2020-W52", "2020-W53"]}, {}, "7d", {"t": ["2021-W01", "2021-W02"]}),
    ({"t": ["1949", "1949.083", "1949.167"]}, {}, "month", {"t": ["1949.25", "1949.333"]}),
    ({"t": ["1959.50", "1959.75"]}, {}, "quarter", {"t": ["1960.00", "1960.25"]}),
    ({"year": ["1958", "1959"]}, {}, "year", {"year": ["1960", "1961"]}),
    ({"t": ["1958", "1959"]}, {"frequency": "year"}, "year", {"t": ["1960", "1961"]}),
    ({"t": ["1958", "1959"]}, {}, "1", {"t": ["1960", "1961"]}),
    ({"year": ["1958", "1959"]}, {"frequency": 1}, "1", {"year": ["1960", "1961"]}),
    ({"t": ["1959.0", "1960.0"]}, {}, "1", {"t": ["1961.0", "1962.0"]}),
    ({"t": ["0.0", "0.1", "0.2"]}, {}, "0.1", {"t": ["0.3", "0.4"]}),
    ({"t": ["-2", "-1", "0"]}, {}, "1", {"t": ["1", "2"]}),
    ({"t": ["1577836800", "1577840400"]}, {}, "1h", {"t": ["1577844000", "1577847600"]}),
    ({"t": ["1577836800000", "1577840400000"]}, {}, "1h", {"t": ["1577844000000", "1577847600000"]}),
    (QUARTERS, {}, "quarter", {"year": ["1960", "1960"], "quarter": ["2", "3"]}),
    (QUARTERS, {"format": "%Y %q"}, "quarter", {"year": ["1960", "1960"], "quarter": ["2", "3"]}),
    ({"q": ["Q4", "Q1"], "year": ["1959", "1960"]}, {}, "quarter", {"q": ["Q2", "Q3"], "year": ["1960", "1960"]}),
    ({"Month": ["Nov", "Dec"], "Year": ["1949", "1949"]}, {}, "month", {"Month": ["Jan", "Feb"], "Year": ["1950"] * 2}),
    ({"year": ["1949"] * 2, "month": ["08", "09"]}, {}, "month", {"year": ["1949"] * 2, "month": ["10", "11"]}),
    ({"year": ["2020"] * 2, "week": ["52", "53"]}, {}, "7d", {"year": ["2021"] * 2, "week": ["1", "2"]}),
    ({"dteday": ["2011-01-01"] * 2, "hr": ["22", "23"]}, {}, "1h", {"dteday": ["2011-01-02"] * 2, "hr": ["0", "1"]}),
    (
        {"date": ["01/14/2019"] * 3, "Hr_End": ["1", "23", "24"]},
        {"frequency": "1h"},
        "1h",
        {"date": ["01/15/2019"] * 2, "Hr_End": ["1", "2"]},
    ),
    (
        {"date": ["31.12.2019"] * 2, "time": ["23:30", "23:45"]},
        {},
        "15min",
        {"date": ["01.01.2020"] * 2, "time": ["00:00", "00:15"]},
    ),
    (
        {"year": ["2010"] * 2, "month": ["2"] * 2, "day": ["28"] * 2, "hour": ["22", "23"]},
        {},
        "1h",
        {"year": ["2010"] * 2, "month": ["3"] * 2, "day": ["1"] * 2, "hour": ["0", "1"]},
    ),
    (
        {"date": ["31.12.2019"] * 2, "x": ["7", "8"]},
        {"format": "%d.%m.%Y %H"},
        "1h",
        {"date": ["31.12.2019"] * 2, "x": ["09", "10"]},
    ),
    (
        {"t": ["2020-01-01T00:00+05:30", "2020-01-02T00:00+05:30"]},
        {},
        "1d",
        {"t": ["2020-01-03T00:00+05:30", "2020-01-04T00:00+05:30"]},
    ),
    (
        {"t": ["2020-01-01 22:00:00 UTC", "2020-01-01 23:00:00 UTC"]},
        {},
        "1h",
        {"t": ["2020-01-02 00:00:00 UTC", "2020-01-02 01:00:00 UTC"]},
    ),
]


@pytest.mark.parametrize(("cells", "keys", "frequency", "labels"), CASES)
def test_coming_steps_are_written_as_the_file_writes_its_own(
    cells: dict[str, list[str]], keys: dict[str, Any], frequency: str, labels: dict[str, list[str]]
) -> None:
    columns = time_columns(**cells)
    axis, steps = fitted(columns, **keys)
    assert axis.frequency.written == frequency
    assert coming(axis, steps) == labels
    if "x" not in cells:
        assert axis.labels(np.array(steps)) == cells
    assert TimeAxis.model_validate_json(axis.model_dump_json()) == axis, "as in a checkpoint"


def test_rows_may_be_in_any_order_and_series_begin_anywhere() -> None:
    days = dates("2020-01-01", 5, days=1)
    columns = time_columns(day=[days[3], days[1], days[4], days[2], days[0]])
    axis, steps = fitted(columns, groups=[0, 0, 0, 1, 1], frequency="1d")
    assert steps == [3, 1, 4, 2, 0]
    assert axis.texts(np.array([-1, 0, 7, 7])) == ["2019-12-31", "2020-01-01", "2020-01-08", "2020-01-08"]
    assert axis.steps(time_columns(day=["2019-12-30", "2020-02-01"]), None, "g.csv").tolist() == [-2, 31]


def test_seconds_are_those_of_the_calendar_and_counts_have_none() -> None:
    axis, steps = fitted(time_columns(t=["1905-02-01", "1905-03-01", "1905-04-01"]))
    found = axis.seconds(np.array([*steps, 11]))
    assert found is not None
    assert found.astype("datetime64[s]").astype("datetime64[D]").astype(str).tolist() == [
        "1905-02-01",
        "1905-03-01",
        "1905-04-01",
        "1906-01-01",
    ]
    assert list(axis.calendar(np.array(steps))) == ["month_of_year"]
    counts, steps = fitted(time_columns(t=["1", "2"]))
    assert counts.seconds(np.array(steps)) is None
    assert counts.calendar(np.array(steps)) == {}
    assert (axis.seasons, counts.seasons) == ((12,), ())


def test_columns_of_arrays_are_read_too() -> None:
    axis, steps = fitted([Column("t", "numeric", np.array([3.0, 1.0, 2.0]))])
    assert (steps, axis.labels(np.array([3]))) == ([2, 0, 1], {"t": ["4"]})
    missing = Column("t", "numeric", np.array([3.0, np.nan]))
    with pytest.raises(DataError, match="row 2 has no time in column 't'"):
        axis.steps([missing], None, "f.csv")


@pytest.mark.parametrize(
    ("cells", "note"),
    [
        ({"t": ["19580405", "19580329"]}, "time: weekly from '19580329', read as dates in the format %Y%m%d"),
        (QUARTERS, "time: quarterly from '1959 1', read as dates in the format %Y %q"),
        ({"t": ["1949", "1949.083"]}, "time: monthly from '1949', read as years with months as fractions"),
        ({"t": ["1577836800", "1577840400"]}, "time: hourly from '1577836800', read as dates, epoch seconds"),
        ({"t": ["1", "2"]}, "time: steps of 1 from '1', read as plain numbers"),
    ],
)
def test_a_note_says_how_the_time_was_understood(cells: dict[str, list[str]], note: str) -> None:
    assert fitted(time_columns(**cells))[0].noted == note


def test_no_rows_have_no_labels() -> None:
    axis, _ = fitted(time_columns(**QUARTERS))
    assert axis.labels(np.array([], np.int64)) == {"year": [], "quarter": []}


def error(columns: list[Column], groups: list[int] | None = None, **keys: Any) -> str:
    """Message of the data error of an axis that is fitted on columns."""
    with pytest.raises(DataError) as caught:
        fitted(columns, groups, **keys)
    return str(caught.value)


DAYS = dates("2020-01-01", 20, days=1)


def test_a_missing_stamp_is_an_error_of_its_row() -> None:
    assert error(time_columns(day=["2020-01-01", "", "2020-01-03"])) == (
        "f.csv: row 2 has no time in column 'day'; fill it in, or omit the row"
    )
    assert error(time_columns(year=["1959", "1959", "1960"], quarter=["1", "", ""])) == (
        "f.csv: row 2 has no time in column 'quarter', the first of 2 such rows; fill it in, or omit the row"
    )


def test_a_word_that_is_no_stamp_is_an_error_of_its_row() -> None:
    assert error(time_columns(day=["2020-13-01", *DAYS])) == (
        "f.csv: row 1: 'day': '2020-13-01' is not a date such as 2023-01-31, 20230131 or 31 January 2023 (others need "
        "an order); correct it, or set data.time.format"
    )
    assert "row 21: 't': 'x' is not a number" in error(time_columns(t=[*map(str, range(20)), "x"]))
    assert error(time_columns(year=["1959"] * 2, quarter=["1", "5"])) == (
        "f.csv: row 2: 'year', 'quarter': '1959 5' is not a date in the format %Y %q, such as 2023 1; correct it, or "
        "set data.time.format"
    )
    assert "is not a date in the format %d.%m.%Y" in error(time_columns(day=DAYS), format="%d.%m.%Y")
    assert "row 31: 't': '20200231' is not a date in the format %Y%m%d" in error(
        time_columns(t=[*dates("2020-01-01", 30, "%Y%m%d", days=1), "20200231"])
    )
    years = [f"{1949 + quarter / 4:.2f}" for quarter in range(30)]
    axis, _ = fitted(time_columns(t=years))
    with pytest.raises(DataError, match=r"row 2: 't': '1950\.1' is not a year with a fraction, such as 1959\.25"):
        axis.steps(time_columns(t=["1950", "1950.1"]), None, "f.csv")
    junk = [f"n/a {number}" for number in range(10)]
    assert "'n/a 0' is not a date such as" in error(time_columns(day=dates("2020-01-01", 100, days=1) + junk))


def test_a_stamp_off_the_grid_is_an_error_of_its_row() -> None:
    assert error(time_columns(day=[*DAYS, "2020-01-05 11:00"])) == (
        "f.csv: row 21: '2020-01-05 11:00' is off the regular time axis, daily, whose nearest stamp is '2020-01-05'; "
        "correct it, or set data.time.frequency"
    )
    found = error(time_columns(day=DAYS), frequency="2d")
    assert "row 2: '2020-01-02' is off the regular time axis, every 2 days, whose nearest" in found
    assert "is '2020-01-01', the first of 10 such rows; correct it" in found
    found = error(time_columns(day=DAYS), frequency="business_day")
    assert "row 4: '2020-01-04' is off the regular time axis, every business day" in found


def test_a_repeated_stamp_is_an_error_of_its_rows() -> None:
    columns = time_columns(day=["2020-01-02", "2020-01-01", "2020-01-02", "2020-01-03", "2020-01-02"])
    assert error(columns) == (
        "f.csv: rows 1 and 3 are both '2020-01-02', the first of 2 such pairs; omit one of them, name further "
        "columns of the time in data.time, or name the column that tells the series apart in data.group"
    )
    assert error(columns, [0, 0, 0, 0, 1]) == (
        "f.csv: rows 1 and 3 are both '2020-01-02' in one series; omit one of them, or add a column to data.group that "
        "tells the series apart"
    )
    assert fitted(columns, [0, 0, 1, 1, 2])[1] == [1, 0, 1, 2, 1]


@pytest.mark.parametrize("day", ["2020-10-25", "2020-11-01", "2020-04-05"])
def test_the_hour_that_clocks_repeat_is_an_error_and_the_one_they_skip_a_gap(day: str) -> None:
    hours = dates(f"{day}T00:00", 6, "%Y-%m-%d %H:%M", hours=1)
    assert error(time_columns(t=[*hours[:3], hours[2], *hours[3:]])) == (
        f"f.csv: rows 3 and 4 are both '{day} 02:00'; clocks go back then: write the times in UTC, or omit one of the "
        "two"
    )
    assert "clocks" not in error(time_columns(t=[*hours, hours[5]]))
    assert fitted(time_columns(t=[*hours[:2], *hours[3:]]))[1] == [0, 1, 3, 4, 5]


def test_zones_that_change_are_brought_to_utc() -> None:
    words = ["2020-10-25T01:00+02:00", "2020-10-25T02:00+02:00", "2020-10-25T02:00+01:00", "2020-10-25T03:00+01:00"]
    axis, steps = fitted(time_columns(t=words))
    assert steps == [0, 1, 2, 3]
    assert coming(axis, steps) == {"t": ["2020-10-25 03:00Z", "2020-10-25 04:00Z"]}


def test_days_of_a_place_whose_clocks_change_are_those_of_the_place() -> None:
    words = ["2020-10-24 00:00+02:00", "2020-10-25 00:00+02:00", "2020-10-26 00:00+01:00"]
    axis, steps = fitted(time_columns(t=words))
    assert (steps, axis.frequency.written) == ([0, 1, 2], "1d")
    assert coming(axis, steps) == {"t": ["2020-10-27 00:00", "2020-10-28 00:00"]}
    assert axis.calendar(np.array([0]))["day_of_week"].tolist() == [5 / 7]


def test_rows_in_messages_are_those_of_the_source() -> None:
    axis, _ = fitted(time_columns(day=DAYS))
    rows = np.array([40, 1_999])
    for cells, what in (
        (["2020-01-01", ""], "row 2,000 has no time"),
        (["2020-01-01", "x"], "row 2,000: 'day': 'x' is not"),
        (["2020-01-01", "2020-01-01 01:00"], "row 2,000: '2020-01-01 01:00' is off"),
        (["2020-01-01", "2020-01-01"], "rows 41 and 2,000 are both"),
    ):
        with pytest.raises(DataError, match=f"^g.csv: {what}"):
            axis.steps([time_column("day", cells)], None, "g.csv", rows)
    with pytest.raises(DataError, match="row 2,000 has no time"):
        TimeAxis.fit([time_column("day", ["2020-01-01", ""])], TimeSpec(column="day"), None, "g.csv", rows)


@pytest.mark.parametrize(
    ("cells", "keys", "what"),
    [
        ({"t": ["01/02/2020", "01/03/2020"]}, {}, "in dates such as '01/02/2020', day and month can be exchanged; set"),
        (
            {"t": ["foo", "bar"]},
            {},
            "'t' holds no dates that are recognised, such as 'bar', 'foo'; set",
        ),
        (
            {"t": ["10:00", "11:00"]},
            {},
            "holds times of day; name the column of the date too: data.time: ",
        ),
        ({"t": DAYS}, {"frequency": 1}, "the stamps are dates; write a unit, such as 1d"),
        ({"t": ["1", "2"]}, {"frequency": "1d"}, "the stamps are numbers; write a number, such as 1"),
        ({"t": ["1"]}, {}, "no series has two different stamps"),
        ({"year": ["2000"], "minute": ["1"]}, {}, "year, minute are no time together; name year and quarter"),
        ({"year": ["2000"], "Year2": ["2000"]}, {}, "year, year are no time together"),
        ({"year": ["2000"], "hour": ["1"]}, {}, "year, hour are no time together"),
        ({"date": ["2020-01-01"], "x": ["a"]}, {}, "column 'x': its name and cells such as 'a' do not say which part"),
        (
            {"date": ["1.2.2020"], "time": ["10:00"]},
            {},
            "'date': cells such as '1.2.2020' are written in several",
        ),
    ],
)
def test_what_is_not_understood_is_an_error_of_the_config(
    cells: dict[str, list[str]], keys: dict[str, Any], what: str
) -> None:
    with pytest.raises(MismatchError, match=f"^data.time.*{what}"):
        fitted(time_columns(**cells), **keys)


def test_many_series_and_long_ones_share_an_axis() -> None:
    groups, length = 1_000, 100
    place = np.random.default_rng(0).permutation(groups * length)
    words = dates("2020-01-01", length, days=1)
    column = Column("t", "categorical", (place % length).astype(np.int32), tuple(words))
    axis = TimeAxis.fit([column], TimeSpec(column="t"), place // length, "f.csv")
    assert np.array_equal(axis.steps([column], place // length, "f.csv"), place % length)
    minutes = np.datetime_as_string(np.datetime64("2020-01-01T00:00") + np.arange(50_000)).tolist()
    column = Column("t", "categorical", np.arange(50_000, dtype=np.int32), tuple(minutes))
    axis = TimeAxis.fit([column], TimeSpec(column="t"), None, "f.csv")
    assert axis.frequency.written == "1min"
    assert np.array_equal(axis.steps([column], None, "f.csv"), np.arange(50_000))
