"""Partial dependence: a line of known slope for a linear model, and by hand where there is an interaction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from planted import trained

from bpcli.data.table import Column, Table
from bpcli.errors import UsageError
from bpcli.inspection.dependence import GRID, PartialDependence, partial_dependence
from bpcli.models.evaluation import split_rows
from bpcli.models.model import Model
from bpcli.nn.losses.hinge import Hinge

GENERATOR = np.random.default_rng(0)
A, B = GENERATOR.uniform(1, 5, 60), GENERATOR.normal(size=60)
C = np.array(["x", "x", "x", "y", "z", "z"] * 10)
COLUMNS = {"a": A, "b": B, "c": C, "y": 10 * A}


@pytest.fixture(scope="module")
def linear(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(
        tmp_path_factory.mktemp("linear"),
        "[]",
        "{layers.0.weight: [[2], [-3], [1], [4], [8]], layers.0.bias: [7]}",
        COLUMNS,
    )


def dependence_of(run: Path, columns: list[str] | None = None) -> PartialDependence:
    model = Model.load(run)
    return partial_dependence(model, split_rows(model, None).table, columns)


def test_of_a_linear_model_it_is_a_line_whose_slope_is_the_weight(linear: Path) -> None:
    found = dependence_of(linear)
    assert (found.answer, found.rows, [one.column for one in found.columns]) == ("prediction", 60, ["a", "b", "c"])
    scale = np.std(COLUMNS["y"])  # of the target, which is standardized
    for one, slope in zip(found.columns[:2], (2, -3), strict=True):
        values, answers = np.array(one.values, float), np.array(one.answers["y"])
        np.testing.assert_allclose(np.diff(answers), slope * scale * np.diff(values), rtol=1e-9)
    model = Model.load(linear)
    everywhere = model.predict({"a": np.full(60, A.min()), "b": B, "c": C}).mean()
    assert found.columns[0].answers["y"][0] == pytest.approx(everywhere, rel=1e-12)


def test_numbers_are_asked_about_at_quantiles_that_stand_in_the_rows(linear: Path) -> None:
    values = dependence_of(linear, ["a"]).columns[0].values
    assert len(values) == GRID
    assert (values[0], values[-1]) == (A.min(), A.max())
    assert set(values) <= set(A.tolist())
    assert values == sorted(values)


def test_categories_are_asked_about_one_by_one(linear: Path) -> None:
    (one,) = dependence_of(linear, ["c"]).columns
    scale = np.std(COLUMNS["y"])
    assert one.values == ["x", "y", "z"]
    np.testing.assert_allclose(np.diff(one.answers["y"]), scale * np.array([3, 4]), rtol=1e-9)
    assert one.spread == pytest.approx(7 * scale)


def test_where_columns_act_together_it_is_the_mean_over_the_rows(tmp_path: Path) -> None:
    """relu(a + b): its mean over b for each a."""
    run = trained(
        tmp_path,
        "[{units: 1, activation: relu}]",
        "{layers.0.weight: [[1], [1]], layers.0.bias: [0], layers.1.weight: [[1]], layers.1.bias: [0]}",
        {"a": A - 3, "b": B, "y": A},
        ", target_encoder: none",
    )
    (one,) = dependence_of(run, ["a"]).columns
    expected = [np.maximum(value + B, 0).mean() for value in np.array(one.values, float)]
    np.testing.assert_allclose(one.answers["y"], expected, rtol=1e-12)


def test_columns_with_missing_cells_in_training_are_asked_about_at_a_missing_cell_too(tmp_path: Path) -> None:
    holes = np.arange(60) % 4 == 0
    a = [None if hole else value for hole, value in zip(holes, A, strict=True)]
    word = ["" if hole else value for hole, value in zip(holes, C, strict=True)]
    yes = [None if hole else value > 3 for hole, value in zip(holes, A, strict=True)]
    weights = "[[2], [5], [1], [4], [8], [-6], [3], [9], [-3]]"  # of a, word, yes with their indicators, and of b
    run = trained(
        tmp_path,
        "[]",
        f"{{layers.0.weight: {weights}, layers.0.bias: [7]}}",
        {"a": a, "word": word, "yes": yes, "b": B, "y": 10 * A},
    )
    model, found = Model.load(run), dependence_of(run)
    given = {"a": a, "word": word, "yes": yes, "b": [*B]}
    for one in found.columns[:3]:
        mean = model.predict({**given, one.column: [None] * 60}).mean()
        assert one.missing == {"y": pytest.approx(mean, rel=1e-12)}
        assert one.drawn("y") == [*one.answers["y"], one.missing["y"]]
    assert found.columns[3].missing == {}
    assert len(found.columns[1].values) == 3
    scale = np.std(COLUMNS["y"])
    assert found.columns[1].spread == pytest.approx((8 + 6) * scale)


def test_classes_have_a_mean_probability_each(penguins_run: Path) -> None:
    found = dependence_of(penguins_run)
    assert found.answer == "probability"
    for one in found.columns:
        answers = np.array(list(one.answers.values()))
        assert list(one.answers) == ["Adelie", "Chinstrap", "Gentoo"]
        np.testing.assert_allclose(answers.sum(axis=0), 1, rtol=1e-9)
        assert answers.shape == (3, len(one.values))


def test_a_loss_without_probabilities_has_scores(tmp_path: Path) -> None:
    names = np.where(A > 3, "high", "low")
    run = trained(
        tmp_path,
        "[]",
        "{layers.0.weight: [[2], [0]], layers.0.bias: [-6]}",
        {"a": A, "b": B, "y": names},
    )
    model = Model.load(run)
    assert dependence_of(run).answer == "probability"
    hinge = replace(model, loss=Hinge())
    found = partial_dependence(hinge, split_rows(model, None).table, ["a"])
    assert (found.answer, list(found.columns[0].answers)) == ("score", ["low"])
    np.testing.assert_allclose(
        found.columns[0].answers["low"], 2 * np.array(found.columns[0].values, float) - 6, rtol=1e-9
    )


def test_a_column_that_says_nothing_in_these_rows_has_no_values(penguins_run: Path) -> None:
    model = Model.load(penguins_run)
    table = split_rows(model, None).table
    empty = Column("bill_length_mm", "numeric", np.full(table.rows, np.nan))
    columns = [empty if name == empty.name else table[name] for name in table]
    found = partial_dependence(model, Table(columns), ["bill_length_mm"])
    assert found.columns[0].values == []
    assert found.columns[0].answers == {"Adelie": [], "Chinstrap": [], "Gentoo": []}
    assert list(found.columns[0].missing) == ["Adelie", "Chinstrap", "Gentoo"]
    assert found.columns[0].spread == 0.0


def test_fewer_rows_are_taken_and_the_answers_are_the_same_in_parts(
    penguins_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = dependence_of(penguins_run, ["island"])
    monkeypatch.setattr("bpcli.inspection.dependence.MOST_NUMBERS", 1)
    assert dependence_of(penguins_run, ["island"]) == whole
    monkeypatch.setattr("bpcli.inspection.dependence.MOST_ROWS", 35)
    assert dependence_of(penguins_run, ["island"]).rows == 35


def test_a_name_that_is_no_input_is_a_usage_error(linear: Path) -> None:
    with pytest.raises(UsageError, match=r"^the model has no input column 'y'; it takes 'a', 'b', 'c'$"):
        dependence_of(linear, ["a", "y"])
