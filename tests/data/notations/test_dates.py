from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.data.notations.dates import ORDERS, DateNotation, Order, TimeNotation

EPOCH = datetime(1970, 1, 1)
NONE = float("inf")


def moments(order: Order, *words: str) -> list[str | None]:
    """ISO text of the date that each word is, or None."""
    found = DateNotation(order=order).values(words)
    return [None if value == NONE else (EPOCH + timedelta(seconds=value)).isoformat() for value in found.tolist()]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("word", "moment"),
    [
        ("2023-01-05", "2023-01-05T00:00:00"),
        ("2023/1/5", "2023-01-05T00:00:00"),
        ("2023.01.05", "2023-01-05T00:00:00"),
        ("2023-01", "2023-01-01T00:00:00"),
        ("2023-01-05T10:30", "2023-01-05T10:30:00"),
        ("2023-01-05 10:30:15", "2023-01-05T10:30:15"),
        ("2023-01-05T10:30:15.250Z", "2023-01-05T10:30:15.250000"),
        ("2023-01-05T10:30:15,5", "2023-01-05T10:30:15.500000"),
        ("2023-01-05 10:30:15.123456 UTC", "2023-01-05T10:30:15.123456"),
        ("2023-01-05T00:30+02:00", "2023-01-04T22:30:00"),
        ("2023-01-05T23:30-0130", "2023-01-06T01:00:00"),
        ("2023-01-05T10:30+05", "2023-01-05T05:30:00"),
        ("2023-01-05 24:00", "2023-01-06T00:00:00"),
        ("0001-01-01", "0001-01-01T00:00:00"),
        ("9999-12-31", "9999-12-31T00:00:00"),
    ],
)
def test_text_with_a_four_digit_year_first_is_read_in_any_order(order: Order, word: str, moment: str) -> None:
    assert moments(order, word) == [moment]


@pytest.mark.parametrize("order", ["year_month_day", "day_month_year", "month_day_year"])
@pytest.mark.parametrize(
    "word",
    [
        "05 January 2023",
        "5 Jan 2023",
        "5-JAN-2023",
        "05Jan2023",
        "5. jan. 2023",
        "5th January, 2023",
        "January 05 2023",
        "Jan. 5, 2023",
        "January 5th, 2023",
        "2023-Jan-05",
        "Thu, 05 Jan 2023 00:00:00 GMT",
    ],
)
def test_names_of_months_with_a_four_digit_year_are_read_in_any_order_of_numbers(order: Order, word: str) -> None:
    assert moments(order, word) == ["2023-01-05T00:00:00"]


@pytest.mark.parametrize(
    ("month", "name"),
    list(enumerate(["Jan", "feb", "March", "APR", "May", "june", "Jul", "Aug", "Sept", "Oct", "November", "dec"], 1)),
)
def test_months_have_names_and_abbreviations(month: int, name: str) -> None:
    assert moments("year_month_day", f"1 {name} 2023") == [f"2023-{month:02}-01T00:00:00"]


@pytest.mark.parametrize(
    ("order", "word", "moment"),
    [
        ("year_month_day", "20230105", "2023-01-05T00:00:00"),
        ("year_month_day", "20230105.0", "2023-01-05T00:00:00"),
        ("year_month_day", "20230105T103015Z", "2023-01-05T10:30:15"),
        ("day_month_year", "5/1/2023", "2023-01-05T00:00:00"),
        ("day_month_year", "05.01.2023 09:00", "2023-01-05T09:00:00"),
        ("day_month_year", "5. 1. 2023", "2023-01-05T00:00:00"),
        ("day_month_year", "05 01 23", "2023-01-05T00:00:00"),
        ("day_month_year", "05-Jan-23", "2023-01-05T00:00:00"),
        ("day_month_year", "31.12.68", "2068-12-31T00:00:00"),
        ("day_month_year", "31.12.69", "1969-12-31T00:00:00"),
        ("day_month_year", "10/Oct/2000:13:55:36 -0700", "2000-10-10T20:55:36"),
        ("month_day_year", "1/5/2023", "2023-01-05T00:00:00"),
        ("month_day_year", "01/05/23 9:05 PM", "2023-01-05T21:05:00"),
        ("month_day_year", "1/5/2023, 12:00:00\u202fAM", "2023-01-05T00:00:00"),
        ("month_day_year", "1/5/2023 12 p.m.", "2023-01-05T12:00:00"),
        ("month_day_year", "Jan 5, 23", "2023-01-05T00:00:00"),
        ("epoch_seconds", "1672876800", "2023-01-05T00:00:00"),
        ("epoch_seconds", "1672876800.5", "2023-01-05T00:00:00.500000"),
        ("epoch_seconds", "-86400", "1969-12-31T00:00:00"),
        ("epoch_milliseconds", "1672876800123", "2023-01-05T00:00:00.123000"),
        ("epoch_milliseconds", "1672876800000.0", "2023-01-05T00:00:00"),
    ],
)
def test_the_order_decides_what_the_numbers_are(order: Order, word: str, moment: str) -> None:
    assert moments(order, word) == [moment]


@pytest.mark.parametrize(
    ("order", "word"),
    [
        ("year_month_day", "2023-02-29"),
        ("year_month_day", "2023-04-31"),
        ("year_month_day", "2023-13-01"),
        ("year_month_day", "0000-00-00"),
        ("year_month_day", "2023-01/05"),
        ("year_month_day", "23-01-05"),  # may be 5 January 2023 as well as 23 January 2005
        ("year_month_day", "01-Jan-23"),
        ("year_month_day", "5/1/2023"),
        ("year_month_day", "20230105.5"),
        ("year_month_day", "2023-01-05 25:00"),
        ("year_month_day", "2023-01-05 24:01"),
        ("year_month_day", "2023-01-05 10:60"),
        ("year_month_day", "2023-01-05 13:00 PM"),
        ("year_month_day", "2023-01-05T10:30+25:00"),
        ("year_month_day", "2023-01-05 and more"),
        ("year_month_day", "٢٠٢٣-01-05"),
        ("year_month_day", "2023-01-05\0"),
        ("year_month_day", "1672876800"),
        ("year_month_day", "9999-12-31T24:00"),
        ("year_month_day", ""),
        ("day_month_year", "31.02.2023"),
        ("day_month_year", "01/13/2023"),
        ("day_month_year", "1.2-2023"),
        ("day_month_year", "Jan 5, 23"),
        ("month_day_year", "13/01/2023"),
        ("month_day_year", "05-Jan-23"),
        ("epoch_seconds", "253402300800"),
        ("epoch_seconds", "1e9"),
        ("epoch_milliseconds", "20.01.2023"),
    ],
)
def test_other_words_are_no_dates(order: Order, word: str) -> None:
    assert moments(order, word, "2023-01-05") == [None, "2023-01-05T00:00:00"]


FORMATS: dict[Order, list[str]] = {
    "year_month_day": ["%Y-%m-%dT%H:%M:%S", "%Y%m%d %H:%M:%S", "%d %B %Y %H:%M:%S", "%Y/%m/%d %I:%M:%S %p"],
    "day_month_year": ["%d.%m.%Y %H:%M:%S", "%d-%m-%Y %H:%M:%S", "%d %b %Y, %I:%M:%S%p", "%d/%m/%Y %H:%M:%S"],
    "month_day_year": ["%m/%d/%Y %I:%M:%S %p", "%B %d, %Y %H:%M:%S", "%m-%d-%Y %H:%M:%S"],
}


@pytest.mark.parametrize(("order", "form"), [(order, form) for order, forms in FORMATS.items() for form in forms])
@given(st.lists(st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)), min_size=1, max_size=20))
def test_what_is_formatted_is_read_again(order: Order, form: str, written: list[datetime]) -> None:
    written = [moment.replace(microsecond=0) for moment in written]
    found = DateNotation(order=order).values([moment.strftime(form) for moment in written])
    assert [EPOCH + timedelta(seconds=value) for value in found.tolist()] == written


@pytest.mark.parametrize(("order", "ticks"), [("epoch_seconds", 1), ("epoch_milliseconds", 1000)])
@given(st.lists(st.integers(-62_135_596_800_000, 253_402_300_799_999), max_size=20))
def test_numbers_since_1970_are_exact(order: Order, ticks: int, numbers: list[int]) -> None:
    numbers = [number // (1000 // ticks) for number in numbers]
    assert DateNotation(order=order).values(list(map(str, numbers))).tolist() == [one / ticks for one in numbers]


@given(st.lists(st.text(max_size=12)))
def test_no_text_is_an_error(words: list[str]) -> None:
    for order in ORDERS:
        assert len(DateNotation(order=order).values(words)) == len(words)
    assert len(TimeNotation().values(words)) == len(words)


@pytest.mark.parametrize(
    ("word", "seconds"),
    [
        ("00:00", 0),
        ("9:30", 34200),
        ("09:30:15", 34215),
        ("09:30:15.5", 34215.5),
        ("9:30 AM", 34200),
        ("9:30pm", 77400),
        ("12 AM", 0),
        ("12:00 p.m.", 43200),
        ("24:00", 0),
        ("24:01", NONE),
        ("9", NONE),
        ("9:5", NONE),
        ("10:60", NONE),
        ("0:30 AM", NONE),
        ("125:30", NONE),
        ("2023-01-05 09:30", NONE),
    ],
)
def test_times_of_day_are_seconds_since_midnight(word: str, seconds: float) -> None:
    assert TimeNotation().values([word]).tolist() == [seconds]


@given(st.times())
def test_times_of_day_are_read_again(time: object) -> None:
    (value,) = TimeNotation().values([str(time)])
    assert EPOCH + timedelta(seconds=value) == datetime.fromisoformat(f"1970-01-01T{time}")


def test_errors_name_an_example() -> None:
    assert DateNotation(order="day_month_year").expected.startswith("a date such as 31.01.2023 or 31-Jan-23")
    assert all(np.isfinite(DateNotation(order=order).values(["2023-01-31"])).all() for order in ORDERS)
