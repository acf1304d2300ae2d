"""`check_gradient`: every layer and loss passes, and a wrong derivative planted in any of them is located."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from commands import CONFIGS
from experiments import plan
from networks import members, targets_for

from bpcli.checks.gradcheck import DIRECTIONS, EVERY, GradientCheck, check_gradient
from bpcli.config.loading import load_config
from bpcli.experiment.prepare import prepare
from bpcli.nn.activations import Activation
from bpcli.nn.activations.exponential import Elu
from bpcli.nn.activations.rectified import LeakyRelu
from bpcli.nn.layers.batch_norm import BatchNorm, BatchNormLayer
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dense_layer import DenseLayer
from bpcli.nn.layers.dropout import Dropout
from bpcli.nn.layers.dropout_layer import DropoutLayer
from bpcli.nn.layers.layer_norm import LayerNorm, LayerNormLayer
from bpcli.nn.layers.parametric import Parametric, ParametricLayer
from bpcli.nn.layers.scale import Scale, ScaleLayer
from bpcli.nn.losses import Loss
from bpcli.nn.losses.classification import CrossEntropy
from bpcli.nn.losses.regression import Huber, MeanAbsoluteError, MeanSquaredError, Quantile
from bpcli.training.spec import TrainingSpec

ACTIVATIONS = [*(member() for member in members(Activation)), LeakyRelu(slope=0.3), Elu(alpha=0.5)]
LOSSES = [
    *(member() for member in members(Loss)),
    CrossEntropy(label_smoothing=0.1),
    MeanSquaredError(link="sigmoid"),
    Huber(delta=0.3),
    Quantile(quantile=0.9),
]
SECOND: dict[str, Any] = {
    "dense": Dense(units=3, activation="tanh"),
    "dropout": Dropout(rate=0.3),
    "batch_norm": BatchNorm(),
    "layer_norm": LayerNorm(),
    "scale": Scale(),
    "parametric": Parametric(activation="mish"),
}
PLANNED = {
    "dense": DenseLayer,
    "dropout": DropoutLayer,
    "batch_norm": BatchNormLayer,
    "layer_norm": LayerNormLayer,
    "scale": ScaleLayer,
    "parametric": ParametricLayer,
}


def checked(
    layers: list[Any], loss: Any, *, outputs: int = 3, n_in: int = 3, rows: int = 6, seed: int = 0, **training: Any
) -> GradientCheck:
    generator = np.random.default_rng(seed)
    y = targets_for(loss, rows, outputs, generator)
    spec = TrainingSpec.model_validate({"epochs": 1, **training})
    weight = generator.uniform(0.5, 2.0, rows)
    return check_gradient(
        plan(generator.normal(size=(rows, n_in)), y, spec, weight=weight, layers=layers, loss=loss), rows, seed
    )


def passes(activation: Any, loss: Any, second: str) -> None:
    layers = [Dense(units=4, activation=activation), SECOND[second]]
    for outputs in (3,) if isinstance(loss, CrossEntropy) else (1, 3):
        result = checked(layers, loss, outputs=outputs)
        assert result.passed, (activation, loss, second, outputs, result)


ALL = list(product(ACTIVATIONS, LOSSES, SECOND))


@pytest.mark.parametrize(
    "pairs", [pytest.param(True, marks=pytest.mark.exhaustive), False], ids=["every pair", "each once"]
)
def test_every_activation_loss_and_layer_passes(pairs: bool, record_property: Callable[[str, object], None]) -> None:
    """Each of them, with some of the others; or every pair of activation and layer, and of loss and layer."""
    sample = [
        (activation, LOSSES[(number + place) % len(LOSSES)], second)
        for number, activation in enumerate(ACTIVATIONS)
        for place, second in enumerate(SECOND)
        if pairs or number % len(SECOND) == place
    ]
    if pairs:
        assert {(loss.type, second) for _, loss, second in sample} == set(
            product({loss.type for loss in LOSSES}, SECOND)
        )
    else:
        sample += [(ACTIVATIONS[0], loss, "dense") for loss in LOSSES if all(loss is not case[1] for case in sample)]
    assert [len({str(case[of]) for case in sample}) for of in range(3)] == [len(ACTIVATIONS), len(LOSSES), len(SECOND)]
    for case in sample:
        passes(*case)
    record_property("cases", len(sample))


@pytest.mark.exhaustive
def test_every_activation_with_every_loss_and_layer_passes(record_property: Callable[[str, object], None]) -> None:
    for case in ALL:
        passes(*case)
    record_property("cases", len(ALL))


@pytest.mark.parametrize("factor", [1.00001, *(pytest.param(one, marks=pytest.mark.exhaustive) for one in (0.5, -1.0))])
@pytest.mark.parametrize("activation", [member() for member in members(Activation)], ids=lambda one: one.type)
def test_a_wrong_derivative_of_an_activation_is_found_in_its_layer(
    monkeypatch: pytest.MonkeyPatch, activation: Any, factor: float
) -> None:
    right = type(activation).backward

    def wrong(self: Any, kept: Any, grads: Any, scratch: Any) -> None:
        right(self, kept, grads, scratch)
        grads *= factor

    monkeypatch.setattr(type(activation), "backward", wrong)
    other = "tanh" if activation.type != "tanh" else "sigmoid"
    layers = [Dense(units=4, activation=other), Dense(units=4, activation=activation), Dense(units=3, activation=other)]
    result = checked(layers, MeanSquaredError())
    assert result.faults == ((1, 3) if activation.type == "identity" else (1,))
    spoilt = {array.name for array in result.arrays if not array.passed}
    before = {"layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"}
    if activation.type == "identity":  # that of the logits too: wrong twice may be right
        assert {"layers.2.weight", "layers.3.weight"} <= spoilt
    else:
        assert spoilt == before


@pytest.mark.parametrize("loss", LOSSES, ids=lambda one: one.type)
def test_a_wrong_derivative_of_a_loss_is_found_there(monkeypatch: pytest.MonkeyPatch, loss: Any) -> None:
    right = type(loss).value_and_gradient

    def wrong(self: Any, logits: Any, target: Any, weight: Any, out: Any, scratch: Any) -> float:
        value = right(self, logits, target, weight, out, scratch)
        out *= 1.00001
        return float(value)

    monkeypatch.setattr(type(loss), "value_and_gradient", wrong)
    result = checked([Dense(units=4, activation="tanh")], loss)
    assert result.faults == ("loss",)
    assert not any(array.passed for array in result.arrays)


@pytest.mark.parametrize("kind", SECOND)
def test_a_wrong_derivative_that_a_layer_hands_back_is_found_there(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    right = PLANNED[kind].backward

    def wrong(self: Any, params: Any, x: Any, dy: Any, workspace: Any, grads: Any) -> Any:
        dx = right(self, params, x, dy, workspace, grads)
        dx[:, 0] *= 1.00001
        return dx

    monkeypatch.setattr(PLANNED[kind], "backward", wrong)
    result = checked([Dense(units=4, activation="tanh"), SECOND[kind]], MeanSquaredError())
    assert result.faults == ((1, 2) if kind == "dense" else (1,))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("dense", "weight"),
        ("dense", "bias"),
        *product(["batch_norm", "layer_norm"], ["scale", "shift"]),
        ("scale", "scale"),
        ("parametric", "share"),
    ],
)
def test_one_wrong_parameter_is_named(monkeypatch: pytest.MonkeyPatch, kind: str, name: str) -> None:
    right = PLANNED[kind].backward

    def wrong(self: Any, params: Any, x: Any, dy: Any, workspace: Any, grads: Any) -> Any:
        dx = right(self, params, x, dy, workspace, grads)
        if self.index == 1:
            grads[name].reshape(-1)[2] *= 1.00001
        return dx

    monkeypatch.setattr(PLANNED[kind], "backward", wrong)
    result = checked([Dense(units=4, activation="tanh"), SECOND[kind]], MeanSquaredError())
    (array,) = [array for array in result.arrays if not array.passed]
    start = sum(one.compared for one in result.arrays[: result.arrays.index(array)])
    assert (result.faults, array.name) == ((1,), f"layers.1.{name}")
    assert (array.worst.start, array.worst.of_one) == (start + 2, True)


def test_one_wrong_parameter_of_a_large_network_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    right = DenseLayer.backward

    def wrong(self: Any, params: Any, x: Any, dy: Any, workspace: Any, grads: Any) -> Any:
        dx = right(self, params, x, dy, workspace, grads)
        if self.index == 1:
            grads["weight"][17, 5] += 0.01
        return dx

    layers = [Dense(units=80, activation="relu"), Dense(units=60, activation="tanh")]
    before = checked(layers, MeanSquaredError(), n_in=5)
    monkeypatch.setattr(DenseLayer, "backward", wrong)
    after = checked(layers, MeanSquaredError(), n_in=5)
    assert before.passed
    assert not before.every
    assert {array.compared for array in before.arrays} == {DIRECTIONS}
    (array,) = [array for array in after.arrays if not array.passed]
    assert EVERY < 80 * 60
    assert (array.name, array.worst.start, array.worst.of_one) == ("layers.1.weight", 5 * 80 + 17 * 60 + 5, True)
    assert after.faults == (1,)


@pytest.mark.parametrize("training", [{"penalty": {"l1": 0.01, "l2": 0.1}}, {"clip": {"norm": 1e-6, "value": 1e-6}}])
def test_penalties_are_part_of_the_gradient_and_bounds_are_not(training: Any) -> None:
    assert checked([Dense(units=4, activation="relu")], MeanSquaredError(), **training).passed


def test_a_missing_gradient_of_a_penalty_is_seen_and_no_layer_is_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bpcli.training.gradient_rules.GradientRules.apply", lambda *_: None)
    result = checked([Dense(units=4, activation="relu")], MeanSquaredError(), penalty={"l2": 0.1})
    assert (result.passed, result.faults) == (False, ())
    assert {array.name for array in result.arrays if not array.passed} == {"layers.0.weight", "layers.1.weight"}


def test_rectifiers_on_their_kinks_accuse_nobody(record_property: Callable[[str, object], None]) -> None:
    """With 64 neurons on 60 rows, some pre-activations are closer to 0 than the first step."""
    finer = 0
    for seed in range(3):
        result = checked([Dense(units=64, activation="relu")], MeanAbsoluteError(), rows=60, seed=seed)
        assert result.passed, result
        finer += sum(array.finer for array in result.arrays)
    assert finer >= 5
    record_property("cases", finer)


# Networks on real rows, at many points

NORMS = [
    {"units": 20, "activation": "leaky_relu"},
    {"type": "batch_norm"},
    {"units": 9, "activation": "elu"},
    {"type": "layer_norm"},
]
PLACES: dict[str, tuple[str, list[str]]] = {
    "xor": ("xor", []),
    "xor, hinge": ("xor", ["loss=hinge"]),
    "xor, norms": (
        "xor",
        ["layers=[batch_norm, {units: 5}, layer_norm, scale, parametric, {units: 3, activation: mish}]"],
    ),
    "penguins": ("penguins", []),
    "penguins, hinge": ("penguins", ["loss=hinge"]),
    "penguins, norms": ("penguins", [f"layers={NORMS}"]),
    "concrete, mae": ("concrete", ["loss=mae"]),
    "concrete, quantile": ("concrete", ["loss={type: quantile, quantile: 0.9}", "layers=[{units: 30}, {units: 30}]"]),
    "concrete, unscaled": ("concrete", ["data.encoders.numeric=none", "data.columns={}", "loss=huber"]),
    "auto_mpg, poisson": ("auto_mpg", ["loss=poisson"]),
    "credit": ("credit", []),
    "digits": ("digits", []),
}
SAMPLED = ("xor, hinge", "xor, norms", "concrete, unscaled", "auto_mpg, poisson")
"""Networks of the default run: kinks, norms, large numbers, a loss with an exponential."""


def no_false_alarm(name: str, rows: int, seeds: range) -> int:
    config, overrides = PLACES[name]
    loaded = load_config(CONFIGS / f"{config}.yaml", ["dtype=float64", *overrides])
    prepared = prepare(loaded.config, loaded.folder)
    for seed in seeds:
        result = check_gradient(prepared.plan, rows, seed)
        assert result.passed, (name, rows, seed, result)
    return len(seeds)


@pytest.mark.parametrize(("rows", "seed"), [(16, 7), pytest.param(64, 2, marks=pytest.mark.exhaustive)])
def test_strong_curvature_is_no_wrong_gradient(rows: int, seed: int) -> None:
    """Networks in which a norm makes the first step's truncation error slightly exceed the tolerance."""
    assert no_false_alarm("penguins, norms", rows, range(seed, seed + 1)) == 1


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in SAMPLED else pytest.mark.exhaustive) for name in PLACES]
)
def test_no_right_gradient_is_called_wrong(name: str, record_property: Callable[[str, object], None]) -> None:
    record_property("cases", sum(no_false_alarm(name, rows, range(1)) for rows in (1, 2, 16)))


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", PLACES)
def test_no_right_gradient_is_called_wrong_at_many_places(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    seeds = range(1, 40 if name.startswith("xor") else 8)
    record_property("cases", sum(no_false_alarm(name, rows, seeds) for rows in (1, 2, 16, 64)))
