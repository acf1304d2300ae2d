"""Training as a whole: bitwise equal after an interruption, errors of divergence, and memory."""

import tracemalloc
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from experiments import after, plan, reports, snapshot, timeless
from networks import members

from bpcli.arrays.fields import Field
from bpcli.arrays.rows import Rows, records_of
from bpcli.errors import DivergedError, ExitCode
from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dropout import Dropout
from bpcli.nn.layers.gathering import GATHERED_FROM
from bpcli.nn.layers.layer_norm import LayerNorm
from bpcli.nn.losses.classification import CrossEntropy
from bpcli.nn.losses.log_link import Poisson
from bpcli.nn.losses.regression import MeanAbsoluteError, MeanSquaredError
from bpcli.nn.optimizers import OptimizerSpec
from bpcli.nn.optimizers.adam import Adam
from bpcli.nn.optimizers.sgd import Sgd
from bpcli.nn.schedules.constant import Constant
from bpcli.training.loop import train
from bpcli.training.plan import EpochReport, Progress, TrainingPlan
from bpcli.training.spec import Average, Clip, EarlyStopping, Penalty, TrainingSpec

GENERATOR = np.random.default_rng(0)
ROWS, EPOCHS, STEPS = 22, 4, 5
X = GENERATOR.normal(size=(ROWS, 3))
CLASSES = (X[:, 0] > X[:, 1]).astype(int) + (X[:, 2] > 0)
OTHERS = (GENERATOR.normal(size=(9, 3)), np.arange(9) % 3)


def classifier(optimizer: Any, dtype: Any = np.float32) -> TrainingPlan:
    spec = TrainingSpec(
        epochs=EPOCHS, batch_size=5, early_stopping=EarlyStopping(), clip=Clip(norm=1.0), penalty=Penalty(l2=0.01)
    )
    layers = [Dense(units=6), BatchNorm(), Dropout(rate=0.3), Dense(units=4)]
    return plan(
        X, CLASSES, spec, layers=layers, loss=CrossEntropy(), optimizer=optimizer, validation=OTHERS, dtype=dtype
    )


@pytest.mark.parametrize("optimizer", [rule() for rule in members(OptimizerSpec)], ids=lambda rule: rule.type)
def test_training_that_was_interrupted_after_any_step_goes_on_as_if_it_had_not_been(optimizer: Any) -> None:
    of = classifier(optimizer)
    whole = of.new_state()
    expected = [timeless(report) for report in reports(of, whole)]
    for calls in range(1, EPOCHS * (STEPS + 2), 4):
        state = of.new_state()
        first = reports(of, state, after(calls))
        assert len(first) < EPOCHS or calls > EPOCHS * STEPS
        # Only the state may carry over.
        state = deepcopy(state)
        second = reports(of, state)
        assert [timeless(report) for report in first + second] == expected
        assert snapshot(state) == snapshot(whole)


def test_training_can_be_interrupted_after_each_single_step() -> None:
    of = classifier(Adam())
    whole = of.new_state()
    reports(of, whole)
    state = of.new_state()
    rounds = 0
    while state.counters.stop is None:
        reports(of, state, lambda: True)
        rounds += 1
    assert rounds == EPOCHS * STEPS
    assert snapshot(state) == snapshot(whole)


def test_an_interruption_ends_right_after_the_step_with_a_sign_of_life() -> None:
    of = classifier(Adam())
    state = of.new_state()
    events = list(train(of, state, after(3)))
    (progress,) = events
    assert isinstance(progress, Progress)
    assert (progress.epoch, progress.step, progress.steps) == (1, 3, STEPS)
    assert (state.counters.epoch, state.counters.step, state.optimizer.steps) == (0, 3, 3)
    assert progress.train_loss == pytest.approx(state.counters.loss_sum / state.counters.weight_sum)


def test_there_is_a_sign_of_life_within_a_long_epoch() -> None:
    of = classifier(Adam())
    events = list(train(of, of.new_state(), progress_seconds=0.0))
    assert [event.epoch for event in events if isinstance(event, EpochReport)] == list(range(1, EPOCHS + 1))
    assert [event.step for event in events if isinstance(event, Progress)] == list(range(1, STEPS)) * EPOCHS


def test_a_sign_of_life_in_rows_that_weigh_nothing_has_a_loss_of_nothing() -> None:
    of = plan([[1.0]] * 4, [[1.0]] * 4, TrainingSpec(epochs=1, batch_size=2), weight=[0.0, 0.0, 0.0, 1.0])
    losses = [event.train_loss for event in train(of, of.new_state(), lambda: True)]
    assert losses == [0.0] or losses[0] > 0


def test_training_that_is_over_is_over() -> None:
    of = classifier(Adam())
    state = of.new_state()
    reports(of, state)
    assert state.counters.stop == "epochs"
    before = snapshot(state)
    assert list(train(of, state)) == []
    assert snapshot(state) == before


def test_the_same_seed_gives_the_same_bits_and_another_one_others() -> None:
    states = []
    for seed in (0, 0, 1):
        of = classifier(Adam())
        of = TrainingPlan(**{**of.__dict__, "seed": seed})
        states.append(of.new_state())
        reports(of, states[-1])
    assert snapshot(states[0]) == snapshot(states[1])
    assert snapshot(states[0]) != snapshot(states[2])


# Divergence


@pytest.mark.parametrize("batch_size", [4, "full"])
@pytest.mark.parametrize("optimizer", [Sgd(learning_rate=1e6), Adam(learning_rate=1e20)], ids=lambda rule: rule.type)
def test_divergence_is_an_error_that_names_the_layer_and_leaves_finite_best_parameters(
    optimizer: Any, batch_size: Any
) -> None:
    x, y = GENERATOR.normal(size=(20, 3)), GENERATOR.normal(size=(20, 1))
    others = (GENERATOR.normal(size=(5, 3)), GENERATOR.normal(size=(5, 1)))
    spec = TrainingSpec(epochs=50, batch_size=batch_size)
    layers = [Dense(units=8), Dense(units=8)]
    for validation in (None, others):
        of = plan(x, y, spec, layers=layers, optimizer=optimizer, validation=validation, dtype=np.float32)
        state = of.new_state()
        with pytest.raises(
            DivergedError, match=r"epoch \d+, step \d+, at learning rate .*: non-finite .* layer [0-2] \(dense\)"
        ) as e:
            reports(of, state)
        assert "lower optimizer.learning_rate" in str(e.value)
        assert e.value.exit_code == ExitCode.DIVERGED == 5
        assert np.isfinite(state.best_params).all()


def diverging(x: Any, y: Any, **options: Any) -> str:
    of = plan(x, y, TrainingSpec(epochs=5, batch_size="full", **options.pop("spec", {})), dtype=np.float32, **options)
    with pytest.raises(DivergedError) as caught:
        reports(of)
    return str(caught.value)


def test_the_layer_named_is_the_first_whose_output_is_not_finite() -> None:
    x, y = np.full((4, 2), 3e38), np.zeros((4, 1))
    layers = [LayerNorm(), Dense(units=2)]
    assert "epoch 1, step 1" in diverging(x, y, layers=layers)
    assert "non-finite output of layer 0 (layer_norm)" in diverging(x, y, layers=layers)


def test_a_loss_that_overflows_is_that_of_the_output_layer() -> None:
    message = diverging(np.full((4, 2), 1e25), np.zeros((4, 1)), layers=[])
    assert "non-finite loss after layer 0 (dense)" in message


def test_parameters_that_overflow_in_the_last_step_of_an_epoch_are_noticed_in_it() -> None:
    message = diverging(np.full((4, 2), 1e15), np.ones((4, 1)), layers=[], optimizer=Sgd(learning_rate=1e30))
    assert "epoch 1, step 1" in message
    assert "non-finite parameters of layer 0 (dense)" in message


def test_an_optimizer_whose_memory_overflows_could_not_go_on_from_a_checkpoint_and_has_diverged() -> None:
    # The square of a gradient of 1e20 overflows float32.
    x, y = np.full((4, 1), 1e20), np.ones((4, 1))
    message = diverging(x, y, layers=[], loss=MeanAbsoluteError(), optimizer=Adam())
    assert "non-finite optimizer state v of layer 0 (dense)" in message


def test_predictions_for_validation_rows_that_overflow_are_divergence_too() -> None:
    of = plan(
        np.ones((4, 1)),
        np.ones((4, 1)),
        TrainingSpec(epochs=1),
        layers=[],
        loss=Poisson(),
        validation=(np.full((2, 1), 1e6), np.ones((2, 1))),
        dtype=np.float32,
    )
    state = of.new_state()
    state.params[:] = 1.0
    with pytest.raises(DivergedError, match=r"non-finite loss of validation rows, after layer 0 \(dense\)"):
        reports(of, state)


# Memory


@pytest.mark.parametrize("form", ["numbers", pytest.param("codes", marks=pytest.mark.exhaustive), "gathered"])
def test_nothing_is_allocated_from_step_to_step(form: str) -> None:
    """The smallest array of a step has one number per row or unit; nothing as large is held between two steps."""
    # np.add.at allocates 5 kB, whatever the number of indices.
    rows, units = (1650, 1600) if form == "gathered" else (1100, 1050)
    x = Rows.of_numbers(GENERATOR.normal(size=(3 * rows, 3)).astype(np.float32))
    if form != "numbers":
        codes = GATHERED_FROM if form == "gathered" else 3
        signature = (Field("numbers", (1,)), Field("a", (), "code", 2), Field("b", (), "code", codes))
        x = Rows(signature, [np.zeros(3 * rows, records_of(signature, np.dtype(np.float32)))], np.dtype(np.float32))
    y = np.arange(3 * rows) % 2
    rules: dict[str, Any] = {"penalty": Penalty(l1=0.1, l2=0.1), "clip": Clip(norm=1.0, value=1.0)}
    spec = TrainingSpec(epochs=2, batch_size=rows, average=Average(), **rules)
    layers = [Dense(units=units), Dropout(rate=0.1), BatchNorm(), Dense(units=2)]
    of = plan(
        x,
        y,
        spec,
        weight=np.ones(x.count),
        layers=layers,
        loss=CrossEntropy(),
        optimizer=Adam(),
        schedule=Constant(),
        dtype=np.float32,
    )
    # Three steps per epoch, and two more calls at its end; the first step of an epoch includes the order of its rows.
    within = [peak for index, peak in enumerate(step_peaks(of)) if index % 5 in (1, 2)]
    assert len(within) == 4
    assert max(within) < min(rows, units) * 4


def step_peaks(of: TrainingPlan) -> list[int]:
    """Peak memory of each step above what was allocated before it, in bytes.

    tracemalloc counts other threads too, and pytest-xdist's may receive a message at any time. Training allocates the
    same in every repeat, so the lowest of three measurements is returned for each step.
    """
    repeats = [measured_peaks(of) for _ in range(3)]
    return [min(peaks) for peaks in zip(*repeats, strict=True)]


def measured_peaks(of: TrainingPlan) -> list[int]:
    peaks: list[int] = []
    before = 0

    def measure() -> bool:
        """Called right after each step."""
        nonlocal before
        current, peak = tracemalloc.get_traced_memory()
        peaks.append(peak - before)
        before = current
        tracemalloc.reset_peak()
        return False

    numpys_buffer = np.setbufsize(16)
    tracemalloc.start()
    try:
        list(train(of, of.new_state(), measure, progress_seconds=float("inf")))
    finally:
        tracemalloc.stop()
        np.setbufsize(numpys_buffer)
    return peaks


def test_a_plan_says_what_a_state_needs() -> None:
    of = plan(X, X[:, :1], dtype=np.float32)
    assert of.dtype == np.float32
    assert isinstance(of.loss, MeanSquaredError)
    assert of.new_state().params.dtype == np.float32
