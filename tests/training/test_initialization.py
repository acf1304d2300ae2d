"""Initial parameters that depend on training rows."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiments import plan, prepared, write_csv

from bpcli.nn.initializers.data_std import DataStd
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dropout import Dropout
from bpcli.nn.layers.layer_norm import LayerNorm
from bpcli.nn.layers.scale import Scale
from bpcli.nn.losses.classification import BinaryCrossEntropy, CrossEntropy
from bpcli.nn.losses.log_link import Poisson
from bpcli.nn.losses.regression import MeanSquaredError
from bpcli.training.folds import Folds
from bpcli.training.plan import TrainingPlan

LAYERS = [
    Scale(),
    Dense(units=6, activation="tanh", initializer="data_std"),
    Dropout(rate=0.5),
    Dense(units=5, initializer="data_std", bias=False),
    LayerNorm(),
    Dense(units=4, initializer=DataStd(center=False)),
]


def example(rows: int = 400, layers: Any = tuple(LAYERS), change: Any = 0.0) -> TrainingPlan:
    generator = np.random.default_rng(0)
    x = generator.normal(3.0, [0.1, 1.0, 20.0], (rows, 3))
    x[:, 0] += change
    return plan(x, generator.integers(0, 3, rows), layers=layers, loss=CrossEntropy())


def sums_of_layers(of: TrainingPlan, rows: Any = slice(None)) -> dict[int, Any]:
    """Weighted sums x W of each dense layer with the initial parameters, without biases."""
    network, state = of.network, of.new_state()
    bound, (x,) = network.bind(state.params[0]), of.train.x.arrays()
    workspace = network.workspace(len(x), of.dtype, training=False)
    found, y = {}, x
    for layer, params, work in zip(network.layers, bound, workspace.layers, strict=True):
        if "weight" in params:
            found[layer.index] = y[rows] @ params["weight"]
        y = layer.forward(params, {}, y, work, None)
    return found


@pytest.mark.parametrize("layer", [1, 3, 5])
def test_the_weighted_sums_of_each_neuron_have_a_standard_deviation_of_1(layer: int) -> None:
    assert sums_of_layers(example())[layer].std(axis=0) == pytest.approx(1.0, rel=1e-12)


def test_of_many_rows_500_are_used() -> None:
    deviations = sums_of_layers(example(5000))[1].std(axis=0)
    assert deviations == pytest.approx(1.0, rel=0.2)
    assert np.abs(deviations - 1.0).max() > 1e-6


def test_a_bias_is_minus_a_mean_of_sums_at_rows() -> None:
    of = example()
    bound, sums = of.network.bind(of.new_state().params[0]), sums_of_layers(of)
    bias = bound[1]["bias"]
    assert (-bias > sums[1].min(axis=0)).all()
    assert (-bias < sums[1].max(axis=0)).all()
    assert len(set(bias)) == 6
    assert "bias" not in bound[3]
    assert not bound[5]["bias"].any(), "center is off"


def test_a_bias_is_a_mean_with_exponential_weights_of_5_rows() -> None:
    """The five shares of each neuron, and its rows, are the first numbers of the generator."""
    x, weight, bias = np.array([[1.0], [3.0], [5.0]]), np.array([[2.0, -1.0]]), np.zeros(2)
    DataStd().fit(x, weight, bias, np.random.default_rng(7))
    deviation = math.sqrt(8 / 3)
    assert weight == pytest.approx(np.array([[1.0, -1.0]]) / deviation)
    generator = np.random.default_rng(7)
    shares, places = generator.exponential(size=(5, 2)), generator.integers(3, size=(5, 2))
    means = [sum(shares[:, j] * x[places[:, j], 0]) / sum(shares[:, j]) for j in (0, 1)]
    assert bias == pytest.approx([-means[0] / deviation, means[1] / deviation])


def test_a_neuron_whose_sums_are_constant_keeps_its_weights() -> None:
    weight, bias = np.array([[2.0], [3.0]]), np.zeros(1)
    DataStd().fit(np.ones((4, 2)), weight, bias, np.random.default_rng(0))
    assert weight.tolist() == [[2.0], [3.0]]
    assert bias == pytest.approx([-5.0])


def test_they_follow_from_seed_and_member() -> None:
    of = replace(example(), members=(0, 1, 2))
    params = of.new_state().params
    assert np.array_equal(params, of.new_state().params)
    assert np.array_equal(params[2], of.of_member(2).new_state().params[0])
    assert len({member.tobytes() for member in params}) == 3
    assert not np.array_equal(params, replace(of, seed=1).new_state().params)


def test_a_member_sees_only_the_rows_that_it_trains_on() -> None:
    folds = Folds(np.arange(400, dtype=np.int16) % 2, 2)
    even = np.arange(400) % 2 == 0
    plans = [replace(example(change=change * even), members=(0, 1), folds=folds) for change in (0.0, 100.0)]
    before, after = (of.new_state().params for of in plans)
    assert np.array_equal(before[0], after[0])
    assert not np.array_equal(before[1], after[1])


def test_parameters_of_the_config_are_left_alone() -> None:
    given = {"layers.1.weight": np.full((3, 6), 0.25)}
    of = replace(example(), initial_parameters=given)
    bound = of.network.bind(of.new_state().params[0])
    assert (bound[1]["weight"] == 0.25).all()
    assert not bound[1]["bias"].any()
    assert sums_of_layers(of)[3].std(axis=0) == pytest.approx(1.0)


def test_averages_and_the_best_parameters_begin_with_them() -> None:
    state = example().new_state()
    assert np.array_equal(state.best_params, state.params)
    assert np.array_equal(state.average_params, state.params)


LABELS = np.array([[1.0, 0.0]] * 30 + [[0.0, 0.0]] * 10)


@pytest.mark.parametrize(
    ("loss", "y", "expected"),
    [
        (CrossEntropy(), np.repeat([0, 1, 2], [20, 15, 5]), [math.log(0.5), math.log(0.375), math.log(0.125)]),
        (BinaryCrossEntropy(), LABELS, [math.log(3.0), -math.log(80.0)]),
        (MeanSquaredError(), np.arange(40.0)[:, None], [19.5]),
        (Poisson(), np.full((40, 1), 7.0), [math.log(7.0)]),
    ],
    ids=lambda value: getattr(value, "type", ""),
)
def test_prior_biases_are_the_logits_of_the_best_constant_prediction(loss: Any, y: Any, expected: list[float]) -> None:
    """A label without rows has the probability of half a row."""
    of = replace(plan(np.zeros((40, 1)), y, layers=[], loss=loss), prior_bias=True)
    assert of.network.bind(of.new_state().params[0])[-1]["bias"] == pytest.approx(expected, abs=1e-9)


def test_prior_biases_are_those_of_the_rows_of_a_member() -> None:
    folds = Folds(np.repeat(np.array([0, 1], np.int16), 20), 2)
    y = np.concatenate([np.zeros((20, 1)), np.ones((20, 1))])
    of = replace(plan(np.zeros((40, 1)), y, layers=[]), prior_bias=True, members=(0, 1), folds=folds)
    assert of.network.layout.views(of.new_state().params)["layers.0.bias"] == pytest.approx(
        np.array([[1.0], [0.0]]), abs=1e-9
    )


def test_a_bias_of_the_config_stays_instead_of_the_prior() -> None:
    of = plan(np.zeros((4, 1)), np.ones((4, 1)), layers=[])
    given = replace(of, prior_bias=True, initial_parameters={"layers.0.bias": np.array([0.5])})
    assert given.new_state().params[0, -1] == 0.5


def test_a_config_begins_at_the_best_constant_prediction(tmp_path: Path) -> None:
    """Three quarters of the rows are of class a."""
    write_csv(tmp_path / "t.csv", {"x": range(8), "y": ["a", "a", "a", "b"] * 2})
    given = prepared(
        tmp_path,
        data={"path": "t.csv", "target": "y", "split": {"validation": 0.0, "test": 0.0}},
        layers=[{"units": 4, "initializer": "data_std"}],
        output={"initializer": "zeros", "bias": "prior"},
    )
    bound = given.network.bind(given.plan.new_state().params[0])
    assert not bound[1]["weight"].any()
    assert bound[1]["bias"] == pytest.approx([-math.log(3.0)]), "log-odds of b"
