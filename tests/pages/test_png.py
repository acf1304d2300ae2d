"""PNG files are read by others as they were written."""

from __future__ import annotations

import zlib
from io import BytesIO
from struct import unpack
from typing import Any

import numpy as np
import pytest
from pngs import chunks, file_of

from bpcli.pages.pictures import LEVELS, PALETTE
from bpcli.pages.png import indexed_uri, picture_uri

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def test_a_file_has_its_chunks_with_lines_that_are_not_filtered() -> None:
    found = chunks(file_of(picture_uri(PIXELS)))
    assert list(found) == ["IHDR", "IDAT", "IEND"]
    assert unpack(">IIBBBBB", found["IHDR"]) == (7, 5, 8, 2, 0, 0, 0)
    lines = np.frombuffer(zlib.decompress(found["IDAT"]), np.uint8).reshape(5, 22)
    assert not lines[:, 0].any()
    np.testing.assert_array_equal(lines[:, 1:].reshape(PIXELS.shape), PIXELS)


def test_pillow_reads_colors_grays_and_transparent_colors() -> None:
    image: Any = pytest.importorskip("PIL.Image")

    def read(uri: str, mode: str) -> Any:
        return np.array(image.open(BytesIO(file_of(uri))).convert(mode))

    np.testing.assert_array_equal(read(picture_uri(PIXELS), "RGB"), PIXELS)
    np.testing.assert_array_equal(read(picture_uri(PIXELS[..., 0]), "L"), PIXELS[..., 0])
    indices = np.array([[0, LEVELS, 2 * LEVELS]], np.uint8)
    assert read(indexed_uri(indices, PALETTE), "RGBA").tolist() == [[[20, 110, 210, 255], [0] * 4, [200, 80, 0, 255]]]
