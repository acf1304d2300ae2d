"""How a norm's outputs, and the slopes that it hands back, are worked out from its means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

from bpcli.tracing.arithmetic import Arithmetic, Document


@dataclass(frozen=True)
class Norm:
    """An output of a norm, on one row: what it takes the mean of goes over the rows, or over the row's inputs."""

    layer: Document
    row: int
    place: int

    @property
    def mean(self) -> float:
        """Of the inputs."""
        return _mean(self._over("forward", "x"))

    @property
    def variance(self) -> float:
        """Of the inputs."""
        mean = self.mean
        return _mean([(x - mean) ** 2 for x in self._over("forward", "x")])

    @property
    def deviation(self) -> float:
        """σ = √(variance + ε)."""
        return sqrt(self.variance + self.layer["options"]["epsilon"])

    def forward(self, shows: Arithmetic) -> Iterator[str]:
        """From x to y, step by step."""
        forward, j = self.layer["forward"], self.place
        x, y, normalized = (forward[name][self.row][j] for name in ("x", "y", "normalized"))
        scale, shift = (self._parameter(name, j) for name in ("scale", "shift"))
        short, factor, fixed = shows.short, shows.factor, shows.fixed
        yield f"mean {self._of} = {fixed(self.mean)}"
        yield f"variance {self._of} = {fixed(self.variance)}"
        epsilon = shows.constant(self.layer["options"]["epsilon"])
        yield f"σ = √(variance + ε) = √({short(self.variance)} + {epsilon}) = {fixed(self.deviation)}"
        apart = f"({short(x)} - {factor(self.mean)}) / {short(self.deviation)}"
        yield f"x̂ = (x - mean) / σ = {apart} = {fixed(normalized)}"
        yield (f"y = scale · x̂ + shift = {short(scale)} · {factor(normalized)} + {factor(shift)} = {fixed(y)}")

    def means(self, shows: Arithmetic) -> Iterator[str]:
        """What comes back, on the mean, and in the direction of x̂."""
        g = "dL/dy" if self._over_rows else "g"
        for said, value in zip((g, f"{g} · x̂"), self._means(), strict=True):
            yield f"mean({said}) {self._of} = {shows.fixed(value)}"

    def handed_back(self, shows: Arithmetic) -> str:
        """dL/dx, written out."""
        short, factor, j = shows.short, shows.factor, self.place
        dy, normalized = self.layer["backward"]["dy"][self.row][j], self.layer["forward"]["normalized"][self.row][j]
        scale, (level, along) = self._parameter("scale", j), self._means()
        by = f"{factor(level)} - {factor(normalized)} · {factor(along)}"
        if self._over_rows:
            return f"{short(scale)} / {short(self.deviation)} · ({short(dy)} - {by})"
        return f"({short(scale)} · {factor(dy)} - {by}) / {short(self.deviation)}"

    def _means(self) -> tuple[float, float]:
        dy, normalized = self._over("backward", "dy"), self._over("forward", "normalized")
        if not self._over_rows:
            dy = [self._parameter("scale", k) * one for k, one in enumerate(dy)]
        return _mean(dy), _mean([a * b for a, b in zip(dy, normalized, strict=True)])

    @property
    def _over_rows(self) -> bool:
        return bool(self.layer["type"] == "batch_norm")

    @property
    def _of(self) -> str:
        return "over the rows" if self._over_rows else "over the row"

    def _over(self, way: str, name: str) -> Sequence[float]:
        values = self.layer[way][name]
        return [row[self.place] for row in values] if self._over_rows else values[self.row]

    def _parameter(self, name: str, place: int) -> float:
        return float(self.layer["parameters"][name]["before"][place])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
