"""Max pooling."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.frozen import dataclass
from bpcli.nn.layers.base import Shape
from bpcli.nn.layers.pooling import Pool, PoolLayer


class MaxPool(Pool):
    """Largest value of each window, by channel."""

    type: Literal["max_pool"] = "max_pool"

    def plan(self, index: int, in_shape: Shape) -> MaxPoolLayer:
        """Layer for inputs (rows, *in_shape), a grid. Raises MismatchError for shapes that do not fit."""
        grid, sliding = self.sliding(index, self.type, in_shape)
        return MaxPoolLayer(index, grid, sliding.out_grid(grid, grid[-1]), sliding=sliding)


@dataclass(frozen=True)
class MaxPoolLayer(PoolLayer):
    """Max pooling. Of equal values, the first in the order of lines has the gradient."""

    type: ClassVar[str] = "max_pool"
    formula: ClassVar[str] = "y = max(x), over the window at each position"
    gradient: ClassVar[str] = "dL/dx = dL/dy where x is the first of the largest in a window, else 0"

    def _pool(self, x: Array, y: Array) -> None:
        taps = self.taps
        if self.sliding.is_padded:
            y.fill(-np.inf)
        else:
            np.copyto(y, taps[0].of_values(x))
            taps = taps[1:]
        for tap in taps:
            windows = tap.of_windows(y)
            np.maximum(windows, tap.of_values(x), out=windows)

    def _spread(self, x: Array, y: Array, dy: Array, scratch: Array, dx: Array) -> None:
        """Each place that holds the largest value takes what is left of dy, so that only the first one has it."""
        apart = not self.sliding.overlaps
        for tap in self.taps:
            left, place = tap.of_windows(dy), tap.of_values(dx)
            share = place if apart else tap.of_windows(scratch)
            np.equal(tap.of_values(x), tap.of_windows(y), out=share, casting="unsafe")
            np.multiply(share, left, out=share)
            np.subtract(left, share, out=left)
            if not apart:
                np.add(place, share, out=place)
