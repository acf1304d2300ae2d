"""Drafts leave out what numbers the rows and what is the target under another name, and say how to keep it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from experiments import write_csv

from bpcli.experiment.first_config import Draft, draft_config

RANDOM = np.random.default_rng(0)
ROWS = 200
A, B = RANDOM.normal(size=(2, ROWS)).round(3)
PRICE = RANDOM.uniform(1, 100, ROWS).round(2)
NUMBERS = RANDOM.permutation([*range(1, ROWS), ROWS + 1])  # in no order, and one is left out


def draft(folder: Path, columns: dict[str, object], target: str) -> Draft:
    return draft_config(write_csv(folder / "t.csv", columns), [target], folder / "c.yaml", None)  # type: ignore[arg-type]


def test_row_numbers_with_gaps_and_the_target_under_another_name_are_left_out_with_the_reason(tmp_path: Path) -> None:
    made = draft(tmp_path, {"id": NUMBERS, "a": A, "b": B, "cents": (100 * PRICE).round(), "price": PRICE}, "price")
    assert (
        "  exclude:\n"
        "    - id    # counts the rows from 1 to 201, like an identifier\n"
        "    - cents    # has a correlation of 1 with target 'price'\n"
    ) in made.text
    assert made.notes == [
        "'id' left out: counts the rows from 1 to 201, like an identifier; to keep it, delete it from data.exclude and "
        "name its kind in data.columns, such as {id: numeric}",
        "'cents' left out: has a correlation of 1 with target 'price'; to keep it, delete it from data.exclude and set "
        "data.accept: [target_copy: cents]",
    ]


def test_distinct_numbers_named_as_an_identifier_are_left_out(tmp_path: Path) -> None:
    customers = RANDOM.permutation(900_000)[:ROWS] + 100_000
    made = draft(tmp_path, {"Customer ID": customers, "a": A, "b": B, "price": PRICE}, "price")
    assert made.notes == [
        f"'Customer ID' left out: {ROWS} distinct numbers in {ROWS} rows, like an identifier, as its name says; to "
        'keep it, delete it from data.exclude and name its kind in data.columns, such as {"Customer ID": numeric}'
    ]


def test_other_columns_that_determine_the_target_are_kept_and_noted(tmp_path: Path) -> None:
    made = draft(tmp_path, {"a": A, "b": B, "log": np.log(PRICE).round(4), "price": PRICE}, "price")
    assert "exclude" not in made.text.split("layers:")[0]
    assert made.notes == [
        "'log': has a rank correlation of 1 with target 'price'; put it in data.exclude unless it is known before the "
        "target"
    ]
    classes = np.where(A > 0, "yes", "no")
    made = draft(tmp_path, {"a": A, "b": B, "copy": classes, "y": classes}, "y")
    assert made.notes[0].startswith("'a': 1 threshold separates the 2 values of target 'y'")
    assert made.notes[1].startswith("'copy' left out: equal to target 'y' in all rows; to keep it, ")


def test_clean_tables_and_single_inputs_are_left_alone(tmp_path: Path) -> None:
    assert draft(tmp_path, {"a": A, "b": B, "price": PRICE}, "price").notes == []
    assert draft(tmp_path, {"cents": 100 * PRICE, "price": PRICE}, "price").notes == []


def test_the_last_input_is_noted_instead_of_left_out(tmp_path: Path) -> None:
    made = draft(tmp_path, {"cents": 100 * PRICE, "half": PRICE / 2, "price": PRICE}, "price")
    assert [note.partition(":")[0] for note in made.notes] == ["'cents' left out", "'half'"]
