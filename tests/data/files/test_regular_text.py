import gzip
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcli.data.files import regular_text as regular
from bpcli.data.files.cells import ReadOptions
from bpcli.data.files.csv_reader import read_csv
from bpcli.data.files.delimited import FIELD_LIMIT
from bpcli.data.files.regular_text import Blocks, find_rows
from bpcli.data.files.text_source import ROW_LIMIT, TextTable


def ends(data: bytes, columns: int = 2) -> list[int] | None:
    rows = find_rows(data, b",", columns)
    return None if rows is None else rows.ends.tolist()


def test_rows_end_at_line_feeds_outside_quotes() -> None:
    rows = find_rows(b'1,2\r\n"a\n""b""",\n,""\n', b",", 2)
    assert rows is not None
    assert rows.ends.tolist() == [4, 15, 19]
    assert rows.lines == 4


def test_rows_are_found_wherever_they_stand_in_words_and_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regular, "_PIECE", 128)
    for width in (*range(1, 70), 127, 128, 129, 300):
        for cell in ("x" * width, '"' + "," * width + '"'):
            row = f"{cell},\n".encode()
            assert ends(row * 50) == [len(row) * count - 1 for count in range(1, 51)]


@pytest.mark.parametrize(
    "data",
    [
        b"1\n",
        b"1,2,3\n",
        b"1,2\n3\n4,5,6\n",
        b"1,2\n\n",
        b"1,2\n \n",
        b"1,2\r3,4\n",
        b"1,2\r\r\n",
        b'1,"2\n',
        b'1,5"\n',
        b'1, "2"\n',
        b'1,"2" \n',
        b'1,"2"3\n',
        b'1,"a"b"\n',
        b'"1"\r,2\n',
        b"1,\xff\n",
        b"1,\0\n",
        b"1,2",
        b"",
        b"1," + b"x" * FIELD_LIMIT + b"\n",
    ],
)
def test_whatever_leaves_doubt_is_not_regular(data: bytes) -> None:
    assert ends(data) is None
    assert ends(b"1,2\n" * 100 + data) is None or data == b""


def test_a_single_column_is_not_regular() -> None:
    assert ends(b"1\n2\n", columns=1) is None


def test_what_leaves_no_doubt_is_regular() -> None:
    for data in (b",\n", b"\xc3\xa9,\n", b'"",""\n', b'"""",x\n', b"1,2\r\n3,4\n", b'"a\r\nb",\r\n'):
        assert ends(data) is not None


CELL = st.sampled_from(
    ["1", "", "é", " x", '"a"', '"a""b"', '""', '"x,y"', '"p\nq"', '"p\r\nq"', '"', 'a"', '"a"b', "\r"]
)


@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(st.lists(CELL, min_size=1, max_size=4), max_size=6),
    end=st.sampled_from(["\n", "\r\n"]),
    before=st.integers(0, 70),
)
def test_regular_text_has_the_rows_that_the_numpy_reader_finds(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], end: str, before: int
) -> None:
    data = "".join(",".join(row) + end for row in rows).encode()
    shifted = b"x" * before + b",\n" + data  # so that rows begin anywhere in a word of bits
    found = find_rows(shifted, b",", 2)
    if found is not None:
        path = tmp_path_factory.mktemp("regular") / "t.csv"
        path.write_bytes(b"a,b\n" + shifted)
        assert read_csv(path, ReadOptions()).rows == len(found.ends)
        assert all(shifted[position] == ord("\n") for position in found.ends)
        assert found.lines == shifted.count(b"\n")
    elif all(len(row) == 2 for row in rows) and all(
        cell not in ('"', 'a"', '"a"b', "\r") for row in rows for cell in row
    ):
        pytest.fail("the text is regular")


def table(stream: io.BufferedIOBase, rest: bytes = b"") -> TextTable:
    return TextTable(stream, "t.csv", b",", ["a", "b"], rest, 4, 2)


@settings(max_examples=200, deadline=None)
@given(
    rows=st.lists(st.tuples(CELL, CELL), max_size=20),
    size=st.integers(1, 40),
    rest=st.integers(0, 30),
    last=st.booleans(),
)
def test_blocks_join_to_the_text_and_end_where_rows_do(
    rows: list[tuple[str, str]], size: int, rest: int, last: bool
) -> None:
    data = "".join(",".join(row) + "\n" for row in rows).encode()
    data = data if last else data.removesuffix(b"\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regular, "BLOCK", size)
        source = Blocks(table(io.BytesIO(data[rest:]), data[:rest]))
        blocks = list(source)
    assert source.rest == b""
    whole = data if data.endswith(b"\n") or not data else data + b"\n"
    assert b"".join(blocks) == whole
    if find_rows(whole, b",", 2) is not None:
        assert all(find_rows(block, b",", 2) is not None for block in blocks)


def test_what_is_not_given_out_is_kept() -> None:
    source = Blocks(table(io.BytesIO(b"5,6\n"), b"1,2\n3,"))
    blocks = iter(source)
    assert next(blocks) == b"1,2\n"
    source.stop()
    assert list(blocks) == []
    assert source.rest == b"3,"


def test_compressed_text_is_not_cut() -> None:
    with gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(b"3,4\n"))) as stream:
        source = Blocks(table(stream, b"1,2\n"))
        assert list(source) == []
        assert source.rest == b"1,2\n"


def test_a_row_that_does_not_end_is_not_read_to_the_end_of_the_file() -> None:
    stream = io.BytesIO(b'"' + bytes(2 * ROW_LIMIT))
    source = Blocks(table(stream))
    assert list(source) == []
    assert len(source.rest) == stream.tell() < 2 * ROW_LIMIT
