"""Columns that determine a target are found, and those that do so by chance or by telling rows apart are not."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest

from bpcli.data.giveaways import equals, is_line, tells_rows_apart, values_that_determine
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


# Equal columns, and identifiers


def test_columns_are_equal_cell_for_cell():
    assert equals(numeric([1, 2]), numeric([1, 2]))
    assert not equals(numeric([1, 2]), numeric([1, 3]))
    assert equals(names([0, 1]), names([0, 1]))
    assert not equals(names([0, 1]), Column("y", "categorical", np.array([0, 1], np.int32), ("a", "b")))


@pytest.mark.parametrize(
    ("column", "apart"),
    [
        (numeric(np.arange(30)), True),
        (numeric(np.arange(1000, 1030)), True),
        (numeric(RANDOM.permutation(30) - 5), True),
        (Column("x", "numeric", np.arange(30, dtype=np.uint8)), True),
        (Column("x", "numeric", np.arange(-128, 128, dtype=np.int8)), True),
        (Column("x", "numeric", np.arange(2**50, 2**50 + 30)), True),
        (Column("x", "numeric", 2**50 + 2 * np.arange(30)), False),
        (Column("x", "numeric", np.arange(30) % 2 == 0), False),
        (numeric([-1.7e308, *range(28), 1.7e308]), False),
        (numeric(np.arange(30) + 0.5), False),
        (numeric(np.arange(30) * 2), False),
        (numeric([*range(29), 40]), False),
        (numeric([*range(28), 0, 29]), False),  # as far from first to last, but one twice
        (numeric([*range(29), np.nan]), False),
        (numeric(np.arange(19)), False),
        (names(np.arange(30)), True),
        (names([*range(29), 0]), False),
        (names(np.arange(19)), False),
        (names([*range(60), *range(10)]), True),  # most names stand in one row
        (names([*range(40), *range(10)]), False),
        (names([*range(30), -1, -1]), True),
    ],
)
def test_identifiers_are_names_or_numbers_of_single_rows(column: Column, apart: bool):
    assert tells_rows_apart(column) is apart
