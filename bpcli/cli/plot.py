"""`bpcli plot`: learning curves as a figure for print."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bpcli.cli.console import note, result_path
from bpcli.cli.options import Force, RunsArgument, RunsOption, all_of
from bpcli.cli.output import require_free
from bpcli.errors import UsageError
from bpcli.wording import listed, printable, quoted

INCHES = (1.0, 30.0)
"""Minimum and maximum side length of a figure."""


def plot(
    runs: RunsArgument = None,
    more: RunsOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Output file: PNG, PDF or SVG by its suffix. Required.")
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Metric to plot, such as loss, accuracy or validation_loss; repeatable (default: all monitored).",
        ),
    ] = None,
    logarithmic: Annotated[
        bool | None,
        typer.Option("--log/--no-log", help="Scale of the loss axis (default: logarithmic if the losses spread)."),
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="Width and height in inches (default: 3.5 wide, one column).")
    ] = None,
    dpi: Annotated[int, typer.Option(min=50, max=600, metavar="N", help="Resolution of a PNG.")] = 300,
    force: Force = False,
) -> None:
    """Plot the learning curves of runs, for print.

    Fonts are embedded, colours work in grey, and the same runs give the same bytes. Requires the extra plot.

    Example: bpcli plot runs/small runs/large -o curve.pdf
    """
    import logging

    from bpcli.history.curves import panels_of, read_curves
    from bpcli.history.plot import FORMATS, learning_curves, render, require_matplotlib
    from bpcli.system.files import write_output

    paths = all_of(runs, more)
    if output is None:
        raise UsageError("Missing option '--output', a file whose suffix is .png, .pdf or .svg")
    form = output.suffix.removeprefix(".").lower()
    if form not in FORMATS:
        suffixes = ", ".join(f".{form}" for form in FORMATS)
        raise UsageError(
            f"--output {printable(str(output))}: the suffix selects the file format; use one of {suffixes}"
        )
    inches = _inches(size) if size is not None else None
    require_free(output, force)
    require_matplotlib()
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # silences its warning about an unwritable font cache
    curves = read_curves(paths)
    panels = panels_of(curves, metric or ())
    losses = _losses(paths) if any(panel.quantity == "loss" for panel in panels) else []
    if len(losses) > 1:
        note(f"different loss functions on one axis, whose values cannot be compared: {listed(losses)}")
    content, remarks = render(learning_curves(curves, panels, inches, logarithmic), form, dpi)
    for line in remarks:
        note(line)
    write_output(output, content)
    result_path(str(output))


def _losses(runs: Sequence[Path]) -> list[str]:
    """Types of the losses of runs, if their configs can be read."""
    from bpcli.storage.flat_config import FlatConfigs
    from bpcli.storage.run_directory import RunDirectory

    configs = FlatConfigs()
    types = (configs.read(RunDirectory(path)).get("loss.type") for path in runs)
    return list(dict.fromkeys(str(name) for name in types if name is not None))


def _inches(size: str) -> tuple[float, float]:
    """Parse width and height. Raises UsageError for invalid sizes."""
    sides = re.fullmatch(r"(\d+(?:\.\d+)?)x(\d+(?:\.\d+)?)", size)
    low, high = INCHES
    if sides is None or not all(low <= float(side) <= high for side in sides.groups()):
        raise UsageError(f"--size {quoted(size)}: give width and height in inches, {low:g} to {high:g}, as in 3.5x2.5")
    return float(sides[1]), float(sides[2])
