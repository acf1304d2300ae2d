"""Shifts, flips and cutout of single images."""

from __future__ import annotations

import numpy as np

from bpcli.arrays.memory import Array


def shifted(x: Array, out: Array, down: int, right: int) -> None:
    """Write an image (height, width, channels), shifted by so many pixels, to `out`. Its edge is repeated."""
    height, width, _ = x.shape
    lines = slice(max(0, down), height + min(0, down))
    columns = slice(max(0, right), width + min(0, right))
    np.copyto(out[lines, columns], x[max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)])
    if right > 0:
        out[lines, :right] = out[lines, right : right + 1]
    elif right < 0:
        out[lines, right:] = out[lines, right - 1 : right]
    if down > 0:
        out[:down] = out[down]
    elif down < 0:
        out[down:] = out[down - 1]


def flipped(x: Array, upturned: bool, mirrored: bool) -> Array:
    """View of an image with its lines, or the places on them, in reverse order."""
    x = x[::-1] if upturned else x
    return x[:, ::-1] if mirrored else x


def cut_out(out: Array, side: int, line: int, column: int) -> None:
    """Set a square around a place to 0, as far as it is within the image."""
    top, left = line - side // 2, column - side // 2
    out[max(0, top) : max(0, top + side), max(0, left) : max(0, left + side)] = 0.0
