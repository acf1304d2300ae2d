"""Batches of sparse rows, numbered by the columns that occur, against dense ones."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.arrays.local_tokens import LocalTokens
from bpcli.arrays.tokens import Tokens

ROWS, SIZE, BATCH = 50, 40, 48


def rows_of(lengths: list[int]) -> Tokens:
    """Rows of so many random entries each."""
    generator = np.random.default_rng(0)
    columns = [np.sort(generator.choice(SIZE, length, replace=False)) for length in lengths]
    stops = np.cumsum(lengths).astype(np.intp)
    values = generator.uniform(0.5, 1.5, int(stops[-1]))
    return Tokens(np.concatenate(columns).astype(np.int32), values, stops - np.array(lengths, np.intp), stops, SIZE)


@pytest.mark.parametrize(
    ("units", "is_block"), [(1, False), (2, False), (3, True)], ids=["entries", "entries of two units", "block"]
)
@pytest.mark.parametrize(
    "lengths",
    [[1 + row % 7 for row in range(ROWS)], [row % 4 for row in range(ROWS)], [0] * 20 + [5] + [0] * 29],
    ids=["no empty rows", "some empty rows", "mostly empty rows"],
)
def test_products_and_gradients_are_those_of_the_dense_rows(lengths: list[int], units: int, is_block: bool) -> None:
    rows, generator = rows_of(lengths), np.random.default_rng(1)
    local = LocalTokens(rows, BATCH, units)
    for count in (BATCH, 5, 1, BATCH):
        batch = rows.take(generator.permutation(ROWS)[:count])
        dense, weight, dz = batch.dense(), generator.normal(size=(SIZE, units)), generator.normal(size=(count, units))
        local.load(batch)
        assert not dense.any() or local.is_block == (is_block or count < BATCH)
        assert sorted(local.columns.tolist()) == np.flatnonzero(dense.any(axis=0)).tolist()
        product = np.zeros((count, units))
        local.add_product(weight, product)
        np.testing.assert_allclose(product, dense @ weight, atol=1e-12)
        gradient = np.empty((SIZE, units))
        local.write_gradient(dz, gradient)
        local.spread(gradient)
        np.testing.assert_allclose(gradient, dense.T @ dz, atol=1e-12)
