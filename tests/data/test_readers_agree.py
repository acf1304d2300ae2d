"""The NumPy reader and the Polars reader give one table, or one error."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcli.data.files import regular_text, text_source
from bpcli.data.files.cells import ReadOptions
from bpcli.data.files.csv_reader import read_csv
from bpcli.data.files.polars_reader import read_csv_polars
from bpcli.data.files.read import read_chunks, read_table
from bpcli.data.table import Kind, Table
from bpcli.errors import DataError

pytest.importorskip("polars")

DATASETS = Path(__file__).parents[2] / "datasets"


def content(table: Table) -> list[tuple[object, ...]]:
    return [(c.name, c.kind, c.values.dtype.str, c.values.tobytes(), c.categories) for c in table.values()]


def outcome(path: Path, options: ReadOptions) -> object:
    try:
        table = read_table([(path, None)], options)
    except DataError as error:
        return str(error)
    return table.rows, content(table)


def chunks(path: Path, options: ReadOptions, rows: int) -> tuple[list[object], str | None]:
    """All tables, and the error that ended them, if there was one."""
    found: list[object] = []
    try:
        found.extend((table.rows, table.ignored, content(table)) for table in read_chunks(path, options, rows))
    except DataError as error:
        return found, str(error)
    return found, None


def assert_agree(path: Path, options: ReadOptions, rows: int = 3, same_error: bool = True) -> None:
    """One table or one error; and the same chunks, of which more or fewer may come before an error."""
    by_polars, by_numpy = replace(options, engine="polars"), replace(options, engine="numpy")
    assert outcome(path, by_polars) == outcome(path, by_numpy)
    found, error = chunks(path, by_polars, rows)
    expected, expected_error = chunks(path, by_numpy, rows)
    assert all(one == other for one, other in zip(found, expected, strict=expected_error is None))
    assert error == expected_error or not (same_error or None in (error, expected_error))


def assert_agree_in_blocks(path: Path, options: ReadOptions, block: int, rows: int) -> None:
    """The same with blocks of a few bytes, where of several errors one reader may meet another one first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_source, "BLOCK", block)
        patch.setattr(regular_text, "BLOCK", block)
        assert_agree(path, options, rows, same_error=False)


WORDS = ["", "NA", " NA ", "?", "yes", "No", "TRUE", "false", "x", " x ", "é", "z" * 70, "a,b", "a\nb", "a\r\nb", "5\t"]
ODD = ["1", "-2.50", "+3", " 4", "1e3", ".5", "5.", "-0", "-999", "12345678901234567890", "0.1234567890123456789"]
ODDER = ["1e309", "inf", "nan", "NaN", "1_000", "１", "0x1F", "4.9e-324", 'say "hi"', '5"']
CELL = st.sampled_from(WORDS + ODD + ODDER)
SPELLING = st.from_regex(r"[+-]?(?:[0-9]{1,25}\.?[0-9]{0,25}|\.[0-9]{1,25})(?:[eE][+-]?[0-9]{1,3})?", fullmatch=True)
NUMBER = st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.integers(-(10**20), 10**20).map(str) | SPELLING
COLUMN = st.sampled_from([CELL, NUMBER, st.sampled_from(["yes", "NO", "", "true"]), NUMBER | st.just("NA")])


def quoted_cell(cell: str, always: bool) -> str:
    if always or any(mark in cell for mark in ',"\r\n'):
        return '"' + cell.replace('"', '""') + '"'
    return cell


@st.composite
def files(draw: st.DrawFn) -> bytes:
    columns = draw(st.lists(COLUMN, min_size=1, max_size=4))
    rows = draw(st.lists(st.tuples(*columns), max_size=15))
    always = draw(st.booleans())
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    lines = [",".join(quoted_cell(cell, always) for cell in row) for row in rows]
    lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(["", " ", "1"]))) if draw(
        st.booleans()
    ) else None
    header = ",".join(f"c{index}" for index in range(len(columns)))
    text = end.join([header, *lines]) + draw(st.sampled_from(["", end]))
    return draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + text.encode()


@settings(max_examples=150, deadline=None)
@given(
    data=files(),
    kinds=st.dictionaries(st.sampled_from(["c0", "c1", "c2", "c3"]), st.sampled_from(get_args(Kind))),
    missing=st.sampled_from([ReadOptions().missing, ("-999", "x"), ()]),
    exact=st.sampled_from([frozenset[str](), frozenset({"c0"})]),
    block=st.sampled_from([10, 50]),
    rows=st.integers(1, 6),
)
def test_random_tables_are_read_alike(
    tmp_path_factory: pytest.TempPathFactory,
    data: bytes,
    kinds: dict[str, str],
    missing: tuple[str, ...],
    exact: frozenset[str],
    block: int,
    rows: int,
) -> None:
    path = tmp_path_factory.mktemp("agree") / "t.csv"
    path.write_bytes(data)
    options = ReadOptions(kinds=kinds, missing=missing, verbatim=exact)  # type: ignore[arg-type]
    assert_agree(path, options, rows)
    assert_agree_in_blocks(path, options, block, rows)


@settings(max_examples=100, deadline=None)
@given(
    data=st.binary(max_size=30) | st.text('ab1,"\r\n;. ', max_size=40).map(str.encode),
    before=st.integers(0, 10),
    kind=st.sampled_from(get_args(Kind)),
    block=st.sampled_from([8, 30]),
)
def test_malformed_files_give_the_same_error_or_the_same_table(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, before: int, kind: Kind, block: int
) -> None:
    path = tmp_path_factory.mktemp("agree") / "t.csv"
    path.write_bytes(b"a,b\n" + b'1,"x"\n' * before + data)
    for options in (ReadOptions(), ReadOptions(kinds={"a": "categorical", "b": kind})):
        assert_agree(path, options)
        assert_agree_in_blocks(path, options, block, rows=3)


@pytest.mark.parametrize("name", ["auto_mpg", "concrete", "credit_data", "penguins"])
def test_shipped_data_is_read_alike(name: str) -> None:
    assert_agree(DATASETS / f"{name}.csv", ReadOptions())


def test_plain_files_are_read_by_polars(tmp_path: Path) -> None:
    path = tmp_path / "t[1].csv"
    path.write_bytes(b'a,b,c\r\n1,"x, y",yes\r\n,"z\r\nz",\r\n')
    table = read_csv_polars(path, ReadOptions())
    assert table is not None
    assert content(table) == content(read_csv(path, ReadOptions()))


@pytest.mark.parametrize("rows", ["1\n2,3,4\n", "\n,,", "1,2\n3\n", "1,2\r3,4\n", "1,2\n \n3,4\n", '"a""b",1\n5",2\n'])
def test_rows_that_polars_takes_otherwise_are_left_to_numpy(tmp_path: Path, rows: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + rows, newline="")
    assert read_csv_polars(path, ReadOptions()) is None
    assert_agree(path, ReadOptions())


def test_only_the_wanted_columns_are_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b,c\n1,2,3\n")
    some = read_csv_polars(path, ReadOptions(columns=frozenset({"c", "x"})))
    none = read_csv_polars(path, ReadOptions(columns=frozenset()))
    assert some is not None
    assert list(some) == ["c"]
    assert none is not None
    assert none.rows == 1
