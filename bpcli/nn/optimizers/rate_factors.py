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
    """Range of the flat vector with one learning-rate factor; `sparse` if a step changes few of its numbers."""

    start: int
    stop: int
    factor: float
    sparse: bool = False


def segments(layout: Layout, factors: RateFactors | None) -> list[Segment]:
    """Longest ranges of one factor, in order, and ranges of sparse rows; the whole vector without any of these."""
    if factors is None and all(slot.rate is None for slot in layout.slots) and not layout.sparse:
        return [Segment(0, layout.size, 1.0)]
    factors = factors or RateFactors()
    found: list[Segment] = []
    start = 0
    for slot in layout.slots:
        stop, factor = start + slot.size, factors.of(slot)
        ranges = [one for one in layout.sparse if one.slot is slot]
        for sparse in ranges:
            found += [Segment(start, sparse.start, factor), Segment(sparse.start, sparse.stop, factor, sparse=True)]
            start = sparse.stop
        found.append(Segment(start, stop, factor))
        start = stop
    return _longest(found)


def _longest(segments: list[Segment]) -> list[Segment]:
    """Segments without empty ones, and with neighbours of one factor joined, unless they are sparse."""
    found: list[Segment] = []
    for segment in segments:
        before = found[-1] if found else None
        if segment.start == segment.stop:
            continue
        if before is None or before.factor != segment.factor or before.sparse or segment.sparse:
            found.append(segment)
        else:
            found[-1] = before._replace(stop=segment.stop)
    return found
