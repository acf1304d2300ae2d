"""A traced step told in full: forward, error, backward and update, each layer a table with its arithmetic.

What is told is the same in the terminal and on a page; how a heading or a table looks is theirs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bpcli.tracing.arithmetic import MOST_TERMS, Arithmetic, Document, is_arithmetic
from bpcli.tracing.loss import row_lines, slope
from bpcli.tracing.norms import Norm
from bpcli.tracing.phrases import (
    LETTER,
    MOST_INPUTS,
    handed_back,
    handed_back_by,
    largest,
    loss_rule,
    member,
    opening,
    parameter_name,
    parameter_of,
    row_in_file,
    rule,
    title,
)
from bpcli.wording import counted

MOST_NEURONS = 8
"""Of a layer that are shown unless one is asked for: those with the largest errors."""

FEW_WEIGHTS = 8
"""Of more, those with the largest gradients."""


@dataclass(frozen=True)
class Heading:
    """What the parts after it are about: one of the stages, or (`level` 2) a layer in it."""

    words: str
    level: int = 1


@dataclass(frozen=True)
class Grid:
    """A table whose first row is its header; columns in `right` hold numbers."""

    cells: Sequence[Sequence[str]]
    right: Collection[int] = ()


Part = Heading | Grid | str
"""A part of the account; an empty string is space."""


def account(document: Document, layer: int | None = None, neuron: int | None = None) -> Iterator[Part]:
    """What a trace says, of all layers or of one, and of all of its neurons that there is room for, or of one."""
    yield from _Account(document, layer, neuron).parts()


class _Account:
    def __init__(self, document: Document, layer: int | None, neuron: int | None) -> None:
        self.document, self.neuron = document, neuron
        self.layers = [one for one in document["layers"] if layer in (None, one["index"])]
        self.rows = range(len(document["rows"]))
        self.shows = Arithmetic(document)
        self.shown = {one["index"]: self._neurons(one) for one in self.layers}

    def parts(self) -> Iterator[Part]:
        yield opening(self.document)
        yield "rows are counted from 1, as in the file; layers and neurons from 0, as in the config"
        if any(len(self.shown[one["index"]]) < len(one["outputs"]) for one in self.layers) and self.neuron is None:
            yield (
                "of wide layers the neurons with the largest |dL/dz|, as it comes in BACKWARD, are shown: "
                "--layer and --neuron narrow it, --json has all"
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

    # The parts

    def _inputs(self) -> Iterator[Part]:
        document = self.document
        inputs = document["inputs"]
        for place, row in enumerate(document["rows"]):
            yield ""
            yield row_in_file(row, self.shows)
            x = document["layers"][0]["forward"]["x"][place]
            chosen = largest(x, MOST_INPUTS)
            made = row["inputs_made"]
            yield Grid([["input", "x", "from"], *([inputs[i], self.shows.fixed(x[i]), made[i]] for i in chosen)], (1,))
            yield from self._rest(len(x) - len(chosen), "input", "with smaller values")

    def _forward(self, layer: Document) -> Iterator[Part]:
        forward, shown = layer["forward"], self.shown[layer["index"]]
        formula = layer["formula"] if layer["activation"] is None else layer["activation"]["formula"]
        yield Heading(f"{title(layer)}   {formula}", 2)
        dense = "weight" in layer["parameters"]
        for row in self.rows:
            yield from self._row(row)
            x, y = forward["x"][row], forward["y"][row]
            if dense:
                z = forward["z"][row]
                table = [["neuron", "z = Σ x · w + b", "z", "y = f(z)"]]
                for j in shown:
                    numbers = [self.shows.fixed(z[j]), self.shows.fixed(y[j])]
                    table.append([layer["outputs"][j], self.shows.weighted_sum(layer, x, j), *numbers])
                yield Grid(table, right=(2, 3))
                if self.neuron is not None and len(x) > MOST_TERMS:
                    yield ""
                    yield Grid(self.shows.terms(layer, x, self.neuron), right=(0, 2, 3, 4))
            else:
                table = []
                for j in shown:
                    columns = self._passed(layer, row, j)
                    table.append([layer["outputs"][j], *(self.shows.fixed(value) for value in columns.values())])
                yield Grid([["output", *columns], *table], right=range(1, len(table[0])))
        yield from self._left_out(layer)
        if dense and self.neuron is None and len(layer["inputs"]) > MOST_TERMS:
            yield f"--neuron {layer['index']}.{shown[0]} lists the products of a neuron"

    def _error(self) -> Iterator[Part]:
        error, document = self.document["error"], self.document
        yield Heading(f"ERROR  {member(error['loss'])}")
        yield from loss_rule(document)
        for row in self.rows:
            yield from self._row(row)
            columns = {name: error[key][row] for name, key in (("z", "logits"), ("ŷ", "predictions"), ("t", "targets"))}
            if error["in_units"] is not None and error["in_units"] != error["predictions"]:
                columns["ŷ in the file's units"] = error["in_units"][row]
            dz = error["dlogits"][row]
            chosen = sorted(largest(dz, MOST_NEURONS))
            table = [["output", *columns, "worked out", "dL/dz"]]
            for k in chosen:
                numbers = [self.shows.fixed(column[k]) for column in columns.values()]
                worked = slope(document, self.shows, row, k)
                table.append([document["outputs"][k], *numbers, worked, self.shows.fixed(dz[k])])
            yield Grid(table, right=(*range(1, len(columns) + 1), len(columns) + 2))
            yield from self._rest(len(document["outputs"]) - len(chosen), "output", "with smaller |dL/dz|")
            made = document["rows"][row]["targets_made"]
            for k in chosen:
                of = f"t of {document['outputs'][k]}" if len(set(made)) > 1 else "t"
                if made[k] != "as in the file" and (len(set(made)) > 1 or k == chosen[0]):
                    yield f"{of} = {self._made(made[k], error['targets'][row][k])}"
            yield from row_lines(document, self.shows, row)
        if len(self.rows) > 1:
            yield f"mean over the rows: {self.shows.fixed(sum(error['of_rows']) / len(self.rows))}"
        if error["penalty"]:
            yield f"penalties on the weights: {self.shows.fixed(error['penalty'])}"
        yield f"L = {self.shows.fixed(document['loss']['before'])}"

    def _backward(self, layer: Document) -> Iterator[Part]:
        backward, shown = layer["backward"], self.shown[layer["index"]]
        slope = layer["gradient"] if layer["activation"] is None else layer["activation"]["derivative"]
        yield Heading(f"{title(layer)}   {slope}", 2)
        behind = next((one for one in self.document["layers"] if one["index"] == layer["index"] + 1), None)
        for row in self.rows:
            yield from self._row(row)
            dy = backward["dy"][row]
            if "dz" in backward:
                table = [["neuron", f"dL/dy{_from(behind)}", "dL/dy", "f'(z)", "dL/dz = dL/dy · f'(z)"]]
                slope, dz = backward["slope"][row], backward["dz"][row]
                for j in shown:
                    numbers = [self.shows.fixed(value[j]) for value in (dy, slope, dz)]
                    table.append([layer["outputs"][j], self.shows.chain(behind, row, j), *numbers])
                if not any(line[1] for line in table[1:]):
                    table = [[line[0], *line[2:]] for line in table]
                    table[0][1] = f"dL/dy{_from(behind)}"
                yield Grid(table, right=range(len(table[0]) - 3, len(table[0])))
                summed = behind is not None and behind["activation"] is not None and len(behind["outputs"]) > MOST_TERMS
                if self.neuron is not None and behind is not None and summed:
                    yield ""
                    yield Grid(self.shows.chain_terms(behind, row, self.neuron), right=(0, 2, 3, 4))
            else:
                yield from self._handed_back(layer, row)
        yield from self._left_out(layer)
        if layer["parameters"]:
            yield ""
            ruled = any(one["applied"] != one["gradient"] for one in layer["parameters"].values())
            table = [["parameter", "of", "gradient of the data's loss" if ruled else "gradient", "from"]]
            places, left_out = self._parameters(layer)
            for name, place in places:
                value = self.shows.at(layer["parameters"][name]["gradient"], place)
                table.append(
                    [
                        parameter_name(layer, name, place),
                        parameter_of(layer, place),
                        self.shows.fixed(value),
                        self.shows.gradient(layer, name, place),
                    ]
                )
            yield Grid(table, right=(2,))
            yield from self._rest(left_out, "parameter", "with smaller gradients")

    def _passed(self, layer: Document, row: int, j: int) -> dict[str, float]:
        """What a layer without neurons makes of an input."""
        forward = layer["forward"]
        x, y = forward["x"][row][j], forward["y"][row][j]
        if layer["type"] == "dropout":
            return {"x": x, "mask": forward["mask"][row][j], "y": y}
        norm = Norm(layer, row, j)
        statistics = {"mean": norm.mean, "variance": norm.variance, "σ": norm.deviation}
        return {"x": x, **statistics, "x̂": forward["normalized"][row][j], "y": y}

    def _handed_back(self, layer: Document, row: int) -> Iterator[Part]:
        """dL/dx of a layer without neurons; of the first one nobody asks it."""
        shown, table = self.shown[layer["index"]], []
        for j in shown:
            cells = [layer["outputs"][j], self.shows.fixed(layer["backward"]["dy"][row][j])]
            if (dx := handed_back(self.document, layer, row, j)) is not None:
                cells += [handed_back_by(layer, self.shows, row, j), self.shows.fixed(dx)]
            table.append(cells)
        yield Grid([["output", "dL/dy", "worked out", "dL/dx"][: len(table[0])], *table], right=(1, 3))
        if layer["type"] != "dropout" and len(table[0]) > 2:
            for j in shown if layer["type"] == "batch_norm" else shown[:1]:
                of = f"{layer['outputs'][j]}: " if layer["type"] == "batch_norm" else ""
                yield f"{of}{', '.join(Norm(layer, row, j).means(self.shows))}"

    def _update(self) -> Iterator[Part]:
        update, document = self.document["update"], self.document
        yield Heading(f"UPDATE  {member(update['optimizer'], but='learning_rate')}")
        yield from rule(update, self.shows)
        rate = self.shows.constant(update["learning_rate"])
        yield f"step {update['number']} of the optimizer, learning rate lr = {rate}"
        learning = [layer for layer in self.layers if layer["parameters"]]
        for layer in learning:
            yield ""
            places, left_out = self._parameters(layer)
            table = []
            for name, place in places:
                columns = self._columns(layer, layer["parameters"][name])
                numbers = [self.shows.fixed(self.shows.at(array, place)) for array in columns.values()]
                table.append([parameter_name(layer, name, place), parameter_of(layer, place), *numbers])
            yield Grid([["parameter", "of", *columns], *table], right=range(2, 2 + len(columns)))
            yield from self._rest(left_out, "parameter", "with smaller gradients")
            if layer is learning[0]:
                name, place = places[0]
                one, letter = layer["parameters"][name], LETTER.get(name, name)
                yield f"worked out for {parameter_name(layer, name, place)}:"
                for words in (
                    *self.shows.applied(update, one, place, letter),
                    *self.shows.update(update, one, place, letter),
                ):
                    yield f"  {words}"
        loss = document["loss"]
        yield from ("", f"L before {self.shows.fixed(loss['before'])}, after {self.shows.fixed(loss['after'])}")

    def _columns(self, layer: Document, one: Document) -> dict[str, Any]:
        """What is shown of the step of a parameter; a moment from before it too, where there is but one."""
        columns = {"before": one["before"], "gradient": one["gradient"]}
        if any(other["applied"] != other["gradient"] for other in layer["parameters"].values()):
            columns["g"] = one["applied"]
        if len(one["optimizer"]) == 1:
            columns |= {f"{name} before": of["before"] for name, of in one["optimizer"].items()}
        columns |= {name: of["after"] for name, of in one["optimizer"].items()}
        return {**columns, **one["terms"], "step": one["step"], "after": one["after"]}

    # What is shown, and how

    def _neurons(self, layer: Document) -> list[int]:
        """Places of the neurons that are shown: the one that is asked for, or those with the largest errors."""
        if self.neuron is not None:
            return [self.neuron]
        errors = layer["backward"].get("dz", layer["backward"]["dy"])
        sizes = [max(abs(row[j]) for row in errors) for j in range(len(layer["outputs"]))]
        return sorted(largest(sizes, MOST_NEURONS))

    def _parameters(self, layer: Document) -> tuple[list[tuple[str, tuple[int, ...]]], int]:
        """Parameters of the neurons shown, and how many of the layer's are left out."""
        shown = self.shown[layer["index"]]
        places: list[tuple[str, tuple[int, ...]]] = []
        for name, one in layer["parameters"].items():
            gradient = one["gradient"]
            found: list[tuple[float, tuple[int, ...]]]
            if isinstance(gradient[0], list):
                found = [(abs(gradient[i][j]), (i, j)) for j in shown for i in range(len(gradient))]
            else:
                found = [(abs(gradient[j]), (j,)) for j in shown]
            if self.neuron is None and len(found) > MOST_INPUTS:
                found = sorted(found, key=lambda item: -item[0])[:FEW_WEIGHTS]
            places += [(name, place) for _, place in found]
        total = sum(
            len(one["gradient"]) * (len(one["gradient"][0]) if isinstance(one["gradient"][0], list) else 1)
            for one in layer["parameters"].values()
        )
        return places, 0 if self.neuron is not None else total - len(places)

    def _left_out(self, layer: Document) -> Iterator[Part]:
        if self.neuron is None:
            noun, error = ("neuron", "dL/dz") if layer["activation"] else ("output", "dL/dy")
            count = len(layer["outputs"]) - len(self.shown[layer["index"]])
            yield from self._rest(count, noun, f"with smaller |{error}|")

    def _made(self, how: str, value: float) -> str:
        return f"{how} = {self.shows.fixed(value)}" if is_arithmetic(how) else how

    def _rest(self, count: int, noun: str, which: str) -> Iterator[Part]:
        if count > 0:
            yield f"and {counted(count, noun)} {which}"

    def _row(self, row: int) -> Iterator[Part]:
        """Which row a table is of, where there are several."""
        if len(self.rows) > 1:
            yield f"row {self.document['rows'][row]['row']}"


def _from(behind: Document | None) -> str:
    if behind is None:
        return ""
    return f" = {'dL/dx' if behind['activation'] is None else 'Σ dL/dz · w'} of layer {behind['index']}"
