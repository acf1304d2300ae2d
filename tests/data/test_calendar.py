from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.data.calendar import (
    date_labels,
    day_of_month_of,
    days_of,
    hour_of,
    iso_week_days,
    month_of,
    time_labels,
    weekday_of,
    year_of,
)

EPOCH = datetime(1970, 1, 1)


@given(st.datetimes())
def test_parts_of_dates_are_those_of_the_standard_library(moment: datetime) -> None:
    seconds = np.array([(moment.replace(microsecond=0) - EPOCH).total_seconds()])
    assert year_of(seconds)[0] == moment.year
    assert int(month_of(seconds)[0]) == moment.month - 1
    assert weekday_of(seconds)[0] == moment.weekday()
    assert hour_of(seconds)[0] == pytest.approx(moment.hour + moment.minute / 60 + moment.second / 3600, abs=1e-12)


def test_days_of_the_month_are_those_of_the_calendar() -> None:
    days = np.array([0, 30, 31, 58, 59, -1]) * 86_400.0 + 3_600
    assert day_of_month_of(days).tolist() == [1, 31, 1, 28, 1, 31]


def test_months_count_with_the_elapsed_share_of_the_month() -> None:
    noon = np.array([(datetime(2023, 2, 15) - EPOCH) / timedelta(seconds=1)])
    assert month_of(noon)[0] == 1.5


@pytest.mark.parametrize(
    ("date", "days"),
    [
        ((1970, 1, 1), 0),
        ((1969, 12, 31), -1),
        ((2024, 2, 29), 19782),
        ((2023, 2, 29), np.inf),
        ((1900, 2, 29), np.inf),
        ((2023, 4, 31), np.inf),
        ((2023, 13, 1), np.inf),
        ((2023, 0, 1), np.inf),
        ((2023, 1, 0), np.inf),
        ((0, 1, 1), np.inf),
        ((9999, 12, 31), 2932896),
    ],
)
def test_only_dates_of_the_calendar_have_a_day(date: tuple[int, int, int], days: float) -> None:
    year, month, day = (np.array([number], np.int64) for number in date)
    assert days_of(year, month, day).tolist() == [days]


@pytest.mark.parametrize(
    ("seconds", "labels"),
    [
        ([0.0, np.nan, 86400.0], ["1970-01-01", "", "1970-01-02"]),
        ([0.0, 3600.0], ["1970-01-01 00:00", "1970-01-01 01:00"]),
        ([0.0, 61.0], ["1970-01-01 00:00:00", "1970-01-01 00:01:01"]),
        ([0.25], ["1970-01-01 00:00:00.250"]),
        ([0.000001], ["1970-01-01 00:00:00.000001"]),
        ([], []),
    ],
)
def test_dates_are_shown_with_as_much_of_the_time_as_one_of_them_needs(seconds: list[float], labels: list[str]) -> None:
    assert date_labels(np.array(seconds)) == labels


@pytest.mark.parametrize(
    ("seconds", "labels"),
    [
        ([0.0, np.nan, 34200.0], ["00:00", "", "09:30"]),
        ([34215.0], ["09:30:15"]),
        ([34215.5], ["09:30:15.500"]),
    ],
)
def test_times_of_day_are_shown_without_a_date(seconds: list[float], labels: list[str]) -> None:
    assert time_labels(np.array(seconds)) == labels


@given(st.integers(1, 9998), st.integers(-1, 55))
def test_weeks_are_those_of_iso_8601(year: int, week: int) -> None:
    days = float(iso_week_days(np.array([year]), np.array([week]))[0])
    try:
        assert EPOCH + timedelta(days=days) == datetime.fromisocalendar(year, week, 1)
    except ValueError:
        assert days == np.inf
    except OverflowError:
        with pytest.raises(ValueError, match="week"):
            datetime.fromisocalendar(year, week, 1)
