"""Charts in block characters."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcli.cli.blocks import ASCII, BLOCKS, MOST_BINS, Bins, Glyphs, draw, in_columns


def points(*values: float) -> list[tuple[float, float]]:
    return [(float(value), float(value)) for value in values]


def lines(*arguments: object, **keywords: object) -> list[str]:
    drawing = draw(*arguments, **keywords)  # type: ignore[arg-type]
    assert drawing is not None
    return drawing.lines


def test_an_area_is_filled_up_to_each_value_by_eighths_with_the_ends_of_the_axis_named():
    # 24 steps of height, from 1 for the least to 24 for the greatest; 12 columns for 4 values.
    assert lines(points(0, 7 / 23, 8 / 23, 1), [], 20, 3, BLOCKS) == [
        "1.0000 │         ███",
        "       │      ▁▁▁███",
        "0.0000 │▁▁▁█████████",
    ]


def test_a_second_series_is_told_apart_by_its_character_alone():
    assert lines(points(0, 0.5, 1), points(1, 0.5, 0), 20, 3, ASCII) == [
        "1.0000 |oooo    ####",
        "       |    oooo####",
        "0.0000 |....####oooo",
    ]


def test_what_many_values_of_a_column_lie_between_is_shown():
    assert lines([(0.0, 1.0), (0.0, 0.0), (0.5, 0.5)], [], 20, 3, ASCII) == [
        "1.0000 |''''",
        "       |''''    ::::",
        "0.0000 |........####",
    ]


def test_a_logarithmic_axis_is_taken_where_values_differ_twentyfold():
    def logarithmic(*values: float) -> bool:
        drawing = draw(points(*values), [], 40, 4, BLOCKS)
        assert drawing is not None
        return drawing.logarithmic

    assert logarithmic(1, 21)
    assert not logarithmic(1, 19)
    assert not logarithmic(0, 100)
    assert not logarithmic(-1, 100)


def test_of_a_logarithmic_axis_equal_factors_are_equal_heights():
    # 12 steps of height for three powers of ten, so that 3/11 of them are three steps.
    assert lines(points(1, 10 ** (9 / 11), 10 ** (18 / 11), 1000), [], 23, 4, ASCII) == [
        "1000.0000 |         ###",
        "          |      ...###",
        "          |   ...######",
        "   1.0000 |...#########",
    ]


def test_values_that_are_all_the_same_lie_in_the_middle():
    assert lines(points(3, 3), [], 20, 4, ASCII) == [
        "3.0000 |",
        "       |",
        "       |############",
        "3.0000 |############",
    ]


@pytest.mark.parametrize(("width", "rows"), [(19, 5), (40, 2), (0, 0), (-5, -5)])
def test_there_is_no_chart_where_there_is_no_room(width: int, rows: int):
    assert draw(points(0, 1), [], width, rows, BLOCKS) is None
    assert draw([], [], 80, 8, BLOCKS) is None


@pytest.mark.parametrize(
    ("encoding", "glyphs"),
    [
        ("utf-8", BLOCKS),
        ("UTF-16", BLOCKS),
        ("ascii", ASCII),
        ("latin-1", ASCII),
        ("cp437", ASCII),
        (None, ASCII),
        ("x?", ASCII),
    ],
)
def test_the_encoding_decides_on_the_characters(encoding: str | None, glyphs: Glyphs):
    assert Glyphs.of(encoding) == glyphs


@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.floats(0, 1e300), min_size=1, max_size=5000), columns=st.integers(1, 200))
def test_bins_are_few_and_lose_no_extreme(values: list[float], columns: int):
    bins = Bins()
    for value in values:
        bins.add(value)
    assert len(bins.all()) <= MOST_BINS
    for found in (bins.all(), in_columns(bins.all(), columns)):
        assert min(low for low, _ in found) == min(values)
        assert max(high for _, high in found) == max(values)


def test_a_million_values_are_held_in_order_and_in_few_bins():
    bins = Bins()
    for value in range(1_000_000):
        bins.add(float(value))
    found = bins.all()
    assert MOST_BINS / 2 < len(found) <= MOST_BINS
    assert [low for low, _ in found] == sorted(low for low, _ in found)
    widths = {high - low + 1 for low, high in found[:-1]}
    assert len(widths) == 1
    assert all(after[0] == before[1] + 1 for before, after in pairwise(found))


def test_a_value_that_is_not_finite_is_left_out():
    bins = Bins()
    for value in (1.0, float("nan"), float("inf"), 2.0):
        bins.add(value)
    assert bins.all() == [(1, 1), (2, 2)]


@settings(max_examples=100, deadline=None)
@given(
    area=st.lists(
        st.tuples(st.floats(0, 1e308), st.floats(0, 1e308)).map(lambda pair: (min(pair), max(pair))), min_size=1
    ),
    marked=st.lists(st.tuples(st.floats(0, 1e308), st.floats(0, 1e308)).map(lambda pair: (min(pair), max(pair)))),
    width=st.integers(-3, 150),
    rows=st.integers(-3, 20),
    glyphs=st.sampled_from([BLOCKS, ASCII]),
)
def test_a_chart_fits_its_room_whatever_it_shows(
    area: list[tuple[float, float]], marked: list[tuple[float, float]], width: int, rows: int, glyphs: Glyphs
):
    drawing = draw(area, marked, width, rows, glyphs)
    if drawing is not None:
        assert len(drawing.lines) == rows
        assert all(len(line) <= width for line in drawing.lines)
        assert {line[drawing.start - 1] for line in drawing.lines} == {glyphs.axis}
