"""Arithmetic that layers of weighted sums share: the sum z, the activation, and the errors of both."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar, TypeVar

from bpcli.arrays.memory import Array
from bpcli.nn.layers.conv_layer import ConvLayer
from bpcli.nn.layers.dense_layer import DenseLayer
from bpcli.spec import type_name
from bpcli.tracing.layers.base import LayerInStep, WorkedLayer, flat
from bpcli.tracing.trace import activation_formulas

S = TypeVar("S", bound=DenseLayer | ConvLayer)


class WorkedSums(WorkedLayer[S]):
    """Layer whose outputs are an activation of weighted sums."""

    error: ClassVar[str] = "dL/dz"
    by_output: ClassVar[bool] = True
    letters: ClassVar[Mapping[str, str]] = {"weight": "w", "bias": "b"}
    summing: ClassVar[str]
    """What computes z, and of what it is the sum, in words."""

    def __init__(self, planned: S, step: LayerInStep) -> None:
        super().__init__(planned, step)
        self.activation = type_name(planned.activation)
        self.formula, self.derivative = activation_formulas(planned.activation)
        self.z = flat(step.layer.forward["z"])
        self.slope, self.dz = (flat(step.layer.backward[name]) for name in ("slope", "dz"))
        parameters = step.layer.parameters
        self.weight = parameters["weight"].before
        self.bias = parameters["bias"].before if "bias" in parameters else None
        self.sum_formula = "z = Σ x · w" if self.bias is None else "z = Σ x · w + b"

    @property
    def forward_rule(self) -> str:
        """f(z)."""
        return self.formula

    @property
    def backward_rule(self) -> str:
        """f'(z)."""
        return self.derivative

    @property
    def errors(self) -> Array:
        """dL/dz."""
        return self.dz

    @property
    def dx_formula(self) -> str:
        """dL/dx as a sum."""
        return "Σ dL/dz · w"

    @abstractmethod
    def weighted_sum(self, row: int, j: int) -> str:
        """Right side of `sum_formula` for an output, written out if it has few terms."""

    def forward_lines(self, row: int, j: int) -> Iterator[str]:
        """Yield z and y."""
        z, y = self.z[row, j], self.y[row, j]
        yield f"z = {self.weighted_sum(row, j)} = {self.shows.fixed(z)}"
        yield from self.hints(j)
        yield f"y = {self.activation}({self.shows.short(z)}) = {self.shows.fixed(y)}"

    def hints(self, j: int) -> Iterator[str]:
        """Yield where the terms of a sum that is not written out are found."""
        yield from ()

    def backward_lines(self, row: int, j: int) -> Iterator[str]:
        """Yield dL/dy, f'(z) and dL/dz."""
        yield from super().backward_lines(row, j)
        dy, slope, dz = self.dy[row, j], self.slope[row, j], self.dz[row, j]
        yield f"f'(z) = {self.shows.fixed(slope)}"
        product = f"{self.shows.short(dy)} · {self.shows.factor(slope)}"
        yield f"dL/dz = dL/dy · f'(z) = {product} = {self.shows.fixed(dz)}"

    def forward_stage(self) -> tuple[list[str], str]:
        """Weighted sum and activation."""
        words = self.summing + ("" if self.bias is None else " plus its bias")
        words += "" if self.activation == "identity" else f"; its output is {self.activation} of z"
        return [self.sum_formula, f"y = f(z), {self.formula}"], words
