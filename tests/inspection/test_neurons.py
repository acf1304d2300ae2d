"""What is said of hidden neurons, on networks whose parameters are known and whose answers follow by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from planted import trained

from bpcli.inspection import neurons
from bpcli.inspection.neurons import Neuron, inspect_neurons
from bpcli.models.evaluation import split_rows
from bpcli.models.model import Model

GENERATOR = np.random.default_rng(0)
A, B = GENERATOR.uniform(1, 5, 200), GENERATOR.normal(size=200)


def neurons_of(run: Path) -> list[Neuron]:
    model = Model.load(run)
    rows = split_rows(model, None)
    return inspect_neurons(model, rows.table, rows.numbers)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """y = a, by the first of four relu neurons; the second does the same unheard, one is dead, one gives a constant."""
    return trained(
        tmp_path_factory.mktemp("planted"),
        "[{units: 4, activation: relu}]",
        "{layers.0.weight: [[1, 2, -1, 0], [0, 0, 0, 0]], layers.0.bias: [0, 0, 0, 3], "
        "layers.1.weight: [[1], [0], [0], [0]], layers.1.bias: [0]}",
        {"a": A, "b": B, "y": A},
        ", target_encoder: none",
    )


def test_a_neuron_is_told_what_it_is(planted: Path) -> None:
    first, second, third, fourth = neurons_of(planted)
    assert [neuron.state for neuron in (first, second, third, fourth)] == ["", "as neuron 0", "dead", "constant"]
    assert first.drivers[0] == ("a", pytest.approx(1.0))
    assert first.drivers[1] == ("b", pytest.approx(np.corrcoef(A, B)[0, 1]))
    assert third.drivers == fourth.drivers == []
    assert first.mean == pytest.approx(A.mean())
    assert first.deviation == pytest.approx(A.std())
    assert [one.row for one in first.excited_by] == (np.argsort(-A)[:3] + 1).tolist()
    assert first.separation == pytest.approx(1.0)
    assert third.separation == fourth.separation == 0.0


def test_what_a_neuron_contributes_is_the_loss_without_it(planted: Path) -> None:
    contributions = [neuron.loss_without for neuron in neurons_of(planted)]
    assert contributions == [pytest.approx(A.var()), 0.0, 0.0, 0.0]


def test_in_a_large_network_the_loss_without_a_neuron_is_that_over_some_rows(
    planted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_all = neurons_of(planted)
    assert {(neuron.rows, neuron.loss_rows) for neuron in of_all} == {(200, 200)}
    # Behind each of four neurons a layer of five parameters.
    monkeypatch.setattr(neurons, "MOST_MULTIPLICATIONS", 4 * 5 * 50)
    some = neurons_of(planted)
    assert {(neuron.rows, neuron.loss_rows) for neuron in some} == {(200, 50)}
    a = A[np.linspace(0, 199, 50).astype(int)]
    assert some[0].loss_without == pytest.approx(np.mean((a - A.mean()) ** 2))
    assert [replace(one, loss_without=0.0, loss_rows=0) for one in some] == [
        replace(one, loss_without=0.0, loss_rows=0) for one in of_all
    ]


def test_classes_are_told_apart_by_the_mean_output_for_each(tmp_path: Path) -> None:
    names = np.where(A < 3, "low", "high")
    run = trained(
        tmp_path,
        "[{units: 2, activation: tanh}]",
        "{layers.0.weight: [[1, 100], [0, 0]], layers.0.bias: [-3, -600], "
        "layers.1.weight: [[1], [0]], layers.1.bias: [0]}",
        {"a": A, "b": B, "y": names},
    )
    first, second = neurons_of(run)
    outputs = np.tanh(A - 3)
    means = {name: float(outputs[names == name].mean()) for name in ("high", "low")}
    assert first.by_class == pytest.approx(means)
    between = sum((names == name).sum() * (means[name] - outputs.mean()) ** 2 for name in means)
    assert first.separation == pytest.approx(between / ((outputs - outputs.mean()) ** 2).sum())
    assert (first.state, second.state) == ("", "constant")


def test_a_neuron_at_the_ends_of_its_range_is_saturated(tmp_path: Path) -> None:
    run = trained(
        tmp_path,
        "[{units: 1, activation: sigmoid}]",
        "{layers.0.weight: [[1000], [0]], layers.0.bias: [-3000], layers.1.weight: [[1]], layers.1.bias: [0]}",
        {"a": A, "b": B, "y": A},
    )
    assert [neuron.state for neuron in neurons_of(run)] == ["saturated"]


def test_rows_that_excite_a_neuron_are_shown_with_their_number_target_and_driving_columns(tmp_path: Path) -> None:
    part = np.resize(["train", "test"], 200)
    words = np.where(B > 0, "up", "down")
    run = trained(
        tmp_path,
        "[{units: 1, activation: relu}]",
        "{layers.0.weight: [[1], [0], [0]], layers.0.bias: [0], layers.1.weight: [[1]], layers.1.bias: [0]}",
        {"a": A, "w": words, "part": part, "y": 2 * A},
        ", target_encoder: none",
    )
    (neuron,) = neurons_of(run)
    rows = [row for row in np.argsort(-A) if part[row] == "test"][:3]
    assert [one.row for one in neuron.excited_by] == [row + 1 for row in rows]
    assert [one.output for one in neuron.excited_by] == [pytest.approx(A[row]) for row in rows]
    for one, row in zip(neuron.excited_by, rows, strict=True):
        assert list(one.cells) == ["a", "w"]
        assert (float(one.cells["a"]), one.cells["w"]) == (pytest.approx(A[row]), words[row])
        assert [float(cell) for cell in one.target] == [pytest.approx(2 * A[row])]


def test_a_network_without_hidden_layers_has_no_neurons(tmp_path: Path) -> None:
    run = trained(tmp_path, "[]", "{layers.0.weight: [[1], [0]], layers.0.bias: [0]}", {"a": A, "b": B, "y": A})
    assert neurons_of(run) == []
