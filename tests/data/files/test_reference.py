"""Random files, regular and malformed, are read as by the reference: the same table to the bit, or the same line."""

import pytest
from commands import DATASETS
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reference_csv import assert_read_alike

from bpcli.data.files import text_source
from bpcli.data.files.cells import ReadOptions
from bpcli.data.notations.dialect import Dialect
from bpcli.data.table import Kind

WORDS = ["", "NA", " NA ", "?", "yes", "No", "TRUE", "false", "x", " x ", "é", "z" * 70, "a,b", "a\nb", "a\r\nb", "5\t"]
ODD = ["1", "-2.50", "+3", " 4", "1e3", ".5", "5.", "-0", "-999", "12345678901234567890", "0.1234567890123456789"]
ODDER = ["1e309", "inf", "nan", "NaN", "1_000", "１", "0x1F", "4.9e-324", 'say "hi"', '5"']
MARKED = [
    "2.000,5",
    "0,5",
    "-1.234,5",
    "1,234.5",
    "1 234,5",
    "1\u00a0234\u202f567",
    "12,34,567",
    "1.2.3",
    "1,2",
    "#1",
    "1;2",
    "1|2",
]
CELL = st.sampled_from(WORDS + ODD + ODDER + MARKED)
SPELLING = st.from_regex(
    r"[+-]?(?:[0-9]{1,25}[.,]?[0-9]{0,25}|[.,][0-9]{1,25})(?:[eE][+-]?[0-9]{1,3})?", fullmatch=True
)
NUMBER = st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.integers(-(10**20), 10**20).map(str) | SPELLING
GROUPED = st.from_regex(r"-?[0-9]{1,4}(?:[., \u00a0][0-9]{2,3}){0,3}(?:[.,][0-9]{0,3})?", fullmatch=True)
COLUMN = st.sampled_from([CELL, NUMBER, GROUPED, st.sampled_from(["yes", "NO", "", "true"]), NUMBER | st.just("NA")])

DIALECTS = st.builds(
    Dialect,
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    decimal=st.sampled_from([".", ","]),
    thousands=st.sampled_from([None, "'", " ", "\u00a0"]),
    comment=st.sampled_from([None, "#", "//"]),
    skip_rows=st.sampled_from([0, 0, 2]),
    header=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)

READ: tuple[Kind, ...] = ("numeric", "categorical", "boolean")
"""Kinds that need no notation."""


def quoted_cell(cell: str, always: bool, marks: str) -> str:
    if always or any(mark in cell for mark in f'{marks}"\r\n'):
        return '"' + cell.replace('"', '""') + '"'
    return cell


@st.composite
def files(draw: st.DrawFn, dialect: Dialect) -> bytes:
    columns = draw(st.lists(COLUMN, min_size=1, max_size=4))
    rows = draw(st.lists(st.tuples(*columns), min_size=1, max_size=15))
    always = draw(st.booleans())
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    mark = dialect.delimiter or ","
    marks = mark + (dialect.comment or "")
    lines = [mark.join(quoted_cell(cell, always, marks) for cell in row) for row in rows]
    for _ in range(draw(st.integers(0, 2))):
        more = ["", " ", "1", f'{dialect.comment or ""}a "b{mark}"c{mark}'] if dialect.comment else ["", " ", "1"]
        lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(more)))
    lines.insert(0, mark.join(f"c{index}" for index in range(len(columns))))
    text = end.join(['of "2024'] * dialect.skip_rows + lines) + draw(st.sampled_from(["", end]))
    return text.encode(dialect.encoding)


@settings(max_examples=3 * settings().max_examples, deadline=None)
@given(
    written=st.just(Dialect()).flatmap(lambda d: st.tuples(st.just(d), files(d)))
    | DIALECTS.flatmap(lambda d: st.tuples(st.just(d), files(d))),
    kinds=st.dictionaries(st.sampled_from(["c0", "c1", "column0", "column1"]), st.sampled_from(READ)),
    missing=st.sampled_from([ReadOptions().missing, ("-999", "x"), ()]),
    block=st.sampled_from([3, 10, 50, 1 << 20]),
)
def test_random_tables_are_read_alike(
    tmp_path_factory: pytest.TempPathFactory,
    written: tuple[Dialect, bytes],
    kinds: dict[str, Kind],
    missing: tuple[str, ...],
    block: int,
) -> None:
    dialect, data = written
    path = tmp_path_factory.mktemp("alike") / "t.csv"
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_source, "BLOCK", block)
        assert_read_alike(path, ReadOptions(kinds=kinds, missing=missing, dialect=dialect))


@settings(max_examples=3 * settings().max_examples, deadline=None)
@given(
    data=st.text('ab1,"\r\n;. ', max_size=40).map(str.encode),
    before=st.integers(0, 10),
    kind=st.sampled_from([None, *READ]),
    block=st.sampled_from([3, 8, 30, 1 << 20]),
)
@example(data=b"\r,,", before=0, kind=None, block=3)
def test_malformed_files_are_refused_at_the_line_where_the_reference_stops(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, before: int, kind: Kind | None, block: int
) -> None:
    path = tmp_path_factory.mktemp("alike") / "t.csv"
    path.write_bytes(b"a,b\n" + b'1,"x"\n' * before + data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_source, "BLOCK", block)
        assert_read_alike(path, ReadOptions(kinds={"b": kind} if kind else {}))


@pytest.mark.parametrize("name", ["auto_mpg", "concrete", "credit_data", "penguins"])
def test_shipped_data_is_read_alike(name: str) -> None:
    assert assert_read_alike(DATASETS / f"{name}.csv", ReadOptions())
