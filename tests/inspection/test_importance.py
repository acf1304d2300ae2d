"""Permutation importance, on a network that uses one of two columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from planted import trained

from bpcli.inspection.importance import Importance, permutation_importance
from bpcli.models.evaluation import split_rows
from bpcli.models.model import Model

GENERATOR = np.random.default_rng(0)
A, B = GENERATOR.uniform(1, 5, 200), GENERATOR.normal(size=200)


def importance_of(run: Path, **options: Any) -> Importance:
    model = Model.load(run)
    return permutation_importance(model, split_rows(model, None).table, **options)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """y = a, whatever b is."""
    parameters = "{layers.0.weight: [[1], [0]], layers.0.bias: [0]}"
    columns = {"a": A, "b": B, "y": A}
    return trained(tmp_path_factory.mktemp("first"), "[]", parameters, columns, ", target_encoder: none")


def test_a_column_that_the_network_does_not_use_has_no_importance(first: Path) -> None:
    found = importance_of(first, repeats=200)
    assert (found.metric, found.rows, found.score) == ("rmse", 200, pytest.approx(0.0, abs=1e-12))
    assert [one.column for one in found.columns] == ["a", "b"]
    # Two cells drawn at random differ by sqrt(2) standard deviations.
    assert found.columns[0].importance == pytest.approx(np.sqrt(2) * A.std(), rel=0.02)
    assert (found.columns[1].importance, found.columns[1].deviation) == (0.0, 0.0)


def test_the_rows_stand_as_they_were_after_a_column_was_permuted(first: Path) -> None:
    assert importance_of(first) == importance_of(first)
    assert importance_of(first, seed=1) != importance_of(first)


def test_of_classes_it_is_the_accuracy_that_is_lost(tmp_path: Path) -> None:
    names = np.where(A < 3, "low", "high")
    run = trained(tmp_path, "[]", "{layers.0.weight: [[-9], [0]], layers.0.bias: [27]}", {"a": A, "b": B, "y": names})
    model = Model.load(run)
    found = importance_of(run, repeats=3, seed=7)
    assert (model.classes, found.metric, found.score) == (("high", "low"), "accuracy", 1.0)
    generator = np.random.default_rng(7)
    shuffled = [names[generator.permutation(200)] for _ in range(3)]
    lost = [float(np.mean(other != names)) for other in shuffled]
    assert found.columns[0].column == "a"
    assert found.columns[0].importance == pytest.approx(np.mean(lost))
    assert found.columns[0].deviation == pytest.approx(np.std(lost))
    assert found.columns[1].importance == 0.0


def test_all_features_of_a_column_are_shuffled_together(tmp_path: Path) -> None:
    """The category alone decides, and is spread over three features."""
    words = np.resize(["x", "y", "z"], 200)
    values = np.array([{"x": 1.5, "y": 2.5, "z": 4.5}[word] for word in words])
    run = trained(
        tmp_path,
        "[]",
        "{layers.0.weight: [[0], [1.5], [2.5], [4.5]], layers.0.bias: [0]}",
        {"a": A, "c": words, "y": values},
        ", target_encoder: none",
    )
    found = importance_of(run, repeats=1)
    order = np.random.default_rng(0).permutation(200)
    assert [one.column for one in found.columns] == ["c", "a"]
    assert found.columns[0].importance == pytest.approx(np.sqrt(np.mean((values[order] - values) ** 2)))
