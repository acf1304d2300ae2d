import numpy as np
import pytest
from time_columns import dates

from bpcli.data.series.regularity import find_frequency
from bpcli.errors import MismatchError


def found(stamps: list[str], groups: list[int] | None = None) -> str:
    """Frequency found in dates, as configs write it."""
    seconds = np.array(stamps, "datetime64[s]").astype(np.float64)
    return find_frequency(seconds, None if groups is None else np.array(groups), are_counts=False).written


def counted(*values: float) -> str:
    """Frequency found in counts."""
    return find_frequency(np.array(values), None, are_counts=True).written


BUSINESS_DAYS = [day for day in dates("2024-01-01", 30, days=1) if np.is_busday(np.datetime64(day))]


@pytest.mark.parametrize(
    ("stamps", "written"),
    [
        (dates("2020-01-01", 10, days=1), "1d"),
        (dates("1958-03-29", 10, days=7), "7d"),
        (dates("1958-03-29", 10, days=28), "28d"),
        (dates("2020-01-01", 10, "%Y-%m-%dT%H:%M", minutes=15), "15min"),
        (dates("2020-01-01", 10, "%Y-%m-%dT%H:%M:%S", seconds=30), "30s"),
        (["2020-01-01", "2020-02-01", "2020-03-01", "2020-05-01"], "month"),
        (["2020-01-31", "2020-02-29", "2020-03-31"], "month"),
        (["2020-01-31", "2020-02-28", "2020-03-31", "2020-04-30", "2020-05-29", "2020-06-30"], "month"),
        (["2020-01-15", "2020-03-15", "2020-05-15"], "2 months"),
        (["2019-03-31", "2019-06-30", "2019-09-30", "2019-12-31"], "quarter"),
        (["2019-01-01", "2020-01-01", "2021-01-01"], "year"),
        (BUSINESS_DAYS, "business_day"),
        ([day for day in BUSINESS_DAYS if day not in ("2024-01-15", "2024-01-19")], "business_day"),
        ([f"{day}T16:00" for day in BUSINESS_DAYS], "business_day"),
        (BUSINESS_DAYS[:5], "1d"),
    ],
)
def test_the_most_frequent_step_is_found(stamps: list[str], written: str) -> None:
    assert found(stamps) == written
    assert found(stamps[::-1]) == written
    assert found(stamps[:3] + stamps) == written, "repeated stamps are no steps"


def test_steps_are_those_within_a_series() -> None:
    assert found(["2020-01-01", "2020-01-08", "2020-01-08", "2020-01-15"], [0, 1, 0, 1]) == "7d"
    with pytest.raises(MismatchError, match="no series has two different stamps"):
        found(["2020-01-01", "2020-01-02"], [0, 1])


def test_series_have_stamps_in_common() -> None:
    with pytest.raises(MismatchError, match="each series has steps of 7d, but their stamps do not meet"):
        found(["2020-01-01", "2020-01-08", "2020-01-02", "2020-01-09"], [0, 0, 1, 1])


def test_gaps_are_multiples_of_the_step_and_a_stamp_between_is_left_to_its_row() -> None:
    days = dates("2020-01-01", 40, days=1)
    assert found(days[:5] + days[9:20] + days[30:]) == "1d"
    assert found([*days, "2020-01-05T12:00"]) == "1d"
    every_other = days[:30:2] + days[30:]
    assert found(every_other) == "1d", "15 steps of two days and 10 of one"


def test_counts_have_a_step_of_their_own() -> None:
    assert counted(0, 1, 2, 4) == "1"
    assert counted(0, 0.1, 0.2, 0.3) == "0.1"
    assert counted(5, 15, 10, 30) == "5"


@pytest.mark.parametrize(
    "stamps",
    [
        ["2020-01-01", "2020-01-03", "2020-01-08", "2020-01-20", "2020-01-21", "2020-02-03"],
        ["2020-01-31", "2020-02-14", "2020-03-05", "2020-04-28", "2020-05-01", "2020-06-17"],
    ],
)
def test_irregular_stamps_are_refused(stamps: list[str]) -> None:
    with pytest.raises(MismatchError, match="no regular step"):
        found(stamps)


def test_an_error_counts_the_differences() -> None:
    with pytest.raises(MismatchError) as caught:
        counted(0, 1, 3, 10, 14, 15, 20, 22, 33, 46)
    assert str(caught.value) == (
        "data.time.frequency: the stamps have no regular step: differences of 1 (2 times), 2 (2 times), 4 (1 time) and "
        "4 other lengths; set it, or resample the data to regular steps"
    )
    with pytest.raises(MismatchError, match=r"differences of 0\.5s \(3 times\)"):
        find_frequency(np.arange(4) / 2, None, are_counts=False)
