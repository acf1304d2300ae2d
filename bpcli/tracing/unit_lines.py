"""The arithmetic of every unit and edge, line by line, each with the stage from which on it is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bpcli.tracing.arithmetic import MOST_TERMS, Arithmetic, Document, is_arithmetic
from bpcli.tracing.loss import loss_lines, row_lines
from bpcli.tracing.norms import Norm
from bpcli.tracing.phrases import LETTER, handed_back, handed_back_by


@dataclass(frozen=True)
class Line:
    """A line of arithmetic, of one row (its place among those traced) or, where that is None, of them all."""

    stage: int
    words: str
    row: int | None = None


class Worked:
    """Lines of a step whose stages stand at these places, by their keys; of a layer without a stage there are none."""

    def __init__(self, document: Document, stages: Mapping[str, int]) -> None:
        self.document, self.stages = document, stages
        self.shows = Arithmetic(document)
        self.rows = range(len(document["rows"]))

    def input(self, place: int) -> Iterator[Line]:
        """An input of the network, and how it is made of a cell."""
        first = self.document["layers"][0]
        for row, of_row in enumerate(self.document["rows"]):
            made, x = of_row["inputs_made"][place], self.shows.fixed(first["forward"]["x"][row][place])
            yield Line(0, f"x = {made} = {x}" if is_arithmetic(made) else f"x = {x}: {made}", row)

    def unit(self, layer: Document, j: int) -> Iterator[Line]:
        """A neuron, or an output of a layer that has none."""
        index = layer["index"]
        if (stage := self.stages.get(f"forward-{index}")) is not None:
            for row in self.rows:
                for words in self._forward(layer, row, j):
                    yield Line(stage, words, row)
        if (stage := self.stages.get(f"backward-{index}")) is None:
            return
        for row in self.rows:
            for words in self._backward(layer, row, j):
                yield Line(stage, words, row)
        for name in layer["parameters"]:
            if name != "weight":
                yield from self._parameter(layer, name, (j,))

    def edge(self, layer: Document, i: int, j: int) -> Iterator[Line]:
        """The weight from an input of a dense layer to a neuron."""
        index, one = layer["index"], layer["parameters"]["weight"]
        weight = one["before"][i][j]
        stage, back = self.stages.get(f"forward-{index}"), self.stages.get(f"backward-{index - 1}")
        if stage is None:
            return
        for row in self.rows:
            x, dz = layer["forward"]["x"][row][i], layer["backward"]["dz"][row][j]
            yield Line(stage, f"x · w = {self._product(x, weight)}", row)
            if back is not None:
                yield Line(back, f"carried back: dL/dz · w = {self._product(dz, weight)}", row)
        yield from self._parameter(layer, "weight", (i, j))

    def prediction(self, k: int) -> Iterator[Line]:
        """What the loss makes of an output."""
        for row in self.rows:
            for words in loss_lines(self.document, self.shows, row, k):
                yield Line(self.stages["error"], words, row)

    def loss(self) -> Iterator[Line]:
        """The loss of each row, their mean, and what it is after the step."""
        error, stage = self.document["error"], self.stages["error"]
        for row in self.rows:
            for words in row_lines(self.document, self.shows, row):
                yield Line(stage, words, row)
        before, after = (self.shows.fixed(self.document["loss"][when]) for when in ("before", "after"))
        of_rows = error["of_rows"]
        mean = f"mean over {len(of_rows)} rows" if len(of_rows) > 1 else "loss of the row"
        penalty = f" + {self.shows.short(error['penalty'])} for the weights' penalties" if error["penalty"] else ""
        yield Line(stage, f"L = {mean}{penalty} = {before}")
        yield Line(self.stages["after"], f"L = {before} before the step, {after} after it")

    # What the lines say

    def _forward(self, layer: Document, row: int, j: int) -> Iterator[str]:
        forward, shows = layer["forward"], self.shows
        x, y = forward["x"][row], forward["y"][row][j]
        if layer["activation"] is not None:
            z = forward["z"][row][j]
            yield f"z = {shows.weighted_sum(layer, x, j)} = {shows.fixed(z)}"
            if len(x) > MOST_TERMS:
                yield f"its products are listed with the lines that lead here; --neuron {layer['index']}.{j} draws all"
            yield f"y = {layer['activation']['type']}({shows.short(z)}) = {shows.fixed(y)}"
        elif layer["type"] == "dropout":
            mask = forward["mask"][row][j]
            yield f"y = x · mask = {self._product(x[j], mask)}{'' if mask else ': dropped in this step'}"
        else:
            yield from Norm(layer, row, j).forward(shows)

    def _backward(self, layer: Document, row: int, j: int) -> Iterator[str]:
        backward, shows = layer["backward"], self.shows
        behind = next((one for one in self.document["layers"] if one["index"] == layer["index"] + 1), None)
        dy, chain = backward["dy"][row][j], shows.chain(behind, row, j)
        if behind is None:
            yield f"dL/dy = {shows.fixed(dy)}, from the loss"
        elif chain:
            yield f"dL/dy = Σ dL/dz · w of layer {behind['index']} = {chain} = {shows.fixed(dy)}"
        else:
            yield f"dL/dy = dL/dx of layer {behind['index']} = {shows.fixed(dy)}"
        if "dz" in backward:
            slope, dz = backward["slope"][row][j], backward["dz"][row][j]
            yield f"f'(z) = {shows.fixed(slope)}"
            yield f"dL/dz = dL/dy · f'(z) = {shows.short(dy)} · {shows.factor(slope)} = {shows.fixed(dz)}"
        elif layer["type"] != "dropout":
            yield from Norm(layer, row, j).means(shows)
        if (dx := handed_back(self.document, layer, row, j)) is not None:
            yield f"{layer['gradient'].partition(',')[0]} = {handed_back_by(layer, shows, row, j)} = {shows.fixed(dx)}"

    def _parameter(self, layer: Document, name: str, place: tuple[int, ...]) -> Iterator[Line]:
        """A parameter's gradient, and what the step makes of it."""
        shows, one = self.shows, layer["parameters"][name]
        letter = LETTER.get(name, name)
        gradient = shows.at(one["gradient"], place)
        worked = shows.gradient(layer, name, place)
        if len(self.rows) == 1 and name in ("bias", "shift"):  # a sum of one number, which needs no writing out
            worked = worked[: worked.rindex(" =")]
        yield Line(self.stages[f"backward-{layer['index']}"], f"dL/d{letter} {worked} = {shows.fixed(gradient)}")
        stage, update = self.stages["update"], self.document["update"]
        for words in shows.applied(update, one, place, letter):
            yield Line(stage, words)
        for words in shows.update(update, one, place, letter):
            yield Line(stage, words)

    def _product(self, a: float, b: float) -> str:
        return f"{self.shows.products([a], [b])} = {self.shows.fixed(a * b)}"
