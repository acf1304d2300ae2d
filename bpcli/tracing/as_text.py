"""Full account of a traced step: forward, error, backward and update, with a table of arithmetic for each layer.

The terminal and the page render the same parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.tracing.arithmetic import is_arithmetic
from bpcli.tracing.layers import WorkedLayer
from bpcli.tracing.parts import Grid, Heading, Part
from bpcli.tracing.phrases import (
    MOST_INPUTS,
    Place,
    largest,
    largest_inputs,
    member,
    opening,
    parameter_name,
    row_in_file,
)
from bpcli.tracing.trace import Trace, TracedParameter
from bpcli.tracing.worked_step import WorkedStep
from bpcli.wording import counted

MOST_NEURONS = 8
"""Maximum number of neurons shown per layer, those with the largest errors, unless one is requested."""

FEW_WEIGHTS = 8
"""Maximum number of parameters shown of a wider layer, those with the largest gradients."""


def account(trace: Trace, layer: int | None = None, neuron: int | None = None) -> Iterator[Part]:
    """Yield the parts of the account: of all layers or one, and of the neurons with the largest errors or one."""
    yield from _Account(WorkedStep(trace, layer), neuron).parts()


class _Account:
    def __init__(self, worked: WorkedStep, neuron: int | None) -> None:
        self.worked, self.trace, self.shows, self.neuron = worked, worked.trace, worked.shows, neuron
        self.layers, self.rows = [*worked.stems, *worked.chosen], worked.rows
        self.shown = {one.index: self._neurons(one) for one in self.layers}

    def parts(self) -> Iterator[Part]:
        yield opening(self.trace)
        yield "rows are counted from 1, as in the file; layers and neurons from 0, as in the config"
        if any(len(self.shown[one.index]) < len(one.layer.outputs) for one in self.layers) and self.neuron is None:
            yield (
                "wide layers show only the neurons with the largest |dL/dz| (see BACKWARD); "
                "select others with --layer and --neuron, or print everything with --json"
            )
        if self.neuron is None:
            yield from self._inputs()
        yield Heading("FORWARD")
        for layer in self.layers:
            yield from self._forward(layer)
        yield from self._error()
        yield Heading("BACKWARD")
        for layer in reversed(self.layers):
            yield from self._backward(layer)
        yield from self._update()

    # Sections

    def _inputs(self) -> Iterator[Part]:
        names = self.trace.inputs
        for place, row in enumerate(self.trace.rows):
            yield ""
            yield row_in_file(row, self.shows)
            x, made = self.worked.layers[0].x[place], row.inputs_made
            chosen = largest_inputs(x.tolist(), self.trace.terms, MOST_INPUTS)
            yield Grid([["input", "x", "from"], *([names[i], self.shows.fixed(x[i]), made[i]] for i in chosen)], (1,))
            yield from self._rest(len(x) - len(chosen), "input", "with smaller values")

    def _forward(self, layer: WorkedLayer[Any]) -> Iterator[Part]:
        shown = self.shown[layer.index]
        yield Heading(f"{layer.title}   {layer.forward_rule}", 2)
        for row in self.rows:
            yield from self._row(row)
            yield from layer.forward_parts(row, shown, self.neuron is not None)
        yield from self._left_out(layer)
        hint = layer.forward_hint(shown)
        if hint and self.neuron is None:
            yield hint

    def _error(self) -> Iterator[Part]:
        error, loss, outputs = self.trace.error, self.worked.loss, self.trace.outputs
        yield Heading(f"ERROR  {member(error.loss)}")
        yield from loss.rule()
        columns: dict[str, Array] = {"z": error.logits, "ŷ": error.predictions, "t": error.targets}
        if error.in_units is not None and loss.has_units:
            columns["ŷ in the file's units"] = error.in_units
        for row in self.rows:
            yield from self._row(row)
            dz = error.dlogits[row]
            chosen = largest(dz.tolist(), MOST_NEURONS)
            table = [["output", *columns, "computed as", "dL/dz"]]
            for k in chosen:
                numbers = [self.shows.fixed(column[row, k]) for column in columns.values()]
                table.append([outputs[k], *numbers, loss.slope(row, k), self.shows.fixed(dz[k])])
            yield Grid(table, right=(*range(1, len(columns) + 1), len(columns) + 2))
            yield from self._rest(len(outputs) - len(chosen), "output", "with smaller |dL/dz|")
            made = self.trace.rows[row].targets_made
            for k in chosen:
                of = f"t of {outputs[k]}" if len(set(made)) > 1 else "t"
                if made[k] != "as in the file" and (len(set(made)) > 1 or k == chosen[0]):
                    yield f"{of} = {self._made(made[k], error.targets[row, k])}"
            yield loss.row_line(row)
        if len(self.rows) > 1:
            yield f"mean over the rows: {self.shows.fixed(sum(error.of_rows) / len(self.rows))}"
        if error.penalty:
            yield f"penalties on the weights: {self.shows.fixed(error.penalty)}"
        yield f"L = {self.shows.fixed(self.trace.loss.before)}"

    def _backward(self, layer: WorkedLayer[Any]) -> Iterator[Part]:
        yield Heading(f"{layer.title}   {layer.backward_rule}", 2)
        for row in self.rows:
            yield from self._row(row)
            yield from layer.backward_parts(row, self.shown[layer.index], self.neuron is not None)
        yield from self._left_out(layer)
        parameters = layer.layer.parameters
        if parameters:
            yield ""
            table = [["parameter", "of", "gradient of the data loss" if _ruled(layer) else "gradient", "from"]]
            places, left_out = self._parameters(layer)
            for name, place in places:
                derivation = layer.derivation(name, place)
                value = self.shows.fixed(parameters[name].gradient[place])
                table.append([*self._named(layer, name, place), value, "" if derivation is None else str(derivation)])
            yield Grid(table, right=(2,)).without_empty_columns()
            yield from self._rest(left_out, "parameter", "with smaller gradients")

    def _update(self) -> Iterator[Part]:
        update = self.trace.update
        yield Heading(f"UPDATE  {member(update.optimizer, but='learning_rate')}")
        yield from self.worked.update.rule()
        rate = self.shows.constant(update.learning_rate)
        yield f"step {update.number} of the optimizer, learning rate lr = {rate}"
        learning = [layer for layer in self.layers if layer.layer.parameters]
        for layer in learning:
            yield ""
            places, left_out = self._parameters(layer)
            table = []
            for name, place in places:
                columns = self._columns(layer, layer.layer.parameters[name])
                numbers = [self.shows.fixed(array[place]) for array in columns.values()]
                table.append([*self._named(layer, name, place), *numbers])
            header = ["parameter", "of", *columns]
            yield Grid([header, *table], right=range(2, len(header))).without_empty_columns()
            yield from self._rest(left_out, "parameter", "with smaller gradients")
            if layer is learning[0]:
                name, place = places[0]
                yield f"computation of {parameter_name(layer.layer.name, name, place)}:"
                letter = layer.letters.get(name, name)
                for words in self.worked.update.lines(layer.layer.parameters[name], place, letter):
                    yield f"  {words}"
        before, after = self.shows.fixed(self.trace.loss.before), self.shows.fixed(self.trace.loss.after)
        yield from ("", f"L before {before}, after {after}")

    def _columns(self, layer: WorkedLayer[Any], one: TracedParameter) -> dict[str, Array]:
        """Columns of the update table; a single moment is also shown before the step."""
        columns = {"before": one.before, "gradient": one.gradient}
        if _ruled(layer):
            columns["g"] = one.applied
        if len(one.optimizer) == 1:
            columns |= {f"{name} before": of.before for name, of in one.optimizer.items()}
        columns |= {name: of.after for name, of in one.optimizer.items()}
        return {**columns, **one.terms, "step": one.step, "after": one.after}

    # Selection and names

    def _neurons(self, layer: WorkedLayer[Any]) -> list[int]:
        """Indices of the neurons shown: the requested one, or those with the largest errors."""
        if self.neuron is not None:
            return [self.neuron]
        return largest(np.abs(layer.errors).max(axis=0).tolist(), MOST_NEURONS)

    def _parameters(self, layer: WorkedLayer[Any]) -> tuple[list[tuple[str, Place]], int]:
        """Parameters of the neurons shown, and the number of the layer's other parameters."""
        asked = self.neuron is not None and layer.by_output
        places: list[tuple[str, Place]] = []
        for name, one in layer.layer.parameters.items():
            found = layer.places(name, self.shown[layer.index])
            if not asked and len(found) > MOST_INPUTS:
                found = sorted(found, key=lambda place: -abs(one.gradient[place]))[:FEW_WEIGHTS]
            places += [(name, place) for place in found]
        total = sum(one.gradient.size for one in layer.layer.parameters.values())
        return places, 0 if asked else total - len(places)

    def _left_out(self, layer: WorkedLayer[Any]) -> Iterator[Part]:
        if self.neuron is None:
            count = len(layer.layer.outputs) - len(self.shown[layer.index])
            yield from self._rest(count, layer.noun, f"with smaller |{layer.error}|")

    def _named(self, layer: WorkedLayer[Any], name: str, place: Place) -> list[str]:
        return [parameter_name(layer.layer.name, name, place), layer.belongs(name, place)]

    def _made(self, how: str, value: float) -> str:
        return f"{how} = {self.shows.fixed(value)}" if is_arithmetic(how) else how

    def _rest(self, count: int, noun: str, which: str) -> Iterator[Part]:
        if count > 0:
            yield f"and {counted(count, noun)} {which}"

    def _row(self, row: int) -> Iterator[Part]:
        """Heading of a row's tables, if there are several rows."""
        if len(self.rows) > 1:
            yield f"row {self.trace.rows[row].row}"


def _ruled(layer: WorkedLayer[Any]) -> bool:
    """Whether penalties or clipping change a gradient of the layer."""
    return any(bool((one.applied != one.gradient).any()) for one in layer.layer.parameters.values())
