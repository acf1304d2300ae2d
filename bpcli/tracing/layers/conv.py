"""Arithmetic of convolutions: the window of one output, number by number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.nn.layers.conv_layer import ConvLayer
from bpcli.tracing.arithmetic import MOST_TERMS
from bpcli.tracing.layers.base import Derivation, LayerInStep, worked_layer
from bpcli.tracing.layers.geometry import positions_at, window_of, windows_of_input
from bpcli.tracing.layers.sums import WorkedSums
from bpcli.tracing.parts import Grid, Part
from bpcli.tracing.phrases import Place

MOST_PRODUCTS = 27
"""Products of the largest window that is written out: 3 × 3 of three channels."""

MOST_CHANNELS = 8
"""Channels of a larger window whose sums are listed."""


@worked_layer.register(ConvLayer)
class WorkedConv(WorkedSums[ConvLayer]):
    """Filters at positions: weighted sums of a window, to which the activation is applied."""

    noun: ClassVar[str] = "output"
    summing: ClassVar[str] = "Each filter computes z at each position, the sum of a window's numbers times its weights"

    def __init__(self, planned: ConvLayer, step: LayerInStep) -> None:
        super().__init__(planned, step)
        self.weight = self.weight.reshape(*planned.sliding.kernel, *self.weight.shape[-2:])

    def terms(self, j: int) -> list[tuple[int, Place]]:
        """Inputs in the window of an output, and the weight of each, as a place in (*kernel, channels, filters)."""
        planned, f = self.planned, j % self.planned.filters
        channels = self.weight.shape[2]
        first = f // (planned.filters // planned.groups) * channels
        return [
            (at * planned.sliding.source[2] + first + channel, (*tap, channel, f))
            for at, tap in window_of(planned.sliding, j // planned.filters)
            for channel in range(channels)
        ]

    def errors_of(self, i: int) -> list[tuple[int, Place]]:
        """Outputs whose windows hold an input, and its weight in each."""
        planned, channels = self.planned, self.weight.shape[2]
        at, channel = divmod(i, planned.sliding.source[2])
        group, channel = divmod(channel, channels)
        of_group = planned.filters // planned.groups
        return [
            (window * planned.filters + f, (*tap, channel, f))
            for window, tap in windows_of_input(planned.sliding, at)
            for f in range(group * of_group, (group + 1) * of_group)
        ]

    def inputs_of(self, j: int) -> list[int]:
        """Inputs in the output's window."""
        return [i for i, _ in self.terms(j)]

    def kernel(self, j: int, channel: int) -> Array | None:
        """Kernel of the output's filter for an input channel; None if that is of another group."""
        f, channels = j % self.planned.filters, self.weight.shape[2]
        group, within = divmod(channel, channels)
        if f // (self.planned.filters // self.planned.groups) != group:
            return None
        return self.weight[:, :, within, f]

    def hints(self, j: int) -> Iterator[str]:
        """Yield nothing: `forward_lines` has the products."""
        yield from ()

    def forward_lines(self, row: int, j: int) -> Iterator[str]:
        """Yield z with the products of its window by line, or of many channels their sums; then y."""
        z, *rest = super().forward_lines(row, j)
        yield z
        yield from self._products_by_line(row, j)
        yield from rest

    # Account

    def forward_parts(self, row: int, shown: Sequence[int], in_full: bool) -> Iterator[Part]:
        """Yield the weighted sums and, if `in_full`, all products of one window."""
        table = [["output", self.sum_formula, "z", "y = f(z)"]]
        for j in shown:
            numbers = [self.shows.fixed(self.z[row, j]), self.shows.fixed(self.y[row, j])]
            table.append([self.layer.outputs[j], self.weighted_sum(row, j), *numbers])
        yield Grid(table, right=(2, 3))
        if in_full:
            yield ""
            yield from self._window(row, shown[0])

    def forward_hint(self, shown: Sequence[int]) -> str:
        """Hint at the option that lists products."""
        return f"--neuron {self.index}.{shown[0]} lists the products of an output's window"

    def backward_parts(self, row: int, shown: Sequence[int], in_full: bool) -> Iterator[Part]:
        """Yield dL/dy, f'(z) and dL/dz, and if `in_full` the products of which dL/dy is the sum."""
        next_layer = self.next_layer
        dy = "dL/dy" if next_layer is None else f"dL/dy = {next_layer.dx_formula} of layer {next_layer.index}"
        table = [["output", dy, "f'(z)", "dL/dz = dL/dy · f'(z)"]]
        for j in shown:
            numbers = [self.shows.fixed(of[row, j]) for of in (self.dy, self.slope, self.dz)]
            table.append([self.layer.outputs[j], *numbers])
        yield Grid(table, right=(1, 2, 3))
        products = next_layer.chain_table(row, shown[0]) if in_full and next_layer is not None else None
        if products is not None:
            yield ""
            yield products

    def chain(self, row: int, i: int) -> str:
        """Sum of errors times the input's weights."""
        found = self.errors_of(i)
        if len(found) > MOST_TERMS:
            return f"the sum of {len(found)} products"
        return self.shows.products([self.dz[row, j] for j, _ in found], [self.weight[place] for _, place in found])

    def chain_table(self, row: int, i: int) -> Grid | None:
        """Table of errors, weights and their products."""
        found = self.errors_of(i)
        if len(found) <= MOST_TERMS:
            return None
        header = ["output of next layer", "dL/dz", "w", "dL/dz · w"]
        numbers = [(self.layer.outputs[j], self.dz[row, j], self.weight[place]) for j, place in found]
        return self._products(header, numbers)

    def places(self, name: str, shown: Sequence[int]) -> list[Place]:
        """Indices of all weights of the outputs' filters, or of their biases."""
        filters = dict.fromkeys(j % self.planned.filters for j in shown)
        if name == "weight":
            window = self.layer.parameters["weight"].before.shape[:-1]
            return [(*place, f) for f in filters for place in np.ndindex(*window)]
        return [(f,) for f in filters]

    def belongs(self, name: str, place: Place) -> str:
        """Filter, and for a weight also its place and channel."""
        if name == "bias":
            return f"filter {place[0]}"
        *at, channel, f = place
        return f"place {', '.join(map(str, at))} of channel {channel} → filter {f}"

    def derivation(self, name: str, place: Place) -> Derivation | None:
        """Σ x · dL/dz over rows and positions for a weight; Σ dL/dz for a bias."""
        f, filters, over = place[-1], self.planned.filters, "rows and positions"
        if name == "bias":
            return self._sum("dL/dz", self.dz[:, f::filters].ravel())._replace(over=over)
        *tap, channel, f = (0,) * (4 - len(place)) + place
        channel += f // (filters // self.planned.groups) * self.weight.shape[2]
        found = list(positions_at(self.planned.sliding, (tap[0], tap[1])))
        if not found:
            return None
        windows, positions = np.array(found).T
        x = self.x[:, positions * self.planned.sliding.source[2] + channel].ravel()
        return self._sum("dL/dz", self.dz[:, windows * filters + f].ravel(), "x", x)._replace(over=over)

    # Lines

    def own_parameters(self, j: int) -> Iterator[tuple[str, Place]]:
        """Yield the bias, if the layer has biases."""
        if self.bias is not None:
            yield "bias", (j % self.planned.filters,)

    # Stages

    def backward_stage(self) -> tuple[list[str], str]:
        """dL/dz, and the gradients of weights and of biases, if there are any."""
        formulas = [
            f"dL/dz = dL/dy · f'(z), {self.derivative}",
            "dL/dw = Σ x · dL/dz over rows and positions",
            *([] if self.bias is None else ["dL/db = Σ dL/dz over rows and positions"]),
        ]
        words = (
            f"dL/dy comes {self._origin}. Multiplied by the activation's derivative, it is the error of each output, "
            "dL/dz. A weight is used at every position: its gradient is the sum of its inputs times their errors"
        )
        return formulas, words

    def weighted_sum(self, row: int, j: int) -> str:
        """Right side of `sum_formula` for an output, written out if it has few terms."""
        terms = self.terms(j)
        x, w = [self.x[row, i] for i, _ in terms], [self.weight[place] for _, place in terms]
        products = f"the sum of {len(x)} products" if len(x) > MOST_TERMS else self.shows.products(x, w)
        return products if self.bias is None else f"{products} + {self.shows.factor(self.bias[j % len(self.bias)])}"

    def _products_by_line(self, row: int, j: int) -> Iterator[str]:
        """Yield the products of a window by channel and line, or the sums of the channels that add most."""
        terms = self.terms(j)
        if len(terms) <= MOST_TERMS:
            return
        if len(terms) <= MOST_PRODUCTS:
            lines: dict[Place, list[tuple[int, Place]]] = {}
            for i, place in terms:
                lines.setdefault((place[2], place[0]), []).append((i, place))
            for (channel, line), some in sorted(lines.items()):
                x, w = [self.x[row, i] for i, _ in some], [self.weight[place] for _, place in some]
                yield f"channel {channel}, line {line}: x · w = {self.shows.products(x, w)}"
            return
        sums: dict[int, float] = {}
        for i, place in terms:
            sums[place[2]] = sums.get(place[2], 0.0) + float(self.x[row, i] * self.weight[place])
        order = sorted(sums, key=lambda channel: -abs(sums[channel]))
        for channel in order[:MOST_CHANNELS]:
            yield f"channel {channel}: Σ x · w = {self.shows.fixed(sums[channel])}"
        if left := order[MOST_CHANNELS:]:
            yield f"{len(left)} other channels: Σ x · w = {self.shows.fixed(sum(sums[one] for one in left))}"

    def _window(self, row: int, j: int) -> Iterator[Part]:
        """Table of the products of one window; what it holds of the padding is left out."""
        terms = self.terms(j)
        yield self._products(
            ["input", "x", "w", "x · w"],
            [(self.layer.inputs[i], self.x[row, i], self.weight[place]) for i, place in terms],
        )
        if missing := int(np.prod(self.weight.shape[:3])) - len(terms):
            yield f"and {missing} products with zeros of the padding"

    def _products(self, header: Sequence[str], numbers: Sequence[tuple[str, float, float]]) -> Grid:
        """Table of products, with index and name of each."""
        table = [
            [str(place), name, *(self.shows.fixed(value) for value in (left, right, left * right))]
            for place, (name, left, right) in enumerate(numbers)
        ]
        return Grid([["place", *header], *table], right=(0, 2, 3, 4))
