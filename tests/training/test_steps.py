"""All implementations of steps agree: to the bit for any number of threads, approximately for machine code."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from experiments import plan
from steps_taken import Make, assert_close, dismiss_crews, taken, taking, vectors_equal

from bpcli.arrays.fields import Batch, Field, Grid
from bpcli.arrays.rows import Rows
from bpcli.errors import DivergedError
from bpcli.nn.activations.bounded import Identity, Tanh
from bpcli.nn.activations.gated import Gelu
from bpcli.nn.activations.rectified import LeakyRelu, Relu
from bpcli.nn.activations.sigmoids import Sigmoid
from bpcli.nn.compiled.program import cuts
from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.nn.layers.conv import Conv
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dropout import Dropout
from bpcli.nn.layers.max_pool import MaxPool
from bpcli.nn.layers.parametric import Parametric
from bpcli.nn.layers.scale import Scale
from bpcli.nn.losses.classification import BinaryCrossEntropy, CrossEntropy
from bpcli.nn.losses.regression import MeanSquaredError
from bpcli.nn.optimizers import RateFactors
from bpcli.nn.optimizers.adam import Adam
from bpcli.nn.optimizers.adam_variants import Adamw
from bpcli.nn.optimizers.adaptive import Rmsprop
from bpcli.nn.optimizers.sgd import Sgd
from bpcli.nn.schedules.constant import Constant
from bpcli.nn.schedules.cosine import Cosine
from bpcli.training.epochs import EpochCloser
from bpcli.training.plan import TrainingPlan
from bpcli.training.spec import Clip, Penalty, TrainingSpec
from bpcli.training.stepping import Stepping
from bpcli.training.steps import choose_stepping
from bpcli.training.steps.choice import numpy_seconds
from bpcli.training.steps.compiled import CompiledSteps
from bpcli.training.steps.serial import SerialSteps
from bpcli.training.steps.sharded import ShardedSteps

RULES: list[dict[str, Any]] = [
    {},
    {"penalty": Penalty(l1=0.01, l2=0.02)},
    {"clip": Clip(value=0.001)},
    {"clip": Clip(norm=0.01), "penalty": Penalty(l2=0.1)},
]
NETWORKS = {
    "dense": [Dense(units=24, activation=Relu()), Dense(units=8, activation=Tanh())],
    "dropout": [Dropout(rate=0.2), Dense(units=24, activation=LeakyRelu(slope=0.2)), Dropout(rate=0.5)],
}


def example(
    layers: Any = tuple(NETWORKS["dense"]), loss: Any = None, weighted: bool = False, rows: int = 300, **given: Any
) -> TrainingPlan:
    """Five inputs, three outputs, batches of 64 and a short last batch."""
    generator = np.random.default_rng(0)
    loss = loss or CrossEntropy()
    x = generator.normal(size=(rows, 5))
    y = {"mse": generator.normal(size=(rows, 3)), "binary_cross_entropy": generator.integers(0, 2, (rows, 3))}.get(
        loss.type, generator.integers(0, 3, rows)
    )
    weight = generator.uniform(0.5, 2.0, rows) if weighted else None
    rules = {name: given.pop(name) for name in ("penalty", "clip") if name in given}
    spec = TrainingSpec(epochs=4, batch_size=64, **rules)
    return plan(x, y, spec, weight=weight, layers=layers, loss=loss, dtype=np.float32, **given)


SHARDED, IN_PARTS = Stepping("sharded", 3, block_inputs=4), Stepping("compiled", 3, line=2)
"""Small steps, divided as only long steps are by default."""

serial, compiled = taking(Stepping()), taking(Stepping("compiled"))


@pytest.fixture(autouse=True)
def crews_are_dismissed() -> Any:
    yield
    dismiss_crews()


@pytest.mark.parametrize("stepping", [SHARDED, IN_PARTS], ids=lambda stepping: stepping.way)
@pytest.mark.parametrize("rules", RULES, ids=str)
@pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_the_number_of_threads_does_not_change_a_bit(
    stepping: Stepping, rules: Any, layers: Any, weighted: bool
) -> None:
    of = example(layers, weighted=weighted, optimizer=Adamw(weight_decay=0.1), **rules)
    alone, losses = taken(of, taking(stepping))
    for lanes in (2, 3):
        together, same_losses = taken(of, taking(stepping, lanes))
        assert vectors_equal(alone, together)
        assert losses == same_losses


WITHOUT_MACHINE_CODE = {
    "without biases": [Dense(units=24, activation=Relu(), bias=False), Dense(units=8, activation=Tanh(), bias=False)],
    "scheduled dropout": [
        Dense(units=24, activation=Relu()),
        Dropout(rate=1e-6, schedule="constant"),
        Dense(units=8, activation=Tanh()),
    ],
    "parametric": [Dense(units=24, activation=Identity()), Parametric(), Dense(units=8), Parametric(activation=Tanh())],
    "scale": [Scale(), Dense(units=24, activation=Relu()), Scale(), Dense(units=8, activation=Tanh()), Scale()],
}


@pytest.mark.parametrize("rules", RULES, ids=str)
@pytest.mark.parametrize("layers", WITHOUT_MACHINE_CODE.values(), ids=WITHOUT_MACHINE_CODE)
def test_shards_of_layers_without_machine_code_take_the_steps_of_the_whole_batch(layers: Any, rules: Any) -> None:
    of = example(layers, weighted=True, optimizer=Adamw(weight_decay=0.1), **rules)
    whole, losses = taken(of, serial)
    alone, _ = taken(of, taking(SHARDED))
    together, same_losses = taken(of, taking(SHARDED, 3))
    assert vectors_equal(alone, together)
    assert_close(whole, together)
    np.testing.assert_allclose(same_losses, losses, rtol=1e-5)


FACTORS = RateFactors(weights="inverse_sqrt_fan_in", biases=0.1)
RULES_OF_UPDATE = [
    Sgd(learning_rate=0.1, momentum=0.9),
    Adamw(weight_decay=0.1),
    Adamw(weight_decay=0.1, rate_factors=FACTORS),
    Rmsprop(),
]


@pytest.mark.parametrize("rules", RULES, ids=str)
@pytest.mark.parametrize("rule", RULES_OF_UPDATE, ids=repr)
@pytest.mark.parametrize("loss", [CrossEntropy(), MeanSquaredError()], ids=repr)
def test_shards_take_the_steps_of_the_whole_batch(rules: Any, rule: Any, loss: Any) -> None:
    of = example(loss=loss, optimizer=rule, weighted=True, **rules)
    whole, losses = taken(of, serial)
    parts, same_losses = taken(of, taking(SHARDED, 2))
    assert_close(whole, parts)
    np.testing.assert_allclose(same_losses, losses, rtol=1e-5)


@pytest.mark.parametrize("schedule", [None, "constant"])
def test_shards_drop_inputs_of_their_own(schedule: Any) -> None:
    layers = [Dropout(rate=0.5, schedule=schedule), Dense(units=4, activation=Identity())]
    of = replace(example(layers), stepping=Stepping("sharded", 2))
    steps = taking(of.stepping)(of, of.new_state())
    assert isinstance(steps, ShardedSteps)
    ones, targets = np.ones((64, 5), np.float32), np.eye(3, dtype=np.float32)[[0] * 64]
    steps._step(Batch((ones,), targets), of.optimizer.learning_rate)
    kept = steps._memory(64).outputs[0] > 0
    assert not np.array_equal(kept[:32], kept[32:])
    assert 0.4 < kept.mean() < 0.6


COMPILED = [
    *product([Relu(), LeakyRelu(slope=0.3), Tanh(), Sigmoid(), Identity()], [CrossEntropy()], [Adam()]),
    *product(
        [Relu()],
        [BinaryCrossEntropy(), MeanSquaredError(), CrossEntropy(label_smoothing=0.2)],
        [Adamw(weight_decay=0.1)],
    ),
    *product([Tanh()], [MeanSquaredError()], [Sgd(), Sgd(momentum=0.9), Sgd(momentum=0.9, nesterov=True)]),
]


@pytest.mark.parametrize(("activation", "loss", "rule"), COMPILED, ids=repr)
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_machine_code_takes_the_steps_of_numpy(activation: Any, loss: Any, rule: Any, weighted: bool) -> None:
    layers = [Dense(units=24, activation=activation), Dense(units=8, activation=activation)]
    of = example(layers, loss, weighted, optimizer=rule, schedule=Cosine(warmup_epochs=0.5))
    expected, losses = taken(of, serial)
    state, same_losses = taken(of, compiled)
    assert_close(expected, state)
    np.testing.assert_allclose(same_losses, losses, rtol=1e-5)


@pytest.mark.parametrize("rules", RULES, ids=str)
@pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("lanes", [1, 3])
def test_machine_code_in_parts_keeps_the_rules_and_drops_what_numpy_drops(layers: Any, rules: Any, lanes: int) -> None:
    of = example(layers, optimizer=Sgd(learning_rate=0.1), **rules)
    expected, losses = taken(of, serial)
    state, same_losses = taken(of, taking(IN_PARTS, lanes))
    assert_close(expected, state, rtol=2e-5)
    np.testing.assert_allclose(same_losses, losses, rtol=1e-5)


@pytest.mark.parametrize("units", [8, 300], ids=["loops", "BLAS"])
def test_machine_code_multiplies_small_and_large_matrices(units: int) -> None:
    of = example([Dense(units=units), Dense(units=units)], MeanSquaredError(), optimizer=Sgd(learning_rate=0.01))
    expected, _ = taken(of, serial)
    state, _ = taken(of, compiled)
    assert_close(expected, state, rtol=2e-5)


def looked(of: TrainingPlan, make: Make, epochs: int = 3) -> list[Any]:
    """Health in some epochs of a given implementation."""
    state = of.new_state()
    steps = make(of, state)
    closer, found = EpochCloser(steps), []
    with np.errstate(all="ignore"):
        for epoch in range(epochs):
            order = np.random.default_rng(epoch).permutation(of.train.rows)
            sums = [step for taken in steps.epoch(order, epoch, 0) for step in taken]
            state.count(loss_sum=sum(loss for loss, _ in sums), weight_sum=sum(weight for _, weight in sums))
            found.append(closer.finish_epoch(0.0, 0.0).health)
    return found


@pytest.mark.parametrize("rules", [{}, {"clip": Clip(norm=0.01), "penalty": Penalty(l2=0.1)}], ids=str)
def test_all_ways_of_taking_steps_see_the_same(rules: Any) -> None:
    layers = [Dense(units=24), Dropout(rate=0.2), Dense(units=8, activation=Sigmoid())]
    of = example(layers[:1] + layers[2:], optimizer=Adam(), **rules)
    expected = looked(of, serial)
    assert [layer.layer for layer in expected[0]] == [0, 1, 2]
    for stepping in (SHARDED, IN_PARTS):
        alone, together = (looked(of, taking(stepping, lanes)) for lanes in (1, 3))
        assert alone == together
        for ours, theirs in zip(expected, alone, strict=True):
            for one, other in zip(ours, theirs, strict=True):
                assert [value is None for value in other] == [value is None for value in one]
                known = [(a, b) for a, b in zip(one, other, strict=True) if a is not None]
                np.testing.assert_allclose(*zip(*known, strict=True), rtol=1e-3)
    of = example(layers, optimizer=Adam(), **rules)
    assert looked(of, taking(IN_PARTS, 1)) == looked(of, taking(IN_PARTS, 3))


@pytest.mark.parametrize("way", ["compiled", "serial"])
def test_an_epoch_goes_on_from_any_step(way: Any) -> None:
    of = example(NETWORKS["dropout"])
    whole, _ = taken(of, taking(Stepping(way)), epochs=1)
    state, make = of.new_state(), taking(Stepping(way, gathered_bytes=1))
    order = np.random.default_rng(0).permutation(of.train.rows)
    with np.errstate(all="ignore"):
        halves = make(of, state).epoch(order, 0, 0)
        assert len(next(halves)) == len(next(halves)) == 1
        list(make(of, state).epoch(order, 0, 2))
    assert vectors_equal(whole, state)


@pytest.mark.parametrize(
    "make",
    [serial, compiled, taking(SHARDED, 2), taking(IN_PARTS, 2)],
    ids=["serial", "compiled", "shared", "compiled and shared"],
)
def test_divergence_is_found_at_its_step_and_leaves_the_state_before_it(make: Any) -> None:
    of = example(loss=MeanSquaredError(), optimizer=Sgd(learning_rate=1e18))
    state = of.new_state()
    with (
        np.errstate(all="ignore"),
        pytest.raises(
            DivergedError, match=r"epoch 1, step 3, at learning rate 1e\+18: non-finite loss after layer 2 \(dense\)"
        ),
    ):
        list(make(of, state).epoch(np.arange(of.train.rows), 0, 0))
    assert state.optimizer.steps == 2
    assert np.isfinite(state.params).all()


@pytest.mark.parametrize(
    ("changes", "possible"),
    [
        ({}, True),
        ({"layers": [Dense(units=3, activation=Gelu())]}, False),
        ({"layers": [BatchNorm(), Dense(units=3)]}, False),
        ({"layers": [Dense(units=3, bias=False)]}, False),
        ({"layers": [Scale(), Dense(units=3)]}, False),
        ({"loss": CrossEntropy(label_smoothing=0.1)}, True),
        ({"loss": MeanSquaredError(link="sigmoid")}, False),
        ({"optimizer": Adam(amsgrad=True)}, False),
        ({"optimizer": Rmsprop()}, False),
        ({"optimizer": Adam(rate_factors=FACTORS)}, False),
        ({"optimizer": Adamw(decay_schedule="cosine")}, False),
        ({"layers": [Dropout(rate=0.1, schedule="cosine")]}, False),
        ({"optimizer": Sgd(rate_factors=FACTORS)}, False),
    ],
    ids=str,
)
def test_what_has_no_machine_code_is_left_to_numpy(changes: Any, possible: bool) -> None:
    stepping = choose_stepping(example(**{"optimizer": Adam(), **changes}), compiled_from=0.0, can_compile=lambda: True)
    assert stepping.compiled is possible


def test_double_precision_is_left_to_numpy() -> None:
    of = plan([[0.0], [1.0]], [[0.0], [1.0]], optimizer=Adam(), dtype=np.float64)
    assert choose_stepping(of, compiled_from=0.0, can_compile=lambda: True) == Stepping()


def test_a_plan_without_machine_code_cannot_be_compiled() -> None:
    with pytest.raises(ValueError, match="no compiled kernels"):
        compiled(example(optimizer=Rmsprop()), example(optimizer=Rmsprop()).new_state())


def test_a_plan_with_a_layer_that_treats_rows_together_cannot_be_sharded() -> None:
    of = example([BatchNorm(), Dense(units=3)])
    with pytest.raises(TypeError, match="batch_norm does not compute each row independently"):
        taking(SHARDED)(of, of.new_state())


def test_machine_code_is_used_for_long_epochs_where_it_can_be_made() -> None:
    of = example(optimizer=Adam(), schedule=Constant())
    assert choose_stepping(of) == of.stepping == Stepping()
    seconds = numpy_seconds(of)
    assert choose_stepping(of, compiled_from=seconds, can_compile=lambda: True) == Stepping("compiled")
    assert choose_stepping(of, compiled_from=1.001 * seconds, can_compile=lambda: True) == Stepping()
    assert choose_stepping(of, compiled_from=seconds, can_compile=lambda: False) == Stepping()


def test_steps_are_taken_in_the_way_that_the_plan_says() -> None:
    of = example()
    ways = [type(make(of, of.new_state())) for make in (serial, taking(SHARDED), compiled)]
    assert ways == [SerialSteps, ShardedSteps, CompiledSteps]


def long_steps(rows: int, *layers: Any, **given: Any) -> Stepping:
    """Choice for one step per epoch on 784 inputs."""
    x, y = np.zeros((rows, 784), np.float32), np.zeros(rows, int)
    of = plan(x, y, TrainingSpec(batch_size="full"), layers=layers, loss=CrossEntropy(), dtype=np.float32)
    return choose_stepping(of, can_compile=lambda: True, **given)


def test_threads_are_for_long_steps_of_layers_that_treat_each_row_by_itself() -> None:
    def shards(rows: int, *layers: Any) -> int:
        return long_steps(rows, *layers, compiled_from=float("inf")).parts

    assert shards(128, Dense(units=512), Dense(units=256)) == 2
    assert shards(1024, Dense(units=512), Dropout(rate=0.1), Dense(units=256)) == 8
    assert shards(1024, Dense(units=512), BatchNorm(), Dense(units=256)) == 1
    assert shards(512, Dense(units=2048)) == 2
    assert shards(32, Dense(units=512), Dense(units=256)) == 1


def test_a_few_images_are_work_for_a_thread() -> None:
    def shards(rows: int, *layers: Any) -> int:
        images = Rows((Field("image", Grid((28, 28, 1))),), (np.zeros((rows, 28, 28, 1), np.float32),), np.dtype("f4"))
        spec = TrainingSpec(batch_size="full")
        of = plan(images, np.zeros(rows, int), spec, layers=layers, loss=CrossEntropy(), dtype=np.float32)
        return choose_stepping(of, compiled_from=float("inf")).parts

    network = [Conv(filters=16), MaxPool(), Conv(filters=32), MaxPool(), Dense(units=128)]
    assert [shards(rows, *network) for rows in (8, 32, 128, 512)] == [1, 2, 8, 8]
    assert shards(128, Conv(filters=16), BatchNorm(), Conv(filters=32)) == 1


def test_machine_code_is_cut_between_the_outputs_of_wide_layers() -> None:
    def parts(rows: int, units: int) -> int:
        chosen = long_steps(rows, Dense(units=units), compiled_from=0.0)
        assert chosen.compiled
        return chosen.parts

    assert [parts(128, units) for units in (64, 256, 512, 2048, 4096)] == [1, 1, 2, 4, 4]
    assert parts(16, 512) == 1
    assert cuts(100, 3, 16) == [0, 32, 64, 100]
    assert cuts(10, 3, 16) == [0, 0, 0, 10]


def test_a_failure_in_one_lane_lets_the_others_go(monkeypatch: pytest.MonkeyPatch) -> None:
    of = example()
    steps = taking(IN_PARTS, 2)(of, of.new_state())

    def fail(lane: int) -> None:
        if lane == 1:
            raise ZeroDivisionError

    monkeypatch.setattr("bpcli.training.steps.compiled.move_to_core", fail)
    with pytest.raises(ZeroDivisionError):
        list(steps.epoch(np.arange(of.train.rows), 0, 0))
