"""Arithmetic of skip connections: which outputs are those of the layers, and which the inputs themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bpcli.nn.layers.skip import SkipLayer
from bpcli.tracing.layers.base import WorkedLayer, worked_layer
from bpcli.tracing.parts import Grid, Part
from bpcli.tracing.phrases import Place


@worked_layer.register(SkipLayer)
class WorkedSkip(WorkedLayer[SkipLayer]):
    """What the layers give, beside the input."""

    def _source(self, j: int) -> str:
        """What an output is."""
        return "of the layers" if j < self.planned.body.n_out else "the input itself"

    def forward_parts(self, row: int, shown: Sequence[int], in_full: bool) -> Iterator[Part]:
        """Yield the outputs, and what they are."""
        table = [["output", "what it is", "y"]]
        table += [[self.layer.outputs[j], self._source(j), self.shows.fixed(self.y[row, j])] for j in shown]
        yield Grid(table, right=(2,))

    def backward_parts(self, row: int, shown: Sequence[int], in_full: bool) -> Iterator[Part]:
        """Yield dL/dy, and where it goes."""
        units = self.planned.body.n_out
        table = [["output", "dL/dy", "goes to"]]
        for j in shown:
            to = "the layers" if j < units else "dL/dx, beside that of the layers"
            table.append([self.layer.outputs[j], self.shows.fixed(self.dy[row, j]), to])
        yield Grid(table, right=(1,))

    def belongs(self, name: str, place: Place) -> str:
        """Layer within that a parameter belongs to."""
        of = name.rpartition(".")[0]
        return f"{self.planned.body.layers[int(of)].type} {of} of the skipped layers"

    def forward_lines(self, row: int, j: int) -> Iterator[str]:
        """Yield y."""
        units = self.planned.body.n_out
        name = "layers(x)" if j < units else "x"
        yield f"y = {name} = {self.shows.fixed(self.y[row, j])}"

    def forward_stage(self) -> tuple[list[str], str]:
        """Concatenation."""
        return [self.layer.formula], "The next layer takes what these layers give and, beside it, their input"

    def backward_stage(self) -> tuple[list[str], str]:
        """Both ways of dL/dy."""
        words = f"dL/dy comes {self._origin}. That of the layers passes through them, and that of x is added to it"
        return [self.layer.gradient], words
