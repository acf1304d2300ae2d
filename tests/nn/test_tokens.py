"""Networks that take tokens against those that take the same numbers in dense columns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from networks import FLOAT64
from token_rows import SIGNATURE, mixed_rows, tokens

from bpcli.arrays.expansion import Intake
from bpcli.arrays.fields import Field, numbers
from bpcli.arrays.layout import SparseRows
from bpcli.arrays.memory import Array
from bpcli.arrays.rows import Rows
from bpcli.errors import MismatchError
from bpcli.nn.embedding import Embedding
from bpcli.nn.inference import Inference
from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dropout import Dropout
from bpcli.nn.network import Network
from bpcli.nn.stems import StemSpec
from bpcli.nn.token_sum import TokenSum

ROWS = 30
STEMS: dict[str, dict[str, StemSpec]] = {
    "gathered": {},
    "beside a stem": {"city": Embedding(size=3)},
    "summed": {"text": TokenSum(size=4)},
    "summed beside a stem": {"city": Embedding(size=3), "text": TokenSum(size=4)},
}
DENSE = tuple(Field("text", (40,), places=(1,)) if field.name == "text" else field for field in SIGNATURE)
"""The same fields, with a number in each column of the text."""


def dense_rows(x: Rows) -> Rows:
    (text,) = x.tokens
    return Rows((DENSE[0], DENSE[1], DENSE[2]), [*x.stores, text.dense()], x.dtype)


def passed(network: Network, x: Rows, params: Array, dlogits: Array) -> tuple[Array, Array]:
    """Logits and gradient of all rows."""
    given = network.reader(x, x.count, FLOAT64).slice(0, x.count)
    grads, workspace = np.full_like(params, np.nan), network.workspace(x.count, FLOAT64, training=True)
    state = network.bind_state(np.empty(0))
    logits = network.forward(network.bind(params), state, given, workspace).copy()
    network.backward(network.bind(params), dlogits.copy(), workspace, network.bind(grads))
    return logits, grads


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("stems", STEMS.values(), ids=STEMS)
def test_logits_and_gradients_are_those_of_dense_columns(stems: dict[str, StemSpec], bias: bool) -> None:
    x, layers = mixed_rows(ROWS), [Dense(units=6, bias=bias)]
    sparse, dense = (Network.plan(signature, stems, layers, 2) for signature in (SIGNATURE, DENSE))
    params, _ = sparse.initialize(0, FLOAT64)
    dlogits = np.random.default_rng(5).normal(size=(ROWS, 2))
    logits, grads = passed(sparse, x, params, dlogits)
    expected, expected_grads = passed(dense, dense_rows(x), params, dlogits)
    np.testing.assert_allclose(logits, expected, atol=1e-12)
    np.testing.assert_allclose(grads, expected_grads, atol=1e-12)


def test_the_output_layer_alone_takes_tokens() -> None:
    network = Network.plan((Field("text", (), "tokens", 40),), {}, [], 2)
    x = Rows(network.stems.signature, [tokens(ROWS, 40, 6)], FLOAT64)
    params, state = network.initialize(0, FLOAT64)
    weight, bias = network.layout.views(params).values()
    logits = Inference(network, params, state).logits(x)
    np.testing.assert_allclose(logits, x.tokens[0].dense() @ weight + bias, atol=1e-12)


def test_a_row_of_texts_has_the_same_bits_whatever_rows_are_asked_with_it() -> None:
    x, network = mixed_rows(300), Network.plan(SIGNATURE, {}, [Dense(units=6)], 2)
    inference = Inference(network, *network.initialize(0, FLOAT64))
    together = inference.logits(x)
    for row in (0, 17, 299):
        assert np.array_equal(inference.logits(x, chosen=np.array([row]))[0], together[row])


def test_texts_need_a_dense_layer_first_or_a_stem() -> None:
    for layers in ([BatchNorm()], [Dropout(rate=0.5), Dense(units=3)]):
        with pytest.raises(MismatchError, match=r"layers\.0: a layer of type .* takes no text: .*columns\.text\.embed"):
            Network.plan(SIGNATURE, {}, layers, 2)
        assert Network.plan(SIGNATURE, {"text": TokenSum()}, layers, 2).n_in == 2 + 5 + 16


@pytest.mark.parametrize(("terms", "counted"), [(40, 40), (4_000, 100)])
def test_terms_count_as_a_hundred_inputs_of_a_sum_at_most(terms: int, counted: int) -> None:
    """A row of tokens has length 1, so initial weights of a large vocabulary are no smaller than those of a small."""
    fields = tuple(replace(field, size=terms) if field.name == "text" else field for field in SIGNATURE)
    network = Network.plan(fields, {}, [Dense(units=400)], 2)
    slot = next(slot for slot in network.layout.slots if slot.name == "layers.0.weight")
    assert (slot.shape, slot.fan_in) == ((2 + 5 + terms, 400), 2 + 5 + counted)
    assert slot.sparse == (SparseRows("text", 1, 1 + terms),)
    weight = network.layout.views(network.initialize(0, FLOAT64)[0])["layers.0.weight"]
    np.testing.assert_allclose(weight.std(), np.sqrt(2 / (7 + counted)), rtol=0.03)


@pytest.mark.parametrize("stems", STEMS.values(), ids=STEMS)
def test_a_network_of_some_columns_answers_the_same_for_rows_without_others(stems: dict[str, StemSpec]) -> None:
    x, network = mixed_rows(ROWS), Network.plan(SIGNATURE, stems, [Dense(units=6)], 2)
    inference = Inference(network, *network.initialize(0, FLOAT64))
    few = x.tokens[0][:5]
    columns = few.columns_used()
    assert 0 < len(columns) < 40
    narrow = tuple(Field("text", (), "tokens", len(columns), (1,)) if f.name == "text" else f for f in SIGNATURE)
    rows = Rows(narrow, [*(store[:5] for store in x.stores), few.narrowed(columns)], FLOAT64)
    narrowed = inference.narrowed(Network.plan(narrow, stems, [Dense(units=6)], 2), {"text": columns})
    assert np.array_equal(narrowed.logits(rows), inference.logits(x)[:5])
    features: Any = narrowed.features(rows)
    np.testing.assert_allclose(narrowed.continued(-1, features), inference.logits(x)[:5], atol=1e-12)
    assert narrowed.width == 2 + 5 + len(columns)


def test_expanded_rows_have_the_columns_of_the_text_among_the_others() -> None:
    x = mixed_rows(3)
    (whole,) = Intake(SIGNATURE).whole(x, FLOAT64)
    (dense,) = Intake(DENSE).whole(dense_rows(x), FLOAT64)
    assert np.array_equal(numbers(whole), numbers(dense))
