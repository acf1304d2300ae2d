"""`bpcli check --learning-rate`: range test as a chart and in words."""

from __future__ import annotations

import shutil
import sys
from math import isfinite, log
from typing import TYPE_CHECKING, Any

from bpcli.cli.console import result, result_json
from bpcli.cli.terminal_chart import Glyphs, draw
from bpcli.wording import counted, printable

if TYPE_CHECKING:
    from bpcli.checks.learning_rate_range import RangeTest
    from bpcli.documents.json_value import Json
    from bpcli.experiment.prepared import Prepared

RULE = "the geometric mean of the bounds of the range in which the loss falls (Smith 2017, section 3.3)"

CHART_ROWS, MOST_COLUMNS = 10, 100

ABOVE_START = 1.25
"""Upper end of the chart, relative to the initial loss; higher losses only show divergence."""


def show_range_test(prepared: Prepared, as_json: bool) -> None:
    """Run the range test and print its result."""
    from bpcli.checks.learning_rate_range import try_rates
    from bpcli.system.blas import BlasThreads
    from bpcli.system.threads import available_cores

    with BlasThreads().single():
        tried = try_rates(prepared.plan, available_cores())
    if as_json:
        result_json(describe(prepared, tried))
        return
    plan = prepared.plan
    result(
        f"{printable(prepared.config.name)}: {counted(len(tried.points), 'step')} of {_type(plan.optimizer)} on "
        f"{counted(plan.batch_size, 'row')} each, at rates from {tried.points[0].learning_rate:.3g} to "
        f"{tried.points[-1].learning_rate:.3g}"
    )
    result()
    # stderr has the terminal's encoding, whereas stdout is always UTF-8.
    for line in curve(tried, min(shutil.get_terminal_size().columns, MOST_COLUMNS), Glyphs.of(sys.stderr.encoding)):
        result(line)
    for line in words(tried):
        result(line)


def describe(prepared: Prepared, tried: RangeTest) -> dict[str, Json]:
    """Result of a range test as a JSON object; losses that are not finite are null."""
    return {
        "name": prepared.config.name,
        "optimizer": _type(prepared.plan.optimizer),
        "batch_size": prepared.plan.batch_size,
        "configured": tried.configured,
        "start_loss": tried.start,
        "falls_from": tried.falls_from,
        "falls_to": tried.falls_to,
        "lowest": tried.lowest,
        "diverges": tried.diverges,
        "suggested": tried.suggested,
        "rule": RULE,
        "within": tried.within,
        "points": [
            {"learning_rate": p.learning_rate, "loss": _finite(p.loss), "smoothed": _finite(p.smoothed)}
            for p in tried.points
        ],
        "notes": prepared.notes,
        "warnings": [warning.text for warning in prepared.warnings],
        "data_warnings": prepared.all_warnings,
    }


def curve(tried: RangeTest, width: int, glyphs: Glyphs) -> list[str]:
    """Chart of the smoothed loss over the logarithmic learning rate; empty if the terminal is too narrow."""
    from bpcli.checks.learning_rate_range import times

    top = min(times(ABOVE_START, tried.start), sys.float_info.max)
    losses = [min(point.smoothed, top) for point in tried.points]
    drawing = draw([(loss, loss) for loss in losses], (), width, CHART_ROWS, glyphs)
    if drawing is None:
        return []
    first, last = tried.points[0].learning_rate, tried.points[-1].learning_rate
    marks, legend = [" "] * drawing.columns, []
    for mark, name, rate in (("*", "suggested", tried.suggested), ("^", "configured", tried.configured)):
        if rate is not None and first <= rate <= last != first:
            marks[round(log(rate / first) / log(last / first) * (drawing.columns - 1))] = mark
            legend.append(f"{mark} {name}, {rate:.3g}")
    axis, ends = drawing.axis(f"{first:.3g}", f"{last:.3g}", glyphs)
    scales = "both axes logarithmic" if drawing.logarithmic else "rates on a logarithmic axis"
    return [
        *drawing.lines,
        axis,
        " " * drawing.start + "".join(marks).rstrip(),
        ends,
        "",
        "; ".join([f"loss by learning rate, {scales}", *legend]),
        "",
    ]


def words(tried: RangeTest) -> list[str]:
    """Conclusions on the learning rate, as lines."""
    configured, last = f"{tried.configured:.3g}", tried.points[-1].learning_rate
    if tried.diverges is None:
        ends = f"does not exceed its initial value, {tried.start:.3g}, up to a rate of {last:.3g}"
    else:
        ends = (
            f"exceeds its initial value, {tried.start:.3g}, from a rate of {tried.diverges:.3g} on: training diverges"
        )
    if tried.falls_from is None or tried.falls_to is None or tried.suggested is None:
        return [f"the loss does not fall noticeably at any rate, and {ends}"]
    lines = [
        f"the loss falls at rates from {tried.falls_from:.3g} to {tried.falls_to:.3g}, and {ends}",
        f"suggested: learning_rate {tried.suggested:.3g}, {RULE}",
    ]
    if tried.within:
        lines.append(f"configured: learning_rate {configured}, within that range")
    elif tried.configured < tried.falls_from:
        lines.append(f"configured: learning_rate {configured}, below that range: training will be slow")
    elif tried.diverges is not None and tried.configured >= tried.diverges:
        lines.append(f"configured: learning_rate {configured}, at which training diverges")
    else:
        lines.append(f"configured: learning_rate {configured}, above that range: training may not settle")
    return lines


def _type(spec: Any) -> str:
    from bpcli.spec import type_name

    return type_name(spec)


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None
