"""Batches of sparse rows, numbered by the columns that occur, against dense ones."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.arrays.local_tokens import LocalTokens
from bpcli.arrays.tokens import Tokens

ROWS, SIZE, UNITS, BATCH = 50, 40, 3, 16


def rows_of(lengths: list[int]) -> Tokens:
    """Rows of so many random entries each."""
    generator = np.random.default_rng(0)
    columns = [np.sort(generator.choice(SIZE, length, replace=False)) for length in lengths]
    stops = np.cumsum(lengths).astype(np.intp)
    values = generator.uniform(0.5, 1.5, int(stops[-1]))
    return Tokens(np.concatenate(columns).astype(np.int32), values, stops - np.array(lengths, np.intp), stops, SIZE)


@pytest.mark.parametrize(
    "lengths",
    [[1 + row % 7 for row in range(ROWS)], [row % 4 for row in range(ROWS)], [0] * 20 + [5] + [0] * 29],
    ids=["no empty rows", "some empty rows", "mostly empty rows"],
)
def test_products_and_gradients_are_those_of_the_dense_rows(lengths: list[int]) -> None:
    rows, generator = rows_of(lengths), np.random.default_rng(1)
    local = LocalTokens(rows, BATCH, UNITS)
    for count in (BATCH, 5, 1, BATCH):
        batch = rows.take(generator.integers(0, ROWS, count))
        dense, weight, dz = batch.dense(), generator.normal(size=(SIZE, UNITS)), generator.normal(size=(count, UNITS))
        local.load(batch)
        assert sorted(local.columns.tolist()) == np.flatnonzero(dense.any(axis=0)).tolist()
        product = np.zeros((count, UNITS))
        local.add_product(weight, product)
        np.testing.assert_allclose(product, dense @ weight, atol=1e-12)
        gradient = np.empty((SIZE, UNITS))
        local.write_gradient(dz, gradient)
        local.spread(gradient)
        np.testing.assert_allclose(gradient, dense.T @ dz, atol=1e-12)
