"""Rows that repeat the header of a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpcli.data.examples.repeated_headers import repeated_headers, repeats_noted
from bpcli.data.files.source import open_source
from bpcli.data.spec import DataSpec

HEADER = "amount,plan,won"


def repeats(tmp_path: Path, lines: list[str], columns: dict[str, object] | None = None) -> list[int]:
    path = tmp_path / "data.csv"
    path.write_text("\n".join(lines) + "\n")
    spec = DataSpec.model_validate({"path": str(path), "target": "won", "columns": columns or {}})
    return repeated_headers(open_source(spec, tmp_path).table(), spec).tolist()


ROWS = [f"{number},{('basic', 'pro')[number % 2]},{('no', 'yes')[number % 3 % 2]}" for number in range(9)]


def test_a_row_of_column_names_is_found(tmp_path: Path):
    assert repeats(tmp_path, [HEADER, *ROWS[:4], HEADER, *ROWS[4:], HEADER]) == [4, 10]
    assert repeats(tmp_path, [HEADER, *ROWS]) == []


def test_names_read_as_missing_values_are_found(tmp_path: Path):
    columns: dict[str, object] = {"amount": {"type": "numeric", "missing": ["amount"]}}
    lines = [HEADER, *ROWS[:4], ",pro,yes", HEADER, *ROWS[4:]]
    assert repeats(tmp_path, lines, columns) == [5]


def test_an_empty_cell_of_the_header_is_repeated_by_an_empty_cell(tmp_path: Path):
    lines = [f",{HEADER}", *(f"{number},{row}" for number, row in enumerate(ROWS)), f",{HEADER}"]
    assert repeats(tmp_path, lines) == [9]


@pytest.mark.parametrize("row", ["amount,plan,no", "7,plan,won", ",plan,won", ",,"])
def test_some_cells_called_like_their_columns_are_no_header(tmp_path: Path, row: str):
    assert repeats(tmp_path, [HEADER, *ROWS, row]) == []


def test_the_warning_names_the_rows(tmp_path: Path):
    path = tmp_path / "data.csv"
    path.write_text("\n".join([HEADER, *ROWS, HEADER, *ROWS, HEADER]) + "\n")
    spec = DataSpec.model_validate({"path": str(path), "target": "won"})
    found = repeated_headers(open_source(spec, tmp_path).table(), spec)
    assert repeats_noted(found[:1]) == (
        "row 10 repeats the header (rows are counted below it); delete that line from the data, else column names are "
        "values, and numbers may be read as names"
    )
    assert repeats_noted(found).startswith("2 rows repeat the header: 10, 20 (rows are counted below it); delete these")
    assert repeats_noted(found[:0]) == ""
