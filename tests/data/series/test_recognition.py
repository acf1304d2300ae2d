import pytest

from bpcli.data.series.recognition import recognise_stamps
from bpcli.data.series.stamps import CountStamps, DateStamps, FractionalYears
from bpcli.data.series.stamps_base import JOINT, StampsBase
from bpcli.data.series.time_spec import TimeSpec


def stamps(*words: str, column: str | tuple[str, ...] = "t", **keys: str | int) -> StampsBase:
    return recognise_stamps(words, TimeSpec.model_validate({"column": column, **keys}))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["0", "1", "2"], CountStamps(decimals=0)),
        (["0", "0.5", "1"], CountStamps()),
        ([".5", "1e0", "1.5"], CountStamps()),
        (["1900", "1901"], CountStamps(decimals=0)),
        (["19580329", "19580405"], DateStamps(formats=("%Y%m%d",))),
        (["19580329", "19580330", "19580332"], CountStamps(decimals=0)),
        (["195803", "195812"], DateStamps(formats=("%Y%m",))),
        (["195803", "195813"], CountStamps(decimals=0)),
        (["19580329.0", "19580405.0"], DateStamps(formats=("%Y%m%d",))),
        (["2020010100", "2020010123"], DateStamps(formats=("%Y%m%d%H",))),
        (["202001010000", "202001012359"], DateStamps(formats=("%Y%m%d%H%M",))),
        (["2020010124", "2020010125"], DateStamps(order="epoch_seconds")),
        (["1577836800", "1577840400"], DateStamps(order="epoch_seconds")),
        (["1949", "1949.083"], FractionalYears(per_year=12, decimals=3)),
        (["1949.00", "1949.08"], FractionalYears(per_year=12, decimals=2, is_padded=True)),
        (["1959", "1959.25"], FractionalYears(per_year=4, decimals=2)),
        (["1959.1", "1959.2"], CountStamps(decimals=1)),
        (["0.25", "0.5"], CountStamps()),
        (["1958-03-29"], DateStamps(order="year_month_day", formats=("%Y-%m-%d",))),
        (["13/03/2020"], DateStamps(order="day_month_year", formats=("%d/%m/%Y",))),
        (["2020-01-01T05:00+01:00"], DateStamps(order="year_month_day", formats=("%Y-%m-%dT%H:%M",), zone="+01:00")),
        (["2020-01-01 05:00Z", "2020-01-01 06:00+01:00"], DateStamps(order="year_month_day", zone="Z")),
        (["2020-01-01T05:00:00.000Z"], DateStamps(order="year_month_day", formats=("%Y-%m-%dT%H:%M:%S.%L",), zone="Z")),
        (["1959Q1", "1959Q2"], DateStamps(formats=("%YQ%q",))),
        (["2020-W05"], DateStamps(formats=("%G-W%V",))),
    ],
)
def test_the_way_stamps_are_written_is_recognised(words: list[str], expected: StampsBase) -> None:
    assert stamps(*words) == expected


def test_the_config_says_what_the_words_do_not() -> None:
    assert stamps("1900", "1901", column="year") == DateStamps(formats=("%Y",))
    assert stamps("1900", "1901", frequency="year") == DateStamps(formats=("%Y",))
    assert stamps("1900", "1901", column="year", frequency=1) == CountStamps(decimals=0)
    assert stamps("19580329", "19580405", frequency=1) == CountStamps(decimals=0)
    assert stamps("01/02/2020", format="%d/%m/%Y") == DateStamps(formats=("%d/%m/%Y",))


@pytest.mark.parametrize(
    ("names", "cells", "formats"),
    [
        (("year", "quarter"), (["1959", "1959"], ["1", "2"]), ("%Y", "%q")),
        (("fiscalYear", "fiscal_qtr"), (["1959", "1959"], ["Q1", "Q2"]), ("%Y", "Q%q")),
        (("yr", "month"), (["1959", "1959"], ["01", "12"]), ("%Y", "%m")),
        (("yr", "month"), (["1959", "1959"], ["1", "12"]), ("%Y", "%-m")),
        (("yr", "month"), (["95", "95"], ["1", "12"]), ("%y", "%-m")),
        (("mon", "year"), (["Jan", "Feb"], ["1959", "1959"]), ("%b", "%Y")),
        (("year", "week"), (["2020", "2021"], ["53", "1"]), ("%G", "%-V")),
        (("date", "hour"), (["20200101", "20200101"], ["0", "1"]), ("%Y%m%d", "%-H")),
        (("date", "hour"), (["2020-01-01", "2020-01-01"], ["1", "24"]), ("%Y-%m-%d", "%-K")),
        (("a", "b"), (["13.01.2020", "13.01.2020"], ["9:30", "10:30"]), ("%d.%m.%Y", "%-H:%M")),
    ],
)
def test_columns_that_are_a_time_together(
    names: tuple[str, ...], cells: tuple[list[str], ...], formats: tuple[str, ...]
) -> None:
    words = map(JOINT.join, zip(*cells, strict=True))
    assert stamps(*words, column=names) == DateStamps(formats=formats)
