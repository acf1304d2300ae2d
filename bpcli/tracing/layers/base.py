"""How any layer is worked out on paper: its values, its parameters, and the gradients that come back.

A layer of which more can be said has a subclass, registered with `worked_layer` for its planned class.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.nn.layers import Layer
from bpcli.tracing.arithmetic import MOST_TERMS, Arithmetic
from bpcli.tracing.parts import Grid, Part
from bpcli.tracing.phrases import MOST_INPUTS, Place, largest
from bpcli.tracing.trace import Trace, TracedLayer, TracedParameter
from bpcli.wording import counted

P = TypeVar("P", bound=Layer)


@dataclass(frozen=True)
class LayerInStep:
    """A layer's numbers, the layer behind it, what it hands back, and how numbers are written.

    `dx` is None for the first layer, which nobody asks for it.
    """

    layer: TracedLayer
    behind: WorkedLayer[Any] | None
    dx: Array | None
    shows: Arithmetic


class Derivation(NamedTuple):
    """Origin of a parameter's gradient: a formula, and its numbers, empty where there are too many.

    `single` is true where the numbers are but one, the gradient itself.
    """

    formula: str
    numbers: str
    single: bool = False

    def __str__(self) -> str:
        return f"= {self.formula} = {self.numbers}" if self.numbers else f"= {self.formula} over the rows"


class Weighted(NamedTuple):
    """A parameter (inputs, outputs) that weighs each input for each output, the inputs, and the errors behind it."""

    name: str
    parameter: TracedParameter
    x: Array
    errors: Array


class WorkedLayer(Generic[P]):
    """A layer of any kind; arrays of its inputs and outputs are (rows, numbers of a row).

    Outputs are shown as they are. Of their parameters it is not known which outputs they serve.
    """

    noun: ClassVar[str] = "output"
    error: ClassVar[str] = "dL/dy"
    """The slope that a unit is drawn with, and is counted as large or small by."""
    one_to_one: ClassVar[bool] = False
    """Whether each output follows from the input of its place."""
    by_output: ClassVar[bool] = False
    """Whether each parameter serves one output, so that those of an output can be listed."""
    letters: ClassVar[Mapping[str, str]] = {}
    """Names of parameters in formulas, where they are others."""
    afterwards: ClassVar[str] = ""
    """What to know of the forward pass after the step."""

    def __init__(self, planned: P, step: LayerInStep) -> None:
        self.planned, self.layer, self.behind, self.shows = planned, step.layer, step.behind, step.shows
        forward, backward = step.layer.forward, step.layer.backward
        self.x, self.y, self.dy = flat(forward["x"]), flat(forward["y"]), flat(backward["dy"])
        self.dx = None if step.dx is None else flat(step.dx)

    # Its name and its rules

    @property
    def index(self) -> int:
        """Place in the network."""
        return self.layer.index

    @property
    def kind(self) -> str:
        """Type, with the activation where there is one."""
        return self.layer.type

    @property
    def title(self) -> str:
        """Place and kind."""
        return f"layer {self.index}: {self.kind}"

    @property
    def forward_rule(self) -> str:
        """Formula in the heading of the forward pass."""
        return self.layer.formula

    @property
    def backward_rule(self) -> str:
        """Formula in the heading of the backward pass."""
        return self.layer.gradient

    @property
    def errors(self) -> Array:
        """Slopes of the loss by its units, named by `error`."""
        return self.dy

    @property
    def handed_back(self) -> str:
        """What it hands back to the layer before it."""
        return "dL/dx"

    def remark(self) -> str:
        """What to know of the layer in a step on these rows."""
        return ""

    # In the account

    def forward_parts(self, row: int, shown: Sequence[int], in_full: bool) -> Iterator[Part]:
        """The forward pass of a row, of the outputs `shown`; `in_full` with all products of the only one shown."""
        yield from self._values("input", self.layer.inputs, "x", self.x[row])
        table = [[self.layer.outputs[j], self.shows.fixed(self.y[row, j])] for j in shown]
        yield Grid([["output", "y"], *table], right=(1,))

    def forward_hint(self, shown: Sequence[int]) -> str:
        """How more of the forward pass is shown."""
        return ""

    def backward_parts(self, row: int, shown: Sequence[int], in_full: bool) -> Iterator[Part]:
        """The backward pass of a row, as `forward_parts`."""
        table = [[self.layer.outputs[j], self.shows.fixed(self.dy[row, j])] for j in shown]
        yield Grid([["output", "dL/dy"], *table], right=(1,))
        if self.dx is not None:
            yield from self._values("input", self.layer.inputs, "dL/dx", self.dx[row])

    def chain(self, row: int, i: int) -> str:
        """The sum that it hands back to an input, written out; empty for a layer whose dL/dx is another's dL/dy."""
        return ""

    def chain_table(self, row: int, i: int) -> Grid | None:
        """All products of that sum, where they are more than are written out."""
        return None

    def places(self, name: str, shown: Sequence[int]) -> list[Place]:
        """Places of a parameter that serve the outputs `shown`."""
        return list(np.ndindex(self.layer.parameters[name].before.shape))

    def belongs(self, name: str, place: Place) -> str:
        """The output that one number of a parameter serves, and from where; empty where that is not known."""
        return ""

    def derivation(self, name: str, place: Place) -> Derivation | None:
        """Origin of the gradient of one number of a parameter."""
        return None

    # Line by line, of a row and an output

    def forward_lines(self, row: int, j: int) -> Iterator[str]:
        """The output, worked out."""
        yield f"y = {self.shows.fixed(self.y[row, j])}"

    def backward_lines(self, row: int, j: int) -> Iterator[str]:
        """The slopes that come back, worked out."""
        dy = self.shows.fixed(self.dy[row, j])
        if self.behind is None:
            yield f"dL/dy = {dy}, from the loss"
        else:
            handed_back, chain = f"{self.behind.handed_back} of layer {self.behind.index}", self.behind.chain(row, j)
            yield " = ".join(["dL/dy", handed_back, *([chain] if chain else []), dy])

    def own_parameters(self, j: int) -> Iterator[tuple[str, Place]]:
        """Parameters of one output that no line in the drawing stands for."""
        yield from ()

    # Stage by stage

    def forward_stage(self) -> tuple[list[str], str]:
        """Formulas of the forward pass, and what happens in it."""
        return [self.layer.formula], "Outputs follow from the inputs by the formula"

    def backward_stage(self) -> tuple[list[str], str]:
        """Formulas of the backward pass, and what happens in it."""
        return [self.layer.gradient], f"dL/dy, the slope of L by each output, comes back {self._origin}"

    # In the drawing

    @property
    def weighted(self) -> Weighted | None:
        """Weights on the lines that lead to its units."""
        return None

    def shown_output(self, row: int, j: int, written: str) -> str:
        """An output as it is written in the drawing."""
        return written

    # What the members share

    @property
    def rows(self) -> range:
        """Places of the rows."""
        return range(len(self.y))

    @property
    def _origin(self) -> str:
        return "from the loss" if self.behind is None else f"through layer {self.behind.index}"

    def _values(self, noun: str, names: Sequence[str], what: str, values: Array) -> Iterator[Part]:
        """Numbers by name, those that are furthest from 0."""
        chosen = largest(values.tolist(), MOST_INPUTS)
        yield Grid([[noun, what], *([names[i], self.shows.fixed(values[i])] for i in chosen)], right=(1,))
        if len(values) > len(chosen):
            yield f"and {counted(len(values) - len(chosen), noun)} with smaller |{what}|"

    def _sum(self, error: str, errors: Array, factor: str = "", factors: Array | None = None) -> Derivation:
        """A gradient as the sum over the rows of errors, or of their products with a factor."""
        sigma, short = "Σ " if len(errors) > 1 else "", self.shows.short
        few = len(errors) <= MOST_TERMS
        if factors is None:
            said = " + ".join([short(errors[0]), *map(self.shows.factor, errors[1:])]) if few else ""
            return Derivation(f"{sigma}{error}", said, single=len(errors) == 1)
        return Derivation(f"{sigma}{factor} · {error}", self.shows.products(factors, errors) if few else "")


@singledispatch
def worked_layer(planned: Layer, step: LayerInStep) -> WorkedLayer[Any]:
    """How a layer is worked out on paper, by the class of the planned layer; any layer has its values and gradients."""
    return WorkedLayer(planned, step)


def worked_layers(trace: Trace, shows: Arithmetic) -> tuple[WorkedLayer[Any], ...]:
    """All layers of a trace."""
    worked: list[WorkedLayer[Any]] = []
    for layer in reversed(trace.layers):
        dx = trace.layers[layer.index - 1].backward["dy"] if layer.index else None
        behind = worked[-1] if worked else None
        worked.append(worked_layer(layer.planned, LayerInStep(layer, behind, dx, shows)))
    return tuple(reversed(worked))


def flat(array: Array) -> Array:
    """An array of a batch with one axis for all numbers of a row."""
    return array.reshape(len(array), -1)
