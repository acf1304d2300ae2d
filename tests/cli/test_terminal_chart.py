"""Charts of characters."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcli.cli.terminal_chart import ASCII, BRAILLE, MOST_BINS, Bins, Glyphs, draw, in_columns


def points(*values: float) -> list[tuple[float, float]]:
    return [(float(value), float(value)) for value in values]


def lines(*arguments: object, **keywords: object) -> list[str]:
    drawing = draw(*arguments, **keywords)  # type: ignore[arg-type]
    assert drawing is not None
    return drawing.lines


def test_a_curve_goes_through_its_values_with_the_ends_of_the_axis_named():
    # Twelve heights of dots, 0 to 11, in 24 columns of dots: two straight lines that meet at the top.
    assert lines(points(0, 1, 0), [], 20, 3, BRAILLE) == [
        "1.0000 │    ⡠⠊⠑⢄",
        "       │  ⡠⠊    ⠑⢄",
        "0.0000 │⡠⠊        ⠑⢄",
    ]


def test_a_second_series_is_told_apart_by_its_character_alone():
    assert lines(points(0, 0.5, 1), points(1, 0.5, 0), 21, 3, ASCII) == [
        "1.0000 |oooo     ####",
        "       |    ooooo",
        "0.0000 |####     oooo",
    ]


def test_a_second_curve_is_dotted():
    solid, dotted = points(0, 0), points(1, 1)
    assert lines(solid, dotted, 20, 3, BRAILLE) == ["1.0000 │⠁⠁⠁⠁⠁⠁⠁⠁⠁⠁⠁⠁", "       │", "0.0000 │⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀"]
    drawing = draw(solid, dotted, 20, 3, BRAILLE)
    assert drawing is not None
    assert [{cell.second for cell in row if cell.glyph != " "} for row in drawing.cells] == [{True}, set(), {False}]


def test_what_many_values_of_a_column_lie_between_is_drawn():
    bins = [(0.0, 1.0), *points(*[0.0] * 11)]
    assert lines(bins, [], 20, 3, ASCII) == ["1.0000 |#", "       |#", "0.0000 |############"]


def test_a_beginning_far_above_the_rest_is_cut_off_and_said_so():
    losses = points(10, *(2 - place / 100 for place in range(100)))
    drawing = draw(losses, [], 40, 5, BRAILLE, cut=True)
    assert drawing is not None
    assert (drawing.above, drawing.logarithmic) == (10, False)
    assert float(drawing.labels[0].split()[0]) < 2
    whole = draw(losses, [], 40, 5, BRAILLE)
    assert whole is not None
    assert whole.above is None
    assert whole.labels[0].startswith("10.0000")
    gentle = draw(points(*range(10, 0, -1)), [], 40, 5, BRAILLE, cut=True)
    assert gentle is not None
    assert gentle.above is None


def test_the_axis_names_its_ends():
    drawing = draw(points(0, 1), [], 20, 3, ASCII)
    assert drawing is not None
    assert drawing.axis("1", "epoch 2", ASCII) == ["       +------------", "        1    epoch 2"]


def test_a_logarithmic_axis_is_taken_where_values_differ_twentyfold():
    def logarithmic(*values: float) -> bool:
        drawing = draw(points(*values), [], 40, 4, BRAILLE)
        assert drawing is not None
        return drawing.logarithmic

    assert logarithmic(1, 21)
    assert not logarithmic(1, 19)
    assert not logarithmic(0, 100)
    assert not logarithmic(-1, 100)


def test_of_a_logarithmic_axis_equal_factors_are_equal_heights():
    assert lines(points(1, 10, 100, 1000), [], 24, 4, ASCII) == [
        "1,000.0000 |          ##",
        "           |      ####",
        "           |  ####",
        "    1.0000 |##",
    ]


def test_values_that_are_all_the_same_lie_in_the_middle():
    assert lines(points(3, 3), [], 20, 5, ASCII) == [
        "3.0000 |",
        "       |",
        "       |############",
        "       |",
        "3.0000 |",
    ]


@pytest.mark.parametrize(("width", "rows"), [(19, 5), (40, 2), (0, 0), (-5, -5)])
def test_there_is_no_chart_where_there_is_no_room(width: int, rows: int):
    assert draw(points(0, 1), [], width, rows, BRAILLE) is None
    assert draw([], [], 80, 8, BRAILLE) is None


@pytest.mark.parametrize(
    ("encoding", "glyphs"),
    [
        ("utf-8", BRAILLE),
        ("UTF-16", BRAILLE),
        ("ascii", ASCII),
        ("latin-1", ASCII),
        ("cp437", ASCII),
        (None, ASCII),
        ("x?", ASCII),
    ],
)
def test_the_encoding_decides_on_the_characters(encoding: str | None, glyphs: Glyphs):
    assert Glyphs.of(encoding) == glyphs


@given(values=st.lists(st.floats(0, 1e300), min_size=1, max_size=5000), columns=st.integers(1, 200))
def test_bins_are_few_and_lose_no_extreme(values: list[float], columns: int):
    bins = Bins()
    for value in values:
        bins.add(value)
    assert len(bins.all()) <= MOST_BINS
    for found in (bins.all(), in_columns(bins.all(), min(columns, len(bins.all())))):
        assert min(low for low, _ in found) == min(values)
        assert max(high for _, high in found) == max(values)


def test_many_values_are_held_in_order_and_in_few_bins():
    bins = Bins()
    for value in range(200_000):
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


@settings(max_examples=2 * settings().max_examples, deadline=None)
@given(
    area=st.lists(
        st.tuples(st.floats(0, 1e308), st.floats(0, 1e308)).map(lambda pair: (min(pair), max(pair))), min_size=1
    ),
    marked=st.lists(st.tuples(st.floats(0, 1e308), st.floats(0, 1e308)).map(lambda pair: (min(pair), max(pair)))),
    width=st.integers(-3, 150),
    rows=st.integers(-3, 20),
    glyphs=st.sampled_from([BRAILLE, ASCII]),
    cut=st.booleans(),
)
def test_a_chart_fits_its_room_whatever_it_shows(
    area: list[tuple[float, float]], marked: list[tuple[float, float]], width: int, rows: int, glyphs: Glyphs, cut: bool
):
    drawing = draw(area, marked, width, rows, glyphs, cut)
    if drawing is not None:
        assert len(drawing.lines) == rows
        assert all(len(line) <= width for line in drawing.lines)
        assert {line[drawing.start - 1] for line in drawing.lines} == {glyphs.side}
        assert {len(row) for row in drawing.cells} == {drawing.columns}
        assert all(len(line) <= width for line in drawing.axis("1", "epoch 9", glyphs))
