"""Arithmetic of parametric activations."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpcli.nn.layers.parametric import ParametricLayer
from bpcli.spec import type_name
from bpcli.tracing.layers.base import Derivation, LayerInStep, flat, worked_layer
from bpcli.tracing.layers.one_to_one import WorkedOneToOne
from bpcli.tracing.phrases import Place
from bpcli.tracing.trace import activation_formulas


@worked_layer.register(ParametricLayer)
class WorkedParametric(WorkedOneToOne[ParametricLayer]):
    """Each input, and the share of what the activation adds to it."""

    def __init__(self, planned: ParametricLayer, step: LayerInStep) -> None:
        super().__init__(planned, step)
        self.share = step.layer.parameters["share"].before.ravel()
        self.f = flat(step.layer.forward["f"])
        self.slope = np.ones_like(self.f)
        activation = planned.activation
        scratch = tuple(np.empty_like(self.f) for _ in range(activation.scratch_arrays))
        activation.backward(self.x if activation.keeps_input else self.f, self.slope, scratch)

    @property
    def kind(self) -> str:
        """Type and activation."""
        return f"{self.layer.type}, {type_name(self.planned.activation)}"

    @property
    def forward_rule(self) -> str:
        """Formulas in the heading of the forward pass."""
        return ", ".join(self.forward_stage()[0])

    def columns(self, row: int, j: int) -> dict[str, float]:
        """x, f(x), share and y."""
        return {"x": self.x[row, j], "f(x)": self.f[row, j], "share": self.share[j], "y": self.y[row, j]}

    def dx_arithmetic(self, row: int, j: int) -> str:
        """dL/dy · (1 + share · (f'(x) - 1))."""
        short = self.shows.short
        inner = f"1 + {self.shows.factor(self.share[j])} · ({short(self.slope[row, j])} - 1)"
        return f"{short(self.dy[row, j])} · ({inner})"

    def forward_lines(self, row: int, j: int) -> Iterator[str]:
        """f(x), and x + share · (f(x) - x)."""
        x, f = self.x[row, j], self.f[row, j]
        short, factor = self.shows.short, self.shows.factor
        yield f"f(x) = {self.shows.fixed(f)}"
        by = f"{factor(self.share[j])} · ({short(f)} - {factor(x)})"
        yield f"y = x + share · (f(x) - x) = {short(x)} + {by} = {self.shows.fixed(self.y[row, j])}"

    def derivation(self, name: str, place: Place) -> Derivation | None:
        """Σ (f(x) - x) · dL/dy."""
        j = self._output(name, place)
        return self._sum("dL/dy", self.dy[:, j], "(f(x) - x)", self.f[:, j] - self.x[:, j])

    def forward_stage(self) -> tuple[list[str], str]:
        """Formulas and explanation."""
        f, _ = activation_formulas(self.planned.activation)
        return [self.layer.formula, f], "Of what the activation adds to an input, its share is added"
