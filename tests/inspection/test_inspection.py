"""What is said of columns and neurons, on networks whose parameters are known and whose answers follow by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import bpcli
from planted import trained

from bpcli.cli.inspect_text import neurons_lines
from bpcli.inspection import neurons, sampling
from bpcli.inspection.importance import Importance, permutation_importance
from bpcli.inspection.neurons import Neuron, inspect_neurons
from bpcli.models.evaluation import split_rows
from bpcli.models.model import Model

GENERATOR = np.random.default_rng(0)
A, B = GENERATOR.uniform(1, 5, 200), GENERATOR.normal(size=200)


def neurons_of(run: Path) -> list[Neuron]:
    model = Model.load(run)
    rows = split_rows(model, None)
    return inspect_neurons(model, rows.table, rows.numbers)


def importance_of(run: Path, **options: Any) -> Importance:
    model = Model.load(run)
    return permutation_importance(model, split_rows(model, None).table, **options)


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
    assert "increase of the mean loss, over 50 rows, when" in " ".join(neurons_lines(some, 1))
    assert "increase of the mean loss when" in " ".join(neurons_lines(of_all, 1))


def test_rows_that_stand_for_all_are_enough_for_a_mean() -> None:
    assert sampling.evenly_spaced(1000, 0.01).tolist() == np.linspace(0, 999, 30).astype(int).tolist()
    assert sampling.evenly_spaced(1000, 250.9).tolist() == np.linspace(0, 999, 250).astype(int).tolist()
    assert sampling.evenly_spaced(20, 1).tolist() == sampling.evenly_spaced(20, 1e9).tolist() == list(range(20))


def test_a_column_that_the_network_does_not_use_has_no_importance(planted: Path) -> None:
    found = importance_of(planted, repeats=200)
    assert (found.metric, found.rows, found.score) == ("rmse", 200, pytest.approx(0.0, abs=1e-12))
    assert [one.column for one in found.columns] == ["a", "b"]
    # Two cells drawn at random differ by sqrt(2) standard deviations.
    assert found.columns[0].importance == pytest.approx(np.sqrt(2) * A.std(), rel=0.02)
    assert (found.columns[1].importance, found.columns[1].deviation) == (0.0, 0.0)


def test_the_rows_stand_as_they_were_after_a_column_was_permuted(planted: Path) -> None:
    assert importance_of(planted) == importance_of(planted)
    assert importance_of(planted, seed=1) != importance_of(planted)


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


def test_the_command_shows_what_the_document_has(planted: Path) -> None:
    document = bpcli("inspect", planted, "--json").ok().json
    assert [one["column"] for one in document["importance"]["columns"]] == ["a", "b"]
    assert [neuron["state"] for neuron in document["neurons"]] == ["", "as neuron 0", "dead", "constant"]
    out = bpcli("inspect", planted).ok().out
    assert "1 duplicates of another in their layer, 1 dead, 1 constant, of 4" in out.splitlines()[-1]
    assert out.splitlines()[-5].split() == ["0.0", f"{A.var():.4f}", "1.0000", "+", "a,", "−", "b"]


def test_a_network_without_hidden_layers_has_importance_alone(tmp_path: Path) -> None:
    run = trained(tmp_path, "[]", "{layers.0.weight: [[1], [0]], layers.0.bias: [0]}", {"a": A, "b": B, "y": A})
    assert neurons_of(run) == []
    assert "hidden neurons" not in bpcli("inspect", run).ok().out
