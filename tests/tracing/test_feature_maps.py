"""Feature maps of a drawing: which places are drawn, and where cells and windows are."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.arrays.fields import Grid
from bpcli.tracing.feature_maps import LARGEST, SMALLEST, Box, Lattice, shades_of, window_on


def lattice(*shape: int) -> Lattice:
    found = Lattice.of(Grid(shape))
    assert found is not None
    return found


def test_a_series_is_one_line_and_a_row_of_numbers_has_no_lattice() -> None:
    assert lattice(5, 4, 3) == Lattice(5, 4, 3)
    assert lattice(7, 2) == Lattice(1, 7, 2)
    assert Lattice.of((12,)) is None


def test_places_are_in_the_order_line_place_channel() -> None:
    assert [lattice(2, 3, 2).at(place) for place in (0, 1, 2, 6, 11)] == [
        (0, 0, 0),
        (0, 0, 1),
        (0, 1, 0),
        (1, 0, 0),
        (1, 2, 1),
    ]


def test_of_each_channel_the_largest_place_is_drawn_for_the_channels_with_the_largest() -> None:
    sizes = np.array([[1.0, 9.0, 2.0], [5.0, 3.0, 4.0]]).ravel()
    of = lattice(1, 2, 3)
    assert of.chosen(sizes.tolist(), 8) == [3, 1, 5]
    assert of.chosen(sizes.tolist(), 2) == [3, 1]
    assert of.chosen(sizes.tolist(), 8, within=[0, 2]) == [0, 2]


@pytest.mark.parametrize(
    ("shape", "width", "height"), [((4, 8, 1), LARGEST, LARGEST / 2), ((40, 2), LARGEST, SMALLEST)]
)
def test_a_frame_keeps_proportions(shape: tuple[int, ...], width: float, height: float) -> None:
    frame = lattice(*shape).frame(500)
    assert (frame.width, frame.height) == (width, height)
    assert (frame.x, frame.y) == (-width / 2, -height / 2)


def test_a_window_is_the_box_around_its_inputs_of_one_channel() -> None:
    of, frame = lattice(4, 4, 2), Box(0, 0, 40, 40)
    inputs = [(line * 4 + across) * 2 + 1 for line in (1, 2) for across in (0, 1, 2)]
    assert window_on(of, frame, inputs, 1) == Box(0, 10, 30, 20)
    assert window_on(of, frame, inputs, 0) is None


def test_every_row_has_a_picture() -> None:
    rows = np.arange(16.0).reshape(2, 8)
    found = shades_of(lattice(2, 2, 2), rows, 1, 3)
    assert [(one.stage, one.row) for one in found] == [(3, 0), (3, 1)]
    assert found[0].uri != found[1].uri
