"""Loss and metrics of a data set with the current parameters of a state, and before the first step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from experiments import features, plan, reports

from bpcli.training.evaluator import EVALUATED_ROWS, Evaluator, initial_values
from bpcli.training.plan import TrainingPlan
from bpcli.training.spec import TrainingSpec


def with_validation(rows: int = 7, scale: float = 1.0) -> TrainingPlan:
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(rows + 8, 3)) * scale, generator.normal(size=(rows + 8, 1))
    spec = TrainingSpec(epochs=1, batch_size=4)
    return plan(x[:8], y[:8], spec, validation=(x[8:], y[8:]), score=lambda *_: {"one": 1.0})


def squared_error(of: TrainingPlan, parameters: np.ndarray) -> float:
    """Mean squared error on the validation rows of three relu units and an output, in NumPy."""
    p, rows = of.network.layout.views(parameters), of.validation
    assert rows is not None
    hidden = np.maximum(features(rows.x) @ p["layers.0.weight"] + p["layers.0.bias"], 0)
    return float(np.mean((hidden @ p["layers.1.weight"] + p["layers.1.bias"] - rows.y) ** 2))


@pytest.mark.parametrize("rows", [7, EVALUATED_ROWS + 9])
def test_values_before_the_first_step_are_those_of_the_initial_parameters(rows: int) -> None:
    of = with_validation(rows)
    values = initial_values(of)
    assert list(values) == ["validation_loss", "validation_one"]
    assert values["validation_loss"] == pytest.approx(squared_error(of, of.new_state().params), rel=1e-12)
    assert values["validation_one"] == 1.0


def test_given_parameters_are_evaluated_and_changes_take_effect() -> None:
    of = with_validation()
    of = replace(of, initial_parameters={"layers.1.weight": np.zeros((3, 1)), "layers.1.bias": np.ones((1, 1))[0]})
    assert of.validation is not None
    assert initial_values(of)["validation_loss"] == pytest.approx(float(np.mean((1 - of.validation.y) ** 2)))
    state = of.new_state()
    evaluator = Evaluator(of, state, of.validation)
    (report,) = reports(of, state)
    after = evaluator.evaluate("validation")
    assert after is not None
    assert after["validation_loss"] == report.validation_loss
    assert report.validation_loss == pytest.approx(squared_error(of, state.params), rel=1e-12)


def test_without_validation_rows_and_for_an_overflow_there_are_no_values() -> None:
    assert initial_values(replace(with_validation(), validation=None)) == {}
    assert initial_values(with_validation(scale=1e300)) == {}
