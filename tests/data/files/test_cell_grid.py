import numpy as np
import pytest

from bpcli.data.files.cell_grid import Grid, to_grid
from bpcli.data.files.delimited import find_cells


def grid_of(data: bytes, width: int) -> Grid:
    return to_grid(data, find_cells(data, b","), width, "t.csv", 2)


@pytest.mark.parametrize("width", [0, 1, 7, 8, 9, 63, 64, 65, 200])
def test_raw_cells_are_the_bytes_between_their_bounds(width: int) -> None:
    cells = [b"x" * width, b"", b"a", b'"y,z"', b"\xc3\xa9", b"#" * (width // 2)]
    grid = grid_of(b"".join(cell + b",1\n" for cell in cells), 2)
    assert grid.raw_cells(grid.starts[:, 0], grid.ends[:, 0]) == cells
    assert grid.raw_cells(grid.starts[:, 1], grid.ends[:, 1]) == [b"1"] * len(cells)
    assert grid.part(2, 4).raw_cells(grid.starts[2:4, 0], grid.ends[2:4, 0]) == cells[2:4]
    assert grid.raw_cells(grid.starts[:0, 0], grid.ends[:0, 0]) == []


def test_plain_numbers_may_stand_in_quotes_or_behind_a_space() -> None:
    grid = grid_of(b'1,2\n"3.5",-4\n 5," 6"\n,""\n  7,"\n8"\n', 2)
    values = grid.parse_plain(grid.starts.ravel(), grid.ends.ravel(), ".")
    assert values.tolist() == [1, 2, 3.5, -4, 5, 6, *[np.inf] * 4]


def test_blank_lines_are_no_rows_and_lines_are_counted_with_them() -> None:
    grid = grid_of(b'1,2\r\n\r\n \t\n"3\n",4\r5,6\n', 2)
    assert grid.raw_cells(grid.starts[:, 0], grid.ends[:, 0]) == [b"1", b'"3\n"', b"5"]
    assert [grid.line_of(row) for row in range(3)] == [2, 5, 7]


def test_a_column_is_given_as_distinct_cells_where_many_narrow_ones_repeat() -> None:
    grid = grid_of(b"".join(b"%d,%s\n" % (row % 5, b"x" * (row % 70)) for row in range(1000)), 2)
    cells, rows = grid.raw_column(0)
    assert cells == [b"0", b"1", b"2", b"3", b"4"]
    assert rows.tolist() == [row % 5 for row in range(1000)]
    wide, each = grid.raw_column(1)
    assert wide == [b"x" * (row % 70) for row in range(1000)]
    assert each.tolist() == list(range(1000))
    few, each = grid.part(0, 100).raw_column(0)
    assert few == [b"%d" % (row % 5) for row in range(100)]
    assert each.tolist() == list(range(100))
