"""Arithmetic of norms: statistics, outputs and gradients."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from math import sqrt

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.tracing.layers.base import Derivation, LayerInStep, P, flat
from bpcli.tracing.layers.one_to_one import WorkedOneToOne
from bpcli.tracing.phrases import Place


class WorkedNorm(WorkedOneToOne[P]):
    """Norm: (x - mean) / standard deviation, then scaled and shifted."""

    @property
    @abstractmethod
    def over(self) -> str:
        """Axes of its means, as words in a line."""

    @property
    @abstractmethod
    def mean_of(self) -> str:
        """Mean of an input, as words in a sentence."""

    @property
    def of_channels(self) -> bool:
        """Whether its parameters belong to channels with several positions."""
        return self.channels < self.x.shape[1]

    def __init__(self, planned: P, step: LayerInStep) -> None:
        super().__init__(planned, step)
        self.normalized = flat(step.layer.forward["normalized"])
        scale, shift = (step.layer.parameters[name].before.ravel() for name in ("scale", "shift"))
        self.channels = len(scale)
        """Scales: one for each input, or for each channel of all positions."""
        self.scale, self.shift = (np.tile(one, self.x.shape[1] // self.channels) for one in (scale, shift))
        self.epsilon = step.layer.options["epsilon"]

    @abstractmethod
    def averaged(self, values: Array, row: int, j: int) -> list[float]:
        """Values that the mean for output `j` of a row is taken over."""

    @abstractmethod
    def slopes(self) -> Array:
        """Gradients whose means enter dL/dx: dL/dy, or g = scale · dL/dy."""

    def statistics(self, row: int, j: int) -> tuple[float, float, float]:
        """Mean and variance of the inputs, and σ = √(variance + ε)."""
        x = self.averaged(self.x, row, j)
        mean = _mean(x)
        variance = _mean([(one - mean) ** 2 for one in x])
        return mean, variance, sqrt(variance + self.epsilon)

    def slope_means(self, row: int, j: int) -> tuple[float, float]:
        """Mean of the gradients, and mean of the gradients times x̂."""
        slopes = self.averaged(self.slopes(), row, j)
        normalized = self.averaged(self.normalized, row, j)
        return _mean(slopes), _mean([a * b for a, b in zip(slopes, normalized, strict=True)])

    def columns(self, row: int, j: int) -> dict[str, float]:
        """x, its statistics, x̂ and y."""
        mean, variance, deviation = self.statistics(row, j)
        statistics = {"mean": mean, "variance": variance, "σ": deviation}
        return {"x": self.x[row, j], **statistics, "x̂": self.normalized[row, j], "y": self.y[row, j]}

    def forward_lines(self, row: int, j: int) -> Iterator[str]:
        """Statistics, x̂ and y."""
        mean, variance, deviation = self.statistics(row, j)
        x, y, normalized, scale, shift = (
            float(value)
            for value in (self.x[row, j], self.y[row, j], self.normalized[row, j], self.scale[j], self.shift[j])
        )
        short, factor, fixed = self.shows.short, self.shows.factor, self.shows.fixed
        yield f"mean {self.over} = {fixed(mean)}"
        yield f"variance {self.over} = {fixed(variance)}"
        epsilon = self.shows.constant(self.epsilon)
        yield f"σ = √(variance + ε) = √({short(variance)} + {epsilon}) = {fixed(deviation)}"
        yield f"x̂ = (x - mean) / σ = ({short(x)} - {factor(mean)}) / {short(deviation)} = {fixed(normalized)}"
        yield f"y = scale · x̂ + shift = {short(scale)} · {factor(normalized)} + {factor(shift)} = {fixed(y)}"

    def derivation(self, name: str, place: Place) -> Derivation | None:
        """Σ dL/dy for the shift, Σ x̂ · dL/dy for the scale."""
        j = self._output(name, place)
        errors, normalized = (of[:, j :: self.channels].ravel() for of in (self.dy, self.normalized))
        found = self._sum("dL/dy", errors) if name == "shift" else self._sum("dL/dy", errors, "x̂", normalized)
        return found._replace(over="rows and positions") if self.of_channels else found

    def forward_stage(self) -> tuple[list[str], str]:
        """Formula and explanation."""
        words = f"Each input minus {self.mean_of} is divided by the standard deviation"
        return [self.layer.formula], f"{words}, then scaled and shifted"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
