"""Layout of a network's drawing: positions, names and readings of its units and edges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.spec import type_name
from bpcli.tracing.arithmetic import Arithmetic, Numbers
from bpcli.tracing.phrases import largest
from bpcli.tracing.stages import Stage
from bpcli.tracing.unit_lines import Line, UnitLines
from bpcli.tracing.worked_step import WorkedStep

ROOMY = 8
"""Largest number of units in a column of a roomy drawing, which has numbers inside the circles."""

MOST_LABELS = 16
"""Largest number of edges between two columns that get labels, if at most `FAN` leave each unit."""

FAN = 4
"""Largest number of labelled edges per unit; more labels would overlap those of the next unit."""

LONGEST, LONGEST_OF_INPUT = 14, 24
"""Longest name in the drawing and longest name of an input, in characters; the unit's title has the full name."""

STRETCH = 2
"""Largest ratio of a layer's spacing to that of the widest layer."""

ROOM, ROOM_OF_INPUT = 110, 70
"""Width to the right of a unit in a close drawing, for its output and error, and of an input, for x."""


@dataclass(frozen=True)
class Reading:
    """Number `name` that a unit or an edge shows in the place `slot` from a stage on, for each row.

    An empty value clears the place.
    """

    stage: int
    slot: str
    name: str
    values: Sequence[str]


@dataclass(frozen=True)
class Unit:
    """An input, a neuron or other output of a layer, a prediction, or the loss.

    Lines end `left` of its centre and start `right` of it; its texts are in between.
    """

    column: int
    place: int
    name: str
    kind: str
    x: float
    y: float
    left: float
    right: float
    readings: Sequence[Reading]
    lines: Sequence[Line]

    @property
    def id(self) -> str:
        """Column and index in the layer."""
        return f"u{self.column}-{self.place}"


@dataclass(frozen=True)
class Edge:
    """Line from one unit to another; `weight` is None without a weight, `share` its ratio to the largest."""

    start: Unit
    end: Unit
    weight: float | None = None
    share: float = 0.0
    readings: Sequence[Reading] = ()
    lines: Sequence[Line] = ()

    @property
    def id(self) -> str:
        """Column of the start, and indices of both ends."""
        return f"e{self.start.column}-{self.start.place}-{self.end.place}"


@dataclass(frozen=True)
class Column:
    """Units in a column under a heading, drawn of `total`."""

    heading: Sequence[str]
    units: Sequence[Unit]
    total: int


@dataclass(frozen=True)
class Drawing:
    """Drawing of a network, `width` by `height`."""

    columns: Sequence[Column]
    edges: Sequence[Edge]
    width: float
    height: float
    roomy: bool


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
        self.roomy = self.tallest <= ROOMY

    def drawing(self) -> Drawing:
        pitch = 112.0 if self.roomy else 34.0
        top, height = 60.0, self.tallest * pitch  # above it, the three lines of a heading
        columns: list[Column] = []
        x = 0.0
        for number, places in enumerate(self.chosen):
            x += self._gap(number)
            apart = min(height / len(places), STRETCH * pitch)
            above = top + (height - len(places) * apart) / 2
            columns.append(self._column(number, places, x, [above + (k + 0.5) * apart for k in range(len(places))]))
        edges = [edge for a, b in pairwise(columns) for edge in self._edges(a.units, b.units)]
        return Drawing(columns, edges, x + (84 if self.roomy or self.closes else ROOM), top + height + 16, self.roomy)

    def _gap(self, number: int) -> float:
        """Distance from the previous column, or from the left; wide if there are many lines or labels on them."""
        dense = 0 < number <= len(self.layers) and not self.layers[number - 1].one_to_one
        if not self.roomy:
            return self._left(number) + (0 if number == 0 else self._right(number - 1) + (130 if dense else 24))
        if number == 0:
            return 64
        if not dense:
            return 120
        return 216 if self._have_labels(self.chosen[number - 1], self.chosen[number]) else 170

    def _left(self, number: int) -> float:
        """Width of a column's names to the left of its units in a close drawing."""
        longest = max(len(self._names(number)[place]) for place in self.chosen[number])
        return 20 + 7.5 * min(longest, LONGEST if number else LONGEST_OF_INPUT)

    def _right(self, number: int) -> float:
        """Width of a column's numbers to the right of its units in a close drawing."""
        return ROOM if number else ROOM_OF_INPUT

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
        columns = [largest(_sizes(self.layers[0].x), self.most)]
        if self.layers[0].one_to_one and self.neuron is not None:
            columns = [[self.neuron]]
        for layer in self.layers:
            if self.neuron is not None:
                columns.append([self.neuron])
            elif layer.one_to_one:
                columns.append(columns[-1])
            else:
                columns.append(largest(_sizes(layer.errors), self.most))
        return [*columns, columns[-1], [0]] if self.closes else columns

    def _column(self, number: int, places: Sequence[int], x: float, ys: Sequence[float]) -> Column:
        column, kind, names = self.first + number, self._kind(number), self._names(number)
        if kind == "input":
            heading = ["inputs"] if column == 0 else ["from", self.all_layers[column - 1].title]
        elif kind in ("neuron", "pass"):
            heading = self.layers[number - 1].title.split(": ", 1)
        else:
            heading = ["predictions"] if kind == "prediction" else ["loss", type_name(self.trace.error.loss)]
        left = 0.0 if self.roomy or number == 0 else self._left(number)
        right = 0.0 if self.roomy or number == len(self.chosen) - 1 else self._right(number)
        units = []
        for place, y in zip(places, ys, strict=True):
            readings, lines = list(self._readings(kind, column, place)), list(self._lines(kind, column, place))
            units.append(Unit(column, place, names[place], kind, x, y, left, right, readings, lines))
        return Column(heading, units, len(names))

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
            straight = kind == "prediction" or (layer is not None and layer.one_to_one)
            for start in starts:
                yield from (Edge(start, end) for end in ends if not straight or start.place == end.place)
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
