"""Layout of a network's drawing: positions, names and readings of its units and edges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.spec import type_name
from bpcli.tracing.arithmetic import Arithmetic, Numbers
from bpcli.tracing.feature_maps import (
    LARGEST,
    MAP_PITCH,
    MOST_MAPS,
    FeatureMap,
    Lattice,
    kernel_uri,
    shades_of,
    window_on,
)
from bpcli.tracing.phrases import largest, largest_inputs
from bpcli.tracing.shapes import Column, Drawing, Edge, Reading, Unit, Window, longest_name
from bpcli.tracing.stages import Stage
from bpcli.tracing.unit_lines import Line, UnitLines
from bpcli.tracing.worked_step import WorkedStep

ROOMY = 8
"""Largest number of units in a column of a roomy drawing, which has numbers inside the circles."""

MOST_LABELS = 16
"""Largest number of edges between two columns that get labels, if at most `FAN` leave each unit."""

FAN = 4
"""Largest number of labelled edges per unit; more labels would overlap those of the next unit."""

STRETCH = 2
"""Largest ratio of a layer's spacing to that of the widest layer."""

ROOM, ROOM_OF_INPUT = 110, 70
"""Width to the right of a unit in a close drawing, for its output and error, and of an input, for x."""


def draw(worked: WorkedStep, stages: Sequence[Stage], most: int, neuron: int | None) -> Drawing:
    """Draw all layers or one, with up to `most` units per column: those with the largest inputs and errors."""
    return _DrawingBuilder(worked, stages, most, neuron).drawing()


class _DrawingBuilder:
    def __init__(self, worked: WorkedStep, stages: Sequence[Stage], most: int, neuron: int | None) -> None:
        self.trace, self.all_layers, self.layers = worked.trace, worked.layers, worked.chosen
        self.most, self.neuron, self.rows = most, neuron, worked.rows
        self.at = {stage.key: place for place, stage in enumerate(stages)}
        self.shows, self.lines = Arithmetic(worked.trace.dtype, brief=True), UnitLines(worked, self.at)
        self.in_full = worked.shows
        self.first = self.layers[0].index
        self.closes = self.layers[-1].next_layer is None
        self.chosen = self._chosen()
        self.tallest = max(map(len, self.chosen))
        self.roomy = self.tallest <= ROOMY and not any(map(self._lattice, range(len(self.chosen))))

    def drawing(self) -> Drawing:
        pitch = 112.0 if self.roomy else 34.0
        of_maps = [len(places) for number, places in enumerate(self.chosen) if self._lattice(number)]
        height = max(self.tallest * pitch, MAP_PITCH * max(of_maps, default=0))
        top = 60.0  # above it, the three lines of a heading
        columns: list[Column] = []
        x = 0.0
        for number, places in enumerate(self.chosen):
            x += self._gap(number)
            apart = min(height / len(places), LARGEST + 24 if self._lattice(number) else STRETCH * pitch)
            above = top + (height - len(places) * apart) / 2
            ys = [above + (k + 0.5) * apart for k in range(len(places))]
            columns.append(self._column(number, places, x, ys, apart - 24))
        edges = [edge for a, b in pairwise(columns) for edge in self._edges(a.units, b.units)]
        windows = [one for a, b in pairwise(columns) for one in self._windows(a.units, b.units)]
        last = max(unit.map.frame.width / 2 if unit.map else 0.0 for unit in columns[-1].units)
        width = x + (84 if self.roomy or self.closes else ROOM + last)
        return Drawing(columns, edges, width, top + height + 16, self.roomy, windows)

    def _gap(self, number: int) -> float:
        """Distance from the previous column, or from the left; wide if there are many lines or labels on them."""
        dense = 0 < number <= len(self.layers) and not self.layers[number - 1].one_to_one
        half = LARGEST / 2
        maps = sum(half for one in (number - 1, number) if one >= 0 and self._lattice(one))
        if not self.roomy:
            return maps + self._left(number) + (0 if number == 0 else self._right(number - 1) + (130 if dense else 24))
        if number == 0:
            return 64
        if not dense:
            return 120
        return 216 if self._have_labels(self.chosen[number - 1], self.chosen[number]) else 170

    def _left(self, number: int) -> float:
        """Width of a column's names to the left of its units in a close drawing."""
        longest = max(len(self._names(number)[place]) for place in self.chosen[number])
        return 20 + 7.5 * min(longest, longest_name(number == 0, self._lattice(number) is not None))

    def _right(self, number: int) -> float:
        """Width of a column's numbers to the right of its units in a close drawing."""
        return ROOM if number else ROOM_OF_INPUT

    def _lattice(self, number: int) -> Lattice | None:
        """Lattice of a column's images; None of other columns."""
        if number > len(self.layers):
            return None
        planned = self.layers[max(number - 1, 0)].planned
        return Lattice.of(planned.out_shape if number else planned.in_shape)

    def _kind(self, number: int) -> str:
        if number == 0:
            return "input"
        if number <= len(self.layers):
            return "pass" if self.layers[number - 1].weighted is None else "neuron"
        return "prediction" if number == len(self.layers) + 1 else "loss"

    def _names(self, number: int) -> Sequence[str]:
        names: Sequence[str] = ["L"]
        if number == 0:
            names = self.layers[0].layer.inputs
        elif number <= len(self.layers):
            names = self.layers[number - 1].layer.outputs
        elif number == len(self.layers) + 1:
            names = self.trace.outputs
        return names

    def _chosen(self) -> list[list[int]]:
        """Indices drawn in each column."""
        first = self.layers[0]
        within = None if self.neuron is None else first.inputs_of(self.neuron)
        columns = [self._largest(0, _sizes(first.x), within)]
        for number, layer in enumerate(self.layers, 1):
            if self.neuron is not None:
                columns.append([self.neuron])
            elif layer.one_to_one:
                columns.append(columns[-1])
            else:
                columns.append(self._largest(number, _sizes(layer.errors), self._same_channels(number, columns[-1])))
        return [*columns, columns[-1], [0]] if self.closes else columns

    def _largest(self, number: int, sizes: Sequence[float], within: Sequence[int] | None) -> list[int]:
        """Units with the largest sizes: of images, one of each channel."""
        if (lattice := self._lattice(number)) is not None:
            return lattice.chosen(sizes, min(self.most, MOST_MAPS), within)
        if within is None and number == 0 and 0 < len(self.trace.terms) < len(sizes):
            return largest_inputs(sizes, self.trace.terms, self.most // 2)
        if within is None:
            return largest(sizes, self.most)
        return sorted(within[place] for place in largest([sizes[place] for place in within], self.most))

    def _same_channels(self, number: int, before: Sequence[int]) -> list[int] | None:
        """Outputs of the channels drawn before, if each output is made of a single channel; else None for all."""
        layer, lattice = self.layers[number - 1], self._lattice(number - 1)
        inputs = layer.inputs_of(0)
        if lattice is None or inputs is None or layer.weighted is not None:
            return None
        drawn = {place % lattice.channels for place in before}
        if len({i % lattice.channels for i in inputs}) > 1 or lattice.channels == 1:
            return None
        return [j for j in range(len(layer.layer.outputs)) if j % lattice.channels in drawn]

    def _column(self, number: int, places: Sequence[int], x: float, ys: Sequence[float], room: float) -> Column:
        column, kind, names = self.first + number, self._kind(number), self._names(number)
        if kind == "input":
            heading = ["inputs"] if column == 0 else ["from", self.all_layers[column - 1].title]
        elif kind in ("neuron", "pass"):
            heading = self.layers[number - 1].title.split(": ", 1)
        else:
            heading = ["predictions"] if kind == "prediction" else ["loss", type_name(self.trace.error.loss)]
        left = 0.0 if self.roomy or number == 0 else self._left(number)
        right = 0.0 if self.roomy or number == len(self.chosen) - 1 else self._right(number)
        units, lattice = [], self._lattice(number)
        if lattice is not None:
            half = lattice.frame(room).width / 2
            left, right = left + half, right + half
        for place, y in zip(places, ys, strict=True):
            readings, lines = list(self._readings(kind, column, place)), list(self._lines(kind, column, place))
            of = None if lattice is None else self._map(number, lattice, place, room)
            units.append(Unit(column, place, names[place], kind, x, y, left, right, readings, lines, of))
        total = len(names) if lattice is None else lattice.channels
        return Column(heading, units, total)

    def _map(self, number: int, lattice: Lattice, place: int, room: float) -> FeatureMap:
        """Map of a unit's channel: its inputs, or its outputs and then their errors."""
        line, across, channel = lattice.at(place)
        frame = lattice.frame(room)
        if number == 0:
            shades = shades_of(lattice, self.layers[0].x, channel, 0)
        else:
            layer = self.layers[number - 1]
            shades = [
                *shades_of(lattice, layer.y, channel, self.at[f"forward-{layer.index}"]),
                *shades_of(lattice, layer.errors, channel, self.at[f"backward-{layer.index}"]),
            ]
        return FeatureMap(frame, lattice.box(frame, line, across, line, across), shades)

    def _windows(self, starts: Sequence[Unit], ends: Sequence[Unit]) -> Iterator[Window]:
        """Yield the windows of the units in a column on the maps of the column before."""
        number = ends[0].column - self.first
        lattice = self._lattice(number - 1)
        if lattice is None or number > len(self.layers):
            return
        layer = self.layers[number - 1]
        for end in ends:
            inputs = layer.inputs_of(end.place)
            kernels = [layer.kernel(end.place, start.place % lattice.channels) for start in starts]
            most = max((float(np.abs(kernel).max()) for kernel in kernels if kernel is not None), default=0.0)
            for start, kernel in zip(starts, kernels, strict=True):
                if inputs is None or start.map is None:
                    continue
                box = window_on(lattice, start.map.frame, inputs, start.place % lattice.channels)
                if box is not None:
                    yield Window(start, end, box, kernel_uri(kernel, most))

    def _readings(self, kind: str, column: int, place: int) -> Iterator[Reading]:
        if kind == "input":
            yield self._reading(0, "in", "x", self.layers[0].x[:, place])
            if column:
                yield self._outdated("in")
        elif kind in ("neuron", "pass"):
            layer = self.all_layers[column - 1]
            y = self._reading(self.at[f"forward-{column - 1}"], "in", "y", layer.y[:, place])
            shown = [layer.shown_output(row, place, written) for row, written in enumerate(y.values)]
            yield replace(y, values=shown)
            yield self._reading(self.at[f"backward-{column - 1}"], "out", layer.error, layer.errors[:, place])
            yield from (self._outdated(slot) for slot in ("in", "out"))
        elif kind == "prediction":
            error = self.trace.error
            yield self._reading(0, "out", "target", error.targets[:, place])
            yield self._reading(self.at["error"], "in", "prediction", error.predictions[:, place])
            yield self._outdated("in")
        else:
            loss = self.trace.loss
            for stage, value in (("error", loss.before), ("after", loss.after)):
                yield self._reading(self.at[stage], "in", "L", [value] * len(self.rows))

    def _lines(self, kind: str, column: int, place: int) -> Iterator[Line]:
        if kind == "input" and column:
            for row, x in enumerate(self.layers[0].x[:, place]):
                yield Line(0, f"x = {self.in_full.fixed(x)}, from layer {column - 1}", row)
        elif kind == "input":
            yield from self.lines.input(place)
        elif kind in ("neuron", "pass"):
            yield from self.lines.unit(self.all_layers[column - 1], place)
        elif kind == "prediction":
            yield from self.lines.prediction(place)
        else:
            yield from self.lines.loss()

    def _edges(self, starts: Sequence[Unit], ends: Sequence[Unit]) -> Iterator[Edge]:
        """Yield the edges between two columns: every weight of a layer that has weights, else the dependencies."""
        column, kind = starts[0].column, ends[0].kind
        layer = self.all_layers[column] if kind in ("neuron", "pass") else None
        if layer is None or layer.weighted is None:
            known = {end.place: None if layer is None else layer.inputs_of(end.place) for end in ends}
            if kind == "prediction":
                known = {place: [place] for place in known}
            elif starts[0].map is not None and None not in known.values():
                return  # they have windows
            for start in starts:
                of_end = ((end, known[end.place]) for end in ends)
                yield from (Edge(start, end) for end, inputs in of_end if inputs is None or start.place in inputs)
            return
        weighted, one = layer.weighted, layer.weighted.parameter
        most = max(abs(one.before[start.place, end.place]) for start in starts for end in ends) or 1.0
        labelled = self._have_labels(starts, ends)
        for start in starts:
            for end in ends:
                i, j = start.place, end.place
                weight = float(one.before[i, j])
                readings = [
                    self._reading(0, "label", "w", [weight]),
                    self._reading(self.at[f"backward-{column}"], "label", "dL/dw", [one.gradient[i, j]]),
                    self._reading(self.at["update"], "label", "new w", [one.after[i, j]]),
                ]
                lines = list(self.lines.edge(layer, weighted, i, j))
                yield Edge(start, end, weight, abs(weight) / most, readings if labelled else (), lines)

    def _have_labels(self, starts: Sequence[object], ends: Sequence[object]) -> bool:
        return self.roomy and len(ends) <= FAN and len(starts) * len(ends) <= MOST_LABELS

    def _outdated(self, slot: str) -> Reading:
        """Removal of a number that the step changes and whose new value is not in the trace."""
        return Reading(self.at["after"], slot, "", [""])

    def _reading(self, stage: int, slot: str, name: str, values: Numbers) -> Reading:
        return Reading(stage, slot, name, [self.shows.short(value) for value in values])


def _sizes(rows: Array) -> list[float]:
    """Largest magnitude in each column."""
    sizes: list[float] = np.abs(rows).max(axis=0).tolist()
    return sizes
