from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from math import cos, pi, sin
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import FLOAT32, FLOAT64, layout, members
from pydantic import TypeAdapter, ValidationError

from bpcli.arrays.memory import Array
from bpcli.nn.optimizers import OptimizerSpec, RateFactors
from bpcli.nn.optimizers.adam import Adam
from bpcli.nn.optimizers.adam_variants import Adamw, Nadam
from bpcli.nn.optimizers.adaptive import Adadelta, Adagrad, Rmsprop
from bpcli.nn.optimizers.rprop import Rprop
from bpcli.nn.optimizers.sgd import Sgd
from bpcli.nn.optimizers.update import BLOCK, Update

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "optimizers.json").read_text(encoding="utf-8"))
SPEC: TypeAdapter[Any] = TypeAdapter(OptimizerSpec)
EVERY_OPTION = [SPEC.validate_python(case["spec"]) for case in GOLDEN["cases"]]


def named(spec: Any) -> str:
    options = spec.model_dump(exclude_defaults=True)
    return ",".join([spec.type, *(f"{key}={value}" for key, value in options.items())])


def golden_gradient(params: Array, step: int) -> Array:
    """The function of golden/make_optimizers.py."""
    disturbance = [0.3 * sin(0.7 * step * (i + 1)) for i in range(len(params))]
    return np.array(GOLDEN["curvatures"]) * params + np.array(disturbance)


class Optimizer:
    """Optimizer with the state of one parameter vector."""

    def __init__(self, spec: Any, params: Array, weights: int = 0, block: int = BLOCK) -> None:
        self.state = spec.init(len(params), params.dtype)
        self._update = Update(spec, layout(len(params), weights), params.dtype, block)

    def update(self, grads: Array, learning_rate: float, out: Array) -> None:
        self._update.take(self._update.parts(out[None], grads[None], self.state), learning_rate, self.state)


# Against PyTorch


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: named(SPEC.validate_python(case["spec"])))
def test_a_hundred_steps_end_where_those_of_pytorch_do(case: dict[str, Any]) -> None:
    spec = SPEC.validate_python(case["spec"])
    params = np.array(GOLDEN["start"])
    optimizer = Optimizer(spec, params, GOLDEN["weights"])
    for step in range(1, 101):
        learning_rate = spec.learning_rate * case["rate_decay"] ** (step - 1)
        optimizer.update(golden_gradient(params, step), learning_rate, params)
        if expected := case["positions"].get(str(step)):
            np.testing.assert_allclose(params, expected, rtol=1e-10, atol=1e-12, err_msg=f"{step=}")
    assert optimizer.state.steps == 100


def test_every_optimizer_is_held_against_pytorch() -> None:
    assert {type(spec) for spec in EVERY_OPTION} == set(members(OptimizerSpec))


# By hand


def test_weight_decay_shrinks_the_weights_and_nothing_else() -> None:
    params = np.array([1.0, -2.0, 3.0])
    Optimizer(Adamw(weight_decay=0.1), params, weights=2).update(np.zeros(3), 0.5, params)
    assert params == pytest.approx([0.95, -1.9, 3.0])


def test_the_weight_decay_of_a_step_follows_its_schedule() -> None:
    """Half a cosine over 4 epochs of 2 steps; the update takes the decay of the step."""
    rule = Adamw(weight_decay=0.2, decay_schedule="cosine")
    decays = [rule.decay_at(epoch, step, 2, 4) for epoch, step in ((0, 0), (2, 0), (3, 1))]
    assert decays == pytest.approx([0.2, 0.1, 0.2 * (1 + cos(pi * 7 / 8)) / 2])
    assert Adamw(weight_decay=0.2).decay_at(3, 1, 2, 4) == 0.2
    params = np.array([1.0, -2.0, 3.0])[None]
    state, update = rule.init(3, FLOAT64), Update(rule, layout(3, 2), FLOAT64)
    update.take(update.parts(params, np.zeros((1, 3)), state), 0.5, state, decays[1])
    assert params[0] == pytest.approx([0.95, -1.9, 3.0])


@pytest.mark.parametrize("schedule", ["reduce_on_plateau", "none", {"type": "step", "gamma": 2.0}])
def test_the_weight_decay_follows_a_schedule_of_the_steps_alone(schedule: object) -> None:
    with pytest.raises(ValidationError, match="decay_schedule"):
        SPEC.validate_python({"type": "adamw", "decay_schedule": schedule})


def test_a_schedule_scales_the_steps_that_rprop_takes_and_not_those_that_it_remembers() -> None:
    # Steps of 0.1, 0.12, 0.144 while the sign stays, the second of them halved by the schedule.
    params = np.array([0.0])
    optimizer = Optimizer(Rprop(learning_rate=0.1), params)
    walked = []
    for learning_rate in (0.1, 0.05, 0.1):
        optimizer.update(np.array([7.0]), learning_rate, params)
        walked.append(float(params[0]))
    assert walked == pytest.approx([-0.1, -0.16, -0.304])


def test_rprop_halves_its_step_and_waits_once_when_the_sign_changes() -> None:
    # iRprop-: +: move down by 0.1. -: the step becomes 0.05, no move. -: as if the previous sign were 0, move up by
    # 0.05. -: same sign, move up by 0.06. Gradient 0: no move. -: move up by 0.06.
    params = np.array([0.0])
    optimizer = Optimizer(Rprop(learning_rate=0.1), params)
    walked = []
    for gradient in (3.0, -2.0, -0.1, -9.0, 0.0, -1.0):
        optimizer.update(np.array([gradient]), 0.1, params)
        walked.append(float(params[0]))
    assert walked == pytest.approx([-0.1, -0.1, -0.05, 0.01, 0.01, 0.07])


def test_the_first_step_of_adam_has_the_size_of_the_learning_rate() -> None:
    # m̂ = g and v̂ = g², so the step is lr g / (|g| + ε).
    params = np.zeros(3)
    Optimizer(Adam(), params).update(np.array([1e-3, -5.0, 2e4]), 0.01, params)
    assert params == pytest.approx([-0.01, 0.01, -0.01], rel=1e-4)


# Convergence


def quadratic(p: Array) -> tuple[float, Array]:
    return 0.5 * float(p @ p), p.copy()


def badly_scaled(p: Array) -> tuple[float, Array]:
    curvatures = np.array([100.0, 1.0])
    return 0.5 * float(curvatures @ p**2), curvatures * p


def valley(p: Array) -> tuple[float, Array]:
    """Rosenbrock's, with a valley five times as steep across as along: (1 - x)² + 5 (y - x²)²."""
    x, y = p
    across = y - x * x
    return float((1.0 - x) ** 2 + 5.0 * across**2), np.array([-2.0 * (1.0 - x) - 20.0 * x * across, 10.0 * across])


FUNCTIONS = [quadratic, badly_scaled, valley]
CONVERGENT = [
    Sgd(learning_rate=0.01),
    Sgd(learning_rate=0.01, momentum=0.9),
    Sgd(learning_rate=0.01, momentum=0.9, nesterov=True),
    Rprop(),
    Adagrad(learning_rate=0.5),
    Rmsprop(learning_rate=0.01),
    Adadelta(epsilon=1e-4),
    Adam(learning_rate=0.05),
    Adam(learning_rate=0.05, amsgrad=True),
    Adamw(learning_rate=0.05, weight_decay=1e-4),
    Nadam(learning_rate=0.05),
]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
@pytest.mark.parametrize("spec", CONVERGENT, ids=named)
def test_every_optimizer_finds_the_minimum(spec: Any, function: Callable[[Array], tuple[float, Array]]) -> None:
    params = np.array([-1.0, 1.5])
    optimizer = Optimizer(spec, params)
    for step in range(1500):
        _, gradient = function(params)
        # With a constant step size, optimizers that ignore the gradient's size circle around the minimum.
        optimizer.update(gradient, spec.learning_rate * (1.0 - step / 1500), params)
    assert function(params)[0] < 1e-3


def test_every_optimizer_is_in_the_table_of_convergence() -> None:
    assert {type(spec) for spec in CONVERGENT} == set(members(OptimizerSpec))


# Blocks, state, memory


def gradients(steps: int, size: int, dtype: np.dtype[Any]) -> list[Array]:
    generator = np.random.default_rng(0)
    return [generator.normal(size=size).astype(dtype) for _ in range(steps)]


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)
@pytest.mark.parametrize("spec", EVERY_OPTION, ids=named)
def test_a_vector_longer_than_a_block_gives_the_bits_of_several_short_ones(spec: Any, dtype: np.dtype[Any]) -> None:
    size, weights = 21, 13
    long = gradients(1, size, dtype)[0]
    parts = [slice(0, 8), slice(8, 13), slice(13, 21)]
    short = [long[part].copy() for part in parts]
    optimizer = Optimizer(spec, long, weights, block=8)
    pieces = [Optimizer(spec, p, len(p) if part.stop <= weights else 0) for p, part in zip(short, parts, strict=True)]
    for grads in gradients(5, size, dtype):
        optimizer.update(grads, spec.learning_rate, long)
        for piece, p, part in zip(pieces, short, parts, strict=True):
            piece.update(grads[part], spec.learning_rate, p)
    np.testing.assert_array_equal(long, np.concatenate(short))


@pytest.mark.parametrize("spec", EVERY_OPTION, ids=named)
def test_a_copy_of_the_state_goes_on_with_the_same_bits(spec: Any) -> None:
    params = np.array(GOLDEN["start"], FLOAT32)
    first = Optimizer(spec, params, 5)
    steps = gradients(20, len(params), FLOAT32)
    for grads in steps[:10]:
        first.update(grads, spec.learning_rate, params)
    resumed_params = params.copy()
    second = Optimizer(spec, resumed_params, 5)
    second.state = deepcopy(first.state)
    for grads in steps[10:]:
        first.update(grads, spec.learning_rate, params)
        second.update(grads, spec.learning_rate, resumed_params)
    np.testing.assert_array_equal(resumed_params, params)


@pytest.mark.parametrize("spec", EVERY_OPTION, ids=named)
def test_a_step_keeps_the_dtype_and_leaves_the_gradient_alone(spec: Any) -> None:
    params = np.ones(3, FLOAT32)
    grads = np.array([1.0, -2.0, 0.5], FLOAT32)
    optimizer = Optimizer(spec, params)
    optimizer.update(grads, spec.learning_rate, params)
    assert grads.tolist() == [1.0, -2.0, 0.5]
    assert {slot.dtype for slot in optimizer.state.slots.values()} <= {FLOAT32}
    assert np.isfinite(params).all()
    assert (np.sign(1.0 - params) == np.sign(grads)).all()


@pytest.mark.parametrize(
    ("spec", "slots"),
    [
        (Sgd(), []),
        (Sgd(momentum=0.9), ["v"]),
        (Adam(), ["m", "v"]),
        (Adam(amsgrad=True), ["m", "v", "v_max"]),
    ],
    ids=["sgd", "momentum", "adam", "amsgrad"],
)
def test_an_optimizer_remembers_only_what_it_needs(spec: Any, slots: list[str]) -> None:
    assert list(spec.init(2, FLOAT64).slots) == slots


def test_one_rule_serves_several_states_by_turns() -> None:
    """The optimizer has no hidden state: two vectors that alternate end where each ends alone."""
    spec, alone = Nadam(), [np.array([1.0, -2.0]), np.array([3.0, 0.5])]
    turns, optimizers = [params.copy() for params in alone], [Optimizer(spec, params) for params in alone]
    update, states = Update(spec, layout(2), FLOAT64), [spec.init(2, FLOAT64) for _ in alone]
    for params, optimizer in zip(alone, optimizers, strict=True):
        for _ in range(5):
            optimizer.update(params.copy(), 0.1, params)
    for _ in range(5):
        for params, state in zip(turns, states, strict=True):
            update.take(update.parts(params[None], params[None].copy(), state), 0.1, state)
    assert np.array_equal(alone, turns)
    assert [state.numbers for state in states] == [optimizers[0].state.numbers] * 2


def factored(spec: Any) -> Any:
    return spec.model_copy(update={"rate_factors": RateFactors(weights="inverse_sqrt_fan_in", biases=0.1)})


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)
@pytest.mark.parametrize("spec", EVERY_OPTION, ids=named)
def test_each_kind_of_parameter_has_its_own_learning_rate(spec: Any, dtype: np.dtype[Any]) -> None:
    """13 weights of sums of 4 inputs: factor 1/2; 8 biases: factor 0.1. Weight decay is without the factor."""
    size, weights = 21, 13
    params = gradients(1, size, dtype)[0]
    parts = [(slice(0, 13), 0.5), (slice(13, 21), 0.1)]
    alone = [params[part].copy() for part, _ in parts]
    optimizer = Optimizer(factored(spec), params, weights, block=8)
    plain = spec.model_copy(update={"weight_decay": 0.0}) if spec.decay else spec
    pieces = [Optimizer(plain, p) for p in alone]
    for grads in gradients(5, size, dtype):
        optimizer.update(grads, spec.learning_rate, params)
        alone[0] *= 1.0 - spec.learning_rate * spec.decay
        for piece, p, (part, factor) in zip(pieces, alone, parts, strict=True):
            piece.update(grads[part], spec.learning_rate * factor, p)
    np.testing.assert_array_equal(params, np.concatenate(alone))


@pytest.mark.parametrize("spec", EVERY_OPTION, ids=named)
def test_factors_of_1_change_no_bit(spec: Any) -> None:
    params = np.array(GOLDEN["start"], FLOAT32)
    same = params.copy()
    ones = Optimizer(spec.model_copy(update={"rate_factors": RateFactors()}), same, 5)
    optimizer = Optimizer(spec, params, 5)
    for grads in gradients(5, len(params), FLOAT32):
        optimizer.update(grads, spec.learning_rate, params)
        ones.update(grads, spec.learning_rate, same)
    np.testing.assert_array_equal(params, same)


def test_adams_first_step_has_the_size_of_the_learning_rate_and_its_factor() -> None:
    params = np.zeros(3)
    Optimizer(factored(Adam()), params, weights=2).update(np.array([1e-3, -5.0, 2e4]), 0.01, params)
    assert params == pytest.approx([-0.005, 0.005, -0.001], rel=1e-4)


@pytest.mark.parametrize(
    "factors", [{"weights": 0.0}, {"biases": -1.0}, {"scales": "inverse_sqrt_fan_in"}, {"weights": "sqrt"}, {"bias": 1}]
)
def test_a_rate_factor_is_a_positive_number_of_a_kind_of_parameter(factors: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="rate_factors"):
        SPEC.validate_python({"type": "adam", "rate_factors": factors})


@pytest.mark.parametrize("spec", [Adamw(weight_decay=0.1), Nadam(), factored(Adamw(weight_decay=0.1))], ids=named)
def test_members_take_their_steps_side_by_side(spec: Any) -> None:
    """Three members; the first two of five parameters decay; blocks of two."""
    together = np.random.default_rng(1).normal(size=(3, 5))
    alone = together.copy()
    update, state = Update(spec, layout(5, 2), FLOAT64, block=2), spec.init(5, FLOAT64, members=3)
    optimizers = [Optimizer(spec, params, 2, block=2) for params in alone]
    for _ in range(4):
        update.take(update.parts(together, together.copy(), state), 0.1, state)
        for params, optimizer in zip(alone, optimizers, strict=True):
            optimizer.update(params.copy(), 0.1, params)
    assert np.array_equal(alone, together)
    assert {slot.shape for slot in state.slots.values()} == {(3, 5)}


def test_the_product_of_momenta_is_nadams_alone() -> None:
    """μ of the first two steps: β1 (1 - 0.96^(t · momentum_decay) / 2)."""
    carrying = [type(spec) for spec in EVERY_OPTION if spec.init(1, FLOAT64).numbers]
    assert set(carrying) == {Nadam}
    spec = Nadam(beta1=0.9, momentum_decay=1.0)
    state = spec.init(1, FLOAT64)
    spec.advance(state)
    spec.advance(state)
    expected = 0.9 * (1 - 0.5 * 0.96) * 0.9 * (1 - 0.5 * 0.96**2)
    assert (state.steps, state.numbers["product"]) == (2, pytest.approx(expected, rel=1e-15))


@pytest.mark.parametrize("learning_rate", [0.0, -0.1, float("nan"), float("inf"), "0.1", True])
def test_a_learning_rate_must_be_a_positive_number(learning_rate: object) -> None:
    with pytest.raises(ValidationError, match="learning_rate"):
        SPEC.validate_python({"type": "adam", "learning_rate": learning_rate})
