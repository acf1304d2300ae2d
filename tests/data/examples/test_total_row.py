"""A last row that sums the others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bpcli.data.examples.total_row import total_row
from bpcli.data.files.source import open_source
from bpcli.data.spec import DataSpec

ROWS = ("Ashton,5,10.25,north", "Bern,7,20.50,south", "Cork,9,30.25,north")


def noted(folder: Path, last: str, rows: Sequence[str] = ROWS, **data: object) -> str:
    (folder / "t.csv").write_text("\n".join(["shop,staff,area,region", *rows, last]) + "\n")
    source = open_source(DataSpec.model_validate({"path": "t.csv", **data}), folder)
    return total_row(source, source.table())


@pytest.mark.parametrize("word", ["Total", "TOTAL:", "Sum", "grand total", " Totals "])
def test_a_last_row_of_sums_and_blanks_after_the_word_is_a_total(tmp_path: Path, word: str) -> None:
    said = noted(tmp_path, f"{word},21,61.00,")
    assert said.startswith(f"row 4, the last, looks like a total: '{word}' in 'shop', ")


def test_the_note_says_how_to_drop_the_row_and_that_drops_it(tmp_path: Path) -> None:
    assert noted(tmp_path, "Total,21,61.00,") == (
        "row 4, the last, looks like a total: 'Total' in 'shop', sums or blanks in the other columns; delete it from "
        "the file, or skip lines that begin so: data.comment: Total"
    )
    assert noted(tmp_path, "Total,21,61.00,", comment="Total") == ""


def test_sums_may_be_blank_or_rounded(tmp_path: Path) -> None:
    assert noted(tmp_path, "Total,,61.00,")
    assert noted(tmp_path, "Total,,,")
    assert noted(tmp_path, "Total,21,61.00001,")
    assert noted(tmp_path, "Total,21,,", [*ROWS, "Dale,,8.50,south"]), "missing cells add nothing"


@pytest.mark.parametrize(
    "last",
    ["Dover,21,61.00,", "Total,21,61.00,north", "Total,21,60.00,", "Total,7,20.33,", "Total Energies,21,61.00,"],
    ids=["no word", "a category", "another number", "means", "another name"],
)
def test_any_other_last_row_is_a_row(tmp_path: Path, last: str) -> None:
    assert noted(tmp_path, last) == ""


def test_only_the_last_row_counts(tmp_path: Path) -> None:
    assert noted(tmp_path, ROWS[2], [*ROWS[:2], "Total,12,30.75,"]) == ""


def test_the_word_is_found_in_a_column_that_is_excluded_or_where_it_marks_a_missing_value(tmp_path: Path) -> None:
    assert noted(tmp_path, "Total,21,61.00,", exclude=["shop"])
    years = ["2021,5,10.25,north", "2022,7,20.50,south", "2023,9,30.25,north"]
    marked = {"columns": {"shop": {"type": "numeric", "missing": ["Total"]}}}
    assert noted(tmp_path, "Total,21,61.00,", years, **marked).startswith("row 4, the last")
    assert noted(tmp_path, "2024,21,61.00,", years) == ""


def test_data_without_lines_is_to_be_mended_in_the_file(tmp_path: Path) -> None:
    rows = [("A", 5), ("B", 7), ("C", 1), ("Total", 13)]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps({"shop": name, "staff": n}) + "\n" for name, n in rows))
    source = open_source(DataSpec(path="t.jsonl"), tmp_path)
    assert total_row(source, source.table()).endswith("; delete it from the file")


def test_arrays_and_very_small_tables_have_no_total(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", X=np.zeros((5, 2)), y=np.zeros(5))
    source = open_source(DataSpec(path="t.npz"), tmp_path)
    assert total_row(source, source.table()) == ""
    assert noted(tmp_path, "Total,5,10.25,", ROWS[:1]) == ""
