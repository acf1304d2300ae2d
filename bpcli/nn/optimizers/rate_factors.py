"""Learning-rate factors by kind of parameter, and the ranges of the flat vector to which they apply."""

from __future__ import annotations

from math import sqrt
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from bpcli.arrays.layout import Layout, Slot
from bpcli.spec import Spec

Factor = Annotated[float, Field(gt=0)]


class RateFactors(Spec):
    """Factors on the learning rate by kind of parameter. Weight decay does not have them.

    `inverse_sqrt_fan_in`, 1/√fan_in for each weight matrix, gives Adam the steps of the NTK parametrization, in which a
    layer computes x W / √fan_in (Jacot et al. 2018).
    """

    weights: Factor | Literal["inverse_sqrt_fan_in"] = Field(
        default=1.0, description="Factor of weights, or inverse_sqrt_fan_in: 1 / √(inputs of the layer)."
    )
    biases: Factor = Field(default=1.0, description="Factor of biases, and of shifts of norm layers.")
    scales: Factor = Field(default=1.0, description="Factor of scale layers, and of scales of norm layers.")
    shares: Factor = Field(default=1.0, description="Factor of parametric activations.")

    def of(self, slot: Slot) -> float:
        """Factor of a parameter: its own, or that of its kind."""
        if slot.rate is not None:
            return slot.rate
        factor: float | Literal["inverse_sqrt_fan_in"] = getattr(self, slot.kind)
        return 1.0 / sqrt(slot.fan_in) if factor == "inverse_sqrt_fan_in" else factor


class Segment(NamedTuple):
    """Range of the flat vector with one learning-rate factor."""

    start: int
    stop: int
    factor: float


def segments(layout: Layout, factors: RateFactors | None) -> list[Segment]:
    """Longest ranges of one factor, in order; the whole vector without factors."""
    if factors is None and all(slot.rate is None for slot in layout.slots):
        return [Segment(0, layout.size, 1.0)]
    factors = factors or RateFactors()
    found: list[Segment] = []
    start = 0
    for slot in layout.slots:
        factor, stop = factors.of(slot), start + slot.size
        if found and found[-1].factor == factor:
            found[-1] = found[-1]._replace(stop=stop)
        else:
            found.append(Segment(start, stop, factor))
        start = stop
    return found
