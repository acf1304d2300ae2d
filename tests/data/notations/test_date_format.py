from datetime import datetime, timedelta

import numpy as np
import pytest
from pydantic import ValidationError

from bpcli.data.notations.date_format import FormatNotation, check_format, format_of_dates, format_of_times, write_date
from bpcli.data.notations.dates import Order

EPOCH = datetime(1970, 1, 1)


def moments(text: str, *words: str) -> list[str | None]:
    """ISO text of the date that each word is in a format, or None."""
    found = FormatNotation(format=text).values(words)
    return [None if np.isinf(value) else (EPOCH + timedelta(seconds=value)).isoformat() for value in found.tolist()]


@pytest.mark.parametrize(
    ("text", "word", "moment"),
    [
        ("%Y%m%d", "19580329", "1958-03-29T00:00:00"),
        ("%Y%m", "195803", "1958-03-01T00:00:00"),
        ("%Y", "1958", "1958-01-01T00:00:00"),
        ("%d.%m.%y", "29.03.58", "2058-03-29T00:00:00"),
        ("%d/%m/%Y %H:%M:%S", "29/03/1958 05:06:07", "1958-03-29T05:06:07"),
        ("%b %d, %Y %I:%M %p", "Jan 05, 2020 12:30 AM", "2020-01-05T00:30:00"),
        ("%A %d %B %Y", "Sunday 05 January 2020", "2020-01-05T00:00:00"),
        ("%Y-%m-%dT%H:%M:%S.%f", "2020-01-05T00:00:01.500000", "2020-01-05T00:00:01.500000"),
        ("%Y-%m-%dT%H:%M:%S.%L", "2020-01-05T00:00:01.250", "2020-01-05T00:00:01.250000"),
        ("%Y%j", "2020366", "2020-12-31T00:00:00"),
        ("%YQ%q", "1959Q4", "1959-10-01T00:00:00"),
        ("%G-W%V", "2020-W53", "2020-12-28T00:00:00"),
        ("%Y-%m-%d %K", "2019-12-31 24", "2020-01-01T00:00:00"),
        ("%Y-%m-%d 100%%", "2019-12-31 100%", "2019-12-31T00:00:00"),
    ],
)
def test_dates_are_read_and_written_in_a_format(text: str, word: str, moment: str) -> None:
    assert moments(text, word) == [moment]
    assert write_date(text, FormatNotation(format=text).values([word])[0]) == word
    assert FormatNotation(format=text).writes([word])


def test_other_words_and_days_that_no_calendar_has_are_no_dates() -> None:
    assert moments("%Y%m%d", "19580231", "1958-03-29", "x", "") == [None] * 4
    assert moments("%Y %q", "1959 5", "1959 0") == [None] * 2
    assert moments("%G-W%V", "2021-W53", "2021-W00", "2021-W52") == [None, None, "2021-12-27T00:00:00"]
    assert moments("%Y%j", "2021366", "2021000", "2021365") == [None, None, "2021-12-31T00:00:00"]
    assert moments("%Y-%m-%d %K", "2020-01-01 25") == [None]


def test_leading_zeros_may_be_absent_and_are_written_unless_the_format_omits_them() -> None:
    assert moments("%d.%m.%Y", "1.2.2020", "01.02.2020") == ["2020-02-01T00:00:00"] * 2
    february = 31 * 86_400.0
    assert write_date("%d.%m.%Y", february) == "01.02.1970"
    assert write_date("%-d.%-m.%Y %-H", february) == "1.2.1970 0"


def test_a_zone_is_read_as_utc() -> None:
    assert moments("%Y-%m-%dT%H:%M%z", "2020-01-01T05:00+01:00", "2020-01-01T05:00Z") == [
        "2020-01-01T04:00:00",
        "2020-01-01T05:00:00",
    ]
    assert write_date("%Y-%m-%dT%H:%M%z", 0.0) == "1970-01-01T00:00+00:00"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("%d %m", "lacks the year"),
        ("%Y%Q", "unknown directive '%Q'"),
        ("%Y%Y", "a part of the date twice"),
        ("%Y %y", "a part of the date twice"),
        ("%Y%", "ends with a single %"),
        ("%Y-W%V", "%G and %V go together"),
        ("%G", "%G and %V go together"),
    ],
)
def test_a_format_that_is_no_date_is_refused(text: str, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        check_format(text)
    with pytest.raises(ValidationError, match=what):
        FormatNotation(format=text)


@pytest.mark.parametrize(
    ("words", "order", "text"),
    [
        (["1958-03-29", "1958-12-01"], "year_month_day", "%Y-%m-%d"),
        (["2012/01/01"], "year_month_day", "%Y/%m/%d"),
        (["29.03.1958", "01.04.1958"], "day_month_year", "%d.%m.%Y"),
        (["1/2/2012", "12/11/2012"], "month_day_year", "%-m/%-d/%Y"),
        (["2020-10-12", "2020-1-15"], "year_month_day", "%Y-%-m-%-d"),
        (["2020-01-01T05:00", "2020-01-01T06:00"], "year_month_day", "%Y-%m-%dT%H:%M"),
        (["1/2/2012 5:00 PM", "12/11/2012 11:30 AM"], "month_day_year", "%-m/%-d/%Y %-I:%M %p"),
        (["Jan 1949", "Feb 1949"], "year_month_day", "%b %Y"),
        (["January 1949", "May 1949"], "year_month_day", "%B %Y"),
        (["1949-01"], "year_month_day", "%Y-%m"),
        (["19580329"], "year_month_day", "%Y%m%d"),
        (["2020-01-01", "2020-01-01T05:00"], "year_month_day", None),
        (["2020-01-01T05:00+01:00"], "year_month_day", None),
        (["JAN 1949"], "year_month_day", None),
    ],
)
def test_the_format_of_dates_writes_them_as_they_are(words: list[str], order: Order, text: str | None) -> None:
    assert format_of_dates(words, order) == text


def test_the_format_of_times_of_day() -> None:
    assert format_of_times(["05:00", "16:30"]) == "%H:%M"
    assert format_of_times(["5:00:30 PM"]) == "%-I:%M:%S %p"
    assert format_of_times(["5:00", "16:00:00"]) is None


def test_a_format_describes_itself_by_an_example() -> None:
    assert FormatNotation(format="%d.%m.%Y").expected == "a date in the format %d.%m.%Y, such as 31.01.2023"
