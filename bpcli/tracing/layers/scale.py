"""Arithmetic of scale layers."""

from __future__ import annotations

from collections.abc import Iterator

from bpcli.nn.layers.scale import ScaleLayer
from bpcli.tracing.layers.base import Derivation, LayerInStep, worked_layer
from bpcli.tracing.layers.one_to_one import WorkedOneToOne
from bpcli.tracing.phrases import Place


@worked_layer.register(ScaleLayer)
class WorkedScale(WorkedOneToOne[ScaleLayer]):
    """Each input times its scale."""

    def __init__(self, planned: ScaleLayer, step: LayerInStep) -> None:
        super().__init__(planned, step)
        self.scale = step.layer.parameters["scale"].before.ravel()

    def columns(self, row: int, j: int) -> dict[str, float]:
        """x, scale and y."""
        return {"x": self.x[row, j], "scale": self.scale[j], "y": self.y[row, j]}

    def dx_arithmetic(self, row: int, j: int) -> str:
        """dL/dy · scale."""
        return self.shows.products([self.dy[row, j]], [self.scale[j]])

    def forward_lines(self, row: int, j: int) -> Iterator[str]:
        """x · scale."""
        yield f"y = x · scale = {self.shows.product(self.x[row, j], self.scale[j])}"

    def derivation(self, name: str, place: Place) -> Derivation | None:
        """Σ x · dL/dy."""
        j = self._output(name, place)
        return self._sum("dL/dy", self.dy[:, j], "x", self.x[:, j])

    def forward_stage(self) -> tuple[list[str], str]:
        """Formula and explanation."""
        return [self.layer.formula], "Each input is multiplied by its scale"
