"""Columns that are identifiers by their values, or by their name and values."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.data.examples.identifiers import numbers_by_name, tells_rows_apart
from bpcli.data.table import Column

RANDOM = np.random.default_rng(0)


def numeric(values: object, name: str = "x") -> Column:
    return Column(name, "numeric", np.array(values, np.float64))


def names(codes: object) -> Column:
    codes = np.array(codes, np.int32)
    return Column("x", "categorical", codes, tuple(f"name {code}" for code in range(codes.max() + 1)))


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
        (numeric([*range(1000), 5]), True),  # one row stands twice
        (numeric(np.delete(np.arange(1000), [7, 500])), True),  # some were left out
        (numeric([*range(1000), *range(0, 1000, 50)]), False),
        (numeric(RANDOM.integers(0, 1000, 1000)), False),
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


NUMBERS = RANDOM.permutation(900_000)[:600] + 100_000


@pytest.mark.parametrize(
    "name", ["id", "ID", "Customer ID", "customer_id", "customerId", "orderNo", "Account Number", "row.key", "UUID"]
)
def test_distinct_whole_numbers_are_an_identifier_by_the_last_word_of_their_name(name: str) -> None:
    assert numbers_by_name(numeric(NUMBERS, name))
    assert numbers_by_name(numeric([*NUMBERS, np.nan], name))


@pytest.mark.parametrize("name", ["x", "number_of_views", "paid", "id_width", "humid", "casino", "", "?", "amount"])
def test_other_names_are_none(name: str) -> None:
    assert not numbers_by_name(numeric(NUMBERS, name))


def test_repeated_fractional_and_few_numbers_are_none() -> None:
    assert not numbers_by_name(numeric(NUMBERS % 50, "shop_id"))
    assert not numbers_by_name(numeric(NUMBERS + 0.5, "id"))
    assert not numbers_by_name(numeric(NUMBERS[:19], "id"))
    assert not numbers_by_name(names(np.arange(600)))
