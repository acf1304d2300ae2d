import csv
import io
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bpcli.data.files.delimited import (
    Cells,
    count_lines,
    find_cells,
    is_broken,
    split_row,
    unquoted,
    without_comments,
)

Rows = list[list[bytes]]


def rows_one_by_one(data: bytes, delimiter: bytes) -> tuple[Rows, int, int]:
    """Whole rows as RFC 4180 has them, read cell by cell; where they end, and where the first cell not whole begins."""
    mark = delimiter.decode()
    cell = re.compile(rf'("(?:[^"]|"")*+"|(?!")[^{mark}\r\n]*+)({mark}|\r\n|\r|\n)'.encode())
    rows: Rows = []
    row: list[bytes] = []
    size = stop = 0
    while match := cell.match(data, stop):
        stop = match.end()
        row.append(match[1])
        if match[2] != delimiter:
            rows.append(row)
            row, size = [], stop
    return rows, size, stop


def rows_of(data: bytes, cells: Cells) -> Rows:
    found = [data[start:end] for start, end in zip(cells.starts, cells.ends, strict=True)]
    lasts = cells.row_last.tolist()
    return [found[before + 1 : last + 1] for before, last in zip([-1, *lasts], lasts, strict=False)]


DELIMITER = st.sampled_from([b",", b";", b"\t"])


@settings(max_examples=3 * settings().max_examples, deadline=None)
@given(data=st.text('ab1,;\t"\r\n ', max_size=40).map(str.encode), delimiter=DELIMITER)
@example(data=b'"a""b",""\r\n5",""""\r"', delimiter=b",")
@example(data=b'"\r\n",\r\n\r\r\n"a"b,c\n', delimiter=b",")
def test_cells_are_found_as_by_reading_one_after_another(data: bytes, delimiter: bytes) -> None:
    found = find_cells(data, delimiter)
    assert (rows_of(data, found), found.size, found.stop) == rows_one_by_one(data, delimiter)


@settings(deadline=None)
@given(data=st.text('ab1,;\t"\r\n ', max_size=40).map(str.encode), delimiter=DELIMITER)
def test_the_first_row_is_split_as_all_are(data: bytes, delimiter: bytes) -> None:
    rows, _, _ = rows_one_by_one(data, delimiter)
    found = split_row(data, delimiter)
    assert (found and found[0]) == (rows[0] if rows else None)
    assert found is None or rows_one_by_one(data[: found[1]], delimiter) == (rows[:1], found[1], found[1])


# The csv module leaves a lone CR unquoted where lines do not end in one.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=6) | st.sampled_from(
    ["", '"', '""', 'say "hi"', "a,b", "\r\n", "\n", ' "', '",', '"\n"']
)


@settings(max_examples=2 * settings().max_examples, deadline=None)
@given(
    rows=st.lists(st.lists(TEXT, min_size=2, max_size=4), min_size=1, max_size=6),
    delimiter=DELIMITER,
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    cut=st.integers(0, 20),
)
def test_what_the_csv_module_writes_is_found(
    rows: list[list[str]], delimiter: bytes, end: str, quoting: int, cut: int
) -> None:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter.decode(), lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerows(rows)
    whole = stream.getvalue().encode()
    found = find_cells(whole, delimiter)
    assert found.size == found.stop == len(whole)
    assert [unquoted(row) for row in rows_of(whole, found)] == rows
    # A block may end anywhere; what is found then are the first of these rows.
    part = whole[: len(whole) - cut]
    some = find_cells(part, delimiter)
    assert rows_of(part, some) == rows_of(whole, found)[: len(some.row_last)]
    assert not is_broken(part[some.stop :])


@pytest.mark.parametrize("delimiter", [b"|", b"^", b"]", b"\\", b" "])
def test_any_mark_can_be_the_delimiter(delimiter: bytes) -> None:
    data = b'a,"b,c"\n5",d\n'.replace(b",", delimiter)
    rows = [[b"a", b'"b' + delimiter + b'c"'], [b'5"', b"d"]]
    assert rows_of(data, find_cells(data, delimiter)) == rows
    assert split_row(data, delimiter) == (rows[0], data.index(b"\n") + 1)


@pytest.mark.parametrize(
    ("data", "left"),
    [
        (b'#a\n1,2\n# b,"c\r\n3,4\r#\r\n', b"\n1,2\n\r\n3,4\r\r\n"),
        (b'1,"#\n#2"\n#3\n', b'1,"#\n#2"\n\n'),
        (b'1,5"\n#2"\n', b'1,5"\n\n'),
        (b"1,#2\n #3\n", b"1,#2\n #3\n"),
        (b"1,2\n#3", b"1,2\n#3"),  # its line may go on
        (b'1,"2\n#3\n', b'1,"2\n#3\n'),  # its cell may go on
    ],
)
def test_comments_are_whole_lines_outside_of_cells(data: bytes, left: bytes) -> None:
    assert without_comments(data, b",", "#") == left
    assert without_comments(data, b",", "//") == data


@pytest.mark.parametrize(
    ("data", "broken"),
    [
        (b'"a', False),
        (b'"a"', False),
        (b'"a""', False),
        (b'"a,\n', False),
        (b'"a"b', True),
        (b'"a" ,', True),
        (b'a"b', False),
        (b"", False),
    ],
)
def test_a_cell_is_broken_once_text_follows_its_closing_quote(data: bytes, broken: bool) -> None:
    assert is_broken(data) is broken


def test_lines_end_with_any_of_three_ends() -> None:
    assert [count_lines(data) for data in (b"", b"a", b"a\n", b"\r\n\n", b"\r\r\n\r", b"\n\r")] == [0, 0, 1, 2, 3, 2]


def test_raw_cells_become_text_in_their_order() -> None:
    raw = [b"", b'""', b'"a ""b"""', "é".encode(), b'5"', b'"x,\r\ny"']
    texts = ["", "", 'a "b"', "é", '5"', "x,\r\ny"]
    assert unquoted(raw) == texts
    assert unquoted(raw * 2000) == texts * 2000
    assert unquoted([b"a"] * 10_000) == ["a"] * 10_000
    assert unquoted([]) == []
