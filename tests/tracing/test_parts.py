"""Tables of an account."""

from __future__ import annotations

from bpcli.tracing.parts import Grid


def test_a_column_without_a_cell_is_left_out_and_numbers_stay_to_the_right() -> None:
    grid = Grid([["name", "of", "value", "from"], ["a", "", "1", "x"], ["b", "", "2", ""]], right=(2,))
    assert grid.without_empty_columns() == Grid([["name", "value", "from"], ["a", "1", "x"], ["b", "2", ""]], [1])


def test_a_full_table_stays_as_it_is() -> None:
    grid = Grid([["name", "value"], ["a", "1"]], right=[1])
    assert grid.without_empty_columns() == grid
