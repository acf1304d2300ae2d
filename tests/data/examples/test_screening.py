"""No column that an exact check finds is lost by screening, which leaves few columns of noise."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest

from bpcli.data.examples.screening import Goal, suspects
from bpcli.data.table import Column

KINDS = 3


def columns_of(values: list[np.ndarray]) -> list[Column]:
    return [Column(f"x{index}", "numeric", np.asarray(one)) for index, one in enumerate(values)]


def leaking(random: np.random.Generator, codes: np.ndarray, numbers: np.ndarray) -> list[np.ndarray]:
    """Columns that give classes or a quantity away, or number the rows."""
    rows = len(codes)
    noise = random.normal(size=rows)
    holes = random.random(rows) < 0.3
    return [
        codes * 10.0 - 4,
        codes + random.uniform(0, 0.9, rows),
        np.where(holes, np.nan, codes + random.uniform(0, 0.9, rows)),
        np.where(codes == 1, np.nan, noise),
        np.where(codes == 2, -9.0, noise),
        np.exp(numbers),
        -numbers,
        np.where(holes, np.nan, numbers**3),
        numbers.round(2),
        random.permutation(rows),
        np.arange(rows, dtype=np.uint32) + 1000,
    ]


@pytest.mark.parametrize("rows", [60, 2000, 30_000])
def test_what_leaks_is_a_suspect(rows: int, record_property: Callable[[str, object], None]):
    random, cases = np.random.default_rng(0), 0
    for _ in range(10):
        codes, numbers = random.integers(0, KINDS, rows), random.normal(size=rows)
        columns = columns_of(leaking(random, codes, numbers))
        _, of_numbers = np.unique(numbers, return_inverse=True)
        chosen = np.arange(rows)
        of_classes = suspects(columns, chosen, [Goal(codes, None)])
        of_quantity = suspects(columns, chosen, [Goal(of_numbers, numbers)])
        assert of_classes[[0, 1, 2, 3, 4, 9, 10]].all()
        assert of_quantity[5:].all()
        assert suspects(columns, chosen, [Goal(codes, None), Goal(of_numbers, numbers)]).all()
        cases += len(columns)
    record_property("cases", cases)


@pytest.mark.parametrize("quantity", [False, True])
@pytest.mark.parametrize("rows", [200, 3000])
def test_few_columns_of_noise_are_suspects(rows: int, quantity: bool):
    random = np.random.default_rng(1)
    noise = [random.normal(size=rows) for _ in range(300)] + [random.integers(0, 4, rows) for _ in range(300)]
    codes = np.arange(rows) if quantity else random.integers(0, KINDS, rows)
    goal = Goal(codes, random.normal(size=rows) if quantity else None)
    assert suspects(columns_of(noise), np.arange(rows), [goal]).sum() <= 6


def test_rows_are_those_of_the_goal():
    codes = np.arange(100) % 2
    column = np.full(150, 5.0)
    column[50:] = codes
    assert suspects(columns_of([column]), np.arange(50, 150), [Goal(codes, None)]).tolist() == [True]


def test_extreme_and_missing_cells_are_no_trouble():
    random = np.random.default_rng(2)
    extreme = random.choice([-1.7e308, 1.7e308, 0.5], 100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for numbers in (None, random.normal(size=100)):
            goal = Goal(random.integers(0, 2, 100), numbers)
            found = suspects(columns_of([extreme, np.full(100, np.nan), np.ones(100)]), np.arange(100), [goal])
            assert found[0] == np.False_
