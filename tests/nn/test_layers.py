from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import sqrt
from typing import Any

import numpy as np
import pytest
from networks import FLOAT32, FLOAT64
from pydantic import TypeAdapter, ValidationError

from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Workspace
from bpcli.nn.activations.bounded import Tanh
from bpcli.nn.layers import Layer, LayerSpec, LayerSummary, Position
from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dropout import Dropout
from bpcli.nn.layers.dropout_layer import DropoutLayer
from bpcli.nn.layers.layer_norm import LayerNorm
from bpcli.nn.layers.parametric import Parametric
from bpcli.nn.layers.rowwise import RowwiseLayer
from bpcli.nn.layers.scale import Scale
from bpcli.randomness import Stream

SPEC: TypeAdapter[Any] = TypeAdapter(LayerSpec)
ALL = [
    Dense(units=4, activation="gelu"),
    Dropout(rate=0.5),
    BatchNorm(),
    LayerNorm(),
    Scale(),
    Parametric(activation="gelu"),
]


class Laboratory:
    """A planned layer with its own parameters, state, gradient and workspace."""

    def __init__(
        self,
        spec: Any,
        n_in: int | tuple[int, ...],
        rows: int,
        *,
        dtype: np.dtype[Any] = FLOAT64,
        index: int = 1,
        training: bool = True,
    ) -> None:
        self.layer: Layer = spec.plan(index, n_in if isinstance(n_in, tuple) else (n_in,))
        self.params = {slot.name: np.empty(slot.shape, dtype) for slot in self.layer.parameters()}
        self.grads = {slot.name: np.empty(slot.shape, dtype) for slot in self.layer.parameters()}
        self.state = {slot.name: np.empty(slot.shape, dtype) for slot in self.layer.state()}
        self.layer.initialize(self.params, np.random.default_rng(0))
        self.layer.initialize_state(self.state)
        (self.workspace,) = Workspace([self.layer.buffers(training)], rows, dtype).layers

    def forward(self, x: Array, position: Position | None = None) -> Array:
        return self.layer.forward(self.params, self.state, x, self.workspace, position)

    def backward(self, x: Array, dy: Array) -> Array:
        return self.layer.backward(self.params, x, dy, self.workspace, self.grads)


def at(epoch: int = 0, step: int = 0, seed: int = 0) -> Position:
    return Position(Stream(seed, "dropout"), epoch, step)


def shapes(slots: tuple[Any, ...]) -> Mapping[str, tuple[int, ...]]:
    return {slot.name: slot.shape for slot in slots}


# All layers


@pytest.mark.parametrize(
    ("spec", "n_out", "parameters", "state"),
    [
        (Dense(units=4), 4, {"weight": (3, 4), "bias": (4,)}, {}),
        (Dropout(rate=0.5), 3, {}, {}),
        (BatchNorm(), 3, {"scale": (3,), "shift": (3,)}, {"running_mean": (3,), "running_variance": (3,)}),
        (LayerNorm(), 3, {"scale": (3,), "shift": (3,)}, {}),
        (Scale(), 3, {"scale": (3,)}, {}),
        (Parametric(), 3, {"share": (3,)}, {}),
    ],
    ids=lambda value: getattr(value, "type", ""),
)
def test_a_planned_layer_knows_its_sizes(
    spec: Any, n_out: int, parameters: dict[str, tuple[int, ...]], state: dict[str, tuple[int, ...]]
) -> None:
    layer = spec.plan(2, (3,))
    assert (layer.type, layer.index, layer.n_in, layer.n_out) == (spec.type, 2, 3, n_out)
    assert shapes(layer.parameters()) == parameters
    assert shapes(layer.state()) == state
    # Penalties and weight decay apply to matrices only.
    assert {slot.name for slot in layer.parameters() if slot.weight} == parameters.keys() & {"weight"}


@pytest.mark.parametrize(
    ("spec", "activation", "multiplications", "linear_in_pieces", "bends"),
    [
        (Dense(units=4, activation="relu"), "relu", 12, True, True),
        (Dense(units=4, activation="identity"), "identity", 12, True, False),
        (Dense(units=4, activation="elu"), "elu", 12, False, True),
        (Dense(units=4, activation="tanh"), "tanh", 12, False, False),
        (Dropout(rate=0.5), None, 0, True, False),
        (BatchNorm(), None, 0, True, False),
        (LayerNorm(), None, 0, False, False),
        (Scale(), None, 0, True, False),
    ],
    ids=lambda value: str(getattr(value, "activation", value)),
)
def test_a_layer_answers_for_itself(
    spec: Any, activation: str | None, multiplications: int, linear_in_pieces: bool, bends: bool
) -> None:
    layer = spec.plan(2, (3,))
    size = sum(slot.size for slot in layer.parameters())
    assert layer.summary() == LayerSummary(2, spec.type, activation, (3,), layer.out_shape, size)
    assert (layer.multiplications, layer.linear_in_pieces, layer.bends) == (multiplications, linear_in_pieces, bends)
    names = ("a", "b", "c")
    assert layer.output_names(names) == (names if activation is None else tuple(f"neuron {i}" for i in range(4)))
    assert (layer.units is None) is (activation is None)


def test_the_weighted_sums_are_what_the_activation_is_applied_to() -> None:
    dense = Laboratory(Dense(units=4, activation="relu"), 3, 5)
    dense.params["bias"][:] = [1.0, -1.0, 0.5, 0.0]
    x = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_allclose(np.maximum(dense.layer.weighted_sums(dense.params, x), 0.0), dense.forward(x))
    with pytest.raises(TypeError, match="layer_norm has no units"):
        LayerNorm().plan(0, (3,)).weighted_sums({}, x)


def test_units_of_another_activation_leave_the_layer_as_it_is_otherwise() -> None:
    layer = Dense(units=4, activation="relu", initializer="zeros").plan(1, (3,))
    assert layer.with_units(Tanh()) == Dense(units=4, activation="tanh", initializer="zeros").plan(1, (3,))
    assert layer.starts_at_zero
    assert not Dense(units=4).plan(1, (3,)).starts_at_zero
    norm = LayerNorm().plan(1, (3,))
    assert norm.with_units(Tanh()) is norm


@pytest.mark.parametrize(
    "spec",
    [
        Dense(units=4, activation="gelu"),
        Dropout(rate=0.5),
        Dropout(rate=0.5, schedule="cosine"),
        Scale(),
        Parametric(activation="silu"),
    ],
    ids=lambda spec: spec.type,
)
def test_a_rowwise_layer_gives_its_gradient_in_parts(spec: Any) -> None:
    whole, parts = Laboratory(spec, (2, 3), 9), Laboratory(spec, (2, 3), 9)
    x, slope = np.random.default_rng(0).normal(size=(9, 2, 3)), np.ones((9, *whole.layer.out_shape))
    for laboratory in (whole, parts):
        laboratory.forward(x, at())
    whole.backward(x, slope.copy())
    layer = parts.layer
    assert isinstance(layer, RowwiseLayer)
    dz = slope.copy()
    layer.backward_rows(parts.params, dz, parts.workspace)
    assert layer.weight_rows == (6 if "weight" in parts.grads else 0)
    for rows in (slice(0, 4), slice(4, 6)):
        layer.weight_gradient(x, dz, rows, parts.workspace, parts.grads)
    layer.bias_gradient(x, dz, parts.workspace, parts.grads)
    for name, gradient in whole.grads.items():
        np.testing.assert_allclose(parts.grads[name], gradient, rtol=1e-13)


@pytest.mark.parametrize("spec", ALL, ids=lambda spec: spec.type)
def test_inputs_of_more_axes_give_what_their_numbers_give_in_a_row(spec: Any) -> None:
    x = np.random.default_rng(0).normal(size=(9, 2, 3, 4))
    shaped, flat = Laboratory(spec, (2, 3, 4), 9), Laboratory(spec, 24, 9)
    assert shaped.layer.in_shape == (2, 3, 4)
    assert (shaped.layer.n_in, shaped.layer.n_out) == (flat.layer.n_in, flat.layer.n_out)
    y, expected = shaped.forward(x, at()), flat.forward(x.reshape(9, 24), at())
    assert y.shape == (9, *shaped.layer.out_shape)
    np.testing.assert_allclose(y.reshape(expected.shape), expected, rtol=1e-13)
    slope = np.random.default_rng(1).normal(size=y.shape)
    dx, dx_expected = shaped.backward(x, slope.copy()), flat.backward(x.reshape(9, 24), slope.reshape(expected.shape))
    assert dx.shape == x.shape
    np.testing.assert_allclose(dx.reshape(9, 24), dx_expected, rtol=1e-12, atol=1e-14)
    for name, gradient in shaped.grads.items():
        np.testing.assert_allclose(gradient.reshape(-1), flat.grads[name].reshape(-1), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("spec", ALL, ids=lambda spec: spec.type)
def test_inference_gives_a_batch_what_it_gives_each_row(spec: Any) -> None:
    x = np.random.default_rng(0).normal(size=(9, 5))
    together = Laboratory(spec, 5, 9, training=False).forward(x)
    alone = Laboratory(spec, 5, 1, training=False)
    rows = [alone.forward(x[i : i + 1]).copy() for i in range(9)]
    np.testing.assert_allclose(together, np.concatenate(rows), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("spec", [Dense(units=4), LayerNorm()], ids=lambda spec: spec.type)
def test_training_gives_a_batch_what_it_gives_each_row_in_layers_that_do_not_mix_rows(spec: Any) -> None:
    x = np.random.default_rng(0).normal(size=(9, 5))
    together = Laboratory(spec, 5, 9).forward(x, at())
    alone = Laboratory(spec, 5, 1)
    rows = [alone.forward(x[i : i + 1], at()).copy() for i in range(9)]
    np.testing.assert_allclose(together, np.concatenate(rows), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("spec", ALL, ids=lambda spec: spec.type)
def test_the_forward_pass_leaves_its_input_as_it_was(spec: Any) -> None:
    x = np.random.default_rng(0).normal(size=(9, 5))
    before = x.copy()
    Laboratory(spec, 5, 9).forward(x, at())
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("spec", ALL, ids=lambda spec: spec.type)
def test_float32_stays_float32_and_comes_near_to_float64(spec: Any) -> None:
    x = np.random.default_rng(0).normal(size=(9, 5)).astype(FLOAT32)
    single, double = Laboratory(spec, 5, 9, dtype=FLOAT32), Laboratory(spec, 5, 9)
    y = single.forward(x)
    dx = single.backward(x, np.ones_like(y)) if spec.type != "dropout" else y
    assert y.dtype == dx.dtype == FLOAT32
    np.testing.assert_allclose(y, double.forward(x.astype(FLOAT64)), rtol=1e-4, atol=1e-6)


def test_a_layer_that_names_no_type_is_dense() -> None:
    assert SPEC.validate_python({"units": 3}) == Dense(units=3)
    assert SPEC.validate_python("batch_norm") == BatchNorm()


@pytest.mark.parametrize(
    "spec",
    [
        {"type": "dense", "units": 0},
        {"type": "dropout", "rate": 1.0},
        {"type": "dropout", "rate": -0.1},
        {"type": "batch_norm", "momentum": 1.0},
        {"type": "layer_norm", "epsilon": 0.0},
    ],
    ids=str,
)
def test_options_out_of_bounds_are_refused(spec: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=list(spec)[1]):
        SPEC.validate_python(spec)


# Dense


def test_dense_by_hand() -> None:
    dense = Laboratory(Dense(units=2, activation="relu"), 3, 2)
    dense.params["weight"][:] = [[1.0, 0.0], [2.0, -1.0], [0.0, 3.0]]
    dense.params["bias"][:] = [0.5, -1.0]
    x = np.array([[1.0, 1.0, 1.0], [-1.0, 0.0, 2.0]])
    # Row 0: 1 + 2 + 0.5 and -1 + 3 - 1; row 1: -1 + 0.5, which relu cuts, and 6 - 1.
    assert dense.forward(x).tolist() == [[3.5, 1.0], [0.0, 5.0]]
    dx = dense.backward(x, np.array([[1.0, 2.0], [10.0, -1.0]]))
    # dz = [[1, 2], [0, -1]]: relu blocks the gradient where its output is 0.
    assert dense.grads["weight"].tolist() == [[1.0, 3.0], [1.0, 2.0], [1.0, 0.0]]
    assert dense.grads["bias"].tolist() == [1.0, 1.0]
    assert dx.tolist() == [[1.0, 0.0, 6.0], [0.0, 1.0, -3.0]]


def test_dense_begins_with_biases_of_zero() -> None:
    assert Laboratory(Dense(units=3), 2, 1).params["bias"].tolist() == [0.0, 0.0, 0.0]


def test_only_a_dense_layer_that_passes_a_gradient_on_in_training_has_memory_for_it() -> None:
    spec = Dense(units=3)
    layer = spec.plan(1, (2,))
    assert "dx" in layer.buffers(training=True)
    assert "dx" not in replace(layer, needs_dx=False).buffers(training=True)
    assert "dx" not in layer.buffers(training=False)


# Dropout


def test_dropout_drops_its_share_and_scales_the_rest() -> None:
    x = np.ones((1000, 100), FLOAT32)
    y = Laboratory(Dropout(rate=0.3), 100, 1000, dtype=FLOAT32).forward(x, at())
    kept = y != 0.0
    # 100,000 draws: the share has a standard deviation of 0.0015.
    assert kept.mean() == pytest.approx(0.7, abs=0.007)
    np.testing.assert_array_equal(y[kept], np.float32(1.0) / np.float32(0.7))
    # Rows and columns drop independently, and none is always dropped.
    assert kept.mean(axis=0).std() == pytest.approx(sqrt(0.7 * 0.3 / 1000), rel=0.3)
    assert kept.mean(axis=1).std() == pytest.approx(sqrt(0.7 * 0.3 / 100), rel=0.3)


def test_dropout_lets_the_gradient_back_where_it_let_the_input_through() -> None:
    dropout = Laboratory(Dropout(rate=0.5), 6, 4)
    x = np.ones((4, 6))
    y = dropout.forward(x, at()).copy()
    np.testing.assert_array_equal(dropout.backward(x, np.full((4, 6), 3.0)), 3.0 * y)


def test_dropout_does_nothing_in_inference_and_needs_no_memory() -> None:
    dropout = Laboratory(Dropout(rate=0.5), 3, 2, training=False)
    x = np.array([[1.0, 2.0, 3.0]])
    assert dropout.forward(x) is x
    assert dropout.workspace == {}


def test_the_mask_follows_from_seed_epoch_step_and_layer_index_alone() -> None:
    def kept(position: Position, index: int = 1, width: int = 64) -> list[float]:
        dropout = Laboratory(Dropout(rate=0.5), width, 1, index=index)
        return dropout.forward(np.ones((1, width)), position)[0].tolist()

    used = at(epoch=3, step=4)
    used.noise.at(9, 9, 9).random(1000)
    assert kept(used) == kept(at(epoch=3, step=4))
    different = [kept(at(3, 4)), kept(at(4, 4)), kept(at(3, 5)), kept(at(3, 4, seed=1)), kept(at(3, 4), index=2)]
    assert len({tuple(mask) for mask in different}) == 5


class Constant:
    """Stream whose random numbers all equal `u`."""

    def __init__(self, u: float) -> None:
        self.u = u

    def at(self, *place: int) -> Constant:
        return self

    def random(self, dtype: type, out: Array) -> None:
        out[:] = self.u


@pytest.mark.parametrize(("rate", "dtype"), [(0.0, FLOAT32), (0.0, FLOAT64), (1e-12, FLOAT32)])
def test_at_a_rate_of_nothing_even_the_largest_random_number_keeps(rate: float, dtype: np.dtype[Any]) -> None:
    # Here u + 1 would round to 2.
    largest = float(np.nextafter(dtype.type(1), dtype.type(0)))
    position = Position(Constant(largest))
    assert Laboratory(Dropout(rate=rate), 1, 1, dtype=dtype).forward(np.ones((1, 1), dtype), position)[0, 0] == 1.0


@pytest.mark.parametrize(("u", "y"), [(0.0, 4.0), (0.2499, 4.0), (0.25, 0.0), (0.9999, 0.0)])
def test_an_input_is_kept_where_the_random_number_is_below_the_share_to_keep(u: float, y: float) -> None:
    dropout = Laboratory(Dropout(rate=0.75), 1, 1)
    assert dropout.forward(np.ones((1, 1)), Position(Constant(u)))[0, 0] == y


SCHEDULED = Dropout(rate=0.5, schedule={"type": "flat_cosine", "flat": 0.5})


def at_epoch(epoch: int, step: int = 0, member: int = 0) -> Position:
    """Position in a training of 8 epochs of 4 steps."""
    return Position(Stream(0, "dropout"), epoch, step, member=member, steps_per_epoch=4, epochs=8)


@pytest.mark.parametrize(
    ("epoch", "step", "rate"), [(0, 0, 0.5), (4, 0, 0.5), (6, 0, 0.25), (6, 2, 0.1543), (7, 3, 0.0048)]
)
def test_scheduled_dropout_drops_with_the_rate_of_its_step(epoch: int, step: int, rate: float) -> None:
    """Half a cosine from epoch 4 to 8: (1 + cos(π t)) / 4 with t = 0.5, 0.625 and 0.9375."""
    dropout = Laboratory(SCHEDULED, 500, 400)
    position = at_epoch(epoch, step)
    assert dropout.layer.rate_at(position) == pytest.approx(rate, abs=1e-4)
    y = dropout.forward(np.ones((400, 500)), position)
    assert np.unique(y) == pytest.approx([0.0, 1.0 / (1.0 - rate)], abs=2e-4)
    assert np.mean(y == 0.0) == pytest.approx(rate, abs=0.0045), "four standard errors"


def test_scheduled_dropout_of_rate_0_keeps_every_input() -> None:
    dropout = Laboratory(Dropout(rate=0.0, schedule="constant"), 40, 50)
    assert (dropout.forward(np.ones((50, 40)), at_epoch(1)) == 1.0).all()


def test_scheduled_dropout_differs_between_steps_members_and_layers_and_not_between_calls() -> None:
    def dropped(position: Position, index: int = 1) -> bytes:
        return Laboratory(SCHEDULED, 20, 30, index=index).forward(np.ones((30, 20)), position).tobytes()

    def found() -> list[bytes]:
        places = [at_epoch(0), at_epoch(1), at_epoch(0, 1), at_epoch(0, member=1)]
        return [*map(dropped, places), dropped(at_epoch(0), index=2)]

    assert len(set(found())) == 5
    assert found() == found()


def test_masks_of_members_are_those_of_each_member_alone() -> None:
    together = SCHEDULED.plan(1, (20,)).of_members(3)
    masks = np.empty((3 * 30, 20), FLOAT32)
    together.write_masks(at_epoch(5, 2), masks)
    for member in range(3):
        alone = np.empty((30, 20), FLOAT32)
        SCHEDULED.plan(1, (20,)).write_masks(at_epoch(5, 2, member), alone)
        assert np.array_equal(masks[30 * member : 30 * (member + 1)], alone)


def test_dropout_without_a_schedule_draws_its_numbers() -> None:
    assert type(Dropout(rate=0.5).plan(1, (20,))) is DropoutLayer


# Batch norm


def test_batch_norm_normalizes_by_the_batch_and_keeps_running_statistics() -> None:
    norm = Laboratory(BatchNorm(momentum=0.9, epsilon=0.5), 1, 3)
    norm.params["scale"][:] = 2.0
    norm.params["shift"][:] = 10.0
    # Mean 3; squared distances 4, 0, 4: a variance of 8/3 in the batch, of 4 as an estimate for all rows.
    y = norm.forward(np.array([[1.0], [3.0], [5.0]]), at())
    deviation = sqrt(8 / 3 + 0.5)
    np.testing.assert_allclose(y[:, 0], [10.0 - 4.0 / deviation, 10.0, 10.0 + 4.0 / deviation], rtol=1e-14)
    assert norm.state["running_mean"] == pytest.approx(0.9 * 0.0 + 0.1 * 3.0)
    assert norm.state["running_variance"] == pytest.approx(0.9 * 1.0 + 0.1 * 4.0)
    # Mean 6; squared distances 16, 4, 4 · … of -4, 2 and 2: 24 / 2 = 12.
    norm.forward(np.array([[2.0], [8.0], [8.0]]), at())
    assert norm.state["running_mean"] == pytest.approx(0.9 * 0.3 + 0.1 * 6.0)
    assert norm.state["running_variance"] == pytest.approx(0.9 * 1.3 + 0.1 * 12.0)


def test_batch_norm_uses_the_running_statistics_in_inference_and_leaves_them() -> None:
    norm = Laboratory(BatchNorm(epsilon=0.25), 2, 3, training=False)
    norm.params["scale"][:] = [1.0, 3.0]
    norm.params["shift"][:] = [0.0, -1.0]
    norm.state["running_mean"][:] = [1.0, 2.0]
    norm.state["running_variance"][:] = [3.75, 0.75]
    y = norm.forward(np.array([[1.0, 2.0], [5.0, 3.0], [-3.0, 0.0]]))
    np.testing.assert_allclose(y, [[0.0, -1.0], [2.0, 2.0], [-2.0, -7.0]], atol=1e-14)
    assert norm.state["running_mean"].tolist() == [1.0, 2.0]
    assert norm.state["running_variance"].tolist() == [3.75, 0.75]


def test_batch_norm_before_any_training_changes_next_to_nothing() -> None:
    x = np.array([[1.0, -2.0]])
    np.testing.assert_allclose(Laboratory(BatchNorm(), 2, 1).forward(x), x, rtol=1e-5)


def test_batch_norm_of_one_row_or_of_equal_rows_is_its_shift() -> None:
    for rows in (1, 4):
        norm = Laboratory(BatchNorm(), 2, rows)
        norm.params["shift"][:] = [0.5, -0.5]
        x = np.full((rows, 2), 7.0)
        assert norm.forward(x, at()).tolist() == [[0.5, -0.5]] * rows
        assert np.isfinite(norm.backward(x, np.ones((rows, 2)))).all()


# Dense without biases


@pytest.mark.parametrize("activation", ["identity", "tanh", "gelu"])
def test_dense_without_biases_is_dense_with_biases_of_0(activation: str) -> None:
    x, dy = np.random.default_rng(0).normal(size=(5, 3)), np.random.default_rng(1).normal(size=(5, 2))
    biased = Laboratory(Dense(units=2, activation=activation), 3, 5)
    plain = Laboratory(Dense(units=2, activation=activation, bias=False), 3, 5)
    assert [slot.name for slot in plain.layer.parameters()] == ["weight"]
    assert plain.layer.summary().parameters == 6
    biased.params["weight"][:] = plain.params["weight"]
    biased.params["bias"][:] = 0.0
    np.testing.assert_array_equal(plain.forward(x), biased.forward(x))
    np.testing.assert_array_equal(
        plain.layer.weighted_sums(plain.params, x), biased.layer.weighted_sums(biased.params, x)
    )
    np.testing.assert_array_equal(plain.backward(x, dy.copy()), biased.backward(x, dy.copy()))
    np.testing.assert_array_equal(plain.grads["weight"], biased.grads["weight"])


def test_dense_without_biases_draws_the_same_weights() -> None:
    weights = []
    for bias in (True, False):
        layer = Dense(units=4, bias=bias).plan(0, (3,))
        out = {slot.name: np.full(slot.shape, np.nan) for slot in layer.parameters()}
        layer.initialize(out, np.random.default_rng(0))
        weights.append(out["weight"])
    np.testing.assert_array_equal(*weights)


# Layer norm


def test_layer_norm_normalizes_each_row_over_its_inputs() -> None:
    norm = Laboratory(LayerNorm(epsilon=0.5), 4, 2)
    norm.params["scale"][:] = [1.0, 1.0, 2.0, 1.0]
    norm.params["shift"][:] = [0.0, 5.0, 0.0, 0.0]
    # Row 0: mean 3, squared distances 4, 1, 0, 9, a variance of 3.5. Row 1: all equal.
    y = norm.forward(np.array([[1.0, 2.0, 3.0, 6.0], [7.0, 7.0, 7.0, 7.0]]))
    np.testing.assert_allclose(y, [[-1.0, 4.5, 0.0, 1.5], [0.0, 5.0, 0.0, 0.0]], atol=1e-14)


def test_layer_norm_is_the_same_in_training_and_in_inference() -> None:
    x = np.random.default_rng(0).normal(size=(5, 3))
    norm = Laboratory(LayerNorm(), 3, 5)
    inference = norm.forward(x).copy()
    np.testing.assert_array_equal(norm.forward(x, at()), inference)


@pytest.mark.parametrize("spec", [BatchNorm(), LayerNorm()], ids=lambda spec: spec.type)
def test_a_large_offset_costs_the_variance_no_precision(spec: Any) -> None:
    # With E[x²] - E[x]² it would vanish in rounding.
    x = np.random.default_rng(0).normal(size=(8, 8))
    plain = Laboratory(spec, 8, 8).forward(x, at()).copy()
    np.testing.assert_allclose(Laboratory(spec, 8, 8).forward(x + 1e6, at()), plain, rtol=1e-7, atol=1e-7)


# Scale


def test_scale_multiplies_each_input_by_a_number_of_its_own() -> None:
    scale = Laboratory(Scale(), 2, 2)
    x = np.array([[1.0, -2.0], [3.0, 0.5]])
    assert scale.forward(x).tolist() == x.tolist(), "initially 1"
    scale.params["scale"][:] = [2.0, -1.0]
    assert scale.forward(x).tolist() == [[2.0, 2.0], [6.0, -0.5]]
    assert scale.backward(x, np.array([[1.0, 4.0], [2.0, -2.0]])).tolist() == [[2.0, -4.0], [4.0, 2.0]]
    assert scale.grads["scale"].tolist() == [7.0, -9.0]


def test_the_first_layer_of_scales_computes_no_gradient_of_its_input() -> None:
    layer = replace(Scale().plan(0, (2,)), needs_dx=False)
    assert set(layer.buffers(training=True)) == {"y", "scratch0"}


def test_scales_of_members_are_those_of_each_member_alone() -> None:
    """Rows of 2 x 3 inputs, four of each of three members."""
    generator = np.random.default_rng(0)
    alone = Scale().plan(1, (2, 3))
    together = alone.of_members(3)
    x, slope, scales = (generator.normal(size=(3, *of, 2, 3)) for of in ((4,), (4,), ()))
    grads = np.empty_like(scales)
    (workspace,) = Workspace([together.buffers(training=True)], 12, FLOAT64).layers
    y = together.forward({"scale": scales}, {}, x.reshape(12, 2, 3), workspace, at()).copy()
    dx = together.backward({"scale": scales}, x.reshape(12, 2, 3), slope.reshape(12, 2, 3), workspace, {"scale": grads})
    (workspace,) = Workspace([alone.buffers(training=True)], 4, FLOAT64).layers
    for member in range(3):
        params, gradient = {"scale": scales[member]}, np.empty((2, 3))
        assert np.array_equal(alone.forward(params, {}, x[member], workspace, at()), y.reshape(3, 4, 2, 3)[member])
        one = alone.backward(params, x[member], slope[member].copy(), workspace, {"scale": gradient})
        assert np.array_equal(one, dx.reshape(3, 4, 2, 3)[member])
        np.testing.assert_allclose(grads[member], gradient, rtol=1e-14)


# Parametric activations


def test_prelu_is_a_parametric_relu_with_a_slope_of_1_minus_the_share() -> None:
    prelu = Laboratory(Parametric(initial=0.75), 2, 2)
    x = np.array([[1.0, -2.0], [-3.0, 0.5]])
    assert prelu.forward(x).tolist() == [[1.0, -0.5], [-0.75, 0.5]]
    assert prelu.backward(x, np.array([[1.0, 4.0], [2.0, -2.0]])).tolist() == [[1.0, 1.0], [0.5, -2.0]]
    assert prelu.grads["share"].tolist() == [2.0 * 3.0, 4.0 * 2.0], "Σ dL/dy · (0 - x) where x < 0"


@pytest.mark.parametrize("activation", ["relu", "mish", "tanh"])
def test_a_share_of_1_is_the_activation_and_of_0_the_identity(activation: str) -> None:
    x = np.random.default_rng(0).normal(size=(5, 3))
    f = Dense(units=3, activation=activation).plan(0, (3,)).activated(x)
    np.testing.assert_allclose(Laboratory(Parametric(activation=activation), 3, 5).forward(x), f, rtol=1e-13)
    identity = Laboratory(Parametric(activation=activation, initial=0.0), 3, 5)
    np.testing.assert_allclose(identity.forward(x), x, rtol=1e-13)


@pytest.mark.parametrize("activation", ["relu", "mish"])
def test_shares_of_members_are_those_of_each_member_alone(activation: str) -> None:
    """Rows of 2 x 3 inputs, four of each of three members."""
    generator = np.random.default_rng(0)
    alone = Parametric(activation=activation).plan(1, (2, 3))
    together = alone.of_members(3)
    x, slope, shares = (generator.normal(size=(3, *of, 2, 3)) for of in ((4,), (4,), ()))
    params, grads = {"share": shares}, {"share": np.empty_like(shares)}
    (workspace,) = Workspace([together.buffers(training=True)], 12, FLOAT64).layers
    y = together.forward(params, {}, x.reshape(12, 2, 3), workspace, at()).copy().reshape(3, 4, 2, 3)
    dx = together.backward(params, x.reshape(12, 2, 3), slope.reshape(12, 2, 3), workspace, grads).copy()
    (workspace,) = Workspace([alone.buffers(training=True)], 4, FLOAT64).layers
    for member in range(3):
        own, gradient = {"share": shares[member]}, {"share": np.empty((2, 3))}
        assert np.array_equal(alone.forward(own, {}, x[member], workspace, at()), y[member])
        one = alone.backward(own, x[member], slope[member].copy(), workspace, gradient)
        assert np.array_equal(one, dx.reshape(3, 4, 2, 3)[member])
        np.testing.assert_allclose(grads["share"][member], gradient["share"], rtol=1e-13)


def test_a_parametric_layer_bends_where_its_activation_does() -> None:
    relu, mish = (Parametric(activation=activation).plan(1, (3,)) for activation in ("relu", "mish"))
    assert (relu.bends, relu.linear_in_pieces, mish.bends, mish.linear_in_pieces) == (True, True, False, False)
    assert relu.summary() == LayerSummary(1, "parametric", "relu", (3,), (3,), 3)
    x = np.array([[1.0, -2.0, 0.5]])
    assert relu.weighted_sums({}, x).tolist() == x.tolist()
