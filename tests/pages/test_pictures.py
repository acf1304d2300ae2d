"""Pictures of a page: colors that diverge from 0, and large ones made smaller."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from numpy.typing import NDArray
from pngs import chunks, file_of

from bpcli.pages.pictures import LEVELS, LONGEST_SIDE, Gallery, Picture, Shown


def pixels(picture: Picture, channels: int = 1) -> NDArray[np.uint8]:
    found = chunks(file_of(picture.uri))
    width, height = (int.from_bytes(found["IHDR"][at : at + 4]) for at in (0, 4))
    lines = np.frombuffer(zlib.decompress(found["IDAT"]), np.uint8).reshape(height, 1 + width * channels)
    return lines[:, 1:].reshape(height, width, channels)


def test_a_map_is_transparent_at_0_and_strongest_at_the_ends_of_the_scale() -> None:
    values = np.array([[-2.0, -1.0, 0.0, 0.5, 3.0]])
    found = pixels(Picture.of_values(values, 2.0, ""))
    assert found.ravel().tolist() == [0, LEVELS - 16, LEVELS, LEVELS + 8, 2 * LEVELS]
    assert pixels(Picture.of_values(np.zeros((1, 2)), 0.0, "")).ravel().tolist() == [LEVELS, LEVELS]


def test_a_large_picture_is_scaled_down_by_means_and_a_map_of_contributions_by_sums() -> None:
    shades = np.zeros((LONGEST_SIDE * 2 - 1, 3, 1), np.uint8)
    shades[0, 0] = 100
    found = pixels(Picture.of_bytes(shades, ""))
    assert found.shape == (LONGEST_SIDE, 2, 1)
    assert (found[0, 0, 0], found.sum()) == (25, 25)
    values = np.ones((LONGEST_SIDE * 2, 2))
    assert pixels(Picture.of_values(values, 4.0, "", of_sums=True)).tolist() == [[[2 * LEVELS]]] * LONGEST_SIDE
    assert pixels(Picture.of_values(values, 1.0, "")).tolist() == [[[2 * LEVELS]]] * LONGEST_SIDE


@pytest.mark.parametrize(("channels", "shown"), [(1, 1), (2, 1), (3, 3), (4, 1)])
def test_three_channels_are_colors_and_others_their_mean(channels: int, shown: int) -> None:
    shades = np.arange(4 * channels, dtype=np.uint8).reshape(2, 2, channels)
    found = pixels(Picture.of_bytes(shades, ""), shown)
    np.testing.assert_array_equal(found, shades if shown == 3 else np.rint(shades.mean(axis=-1, keepdims=True)))


def test_names_from_the_data_are_escaped() -> None:
    picture = Picture("data:,", '<img src=x onerror="alert(1)">')
    html = Gallery("<b>", [Shown([picture], ["<i>"])], scale=(1.5, "<against>", "for")).html()
    assert "<img src=x" not in html
    for part in ("<h3>&lt;b&gt;</h3>", "<span>&lt;i&gt;</span>", "&lt;against&gt;", "1.5000 for"):
        assert part in html
