"""Arithmetic of layers without neurons that keep their width, such as dropout and norms."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from math import prod
from typing import ClassVar

import numpy as np

from bpcli.tracing.layers.base import P, WorkedLayer
from bpcli.tracing.parts import Grid, Part
from bpcli.tracing.phrases import Place


class WorkedOneToOne(WorkedLayer[P]):
    """Layer without neurons that keeps its width. Each parameter has one component per output."""

    one_to_one: ClassVar[bool] = True
    by_output: ClassVar[bool] = True

    @abstractmethod
    def columns(self, row: int, j: int) -> dict[str, float]:
        """Values from an input to its output, by name."""

    @abstractmethod
    def dx_arithmetic(self, row: int, j: int) -> str:
        """dL/dx, written out."""

    def means(self, row: int, j: int) -> Iterator[str]:
        """Yield lines on the means in dL/dx, if any."""
        yield from ()

    def notes_of_means(self, row: int, shown: Sequence[int]) -> Iterator[str]:
        """Yield lines on these means below a table."""
        yield from ()

    def forward_parts(self, row: int, shown: Sequence[int], in_full: bool) -> Iterator[Part]:
        """Yield the table of `columns`."""
        numbers = [self.columns(row, j) for j in shown]
        table = [
            [self.layer.outputs[j], *map(self.shows.fixed, of.values())] for j, of in zip(shown, numbers, strict=True)
        ]
        yield Grid([["output", *numbers[0]], *table], right=range(1, len(table[0])))

    def backward_parts(self, row: int, shown: Sequence[int], in_full: bool) -> Iterator[Part]:
        """Yield the table of dL/dy and dL/dx."""
        table = [[self.layer.outputs[j], self.shows.fixed(self.dy[row, j])] for j in shown]
        if self.dx is None:
            yield Grid([["output", "dL/dy"], *table], right=(1, 3))
            return
        for cells, j in zip(table, shown, strict=True):
            cells += [self.dx_arithmetic(row, j), self.shows.fixed(self.dx[row, j])]
        yield Grid([["output", "dL/dy", "computed as", "dL/dx"], *table], right=(1, 3))
        yield from self.notes_of_means(row, shown)

    def places(self, name: str, shown: Sequence[int]) -> list[Place]:
        """Indices of the components of `shown`."""
        return [self._place(name, j) for j in shown]

    def belongs(self, name: str, place: Place) -> str:
        """Output, or channel."""
        if self.layer.parameters[name].before.size < len(self.layer.outputs):
            return f"channel {place[0]}"
        return self.layer.outputs[self._output(name, place)]

    def backward_lines(self, row: int, j: int) -> Iterator[str]:
        """Yield dL/dy, the means, and dL/dx."""
        yield from super().backward_lines(row, j)
        yield from self.means(row, j)
        if self.dx is not None:
            rule = self.layer.gradient.partition(",")[0]
            yield f"{rule} = {self.dx_arithmetic(row, j)} = {self.shows.fixed(self.dx[row, j])}"

    def own_parameters(self, j: int) -> Iterator[tuple[str, Place]]:
        """Yield the component of every parameter that belongs to the output."""
        yield from ((name, self._place(name, j)) for name in self.layer.parameters)

    def _place(self, name: str, j: int) -> Place:
        """Indices of an output's component in a parameter, which has the shape of a row, or that of its channels."""
        shape = self.layer.parameters[name].before.shape
        return tuple(int(index) for index in np.unravel_index(j % prod(shape), shape))

    def _output(self, name: str, place: Place) -> int:
        """Output of a component; of a channel, the first one."""
        return int(np.ravel_multi_index(place, self.layer.parameters[name].before.shape))
