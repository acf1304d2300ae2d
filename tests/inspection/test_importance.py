"""Permutation importance, on networks whose parameters are given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from planted import trained

from bpcli.errors import DataError, UsageError
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
    found = importance_of(first, metric="rmse", repeats=200)
    assert (found.metric, found.rows, found.score) == ("rmse", 200, pytest.approx(0.0, abs=1e-12))
    assert [one.column for one in found.columns] == ["a", "b"]
    # Two cells drawn at random differ by sqrt(2) standard deviations.
    assert found.columns[0].importance == pytest.approx(np.sqrt(2) * A.std(), rel=0.02)
    unused = found.columns[1]
    assert (unused.importance, unused.deviation, unused.low, unused.high) == (0.0, 0.0, 0.0, 0.0)


def test_by_default_it_is_the_loss_that_rises(first: Path) -> None:
    found = importance_of(first, repeats=200)
    assert (found.metric, found.loss, found.score) == ("loss", "mse", pytest.approx(0.0, abs=1e-12))
    # The unbiased mean over pairs of different rows of a group is about 2 s², with n - 1 in the variance.
    assert found.columns[0].importance == pytest.approx(2 * A.var(ddof=1), rel=0.05)


@pytest.mark.parametrize(("most", "repeats"), [(20, 5), (7, 3), (1, 1)])
def test_columns_of_a_wide_table_are_permuted_fewer_times(first: Path, most: int, repeats: int) -> None:
    found = importance_of(first, most_passes=most)
    assert found == importance_of(first, repeats=repeats)
    assert found.repeats == repeats


def test_the_rows_stand_as_they_were_after_a_column_was_permuted(first: Path) -> None:
    assert importance_of(first) == importance_of(first)
    assert importance_of(first, seed=1) != importance_of(first)


def test_of_a_metric_that_is_better_when_greater_it_is_the_fall(tmp_path: Path) -> None:
    names = np.where(A < 3, "low", "high")
    run = trained(tmp_path, "[]", "{layers.0.weight: [[-9], [0]], layers.0.bias: [27]}", {"a": A, "b": B, "y": names})
    found = importance_of(run, metric="accuracy", repeats=150)
    assert found.score == 1.0
    share = np.mean(A < 3)
    assert found.columns[0].importance == pytest.approx(2 * share * (1 - share), rel=0.05)
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
    found = importance_of(run, repeats=200)
    assert [one.column for one in found.columns] == ["c", "a"]
    assert found.columns[0].importance == pytest.approx(2 * values.var(ddof=1), rel=0.1)


def rare(folder: Path, extra: str = "", rows: int = 1000) -> Path:
    """A run of 4% positives, on whose log-odds one column has an effect, and in whose network four others have too."""
    generator = np.random.default_rng(0)
    columns = {name: generator.normal(size=rows).round(4) for name in ("n1", "n2", "signal", "n3", "n4")}
    yes = generator.random(rows) < 1 / (1 + np.exp(4.6 - 2 * columns["signal"]))
    assert np.mean(yes) == pytest.approx(0.04, abs=0.01)
    weights = "{layers.0.weight: [[0.4], [0.2], [2], [-0.3], [0.1]], layers.0.bias: [-4.6]}"
    return trained(folder, "[]", weights, {**columns, "y": np.where(yes, "yes", "no")}, extra)


@pytest.mark.parametrize("metric", ["loss", "roc_auc", "average_precision"])
def test_of_4_percent_positives_the_column_with_an_effect_is_first_and_noise_has_intervals_around_0(
    tmp_path: Path, metric: str
) -> None:
    found = importance_of(rare(tmp_path), metric=metric)
    signal, *noise = found.columns
    assert signal.column == "signal"
    assert signal.low is not None
    assert signal.low > 0
    for one in noise:
        assert one.low is not None
        assert one.high is not None
        assert one.low <= 0 <= one.high
        assert one.low < one.importance < one.high < signal.importance


def test_intervals_of_columns_without_effect_hold_0_as_often_as_they_say(tmp_path: Path) -> None:
    model = Model.load(rare(tmp_path, rows=12_000))
    table = split_rows(model, None).table
    held = []
    for start in range(0, 12_000, 300):
        found = permutation_importance(model, table.slice(start, start + 300))
        noise = [one for one in found.columns if one.column != "signal"]
        held += [one.low <= 0 <= one.high for one in noise if one.low is not None and one.high is not None]
    assert len(held) == 160
    assert 0.9 <= np.mean(held) <= 1.0


def test_the_interval_covers_the_choice_of_rows_and_not_only_that_of_permutations(first: Path) -> None:
    found = importance_of(first, repeats=50).columns[0]
    assert found.low is not None
    assert found.high is not None
    # The influence of a row on 2 s² is 2 ((a - m)² - s²).
    deviation = np.std(2 * (A - A.mean()) ** 2) / np.sqrt(len(A))
    assert found.high - found.low == pytest.approx(2 * 2.093 * deviation, rel=0.4)


def test_row_weights_count_for_rows_and_for_the_values_that_they_lend(tmp_path: Path) -> None:
    weight = np.where(A < 3, 4.0, 1.0)
    parameters = "{layers.0.weight: [[1], [0]], layers.0.bias: [0]}"
    run = trained(
        tmp_path, "[]", parameters, {"a": A, "b": B, "w": weight, "y": A}, ", target_encoder: none, weight: w"
    )
    found = importance_of(run, repeats=400)
    mean = np.average(A, weights=weight)
    assert found.weighted
    expected = 2 * np.average((A - mean) ** 2, weights=weight)
    assert found.columns[0].importance == pytest.approx(expected, rel=0.05)
    assert expected < 0.9 * 2 * A.var()
    assert found.columns[1].importance == pytest.approx(0.0, abs=1e-12)


def test_of_too_few_rows_there_is_no_interval(first: Path) -> None:
    model = Model.load(first)
    table = split_rows(model, None).table
    assert [one.low for one in permutation_importance(model, table.slice(0, 9)).columns] == [None, None]
    assert None not in [one.low for one in permutation_importance(model, table.slice(0, 10)).columns]
    (one, _) = permutation_importance(model, table.slice(0, 1)).columns
    assert (one.importance, one.low) == (0.0, None)


def test_a_metric_that_the_model_has_not_or_that_is_undefined_is_an_error(first: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--importance: no metric 'acuracy' for this model; available: loss, mse"):
        importance_of(first, metric="acuracy")
    model = Model.load(rare(tmp_path))
    table = split_rows(model, None).table
    negative = table.take(np.flatnonzero(np.array(table["y"].labels()) == "no"))
    with pytest.raises(UsageError, match="no metric 'auc' for this model; did you mean 'roc_auc'"):
        permutation_importance(model, negative, "auc")
    with pytest.raises(DataError, match="roc_auc is undefined on these rows; use loss"):
        permutation_importance(model, negative, "roc_auc")
