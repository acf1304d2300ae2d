"""Vectors of codes: values, gradients, and what inspections take of them."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.arrays.fields import Field
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Workspace
from bpcli.nn.embedding import Embedding, EmbeddingLayer
from bpcli.nn.optimizers import RateFactors

FLOAT64 = np.dtype(np.float64)
TABLE = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
CODES = np.array([2, -1, 0, 2], np.intp)


def layer() -> EmbeddingLayer:
    return Embedding(size=2).plan(0, Field("city", (), "code", 3))


def passed(dy: Array) -> tuple[Array, Array]:
    """Output and the table's gradient for four codes, of which one is none."""
    made = layer()
    work = Workspace([made.buffers(training=True)], len(CODES), FLOAT64).layers[0]
    y = made.forward({"weight": TABLE}, {}, CODES, work, None).copy()
    grads = {"weight": np.full((3, 2), np.nan)}
    made.backward({"weight": TABLE}, CODES, dy, work, grads)
    return y, grads["weight"]


def test_each_code_becomes_its_row_of_the_table_and_none_zeros() -> None:
    y, _ = passed(np.zeros((4, 2)))
    assert y.tolist() == [[5, 6], [0, 0], [1, 2], [5, 6]]


def test_gradients_of_rows_with_one_code_add_up_and_those_of_none_are_left_out() -> None:
    _, gradient = passed(np.array([[1.0, 2.0], [100.0, 100.0], [3.0, 4.0], [10.0, 20.0]]))
    assert gradient.tolist() == [[3, 4], [0, 0], [11, 22]]


def test_inspections_take_the_product_of_one_hot_codes_and_the_table() -> None:
    made, one_hot = layer(), np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [0.5, 0.5, 0.0]])
    assert made.of_features({"weight": TABLE}, {}, one_hot).tolist() == [[5, 6], [0, 0], [2, 3]]
    slopes = made.features_gradient({"weight": TABLE}, {}, one_hot, np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    assert slopes.tolist() == [[1, 3, 5], [2, 4, 6], [3, 7, 11]]
    with pytest.raises(TypeError, match="codes have no gradient"):
        made.input_gradient({"weight": TABLE}, {}, np.zeros((3, 2)), Workspace([{}], 1, FLOAT64).layers[0])


def test_initial_vectors_are_small_beside_standardized_numbers() -> None:
    made = Embedding(size=16).plan(0, Field("city", (), "code", 500))
    table = np.empty((500, 16))
    made.initialize({"weight": table}, np.random.default_rng(0))
    np.testing.assert_allclose([table.mean(), table.std()], [0.0, 0.1], atol=0.002)


def test_its_learning_rate_does_not_fall_with_the_number_of_codes() -> None:
    (slot,) = layer().parameters()
    assert RateFactors(weights="inverse_sqrt_fan_in").of(slot) == 1.0
    assert slot.weight
