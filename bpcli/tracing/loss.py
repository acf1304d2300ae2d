"""How the loss of a row and its slopes are worked out."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, log1p

from bpcli.tracing.arithmetic import Arithmetic, Document, is_arithmetic

PER_ROW = ("cross_entropy", "hinge")
"""Losses that a row has one of; of the others each output has one."""


def loss_lines(document: Document, shows: Arithmetic, row: int, k: int) -> Iterator[str]:
    """One output of a row: its prediction, its loss where it has one of its own, and dL/dz."""
    error = document["error"]
    loss, short, factor, fixed = error["loss"], shows.short, shows.factor, shows.fixed
    z, y, t, dz = (error[name][row][k] for name in ("logits", "predictions", "targets", "dlogits"))
    kind = loss["type"]
    if kind == "cross_entropy":
        yield f"ŷ = exp({short(z)}) / Σ exp(z) = {fixed(y)}"
    elif loss.get("link") == "sigmoid" or kind == "binary_cross_entropy":
        yield f"ŷ = sigmoid({short(z)}) = {fixed(y)}"
    elif kind == "poisson":
        yield f"ŷ = exp({short(z)}) = {fixed(y)}"
    else:
        yield f"ŷ = z = {fixed(y)}"
    made = document["rows"][row]["targets_made"][k]
    yield f"target t = {made} = {fixed(t)}" if is_arithmetic(made) else f"target t = {fixed(t)}: {made}"
    if error["in_units"] is not None and error["in_units"] != error["predictions"]:
        yield f"ŷ in the units of the file = {fixed(error['in_units'][row][k])}"
    if kind == "mse":
        yield f"(ŷ - t)² = ({short(y)} - {factor(t)})² = {fixed((y - t) ** 2)}"
    elif kind == "binary_cross_entropy":
        value = max(z, 0.0) + log1p(exp(-abs(z))) - t * z
        yield "-t log ŷ - (1 - t) log(1 - ŷ) = log(1 + exp(z)) - t · z"
        yield f"= log(1 + exp({short(z)})) - {factor(t)} · {factor(z)} = {fixed(value)}"
    yield f"dL/dz = {slope(document, shows, row, k)} = {fixed(dz)}"


def row_lines(document: Document, shows: Arithmetic, row: int) -> Iterator[str]:
    """The loss of a row."""
    error, names = document["error"], document["outputs"]
    loss, value = error["loss"], shows.fixed(error["of_rows"][row])
    weight = document["rows"][row]["weight"]
    times = "" if weight == 1.0 else f"{shows.short(weight)} · "
    targets, predictions = error["targets"][row], error["predictions"][row]
    if loss["type"] == "cross_entropy" and not loss["label_smoothing"] and sorted(targets)[-1] == sum(targets) == 1.0:
        true = targets.index(1.0)
        worked = f"{times}-log({shows.short(predictions[true])})"
        yield f"loss of the row = {times}-log ŷ of {names[true]} = {worked} = {value}"
    elif loss["type"] == "mse":
        pairs = zip(predictions, targets, strict=True)
        terms = " + ".join(f"({shows.short(y)} - {shows.factor(t)})²" for y, t in pairs)
        worked = f"({terms}) / {len(names)}" if len(names) > 1 else terms
        yield f"loss of the row = {times}{worked if len(names) <= 4 else 'the mean over the outputs'} = {value}"
    else:
        yield f"loss of the row = {value}"


def slope(document: Document, shows: Arithmetic, row: int, k: int) -> str:
    """dL/dz of an output, written out: the slope of its loss, times its row's weight, over what L is the mean of."""
    weight = document["rows"][row]["weight"]
    parts = len(document["rows"]) * (1 if document["error"]["loss"]["type"] in PER_ROW else len(document["outputs"]))
    times = ("" if weight == 1.0 else f" · {shows.short(weight)}") + ("" if parts == 1 else f" / {parts}")
    return f"{_slope(document, shows, row, k)}{times}"


def _slope(document: Document, shows: Arithmetic, row: int, k: int) -> str:
    """Of one output alone, that of the case it is in."""
    error = document["error"]
    loss, short, factor, constant = error["loss"], shows.short, shows.factor, shows.constant
    y, t = error["predictions"][row][k], error["targets"][row][k]
    kind, apart = loss["type"], f"({short(y)} - {factor(t)})"
    sign = (y > t) - (y < t)
    if kind == "mse":
        link = f" · {factor(y)} · (1 - {factor(y)})" if loss["link"] == "sigmoid" else ""
        return f"2 · {apart}{link}"
    if kind == "mae":
        return str(sign)
    if kind == "huber" and abs(y - t) > loss["delta"]:
        return f"{'-' if y < t else ''}{constant(loss['delta'])}"
    if kind == "quantile":
        q = constant(loss["quantile"])
        return {1: f"(1 - {q})", -1: f"-{q}", 0: f"(0.5 - {q})"}[sign]
    if kind == "cross_entropy" and loss["label_smoothing"]:
        smoothing = constant(loss["label_smoothing"])
        return f"({short(y)} - ((1 - {smoothing}) · {short(t)} + {smoothing} / {len(document['outputs'])}))"
    if kind == "hinge":
        if len(document["outputs"]) == 1:
            s = 1 if t else -1
            return str(-s) if s * y < 1 else "0"
        behind = [z + 1.0 - of for z, of in zip(error["predictions"][row], error["targets"][row], strict=True)]
        share = 1.0 / behind.count(max(behind)) if behind[k] == max(behind) else 0.0
        return f"({short(share)} - {short(t)})"
    return apart
