"""Axis scales: numbers to pixels, with round tick values."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, copysign, floor, isfinite, log1p, log10

from bpcli.frozen import dataclass

EXTREME = 1e300
"""Limit on absolute values, and its inverse on values near 0: values beyond are clipped, since sums would overflow."""


MARGIN = 0.04
"""Margin on both sides of a symmetric logarithmic scale, as a share of its length."""

MOST_MARKS = 4
"""Maximum number of ticks on each side of 0 of a symmetric logarithmic scale."""


@dataclass(frozen=True)
class Scale:
    """Linear or logarithmic map from the range `low` to `high` to the pixels `start` to `end`.

    symmetric: if positive, the scale is logarithmic on both sides of 0, and nearly linear below this size.
    """

    low: float
    high: float
    start: float
    end: float
    step: float = 0.2
    """Distance between ticks of a linear scale."""
    logarithmic: bool = False
    symmetric: float = 0.0

    @classmethod
    def over(
        cls, values: Iterable[float], start: float, end: float, logarithmic: bool = False, symmetric: float = 0.0
    ) -> Scale:
        """Scale that covers all finite values (positive ones, if logarithmic), extended to the next ticks.

        A symmetric logarithmic scale has a margin instead.
        """
        known = [
            min(max(value, -EXTREME), EXTREME) for value in values if isfinite(value) and (value > 0 or not logarithmic)
        ]
        low, high = (min(known), max(known)) if known else (1.0, 10.0) if logarithmic else (0.0, 1.0)
        if logarithmic:
            exponents = floor(log10(max(low, 1 / EXTREME))), ceil(log10(max(high, 1 / EXTREME)))
            return cls(10.0 ** exponents[0], 10.0 ** max(exponents[1], exponents[0] + 1), start, end, logarithmic=True)
        size = max(abs(low), abs(high))
        if symmetric:
            return cls(low, high, start, end, symmetric=symmetric)
        if high - low <= 1e-12 * size or size < 1 / EXTREME:  # constant up to rounding
            half = (size if size >= 1 / EXTREME else 1.0) / 2
            low, high = low - half, high + half
        step = _round_step((high - low) / 5)
        return cls(floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step, start, end, step)

    def place(self, value: float) -> float:
        """Pixel coordinate of a value."""
        if self.symmetric:
            low, high, at = (symmetric_logarithm(one, self.symmetric) for one in (self.low, self.high, value))
            share = MARGIN + (1 - 2 * MARGIN) * ((at - low) / (high - low) if high > low else 0.5)
        elif self.logarithmic:
            share = (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def marks(self) -> list[tuple[float, str]]:
        """Tick values with their labels."""
        if self.symmetric:
            return [(value, f"{value:,g}") for value in self._symmetric_marks()]
        if self.logarithmic:
            first, last = round(log10(self.low)), round(log10(self.high))
            stride = max(1, (last - first) // 6)
            return [(10.0**exponent, f"{10.0**exponent:g}") for exponent in range(first, last + 1, stride)]
        decimals = max(0, -floor(log10(self.step) + 1e-9))
        numbers = range(round(self.low / self.step), round(self.high / self.step) + 1)
        return [(number * self.step, _text(number * self.step, decimals)) for number in numbers]

    def _symmetric_marks(self) -> list[float]:
        """0 and powers of ten of both signs within the range, from the size on where the scale is logarithmic."""
        first, last = ceil(log10(self.symmetric)), floor(log10(max(abs(self.low), abs(self.high), self.symmetric)))
        stride = max(1, -(-(last - first + 1) // MOST_MARKS))
        powers = [10.0**exponent for exponent in range(last, first - 1, -stride)]
        marks = [*(-power for power in powers), 0.0, *reversed(powers)]
        return [mark for mark in marks if self.low <= mark <= self.high]


def symmetric_logarithm(value: float, size: float) -> float:
    """Logarithm of 1 + |value| / size, with the sign of the value (Webber 2012)."""
    return copysign(log1p(abs(value) / size), value)


def _round_step(step: float) -> float:
    """Smallest of 1, 2 and 5 times a power of ten that is not below `step`."""
    power = 10.0 ** floor(log10(step))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= step * (1 - 1e-9))


def _text(value: float, decimals: int) -> str:
    if abs(value) >= 1e6 or decimals > 5:
        return f"{value:g}"
    return f"{value + 0.0:,.{decimals}f}"
