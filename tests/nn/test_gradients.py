"""Backpropagation against central differences, in float64.

The error is ‖g - ĝ‖ / (‖g‖ + ‖ĝ‖) over all parameters. At a kink (relu at 0, mae at a residual of 0, …) there is no
derivative, and near it a central difference averages both sides. Each case therefore tries one seed after another,
until every weighted sum and residual is further from its kink than the step of the differences. A case for which no
seed succeeds fails.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from networks import FLOAT64, TrainingStep, members

from bpcli.arrays.fields import Grid
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Workspace
from bpcli.nn.activations import Activation
from bpcli.nn.activations.bounded import Identity
from bpcli.nn.activations.exponential import Elu, Selu
from bpcli.nn.activations.rectified import LeakyRelu, Relu
from bpcli.nn.layers import LayerSpec, Position
from bpcli.nn.layers.avg_pool import AvgPool
from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.nn.layers.conv import Conv
from bpcli.nn.layers.conv_layer import ConvLayer
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dense_layer import DenseLayer
from bpcli.nn.layers.dropout import Dropout
from bpcli.nn.layers.flatten import Flatten
from bpcli.nn.layers.global_avg_pool import GlobalAvgPool
from bpcli.nn.layers.layer_norm import LayerNorm
from bpcli.nn.layers.max_pool import MaxPool, MaxPoolLayer
from bpcli.nn.layers.parametric import Parametric
from bpcli.nn.layers.residual import Residual
from bpcli.nn.layers.scale import Scale
from bpcli.nn.layers.skip import Skip, SkipLayer
from bpcli.nn.losses import Loss
from bpcli.nn.losses.classification import CrossEntropy
from bpcli.nn.losses.hinge import Hinge
from bpcli.nn.losses.log_link import Tweedie
from bpcli.nn.losses.regression import Huber, MeanAbsoluteError, MeanSquaredError, Quantile
from bpcli.randomness import Stream

TOLERANCE = 1e-7
STEP = 1e-5
KINK_MARGIN = 2e-3

ACTIVATIONS = [*(member() for member in members(Activation)), LeakyRelu(slope=0.3), Elu(alpha=0.5)]
LOSSES = [
    *(member() for member in members(Loss)),
    CrossEntropy(label_smoothing=0.1),
    MeanSquaredError(link="sigmoid"),
    Huber(delta=0.3),
    Quantile(quantile=0.9),
    Tweedie(power=1.2),
]
SECOND_LAYERS: dict[str, Callable[[Any], Any]] = {
    "dense": lambda activation: Dense(units=2, activation=activation),
    "dropout": lambda activation: Dropout(rate=0.3),
    "batch_norm": lambda activation: BatchNorm(),
    "layer_norm": lambda activation: LayerNorm(),
    "scale": lambda activation: Scale(),
    "parametric": lambda activation: Parametric(activation=activation),
    "skip": lambda activation: Skip(layers=[Dense(units=2, activation=activation), BatchNorm(), Dropout(rate=0.2)]),
}

OF_IMAGES: dict[str, Callable[[Any], list[Any]]] = {
    "conv": lambda activation: [Conv(filters=2, activation=activation)],
    "max_pool": lambda activation: [Conv(filters=2, kernel=2, activation=activation), MaxPool()],
    "avg_pool": lambda activation: [Conv(filters=2, kernel=2, activation=activation), AvgPool(size=3, padding="same")],
    "global_avg_pool": lambda activation: [Conv(filters=2, activation=activation), GlobalAvgPool()],
    "flatten": lambda activation: [Conv(filters=2, activation=activation), Flatten()],
    "residual": lambda activation: [
        Residual(layers=[Conv(filters=2, activation="tanh"), BatchNorm()], activation=activation),
        Residual(layers=[Conv(filters=4, stride=2, activation="gelu"), Dropout(rate=0.2)], activation="identity"),
    ],
    "batch_norm": lambda activation: [BatchNorm(), Conv(filters=2, activation=activation), BatchNorm()],
    "layer_norm": lambda activation: [Conv(filters=6, activation=activation), LayerNorm()],
    "skip": lambda activation: [
        Conv(filters=2, activation=activation),
        Skip(layers=[Scale(), Conv(filters=3, kernel=2, activation="tanh"), LayerNorm()]),
    ],
}
"""Layers of images, and norms of their channels, each behind a convolution."""


def named(spec: Any) -> str:
    """`huber`, or `huber-0.3` with an option that is not the default."""
    options = spec.model_dump(exclude_defaults=True).values()
    return "-".join([spec.type, *map(str, options)])


def central_difference(function: Callable[[], float], at: Array) -> Array:
    """Numeric gradient of `function`, which reads the array `at`."""
    gradient, flat = np.empty_like(at), at.reshape(-1)
    for i, value in enumerate(flat):
        flat[i] = value + STEP
        above = function()
        flat[i] = value - STEP
        below = function()
        flat[i] = value
        gradient.flat[i] = (above - below) / (2.0 * STEP)
    return gradient


def fewest_outputs(loss: Any) -> int:
    return 2 if isinstance(loss, CrossEntropy) else 1


def relative_error(a: Array, b: Array) -> float:
    return float(np.linalg.norm(a - b) / (np.linalg.norm(a) + np.linalg.norm(b)))


def distance_to_kinks_of_activation(activation: Any, z: Array) -> float:
    return float(np.abs(z).min()) if isinstance(activation, Relu | LeakyRelu | Elu | Selu) else np.inf


def distance_to_kinks_of_loss(loss: Any, logits: Array, target: Array) -> float:
    if isinstance(loss, MeanAbsoluteError | Quantile):
        return float(np.abs(logits - target).min())
    if isinstance(loss, Huber):
        return float(np.abs(np.abs(logits - target) - loss.delta).min())
    if isinstance(loss, Hinge) and logits.shape[1] == 1:
        return float(np.abs(1.0 - (2.0 * target - 1.0) * logits).min())
    if isinstance(loss, Hinge):
        ranked = np.sort(logits + 1.0 - target, axis=1)
        return float((ranked[:, -1] - ranked[:, -2]).min())
    return np.inf


def distance_to_kinks(step: TrainingStep) -> float:
    logits = step.logits()
    distances = [distance_to_kinks_of_loss(step.loss, logits, step.target)]
    for layer, x, params in zip(step.network.layers, step.through.workspace.inputs, step.params, strict=True):
        if isinstance(layer, DenseLayer):
            z = x.reshape(len(x), -1) @ params["weight"] + params.get("bias", 0.0)
            distances.append(distance_to_kinks_of_activation(layer.activation, z))
        elif isinstance(layer, SkipLayer):
            distances.append(distance_to_kinks_of_skip(layer, params, x))
        elif isinstance(layer, ConvLayer):
            distances.append(distance_to_kinks_of_activation(layer.activation, layer.weighted_sums(params, x)))
        elif isinstance(layer, MaxPoolLayer):
            distances.append(distance_to_ties(x))
    return min(distances)


def distance_to_kinks_of_skip(layer: SkipLayer, params: Any, x: Array) -> float:
    """Distance of the first layer within, if it is dense; no other has kinks here."""
    first = layer.body.layers[0]
    if not isinstance(first, DenseLayer):
        return np.inf
    z = x.reshape(len(x), -1) @ params["0.weight"] + params["0.bias"]
    return distance_to_kinks_of_activation(first.activation, z)


def distance_to_ties(images: Array) -> float:
    """Smallest difference of the two largest values in a window of 2 × 2, unless both are at the bound of relu."""
    rows, height, width, channels = (
        size - size % 2 if axis in (1, 2) else size for axis, size in enumerate(images.shape)
    )
    windows = images[:, :height, :width].reshape(rows, height // 2, 2, width // 2, 2, channels)
    ranked = np.sort(windows.transpose(0, 1, 3, 5, 2, 4).reshape(-1, 4), axis=1)
    gaps = ranked[:, -1] - ranked[:, -2]
    return float(np.min(gaps, where=ranked[:, -1] != 0.0, initial=np.inf))


def step_away_from_kinks(
    layers: list[Any], loss: Any, outputs: int, weighted: bool, n_in: int | Grid = 3
) -> TrainingStep:
    for seed in range(50):
        step = TrainingStep(layers, loss, n_in=n_in, n_out=outputs, rows=5, seed=seed, weighted=weighted)
        if distance_to_kinks(step) > KINK_MARGIN:
            return step
    raise AssertionError("every draw is near a kink")


@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.exhaustive)], ids=["third", "whole"])
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=named)
@pytest.mark.parametrize("second", SECOND_LAYERS)
def test_backpropagation_gives_the_gradient_of_the_mean_loss(second: str, activation: Any, whole: bool) -> None:
    """A third of the losses has every pair of layer, activation and loss, as there are more than three of each."""
    layers = [Dense(units=3, activation=activation), SECOND_LAYERS[second](activation)]
    first = (list(SECOND_LAYERS).index(second) + ACTIVATIONS.index(activation)) % 3
    for loss in LOSSES if whole else LOSSES[first::3]:
        for outputs, weighted in ((fewest_outputs(loss), False), (3, True)):
            step = step_away_from_kinks(layers, loss, outputs, weighted)
            expected = central_difference(step.mean_loss, step.flat)
            assert relative_error(step.gradient(), expected) < TOLERANCE, f"{named(loss)}, {outputs=}, {weighted=}"


@pytest.mark.parametrize(
    ("more_outputs", "weighted"),
    [(0, False), (2, True), *(pytest.param(*case, marks=pytest.mark.exhaustive) for case in ((0, True), (2, False)))],
)
@pytest.mark.parametrize("loss", LOSSES, ids=named)
def test_backpropagation_gives_the_gradient_through_all_kinds_of_layer_at_once(
    loss: Any, more_outputs: int, weighted: bool
) -> None:
    layers = [
        BatchNorm(),
        Dense(units=4, activation="tanh"),
        Dropout(rate=0.4),
        Dropout(rate=0.2, schedule="constant"),
        LayerNorm(),
        Dense(units=3, activation="gelu"),
        Scale(),
        Parametric(activation="mish"),
        BatchNorm(),
    ]
    step = step_away_from_kinks(layers, loss, fewest_outputs(loss) + more_outputs, weighted)
    assert relative_error(step.gradient(), central_difference(step.mean_loss, step.flat)) < TOLERANCE


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=named)
def test_backpropagation_gives_the_gradient_through_dense_layers_without_biases(
    activation: Any, weighted: bool
) -> None:
    layers = [Dense(units=3, activation=activation, bias=False), BatchNorm(), Dense(units=3, bias=False)]
    step = step_away_from_kinks(layers, MeanSquaredError(), 2, weighted)
    names = [slot.name for slot in step.network.layout.slots if slot.name.endswith("bias")]
    assert names == ["layers.3.bias"], "the output layer alone has biases"
    assert relative_error(step.gradient(), central_difference(step.mean_loss, step.flat)) < TOLERANCE


@pytest.mark.parametrize(
    ("kind", "activation"),
    [
        pytest.param(
            kind,
            activation,
            id=f"{kind}-{named(activation)}",
            marks=() if (number + place) % 5 == 0 else pytest.mark.exhaustive,
        )
        for number, kind in enumerate(OF_IMAGES)
        for place, activation in enumerate(ACTIVATIONS)
    ],
)
def test_backpropagation_gives_the_gradient_through_layers_of_images(kind: str, activation: Any) -> None:
    layers, loss = OF_IMAGES[kind](activation), CrossEntropy()
    if kind == "residual" and getattr(activation, "smooth", True) is False:
        activation = Identity()  # its kinks are those of sums that the test does not see
    step = step_away_from_kinks(OF_IMAGES[kind](activation), loss, 2, weighted=True, n_in=Grid((4, 3, 2)))
    assert len(step.network.layers) == len(layers) + 1
    assert relative_error(step.gradient(), central_difference(step.mean_loss, step.flat)) < TOLERANCE


def test_backpropagation_gives_the_gradient_through_all_layers_of_a_series_at_once() -> None:
    layers = [
        Conv(filters=4, kernel=3, activation="tanh"),
        BatchNorm(),
        MaxPool(size=2),
        Residual(layers=[Conv(filters=6, kernel=3, stride=2, activation="mish"), LayerNorm()], activation="identity"),
        AvgPool(size=2, stride=1),
        Scale(),
        Flatten(),
    ]
    pooled = [Conv(filters=4, activation="tanh"), MaxPool(size=2)]
    step = step_away_from_kinks(layers[:1] + layers[3:], MeanSquaredError(), 1, False, Grid((9, 2)))
    assert relative_error(step.gradient(), central_difference(step.mean_loss, step.flat)) < TOLERANCE
    for some in (layers, pooled):
        step = TrainingStep(some, MeanSquaredError(), n_in=Grid((9, 2)), n_out=1, rows=5)
        assert relative_error(step.gradient(), central_difference(step.mean_loss, step.flat)) < TOLERANCE


def test_every_kind_of_layer_is_checked() -> None:
    assert {*SECOND_LAYERS, *OF_IMAGES} == {member.model_fields["type"].default for member in members(LayerSpec)}


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=named)
def test_backpropagation_gives_the_gradient_through_a_network_of_which_the_first_layer_is_skipped(
    activation: Any,
) -> None:
    """The inputs need no gradient, so that the skip passes none on."""
    layers = [Skip(layers=[Dense(units=3, activation=activation), Dense(units=2, activation="tanh")])]
    step = step_away_from_kinks(layers, MeanSquaredError(), 2, weighted=True)
    assert relative_error(step.gradient(), central_difference(step.mean_loss, step.flat)) < TOLERANCE


LAYERS = [
    *(Dense(units=3, activation=activation) for activation in ACTIVATIONS),
    Dropout(rate=0.3),
    BatchNorm(),
    LayerNorm(),
    Scale(),
    Parametric(activation="selu"),
    Parametric(activation="tanh"),
    Skip(layers=[Dense(units=2, activation="tanh"), LayerNorm()]),
]


@pytest.mark.parametrize("spec", LAYERS, ids=lambda spec: named(getattr(spec, "activation", spec)))
def test_each_layer_gives_the_gradient_with_respect_to_its_input(spec: Any) -> None:
    rows, n_in = 4, 3
    for seed in range(50):
        generator = np.random.default_rng(seed)
        layer = spec.plan(1, (n_in,))
        params = {slot.name: generator.normal(size=slot.shape) for slot in layer.parameters()}
        x = generator.normal(size=(rows, n_in))
        activation = getattr(spec, "activation", Identity())
        if not params or "weight" not in params:
            break
        if distance_to_kinks_of_activation(activation, x @ params["weight"] + params["bias"]) > KINK_MARGIN:
            break
    else:
        raise AssertionError("every draw is near a kink")
    state = {slot.name: np.ones(slot.shape) for slot in layer.state()}
    grads = {slot.name: np.empty(slot.shape) for slot in layer.parameters()}
    (workspace,) = Workspace([layer.buffers(training=True)], rows, FLOAT64).layers
    position = Position(Stream(0, "dropout"), epoch=1, step=1)
    slope = generator.normal(size=(rows, layer.n_out))

    def weighted_output() -> float:
        return float(np.sum(slope * layer.forward(params, state, x, workspace, position)))

    expected = central_difference(weighted_output, x)
    weighted_output()
    dx = layer.backward(params, x, slope.copy(), workspace, grads)
    assert relative_error(dx, expected) < TOLERANCE


def test_the_check_would_see_a_wrong_gradient() -> None:
    step = step_away_from_kinks([Dense(units=3, activation="tanh")], MeanSquaredError(), 1, weighted=False)
    expected = central_difference(step.mean_loss, step.flat)
    wrong = step.gradient().copy()
    wrong[-1] *= 1.0 + 1e-5
    assert relative_error(wrong, expected) > TOLERANCE
