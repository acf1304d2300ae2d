"""Learning curves as a figure for print: readable in a column, in grey, and by the colour-blind."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING, Any

from bpcli.errors import UsageError
from bpcli.history.curves import SPLITS, Curves, Panel, split_of, wants_logarithm
from bpcli.wording import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

FORMATS = ("png", "pdf", "svg")

COLUMN = 3.5
"""Inches: the width of a column in most journals of two columns."""

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Without the yellow, the palette of Okabe and Ito (2002), "Color Universal Design", told apart by the colour-blind."""

GREY = "#666666"

BEST: dict[str, Any] = {"color": GREY, "linewidth": 0.8, "linestyle": ":"}
"""The line at the best epoch."""

MARKERS = "os^Dv<>P"
"""Of runs: with seven colours, 56 pairs before one comes again."""

ROUND = [factor * 10.0**power for power in range(-307, 308) for factor in (1, 2, 5)]
"""Values from one to another of which a logarithmic axis goes."""

MOST_LETTERS = 48
"""Of a label: what fits beside its line in a column."""

STYLE: dict[Any, Any] = {
    "font.size": 8,
    "legend.fontsize": 7,
    "legend.handlelength": 2.4,
    "legend.columnspacing": 1.2,
    "legend.frameon": False,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 3,
    "text.parse_math": False,  # a run may be called $x$
    "pdf.fonttype": 42,  # TrueType within the file, which publishers ask for
    "svg.hashsalt": "bpcli",  # or the names of elements would be drawn by chance
}


def require_matplotlib() -> None:
    """Raise UsageError where matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        raise UsageError('plot draws with matplotlib, which is not installed: pip install "backprop-cli[plot]"')


def learning_curves(
    runs: Sequence[Curves],
    panels: Sequence[Panel],
    size: tuple[float, float] | None = None,
    logarithmic: bool | None = None,
) -> Figure:
    """A figure of one panel over another, epochs along the x axis.

    size: width and height in inches. logarithmic: the axis of losses; left out, where they spread as wide as a report
    asks for.

    Raises:
        UsageError: a logarithmic axis was asked for, and no loss is above zero.
    """
    with _style():
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator

        figure = Figure(size or (COLUMN, 0.6 + 1.5 * len(panels)), layout="constrained")
        grid = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
        for panel, axes in zip(panels, grid, strict=True):
            _draw(axes, runs, panel)
            if panel.quantity == "loss":
                _scale(
                    axes, [value for run in runs for name in panel.names for value in run.points(name)[1]], logarithmic
                )
        grid[-1].set_xlabel("epoch")
        grid[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
        legend_height = _add_legend(figure, _keys(runs, panels))
        if size is None:
            figure.set_figheight(figure.get_figheight() + legend_height)
    return figure


def render(figure: Figure, form: str, dpi: int) -> tuple[bytes, list[str]]:
    """The figure as a file of one of FORMATS, the same bytes each time, and what matplotlib has to say of it."""
    dates = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
    out = BytesIO()
    with _style() as warned:
        figure.savefig(out, format=form, dpi=dpi, metadata=dates.get(form))
    return out.getvalue(), list(dict.fromkeys(str(warning.message) for warning in warned))


@contextmanager
def _style() -> Iterator[list[warnings.WarningMessage]]:
    """Matplotlib with STYLE over its own defaults, whatever a matplotlibrc says; the warnings that come meanwhile."""
    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield warned


def _draw(axes: Axes, runs: Sequence[Curves], panel: Panel) -> None:
    for index, run in enumerate(runs):
        for name in panel.names:
            if name not in run.names:
                continue
            epochs, values = run.points(name)
            look = _look(split_of(name), index if len(runs) > 1 else None)
            if len(runs) > 1:  # about eight markers, not on top of those of other runs
                step = max(1, len(epochs) // 8)
                look["markevery"] = (index % step, step)
            elif len(epochs) == 1:
                look["marker"] = "o"
            axes.plot(epochs, values, **look)
    if len(runs) == 1 and runs[0].best:
        axes.axvline(runs[0].best, **BEST)
    name = panel.names[0] if len(panel.names) == 1 else panel.quantity
    axes.set_ylabel(printable(name.replace("_", " ")))


def _look(split: str, run: int | None) -> dict[str, Any]:
    """Of one run, splits differ in colour and dashes; of several, runs in colour and marker and splits in dashes."""
    dashes = (0, (4, 1.5)) if split == "train" else "-"
    if run is None:
        return {"color": COLOURS[SPLITS.index(split) if split else 2], "linestyle": dashes}
    return {"color": COLOURS[run % len(COLOURS)], "marker": MARKERS[run % len(MARKERS)], "linestyle": dashes}


def _keys(runs: Sequence[Curves], panels: Sequence[Panel]) -> list[tuple[str, Line2D]]:
    """The entries of the legend: the runs where there are several, and the splits that are drawn."""
    from matplotlib.lines import Line2D

    drawn = {split_of(name) for panel in panels for name in panel.names}
    splits = [split for split in SPLITS if split in drawn]
    if len(runs) == 1:
        keys = [(_called(split), Line2D([], [], **_look(split, None))) for split in splits]
        best = runs[0].best
        return [*keys, (f"best epoch, {best}", Line2D([], [], **BEST))] if best else keys
    keys = [(run.label, Line2D([], [], **_look("", index))) for index, run in enumerate(runs)]
    if len(splits) > 1:
        keys += [(_called(split), Line2D([], [], **{**_look(split, None), "color": GREY})) for split in splits]
    return keys


def _add_legend(figure: Figure, keys: Sequence[tuple[str, Line2D]]) -> float:
    """Above all panels, where it covers no curve, in as many columns as there is room for; its height in inches."""
    labels = [printable(label if len(label) <= MOST_LETTERS else label[: MOST_LETTERS - 1] + "…") for label, _ in keys]
    for columns in range(len(keys), 0, -1):
        legend = figure.legend([line for _, line in keys], ["-"] * len(keys), loc="outside upper left", ncols=columns)
        for text, label in zip(legend.get_texts(), labels, strict=True):
            text.set_text(label)  # one that begins with an underscore would be left out if it was given at once
        extent = legend.get_window_extent()
        if columns == 1 or extent.width <= figure.bbox.width:
            return extent.height / figure.dpi
        legend.remove()
    return 0.0


def _called(split: str) -> str:
    return "training" if split == "train" else split


def _scale(axes: Axes, values: Sequence[float], logarithmic: bool | None) -> None:
    """A logarithmic axis from one round value to another, where it is wanted."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    if not (wants_logarithm(values) if logarithmic is None else logarithmic):
        return
    positive = [value for value in values if value > 0]
    if not positive:
        raise UsageError("--log: no loss is above zero, so none has a logarithm")
    low, high = min(positive), max(positive)
    bottom = max(mark for mark in ROUND if mark <= low)
    axes.set_yscale("log", nonpositive="mask")
    axes.set_ylim(bottom, min(mark for mark in ROUND if mark >= high and mark > bottom))
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
