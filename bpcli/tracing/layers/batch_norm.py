"""Arithmetic of batch normalization."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bpcli.arrays.memory import Array
from bpcli.nn.layers.batch_norm import BatchNormLayer
from bpcli.tracing.layers.base import worked_layer
from bpcli.tracing.layers.norms import WorkedNorm


@worked_layer.register(BatchNormLayer)
class WorkedBatchNorm(WorkedNorm[BatchNormLayer]):
    """Norm over the rows."""

    @property
    def over(self) -> str:
        """The rows, with the positions of a channel."""
        return "over rows and positions" if self.of_channels else "over the rows"

    @property
    def mean_of(self) -> str:
        """Mean of the input or of its channel."""
        return f"{'the mean of its channel' if self.of_channels else 'its mean'} {self.over}"

    def remark(self) -> str:
        """Note that normalizing a single row leaves 0."""
        if len(self.rows) > 1 or self.of_channels:
            return ""
        return "batch_norm subtracts a single row's own mean, which leaves 0; choose several rows"

    def averaged(self, values: Array, row: int, j: int) -> list[float]:
        """Values of one column, or of one channel."""
        column: list[float] = values[:, j % self.channels :: self.channels].ravel().tolist()
        return column

    def slopes(self) -> Array:
        """dL/dy."""
        return self.dy

    def means(self, row: int, j: int) -> Iterator[str]:
        """Means of dL/dy and of dL/dy · x̂."""
        level, along = map(self.shows.fixed, self.slope_means(row, j))
        yield f"mean(dL/dy) {self.over} = {level}"
        yield f"mean(dL/dy · x̂) {self.over} = {along}"

    def notes_of_means(self, row: int, shown: Sequence[int]) -> Iterator[str]:
        """Yield one line per output."""
        for j in shown:
            yield f"{self.layer.outputs[j]}: {', '.join(self.means(row, j))}"

    def dx_arithmetic(self, row: int, j: int) -> str:
        """scale / σ · (dL/dy - mean(dL/dy) - x̂ · mean(dL/dy · x̂))."""
        short, factor = self.shows.short, self.shows.factor
        level, along = self.slope_means(row, j)
        by = f"{factor(level)} - {factor(self.normalized[row, j])} · {factor(along)}"
        return f"{short(self.scale[j])} / {short(self.statistics(row, j)[2])} · ({short(self.dy[row, j])} - {by})"
