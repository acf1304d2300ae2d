"""The stages of a traced step: start, forward layer by layer, error, backward from the last layer on, update, after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bpcli.tracing.arithmetic import Arithmetic, Document
from bpcli.tracing.phrases import loss_rule, row_in_file, rule, title

MOST_SAID = 4
"""Results of a layer that are said in words."""


@dataclass(frozen=True)
class Stage:
    """One stage: its formulas, and what happens in it on each of the rows, in words.

    `columns` are those of the drawing whose units it works out (0: the inputs, then the layers, the predictions, the
    loss), `layers` those whose edges it does.
    """

    key: str
    title: str
    formulas: Sequence[str]
    words: Sequence[str]
    columns: Sequence[int] = ()
    layers: Sequence[int] = ()


def stages(document: Document, layer: int | None = None, neuron: int | None = None) -> list[Stage]:
    """The stages of all layers, or of one, with words on all of its neurons or on one."""
    return list(_Stages(document, layer, neuron).all())


class _Stages:
    def __init__(self, document: Document, layer: int | None, neuron: int | None) -> None:
        self.document, self.shows, self.neuron = document, Arithmetic(document), neuron
        self.layers = [one for one in document["layers"] if layer in (None, one["index"])]
        self.rows = range(len(document["rows"]))

    def all(self) -> Iterator[Stage]:
        document, loss = self.document, self.document["loss"]
        predictions = len(document["layers"]) + 1
        started = [f"{row_in_file(row, self.shows)}." for row in document["rows"]]
        yield Stage("start", "Start: the inputs and the parameters as they are", (), started, (0,))
        for layer in self.layers:
            yield self._forward(layer)
        yield self._error((predictions, predictions + 1))
        for layer in reversed(self.layers):
            yield self._backward(layer)
        yield self._update()
        change = f"L was {self.shows.fixed(loss['before'])}; after the step it is {self.shows.fixed(loss['after'])}."
        yield Stage("after", "After: the loss once more", (), [change] * len(self.rows), (predictions + 1,))

    def _forward(self, layer: Document) -> Stage:
        index, activation = layer["index"], layer["activation"]
        formulas = [layer["formula"]]
        if activation is not None:
            said = "Each neuron adds up its inputs times their weights, and its bias, to z"
            said += "" if activation["type"] == "identity" else f"; {activation['type']} of z is what it puts out"
            formulas = ["z = Σ x · w + b", f"y = f(z), {activation['formula']}"]
        elif layer["type"] == "dropout":
            said = "Inputs are dropped by lot in this step; those that are kept are scaled up in exchange"
        else:
            over = "its mean over the rows" if layer["type"] == "batch_norm" else "the mean of its row"
            said = f"Of each input {over} is taken away; the rest is divided by the standard deviation"
            said += ", then scaled and shifted"
        words = [f"{said}.{self._of_layer('Outputs', layer, values)}" for values in layer["forward"]["y"]]
        return Stage(f"forward-{index}", f"Forward: {title(layer)}", formulas, words, (index + 1,), (index,))

    def _error(self, columns: Sequence[int]) -> Stage:
        error = self.document["error"]
        name, several = error["loss"]["type"], len(self.rows) > 1
        words = []
        for row, value in enumerate(error["of_rows"]):
            said = f"The loss says how far predictions and targets are apart: {name} of this row is"
            mean = f" L, over all rows, is {self.shows.fixed(self.document['loss']['before'])}." if several else ""
            predicted = self._results("Predictions", self.document["outputs"], error["predictions"][row])
            words.append(f"{said} {self.shows.fixed(value)}.{predicted}{mean}")
        return Stage("error", f"Error: {name}", loss_rule(self.document), words, columns)

    def _backward(self, layer: Document) -> Stage:
        index, last = layer["index"], layer["index"] == len(self.document["layers"]) - 1
        origin = "from the loss" if last else f"through layer {index + 1}"
        if layer["activation"] is None:
            said = f"dL/dy, the slope of L by each output, comes back {origin}"
            formulas, error = [layer["gradient"]], "dy"
        else:
            said = (
                f"dL/dy comes back {origin}; times the activation's slope it is the error of each neuron, dL/dz. "
                "Input times error is the gradient of a weight"
            )
            formulas, error = (
                [f"dL/dz = dL/dy · f'(z), {layer['activation']['derivative']}", "dL/dw = x · dL/dz", "dL/db = dL/dz"],
                "dz",
            )
            if len(self.rows) > 1:
                formulas[1:] = ["dL/dw = Σ x · dL/dz over the rows", "dL/db = Σ dL/dz over the rows"]
        if layer["parameters"] and any(self.document["update"]["penalty"].values()):
            formulas.append("these are gradients of the data's loss; the update adds those of the penalties")
        words = [f"{said}.{self._of_layer(f'dL/{error}', layer, values)}" for values in layer["backward"][error]]
        return Stage(f"backward-{index}", f"Backward: {title(layer)}", formulas, words, (index + 1,), (index,))

    def _update(self) -> Stage:
        update = self.document["update"]
        said = (
            f"{update['optimizer']['type']} changes each parameter by what its gradient asks for, "
            f"at learning rate {self.shows.constant(update['learning_rate'])}."
        )
        indices = [layer["index"] for layer in self.layers if layer["parameters"]]
        columns = [index + 1 for index in indices]
        return Stage("update", "Update", rule(update, self.shows), [said] * len(self.rows), columns, indices)

    def _of_layer(self, what: str, layer: Document, values: Sequence[float]) -> str:
        chosen = slice(None) if self.neuron is None else slice(self.neuron, self.neuron + 1)
        return self._results(what, layer["outputs"][chosen], values[chosen])

    def _results(self, what: str, names: Sequence[str], values: Sequence[float]) -> str:
        said = ", ".join(f"{n} = {self.shows.fixed(v)}" for n, v in list(zip(names, values, strict=True))[:MOST_SAID])
        more = len(names) - MOST_SAID
        return f" {what}: {said}{f' and {more:,} more' if more > 0 else ''}."
