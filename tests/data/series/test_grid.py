import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.data.calendar import date_labels
from bpcli.data.series.frequency import Frequency
from bpcli.data.series.grid import Grid, monthly_day


def seconds(*dates: str) -> np.ndarray:
    return np.array(dates, "datetime64[s]").astype(np.float64)


UNITS = ("7d", "1d", "15min", "30s", "month", "2 months", "quarter", "year", "business_day", "3 business_days", 1, 0.1)


@given(st.sampled_from(UNITS), st.integers(-5_000_000_000, 5_000_000_000), st.integers(1, 31), st.integers(-5000, 5000))
def test_the_stamp_of_a_step_is_on_the_grid_at_that_step(
    written: str | float, origin: int, day: int, step: int
) -> None:
    frequency = Frequency.parse(written)
    grid = Grid.through(np.array([float(origin)]), frequency)
    grid = grid.model_copy(update={"day": day}) if frequency.unit == "month" else grid
    steps = np.array([step, step + 1])
    stamps = grid.values(steps)
    found, on_grid = grid.steps(stamps)
    assert found.tolist() == steps.tolist()
    assert on_grid.all()
    assert stamps[0] < stamps[1]


def test_month_ends_stay_month_ends_and_other_days_are_cut_short() -> None:
    monthly = Frequency.parse("month")
    ends = Grid.through(seconds("2020-01-31", "2020-02-29", "2020-04-30"), monthly)
    assert date_labels(ends.values(np.arange(1, 4))) == ["2020-02-29", "2020-03-31", "2020-04-30"]
    thirtieth = Grid.through(seconds("2020-01-30", "2020-02-29", "2020-03-30", "2020-04-30"), monthly)
    assert date_labels(thirtieth.values(np.arange(4, 7))) == ["2020-05-30", "2020-06-30", "2020-07-30"]
    leap = Grid.through(seconds("2020-02-29", "2021-02-28", "2022-02-28"), Frequency.parse("year"))
    assert date_labels(leap.values(np.array([3, 4]))) == ["2023-02-28", "2024-02-29"]


def test_months_may_end_and_begin_on_business_days() -> None:
    monthly = Frequency.parse("month")
    ends = Grid.through(seconds("2020-01-31", "2020-02-28", "2020-03-31", "2020-04-30", "2020-05-29"), monthly)
    assert date_labels(ends.values(np.arange(4, 8))) == ["2020-05-29", "2020-06-30", "2020-07-31", "2020-08-31"]
    begins = Grid.through(seconds("2020-01-01", "2020-02-03", "2020-03-02", "2020-04-01"), monthly)
    assert date_labels(begins.values(np.arange(3, 6))) == ["2020-04-01", "2020-05-01", "2020-06-01"]
    steps, on_grid = begins.steps(seconds("2020-08-03", "2020-08-01"))
    assert (steps.tolist(), on_grid.tolist()) == ([7, 7], [True, False])


def test_the_day_of_monthly_stamps_is_that_of_most() -> None:
    assert monthly_day(seconds("2020-01-15", "2020-02-15", "2020-03-16")) == 15
    assert monthly_day(seconds("2020-06-30", "2020-09-30")) == 31


def test_the_grid_is_that_of_most_stamps() -> None:
    grid = Grid.through(seconds("2020-01-01", "2020-01-06", "2020-01-13", "2020-01-20"), Frequency.parse("7d"))
    steps, on_grid = grid.steps(seconds("2020-01-01", "2020-01-06", "2020-01-13", "2020-01-20"))
    assert on_grid.tolist() == [False, True, True, True]
    assert steps.tolist() == [-1, 0, 1, 2]


def test_business_days_skip_weekends_and_keep_the_time_of_day() -> None:
    grid = Grid.through(seconds("2020-01-03T16:00", "2020-01-06T16:00"), Frequency.parse("business_day"))
    assert date_labels(grid.values(np.arange(3))) == ["2020-01-03 16:00", "2020-01-06 16:00", "2020-01-07 16:00"]
    _, on_grid = grid.steps(seconds("2020-01-04T16:00", "2020-01-06T15:00", "2020-01-07T16:00"))
    assert on_grid.tolist() == [False, False, True]


@pytest.mark.parametrize("count", [0.1, 1.0, 1 / 30])
def test_counts_may_be_rounded(count: float) -> None:
    grid = Grid.through(np.array([0.0]), Frequency(unit="count", number=count))
    steps, on_grid = grid.steps(np.round(np.arange(1000) * count, 3))
    assert steps.tolist() == list(range(1000))
    assert on_grid.all()
