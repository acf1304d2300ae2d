"""Regions of images: a coarse grid whose sums are those of the pixels."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.inspection.regions import Region, RegionGrid, channel_names


@pytest.mark.parametrize(
    ("shape", "bounds"),
    [
        ((28, 28, 1), ((0, 4, 8, 12, 16, 20, 24, 28), (0, 4, 8, 12, 16, 20, 24, 28))),
        ((8, 5, 3), ((0, 2, 4, 6, 8), (0, 2, 4, 5))),
        ((1, 64, 3), ((0, 1), (0, 8, 16, 24, 32, 40, 48, 56, 64))),
        ((100, 6), ((*range(0, 100, 5), 100),)),
    ],
)
def test_a_grid_has_at_most_8_regions_a_side_of_at_least_2_pixels(
    shape: tuple[int, ...], bounds: tuple[tuple[int, ...], ...]
) -> None:
    assert RegionGrid.over(shape).bounds == bounds


def test_a_grid_of_fewer_regions_is_coarser() -> None:
    assert RegionGrid.over((64, 64, 3)).counts == (8, 8)
    assert RegionGrid.over((64, 64, 3), 40).counts == (6, 6)
    assert RegionGrid.over((64, 64, 3), 0.5).counts == (2, 2)


def test_regions_have_names_by_position_line_by_line() -> None:
    grid = RegionGrid.over((4, 3, 1))
    assert grid.regions == [
        Region((0, 1), (0, 1)),
        Region((0, 1), (2, 2)),
        Region((2, 3), (0, 1)),
        Region((2, 3), (2, 2)),
    ]
    assert [region.name for region in grid.regions][:2] == ["rows 0-1, columns 0-1", "rows 0-1, columns 2"]
    assert [region.name for region in RegionGrid.over((48, 2)).regions][1] == "steps 2-3"
    assert channel_names(3) == ["red", "green", "blue"]
    assert channel_names(2) == ["channel 0", "channel 1"]


@pytest.mark.parametrize("shape", [(5, 7, 3), (9, 2)])
def test_sums_over_regions_and_channels_are_those_of_their_places(shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).normal(size=(2, 3, int(np.prod(shape))))
    grid = RegionGrid.over(shape)
    places = grid.places()
    assert sorted(np.concatenate(places).tolist()) == list(range(values.shape[-1]))
    np.testing.assert_allclose(grid.sums(values), np.stack([values[..., some].sum(-1) for some in places], -1))
    channels = grid.places_of_channels()
    np.testing.assert_allclose(
        grid.sums_of_channels(values), np.stack([values[..., some].sum(-1) for some in channels], -1)
    )
