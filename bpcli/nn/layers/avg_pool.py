"""Average pooling."""

from __future__ import annotations

from math import prod
from typing import ClassVar, Literal

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.frozen import dataclass
from bpcli.nn.layers.base import Shape
from bpcli.nn.layers.pooling import Pool, PoolLayer


class AvgPool(Pool):
    """Mean of each window, by channel; places beyond the edge do not count."""

    type: Literal["avg_pool"] = "avg_pool"

    def plan(self, index: int, in_shape: Shape) -> AvgPoolLayer:
        """Layer for inputs (rows, *in_shape), a grid. Raises MismatchError for shapes that do not fit."""
        grid, sliding = self.sliding(index, self.type, in_shape)
        return AvgPoolLayer(index, grid, sliding.out_grid(grid, grid[-1]), sliding=sliding)


@dataclass(frozen=True)
class AvgPoolLayer(PoolLayer):
    """Average pooling."""

    type: ClassVar[str] = "avg_pool"
    formula: ClassVar[str] = "y = mean(x), over the window at each position"
    gradient: ClassVar[str] = "dL/dx = Σ dL/dy / values in the window, over the windows that hold x"

    @property
    def linear_in_pieces(self) -> bool:
        """True: linear."""
        return True

    def _pool(self, x: Array, y: Array) -> None:
        y.fill(0.0)
        for tap in self.taps:
            windows = tap.of_windows(y)
            np.add(windows, tap.of_values(x), out=windows)
        self._divide(y)

    def _spread(self, x: Array, y: Array, dy: Array, scratch: Array, dx: Array) -> None:
        self._divide(dy)
        for tap in self.taps:
            place = tap.of_values(dx)
            np.add(place, tap.of_windows(dy), out=place)

    def _divide(self, out: Array) -> None:
        """Divide each window's number by its number of values: by line and by place, since a window is a rectangle."""
        if not self.sliding.is_padded:
            np.divide(out, prod(self.sliding.kernel), out=out)
            return
        axes = zip(self.sliding.source, self.sliding.kernel, self.sliding.extents, strict=False)
        for axis, (size, kernel, (count, before, stride)) in enumerate(axes, 1):
            for place in range(count):
                start = place * stride - before
                held = min(start + kernel, size) - max(start, 0)
                if held > 1:
                    part = out[:, place] if axis == 1 else out[:, :, place]
                    np.divide(part, held, out=part)
