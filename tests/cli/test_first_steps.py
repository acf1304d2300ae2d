"""First commands on unprepared data: titles above the table, no header, other sheets, databases."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from commands import bpcli

ROWS = "".join(f"2024-01-{day:02d};{day},5;0,{day};{'ab'[day % 2]}\n" for day in range(1, 29))


def test_title_lines_in_the_cells_of_a_sheet_are_skipped(tmp_path: Path):
    title = "Auswertung Q1;;;\nerstellt am 3.4.;;;\n\nDatum;Betrag;Anteil;Typ\n"
    (tmp_path / "title.csv").write_text(title + ROWS)
    result = bpcli("init", tmp_path / "title.csv", "--target", "Typ").ok()
    assert "  skip_rows: 3    # the header is line 4\n" in result.out
    assert "28 rows, 4 columns" in result.out


def test_title_and_blank_lines_full_of_delimiters_are_skipped(tmp_path: Path):
    title = '"Customer export, 30 November",,,\n,,,\nday,amount,share,kind\n'
    (tmp_path / "title.csv").write_text(title + ROWS.replace(",", ".").replace(";", ","))
    bpcli("init", "title.csv", "--target", "kind", "-o", "c.yaml", cwd=tmp_path).ok()
    text = (tmp_path / "c.yaml").read_text()
    assert "  skip_rows: 2    # the header is line 3\n" in text
    assert "28 rows, 4 columns" in text
    bpcli("check", "c.yaml", cwd=tmp_path).ok()
    failed = bpcli("check", "c.yaml", "--set", "data.skip_rows=1", cwd=tmp_path)
    assert "line 2: none of the 4 columns has a name in the header; if the header is further down, skip" in failed.err


def test_the_line_that_has_the_target_is_named(tmp_path: Path):
    title = "Auswertung;Q1;am;3.4.\nDatum;Betrag;Anteil;Typ\n"
    (tmp_path / "title.csv").write_text(title + ROWS)
    failed = bpcli("init", "title.csv", "--target", "Typ", cwd=tmp_path)
    what = "no column 'Typ' in 'title.csv'; line 2 looks like the header"
    assert (failed.code, failed.err) == (2, f"error: --target: {what}: --skip-rows 1\n")
    bpcli("init", "title.csv", "--target", "Typ", "--skip-rows", "1", "-o", "c.yaml", cwd=tmp_path).ok()
    assert "  skip_rows: 1    # as given to bpcli init\n" in (tmp_path / "c.yaml").read_text()
    bpcli("check", "c.yaml", cwd=tmp_path).ok()
    failed = bpcli("check", "c.yaml", "--set", "data.skip_rows=0", cwd=tmp_path)
    assert failed.err.splitlines()[0].endswith(f"data.target: {what}: data.skip_rows: 1")


def test_the_columns_of_a_file_without_a_header_are_named(tmp_path: Path):
    (tmp_path / "raw.csv").write_text("".join(f"{row * 7 % 13}.5,{row * 5 % 11}.25,{row % 3}\n" for row in range(40)))
    failed = bpcli("init", "raw.csv", "--target", "y", cwd=tmp_path)
    assert failed.err == (
        "error: --target: no column 'y' in 'raw.csv'; the first row looks like data, so the columns are 'column0', "
        "'column1', 'column2'; add --header if it has their names\n"
    )
    named = bpcli("init", "raw.csv", "--target", "2", "--header", cwd=tmp_path)
    assert "no column '2'" in named.err
    (tmp_path / "c.yaml").write_text("data: {path: raw.csv, target: y}\n")
    failed = bpcli("check", "c.yaml", cwd=tmp_path)
    hint = "; the first row looks like data: data.header: false names the columns column0, column1, …\n"
    assert failed.err.endswith(f"no column 'y' in 'raw.csv'{hint}")


def test_reading_options_are_written_to_the_config(tmp_path: Path):
    (tmp_path / "t.csv").write_bytes(
        ("größe|y\n" + "".join(f"{row},5|{row % 7}\n" for row in range(40))).encode("cp1252")
    )
    options = ["--delimiter", "|", "--decimal", ",", "--encoding", "cp1252", "--header"]
    out = bpcli("init", "t.csv", "--target", "y", *options, cwd=tmp_path).ok().out
    for line in ('delimiter: "|"', 'decimal: ","', "encoding: cp1252", "header: true"):
        assert f"  {line}    # as given to bpcli init\n" in out
    failed = bpcli("init", "t.csv", "--target", "y", "--decimal", ";", cwd=tmp_path)
    assert (failed.code, failed.err[:17]) == (2, "error: --decimal:")
    failed = bpcli("init", "t.csv", "--target", "y", "--delimiter", ",", "--decimal", ",", cwd=tmp_path)
    assert (failed.code, len(failed.err.splitlines())) == (2, 1)


@pytest.mark.parametrize(("table", "named"), [("weather", "weather"), ("My T", '\\"My T\\"')])
def test_a_database_without_a_query_is_answered_by_its_tables(tmp_path: Path, table: str, named: str):
    with closing(sqlite3.connect(tmp_path / "w.db")) as database:
        database.execute(f'create table "{table}" (a, cost)')
        database.commit()
    failed = bpcli("init", "sqlite:///w.db", "--target", "cost", cwd=tmp_path)
    query = f'a database needs a query, such as --query "select * from {named}"; it has {table!r}'
    assert (failed.code, failed.err) == (2, f"error: sqlite:///w.db: {query}\n")


def test_the_sheet_that_has_the_target_is_named(tmp_path: Path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "cover"
    book.active.append(["about", "text"])
    data = book.create_sheet("data")
    data.append([None, "x", "y"])
    for row in range(40):
        data.append([row, row * 7 % 13 / 2, "ab"[row % 2]])
    book.save(tmp_path / "t.xlsx")
    failed = bpcli("init", "t.xlsx", "--target", "y", cwd=tmp_path)
    assert failed.err == "error: --target: no column 'y' in 't.xlsx'; sheet 'data' has it: --sheet data\n"
    failed = bpcli("init", "t.xlsx", "--target", "z", cwd=tmp_path)
    assert failed.err.endswith("; other sheets: 'data', read with --sheet NAME\n")
    bpcli("init", "t.xlsx", "--target", "y", "--sheet", "data", "-o", "c.yaml", cwd=tmp_path).ok()
    assert '    - "Unnamed: 0"    # a row number\n' in (tmp_path / "c.yaml").read_text()
    (tmp_path / "d.yaml").write_text("data: {path: t.xlsx, target: y}\n")
    failed = bpcli("check", "d.yaml", cwd=tmp_path)
    assert failed.err.endswith("no column 'y' in 't.xlsx'; sheet 'data' has it: data.sheet: data\n")


def test_title_rows_of_a_sheet_are_skipped_or_the_row_with_the_target_is_named(tmp_path: Path):
    openpyxl = pytest.importorskip("openpyxl")
    pytest.importorskip("python_calamine")
    rows = [["a", "b", "y"], *([number, number % 7, "uv"[number % 2]] for number in range(40))]

    def write(name: str, *above: list[str | None]) -> None:
        book = openpyxl.Workbook()
        for row in (*above, *rows):
            book.active.append(row)
        book.save(tmp_path / name)

    write("title.xlsx", ["Export of 30 November"], [])
    result = bpcli("init", "title.xlsx", "--target", "y", cwd=tmp_path).ok()
    assert "  skip_rows: 2    # the header is row 3 of the sheet\n" in result.out
    assert "40 rows, 3 columns" in result.out

    write("note.xlsx", ["Exported", "30 November"])
    failed = bpcli("init", "note.xlsx", "--target", "y", cwd=tmp_path)
    what = "no column 'y' in 'note.xlsx'; row 2 looks like the header"
    assert (failed.code, failed.err) == (2, f"error: --target: {what}: --skip-rows 1\n")
    bpcli("init", "note.xlsx", "--target", "y", "--skip-rows", "1", "-o", "c.yaml", cwd=tmp_path).ok()
    assert "40 rows, 3 columns" in (tmp_path / "c.yaml").read_text()
    failed = bpcli("check", "c.yaml", "--set", "data.skip_rows=0", cwd=tmp_path)
    assert failed.err.splitlines()[0].endswith(f"data.target: {what}: data.skip_rows: 1")

    write("blank.xlsx", [], [])
    assert "skip_rows" not in bpcli("init", "blank.xlsx", "--target", "y", cwd=tmp_path).ok().out


def test_files_without_lines_have_none_to_skip(tmp_path: Path):
    rows = [f'{{"a": {number}, "b": {number % 7}, "y": "{"uv"[number % 2]}"}}' for number in range(40)]
    (tmp_path / "t.jsonl").write_text("\n".join(rows) + "\n")
    failed = bpcli("init", "t.jsonl", "--target", "y", "--skip-rows", "1", cwd=tmp_path)
    assert (failed.code, failed.err) == (2, "error: --skip-rows: t.jsonl has no lines to skip\n")
    bpcli("init", "t.jsonl", "--target", "y", "-o", "c.yaml", cwd=tmp_path).ok()
    checked = bpcli("check", "c.yaml", "--strict", "--set", "data.skip_rows=1", cwd=tmp_path)
    assert checked.code != 0
    assert "t.jsonl has no lines to skip" in checked.err
