from typing import Any

import numpy as np
import pytest

from bpcli.data.columns.base import Surprise
from bpcli.data.columns.encoders import MinMax, NoScaling, Quantile, Robust, Standard
from bpcli.data.columns.one_hot import OneHot
from bpcli.data.columns.ordinal import Ordinal
from bpcli.data.columns.piecewise_linear import PiecewiseLinear
from bpcli.data.columns.smooth_clip import SmoothClip
from bpcli.data.columns.spec import BooleanColumn, CategoricalColumn, NumericColumn
from bpcli.data.columns.spec_base import EncodersSpec
from bpcli.data.table import Column
from bpcli.errors import MismatchError

NAN = float("nan")
DEFAULTS = EncodersSpec()


def numeric(*values: float) -> Column:
    return Column("n", "numeric", np.array(values, dtype=np.float64))


def boolean(*values: float) -> Column:
    return Column("b", "boolean", np.array(values, dtype=np.float64))


def names(*values: str | None) -> Column:
    categories = tuple(sorted({value for value in values if value is not None}))
    codes = [-1 if value is None else categories.index(value) for value in values]
    return Column("c", "categorical", np.array(codes, dtype=np.int32), categories)


def written(fitted: Any, column: Column) -> tuple[list[list[float]], dict[tuple[str | None, int], None]]:
    """The features of a column, and what was surprising: (value, rows)."""
    assert fitted.width == len(fitted.features)
    out = np.full((len(column), fitted.width), NAN)
    if fitted.field(0) is not None:
        codes = np.zeros(len(column), np.int8)
        surprises = fitted.writer(column)(column, codes)
        out[:] = np.arange(fitted.width) == codes[:, None]
    else:
        surprises = fitted.writer(column)(column, out)
    return out.tolist(), {(surprise.value, count): None for surprise, count in surprises.items()}


def features(fitted: Any, column: Column) -> list[list[float]]:
    rows, surprises = written(fitted, column)
    assert not surprises
    return rows


# Numbers


def test_numbers_are_encoded_as_the_column_says_else_as_all_columns_are() -> None:
    column = numeric(0.0, 10.0)
    assert features(NumericColumn().fit(column, DEFAULTS), column) == [[-1.0], [1.0]]
    assert features(NumericColumn(encoder=MinMax()).fit(column, DEFAULTS), column) == [[0.0], [1.0]]
    assert features(NumericColumn().fit(column, EncodersSpec(numeric=NoScaling())), column) == [[0.0], [10.0]]


def test_an_indicator_stands_where_training_rows_had_missing_values() -> None:
    column = numeric(0.0, NAN, 10.0, 2.0)
    fitted = NumericColumn(encoder=NoScaling()).fit(column, DEFAULTS)
    assert fitted.features == ["n", "n is missing"]
    assert features(fitted, column) == [[0.0, 0.0], [4.0, 1.0], [10.0, 0.0], [2.0, 0.0]]
    assert features(fitted, numeric(NAN)) == [[4.0, 1.0]]


@pytest.mark.parametrize(("impute", "fill"), [("mean", 4.0), ("median", 2.0), (7.5, 7.5), (0, 0.0)])
def test_a_missing_number_becomes_mean_median_or_a_number(impute: Any, fill: float) -> None:
    fitted = NumericColumn(encoder=NoScaling(), impute=impute).fit(numeric(0.0, NAN, 10.0, 2.0), DEFAULTS)
    assert features(fitted, numeric(NAN)) == [[fill, 1.0]]


def test_columns_that_do_not_set_an_imputation_take_the_default_one() -> None:
    column, defaults = numeric(0.0, NAN, 10.0, 2.0), EncodersSpec(numeric=NoScaling(), impute="median")
    assert features(NumericColumn().fit(column, defaults), column)[1] == [2.0, 1.0]
    assert features(NumericColumn(impute="mean").fit(column, defaults), column)[1] == [4.0, 1.0]


def test_missing_values_have_no_part_in_the_scaling() -> None:
    fitted = NumericColumn().fit(numeric(0.0, NAN, 10.0), DEFAULTS)
    assert features(fitted, numeric(0.0, 10.0, NAN)) == [[-1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]


def test_a_value_missing_where_no_training_row_had_one_is_imputed_and_counted() -> None:
    fitted = NumericColumn(encoder=NoScaling()).fit(numeric(0.0, 10.0), DEFAULTS)
    assert fitted.features == ["n"]
    assert written(fitted, numeric(1.0, NAN, NAN)) == ([[1.0], [5.0], [5.0]], {(None, 2): None})


@pytest.mark.parametrize(
    "encoder", [Standard(), MinMax(), NoScaling(), SmoothClip(), PiecewiseLinear(), Quantile()], ids=lambda e: e.type
)
def test_a_column_without_any_value_is_zero_and_its_indicator(encoder: Any) -> None:
    fitted = NumericColumn(encoder=encoder).fit(numeric(NAN, NAN), DEFAULTS)
    assert features(fitted, numeric(NAN, NAN)) == [[0.0, 1.0], [0.0, 1.0]]


def test_integers_are_numbers_too() -> None:
    column = Column("n", "numeric", np.array([0, 255], dtype=np.uint8))
    assert features(NumericColumn(encoder=MinMax()).fit(column, DEFAULTS), column) == [[0.0], [1.0]]


# True and false


def test_booleans_are_zero_and_one_and_where_missing_the_share_of_ones() -> None:
    column = boolean(1.0, 1.0, NAN, 0.0, 1.0)
    fitted = BooleanColumn().fit(column, DEFAULTS)
    assert fitted.features == ["b", "b is missing"]
    assert features(fitted, column) == [[1.0, 0.0], [1.0, 0.0], [0.75, 1.0], [0.0, 0.0], [1.0, 0.0]]
    whole = BooleanColumn().fit(boolean(1.0, 0.0), DEFAULTS)
    assert written(whole, boolean(NAN)) == ([[0.5]], {(None, 1): None})


# Names


def test_one_hot_has_a_feature_for_each_category_of_the_training_rows() -> None:
    column = names("b", "a", "c", "a")
    fitted = CategoricalColumn().fit(column, DEFAULTS)
    assert fitted.features == ["c=a", "c=b", "c=c"]
    assert features(fitted, column) == [[0, 1, 0], [1, 0, 0], [0, 0, 1], [1, 0, 0]]


def test_categories_that_no_training_row_holds_have_no_feature() -> None:
    whole = names("a", "b", "c")
    fitted = CategoricalColumn().fit(whole.take(np.array([0, 2])), DEFAULTS)
    assert fitted.features == ["c=a", "c=c"]


def test_a_category_never_seen_is_all_zeros_and_counted_by_name() -> None:
    fitted = CategoricalColumn().fit(names("a", "c"), DEFAULTS)
    rows, surprises = written(fitted, names("b", "c", "b", "z"))
    assert rows == [[0, 0], [0, 1], [0, 0], [0, 0]]
    assert surprises == {("b", 2): None, ("z", 1): None}


def test_one_hot_tells_missing_from_never_seen() -> None:
    fitted = CategoricalColumn().fit(names("a", None, "c"), DEFAULTS)
    assert fitted.features == ["c=a", "c=c", "c is missing"]
    assert written(fitted, names(None, "a", "z")) == ([[0, 0, 1], [1, 0, 0], [0, 0, 0]], {("z", 1): None})
    without = CategoricalColumn().fit(names("a", "c"), DEFAULTS)
    assert written(without, names(None, "a")) == ([[0, 0], [1, 0]], {(None, 1): None})


def test_categories_are_matched_by_name_whatever_codes_a_file_gives_them() -> None:
    fitted = CategoricalColumn().fit(names("b", "d"), DEFAULTS)
    assert features(fitted, Column("c", "categorical", np.array([1, 0], np.int32), ("d", "b"))) == [[1, 0], [0, 1]]


def test_ordinal_rises_evenly_from_zero_to_one() -> None:
    column = names("low", "high", "middle")
    fitted = CategoricalColumn(encoder=Ordinal(order=("low", "middle", "high"))).fit(column, DEFAULTS)
    assert fitted.features == ["c"]
    assert features(fitted, column) == [[0.0], [1.0], [0.5]]
    by_name = CategoricalColumn(encoder=Ordinal()).fit(names("1970", "1982", "1976"), DEFAULTS)
    assert features(by_name, names("1976", "1970")) == [[0.5], [0.0]]


def test_ordinal_puts_missing_and_unseen_at_the_mean_of_the_training_rows() -> None:
    # places 0, 0, 2 of 2: mean 1/3
    fitted = CategoricalColumn(encoder=Ordinal(order=("a", "b", "c"))).fit(names("a", "a", "c", None), DEFAULTS)
    rows, surprises = written(fitted, names("b", None, "z"))
    assert np.array(rows) == pytest.approx(np.array([[0.5, 0.0], [1 / 3, 1.0], [1 / 3, 0.0]]))
    assert surprises == {("z", 1): None}


def test_ordinal_of_a_single_category_is_zero() -> None:
    assert features(CategoricalColumn(encoder=Ordinal()).fit(names("a"), DEFAULTS), names("a")) == [[0.0]]


def test_an_order_that_lacks_a_category_is_an_error_at_its_place_in_the_config() -> None:
    order = Ordinal(order=("a", "b"))
    with pytest.raises(MismatchError, match="lacks 'c', which occurs in column 'c'") as caught:
        CategoricalColumn(encoder=order).fit(names("a", "c"), DEFAULTS)
    assert caught.value.mismatches[0].path == ("data", "columns", "c", "encoder", "order")
    with pytest.raises(MismatchError) as caught:
        CategoricalColumn().fit(names("a", "c"), EncodersSpec(categorical=order))
    assert caught.value.mismatches[0].path == ("data", "encoders", "categorical", "order")


@pytest.mark.parametrize("encoder", [OneHot(), Ordinal()], ids=lambda e: e.type)
def test_a_column_of_names_without_any_value_is_its_indicator(encoder: Any) -> None:
    fitted = CategoricalColumn(encoder=encoder).fit(names(None, None), DEFAULTS)
    assert [row[-1] for row in features(fitted, names(None, None))] == [1.0, 1.0]


def test_what_is_surprising_is_told_by_column_and_value() -> None:
    fitted = CategoricalColumn().fit(names("a", "b"), DEFAULTS)
    other = names("x")
    assert fitted.writer(other)(other, np.empty(1, np.int8)) == {Surprise(column="c", value="x"): 1}


def test_rows_without_some_of_the_categories_are_encoded_like_all_rows() -> None:
    column = names("b", None, "a", "z")
    fitted = CategoricalColumn().fit(names("a", "b", None), DEFAULTS)
    write, codes = fitted.writer(column), np.empty(4, np.int8)
    for row in range(4):
        write(column.take(slice(row, row + 1)), codes[row : row + 1])
    assert codes.tolist() == [1, 2, 0, -1]


def test_an_average_cell_is_the_mean_of_what_is_known() -> None:
    fitted = NumericColumn(impute=-1.0, encoder=MinMax()).fit(numeric(1, np.nan, 2, 5), EncodersSpec())
    assert fitted.average == [pytest.approx((8 / 3 - 1) / 4), 0.0]
    kinds = CategoricalColumn().fit(names("b", "a", "b", None, "b"), EncodersSpec())
    assert kinds.counts == (1, 3)
    assert kinds.average == [0.25, 0.75, 0.0]
    assert BooleanColumn().fit(boolean(1, 0, 1, 1), EncodersSpec()).average == [0.75]
    ordered = CategoricalColumn(encoder=Ordinal()).fit(names("a", "b", "c", "c"), EncodersSpec())
    assert ordered.average == [pytest.approx((0 + 0.5 + 1 + 1) / 4)]


def test_whole_numbers_with_and_without_decimals_are_one_category_where_training_had_one_of_them() -> None:
    fitted = CategoricalColumn().fit(names("3", "10", "007"), DEFAULTS)
    assert features(fitted, names("3.0", "10.00")) == [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    assert features(CategoricalColumn().fit(names("3.0", "4.0"), DEFAULTS), names("4")) == [[0.0, 1.0]]
    assert written(fitted, names("7.0"))[1] == {("7.0", 1): None}, "leading zeros are a name"
    both = CategoricalColumn().fit(names("3", "3.0"), DEFAULTS)
    assert features(both, names("3.0")) == [[0.0, 1.0]]
    assert written(both, names("3.00"))[1] == {("3.00", 1): None}


# Columns that are constant in training


@pytest.mark.parametrize(
    ("spec", "trained", "later", "others"),
    [
        (NumericColumn(), numeric(7.0, 7.0), numeric(480.0, 7.0), 1),
        (NumericColumn(encoder=MinMax()), numeric(7.0, 7.0), numeric(480.0, 7.0), 1),
        (NumericColumn(encoder=NoScaling()), numeric(7.0, 7.0), numeric(480.0, 7.0), 1),
        (NumericColumn(encoder=Quantile()), numeric(7.0, 7.0), numeric(480.0, 7.0), 1),
        (NumericColumn(), numeric(0.3, 0.1 + 0.2), numeric(480.0, 0.3), 1),
        (NumericColumn(encoder=PiecewiseLinear()), numeric(0.3, 0.1 + 0.2), numeric(480.0, 0.3), 1),
        (NumericColumn(encoder=SmoothClip()), numeric(0.3, 0.1 + 0.2), numeric(480.0, 0.3), 1),
        (NumericColumn(), numeric(NAN, NAN), numeric(480.0, NAN), 1),
        (BooleanColumn(), boolean(1.0, 1.0), boolean(0.0, 1.0), 1),
        (BooleanColumn(), boolean(NAN, NAN), boolean(1.0, 0.0), 2),
        (CategoricalColumn(), names("a", "a"), names("b", "a"), 1),
        (CategoricalColumn(), names(None, None), names("b", None), 1),
        (CategoricalColumn(encoder=Ordinal(order=("a", "b"))), names("b", "b"), names("a", "b"), 1),
        (CategoricalColumn(encoder=Ordinal()), names(None, None), names("b", None), 1),
    ],
)
def test_a_column_constant_in_training_is_encoded_as_then_whatever_it_holds(
    spec: Any, trained: Column, later: Column, others: int
) -> None:
    fitted = spec.fit(trained, DEFAULTS)
    rows = np.array(features(fitted, trained))
    found, surprises = written(fitted, later)
    np.testing.assert_allclose(np.array(found), np.broadcast_to(rows[:1], rows.shape), atol=1e-15)
    assert surprises == {(None, others): None}


def test_numbers_constant_but_for_missing_ones_keep_the_missing_indicator() -> None:
    fitted = NumericColumn().fit(numeric(7.0, NAN), DEFAULTS)
    assert written(fitted, numeric(480.0, NAN))[0] == [[0.0, 0.0], [0.0, 1.0]]
    imputed = NumericColumn(encoder=NoScaling(), impute=0.0).fit(numeric(7.0, NAN), DEFAULTS)
    assert imputed.constant is None, "the imputed value is another"


def test_a_constant_imputed_otherwise_stays_the_constant() -> None:
    fitted = NumericColumn(encoder=NoScaling(), impute=0.0).fit(numeric(7.0, 7.0), DEFAULTS)
    assert written(fitted, numeric(NAN))[0] == [[7.0]]


# Sample weights


def test_statistics_are_weighted_by_the_rows_that_have_a_value() -> None:
    values, weights = numeric(0.0, NAN, 3.0, 10.0, 4.0), np.array([1.0, 9.0, 3.0, 1.0, 2.0])
    fitted = NumericColumn().fit(values, DEFAULTS, weights)
    assert fitted.fill == fitted.mean == fitted.encoding.center == pytest.approx(27 / 7)
    assert fitted.encoding.scale == pytest.approx(np.std([0, 3, 3, 3, 10, 4, 4]))
    assert fitted.range == (0.0, 10.0)
    robust = NumericColumn(encoder=Robust(), impute="median").fit(values, DEFAULTS, weights)
    assert robust.fill == robust.encoding.center == pytest.approx(3 + (0.5 - 1 / 4) / (4 / 5 - 1 / 4))
    assert BooleanColumn().fit(boolean(1.0, 0.0, NAN), DEFAULTS, np.array([3.0, 1.0, 9.0])).fill == 0.75
    ordinal = CategoricalColumn(encoder=Ordinal(order=("a", "b")))
    assert ordinal.fit(names("a", "b", None), DEFAULTS, np.array([1.0, 3.0, 9.0])).fill == 0.75


def test_names_and_categories_of_an_older_checkpoint_are_composed() -> None:
    fitted = CategoricalColumn().fit(names("Zu\u0308rich", "Bern", "Bern"), DEFAULTS)
    older = fitted.model_copy(update={"name": "Gro\u0308\u00dfe", "categories": ("Bern", "Zu\u0308rich")})
    loaded = type(fitted).model_validate(older.model_dump())
    assert loaded.features == ["Gr\u00f6\u00dfe=Bern", "Gr\u00f6\u00dfe=Z\u00fcrich"]
