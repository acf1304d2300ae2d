"""Expected time of training, and the recipe that fits a budget."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.config.recipe import RecipeName
from bpcli.data.table import Column, Table
from bpcli.experiment.expected_time import Expected, within_budget


def table(rows: int) -> Table:
    numbers = np.random.default_rng(0).normal(size=(4, rows))
    return Table([*(Column(name, "numeric", values) for name, values in zip("abcd", numbers, strict=True))])


def of(rows: int, recipe: RecipeName = "tabular", budget: float | None = None) -> Expected:
    return within_budget(recipe, table(rows), ["d"], [], 0, budget)


def test_more_rows_take_longer_and_fewer_members_less() -> None:
    assert of(300).seconds < of(3_000).seconds < of(30_000).seconds
    assert of(3_000, "quick").seconds < of(3_000).seconds / 2
    assert of(3_000, "linear").seconds < of(3_000, "quick").seconds
    assert (of(3_000).recipe, of(3_000).members) == ("tabular@1", 8)
    assert of(60_000).members == 4


def test_a_budget_chooses_quick_and_then_fewer_epochs() -> None:
    tabular, quick = of(3_000), of(3_000, "quick")
    assert of(3_000, budget=tabular.seconds + 1) == tabular
    assert of(3_000, budget=(quick.seconds + tabular.seconds) / 2) == quick
    limited = of(3_000, budget=quick.seconds / 4)
    assert limited.recipe == "quick@1"
    assert (limited.epochs, limited.max_time) == (16, quick.seconds / 4)
    assert limited.seconds == pytest.approx(quick.seconds / 4)
    assert of(3_000, budget=1e-6).epochs == 1


def test_the_note_says_what_and_why() -> None:
    expected = Expected("quick@1", 4, 64, 12.3)
    assert expected.told("quick") == "recipe: quick@1; 4 networks, about 10 s of training on one core, often less"
    assert expected.told("tabular").endswith("often less, as tabular would exceed the budget")
    limited = Expected("quick@1", 4, 20, 4.3, 5.0)
    assert limited.told("quick").endswith("often less; 20 epochs for the budget of 5 s")
