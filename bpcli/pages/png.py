"""PNG files in data URIs, for small pictures within a page."""

from __future__ import annotations

import zlib
from base64 import b64encode
from struct import pack

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"

GRAY, COLOR, INDEXED = 0, 2, 3
"""Color types of the header (PNG specification, table 11.1)."""


def picture_uri(pixels: NDArray[np.uint8]) -> str:
    """Data URI of a picture of bytes, (height, width) in shades of gray or (height, width, 3)."""
    return _uri(pixels, GRAY if pixels.ndim == 2 else COLOR, b"")


def indexed_uri(indices: NDArray[np.uint8], palette: NDArray[np.uint8]) -> str:
    """Data URI of a picture (height, width) whose pixels are indices into a palette of colors, (colors, RGBA)."""
    chunks = _chunk(b"PLTE", palette[:, :3].tobytes()) + _chunk(b"tRNS", palette[:, 3].tobytes())
    return _uri(indices, INDEXED, chunks)


def _uri(pixels: NDArray[np.uint8], color_type: int, palette: bytes) -> str:
    height, width = pixels.shape[:2]
    header = pack(">IIBBBBB", width, height, 8, color_type, 0, 0, 0)
    lines = np.zeros((height, 1 + pixels[0].size), np.uint8)  # each line begins with its filter, none
    lines[:, 1:] = pixels.reshape(height, -1)
    data = zlib.compress(lines.tobytes(), 9)
    file = SIGNATURE + _chunk(b"IHDR", header) + palette + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")
    return f"data:image/png;base64,{b64encode(file).decode()}"


def _chunk(name: bytes, content: bytes) -> bytes:
    return pack(">I", len(content)) + name + content + pack(">I", zlib.crc32(name + content))
