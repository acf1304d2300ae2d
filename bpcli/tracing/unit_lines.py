"""Arithmetic of every unit and edge as lines, each with the stage that computes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bpcli.frozen import dataclass
from bpcli.tracing.arithmetic import is_arithmetic
from bpcli.tracing.layers import Weighted, WorkedLayer
from bpcli.tracing.phrases import Place
from bpcli.tracing.worked_step import WorkedStep


@dataclass(frozen=True)
class Line:
    """Line of arithmetic; `row` is an index into the traced rows, None for all rows."""

    stage: int
    words: str
    row: int | None = None


class UnitLines:
    """Lines of a step. `stages` has the index of each stage by its key; layers without a stage have no lines."""

    def __init__(self, worked: WorkedStep, stages: Mapping[str, int]) -> None:
        self.worked, self.trace, self.shows, self.stages = worked, worked.trace, worked.shows, stages

    def input(self, place: int) -> Iterator[Line]:
        """Yield the lines of an input of the network, computed from a cell."""
        for row, of_row in enumerate(self.trace.rows):
            made, x = of_row.inputs_made[place], self.shows.fixed(self.worked.layers[0].x[row, place])
            yield Line(0, f"x = {made} = {x}" if is_arithmetic(made) else f"x = {x}: {made}", row)

    def unit(self, layer: WorkedLayer[Any], j: int) -> Iterator[Line]:
        """Yield the lines of a neuron, or of an output of a layer without neurons."""
        if (stage := self.stages.get(f"forward-{layer.index}")) is not None:
            yield from (Line(stage, words, row) for row in self.worked.rows for words in layer.forward_lines(row, j))
        if (stage := self.stages.get(f"backward-{layer.index}")) is None:
            return
        yield from (Line(stage, words, row) for row in self.worked.rows for words in layer.backward_lines(row, j))
        for name, place in layer.own_parameters(j):
            yield from self._parameter(layer, name, place)

    def edge(self, layer: WorkedLayer[Any], weighted: Weighted, i: int, j: int) -> Iterator[Line]:
        """Yield the lines of a weight from an input of a layer to a unit."""
        weight = weighted.parameter.before[i, j]
        stage, back = self.stages.get(f"forward-{layer.index}"), self.stages.get(f"backward-{layer.index - 1}")
        if stage is None:
            return
        for row in self.worked.rows:
            yield Line(stage, f"x · w = {self.shows.product(weighted.x[row, i], weight)}", row)
            if back is not None:
                product = self.shows.product(weighted.errors[row, j], weight)
                yield Line(back, f"passed back: {layer.error} · w = {product}", row)
        yield from self._parameter(layer, weighted.name, (i, j))

    def prediction(self, k: int) -> Iterator[Line]:
        """Yield the lines of an output's prediction and loss."""
        for row in self.worked.rows:
            yield from (Line(self.stages["error"], words, row) for words in self.worked.loss.output_lines(row, k))

    def loss(self) -> Iterator[Line]:
        """Yield the loss of each row, their mean, and the loss after the step."""
        error, loss, stage = self.trace.error, self.trace.loss, self.stages["error"]
        yield from (Line(stage, self.worked.loss.row_line(row), row) for row in self.worked.rows)
        before, after = self.shows.fixed(loss.before), self.shows.fixed(loss.after)
        mean = f"mean over {len(error.of_rows)} rows" if len(error.of_rows) > 1 else "loss of the row"
        penalty = f" + {self.shows.short(error.penalty)} from penalties on the weights" if error.penalty else ""
        yield Line(stage, f"L = {mean}{penalty} = {before}")
        yield Line(self.stages["after"], f"L = {before} before the step, {after} after it")

    def _parameter(self, layer: WorkedLayer[Any], name: str, place: Place) -> Iterator[Line]:
        """Yield the lines of a parameter's gradient and update."""
        parameter, letter = layer.layer.parameters[name], layer.letters.get(name, name)
        derivation, gradient = layer.derivation(name, place), self.shows.fixed(parameter.gradient[place])
        worked = ""
        if derivation is not None:  # a sum of one number needs no writing out
            worked = f" = {derivation.formula}" if derivation.single else f" {derivation}"
        yield Line(self.stages[f"backward-{layer.index}"], f"dL/d{letter}{worked} = {gradient}")
        stage = self.stages["update"]
        yield from (Line(stage, words) for words in self.worked.update.lines(parameter, place, letter))
