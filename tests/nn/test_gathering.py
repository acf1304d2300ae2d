"""Gathered codes against their one-hot features: equal but for the order of the sums."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from networks import FLOAT32, FLOAT64

from bpcli.arrays.expansion import Intake
from bpcli.arrays.fields import Field, Signature
from bpcli.arrays.memory import Array
from bpcli.arrays.rows import Rows
from bpcli.nn.inference import BLOCK_ROWS, Inference
from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.gathering import GATHERED_FROM, Gathering
from bpcli.nn.layers.layer_norm import LayerNorm
from bpcli.nn.network import Network

SIGNATURE = (
    Field("numbers", (3,), places=(0, 2, 4)),
    Field("city", (), "code", GATHERED_FROM, places=(1,)),
    Field("kind", (), "code", 4, places=(3,)),
    Field("street", (), "code", GATHERED_FROM + 70, places=(5,)),
)


BINS = (Field("numbers", (6,), places=(0, 2, 2, 2, 2, 4)), *SIGNATURE[1:])
"""One of the columns of numbers has four features."""


def rows_of(count: int, missing: bool = True, dtype: np.dtype[Any] = FLOAT64, signature: Signature = SIGNATURE) -> Rows:
    generator = np.random.default_rng(0)
    codes = [generator.integers(-1 if missing else 0, field.size, count) for field in signature[1:]]
    return Rows(signature, [generator.normal(size=(count, *signature[0].shape)).astype(dtype), *codes], dtype)


def gradient(network: Network, x: tuple[Array, ...], params: Array, dlogits: Array) -> tuple[Array, Array]:
    """Logits, and the gradient for a given dL/dlogits."""
    grads = np.full_like(params, np.nan)
    workspace = network.workspace(len(dlogits), params.dtype, training=True)
    bound, state = network.bind(params), network.bind_state(np.empty(0, params.dtype))
    logits = network.forward(bound, state, x, workspace).copy()
    network.backward(bound, dlogits.copy(), workspace, network.bind(grads))
    return logits, grads


def test_large_code_fields_are_gathered_where_the_first_layer_can() -> None:
    dense = Network.plan(SIGNATURE, {}, [Dense(units=5)], 2)
    assert dense.stems.intake.kept == (1, 3)
    # Features: number, 256 of city, number, 4 of kind, number, 326 of street; 7 of them are not gathered.
    assert dense.stems.gathering == Gathering(
        spans=(slice(0, 1), slice(257, 258), slice(258, 262), slice(262, 263)),
        groups=(slice(1, 257), slice(263, 589)),
    )
    assert not dense.stems.is_plain
    assert (dense.n_in, dense.expanded.stems.is_plain, dense.trunk.stems.is_plain) == (589, True, True)
    for first in (BatchNorm(), LayerNorm()):
        assert Network.plan(SIGNATURE, {}, [first, Dense(units=5)], 2).stems.is_plain
    small = tuple(field for field in SIGNATURE if field.size < GATHERED_FROM)
    assert Network.plan(small, {}, [Dense(units=5)], 2).stems.is_plain


@pytest.mark.parametrize("missing", [False, True], ids=["known", "unseen"])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("signature", [SIGNATURE, BINS], ids=["numbers", "bins"])
@pytest.mark.parametrize("bias", [True, False], ids=["biases", "none"])
def test_gathering_gives_what_one_hot_features_give(
    signature: Signature, activation: str, missing: bool, bias: bool
) -> None:
    layers = [Dense(units=5, activation=activation, bias=bias), Dense(units=3, bias=bias)]
    network = Network.plan(signature, {}, layers, 2)
    of, (params, _) = rows_of(40, missing, signature=signature), network.initialize(0, FLOAT64)
    dlogits = np.random.default_rng(1).normal(size=(40, 2))
    gathered = gradient(network, network.stems.intake.whole(of, FLOAT64), params, dlogits)
    expanded = gradient(network.expanded, Intake(signature).whole(of, FLOAT64), params, dlogits)
    for found, expected in zip(gathered, expanded, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


def test_codes_alone_are_gathered_too() -> None:
    signature = (Field("city", (), "code", GATHERED_FROM),)
    network = Network.plan(signature, {}, [], 3)
    of = Rows(signature, [np.array([7, -1, 7, 0])], FLOAT64)
    params, _ = network.initialize(0, FLOAT64)
    views = network.layout.views(params)
    views["layers.0.bias"][:] = [1.0, 2.0, 3.0]
    logits, grads = gradient(network, network.stems.intake.whole(of, FLOAT64), params, np.ones((4, 3)))
    weight = views["layers.0.weight"]
    np.testing.assert_allclose(logits - [1.0, 2.0, 3.0], [weight[7], [0.0] * 3, weight[7], weight[0]], atol=1e-15)
    slopes = network.layout.views(grads)["layers.0.weight"]
    assert (slopes[7].tolist(), slopes[0].tolist(), float(slopes.sum())) == ([2.0] * 3, [1.0] * 3, 9.0)


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)
def test_a_gathered_row_gives_the_same_bits_wherever_it_stands(dtype: np.dtype[Any]) -> None:
    count = BLOCK_ROWS + 77
    network, of = Network.plan(SIGNATURE, {}, [Dense(units=33)], 3), rows_of(count, dtype=dtype)
    params, state = network.initialize(0, dtype)
    inference = Inference(network, params, state, FLOAT64)

    def logits(start: int, stop: int) -> Array:
        out = np.empty((stop - start, 3), dtype)
        inference.logits(Rows(SIGNATURE, [array[start:stop] for array in of.arrays()], dtype), out)
        return out

    together = logits(0, count)
    for row in (0, 1, 17, BLOCK_ROWS - 1, BLOCK_ROWS, count - 1):
        assert logits(row, row + 1)[0].tobytes() == together[row].tobytes(), "alone"
        assert logits(max(row - 3, 0), count)[min(row, 3)].tobytes() == together[row].tobytes(), "at another position"


def test_the_features_of_gathered_fields_can_be_looked_at() -> None:
    network, of = Network.plan(SIGNATURE, {}, [Dense(units=4)], 2), rows_of(9)
    params, state = network.initialize(0, FLOAT64)
    inference = Inference(network, params, state, FLOAT64)
    features = inference.features(of)
    assert np.array_equal(features, Intake(SIGNATURE).whole(of, FLOAT64)[0])
    out = np.empty((9, 2))
    inference.logits(of, out)
    np.testing.assert_allclose(inference.continued(-1, features), out, rtol=1e-12, atol=1e-13)
