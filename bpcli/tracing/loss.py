"""How the loss of a row and its slopes are worked out, for the losses that can be written in a line."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, log1p

from bpcli.tracing.account import PER_ROW
from bpcli.tracing.arithmetic import Arithmetic, Document


def loss_lines(document: Document, shows: Arithmetic, row: int, k: int) -> Iterator[str]:
    """One output of a row: its prediction, its loss where it has one of its own, and dL/dz."""
    error = document["error"]
    loss, short, factor, fixed = error["loss"], shows.short, shows.factor, shows.fixed
    z, y, t, dz = (error[name][row][k] for name in ("logits", "predictions", "targets", "dlogits"))
    kind = loss["type"]
    if kind == "cross_entropy":
        yield f"y = exp({short(z)}) / Σ exp(z) = {fixed(y)}"
    elif loss.get("link") == "sigmoid" or kind == "binary_cross_entropy":
        yield f"y = sigmoid({short(z)}) = {fixed(y)}"
    elif kind == "poisson":
        yield f"y = exp({short(z)}) = {fixed(y)}"
    else:
        yield f"y = z = {fixed(y)}"
    yield f"target t = {fixed(t)}"
    if error["in_units"] is not None and error["in_units"] != error["predictions"]:
        yield f"prediction in its units = {fixed(error['in_units'][row][k])}"
    if kind == "mse":
        yield f"(y - t)² = ({short(y)} - {factor(t)})² = {fixed((y - t) ** 2)}"
    elif kind == "binary_cross_entropy":
        value = max(z, 0.0) + log1p(exp(-abs(z))) - t * z
        yield f"log(1 + exp(z)) - t · z = log(1 + exp({short(z)})) - {factor(t)} · {factor(z)} = {fixed(value)}"
    slope = _slope(document, shows, row, k)
    yield f"dL/dz = {f'{slope} = ' if slope else ''}{fixed(dz)}"


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
        yield f"loss of the row = {times}-log y of {names[true]} = {worked} = {value}"
    elif loss["type"] == "mse":
        pairs = zip(predictions, targets, strict=True)
        terms = " + ".join(f"({shows.short(y)} - {shows.factor(t)})²" for y, t in pairs)
        worked = f"({terms}) / {len(names)}" if len(names) > 1 else terms
        yield f"loss of the row = {times}{worked if len(names) <= 4 else 'the mean over the outputs'} = {value}"
    else:
        yield f"loss of the row = {value}"


def _slope(document: Document, shows: Arithmetic, row: int, k: int) -> str:
    """dL/dz of an output, written out; nothing for losses whose slope has cases."""
    error = document["error"]
    loss, short, factor = error["loss"], shows.short, shows.factor
    y, t = error["predictions"][row][k], error["targets"][row][k]
    weight = document["rows"][row]["weight"]
    parts = len(document["rows"]) * (1 if loss["type"] in PER_ROW else len(document["outputs"]))
    times = ("" if weight == 1.0 else f" · {short(weight)}") + ("" if parts == 1 else f" / {parts}")
    apart = f"({short(y)} - {factor(t)})"
    if loss["type"] == "mse":
        link = f" · {factor(y)} · (1 - {factor(y)})" if loss["link"] == "sigmoid" else ""
        return f"2 · {apart}{link}{times}"
    if loss["type"] in ("binary_cross_entropy", "poisson") or (
        loss["type"] == "cross_entropy" and not loss["label_smoothing"]
    ):
        return f"{apart}{times}"
    return ""
