"""Arithmetic of dropout."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from bpcli.nn.layers.dropout_layer import DropoutLayer
from bpcli.tracing.layers.base import LayerInStep, flat, worked_layer
from bpcli.tracing.layers.one_to_one import WorkedOneToOne


@worked_layer.register(DropoutLayer)
class WorkedDropout(WorkedOneToOne[DropoutLayer]):
    """Each input times its mask."""

    afterwards: ClassVar[str] = "Dropout keeps its mask."

    def __init__(self, planned: DropoutLayer, step: LayerInStep) -> None:
        super().__init__(planned, step)
        self.mask = flat(step.layer.forward["mask"])

    def columns(self, row: int, j: int) -> dict[str, float]:
        """x, mask and y."""
        return {"x": self.x[row, j], "mask": self.mask[row, j], "y": self.y[row, j]}

    def dx_arithmetic(self, row: int, j: int) -> str:
        """dL/dy · mask."""
        return self.shows.products([self.dy[row, j]], [self.mask[row, j]])

    def forward_lines(self, row: int, j: int) -> Iterator[str]:
        """x · mask, and whether the input is dropped."""
        x, mask = self.x[row, j], self.mask[row, j]
        yield f"y = x · mask = {self.shows.product(x, mask)}{'' if mask else ': dropped in this step'}"

    def forward_stage(self) -> tuple[list[str], str]:
        """Formula and explanation."""
        words = "Inputs are dropped at random in this step; the others are scaled up to compensate"
        return [self.layer.formula], words

    def shown_output(self, row: int, j: int, written: str) -> str:
        """Output, or `dropped`."""
        return written if self.mask[row, j] else "dropped"
