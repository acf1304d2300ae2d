import numpy as np
import pytest

from bpcli.data.notations.date_recognition import (
    Recognised,
    recognise_date_numbers,
    recognise_dates,
    recognised_in,
)
from bpcli.data.notations.dates import DateNotation, Order
from bpcli.data.table import Column

HOURS = np.arange(20) * 3600.0
"""Full hours of a day, from midnight."""


def names(*cells: str) -> Column:
    categories = tuple(sorted(set(cells)))
    return Column("c", "categorical", np.array([categories.index(cell) for cell in cells], np.int32), categories)


def order_of(found: Recognised | None) -> str | None:
    if found is None:
        return None
    return found.notation.order if isinstance(found.notation, DateNotation) else "time_of_day"


@pytest.mark.parametrize(
    ("words", "order"),
    [
        (["2024-01-31", "1999-12-01"], "year_month_day"),
        (["2024/1/31", "2024/02/1"], "year_month_day"),
        (["2024-01", "2024-02"], "year_month_day"),
        (["2024-01-31T12:30:00Z", "2024-01-31T12:30:00.123+01:00"], "year_month_day"),
        (["2024-01-31 12:30", "2024-01-31 23:59:59"], "year_month_day"),
        (["January 01 2023", "March 05 2023"], "year_month_day"),
        (["31.01.2024", "1.2.2024"], "day_month_year"),
        (["31/01/2024", "1/2/2024"], "day_month_year"),
        (["01/31/2024", "2/1/2024"], "month_day_year"),
        (["1/31/24", "12/1/99"], "month_day_year"),
        (["1/31/2024 1:30 PM", "1/31/2024 11:05 am"], "month_day_year"),
        (["01-31-2024", "02-01-2024"], "month_day_year"),
        (["01-Jan-23", "05-Feb-23"], "day_month_year"),
        (["Jan 01 23", "Feb 05 23"], "month_day_year"),
        ([f"{day:02}.01.23" for day in range(1, 32)], "day_month_year"),
        (["12:30", "13:45"], "time_of_day"),
        (["9:30 AM", "1:45 PM"], "time_of_day"),
        ([f"2024-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29)], "year_month_day"),
    ],
)
def test_dates_and_times_are_told_from_other_names(words: list[str], order: str) -> None:
    found = recognise_dates(words)
    assert order_of(found) == order
    assert found is not None
    assert not found.is_ambiguous
    assert found.misfits == ()


@pytest.mark.parametrize(
    ("words", "order"),
    [
        (["01/02/2023", "03/04/2023"], "month_day_year"),
        (["01.02.2023", "03.04.2023"], "day_month_year"),
        (["01-02-2023", "03-04-2023"], "day_month_year"),
    ],
)
def test_if_no_number_is_above_12_slashes_put_the_month_first_and_that_is_said(words: list[str], order: str) -> None:
    found = recognise_dates(words)
    assert order_of(found) == order
    assert found is not None
    assert found.is_ambiguous


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["red", "green"],
        ["1.2.3", "1.10.0"],
        [f"1.2.{patch}" for patch in range(10, 25)],
        ["12-05-24", "12-06-24"],  # an article number as well
        ["192.168.10.1", "10.0.0.1"],
        ["2024-13-41", "2024-99-01"],
        ["2024-01.31", "2024/01-31"],
        ["2024-01-01", "2024-01-02", "unknown"],
        ["2024-01-01 and more", "2024-01-02 and more"],
        ["12:30", "25:00"],
        ["20240101", "20240102"],
        ["31/01/2024", "01/31/2024"],  # one order in each row
        ["1:0", "2:1"],
        [f"name {number}" for number in range(1000)] + ["2024-01-01"],
    ],
)
def test_other_names_are_no_dates(words: list[str]) -> None:
    assert recognise_dates(words) is None


def test_a_few_words_among_dates_are_misfits() -> None:
    days = [f"{day}.1.2024" for day in range(1, 21)]
    found = recognise_dates([*days, "unknown", "30.02.2024"])
    assert found is not None
    assert (found.misfits, found.first, found.last) == (("unknown", "30.02.2024"), "1.1.2024", "20.1.2024")


@pytest.mark.parametrize(
    ("name", "values", "order"),
    [
        ("x", 20230101.0 + np.arange(31), "year_month_day"),
        ("date", np.array([20230101.0, 20231231.0]), "year_month_day"),
        ("startDate", np.array([20230101.0]), "year_month_day"),
        ("x", np.array([20230101.0, 20231231.0]), None),  # few, and the name does not say so
        ("date", np.array([20230101.0, 20231301.0]), None),
        ("price", 20230101.0 + np.arange(40), None),
        ("price", np.linspace(1e7, 3e7, 30).round(), None),
        ("x", 1.6725312e9 + HOURS, "epoch_seconds"),
        ("x", 1.6725312e12 + 1000 * HOURS, "epoch_milliseconds"),
        ("x", 1.6725312e9 + 7 * HOURS / 3600, None),
        ("timestamp", 1.6725312e9 + 7 * HOURS / 3600, "epoch_seconds"),
        ("created_at", np.array([1672531200123.0]), "epoch_milliseconds"),
        ("created_at", np.array([1672531200.5]), None),
        ("x", 1.6725312e9 + HOURS[:5], None),
        ("revenue", np.arange(600, 4000, 7) * 1e6, None),
        ("time", np.array([12.0, 15.0]), None),
        ("date", np.array([1.0, 2.0]), None),
        ("update", 1.6725312e9 + HOURS / 60, None),
        ("x", np.array([]), None),
    ],
)
def test_numbers_are_dates_only_if_all_of_them_can_be_and_the_name_or_the_spread_says_so(
    name: str, values: np.ndarray, order: Order | None
) -> None:
    assert order_of(recognise_date_numbers(name, values)) == order


def test_columns_are_recognised_by_the_cells_that_stand_in_them() -> None:
    column = names("red", "red", " 2024-01-01 ")
    assert order_of(recognised_in(column.take(np.array([2])))) == "year_month_day"
    assert recognised_in(column.take(np.array([0, 1]))) is None
    assert recognised_in(column.take(np.array([], dtype=np.intp))) is None
    days = np.tile([20240101.0, np.nan, 20240131.0], 20)
    assert order_of(recognised_in(Column("day of sale date", "numeric", days))) == "year_month_day"
    assert recognised_in(Column("x", "numeric", np.array([1.0, 2.5]))) is None
    assert recognised_in(Column("date", "boolean", np.array([1.0, 0.0]))) is None
    assert recognised_in(Column("date", "numeric", np.full((3, 2, 2), 20240101.0))) is None
