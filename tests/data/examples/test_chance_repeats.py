"""Repeats of tables with few columns or values are told from copied rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bpcli.data.examples.chance_repeats import expected_repeats, is_more_than_chance
from bpcli.data.examples.duplicates import repeated_rows
from bpcli.data.examples.split import Split, split_table
from bpcli.data.split_spec import SplitSpec
from bpcli.data.table import Column, Table


def counted(x: Any, y: Any, copies: int = 0, split: Split | None = None) -> tuple[int, float]:
    """Repeats across splits, found and expected, of columns `x` (rows, columns) and a target, with copies of rows."""
    x, y = np.concatenate([x, x[:copies]]).astype(float), np.concatenate([y, y[:copies]]).astype(float)
    inputs = [f"x{index}" for index in range(x.shape[1])]
    columns = [Column(name, "numeric", x[:, index]) for index, name in enumerate(inputs)]
    table = Table([*columns, Column("y", "numeric", y)])
    split = split or split_table(np.arange(len(y)), SplitSpec(), 0)
    found = repeated_rows(table, [*inputs, "y"], split)
    return sum(found.values()), sum(expected_repeats(table, inputs, ["y"], split, [*found]).values())


@pytest.mark.parametrize(("columns", "values"), [(2, 2), (4, 3), (8, 2), (3, 20)])
@pytest.mark.parametrize("seed", range(3))
def test_as_many_repeats_are_expected_of_independent_columns_as_there_are(columns: int, values: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    x = random.integers(0, values, (1000, columns))
    found, expected = counted(x, random.integers(0, 2, 1000))
    assert found == pytest.approx(expected, abs=4 * np.sqrt(expected) + 1)
    assert not is_more_than_chance(found, expected)


def test_columns_that_depend_on_each_other_within_a_class_are_within_the_margin() -> None:
    random = np.random.default_rng(0)
    for _ in range(10):
        y = random.integers(0, 3, 150)
        size = random.normal(size=(150, 1))
        measures = (0.3 * size + 0.15 * random.normal(size=(150, 4)) + y[:, None]).round(1)
        assert not is_more_than_chance(*counted(measures, y))
    flips = random.random((2000, 10)) < 0.1
    assert not is_more_than_chance(*counted(random.integers(0, 2, (2000, 1)) ^ flips, random.integers(0, 2, 2000)))


def test_a_quantity_that_follows_from_few_inputs_repeats_with_them() -> None:
    x = np.random.default_rng(0).integers(0, 11, (300, 2))
    found, expected = counted(x, x[:, 0] ** 2 + x[:, 1])
    assert (found, round(expected)) == (86, 82)
    x = np.random.default_rng(0).integers(0, 100, (1000, 2))
    assert not is_more_than_chance(*counted(x, 1000 * x[:, 0] + x[:, 1]))


@pytest.mark.parametrize("quantity", [False, True])
def test_a_copied_row_of_many_values_is_more_than_chance(quantity: bool) -> None:
    random = np.random.default_rng(1)
    y = random.normal(size=500) if quantity else random.integers(0, 2, 500)
    found, expected = counted(random.normal(size=(500, 6)), y, copies=5)
    assert found > 0
    assert expected < 1e-3
    assert is_more_than_chance(found, expected)


def test_the_estimate_is_the_one_by_hand() -> None:
    x = np.array([[1, 5], [1, 5], [1, 6], [2, 5], [3, 7], [4, 8], [1, 5], [9, 8]])
    none = np.array([], np.intp)
    split = Split(np.arange(6), none, np.array([6, 7]), (0.0, 0.0))
    found, expected = counted(x, np.zeros(8), split=split)
    # Of six training rows, three have x0 = 1 and three x1 = 5. One of each is the row that the first test row equals.
    assert found == 1
    assert expected == pytest.approx(1 - np.exp(-6 * (2 / 6) * (2 / 6)))
    found, expected = counted(x[:, :1], np.zeros(8), split=split)
    assert (found, expected) == (1, pytest.approx(1 - np.exp(-6 * 3 / 6)))  # nothing is left out of a single column


def test_the_margin() -> None:
    assert is_more_than_chance(1, 0.0)
    assert is_more_than_chance(10, 0.3)
    assert not is_more_than_chance(1, 0.1)
    assert not is_more_than_chance(150, 150.0)
    assert not is_more_than_chance(300, 150.0)
    assert is_more_than_chance(700, 150.0)
