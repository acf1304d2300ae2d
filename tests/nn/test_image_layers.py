"""Layers of images and series, against definitions written as loops."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from networks import FLOAT32, FLOAT64, TrainingStep

from bpcli.arrays.fields import Grid
from bpcli.arrays.memory import Array
from bpcli.arrays.rows import Rows
from bpcli.arrays.workspace import Workspace
from bpcli.errors import MismatchError
from bpcli.nn.inference import Inference
from bpcli.nn.layers import Layer, Position
from bpcli.nn.layers.avg_pool import AvgPool
from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.nn.layers.conv import Conv
from bpcli.nn.layers.conv_layer import ConvLayer
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.global_avg_pool import GlobalAvgPool
from bpcli.nn.layers.layer_norm import LayerNorm
from bpcli.nn.layers.max_pool import MaxPool
from bpcli.nn.layers.residual import Residual
from bpcli.nn.losses.classification import CrossEntropy
from bpcli.randomness import Stream


class Planned:
    """A layer with random parameters and memory for so many rows."""

    def __init__(self, spec: Any, shape: tuple[int, ...], rows: int, dtype: np.dtype[Any] = FLOAT64) -> None:
        generator = np.random.default_rng(0)
        self.layer: Layer = spec.plan(1, Grid(shape))
        self.params = {s.name: generator.normal(size=s.shape).astype(dtype) for s in self.layer.parameters()}
        self.grads = {s.name: np.full(s.shape, np.nan, dtype) for s in self.layer.parameters()}
        self.state = {s.name: np.ones(s.shape, dtype) for s in self.layer.state()}
        self.x = generator.normal(size=(rows, *shape)).astype(dtype)
        self.workspace = Workspace([self.layer.buffers(training=True)], rows, dtype).layers[0]

    def forward(self, position: Position | None = None) -> Array:
        return self.layer.forward(self.params, self.state, self.x, self.workspace, position)

    def backward(self, dy: Array) -> Array:
        return self.layer.backward(self.params, self.x, dy.copy(), self.workspace, self.grads)


def padded(x: Array, kernel: tuple[int, ...], stride: tuple[int, ...], padding: str | int, value: float) -> Array:
    """Images with the padding of a convolution or pooling: with `same`, ⌈size / stride⌉ windows."""
    widths = [(0, 0)]
    for size, width, step in zip(x.shape[1:], kernel, stride, strict=False):
        total = max(0, (-(-size // step) - 1) * step + width - size) if padding == "same" else 0
        around = (padding, padding) if isinstance(padding, int) else (total // 2, total - total // 2)
        widths.append(around)
    return np.pad(x, [*widths, (0, 0)], constant_values=value)


def windows_of(x: Array, kernel: tuple[int, ...], stride: tuple[int, ...]) -> Any:
    """Yield the indices of each window, and its numbers (rows, *kernel, channels)."""
    counts = [(size - width) // step + 1 for size, width, step in zip(x.shape[1:], kernel, stride, strict=False)]
    for place in np.ndindex(*counts):
        ranges = [slice(at * step, at * step + width) for at, step, width in zip(place, stride, kernel, strict=True)]
        yield place, x[(slice(None), *ranges)]


def convolved(x: Array, weight: Array, bias: Array, stride: tuple[int, ...], padding: str | int, groups: int) -> Array:
    """Convolution by its definition."""
    *kernel, channels, filters = weight.shape
    found: dict[tuple[int, ...], Array] = {}
    for place, window in windows_of(padded(x, tuple(kernel), stride, padding, 0.0), tuple(kernel), stride):
        of_filters = []
        for f in range(filters):
            group = f // (filters // groups)
            part = window[..., group * channels : (group + 1) * channels]
            of_filters.append((part * weight[..., f]).sum(axis=tuple(range(1, part.ndim))) + bias[f])
        found[place] = np.stack(of_filters, axis=-1)
    counts = tuple(last + 1 for last in max(found))
    return np.stack([found[place] for place in np.ndindex(*counts)], axis=1).reshape(len(x), *counts, filters)


CASES = [
    (shape, channels, filters, kernel, stride, padding, groups)
    for shape, channels, filters, kernel, stride, padding, groups in product(
        [(5, 5), (7, 4), (9,)], [1, 4, 16], [4, 6], [1, 3, (2, 3)], [1, 2, (3, 1)], ["same", "valid", 1], [1, 2, 4]
    )
    if channels % groups == 0
    and filters % groups == 0
    and (len(shape) == 2 or (isinstance(kernel, int) and isinstance(stride, int)))
    and not (padding == 1 and kernel == 1)
]


def each(value: int | tuple[int, ...], axes: int) -> tuple[int, ...]:
    return (value,) * axes if isinstance(value, int) else value


@pytest.mark.parametrize("case", CASES[::7], ids=str)
def test_a_convolution_is_the_sum_of_its_windows_times_the_kernels(case: Any) -> None:
    check_convolution(*case)


@pytest.mark.exhaustive
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_convolution_is_the_sum_of_its_windows_times_the_kernels(case: Any) -> None:
    check_convolution(*case)


def check_convolution(
    shape: tuple[int, ...], channels: int, filters: int, kernel: Any, stride: Any, padding: Any, groups: int
) -> None:
    spec = Conv(filters=filters, kernel=kernel, stride=stride, padding=padding, groups=groups, activation="identity")
    of = Planned(spec, (*shape, channels), rows=3)
    y = of.forward()
    expected = convolved(of.x, of.params["weight"], of.params["bias"], each(stride, len(shape)), padding, groups)
    assert y.shape == expected.shape == (3, *of.layer.out_shape)
    np.testing.assert_allclose(y, expected, atol=1e-12)
    # The output is linear in everything, so that its derivatives are differences of any size.
    slope = np.random.default_rng(1).normal(size=y.shape)
    dx = of.backward(slope).copy()
    assert np.vdot(slope, expected - of.params["bias"]) == pytest.approx(np.vdot(dx, of.x), abs=1e-9)
    assert np.vdot(of.grads["weight"], of.params["weight"]) == pytest.approx(np.vdot(dx, of.x), abs=1e-9)
    np.testing.assert_allclose(of.grads["bias"], slope.reshape(-1, filters).sum(axis=0), atol=1e-12)
    of.forward()
    gradient = of.layer.input_gradient(of.params, {}, slope.copy(), of.workspace)
    np.testing.assert_allclose(gradient, dx, atol=1e-12)
    moved = of.x.copy()
    of.x += np.random.default_rng(2).normal(size=of.x.shape)
    assert np.vdot(slope, of.forward() - expected) == pytest.approx(np.vdot(dx, of.x - moved), abs=1e-9)


def test_an_image_larger_than_a_block_is_convolved_line_by_line() -> None:
    spec = Conv(filters=2, kernel=5, stride=2, activation="tanh")
    of = Planned(spec, (95, 90, 10), rows=2)
    assert isinstance(of.layer, ConvLayer)
    lines = of.layer.windows.lines
    assert 1 < lines < of.layer.windows.out[0]
    assert 1 < of.layer.windows_back.lines < 95
    y = of.forward().copy()
    weight, bias = of.params["weight"], of.params["bias"]
    np.testing.assert_allclose(y, np.tanh(convolved(of.x, weight, bias, (2, 2), "same", 1)), atol=1e-12)
    slope, towards = (np.random.default_rng(seed).normal(size=size) for seed, size in ((1, y.shape), (2, of.x.shape)))
    dx = of.backward(slope).copy()
    grads = {name: array.copy() for name, array in of.grads.items()}
    for at, claimed in ((of.x, dx), (weight, grads["weight"])):
        move = 1e-6 * towards if at is of.x else 1e-6 * np.random.default_rng(3).normal(size=at.shape)
        at += move
        above = np.vdot(slope, of.forward())
        at -= 2 * move
        below = np.vdot(slope, of.forward())
        at += move
        assert (above - below) / 2 == pytest.approx(np.vdot(claimed, move), rel=1e-6)


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("shape", [(12, 12, 2), (7, 7, 16), (60, 60, 12)], ids=str)
def test_an_image_has_the_same_bits_alone_or_among_many(
    shape: tuple[int, ...], groups: int, dtype: np.dtype[Any]
) -> None:
    many = Planned(Conv(filters=8, groups=groups, activation="gelu"), shape, rows=70, dtype=dtype)
    together = many.forward().copy()
    for first, rows in ((0, 1), (69, 1), (13, 5)):
        alone = Planned(Conv(filters=8, groups=groups, activation="gelu"), shape, rows=rows, dtype=dtype)
        alone.x[:] = many.x[first : first + rows]
        np.testing.assert_array_equal(alone.forward(), together[first : first + rows])


def test_a_prediction_has_the_same_bits_alone_or_among_many() -> None:
    layers = [Conv(filters=4), MaxPool(), Residual(layers=[Conv(filters=4), BatchNorm()]), Dense(units=8)]
    step = TrainingStep(layers, CrossEntropy(), n_in=Grid((9, 9, 1)), n_out=3, rows=300)
    inference = Inference(step.network, step.flat, step.network.initialize(0, FLOAT64)[1])
    signature = step.network.stems.signature
    everything = inference.logits(Rows(signature, [step.x], FLOAT64))
    for row in (0, 239, 240, 299):
        alone = inference.logits(Rows(signature, [step.x[row : row + 1]], FLOAT64))
        np.testing.assert_array_equal(alone[0], everything[row])


def test_float32_differs_from_float64_by_rounding_alone() -> None:
    single, double = (Planned(Conv(filters=8, kernel=5), (14, 14, 6), rows=4, dtype=d) for d in (FLOAT32, FLOAT64))
    double.x[:] = single.x
    for name, array in single.params.items():
        double.params[name][:] = array
    np.testing.assert_allclose(single.forward(), double.forward(), atol=1e-4)
    slope = np.random.default_rng(1).normal(size=(4, 14, 14, 8)).astype(np.float32)
    np.testing.assert_allclose(single.backward(slope), double.backward(slope.astype(np.float64)), atol=1e-4)
    np.testing.assert_allclose(single.grads["weight"], double.grads["weight"], atol=1e-3)


POOLS = list(product([(5, 5, 2), (6, 4, 1), (7, 3)], [1, 2, 3], [None, 1, 2], ["valid", "same"]))


@pytest.mark.parametrize("case", POOLS, ids=str)
def test_pooling_takes_the_largest_or_the_mean_of_each_window(case: Any) -> None:
    shape, size, stride, padding = case
    axes = len(shape) - 1
    kernel, steps = (size,) * axes, (size if stride is None else stride,) * axes
    for spec, function, beyond in (
        (MaxPool(size=size, stride=stride, padding=padding), np.nanmax, np.nan),
        (AvgPool(size=size, stride=stride, padding=padding), np.nanmean, np.nan),
    ):
        of = Planned(spec, shape, rows=3)
        around = padded(of.x, kernel, steps, padding, beyond)
        found = {
            place: function(window, axis=tuple(range(1, axes + 1)))
            for place, window in windows_of(around, kernel, steps)
        }
        y = of.forward().copy()
        for place, values in found.items():
            np.testing.assert_allclose(y[(slice(None), *place)], values, atol=1e-15)
        assert len(found) == np.prod(y.shape[1:-1])
        slope = np.random.default_rng(1).normal(size=y.shape)
        dx = of.backward(slope).copy()
        # Both are homogeneous: Σ dL/dx · x = Σ dL/dy · y (Euler), and what no window holds has no gradient.
        assert np.vdot(dx, of.x) == pytest.approx(np.vdot(slope, y), abs=1e-12)
        gradient = of.layer.input_gradient({}, {}, slope.copy(), of.workspace)
        np.testing.assert_array_equal(gradient, dx)


def test_of_equal_values_the_first_of_a_window_has_the_gradient() -> None:
    of = Planned(MaxPool(), (2, 5, 1), rows=1)
    of.x[0, :, :, 0] = [[0, 0, 1, 3, 9], [0, 0, 3, 2, 9]]
    np.testing.assert_array_equal(of.forward()[0, 0, :, 0], [0, 3])
    dx = of.backward(np.array([7.0, 5.0]).reshape(1, 1, 2, 1))
    np.testing.assert_array_equal(dx[0, :, :, 0], [[7, 0, 0, 5, 0], [0, 0, 0, 0, 0]])


def test_overlapping_windows_add_their_gradients() -> None:
    of = Planned(MaxPool(size=2, stride=1), (3, 1), rows=1)
    of.x[0, :, 0] = [1, 2, 1]
    of.forward()
    np.testing.assert_array_equal(of.backward(np.array([3.0, 4.0]).reshape(1, 2, 1))[0, :, 0], [0, 7, 0])


def test_global_pooling_is_the_mean_over_all_positions() -> None:
    of = Planned(GlobalAvgPool(), (3, 4, 2), rows=2)
    np.testing.assert_allclose(of.forward(), of.x.mean(axis=(1, 2)))
    dx = of.backward(np.array([[12.0, 24.0], [0.0, 36.0]]))
    np.testing.assert_allclose(dx[0], np.broadcast_to([1.0, 2.0], (3, 4, 2)))
    np.testing.assert_allclose(dx[1], np.broadcast_to([0.0, 3.0], (3, 4, 2)))
    assert of.layer.output_names(()) == ("channel 0", "channel 1")


def test_batch_norm_standardizes_each_channel_over_rows_and_positions() -> None:
    of = Planned(BatchNorm(), (3, 4, 2), rows=5)
    assert {slot.name: slot.shape for slot in of.layer.parameters()} == {"scale": (2,), "shift": (2,)}
    y = of.forward(Position(Stream(0, "dropout")))
    mean, variance = of.x.mean(axis=(0, 1, 2)), of.x.var(axis=(0, 1, 2))
    expected = (of.x - mean) / np.sqrt(variance + 1e-5) * of.params["scale"] + of.params["shift"]
    np.testing.assert_allclose(y, expected, atol=1e-12)
    np.testing.assert_allclose(of.state["running_mean"], 0.9 + 0.1 * mean)
    np.testing.assert_allclose(of.state["running_variance"], 0.9 + 0.1 * variance * 60 / 59)
    assert (of.layer.least_rows, BatchNorm().plan(0, Grid((1, 1, 2))).least_rows) == (1, 2)


def test_layer_norm_standardizes_the_channels_of_each_position() -> None:
    of = Planned(LayerNorm(), (3, 4, 6), rows=5)
    centered = of.x - of.x.mean(axis=-1, keepdims=True)
    expected = centered / np.sqrt(of.x.var(axis=-1, keepdims=True) + 1e-5) * of.params["scale"] + of.params["shift"]
    np.testing.assert_allclose(of.forward(), expected, atol=1e-12)


@pytest.mark.parametrize("spec", [BatchNorm(), LayerNorm()], ids=lambda spec: spec.type)
def test_norms_of_arrays_that_are_no_images_have_a_parameter_for_each_number(spec: Any) -> None:
    assert {slot.shape for slot in spec.plan(0, (3, 4, 2)).parameters()} == {(3, 4, 2)}


def test_a_residual_block_adds_its_input_to_what_its_layers_give() -> None:
    block = Residual(layers=[Conv(filters=2, activation="relu"), Conv(filters=2, activation="identity")])
    of = Planned(block, (4, 4, 2), rows=3)
    assert [slot.name for slot in of.layer.parameters()] == ["0.weight", "0.bias", "1.weight", "1.bias"]
    first = np.maximum(convolved(of.x, of.params["0.weight"], of.params["0.bias"], (1, 1), "same", 1), 0)
    second = convolved(first, of.params["1.weight"], of.params["1.bias"], (1, 1), "same", 1)
    np.testing.assert_allclose(of.forward(), np.maximum(second + of.x, 0), atol=1e-12)


def test_a_residual_block_projects_its_input_where_the_shapes_differ() -> None:
    block = Residual(layers=[Conv(filters=3, stride=2, activation="identity")], activation="identity")
    of = Planned(block, (5, 4, 2), rows=3)
    weight = of.params["projection.weight"]
    assert (of.layer.out_shape, weight.shape) == ((3, 2, 3), (1, 1, 2, 3))
    inner = convolved(of.x, of.params["0.weight"], of.params["0.bias"], (2, 2), "same", 1)
    np.testing.assert_allclose(of.forward(), inner + of.x[:, ::2, ::2] @ weight[0, 0], atol=1e-12)
    slope = np.random.default_rng(1).normal(size=(3, 3, 2, 3))
    dx = of.backward(slope).copy()
    of.forward()
    np.testing.assert_allclose(of.layer.input_gradient(of.params, {}, slope.copy(), of.workspace), dx, atol=1e-12)


def test_a_residual_block_of_plain_numbers_is_projected_by_a_matrix() -> None:
    layer = Residual(layers=[Dense(units=4)], activation="tanh").plan(0, (3,))
    shapes = {slot.name: slot.shape for slot in layer.parameters()}
    assert shapes == {"0.weight": (3, 4), "0.bias": (4,), "projection.weight": (3, 4)}


@pytest.mark.parametrize(
    ("spec", "shape", "message"),
    [
        (Conv(filters=4), (784,), "layers.0: conv takes images or series, not 784 numbers: for images, declare"),
        (MaxPool(), (28, 28), "layers.0: max_pool takes images or series, not arrays of 28 × 28"),
        (GlobalAvgPool(), (3,), "layers.0: global_avg_pool takes images"),
        (
            Conv(filters=4, kernel=5, padding="valid"),
            Grid((4, 9, 1)),
            "layers.0.kernel: its input is 4 × 9 × 1, and 4 is too small for a kernel of 5: use a smaller kernel",
        ),
        (MaxPool(size=3), Grid((2, 2, 1)), "layers.0.size: its input is 2 × 2 × 1, and 2 is too small for a"),
        (Conv(filters=4, kernel=3, padding=3), Grid((9, 9, 1)), "layers.0.padding: must be less than the kernel, 3"),
        (Conv(filters=4, kernel=(3, 3)), Grid((9, 1)), "layers.0.kernel: gives 2 numbers for inputs of 9 × 1: give"),
        (Conv(filters=4, groups=3), Grid((9, 9, 3)), "layers.0.groups: must divide both the 3 channels of the input"),
        (Conv(filters=4, initializer="data_std"), Grid((9, 9, 3)), "layers.0.initializer: data_std is not available"),
        (
            Residual(layers=[Conv(filters=4), Conv(filters=4, kernel=12, padding="valid")]),
            Grid((9, 9, 3)),
            "layers.0.layers.1.kernel: its input is 9 × 9 × 4, and 9 is too small",
        ),
        (
            Residual(layers=[Conv(filters=3, padding="valid")]),
            Grid((9, 9, 3)),
            "layers.0.layers: turn 9 × 9 × 3 into 7 × 7 × 3, to which no projection",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_impossible_shape_is_an_error_of_the_config(spec: Any, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(MismatchError) as caught:
        spec.plan(0, shape)
    assert str(caught.value).startswith(message)


def test_layers_of_images_name_their_outputs_by_place() -> None:
    layer = Conv(filters=2).plan(0, Grid((1, 2, 1)))
    assert layer.output_names(()) == (
        "filter 0 at 0, 0",
        "filter 1 at 0, 0",
        "filter 0 at 0, 1",
        "filter 1 at 0, 1",
    )
    assert MaxPool().plan(1, Grid((4, 1))).output_names(())[1] == "channel 0 at 1"
