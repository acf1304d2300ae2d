import numpy as np
import pytest

from bpcli.data.series.cycles import cycles_of
from bpcli.data.series.frequency import Frequency


def cycles(written: str, *dates: str) -> dict[str, list[float]]:
    seconds = np.array(dates, "datetime64[s]").astype(np.float64)
    return {name: values.tolist() for name, values in cycles_of(seconds, Frequency.parse(written)).items()}


def test_hours_follow_the_day_the_week_and_the_year() -> None:
    found = cycles("1h", "2024-01-01T06:00", "2024-07-01T00:00")  # both are Mondays
    assert found == {
        "hour_of_day": [0.25, 0.0],
        "day_of_week": [0.25 / 7, 0.0],
        "day_of_year": [0.25 / 366, (31 + 29 + 31 + 30 + 31 + 30) / 366],
    }
    assert cycles("15min", "2024-01-01T06:45")["minute_of_hour"] == [0.75]


def test_the_year_ends_alike_in_leap_years_and_before_1970() -> None:
    assert cycles("1d", "1960-12-31", "2021-12-31")["day_of_year"] == [365 / 366, 364 / 365]
    assert cycles("1d", "1960-12-31")["day_of_week"] == [5 / 7]


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("1d", ["day_of_week", "day_of_year"]),
        ("2d", ["day_of_week", "day_of_year"]),
        ("7d", ["day_of_year"]),
        ("business_day", ["day_of_week", "day_of_year"]),
        ("month", ["month_of_year"]),
        ("2 months", ["month_of_year"]),
        ("quarter", ["quarter_of_year"]),
        ("5 months", []),
        ("year", []),
    ],
)
def test_a_frequency_follows_cycles_of_several_of_its_steps(written: str, names: list[str]) -> None:
    assert list(cycles(written, "2024-01-01")) == names


def test_months_and_quarters_are_equally_long() -> None:
    assert cycles("month", "2024-01-01", "2024-04-30", "2024-12-31")["month_of_year"] == [0, 0.25, 11 / 12]
    assert cycles("quarter", "2024-01-01", "2024-10-01")["quarter_of_year"] == [0, 0.75]
