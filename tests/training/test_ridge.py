"""Ridge regression: against its closed form, and the penalty that validation rows choose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from experiments import dataset

from bpcli.data.batches import Dataset
from bpcli.data.origins import Origins
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.skip import Skip
from bpcli.nn.network import Network
from bpcli.training.ridge import PENALTIES, USUAL_PENALTY, Ridge, features_of


def rows(count: int, seed: int = 0, noise: float = 0.1, inputs: int = 4, outputs: int = 2) -> Dataset:
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, inputs)) + 3
    weights = np.random.default_rng(9).normal(size=(inputs, outputs))
    return dataset(x, x @ weights + 5 + noise * random.normal(size=(count, outputs)), None, np.float64)


def closed_form(of: Dataset, penalty: float) -> tuple[Any, Any]:
    """Weights and bias that minimize Σ(y - xw - b)² + penalty·Σw², by the normal equations with a column of ones."""
    x = np.column_stack([features_of(of), np.ones(of.rows)])
    penalties = np.diag([penalty] * (x.shape[1] - 1) + [0])
    found = np.linalg.solve(x.T @ x + penalties, x.T @ of.y)
    return found[:-1], found[-1]


@pytest.mark.parametrize("penalty", [1e-3, 1.0, 50.0])
def test_weights_are_those_of_the_closed_form(penalty: float) -> None:
    train = rows(30)
    found = Ridge.fit(train, 2, None, penalty)
    weights, bias = closed_form(train, penalty)
    assert found.weights == pytest.approx(weights)
    assert found.bias == pytest.approx(bias)


def test_without_penalty_it_is_the_least_squares_solution() -> None:
    train = rows(30)
    x = np.column_stack([features_of(train), np.ones(30)])
    wanted = np.linalg.lstsq(x, train.y, rcond=None)[0]
    found = Ridge.fit(train, 2, None, 0.0)
    assert found.logits(features_of(train)) == pytest.approx(x @ wanted)


def test_equal_and_constant_features_are_no_obstacle() -> None:
    train = rows(30)
    x = features_of(train)
    train = dataset(np.column_stack([x, x[:, 0], np.full(30, 7.0)]), train.y, None, np.float64)
    found = Ridge.fit(train, 2, None)
    assert found.penalty == USUAL_PENALTY
    assert found.weights[0] == pytest.approx(found.weights[-2])
    assert found.weights[-1] == pytest.approx(0)
    assert np.isfinite(found.weights).all()


def test_more_features_than_rows_are_no_obstacle() -> None:
    found = Ridge.fit(rows(5, inputs=40), 2, None)
    assert found.weights == pytest.approx(closed_form(rows(5, inputs=40), USUAL_PENALTY)[0])


@pytest.mark.parametrize("noise", [0.0, 5.0])
def test_validation_rows_choose_the_penalty(noise: float) -> None:
    train, validation = rows(20, noise=noise), rows(50, seed=1, noise=noise)
    found = Ridge.fit(train, 2, validation)
    errors = {}
    for penalty in PENALTIES:
        weights, bias = closed_form(train, penalty)
        errors[penalty] = float(np.abs(features_of(validation) @ weights + bias - validation.y).mean())
    assert found.penalty == min(errors, key=errors.__getitem__)


def test_errors_count_in_the_units_of_the_data() -> None:
    """A window of a large spread decides, though its rows are few."""
    train, validation = rows(20, noise=2.0), rows(6, seed=1, noise=2.0)
    chosen = set()
    for large in range(6):
        spread = np.full((6, 1), 1e-6)
        spread[large] = 1.0
        zero = np.zeros((6, 1))
        weighted = replace(validation, origins=Origins(zero, spread, zero, zero, zero))
        penalty = Ridge.fit(train, 2, weighted).penalty
        row = slice(large, large + 1)
        errors = [
            float(
                np.abs(Ridge.fit(train, 2, None, one).logits(features_of(validation))[row] - validation.y[row]).mean()
            )
            for one in PENALTIES
        ]
        assert penalty == PENALTIES[int(np.argmin(errors))]
        chosen.add(penalty)
    assert len(chosen) > 1


@pytest.mark.parametrize("layers", [(), (Skip(layers=(Dense(units=3), Dense(units=2))),)])
def test_parameters_make_the_network_the_ridge_regression(layers: Any) -> None:
    train = rows(30)
    ridge = Ridge.fit(train, 2, None)
    network = Network.plan(train.x.signature, {}, layers, 2)
    from bpcli.nn.inference import Inference

    state = np.zeros(network.state_layout.size)
    inference = Inference(network, ridge.parameters(network, np.dtype(np.float64)), state, np.dtype(np.float64))
    assert inference.logits(train.x) == pytest.approx(ridge.logits(features_of(train)), abs=1e-12)


def test_memory_of_a_fit_grows_with_the_features() -> None:
    assert Ridge.bytes_needed(10, 3) == 8 * (2 * 30 + 27)
