"""Arithmetic of flattening, of which there is none."""

from __future__ import annotations

from bpcli.nn.layers.flatten import FlattenLayer
from bpcli.tracing.layers.base import worked_layer
from bpcli.tracing.layers.one_to_one import WorkedOneToOne


@worked_layer.register(FlattenLayer)
class WorkedFlatten(WorkedOneToOne[FlattenLayer]):
    """Each output is the input with the same index."""

    def columns(self, row: int, j: int) -> dict[str, float]:
        """y."""
        return {"y = x": self.y[row, j]}

    def dx_arithmetic(self, row: int, j: int) -> str:
        """dL/dy."""
        return "dL/dy"

    def forward_stage(self) -> tuple[list[str], str]:
        """Formula and explanation."""
        return [self.layer.formula], "The numbers keep their order and values"
