import math
from typing import Any

import numpy as np
import pytest

from bpcli.data.columns.base import Surprise
from bpcli.data.columns.date_columns import DateColumn, TimeOfDayColumn
from bpcli.data.columns.dates import DateInput, TimeOfDayInput
from bpcli.data.columns.spec_base import EncodersSpec
from bpcli.data.notations.dates import DateNotation, TimeNotation
from bpcli.data.table import Column

NAN = float("nan")


def dates(*words: str) -> Column:
    values = DateNotation().values(words)
    return Column("d", "date", np.where(np.isinf(values), NAN, values))


def times(*words: str) -> Column:
    return Column("t", "time_of_day", TimeNotation().values(words))


def written(fitted: DateInput | TimeOfDayInput, column: Column) -> tuple[dict[str, list[float]], dict[Surprise, int]]:
    """Features by name, and what was surprising."""
    out = np.full((len(column), fitted.width), NAN)
    surprises = fitted.writer(column)(column, out)
    return dict(zip(fitted.features, out.T.tolist(), strict=True)), surprises


def of_dates(column: Column) -> DateInput:
    return DateColumn().fit(column, EncodersSpec())


YEARS = dates("2022-01-01 00:00", "2022-12-31 12:00", "2023-04-16 18:00", "2024-07-01 06:00")


def test_a_date_becomes_a_time_a_year_and_sines_and_cosines_of_what_returns() -> None:
    fitted = of_dates(YEARS)
    assert fitted.features == [
        "d (time)",
        "d year",
        "d month, sine",
        "d month, cosine",
        "d day of week, sine",
        "d day of week, cosine",
        "d hour, sine",
        "d hour, cosine",
    ]
    assert (fitted.width, fitted.read_as, fitted.encoded_by) == (8, "date", "time, year, month, day of week, hour")
    found, surprises = written(fitted, YEARS)
    assert surprises == {}
    assert found["d (time)"] == pytest.approx((YEARS.values - YEARS.values.mean()) / YEARS.values.std())
    years = np.array([2022, 2022, 2023, 2024])
    assert found["d year"] == pytest.approx((years - years.mean()) / years.std())
    months = np.array([0, 11 + 30.5 / 31, 3 + 15.75 / 30, 6 + 0.25 / 31]) / 12
    assert found["d month, sine"] == pytest.approx(np.sin(2 * math.pi * months))
    assert found["d month, cosine"] == pytest.approx(np.cos(2 * math.pi * months))
    weekdays = np.array([5, 5, 6, 0]) / 7  # two Saturdays, a Sunday, a Monday
    assert found["d day of week, sine"] == pytest.approx(np.sin(2 * math.pi * weekdays))
    assert found["d hour, sine"] == pytest.approx([0, 0, -1, 1], abs=1e-12)
    assert found["d hour, cosine"] == pytest.approx([1, -1, 0, 0], abs=1e-12)
    assert fitted.average == pytest.approx([np.mean(feature) for feature in found.values()])


@pytest.mark.parametrize(
    ("column", "parts"),
    [
        (dates("2023-01-02", "2023-01-03"), "time, day of week"),
        (dates("2023-01-01", "2023-02-01", "2023-05-01"), "time, month"),  # of monthly data, the weekday is noise
        (dates("2021-01-01", "2022-01-01", "2024-01-01"), "time, year"),
        (dates("2023-01-02", "2023-02-06"), "time, month"),  # two Mondays
        (dates("2023-01-02 09:00", "2023-01-09 09:00"), "time"),
        (dates("2023-01-02 09:00", "2023-01-02 10:00"), "time, hour"),
        (dates("2022-01-01", "2028-01-01"), "time, year"),  # two Saturdays in January
        (dates("2023-01-02", "2023-01-02"), "none"),
        (dates("", ""), "none"),
        (dates(), "none"),
    ],
)
def test_only_parts_that_vary_in_training_become_features(column: Column, parts: str) -> None:
    fitted = of_dates(column)
    assert fitted.encoded_by == parts
    assert fitted.width == len(fitted.features) == len(fitted.average)


def test_missing_dates_become_the_mean_of_each_feature_and_an_indicator() -> None:
    known = ("2023-01-02", "2023-03-07", "2023-09-01")
    fitted = of_dates(dates(*known, ""))
    found, surprises = written(fitted, dates(*known, ""))
    assert surprises == {}
    assert found.pop("d is missing") == [0, 0, 0, 1]
    for feature in found.values():
        assert feature[3] == pytest.approx(np.mean(feature[:3]), abs=1e-12)
    assert fitted.average[-1] == 0


def test_missing_dates_that_training_had_none_of_are_told() -> None:
    fitted = of_dates(dates("2023-01-02", "2023-03-07"))
    found, surprises = written(fitted, dates(""))
    assert surprises == {Surprise(column="d"): 1}
    assert [feature[0] for feature in found.values()] == fitted.average


def test_rows_count_by_their_weights() -> None:
    days, weights = ("2023-01-02", "2023-03-07", "2023-09-01"), (3, 1, 2)
    repeated = dates(*(day for day, weight in zip(days, weights, strict=True) for _ in range(weight)))
    weighted = DateColumn().fit(dates(*days, ""), EncodersSpec(), np.array([*map(float, weights), 5.0]))
    assert weighted.average[:-1] == pytest.approx(of_dates(repeated).average)
    assert weighted.lines[0].encoding.center == pytest.approx(of_dates(repeated).lines[0].encoding.center)
    assert weighted.lines[0].encoding.scale == pytest.approx(of_dates(repeated).lines[0].encoding.scale)


def test_a_constant_column_carries_nothing_whatever_comes_later() -> None:
    fitted = of_dates(dates("2023-01-02", "2023-01-02"))
    found, surprises = written(fitted, dates("2023-01-02", "2031-05-05", "2023-01-03"))
    assert (found, surprises) == ({}, {Surprise(column="d", ignored=True): 2})
    empty = of_dates(dates("", ""))
    found, surprises = written(empty, dates("", "2031-05-05"))
    assert (found, surprises) == ({"d is missing": [1, 1]}, {Surprise(column="d", ignored=True): 1})


def test_dates_far_outside_the_training_range_are_told() -> None:
    fitted = of_dates(dates("2023-01-01", "2023-12-31"))
    _, surprises = written(fitted, dates("2024-12-29", "2024-12-31", "2021-01-01", "2022-06-01"))
    (surprise,) = surprises
    assert (surprise.kind, surprises[surprise]) == ("date", 2)
    assert fitted.range == surprise.outside
    assert Column("", "date", np.array(surprise.outside)).labels() == ["2023-01-01", "2023-12-31"]


def test_a_time_of_day_is_linear_and_a_point_on_the_circle_of_a_day() -> None:
    column = times("00:00", "06:00", "18:00", "12:00")
    fitted = TimeOfDayColumn().fit(column, EncodersSpec())
    found, surprises = written(fitted, column)
    assert surprises == {}
    assert fitted.read_as == "time_of_day"
    assert list(found) == ["t (time)", "t hour, sine", "t hour, cosine"]
    assert found["t (time)"] == pytest.approx((column.values - column.values.mean()) / column.values.std())
    assert found["t hour, sine"] == pytest.approx([0, 1, -1, 0], abs=1e-12)
    assert found["t hour, cosine"] == pytest.approx([1, 0, 0, -1], abs=1e-12)


@pytest.mark.parametrize("fitted", [of_dates(YEARS), TimeOfDayInput.fit(times("00:00", "06:00"))])
def test_fitted_dates_are_stored_exactly(fitted: Any) -> None:
    assert type(fitted).model_validate_json(fitted.model_dump_json()) == fitted
