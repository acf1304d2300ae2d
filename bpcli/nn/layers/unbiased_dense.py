"""Dense layer without a bias."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcli.arrays.fields import Input
from bpcli.arrays.layout import Slot
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import LayerArrays
from bpcli.nn.layers.base import Position, Views
from bpcli.nn.layers.dense_layer import DenseLayer
from bpcli.nn.layers.gathering import Gathering


@dataclass(frozen=True)
class UnbiasedDenseLayer(DenseLayer):
    """Dense layer whose only parameter is its weight. A class of its own, so that biases cost no test in each step."""

    formula: ClassVar[str] = "y = f(z), z = Σ x · w"

    def of_members(self, count: int) -> None:
        """None: it passes one member at a time."""
        return

    def parameters(self) -> tuple[Slot, ...]:
        """Weight."""
        return (self._weight(),)

    def initialize(self, out: Views, generator: np.random.Generator) -> None:
        """Initialize weights with the initializer."""
        self.initializer.fill(out["weight"], self.fan_in, self.n_out, generator)

    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        """f(x W)."""
        z = workspace["z" if self.activation.keeps_input else "y"]
        self._flat(x).dot(params["weight"], out=z)
        self.activation.forward(z, workspace["y"], workspace.scratch)
        return workspace["y"]

    def forward_gathered(
        self, params: Views, x: tuple[Input, ...], gathering: Gathering, workspace: LayerArrays, memory: Views
    ) -> Array:
        """Equal to `forward` but for the order of sums."""
        z = workspace["z" if self.activation.keeps_input else "y"]
        gathering.multiply(x, params["weight"], z, memory)
        self.activation.forward(z, workspace["y"], workspace.scratch)
        return workspace["y"]

    def weighted_sums(self, params: Views, x: Array) -> Array:
        """x W."""
        sums: Array = self._flat(x).dot(params["weight"])
        return sums

    def bias_gradient(self, x: Array, dz: Array, workspace: LayerArrays, grads: Views) -> None:
        """Nothing: there is no bias."""
        return
