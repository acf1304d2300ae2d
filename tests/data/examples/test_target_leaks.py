"""Columns that determine a target are found, and those that do so by chance or by telling rows apart are not."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest

from bpcli.data.examples.target_leaks import (
    equals,
    is_line,
    rank_correlation,
    settled_class,
    thresholds_that_determine,
    values_that_determine,
)
from bpcli.data.table import Column

RANDOM = np.random.default_rng(0)
CLASSES = RANDOM.integers(0, 3, 300)


def numeric(values: object) -> Column:
    return Column("x", "numeric", np.array(values, np.float64))


def names(codes: object) -> Column:
    codes = np.array(codes, np.int32)
    return Column("x", "categorical", codes, tuple(f"name {code}" for code in range(codes.max() + 1)))


# Values that determine


@pytest.mark.parametrize(
    ("column", "count"),
    [
        (numeric(CLASSES), 3),
        (numeric(2.5 - CLASSES), 3),
        (names(2 - CLASSES), 3),
        (names(CLASSES * 4 + np.arange(300) % 4), 12),  # several values to a class
        (numeric(np.where(CLASSES == 2, np.nan, CLASSES)), 3),  # a missing cell is a value, too
        (names(np.where(CLASSES == 2, -1, CLASSES)), 3),
    ],
)
def test_values_of_one_class_each_determine_it(column: Column, count: int):
    assert values_that_determine(column, CLASSES) == count


@pytest.mark.parametrize(
    "column",
    [
        numeric(np.where(np.arange(300) == 299, (CLASSES[299] + 1) % 3, CLASSES)),  # all but one
        numeric(np.zeros(300)),
        numeric(np.arange(300)),  # another value in each row
        numeric(np.arange(300) // 2),
        numeric(RANDOM.normal(size=300)),
        numeric(CLASSES * 100 + np.arange(300) // 4 % 25),  # 75 values of four rows
        names(np.minimum(CLASSES, 1)),
    ],
)
def test_values_that_stand_with_several_classes_or_with_few_rows_do_not(column: Column):
    assert values_that_determine(column, CLASSES) is None


def test_an_exception_anywhere_in_many_rows_is_found():
    classes = np.arange(100_000) % 2
    assert values_that_determine(numeric(classes), classes) == 2
    for row in (0, 1, 50_001, 99_999):
        almost = classes.copy()
        almost[row] = 1 - almost[row]
        assert values_that_determine(numeric(almost), classes) is None


def test_what_may_be_chance_does_not_count():
    # Two classes as common as each other: each row but the first two doubles the odds, and 2³⁰ > 10⁹.
    for rows, found in ((20, None), (31, None), (32, 2), (40, 2)):
        classes = np.arange(rows) % 2
        assert values_that_determine(numeric(classes), classes) == found
    # One row in a hundred is of the second class, so that most columns of few values stand with one class by chance.
    rare = (np.arange(1000) == 7).astype(np.intp)
    assert values_that_determine(numeric(rare), rare) is None
    one = np.zeros(1000, np.intp)
    assert values_that_determine(numeric(np.arange(1000) % 5), one) is None


def test_columns_without_relation_are_not_taken_for_giveaways(record_property: Callable[[str, object], None]):
    random, cases = np.random.default_rng(1), 0
    for rows in (20, 30, 50, 100, 500):
        for classes in (2, 3, 10):
            for values in (2, 3, rows // 5):
                for _ in range(20):
                    target = random.integers(0, classes, rows)
                    assert values_that_determine(numeric(random.integers(0, values, rows)), target) is None
                    cases += 1
    assert cases == 900
    record_property("cases", cases)


# Thresholds that determine

WITHIN = RANDOM.uniform(0, 0.9, 300)
"""What scatters values within the range of their class."""


@pytest.mark.parametrize(
    ("values", "codes", "thresholds"),
    [
        (CLASSES + WITHIN, CLASSES, 2),
        (np.array([2, 0, 1])[CLASSES] - WITHIN, CLASSES, 2),  # whatever the order of the classes
        (1e300 * (CLASSES + WITHIN), CLASSES, 2),
        (np.minimum(CLASSES, 1) + WITHIN, np.minimum(CLASSES, 1), 1),
        (np.where(np.arange(300) % 4, CLASSES + WITHIN, np.nan), CLASSES, 2),  # in the rows in which it is known
    ],
)
def test_ranges_of_one_class_each_determine_it(values: np.ndarray, codes: np.ndarray, thresholds: int):
    assert values_that_determine(numeric(values), codes) is None
    assert thresholds_that_determine(numeric(values), codes) == thresholds


def test_numbers_of_any_type_are_cut():
    whole = CLASSES * 100 + np.arange(300) % 97
    for dtype in (np.int16, np.uint16, np.int64, np.float32):
        assert thresholds_that_determine(Column("x", "numeric", whole.astype(dtype)), CLASSES) == 2


@pytest.mark.parametrize(
    "values",
    [
        np.where(np.arange(300) == 299, 3 - CLASSES + WITHIN, CLASSES + WITHIN),  # all but one
        np.minimum(CLASSES, 1) + WITHIN,  # one class of three apart
        np.where(CLASSES == 2, WITHIN * (np.arange(300) % 2 * 4 - 1), CLASSES + 1 + WITHIN),  # two ranges of a class
        np.where(CLASSES == 2, np.nan, CLASSES + WITHIN),  # never known of a class
        np.where(np.arange(300) < 15, CLASSES + WITHIN, np.nan),
        np.full(300, np.nan),
        np.zeros(300),
        np.where(np.arange(300) == np.argmin(CLASSES), 1, CLASSES + WITHIN * (CLASSES != 1)),  # they touch at 1
    ],
)
def test_ranges_that_overlap_or_leave_a_class_out_do_not(values: np.ndarray):
    assert thresholds_that_determine(numeric(values), CLASSES) is None


def test_an_exception_to_a_threshold_anywhere_in_many_rows_is_found():
    classes = np.arange(100_000) % 2
    values = classes + np.random.default_rng(1).uniform(0, 0.9, 100_000)
    assert thresholds_that_determine(numeric(values), classes) == 1
    for row in (0, 1, 50_001, 99_999):
        almost = classes.copy()
        almost[row] = 1 - almost[row]
        assert thresholds_that_determine(numeric(values), almost) is None


def test_an_order_that_may_be_chance_does_not_count():
    # Of two classes as common as each other: 2 of 33! / (16! 17!) orders, and of 34! / (17! 17!), which is 2.3 · 10⁹.
    for rows, found in ((20, None), (33, None), (34, 1), (60, 1)):
        classes = (np.arange(rows) >= rows // 2).astype(np.intp)
        assert thresholds_that_determine(numeric(np.sqrt(np.arange(rows))), classes) == found
    # 2 · 3! / (1000 · 999 · 998) for three rows of a rare class, which is 10⁻⁸.
    for rare, found in ((1, None), (3, None), (4, 1)):
        classes = (np.arange(1000) >= 1000 - rare).astype(np.intp)
        assert thresholds_that_determine(numeric(np.sqrt(np.arange(1000))), classes) == found


def test_a_target_of_few_rows_a_value_is_not_given_away_by_what_rises_with_it():
    for rows_a_value, found in ((1, None), (4, None), (5, 19)):
        codes = np.arange(20 * rows_a_value) // rows_a_value
        assert thresholds_that_determine(numeric(np.sqrt(np.arange(len(codes)))), codes) == found


def test_columns_without_relation_have_no_thresholds(record_property: Callable[[str, object], None]):
    random, cases = np.random.default_rng(2), 0
    for rows in (20, 30, 50, 100, 500):
        for classes in (2, 3, 10):
            for rare in (1, 3, rows // 2):
                for _ in range(20):
                    target = np.zeros(rows, np.intp)
                    target[:rare] = 1 + np.arange(rare) % (classes - 1)
                    random.shuffle(target)
                    assert thresholds_that_determine(numeric(random.normal(size=rows)), target) is None
                    cases += 1
    assert cases == 900
    record_property("cases", cases)


# Lines


X = RANDOM.normal(size=300)


@pytest.mark.parametrize(
    "target",
    [
        X,
        3 * X - 7,
        -X,
        1e-300 * X,
        1e300 * X,
        1e6 + X,
        np.round(1000 * X + 5000, 2),
    ],
    ids=["same", "shifted", "turned", "tiny", "huge", "far", "rounded"],
)
def test_a_line_is_found_at_any_scale(target: np.ndarray):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert is_line(numeric(X), numeric(target))
        assert is_line(numeric(target), numeric(X))


def test_a_line_is_found_in_the_rows_in_which_it_is_known():
    assert is_line(numeric(np.where(np.arange(300) % 3, X, np.nan)), numeric(2 * X))
    assert not is_line(numeric(np.where(np.arange(300) < 19, X, np.nan)), numeric(2 * X))
    assert not is_line(numeric(np.full(300, np.nan)), numeric(X))


@pytest.mark.parametrize(
    "values",
    [X**3, np.exp(X), X + 0.01 * RANDOM.normal(size=300), np.full(300, 0.1), np.zeros(300), RANDOM.normal(size=300)],
    ids=["cube", "exponential", "noisy", "constant", "zero", "unrelated"],
)
def test_what_is_no_line_is_not_found(values: np.ndarray):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not is_line(numeric(values), numeric(X))


def test_few_rows_are_no_line():
    assert not is_line(numeric(X[:19]), numeric(X[:19]))
    assert is_line(numeric(X[:20]), numeric(X[:20]))


# Orders


@pytest.mark.parametrize(
    ("values", "correlation"),
    [
        (np.exp(X), 1),
        (-(X**3), -1),
        (np.exp(X).round(2), 1),  # with ties
        (np.where(np.arange(300) % 4, np.exp(X), np.nan), 1),
        (np.argsort(np.argsort(X)).astype(np.uint16), 1),
    ],
)
def test_a_column_in_the_order_of_a_quantity_is_a_copy(values: np.ndarray, correlation: int):
    found = rank_correlation(Column("x", "numeric", values), numeric(X))
    assert found is not None
    assert found == pytest.approx(correlation, abs=1e-3)


@pytest.mark.parametrize(
    "values",
    [
        X**2,
        X + 0.3 * RANDOM.normal(size=300),
        np.full(300, 2.0),
        np.full(300, np.nan),
        (X > 0) * 1.0,
        np.round(X),  # seven values
        np.where(np.arange(300) < 19, X, np.nan),
    ],
)
def test_a_column_in_another_order_or_of_few_values_is_none(values: np.ndarray):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert rank_correlation(numeric(values), numeric(X)) is None
        assert rank_correlation(numeric(X), numeric(np.where(np.isnan(values), 0, values))) is None


def test_tied_values_have_their_mean_rank():
    x, y = np.repeat(np.arange(20.0), 2), np.arange(40.0)
    assert rank_correlation(numeric(x), numeric(y)) == pytest.approx(np.sqrt(1 - 3 / (40**2 - 1)))


# Values that settle one class


@pytest.mark.parametrize(
    ("column", "code"),
    [
        (names(np.where(CLASSES == 1, 4, np.arange(300) % 4)), 1),
        (names(np.where(CLASSES == 2, -1, np.arange(300) % 4)), 2),
        (numeric(np.where(CLASSES == 0, 7, X)), 0),
        (numeric(np.where(CLASSES == 1, np.nan, X)), 1),
    ],
)
def test_a_value_in_all_rows_of_a_class_and_in_no_others_settles_it(column: Column, code: int):
    found = settled_class(column, CLASSES)
    assert found is not None
    assert found[1] == code == CLASSES[found[0]]


@pytest.mark.parametrize(
    "column",
    [
        names(np.where(CLASSES == 1, 3, np.arange(300) % 4)),  # the value is in others too
        names(np.where((CLASSES == 1) & (np.arange(300) > 9), 4, np.arange(300) % 4)),  # not in all rows
        numeric(np.full(300, 1.0)),
        numeric(np.full(300, np.nan)),
        numeric(X),
    ],
)
def test_a_value_that_is_not_exactly_that_of_a_class_settles_none(column: Column):
    assert settled_class(column, CLASSES) is None


def test_a_class_of_few_rows_is_settled_by_chance():
    for rows, found in ((1, False), (3, False), (4, True)):
        codes = (np.arange(1000) < rows).astype(np.intp)
        value = np.where(codes == 1, 5.0, np.arange(1000) % 5)
        assert (settled_class(numeric(value), codes) is not None) is found
    assert settled_class(numeric(np.ones(50)), np.zeros(50, np.intp)) is None


# Equal columns, and identifiers


def test_columns_are_equal_cell_for_cell():
    assert equals(numeric([1, 2]), numeric([1, 2]))
    assert not equals(numeric([1, 2]), numeric([1, 3]))
    assert equals(names([0, 1]), names([0, 1]))
    assert not equals(names([0, 1]), Column("y", "categorical", np.array([0, 1], np.int32), ("a", "b")))
