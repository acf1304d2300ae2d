"""Rotations and crops: images sampled at other places, with linear interpolation."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpcli.arrays.memory import Array

TOGETHER = 1 << 15
"""Positions that are sampled at a time: their intermediate results fit a core's L2 cache."""


class Resampling:
    """Memory and computation of images (height, width, channels) sampled along a rotated and scaled grid."""

    def __init__(self, shape: tuple[int, int, int], dtype: np.dtype[Any]) -> None:
        self._shape = height, width, channels = shape
        lines, columns = np.indices((height, width), dtype=dtype)
        self._lines = (lines - (height - 1) / 2).reshape(1, -1).astype(dtype)
        self._columns = (columns - (width - 1) / 2).reshape(1, -1).astype(dtype)
        self.together = max(1, TOGETHER // (height * width))
        count, places = self.together, height * width
        self._at = np.empty((2, count, places), dtype)
        self._low, self._share = np.empty((2, count, places), dtype), np.empty((2, count, places), dtype)
        self._term = np.empty((count, places), dtype)
        self._index, self._next = np.empty((count, places), np.intp), np.empty((2, count, places), np.intp)
        self._corner = np.empty((count, places, channels), dtype)
        self._firsts = np.arange(count)[:, None] * places

    def __call__(self, images: Array, out: Array, matrix: Array, center: Array) -> None:
        """Write images sampled around `center` to `out`.

        images, out: (images, height, width, channels), up to `together` of them. matrix: (images, 2, 2), from a place
        of the result to one of the image, both from the middle; center: (images, 2), in pixels. Beyond the edge, the
        edge is repeated.
        """
        count = len(images)
        height, width, channels = self._shape
        flat, written = images.reshape(-1, channels), out.reshape(count, -1, channels)
        at, low, share, term = (array[..., :count, :] for array in (self._at, self._low, self._share, self._term))
        for axis, size in enumerate((height, width)):
            np.multiply(self._lines, matrix[:, axis, :1], out=at[axis])
            np.multiply(self._columns, matrix[:, axis, 1:], out=term)
            np.add(at[axis], term, out=at[axis])
            np.add(at[axis], center[:, axis, None], out=at[axis])
            np.clip(at[axis], 0, size - 1, out=at[axis])
            np.floor(at[axis], out=low[axis])
            np.subtract(at[axis], low[axis], out=share[axis])
        index, after = self._index[:count], self._next[:, :count]
        np.multiply(low[0], width, out=term)
        np.add(term, low[1], out=term)
        np.copyto(index, term, casting="unsafe")
        np.add(index, self._firsts[:count], out=index)
        # The last line and column have no next one: there the share is 0, and the place itself serves.
        np.greater(share[0], 0, out=after[0], casting="unsafe")
        np.multiply(after[0], width, out=after[0])
        np.greater(share[1], 0, out=after[1], casting="unsafe")
        corner = self._corner[:count]
        written.fill(0.0)
        for down in (0, 1):
            for right in (0, 1):
                np.take(flat, index, axis=0, out=corner, mode="clip")
                self._weigh(corner, share, term, down, right)
                np.add(written, corner, out=written)
                if right == 0:
                    np.add(index, after[1], out=index)
            np.subtract(index, after[1], out=index)
            np.add(index, after[0], out=index)

    @staticmethod
    def _weigh(corner: Array, share: Array, term: Array, down: int, right: int) -> None:
        """Multiply the values of a corner by its weight."""
        for axis, is_next in ((0, down), (1, right)):
            weight = share[axis]
            if not is_next:
                weight = np.subtract(1.0, weight, out=term)
            np.multiply(corner, weight[..., None], out=corner)
