"""Numbers with bounds, as detection limits give."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.data.columns.censored import CensoredInput, bounds_of
from bpcli.data.columns.censored_column import CensoredColumn
from bpcli.data.columns.encoders import NoScaling
from bpcli.data.columns.recognition import recognised_numbers
from bpcli.data.columns.spec_base import EncodersSpec
from bpcli.data.notations.dialect import Dialect
from bpcli.data.table import Column
from bpcli.errors import DataError, MismatchError


def words(*cells: str) -> Column:
    categories = tuple(sorted({cell for cell in cells if cell}))
    codes = [categories.index(cell) if cell else -1 for cell in cells]
    return Column("crp", "categorical", np.array(codes, np.int32), categories)


def fitted(*cells: str) -> CensoredInput:
    return CensoredColumn().fit(words(*cells), EncodersSpec())


def features(of: CensoredInput, column: Column) -> list[list[float]]:
    out = np.empty((len(column), of.width))
    of.writer(column.take(slice(0, 0)))(column, out)
    return out.tolist()


def test_a_bound_is_its_number_and_a_side() -> None:
    values, sides = bounds_of(["<0.5", "< 0.5", "<=2", "\u22643", ">20", ">= 20", "\u226520", "7", "x", "<"], ".")
    assert values.tolist() == [0.5, 0.5, 2, 3, 20, 20, 20, 7, np.inf, np.inf]
    assert sides.tolist() == [-1, -1, -1, -1, 1, 1, 1, 0, 0, -1]


def test_bounds_become_the_number_and_an_indicator_for_each_side_that_occurs() -> None:
    column = words("<1", "3", "5")  # mean 3, standard deviation sqrt(8/3)
    one = fitted("<1", "3", "5")
    assert one.features == ["crp", "crp is below its limit"]
    scale = (8 / 3) ** 0.5
    np.testing.assert_allclose(features(one, column), [[-2 / scale, 1], [0, 0], [2 / scale, 0]])
    assert fitted("3", ">5").features == ["crp", "crp is above its limit"]
    assert fitted("<1", ">5", "").features == [
        "crp",
        "crp is below its limit",
        "crp is above its limit",
        "crp is missing",
    ]


def test_rows_of_each_word_count_in_the_mean() -> None:
    assert fitted("<1", "<1", "<1", "5").mean == 2.0


def test_missing_values_take_the_mean_and_are_indicated() -> None:
    one = fitted("<1", "3", "")
    assert features(one, words("", "<1"))[0] == [0, 0, 1]


def test_missing_values_take_the_imputation_of_all_columns() -> None:
    column, defaults = words("<1", "3", "11", ""), EncodersSpec(numeric=NoScaling(), impute="median")
    one = CensoredColumn().fit(column, defaults)
    assert (features(one, column)[3], one.mean) == ([3, 0, 1], 5.0)


def test_a_bound_of_a_side_never_seen_is_its_number() -> None:
    one = fitted("<1", "3", "5")
    assert features(one, words(">3"))[0] == [0, 0]


def test_a_word_that_is_neither_is_an_error() -> None:
    with pytest.raises(MismatchError, match="'high' is neither a number nor a bound"):
        fitted("<1", "high")
    with pytest.raises(DataError, match="column 'crp': 'high' is neither a number"):
        features(fitted("<1", "3"), words("3", "high"))


def test_columns_of_bounds_are_recognised() -> None:
    found = recognised_numbers(words("<0.5", "3.1", "9.6", ">20", "4"), Dialect())
    assert found is not None
    assert (found.spec, found.reason) == (CensoredColumn(), "bounds such as '<0.5', '>20'")
    comma = recognised_numbers(words("<0,5", "3,1", "9,6"), Dialect(decimal=","))
    assert comma is not None
    assert comma.spec == CensoredColumn(decimal=",")
    assert recognised_numbers(words("<low", "high", "3"), Dialect()) is None
