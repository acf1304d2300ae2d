"""Periodic embedding of a number: trained frequencies and a trained linear layer, beside the number itself."""

from __future__ import annotations

from collections.abc import Sequence
from math import pi
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from bpcli.arrays import fields
from bpcli.arrays.layout import Slot
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, LayerArrays
from bpcli.frozen import dataclass
from bpcli.nn.layers import Layer, Position, Views
from bpcli.spec import Spec

RATE = 0.1
"""Learning-rate factor of all parameters, as in RealMLP."""


class Periodic(Spec):
    """Number, and `units` sums of cosines of it; further numbers of the field, such as indicators, are passed on.

    Holzmüller, Grinsztajn and Steinwart, "Better by default", 2024 (PBLD); after Gorishniy, Rubachev and Babenko, 2022.
    """

    type: Literal["periodic"] = "periodic"
    frequencies: int = Field(default=16, ge=1, le=1024)
    sigma: float = Field(default=0.1, gt=0)
    units: int = Field(default=3, ge=1, le=1024)

    def plan(self, index: int, field: fields.Field) -> PeriodicLayer:
        """Layer for a field (numbers, 1), the first of which is embedded."""
        shape = (field.shape[0] + self.units,)
        return PeriodicLayer(index, field.shape, shape, self.frequencies, self.sigma, self.units)


@dataclass(frozen=True)
class PeriodicLayer(Layer):
    """x and cos(2π f x + p) W + b for the first number x of a row, and the other numbers unchanged."""

    type: ClassVar[str] = "periodic"
    formula: ClassVar[str] = "y = (x, cos(2π · frequency · x + phase) · weight + bias)"
    gradient: ClassVar[str] = "dL/dx = dL/dy0 - 2π Σ frequency · sin(2π · frequency · x + phase) · (dL/dy · weightᵀ)"

    frequencies: int
    sigma: float
    sums: int

    @property
    def multiplications(self) -> int:
        """Those of the product with the weights."""
        return self.frequencies * self.sums

    def feature_names(self, field: str, numbers: Sequence[str]) -> tuple[str, ...]:
        """The number, its sums, and the other numbers."""
        return (numbers[0], *(f"{field} periodic {place}" for place in range(self.sums)), *numbers[1:])

    def parameters(self) -> tuple[Slot, ...]:
        """Frequencies and phases, which do not decay, and the linear layer."""
        return (
            Slot("weight", (self.frequencies, self.sums), weight=True, rate=RATE),
            Slot("frequency", (self.frequencies,), rate=RATE),
            Slot("phase", (self.frequencies,), rate=RATE),
            Slot("bias", (self.sums,), rate=RATE),
        )

    def buffers(self, training: bool) -> dict[str, Buffer]:
        """The output, the number, angles, cosines, and sums of these."""
        of_frequencies = (self.frequencies,)
        return {
            "y": Buffer(self.out_shape),
            "number": Buffer(()),
            "angle": Buffer(of_frequencies),
            "cosine": Buffer(of_frequencies),
            "sum": Buffer((self.sums,)),
        }

    def initialize(self, out: Views, generator: np.random.Generator) -> None:
        """Draw the parameters: frequencies from N(0, σ²), phases from U(-π, π), the others from U(±1/√frequencies)."""
        out["frequency"][:] = generator.normal(0.0, self.sigma, self.frequencies)
        out["phase"][:] = generator.uniform(-pi, pi, self.frequencies)
        bound = self.frequencies**-0.5
        out["weight"][:] = generator.uniform(-bound, bound, out["weight"].shape)
        out["bias"][:] = generator.uniform(-bound, bound, self.sums)

    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        """Output for numbers (rows, numbers, 1)."""
        y, number, angle, cosine, total = (workspace[name] for name in ("y", "number", "angle", "cosine", "sum"))
        np.copyto(number, x[:, 0, 0])
        np.multiply(x[:, 0], params["frequency"], out=angle)
        np.multiply(angle, 2 * pi, out=angle)
        np.add(angle, params["phase"], out=angle)
        np.cos(angle, out=cosine)
        np.dot(cosine, params["weight"], out=total)
        y[:, 0] = number
        np.add(total, params["bias"], out=y[:, 1 : 1 + self.sums])
        y[:, 1 + self.sums :] = x[:, 1:, 0]
        return y

    def backward(self, params: Views, x: Array, dy: Array, workspace: LayerArrays, grads: Views) -> Array:
        """Gradient of the parameters. No earlier layer needs dL/dx."""
        number, angle, cosine, total = (workspace[name] for name in ("number", "angle", "cosine", "sum"))
        np.copyto(total, dy[:, 1 : 1 + self.sums])
        np.dot(cosine.T, total, out=grads["weight"])
        np.add.reduce(total, axis=0, out=grads["bias"])
        np.dot(total, params["weight"].T, out=cosine)
        np.sin(angle, out=angle)
        np.multiply(cosine, angle, out=cosine)
        np.negative(cosine, out=cosine)  # dL/dangle
        np.add.reduce(cosine, axis=0, out=grads["phase"])
        np.dot(number, cosine, out=grads["frequency"])
        np.multiply(grads["frequency"], 2 * pi, out=grads["frequency"])
        return dy

    def input_gradient(self, params: Views, state: Views, dy: Array, workspace: LayerArrays) -> Array:
        """Raise TypeError: a stem's gradient is that of the features."""
        raise TypeError("a stem is not passed backwards in inference; see features_gradient")

    def of_features(self, params: Views, state: Views, x: Array) -> Array:
        """Output for features (rows, numbers)."""
        sums = np.cos(self._angles(params, x)) @ params["weight"] + params["bias"]
        y: Array = np.concatenate([x[:, :1], sums, x[:, 1:]], axis=1)
        return y

    def features_gradient(self, params: Views, state: Views, x: Array, dy: Array) -> Array:
        """Gradient with respect to the features."""
        dx = np.concatenate([dy[:, :1], dy[:, 1 + self.sums :]], axis=1)
        dcosine = dy[:, 1 : 1 + self.sums] @ params["weight"].T
        slopes = np.sin(self._angles(params, x)) * dcosine
        dx[:, 0] -= 2 * pi * (slopes @ params["frequency"])
        return dx

    @staticmethod
    def _angles(params: Views, x: Array) -> Array:
        angles: Array = 2 * pi * (x[:, :1] * params["frequency"]) + params["phase"]
        return angles
