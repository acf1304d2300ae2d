"""`bpcli gradcheck`: gradients by backpropagation, compared with finite differences."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from bpcli.cli.console import notes, result, result_json, result_table
from bpcli.cli.options import AsJson, ConfigArgument, NoCache, Overrides
from bpcli.documents.table import Table
from bpcli.errors import GradientError
from bpcli.wording import counted, printable

if TYPE_CHECKING:
    from bpcli.inspection.gradient_report import CheckedLayer, GradientReport, WorstComparison


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
    from bpcli.inspection.gradient_report import GradientReport
    from bpcli.system.blas import BlasThreads

    with BlasThreads().single():
        prepared = open_experiment(
            config,
            overrides or (),
            cache=not no_cache,
            change=lambda config: config.model_copy(update={"dtype": "float64"}),
        )
        notes(prepared.notes)
        checked = check_gradient(prepared.plan, rows, prepared.config.seed if seed is None else seed)
    report = GradientReport.of(prepared, checked)
    if as_json:
        result_json(asdict(report))
    else:
        _print(report)
    if not report.passed:
        raise GradientError(_failure(report))


def _place(index: int | str) -> str:
    return f"layer {index}" if isinstance(index, int) else index


def _named(worst: WorstComparison) -> str:
    return f"{worst.parameter}  {worst.of or '(a direction)'}"


def _shown(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.3g}"


def _print(report: GradientReport) -> None:
    result(
        f"{report.name}: gradient of {report.loss.type} on {counted(report.rows, 'training row')}, "
        f"{counted(report.parameters, 'parameter')}, float64; compared: {report.method}"
    )
    for line in _where(report):
        result(line)
    result()
    result_table(_table(report))
    result()
    if smaller := sum(array.smaller_steps for array in report.arrays):
        result(f"{counted(smaller, 'comparison')} used a smaller step, near a kink or strong curvature")
    if undecided := sum(array.undecided for array in report.arrays):
        result(f"{counted(undecided, 'comparison')} undecided, at a kink: the gradient is between the one-sided slopes")
    if report.passed:
        zero = any(layer.gradient_is_zero for layer in report.layers)
        where = "; where the gradient is 0, try more --rows or another --seed" if zero else ""
        result(f"backpropagation agrees with central differences within {report.tolerance:g}{where}")


def _table(report: GradientReport) -> Table:
    """Table with the worst comparison of each layer, and the loss."""
    rows = []
    for layer in report.layers:
        kind = f"{layer.type}, {layer.activation}" if layer.activation else layer.type
        compared = sum(array.compared for array in layer.arrays)
        worst = max(layer.arrays, key=lambda array: array.badness).worst if layer.arrays else None
        cells = [_shown(worst.relative_error), _named(worst)] if worst else ["-", "-"]
        rows.append([str(layer.index), kind, f"{layer.parameters:,}", f"{compared:,}", *cells, _verdict(layer)])
    rows.append(["", f"loss, {report.loss.type}", "-", "-", "-", "-", "ok" if report.loss.passed else "WRONG"])
    header = ["layer", "type", "parameters", "compared", "relative error", "worst", "verdict"]
    return Table("Gradient", header, rows, right=(0, 2, 3, 4), most=len(rows))


def _verdict(layer: CheckedLayer) -> str:
    if layer.passed:
        return "gradient is 0 everywhere: nothing was checked" if layer.gradient_is_zero else "ok"
    if not layer.alone_passed:
        return "WRONG, also in isolation"
    return "WRONG" if any(array.verdict == "differs" for array in layer.arrays) else "undecided"


def _where(report: GradientReport) -> list[str]:
    """Notes on the parameters at which gradients are checked, and on layers with random or batch-dependent output."""
    from bpcli.checks.gradcheck import SPREAD

    types = {layer.type for layer in report.layers}
    lines = [f"at the initial parameters, each array randomly perturbed by {SPREAD:.0%} of its size"]
    if "dropout" in types:
        lines.append("dropout uses the first mask of training in every pass")
    if "batch_norm" in types:
        lines.append("batch_norm uses the mean and variance of these rows, as in training")
    return lines


def _failure(report: GradientReport) -> str:
    """One-line error: the worst parameter and the faulty layer, or the undecided comparisons."""
    arrays = [array for array in report.arrays if array.verdict != "agrees"]
    if not report.faults and all(array.verdict == "undecided" for array in arrays):
        return (
            f"{arrays[0].name}: every comparison is at a kink, where the gradient is undefined; try another --seed, or "
            "more --rows"
        )
    found = [
        f"{_place(layer.index)} ({layer.activation or layer.type})" for layer in report.layers if not layer.alone_passed
    ]
    if not report.loss.passed:
        found.append(f"the loss ({report.loss.type})")
    where = ", ".join(found) or "no single layer; check the penalties and how the layers are connected"
    if not any(array.verdict == "differs" for array in arrays):
        return f"the gradient of backpropagation is wrong; the fault is in {where}"
    worst = max(arrays, key=lambda array: array.badness).worst
    of = f" ({printable(worst.of)})" if worst.of else ""
    return (
        f"the gradient of backpropagation is wrong: {worst.parameter}{of} is {_shown(worst.backpropagation)} "
        f"by backpropagation, {_shown(worst.differences)} by central differences, a relative error of "
        f"{_shown(worst.relative_error)}; the fault is in {where}"
    )
