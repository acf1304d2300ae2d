"""Arithmetic of layer normalization."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from bpcli.arrays.memory import Array
from bpcli.nn.layers import LayerNormLayer
from bpcli.tracing.layers.base import worked_layer
from bpcli.tracing.layers.norms import WorkedNorm


@worked_layer.register(LayerNormLayer)
class WorkedLayerNorm(WorkedNorm[LayerNormLayer]):
    """Norm over the inputs of each row."""

    over: ClassVar[str] = "over the row"
    mean_of: ClassVar[str] = "the mean of its row"

    def averaged(self, values: Array, row: int, j: int) -> list[float]:
        """Values of one row."""
        of_row: list[float] = values[row].tolist()
        return of_row

    def slopes(self) -> Array:
        """g = scale · dL/dy."""
        return self.scale * self.dy

    def means(self, row: int, j: int) -> Iterator[str]:
        """Means of g and of g · x̂."""
        level, along = map(self.shows.fixed, self.slope_means(row, j))
        yield f"mean(g) {self.over} = {level}"
        yield f"mean(g · x̂) {self.over} = {along}"

    def notes_of_means(self, row: int, shown: Sequence[int]) -> Iterator[str]:
        """Yield one line for the whole row."""
        yield ", ".join(self.means(row, shown[0]))

    def dx_arithmetic(self, row: int, j: int) -> str:
        """(g - mean(g) - x̂ · mean(g · x̂)) / σ."""
        short, factor = self.shows.short, self.shows.factor
        level, along = self.slope_means(row, j)
        by = f"{factor(level)} - {factor(self.normalized[row, j])} · {factor(along)}"
        g = f"{short(self.scale[j])} · {factor(self.dy[row, j])}"
        return f"({g} - {by}) / {short(self.statistics(row, j)[2])}"
