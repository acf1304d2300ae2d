from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from networks import FLOAT32, FLOAT64, TrainingStep, planned

from bpcli.nn.batch_pass import BatchPass
from bpcli.nn.layers import Position
from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dropout import Dropout
from bpcli.nn.layers.layer_norm import LayerNorm
from bpcli.nn.losses.classification import CrossEntropy
from bpcli.nn.network import Network
from bpcli.randomness import Stream

LAYERS = [
    Dense(units=6, activation="gelu"),
    BatchNorm(),
    Dropout(rate=0.5),
    Dense(units=4, activation="relu"),
    LayerNorm(),
]


def network_of_all() -> Network:
    return planned(LAYERS, 5, 3)


def test_planning_chains_the_widths_and_closes_with_a_dense_layer_of_logits() -> None:
    network = network_of_all()
    assert [(layer.type, layer.n_in, layer.n_out) for layer in network.layers] == [
        ("dense", 5, 6),
        ("batch_norm", 6, 6),
        ("dropout", 6, 6),
        ("dense", 6, 4),
        ("layer_norm", 4, 4),
        ("dense", 4, 3),
    ]
    assert [layer.index for layer in network.layers] == [0, 1, 2, 3, 4, 5]
    assert (network.n_in, network.n_out) == (5, 3)


def test_parameters_have_names_shapes_and_all_weights_first() -> None:
    layout = network_of_all().layout
    assert [(slot.name, slot.shape) for slot in layout.slots] == [
        ("layers.0.weight", (5, 6)),
        ("layers.3.weight", (6, 4)),
        ("layers.5.weight", (4, 3)),
        ("layers.0.bias", (6,)),
        ("layers.1.scale", (6,)),
        ("layers.1.shift", (6,)),
        ("layers.3.bias", (4,)),
        ("layers.4.scale", (4,)),
        ("layers.4.shift", (4,)),
        ("layers.5.bias", (3,)),
    ]
    assert layout.weights == 30 + 24 + 12
    assert layout.size == layout.weights + 6 + 12 + 4 + 8 + 3
    state = network_of_all().state_layout
    assert [(slot.name, slot.size) for slot in state.slots] == [
        ("layers.1.running_mean", 6),
        ("layers.1.running_variance", 6),
    ]


def test_a_network_without_hidden_layers_is_linear() -> None:
    network = planned([], 2, 1)
    flat, state = network.initialize(0, FLOAT64)
    flat[:] = [2.0, -1.0, 0.5]
    x = np.array([[1.0, 1.0], [3.0, 0.0]])
    logits = network.forward(
        network.bind(flat), network.bind_state(state), (x,), network.workspace(2, FLOAT64, training=False)
    )
    assert logits.tolist() == [[1.5], [6.5]]


def test_bound_views_are_the_flat_vectors() -> None:
    network = network_of_all()
    flat, state = network.initialize(0, FLOAT32)
    bound, bound_state = network.bind(flat), network.bind_state(state)
    assert [sorted(views) for views in bound] == [
        ["bias", "weight"],
        ["scale", "shift"],
        [],
        ["bias", "weight"],
        ["scale", "shift"],
        ["bias", "weight"],
    ]
    assert all(np.shares_memory(view, flat) for views in bound for view in views.values())
    assert np.shares_memory(bound_state[1]["running_mean"], state)
    assert sum(view.size for views in bound for view in views.values()) == flat.size


def test_initial_parameters_follow_from_the_seed_and_fill_the_vector() -> None:
    network = network_of_all()
    (flat, state), (again, _), (other, _) = (network.initialize(seed, FLOAT32) for seed in (3, 3, 4))
    np.testing.assert_array_equal(flat, again)
    assert not np.array_equal(flat, other)
    assert flat.dtype == state.dtype == FLOAT32
    bound = network.bind(flat)
    assert bound[0]["bias"].tolist() == [0.0] * 6
    assert bound[1]["scale"].tolist() == [1.0] * 6
    assert bound[4]["shift"].tolist() == [0.0] * 4
    assert state.tolist() == [0.0] * 6 + [1.0] * 6


def inference(network: Network, rows: int) -> tuple[Any, ...]:
    flat, state = network.initialize(1, FLOAT64)
    return network.bind(flat), network.bind_state(state), network.workspace(rows, FLOAT64, training=False)


def test_a_batch_gets_what_each_row_gets_alone() -> None:
    network = network_of_all()
    x = np.random.default_rng(0).normal(size=(20, 5))
    params, state, workspace = inference(network, 20)
    together = network.forward(params, state, (x,), workspace).copy()
    rows = [network.forward(params, state, (x[i : i + 1],), workspace.part(0, 1)).copy() for i in range(20)]
    np.testing.assert_allclose(np.concatenate(rows), together, rtol=1e-12, atol=1e-14)


def test_a_short_batch_runs_in_the_leading_rows_of_the_same_memory() -> None:
    network = network_of_all()
    x = np.random.default_rng(0).normal(size=(7, 5))
    params, state, workspace = inference(network, 20)
    _, _, fitting = inference(network, 7)
    logits = network.forward(params, state, (x,), workspace.part(0, 7))
    np.testing.assert_array_equal(logits, network.forward(params, state, (x,), fitting))
    assert np.shares_memory(logits, workspace.layers[-1]["y"])
    assert all(
        np.shares_memory(array, workspace.layers[index][name])
        for index, layer in enumerate(workspace.part(0, 7).layers)
        for name, array in layer.items()
    )


def test_a_short_batch_has_the_gradient_that_it_has_in_a_workspace_of_its_size() -> None:
    step = TrainingStep(LAYERS, CrossEntropy(), n_in=5, n_out=3, rows=8)
    expected = step.gradient().copy()
    step.through = BatchPass(step.network, step.loss, 50, FLOAT64).part(0, 8, batch=8)
    np.testing.assert_array_equal(step.gradient(), expected)


def test_inference_ignores_the_order_of_rows_and_changes_no_state() -> None:
    network = network_of_all()
    x = np.random.default_rng(0).normal(size=(6, 5))
    params, state, workspace = inference(network, 6)
    before = {name: values.copy() for name, values in state[1].items()}
    first = network.forward(params, state, (x,), workspace).copy()
    second = network.forward(params, state, (x[::-1].copy(),), workspace)[::-1]
    np.testing.assert_allclose(second, first, rtol=1e-12, atol=1e-14)
    for name, values in state[1].items():
        np.testing.assert_array_equal(values, before[name])


def test_a_training_step_is_a_function_of_its_position() -> None:
    step = TrainingStep([Dropout(rate=0.5), *LAYERS], CrossEntropy(), n_in=5, n_out=3, rows=8)
    first = step.gradient().copy()
    np.testing.assert_array_equal(step.gradient(), first)
    step.position = Position(Stream(0, "dropout"), epoch=2, step=4)
    assert not np.array_equal(step.gradient(), first)


def test_every_number_of_the_gradient_is_written() -> None:
    step = TrainingStep(LAYERS, CrossEntropy(), n_in=5, n_out=3, rows=8)
    step.grads.fill(np.nan)
    assert np.isfinite(step.gradient()).all()


def test_two_workspaces_and_gradients_on_one_parameter_vector_do_not_touch_each_other() -> None:
    step = TrainingStep(LAYERS, CrossEntropy(), n_in=5, n_out=3, rows=8)
    expected = step.gradient().copy()
    step.mean_loss()
    other = TrainingStep(LAYERS, CrossEntropy(), n_in=5, n_out=3, rows=8, seed=9)
    other.params = step.params
    other.gradient()
    step.through.backward(step.params, step.bound_grads)
    np.testing.assert_array_equal(step.grads, expected)


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)
def test_workspace_bytes_are_what_the_workspace_takes(dtype: np.dtype[Any], training: bool) -> None:
    network = network_of_all()
    layers = network.workspace(11, dtype, training).layers
    taken = {id(array.base): array.base.nbytes for layer in layers for array in (*layer.values(), layer.ones)}
    assert network.workspace_bytes(11, dtype, training) == sum(taken.values())
    assert network.workspace_bytes(11, dtype, training=False) < network.workspace_bytes(11, dtype, training=True)
