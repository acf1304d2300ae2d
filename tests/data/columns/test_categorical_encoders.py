"""Two categories as one input, and categories that are pooled as rare."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from bpcli.data.columns.base import InputSummary, Surprise
from bpcli.data.columns.categorical_inputs import OneHotInput
from bpcli.data.columns.one_hot import OneHot
from bpcli.data.columns.sign import SignInput
from bpcli.data.columns.spec import CategoricalColumn
from bpcli.data.columns.spec_base import EncodersSpec
from bpcli.data.table import Column

SIGN = OneHot(binary="sign")
FIVE = ("a", "a", "a", "b", "b", "c", "d", None)


def names(*values: str | None) -> Column:
    categories = tuple(sorted({value for value in values if value is not None}))
    codes = [-1 if value is None else categories.index(value) for value in values]
    return Column("c", "categorical", np.array(codes, dtype=np.int32), categories)


def fitted(encoder: OneHot, *values: str | None) -> Any:
    one = CategoricalColumn(encoder=encoder).fit(names(*values), EncodersSpec())
    assert type(one).model_validate_json(one.model_dump_json()) == one
    assert one.width == len(one.features) == len(one.average)
    return one


def encoded(one: Any, *values: str | None) -> tuple[list[Any], dict[str | None, int]]:
    """Codes, or features, and surprising values with their numbers of rows."""
    column = names(*values)
    out = np.full(len(column), 99) if isinstance(one, OneHotInput) else np.full((len(column), one.width), np.nan)
    surprises = one.writer(column)(column, out)
    return out.tolist(), {surprise.value: count for surprise, count in surprises.items()}


def test_two_categories_become_one_signed_input() -> None:
    one = fitted(SIGN, "yes", "no", "yes", "yes")
    assert (type(one), one.features, one.field(0)) == (SignInput, ["c=yes"], None)
    assert encoded(one, "no", "yes") == ([[-1.0], [1.0]], {})
    assert one.average == [0.5]


def test_unknown_and_missing_ones_are_between_the_two() -> None:
    one = fitted(SIGN, "no", "yes")
    assert encoded(one, "maybe", None, "no", "maybe") == ([[0.0], [0.0], [-1.0], [0.0]], {"maybe": 2, None: 1})


def test_a_signed_column_with_missing_cells_has_an_indicator() -> None:
    one = fitted(SIGN, "no", None, "yes")
    assert one.features == ["c=yes", "c is missing"]
    assert encoded(one, None, "yes", "?") == ([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]], {"?": 1})


@pytest.mark.parametrize("values", [("a",), ("a", "b", "c"), (None, None)])
def test_columns_of_more_or_fewer_categories_stay_one_hot(values: Any) -> None:
    assert fitted(SIGN, *values) == fitted(OneHot(), *values)


def test_categories_of_few_rows_share_an_input_with_unknown_ones() -> None:
    one = fitted(OneHot(min_count=2), *FIVE)
    assert one.features == ["c=a", "c=b", "c is rare", "c is missing"]
    assert encoded(one, "a", "b", "c", "d", "z", None) == ([0, 1, 2, 2, 2, 3], {"z": 1})
    np.testing.assert_allclose(one.average, [3 / 7, 2 / 7, 2 / 7, 0])


def test_a_share_of_the_rows_bounds_rare_categories_too() -> None:
    assert fitted(OneHot(min_count=0.25), *FIVE) == fitted(OneHot(min_count=2), *FIVE)  # 0.25 · 8
    assert fitted(OneHot(min_count=0.26), *FIVE).categories == ("a",)


def test_without_rare_categories_unknown_ones_are_all_zeros() -> None:
    assert fitted(OneHot(min_count=2), "a", "a", "b", "b") == fitted(OneHot(), "a", "a", "b", "b")


def test_without_missing_cells_in_training_a_missing_one_is_not_rare() -> None:
    one = fitted(OneHot(min_count=2), "a", "a", "b", "b", "c")
    assert encoded(one, None, "c") == ([-1, 2], {None: 1})


def test_a_column_of_rare_categories_alone_tells_missing_from_known() -> None:
    one = fitted(OneHot(min_count=2), "a", "b", None)
    assert one.features == ["c is rare", "c is missing"]
    assert encoded(one, "a", "z", None) == ([0, 0, 1], {"z": 1})


def test_a_single_category_that_is_rare_is_constant() -> None:
    one = fitted(OneHot(min_count=5), "a", "a")
    assert one.constant == "value"
    column = names("a", "z")
    assert one.writer(column)(column, np.empty(2, np.int8)) == {Surprise(column="c", ignored=True): 1}


def test_two_categories_beside_rare_ones_are_not_signed() -> None:
    assert fitted(OneHot(min_count=2, binary="sign"), *FIVE).features == fitted(OneHot(min_count=2), *FIVE).features


def test_rare_categories_are_counted_in_the_summary_and_stand_for_one_level() -> None:
    one = fitted(OneHot(min_count=2), *FIVE)
    assert one.summary() == InputSummary("c", "categorical", "one_hot", 4, rare=2)
    assert one.summary().shown_encoding == "one_hot, 2 rare"
    assert one.levels == {"a": "a", "b": "b", "(rare)": "c"}


@pytest.mark.parametrize("count", [0, 1, -3, 0.0, 1.0, 2.5])
def test_a_count_is_at_least_two_and_a_share_below_one(count: float) -> None:
    with pytest.raises(ValidationError):
        OneHot(min_count=count)


@pytest.mark.parametrize("wrong", [{"rare": ("a",)}, {"rare_rows": 3}, {"rare": ("x",), "rare_rows": 1}])
def test_stored_rare_categories_have_rows_and_no_input(wrong: Any) -> None:
    with pytest.raises(ValidationError, match="rare categories must have training rows, and no feature of their own"):
        OneHotInput(name="c", indicator=False, categories=("x", "y"), counts=(1, 1), **wrong)
