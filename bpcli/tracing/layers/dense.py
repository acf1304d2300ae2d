"""Arithmetic of the dense layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from bpcli.arrays.memory import Array
from bpcli.nn.layers.dense_layer import DenseLayer
from bpcli.tracing.arithmetic import MOST_TERMS
from bpcli.tracing.layers.base import Derivation, Weighted, worked_layer
from bpcli.tracing.layers.sums import WorkedSums
from bpcli.tracing.parts import Grid, Part
from bpcli.tracing.phrases import Place


@worked_layer.register(DenseLayer)
class WorkedDense(WorkedSums[DenseLayer]):
    """Neurons: weighted sums of all inputs, to which the activation is applied."""

    noun: ClassVar[str] = "neuron"
    summing: ClassVar[str] = "Each neuron computes z, the sum of its inputs times their weights"

    # Account

    def forward_parts(self, row: int, shown: Sequence[int], in_full: bool) -> Iterator[Part]:
        """Yield the weighted sums and, if `in_full`, all products of one neuron."""
        table = [["neuron", self.sum_formula, "z", "y = f(z)"]]
        for j in shown:
            numbers = [self.shows.fixed(self.z[row, j]), self.shows.fixed(self.y[row, j])]
            table.append([self.layer.outputs[j], self.weighted_sum(row, j), *numbers])
        yield Grid(table, right=(2, 3))
        if in_full and self._wide:
            yield ""
            yield self._products(["input", "x", "w", "x · w"], self.layer.inputs, self.x[row], self.weight[:, shown[0]])

    def forward_hint(self, shown: Sequence[int]) -> str:
        """Hint at the option that lists products."""
        return f"--neuron {self.index}.{shown[0]} lists the products of a neuron" if self._wide else ""

    def backward_parts(self, row: int, shown: Sequence[int], in_full: bool) -> Iterator[Part]:
        """Yield dL/dy, written out if it is a sum of few products, and dL/dz."""
        next_layer = self.next_layer
        dy = "dL/dy" if next_layer is None else f"dL/dy = {next_layer.dx_formula} of layer {next_layer.index}"
        chains = ["" if next_layer is None else next_layer.chain(row, j) for j in shown]
        table = [["neuron", dy, "dL/dy", "f'(z)", "dL/dz = dL/dy · f'(z)"]]
        if not any(chains):
            table = [["neuron", dy, "f'(z)", "dL/dz = dL/dy · f'(z)"]]
        for j, chain in zip(shown, chains, strict=True):
            numbers = [self.shows.fixed(of[row, j]) for of in (self.dy, self.slope, self.dz)]
            table.append([self.layer.outputs[j], *([chain] if any(chains) else []), *numbers])
        yield Grid(table, right=range(len(table[0]) - 3, len(table[0])))
        products = next_layer.chain_table(row, shown[0]) if in_full and next_layer is not None else None
        if products is not None:
            yield ""
            yield products

    def chain(self, row: int, i: int) -> str:
        """Sum of errors times the input's weights."""
        if len(self.layer.outputs) > MOST_TERMS:
            return f"the sum of {len(self.layer.outputs)} products"
        return self.shows.products(self.dz[row], self.weight[i])

    def chain_table(self, row: int, i: int) -> Grid | None:
        """Table of errors, weights and their products."""
        if len(self.layer.outputs) <= MOST_TERMS:
            return None
        header = ["neuron of next layer", "dL/dz", "w", "dL/dz · w"]
        return self._products(header, self.layer.outputs, self.dz[row], self.weight[i])

    def places(self, name: str, shown: Sequence[int]) -> list[Place]:
        """Indices of all weights of the neurons, or of their biases."""
        if name == "weight":
            return [(i, j) for j in shown for i in range(len(self.weight))]
        return [(j,) for j in shown]

    def belongs(self, name: str, place: Place) -> str:
        """Neuron, and for a weight also its input."""
        of = self.layer.outputs[place[-1]]
        return f"{self.layer.inputs[place[0]]} → {of}" if name == "weight" else of

    def derivation(self, name: str, place: Place) -> Derivation | None:
        """Input times error for a weight; the error for a bias."""
        errors = self.dz[:, place[-1]]
        if name == "bias":
            return self._sum("dL/dz", errors)
        return self._sum("dL/dz", errors, "x", self.x[:, place[0]])

    # Lines

    def hints(self, j: int) -> Iterator[str]:
        """Yield where the products are drawn."""
        if self._wide:
            yield f"the incoming lines show its products; --neuron {self.index}.{j} draws all of them"

    def own_parameters(self, j: int) -> Iterator[tuple[str, Place]]:
        """Yield the bias, if the layer has biases."""
        if self.bias is not None:
            yield "bias", (j,)

    # Stages

    def backward_stage(self) -> tuple[list[str], str]:
        """dL/dz, and the gradients of weights and of biases, if there are any."""
        over = ("Σ ", " over the rows") if len(self.rows) > 1 else ("", "")
        formulas = [
            f"dL/dz = dL/dy · f'(z), {self.derivative}",
            f"dL/dw = {over[0]}x · dL/dz{over[1]}",
            *([] if self.bias is None else [f"dL/db = {over[0]}dL/dz{over[1]}"]),
        ]
        words = (
            f"dL/dy comes {self._origin}. Multiplied by the activation's derivative, it is the error of each neuron, "
            "dL/dz. "
            "The gradient of a weight is its input times that error"
        )
        return formulas, words

    @property
    def weighted(self) -> Weighted | None:
        """Weights, errors and inputs of the edges."""
        return Weighted("weight", self.layer.parameters["weight"], self.x, self.dz)

    def weighted_sum(self, row: int, j: int) -> str:
        """Right side of `sum_formula` for a neuron, written out if it has few terms."""
        x = self.x[row]
        products = f"the sum of {len(x)} products" if self._wide else self.shows.products(x, self.weight[:, j])
        return products if self.bias is None else f"{products} + {self.shows.factor(self.bias[j])}"

    @property
    def _wide(self) -> bool:
        return len(self.layer.inputs) > MOST_TERMS

    def _products(self, header: Sequence[str], names: Sequence[str], a: Array, b: Array) -> Grid:
        """Table of products, with index and name of each."""
        table = [
            [str(place), name, *(self.shows.fixed(value) for value in (left, right, left * right))]
            for place, (name, left, right) in enumerate(zip(names, a, b, strict=True))
        ]
        return Grid([["place", *header], *table], right=(0, 2, 3, 4))
