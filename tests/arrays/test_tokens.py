"""Sparse rows: views, products and gradients, each against the dense matrix."""

from __future__ import annotations

import numpy as np
import pytest
from token_rows import tokens

from bpcli.arrays import tokens as module
from bpcli.arrays.local_tokens import LocalTokens
from bpcli.arrays.tokens import TokenReader, Tokens

GENERATOR = np.random.default_rng(3)


def written_out() -> Tokens:
    """[[0, 2, 0], [0, 0, 0], [3, 0, 4]], the last row first in the pool."""
    columns, values = np.array([0, 2, 1], np.int32), np.array([3.0, 4.0, 2.0])
    return Tokens(columns, values, np.array([2, 0, 0]), np.array([3, 0, 2]), 3)


def test_rows_are_views_of_a_pool_in_any_order() -> None:
    of = written_out()
    assert of.dense().tolist() == [[0, 2, 0], [0, 0, 0], [3, 0, 4]]
    assert of[1:].dense().tolist() == [[0, 0, 0], [3, 0, 4]]
    assert of.take(np.array([2, 2, 0])).dense().tolist() == [[3, 0, 4], [3, 0, 4], [0, 2, 0]]
    assert of.padded(4).dense().tolist() == [[0, 2, 0], [0, 0, 0], [3, 0, 4], [0, 0, 0]]
    assert of.lengths.tolist() == [1, 0, 2]


def test_rows_of_several_blocks_are_joined() -> None:
    of = written_out()
    assert Tokens.joined([of, of[:1], of]).dense().tolist() == [*of.dense().tolist(), [0, 2, 0], *of.dense().tolist()]


def test_columns_that_no_row_uses_are_left_out() -> None:
    of = written_out().take(np.array([2, 1]))
    assert of.columns_used().tolist() == [0, 2]
    assert of.narrowed(of.columns_used()).dense().tolist() == [[3, 4], [0, 0]]


def test_a_reader_gives_the_rows_in_another_data_type() -> None:
    reader = TokenReader(written_out(), 3, np.dtype(np.float32))
    taken = reader.take(np.array([2, 0]))
    assert taken.dtype == np.float32
    assert taken.dense().tolist() == [[3, 0, 4], [0, 2, 0]]
    assert reader.slice(1, 3).dense().tolist() == [[0, 0, 0], [3, 0, 4]]


def test_products_and_gradients_are_those_of_the_dense_rows() -> None:
    of, weight, dz = tokens(50, 30, 8), GENERATOR.normal(size=(30, 4)), GENERATOR.normal(size=(50, 4))
    out = np.ones((50, 4))
    of.add_product(weight, out)
    np.testing.assert_allclose(out, 1 + of.dense() @ weight, atol=1e-12)
    gradient = np.full((30, 4), np.nan)
    of.write_gradient(dz, gradient)
    np.testing.assert_allclose(gradient, of.dense().T @ dz, atol=1e-12)


@pytest.mark.parametrize("units", [1, 3, 16])
def test_a_row_has_the_same_bits_alone_and_among_others(units: int, monkeypatch: pytest.MonkeyPatch) -> None:
    of, weight = tokens(40, 500, 120), GENERATOR.normal(size=(500, units))
    together = np.zeros((40, units))
    of.add_product(weight, together)
    monkeypatch.setattr(module, "SUMMED_NUMBERS", 100)
    in_blocks = np.zeros((40, units))
    of.add_product(weight, in_blocks)
    assert np.array_equal(together, in_blocks)
    for row in range(40):
        alone = np.zeros((1, units))
        of[row : row + 1].add_product(weight, alone)
        assert np.array_equal(alone[0], together[row])


@pytest.mark.parametrize(("longest", "units"), [(6, 3), (700, 3), (700, 20)], ids=["short", "long", "long, wide"])
def test_batches_over_the_columns_that_occur_agree_with_the_dense_rows(longest: int, units: int) -> None:
    size = 900
    of, weight = tokens(30, size, longest), GENERATOR.normal(size=(size, units))
    local = LocalTokens(of, 8, units)
    for rows in (range(8), range(20, 28), range(8, 11), [0]):  # the last is empty
        batch, dz = of.take(np.array(rows)), GENERATOR.normal(size=(len(rows), units))
        assert local.load(batch) is local
        out, gradient = np.ones((len(rows), units)), np.full((size, units), np.nan)
        local.add_product(weight, out)
        np.testing.assert_allclose(out, 1 + batch.dense() @ weight, atol=1e-12)
        local.write_gradient(dz, gradient)
        assert np.isnan(gradient).all()
        assert sorted(local.columns.tolist()) == batch.columns_used().tolist()
        np.testing.assert_allclose(local.gradient, (batch.dense().T @ dz)[local.columns], atol=1e-12)
        local.spread(gradient)
        np.testing.assert_allclose(gradient, batch.dense().T @ dz, atol=1e-12)
