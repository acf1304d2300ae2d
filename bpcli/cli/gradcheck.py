"""`bpcli gradcheck`: backpropagation held against differences."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bpcli.cli.console import aligned, note, result, result_json
from bpcli.cli.options import AsJson, ConfigArgument, NoCache, Overrides
from bpcli.errors import GradientError
from bpcli.wording import counted, printable

if TYPE_CHECKING:
    from bpcli.checks.gradcheck import ArrayCheck, GradientCheck
    from bpcli.experiment.prepare import Prepared


def gradcheck(
    config: ConfigArgument,
    overrides: Overrides = None,
    rows: Annotated[int, typer.Option(min=1, metavar="N", help="Training rows to use, the first of epoch 1.")] = 16,
    seed: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Seed of rows, directions and parameters (default: the config's)."),
    ] = None,
    no_cache: NoCache = False,
    as_json: AsJson = False,
) -> None:
    """Check the gradients of your network by finite differences.

    In float64, near the initial parameters. Networks of up to 4,096 parameters are compared with central differences
    parameter by parameter, larger ones along random directions. Exits with code 6 where they do not agree.

    Example: bpcli gradcheck configs/penguins.yaml
    """
    from bpcli.checks.gradcheck import check_gradient
    from bpcli.experiment.opening import open_experiment
    from bpcli.system.blas import BlasThreads

    with BlasThreads().single():
        prepared = open_experiment(
            config,
            overrides or (),
            cache=not no_cache,
            change=lambda config: config.model_copy(update={"dtype": "float64"}),
        )
        for line in prepared.notes:
            note(line)
        checked = check_gradient(prepared.plan, rows, prepared.config.seed if seed is None else seed)
    document = describe(prepared, checked)
    if as_json:
        result_json(document)
    else:
        _print(document)
    if not checked.passed:
        raise GradientError(_failure(document))


def describe(prepared: Prepared, checked: GradientCheck) -> dict[str, Any]:
    """What came of a check, as plain data; of a trained stem, `index` is its name."""
    from bpcli.checks.finite_difference import TOLERANCE
    from bpcli.nn.named_layers import named_layers
    from bpcli.spec import type_name

    layers = []
    for named in named_layers(prepared.network):
        layer = named.layer.summary()
        arrays = [array for array in checked.arrays if array.name.rpartition(".")[0] == named.name]
        alone = named.key not in checked.faults
        layers.append(
            {
                "index": named.key,
                "type": layer.type,
                "activation": layer.activation,
                "parameters": layer.parameters,
                "passed": alone and all(array.passed for array in arrays),
                "alone_passed": alone,
                "gradient_is_zero": bool(arrays) and all(array.flat and array.passed for array in arrays),
                "arrays": [_array(prepared, array) for array in arrays],
            }
        )
    return {
        "name": prepared.config.name,
        "rows": checked.rows,
        "parameters": prepared.network.layout.size,
        "method": "every parameter" if checked.every else "random directions",
        "tolerance": TOLERANCE,
        "passed": checked.passed,
        "layers": layers,
        "loss": {"type": type_name(prepared.plan.loss), "passed": "loss" not in checked.faults},
        "faults": list(checked.faults),
        "notes": prepared.notes,
    }


def _array(prepared: Prepared, array: ArrayCheck) -> dict[str, Any]:
    from bpcli.models.feature_names import Names

    derivative, name, of = array.worst.derivative, array.name, None
    if array.worst.of_one:
        names = Names.of(prepared.network, prepared.preprocessor)
        name, of = names.parameter(prepared.network, array.worst.start)
    return {
        "name": array.name,
        "compared": array.compared,
        "smaller_steps": array.finer,
        "undecided": array.undecided,
        "verdict": array.verdict,
        "worst": {
            "parameter": name,
            "of": of,
            "backpropagation": _finite(derivative.claimed),
            "differences": _finite(derivative.measured),
            "relative_error": _finite(derivative.error),
            "step": derivative.step,
        },
    }


def _place(index: int | str) -> str:
    return f"layer {index}" if isinstance(index, int) else index


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


def _badness(array: dict[str, Any]) -> tuple[bool, float]:
    error = array["worst"]["relative_error"]
    return array["verdict"] == "differs", float("inf") if error is None else error


def _named(worst: dict[str, Any]) -> str:
    return f"{worst['parameter']}  {worst['of'] or '(a direction)'}"


def _shown(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.3g}"


def _print(document: dict[str, Any]) -> None:
    result(
        f"{document['name']}: gradient of {document['loss']['type']} on {counted(document['rows'], 'training row')}, "
        f"{counted(document['parameters'], 'parameter')}, float64; compared: {document['method']}"
    )
    for line in _where(document):
        result(line)
    result()
    lines = [["layer", "type", "parameters", "compared", "relative error", "worst", "verdict"]]
    for layer in document["layers"]:
        kind = f"{layer['type']}, {layer['activation']}" if layer["activation"] else layer["type"]
        differs = any(array["verdict"] == "differs" for array in layer["arrays"])
        failed = "WRONG, by itself too" if not layer["alone_passed"] else "WRONG" if differs else "undecided"
        passed = "gradient is 0 everywhere: nothing was checked" if layer["gradient_is_zero"] else "ok"
        verdict = passed if layer["passed"] else failed
        compared = sum(array["compared"] for array in layer["arrays"])
        worst = max(layer["arrays"], key=_badness)["worst"] if layer["arrays"] else None
        cells = [_shown(worst["relative_error"]), _named(worst)] if worst else ["-", "-"]
        lines.append([str(layer["index"]), kind, f"{layer['parameters']:,}", f"{compared:,}", *cells, verdict])
    verdict = "ok" if document["loss"]["passed"] else "WRONG"
    lines.append(["", f"loss, {document['loss']['type']}", "-", "-", "-", "-", verdict])
    for line in aligned(lines, right=(0, 2, 3, 4)):
        result(line)
    arrays = [array for layer in document["layers"] for array in layer["arrays"]]
    result()
    if smaller := sum(array["smaller_steps"] for array in arrays):
        result(f"{counted(smaller, 'comparison')} took a smaller step: a kink, or strong curvature, was near")
    if undecided := sum(array["undecided"] for array in arrays):
        result(f"{counted(undecided, 'comparison')} undecided: at a kink, with a slope between those on its sides")
    if document["passed"]:
        zero = any(layer["gradient_is_zero"] for layer in document["layers"])
        where = "; where the gradient is 0, try more --rows or another --seed" if zero else ""
        result(f"backpropagation agrees with central differences, to {document['tolerance']:g}{where}")


def _where(document: dict[str, Any]) -> list[str]:
    """At which parameters the gradient is taken, and what layers do there that do not always do the same."""
    from bpcli.checks.gradcheck import SPREAD

    types = {layer["type"] for layer in document["layers"]}
    lines = [f"at the initial parameters, each array moved at random by {SPREAD:.0%} of its size"]
    if "dropout" in types:
        lines.append("dropout takes one draw of what it drops, the first of training, for every pass")
    if "batch_norm" in types:
        lines.append("batch_norm takes the mean and variance of these rows, as in training")
    return lines


def _failure(document: dict[str, Any]) -> str:
    """One line: the worst parameter and where the fault is, or what could not be decided."""
    arrays = [array for layer in document["layers"] for array in layer["arrays"] if array["verdict"] != "agrees"]
    if not document["faults"] and all(array["verdict"] == "undecided" for array in arrays):
        return (
            f"{arrays[0]['name']}: every comparison is at a kink, where there is no gradient to compare with; "
            "try another --seed, or more --rows"
        )
    found = [
        f"{_place(layer['index'])} ({layer['activation'] or layer['type']})"
        for layer in document["layers"]
        if not layer["alone_passed"]
    ]
    if not document["loss"]["passed"]:
        found.append(f"the loss ({document['loss']['type']})")
    where = ", ".join(found) or "no layer by itself; look at penalties, and at what joins the layers"
    if not any(array["verdict"] == "differs" for array in arrays):
        return f"backpropagation does not give the gradient; the fault is in {where}"
    worst = max(arrays, key=_badness)["worst"]
    of = f" ({printable(worst['of'])})" if worst["of"] else ""
    return (
        f"backpropagation does not give the gradient: {worst['parameter']}{of} is {_shown(worst['backpropagation'])} "
        f"by backpropagation, {_shown(worst['differences'])} by differences, a relative error of "
        f"{_shown(worst['relative_error'])}; the fault is in {where}"
    )
