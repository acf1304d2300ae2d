"""What the parts of a traced step are called: rows, layers and parameters, the rules of its loss and optimizer."""

from __future__ import annotations

from collections.abc import Sequence

from bpcli.tracing.arithmetic import Arithmetic, Document
from bpcli.tracing.loss import PER_ROW
from bpcli.tracing.norms import Norm
from bpcli.wording import counted

MOST_INPUTS = 16
"""Inputs of a row that are shown, those that are furthest from 0; and weights of a layer up to which all are."""

FOLDED = {"softmax": "softmax", "σ": "the sigmoid", "exp": "exp"}
"""What turns logits into predictions within a loss, by its sign in formulas."""

LETTER = {"weight": "w", "bias": "b"}
"""What a parameter is called in a formula; others go by their names."""


def opening(document: Document) -> str:
    """Of what a trace is: its rows, and where the step begins."""
    numbers = ", ".join(str(row["row"]) for row in document["rows"])
    return (
        f"{document['name']}: a training step on {'row' if len(document['rows']) == 1 else 'rows'} {numbers}, "
        f"from {document['source']}, after {counted(document['epoch'], 'epoch')}, {document['dtype']}"
    )


def row_in_file(row: Document, shows: Arithmetic) -> str:
    """A row in the words of its file."""
    in_file = ", ".join(f"{name} {value or '(missing)'}" for name, value in list(row["columns"].items())[:MOST_INPUTS])
    more = len(row["columns"]) - MOST_INPUTS
    target = ", ".join(f"{name} {value}" for name, value in row["target"].items())
    weight = "" if row["weight"] == 1.0 else f", weight {shows.short(row['weight'])}"
    in_file += f" and {more} more" if more > 0 else ""
    return f"row {row['row']} ({row['split']}): {in_file}; target {target}{weight}"


def loss_rule(document: Document) -> list[str]:
    """What the loss computes, of which its slope by the logits is a part."""
    error = document["error"]
    over = ["the rows"] if len(document["rows"]) > 1 else []
    over += ["the outputs"] if len(document["outputs"]) > 1 and error["loss"]["type"] not in PER_ROW else []
    parts = len(document["rows"]) * (len(document["outputs"]) if "the outputs" in over else 1)
    mean = f"; L is the mean over {' and '.join(over)}, so this is divided by {parts}" if over else ""
    lines = [f"{error['link']}, t the target; loss {error['formula']}", f"dL/dz = {error['gradient']}{mean}"]
    link = error["link"].removeprefix("ŷ = ").partition("(")[0]
    if link in FOLDED:
        lines.append(
            f"{FOLDED[link]} belongs to the loss: the last layer puts out z, and dL/dz is the slope through both"
        )
    return lines


def rule(update: Document, shows: Arithmetic) -> list[str]:
    """The optimizer's rule, after what penalties and bounds make of the gradient of the data's loss."""
    penalty, clip = update["penalty"], update["clip"]
    lines = []
    if penalty["l1"] or penalty["l2"]:
        terms = [f"{name} · {of}" for name, of in (("l2", "w"), ("l1", "sign of w")) if penalty[name]]
        numbers = ", ".join(f"{name} = {shows.constant(penalty[name])}" for name in ("l2", "l1") if penalty[name])
        lines.append(f"weights: g = dL/dw + {' + '.join(terms)}, {numbers}; other parameters: g = gradient")
    if clip["value"] is not None:
        lines.append(f"each g is kept between -{shows.constant(clip['value'])} and {shows.constant(clip['value'])}")
    if clip["norm"] is not None:
        norm, bound, factor = shows.short(update["gradient_norm"]), clip["norm"], update["clip_factor"]
        if factor == 1.0:
            lines.append(f"norm of the whole gradient {norm}, within the bound {shows.constant(bound)}")
        else:
            lines.append(
                "g ← g · clip factor, clip factor = bound / norm of the whole gradient = "
                f"{shows.constant(bound)} / {norm} = {shows.fixed(factor)}"
            )
    lines += [f"{name} ← {right}" for name, right in update["equations"]]
    if update["decayed"] is not None:
        name, right = update["decayed"]
        lines[-1:] = [f"{name} ← {right} for weights", f"{lines[-1]} for other parameters"]
    others = {name: value for name, value in update["constants"].items() if name != "lr"}
    if others:
        lines.append(", ".join(f"{name} = {shows.constant(value)}" for name, value in others.items()))
    return lines


def member(spec: Document, but: str = "") -> str:
    """A loss or an optimizer with its options, but for those that are off."""
    options = ", ".join(f"{name} {value}" for name, value in spec.items() if name not in ("type", but) and value)
    return f"{spec['type']} ({options})" if options else str(spec["type"])


def title(layer: Document) -> str:
    """Which layer it is, and of what kind."""
    kind = layer["type"] if layer["activation"] is None else f"{layer['type']}, {layer['activation']['type']}"
    return f"layer {layer['index']}: {kind}"


def handed_back(document: Document, layer: Document, row: int, j: int) -> float | None:
    """dL/dx of a layer without neurons, which is dL/dy of the one before it."""
    if layer["activation"] is not None or not layer["index"]:
        return None
    return float(document["layers"][layer["index"] - 1]["backward"]["dy"][row][j])


def handed_back_by(layer: Document, shows: Arithmetic, row: int, j: int) -> str:
    """How that is worked out."""
    if layer["type"] == "dropout":
        return shows.products([layer["backward"]["dy"][row][j]], [layer["forward"]["mask"][row][j]])
    return Norm(layer, row, j).handed_back(shows)


def largest(values: Sequence[float], count: int) -> list[int]:
    """Places of the largest by size, in their order; all where there are no more than that."""
    places = sorted(range(len(values)), key=lambda place: -abs(values[place]))[:count]
    return sorted(places)


def parameter_name(layer: Document, name: str, place: tuple[int, ...]) -> str:
    """A parameter by its layer, its kind and its place."""
    return f"layers.{layer['index']}.{name}[{', '.join(map(str, place))}]"


def parameter_of(layer: Document, place: tuple[int, ...]) -> str:
    """The neuron whose parameter it is, or what a weight leads from and to."""
    of = layer["outputs"][place[-1]]
    return of if len(place) == 1 else f"{layer['inputs'][place[0]]} → {of}"
