"""Arithmetic of any layer: its values, its parameters and their gradients.

A layer whose arithmetic can be written out has a subclass, registered with `worked_layer` for its planned class.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.nn.layers import Layer
from bpcli.spec import type_name
from bpcli.tracing.arithmetic import MOST_TERMS, Arithmetic
from bpcli.tracing.parts import Grid, Part
from bpcli.tracing.phrases import MOST_INPUTS, Place, largest
from bpcli.tracing.trace import Trace, TracedLayer, TracedParameter
from bpcli.wording import counted

P = TypeVar("P", bound=Layer)


@dataclass(frozen=True)
class LayerInStep:
    """Traced arrays of a layer, the next layer, dL/dx, and the format of numbers.

    `dx` is None for the first layer, which does not compute it.
    """

    layer: TracedLayer
    next_layer: WorkedLayer[Any] | None
    dx: Array | None
    shows: Arithmetic


class Derivation(NamedTuple):
    """Origin of a parameter's gradient: a formula, and its numbers, empty if there are too many.

    `single` is true if there is one number, the gradient itself.
    """

    formula: str
    numbers: str
    single: bool = False
    over: str = "the rows"

    def __str__(self) -> str:
        return f"= {self.formula} = {self.numbers}" if self.numbers else f"= {self.formula} over {self.over}"


class Weighted(NamedTuple):
    """Parameter (inputs, outputs) with one weight per input and output, its inputs, and the errors of its outputs."""

    name: str
    parameter: TracedParameter
    x: Array
    errors: Array


class WorkedLayer(Generic[P]):
    """Layer of any kind. Arrays of its inputs and outputs are (rows, numbers per row).

    Values and gradients are shown without arithmetic, and parameters without the outputs that they belong to.
    """

    noun: ClassVar[str] = "output"
    error: ClassVar[str] = "dL/dy"
    """Name of `errors`, the gradients by which units are ranked and drawn."""
    one_to_one: ClassVar[bool] = False
    """Whether each output depends only on the input with the same index."""
    by_output: ClassVar[bool] = False
    """Whether each parameter belongs to one output."""
    letters: ClassVar[Mapping[str, str]] = {}
    """Letters of parameters in formulas (default: their names)."""
    afterwards: ClassVar[str] = ""
    """Note on the forward pass after the step."""

    def __init__(self, planned: P, step: LayerInStep) -> None:
        self.planned, self.layer, self.next_layer, self.shows = planned, step.layer, step.next_layer, step.shows
        forward, backward = step.layer.forward, step.layer.backward
        self.x, self.y, self.dy = flat(forward["x"]), flat(forward["y"]), flat(backward["dy"])
        self.dx = None if step.dx is None else flat(step.dx)

    # Names and formulas

    @property
    def index(self) -> int:
        """Index in the network."""
        return self.layer.index

    @property
    def kind(self) -> str:
        """Type, with the activation if there is one."""
        activation = self.layer.activation
        return self.layer.type if activation is None else f"{self.layer.type}, {type_name(activation)}"

    @property
    def title(self) -> str:
        """Index, or field of a stem, and kind."""
        return f"{f'layer {self.index}' if self.layer.field is None else f'stem {self.layer.field}'}: {self.kind}"

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
        """Gradients of the loss with respect to its units, named by `error`."""
        return self.dy

    @property
    def dx_formula(self) -> str:
        """Formula of dL/dx for the previous layer."""
        return "dL/dx"

    def remark(self) -> str:
        """Note on the layer in a step on these rows; empty if there is none."""
        return ""

    # Account

    def forward_parts(self, row: int, shown: Sequence[int], in_full: bool) -> Iterator[Part]:
        """Yield the forward pass of a row for the outputs `shown`; `in_full` lists all products of the first."""
        yield from self._values("input", self.layer.inputs, "x", self.x[row])
        table = [[self.layer.outputs[j], self.shows.fixed(self.y[row, j])] for j in shown]
        yield Grid([["output", "y"], *table], right=(1,))

    def forward_hint(self, shown: Sequence[int]) -> str:
        """Hint at the option that shows more of the forward pass."""
        return ""

    def backward_parts(self, row: int, shown: Sequence[int], in_full: bool) -> Iterator[Part]:
        """Yield the backward pass of a row, with the arguments of `forward_parts`."""
        table = [[self.layer.outputs[j], self.shows.fixed(self.dy[row, j])] for j in shown]
        yield Grid([["output", "dL/dy"], *table], right=(1,))
        if self.dx is not None:
            yield from self._values("input", self.layer.inputs, "dL/dx", self.dx[row])

    def chain(self, row: int, i: int) -> str:
        """dL/dx of an input as a sum, written out; empty if the layer computes it otherwise."""
        return ""

    def chain_table(self, row: int, i: int) -> Grid | None:
        """Table of the products of that sum, if there are too many to write out."""
        return None

    def places(self, name: str, shown: Sequence[int]) -> list[Place]:
        """Indices of the components of a parameter that belong to the outputs `shown`."""
        return list(np.ndindex(self.layer.parameters[name].before.shape))

    def belongs(self, name: str, place: Place) -> str:
        """Output that one component of a parameter belongs to; empty if unknown."""
        return ""

    def derivation(self, name: str, place: Place) -> Derivation | None:
        """Origin of the gradient of one component of a parameter; None if unknown."""
        return None

    # Lines of one row and one output

    def forward_lines(self, row: int, j: int) -> Iterator[str]:
        """Yield the arithmetic of the output."""
        yield f"y = {self.shows.fixed(self.y[row, j])}"

    def backward_lines(self, row: int, j: int) -> Iterator[str]:
        """Yield the arithmetic of dL/dy."""
        dy = self.shows.fixed(self.dy[row, j])
        if self.next_layer is None:
            yield f"dL/dy = {dy}, from the loss"
        else:
            dx_formula, chain = (
                f"{self.next_layer.dx_formula} of layer {self.next_layer.index}",
                self.next_layer.chain(row, j),
            )
            yield " = ".join(["dL/dy", dx_formula, *([chain] if chain else []), dy])

    def own_parameters(self, j: int) -> Iterator[tuple[str, Place]]:
        """Yield the parameters of one output that belong to no edge of the drawing."""
        yield from ()

    # Stages

    def forward_stage(self) -> tuple[list[str], str]:
        """Formulas of the forward pass, and an explanation."""
        return [self.layer.formula], "Outputs follow from the inputs by the formula"

    def backward_stage(self) -> tuple[list[str], str]:
        """Formulas of the backward pass, and an explanation."""
        return [self.layer.gradient], f"dL/dy, the gradient of L with respect to each output, comes {self._origin}"

    # Drawing

    @property
    def weighted(self) -> Weighted | None:
        """Weights on the edges to its units, or None."""
        return None

    def inputs_of(self, j: int) -> list[int] | None:
        """Inputs that an output depends on; None for all of them."""
        return [j] if self.one_to_one else None

    def kernel(self, j: int, channel: int) -> Array | None:
        """Weights (height, width) between a channel of images and an output; None if there are no kernels."""
        return None

    def shown_output(self, row: int, j: int, written: str) -> str:
        """Text of an output in the drawing."""
        return written

    # Shared by the subclasses

    @property
    def rows(self) -> range:
        """Indices of the rows."""
        return range(len(self.y))

    @property
    def _origin(self) -> str:
        return "from the loss" if self.next_layer is None else f"from layer {self.next_layer.index}"

    def _values(self, noun: str, names: Sequence[str], what: str, values: Array) -> Iterator[Part]:
        """Table of the values furthest from 0."""
        chosen = largest(values.tolist(), MOST_INPUTS)
        yield Grid([[noun, what], *([names[i], self.shows.fixed(values[i])] for i in chosen)], right=(1,))
        if len(values) > len(chosen):
            yield f"and {counted(len(values) - len(chosen), noun)} with smaller |{what}|"

    def _sum(self, error: str, errors: Array, factor: str = "", factors: Array | None = None) -> Derivation:
        """Gradient as the sum over rows of errors, or of their products with a factor."""
        sigma, short = "Σ " if len(errors) > 1 else "", self.shows.short
        few = len(errors) <= MOST_TERMS
        if factors is None:
            said = " + ".join([short(errors[0]), *map(self.shows.factor, errors[1:])]) if few else ""
            return Derivation(f"{sigma}{error}", said, single=len(errors) == 1)
        return Derivation(f"{sigma}{factor} · {error}", self.shows.products(factors, errors) if few else "")


@singledispatch
def worked_layer(planned: Layer, step: LayerInStep) -> WorkedLayer[Any]:
    """Arithmetic of a layer, dispatched on the planned layer's class; `WorkedLayer` by default."""
    return WorkedLayer(planned, step)


def worked_layers(trace: Trace, shows: Arithmetic) -> tuple[WorkedLayer[Any], ...]:
    """Arithmetic of all layers of a trace."""
    worked: list[WorkedLayer[Any]] = []
    for layer in reversed(trace.layers):
        dx = trace.layers[layer.index - 1].backward["dy"] if layer.index else None
        next_layer = worked[-1] if worked else None
        worked.append(worked_layer(layer.planned, LayerInStep(layer, next_layer, dx, shows)))
    return tuple(reversed(worked))


def worked_stems(trace: Trace, first: WorkedLayer[Any], shows: Arithmetic) -> tuple[WorkedLayer[Any], ...]:
    """Arithmetic of the trained stems, which precede the first layer."""
    return tuple(worked_layer(stem.planned, LayerInStep(stem, first, None, shows)) for stem in trace.stems)


def flat(array: Array) -> Array:
    """Array of a batch, reshaped to one axis per row."""
    return array.reshape(len(array), -1)
