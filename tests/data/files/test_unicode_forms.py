"""Names of columns and words in every format are in Unicode's composed form (NFC)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from bpcli.data.files.cells import ReadOptions
from bpcli.data.files.query import Location, Query
from bpcli.data.files.read import read_chunks, read_header, read_table
from bpcli.errors import DataError

COMPOSED, DECOMPOSED = "Gr\u00f6\u00dfe", "Gro\u0308\u00dfe"
WORDS = ["Z\u00fcrich", "Zu\u0308rich", "Bern"]


def csv_file(folder: Path, names: list[str]) -> Location:
    path = folder / "t.csv"
    path.write_text("\n".join([",".join(names), *(",".join([word] * len(names)) for word in WORDS)]) + "\n")
    return path


def json_lines(folder: Path, names: list[str]) -> Location:
    path = folder / "t.jsonl"
    path.write_text("\n".join(json.dumps(dict.fromkeys(names, word), ensure_ascii=False) for word in WORDS))
    return path


def json_escapes(folder: Path, names: list[str]) -> Location:
    path = folder / "t.jsonl"
    path.write_text("\n".join(json.dumps(dict.fromkeys(names, word)) for word in WORDS))
    return path


def parquet(folder: Path, names: list[str]) -> Location:
    path = folder / "t.parquet"
    pytest.importorskip("polars").DataFrame(dict.fromkeys(names, WORDS)).write_parquet(path)
    return path


def workbook(folder: Path, names: list[str]) -> Location:
    book = pytest.importorskip("openpyxl").Workbook()
    for row in [names, *([word] * len(names) for word in WORDS)]:
        book.active.append(row)
    book.save(folder / "t.xlsx")
    return folder / "t.xlsx"


def query(folder: Path, names: list[str]) -> Location:
    path = folder / "t.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"create table t ({', '.join(names)})")
        marks = ", ".join("?" * len(names))
        connection.executemany(f"insert into t values ({marks})", [[word] * len(names) for word in WORDS])
    return Query(f"sqlite:///{path}", "select * from t order by rowid", path)


FORMATS = [csv_file, json_lines, json_escapes, parquet, workbook, query]


@pytest.mark.parametrize("written", FORMATS)
@pytest.mark.parametrize("name", [COMPOSED, DECOMPOSED])
def test_names_and_words_are_read_in_composed_form(
    written: Callable[[Path, list[str]], Location], name: str, tmp_path: Path
) -> None:
    location, options = written(tmp_path, [name]), ReadOptions(columns=frozenset([COMPOSED]))
    assert read_header(location, options) == [COMPOSED]
    tables = [read_table([(location, None)], options)]
    if isinstance(location, Path):
        tables += read_chunks(location, options, 3)
    for table in tables:
        assert table.header == (COMPOSED,)
        assert table[COMPOSED].categories == ("Bern", WORDS[0])
        assert table[COMPOSED].values.tolist() == [1, 1, 0]


@pytest.mark.parametrize("written", FORMATS)
def test_two_forms_of_one_name_are_duplicates(written: Callable[[Path, list[str]], Location], tmp_path: Path) -> None:
    location = written(tmp_path, [COMPOSED, DECOMPOSED])
    with pytest.raises(
        DataError, match=rf"(duplicate|more than once|stands more).*'{COMPOSED}'|'{COMPOSED}'.*more than"
    ):
        read_table([(location, None)], ReadOptions())


def test_names_of_arrays_and_their_texts_are_in_composed_form(tmp_path: Path) -> None:
    path = tmp_path / "t.npz"
    np.savez(path, **{DECOMPOSED: np.zeros((3, 2)), "y": np.array(WORDS)})
    options = ReadOptions(x=COMPOSED)
    assert read_header(path, options) == [f"{COMPOSED}0", f"{COMPOSED}1", "y"]
    assert read_table([(path, None)], options)["y"].values.tolist() == [1, 1, 0]


def test_a_missing_word_is_found_in_either_form(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"a\n1\n{WORDS[1]}\n{WORDS[0]}\n")
    column = read_table([(path, None)], ReadOptions(missing=(WORDS[0],)))["a"]
    np.testing.assert_array_equal(column.values, [1, np.nan, np.nan])
