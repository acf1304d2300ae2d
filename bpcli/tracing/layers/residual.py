"""Arithmetic of residual blocks: the sum, but not what happens in its layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from bpcli.arrays.memory import Array
from bpcli.nn.layers.residual import ResidualLayer
from bpcli.spec import type_name
from bpcli.tracing.layers.base import LayerInStep, WorkedLayer, flat, worked_layer
from bpcli.tracing.parts import Grid, Part
from bpcli.tracing.phrases import Place
from bpcli.tracing.trace import activation_formulas


@worked_layer.register(ResidualLayer)
class WorkedResidual(WorkedLayer[ResidualLayer]):
    """What the layers give plus the input, or its projection, to which the activation is applied."""

    error: ClassVar[str] = "dL/dz"

    def __init__(self, planned: ResidualLayer, step: LayerInStep) -> None:
        super().__init__(planned, step)
        self.activation = type_name(planned.activation)
        self.formula, self.derivative = activation_formulas(planned.activation)
        self.z = flat(step.layer.forward["z"])
        self.beside = self.x if planned.projection is None else flat(step.layer.forward["projection.y"])
        self.slope, self.dz = (flat(step.layer.backward[name]) for name in ("slope", "dz"))
        self.name = "x" if planned.projection is None else "projection(x)"

    @property
    def errors(self) -> Array:
        """dL/dz."""
        return self.dz

    def forward_parts(self, row: int, shown: Sequence[int], in_full: bool) -> Iterator[Part]:
        """Yield both terms of the sums, and y."""
        table = [["output", "layers(x)", self.name, "z = the sum", "y = f(z)"]]
        for j in shown:
            z, beside = self.z[row, j], self.beside[row, j]
            table.append([self.layer.outputs[j], *map(self.shows.fixed, (z - beside, beside, z, self.y[row, j]))])
        yield Grid(table, right=(1, 2, 3, 4))

    def backward_parts(self, row: int, shown: Sequence[int], in_full: bool) -> Iterator[Part]:
        """Yield dL/dy, f'(z) and dL/dz, which both terms have."""
        table = [["output", "dL/dy", "f'(z)", "dL/dz = dL/dy · f'(z)"]]
        for j in shown:
            numbers = (self.dy[row, j], self.slope[row, j], self.dz[row, j])
            table.append([self.layer.outputs[j], *map(self.shows.fixed, numbers)])
        yield Grid(table, right=(1, 2, 3))

    def belongs(self, name: str, place: Place) -> str:
        """Layer of the block that a parameter belongs to."""
        of = name.rpartition(".")[0]
        return "projection" if of == "projection" else f"{self.planned.body.layers[int(of)].type} {of} of the block"

    def forward_lines(self, row: int, j: int) -> Iterator[str]:
        """Yield z and y."""
        z, beside, y = self.z[row, j], self.beside[row, j], self.y[row, j]
        short = self.shows.short
        yield f"z = layers(x) + {self.name} = {short(z - beside)} + {self.shows.factor(beside)} = {self.shows.fixed(z)}"
        yield f"y = {self.activation}({short(z)}) = {self.shows.fixed(y)}"

    def backward_lines(self, row: int, j: int) -> Iterator[str]:
        """Yield dL/dy, f'(z) and dL/dz."""
        yield from super().backward_lines(row, j)
        dy, slope, dz = self.dy[row, j], self.slope[row, j], self.dz[row, j]
        product = f"{self.shows.short(dy)} · {self.shows.factor(slope)}"
        yield f"dL/dz = dL/dy · f'(z) = {product} = {self.shows.fixed(dz)}"

    def forward_stage(self) -> tuple[list[str], str]:
        """Sum and activation."""
        words = f"What the layers of the block give and {self.name} are added"
        return [f"z = layers(x) + {self.name}", f"y = f(z), {self.formula}"], words

    def backward_stage(self) -> tuple[list[str], str]:
        """dL/dz, and where it goes."""
        words = f"dL/dy comes {self._origin}. dL/dz passes through the layers of the block, and by them"
        return [f"dL/dz = dL/dy · f'(z), {self.derivative}"], words
