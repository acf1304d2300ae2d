"""Arithmetic of poolings: the values of each window."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from math import prod
from typing import TypeVar

from bpcli.nn.layers.avg_pool import AvgPoolLayer
from bpcli.nn.layers.global_avg_pool import GlobalAvgPoolLayer
from bpcli.nn.layers.max_pool import MaxPoolLayer
from bpcli.tracing.arithmetic import MOST_TERMS
from bpcli.tracing.layers.base import P, WorkedLayer, worked_layer
from bpcli.tracing.layers.geometry import window_of, windows_of_input
from bpcli.tracing.parts import Grid, Part


class WorkedPool(WorkedLayer[P]):
    """Outputs made of the values of a window of one channel."""

    @abstractmethod
    def window(self, j: int) -> list[int]:
        """Inputs of an output."""

    @abstractmethod
    def outputs_with(self, i: int) -> list[int]:
        """Outputs whose windows hold an input."""

    @abstractmethod
    def made(self, row: int, j: int) -> str:
        """An output, written out if its window is small."""

    @abstractmethod
    def share(self, row: int, i: int, j: int) -> str:
        """The part of dL/dy of an output that an input has, written out; empty if it has none."""

    def inputs_of(self, j: int) -> list[int]:
        """Inputs in the output's window."""
        return self.window(j)

    def forward_parts(self, row: int, shown: Sequence[int], in_full: bool) -> Iterator[Part]:
        """Yield the outputs and, if `in_full`, the values of one window."""
        table = [[self.layer.outputs[j], self.made(row, j), self.shows.fixed(self.y[row, j])] for j in shown]
        yield Grid([["output", "computed as", "y"], *table], right=(2,))
        if in_full:
            yield ""
            values = [[self.layer.inputs[i], self.shows.fixed(self.x[row, i])] for i in self.window(shown[0])]
            yield Grid([["input", "x"], *values], right=(1,))

    def forward_lines(self, row: int, j: int) -> Iterator[str]:
        """Yield y."""
        yield f"y = {self.made(row, j)} = {self.shows.fixed(self.y[row, j])}"

    def chain(self, row: int, i: int) -> str:
        """Shares of the windows that hold the input."""
        shares = [share for j in self.outputs_with(i) if (share := self.share(row, i, j))]
        return " + ".join(shares[:MOST_TERMS]) if 0 < len(shares) <= MOST_TERMS else ""

    def _listed(self, row: int, j: int) -> str:
        """Values of a window."""
        values = [self.shows.short(self.x[row, i]) for i in self.window(j)]
        return f"{len(values)} values" if len(values) > 2 * MOST_TERMS else ", ".join(values)


W = TypeVar("W", bound=MaxPoolLayer | AvgPoolLayer)


class WorkedWindows(WorkedPool[W]):
    """Windows that slide over each channel."""

    def window(self, j: int) -> list[int]:
        """Inputs of an output."""
        at, channel = divmod(j, self.planned.in_shape[-1])
        return [i * self.planned.in_shape[-1] + channel for i, _ in window_of(self.planned.sliding, at)]

    def outputs_with(self, i: int) -> list[int]:
        """Outputs whose windows hold an input."""
        at, channel = divmod(i, self.planned.in_shape[-1])
        return [j * self.planned.in_shape[-1] + channel for j, _ in windows_of_input(self.planned.sliding, at)]


@worked_layer.register(MaxPoolLayer)
class WorkedMaxPool(WorkedWindows[MaxPoolLayer]):
    """Largest value of each window."""

    def made(self, row: int, j: int) -> str:
        """max(…)."""
        return f"max({self._listed(row, j)})"

    def share(self, row: int, i: int, j: int) -> str:
        """dL/dy, if the input is the first of the largest in the window."""
        first = max(self.window(j), key=lambda one: (self.x[row, one], -one))
        return self.shows.short(self.dy[row, j]) if first == i else ""

    def forward_stage(self) -> tuple[list[str], str]:
        """Formula and explanation."""
        return [self.layer.formula], "Each output is the largest value of its window"

    def backward_stage(self) -> tuple[list[str], str]:
        """Formula and explanation."""
        words = f"dL/dy comes {self._origin}. The input that was the largest has all of it; of equals, the first one"
        return [self.layer.gradient], words


@worked_layer.register(AvgPoolLayer)
class WorkedAvgPool(WorkedWindows[AvgPoolLayer]):
    """Mean of each window."""

    def made(self, row: int, j: int) -> str:
        """mean(…)."""
        return f"mean({self._listed(row, j)})"

    def share(self, row: int, i: int, j: int) -> str:
        """dL/dy / values in the window."""
        return f"{self.shows.short(self.dy[row, j])} / {len(self.window(j))}"

    def forward_stage(self) -> tuple[list[str], str]:
        """Formula and explanation."""
        return [self.layer.formula], "Each output is the mean of its window"


@worked_layer.register(GlobalAvgPoolLayer)
class WorkedGlobalAvgPool(WorkedPool[GlobalAvgPoolLayer]):
    """Mean of each channel."""

    def window(self, j: int) -> list[int]:
        """Inputs of an output."""
        return [*range(j, self.planned.n_in, self.planned.n_out)]

    def outputs_with(self, i: int) -> list[int]:
        """The output of the input's channel."""
        return [i % self.planned.n_out]

    def made(self, row: int, j: int) -> str:
        """mean(…)."""
        return f"mean({self._listed(row, j)})"

    def share(self, row: int, i: int, j: int) -> str:
        """dL/dy / positions."""
        return f"{self.shows.short(self.dy[row, j])} / {prod(self.planned.in_shape[:-1])}"

    def forward_stage(self) -> tuple[list[str], str]:
        """Formula and explanation."""
        return [self.layer.formula], "Each output is the mean of a channel"
