"""Stages of a traced step: start, forward layer by layer, error, backward in reverse order, update, after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bpcli.frozen import dataclass
from bpcli.spec import type_name
from bpcli.tracing.arithmetic import Numbers
from bpcli.tracing.layers import WorkedLayer
from bpcli.tracing.phrases import row_in_file
from bpcli.tracing.worked_step import WorkedStep

MOST_SAID = 4
"""Results of a layer listed in words."""


@dataclass(frozen=True)
class Stage:
    """Stage with its formulas, and an explanation for each row.

    `columns` are the columns of the drawing whose units it computes (0: the inputs, then the layers, the
    predictions, the loss). `layers` are those whose edges it computes.
    """

    key: str
    title: str
    formulas: Sequence[str]
    words: Sequence[str]
    columns: Sequence[int] = ()
    layers: Sequence[int] = ()


def stages(worked: WorkedStep, neuron: int | None = None) -> list[Stage]:
    """Stages of the chosen layers, with the results of all neurons or of one."""
    return list(_Stages(worked, neuron).all())


class _Stages:
    def __init__(self, worked: WorkedStep, neuron: int | None) -> None:
        self.worked, self.trace, self.shows, self.neuron = worked, worked.trace, worked.shows, neuron

    def all(self) -> Iterator[Stage]:
        trace, layers = self.trace, self.worked.chosen
        predictions = len(trace.layers) + 1
        started = [f"{row_in_file(row, self.shows)}." for row in trace.rows]
        yield Stage("start", "Start: inputs and parameters", (), started, (0,))
        for layer in layers:
            yield self._forward(layer)
        yield self._error((predictions, predictions + 1))
        for layer in reversed(layers):
            yield self._backward(layer)
        yield self._update()
        before, after = self.shows.fixed(trace.loss.before), self.shows.fixed(trace.loss.after)
        change = f"L was {before}; after the step it is {after}."
        yield Stage("after", "After: the new loss", (), [change] * len(trace.rows), (predictions + 1,))

    def _forward(self, layer: WorkedLayer[Any]) -> Stage:
        formulas, said = layer.forward_stage()
        words = [f"{said}.{self._of_layer('Outputs', layer, values)}" for values in layer.y]
        index = layer.index
        return Stage(f"forward-{index}", f"Forward: {layer.title}", formulas, words, (index + 1,), (index,))

    def _error(self, columns: Sequence[int]) -> Stage:
        error, several = self.trace.error, len(self.trace.rows) > 1
        name, words = type_name(error.loss), []
        for row, value in enumerate(error.of_rows):
            said = f"The loss measures the distance of predictions from targets: {name} of this row is"
            mean = f" L, over all rows, is {self.shows.fixed(self.trace.loss.before)}." if several else ""
            predicted = self._results("Predictions", self.trace.outputs, error.predictions[row])
            words.append(f"{said} {self.shows.fixed(value)}.{predicted}{mean}")
        return Stage("error", f"Error: {name}", self.worked.loss.rule(), words, columns)

    def _backward(self, layer: WorkedLayer[Any]) -> Stage:
        formulas, said = layer.backward_stage()
        penalty = self.trace.update.penalty
        if layer.layer.parameters and (penalty.l1 or penalty.l2):
            formulas.append("these are gradients of the data loss; the update adds those of the penalties")
        words = [f"{said}.{self._of_layer(layer.error, layer, values)}" for values in layer.errors]
        index = layer.index
        return Stage(f"backward-{index}", f"Backward: {layer.title}", formulas, words, (index + 1,), (index,))

    def _update(self) -> Stage:
        update = self.trace.update
        said = (
            f"{type_name(update.optimizer)} updates each parameter from its gradient, "
            f"at learning rate {self.shows.constant(update.learning_rate)}."
        )
        indices = [layer.index for layer in self.worked.chosen if layer.layer.parameters]
        columns = [index + 1 for index in indices]
        words = [said] * len(self.trace.rows)
        return Stage("update", "Update", self.worked.update.rule(), words, columns, indices)

    def _of_layer(self, what: str, layer: WorkedLayer[Any], values: Numbers) -> str:
        chosen = slice(None) if self.neuron is None else slice(self.neuron, self.neuron + 1)
        return self._results(what, layer.layer.outputs[chosen], values[chosen])

    def _results(self, what: str, names: Sequence[str], values: Numbers) -> str:
        said = ", ".join(f"{n} = {self.shows.fixed(v)}" for n, v in list(zip(names, values, strict=True))[:MOST_SAID])
        more = len(names) - MOST_SAID
        return f" {what}: {said}{f' and {more:,} more' if more > 0 else ''}."
