"""Moving averages of the parameters: their formula in every implementation of steps, and where they are used."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from experiments import plan, reports

from bpcli.data.batches import Dataset
from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.nn.layers.dense import Dense
from bpcli.nn.losses.classification import CrossEntropy
from bpcli.nn.optimizers.adam import Adam
from bpcli.training.evaluator import Evaluator
from bpcli.training.plan import TrainingPlan
from bpcli.training.spec import Average, Clip, TrainingSpec
from bpcli.training.state import TrainingState
from bpcli.training.stepping import Stepping
from bpcli.training.steps import choose_stepping
from bpcli.training.steps.choice import can_compile

GENERATOR = np.random.default_rng(0)
X, CLASSES = GENERATOR.normal(size=(300, 5)), GENERATOR.integers(0, 3, 300)
DENSE, WITH_STATE = [Dense(units=6)], [Dense(units=6), BatchNorm(), Dense(units=4)]


def averaged_plan(decay: float | None = 0.9, layers: Any = DENSE, **training: Any) -> TrainingPlan:
    average = None if decay is None else Average(decay=decay)
    spec = TrainingSpec(epochs=2, batch_size=64, average=average, **training)
    given = {"layers": layers, "loss": CrossEntropy(), "optimizer": Adam(learning_rate=0.02)}
    return plan(X, CLASSES, spec, validation=(X[:50], CLASSES[:50]), **given)


def expected(of: TrainingPlan, decay: float) -> tuple[Any, Any]:
    """Averages of the parameters and layer state by their definition, from a training that keeps each step's."""
    state = of.new_state()
    passed: list[tuple[Any, Any]] = []
    before = [state.params.copy(), state.layer_state.copy()]

    def watch() -> bool:
        if state.optimizer.steps > len(passed):
            passed.append((state.params.copy(), state.layer_state.copy()))
        return False

    reports(of, state, watch)
    assert len(passed) == 10
    for step, values in enumerate(passed):
        kept = min(decay, (1 + step) / (10 + step))
        before = [kept * a + (1 - kept) * value for a, value in zip(before, values, strict=True)]
    return before[0], before[1]


@pytest.mark.parametrize("decay", [0.3, 0.9])
@pytest.mark.parametrize(
    ("layers", "stepping"),
    [(DENSE, Stepping("serial")), (WITH_STATE, Stepping("serial")), (DENSE, Stepping("sharded", 3))],
    ids=["serial", "with state", "sharded"],
)
@pytest.mark.parametrize("training", [{}, {"clip": Clip(norm=0.1)}], ids=["plain", "clipped"])
def test_each_step_moves_the_average_toward_the_new_values(
    decay: float, layers: Any, stepping: Stepping, training: Any
) -> None:
    of = replace(averaged_plan(decay, layers, **training), stepping=stepping)
    state = of.new_state()
    reports(of, state)
    params, layer_state = expected(of, decay)
    np.testing.assert_allclose(state.average_params, params, rtol=1e-12)
    np.testing.assert_allclose(state.average_layer_state, layer_state, rtol=1e-12)
    assert not np.allclose(state.average_params, state.params, rtol=1e-3)


def test_the_average_leaves_the_training_as_it_is() -> None:
    averaged, plain = (plan.new_state() for plan in (averaged_plan(), averaged_plan(None)))
    for_averaged, for_plain = reports(averaged_plan(), averaged), reports(averaged_plan(None), plain)
    assert np.array_equal(averaged.params, plain.params)
    assert [report.train_loss for report in for_averaged] == [report.train_loss for report in for_plain]
    assert [report.validation_loss for report in for_averaged] != [report.validation_loss for report in for_plain]


def evaluated(of: TrainingPlan, params: Any) -> float | None:
    """Validation loss of these parameters."""
    assert isinstance(of.validation, Dataset)
    plain = replace(of, spec=of.spec.model_copy(update={"average": None}))
    state = plain.new_state()
    np.copyto(state.params, params)
    return (Evaluator(plain, state, of.validation).evaluate("validation") or {})["validation_loss"]


def test_validation_and_the_best_parameters_are_those_of_the_average() -> None:
    of = averaged_plan()
    state = of.new_state()
    last = reports(of, state)[-1]
    assert last.validation_loss == evaluated(of, state.average_params) != evaluated(of, state.params)
    assert last.best_epoch == 2
    assert np.array_equal(state.best_params, state.average_params)


def test_without_an_average_a_state_holds_no_more_arrays() -> None:
    of = averaged_plan(None)
    state = of.new_state()
    assert state.average_params is state.params
    assert not {"average_params", "average_state"} & state.vectors().keys()


def test_averages_of_members_are_those_that_each_has_alone() -> None:
    def trained(*members: int) -> TrainingState:
        of = replace(averaged_plan(0.9, WITH_STATE), members=members)
        state = of.new_state()
        reports(of, state)
        return state

    together = trained(0, 1, 2)
    for member in range(3):
        alone = trained(member)
        assert np.array_equal(together.average_params[member], alone.average_params[0])
        assert np.array_equal(together.average_layer_state[member], alone.average_layer_state[0])


def test_averaged_steps_are_taken_in_numpy() -> None:
    plain = choose_stepping(averaged_plan(None), compiled_from=0.0)
    assert choose_stepping(averaged_plan(), compiled_from=0.0) == Stepping("serial")
    assert plain.compiled == can_compile() or plain == Stepping("serial")
