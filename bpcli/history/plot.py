"""Learning curves as a figure for print: legible at column width, in greyscale, and with colour blindness."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeAlias

from bpcli.errors import UsageError
from bpcli.history.curves import SPLITS, Curves, Panel, split_of, suits_logarithmic_axis
from bpcli.wording import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

FORMATS = ("png", "pdf", "svg")

COLUMN = 3.5
"""Column width of most two-column journals, in inches."""

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Palette of Okabe and Ito (2002), "Color Universal Design", without yellow; distinguishable with colour blindness."""

GREY = "#666666"

Look: TypeAlias = "dict[str, Any]"
"""Keywords of a line, which Matplotlib types one by one."""

BEST: Look = {"color": GREY, "linewidth": 0.8, "linestyle": ":"}
"""Style of the line at the best epoch."""

FAINT: Look = {"linewidth": 0.5, "alpha": 0.35, "linestyle": "-", "zorder": 1}
"""Style of the lines of an ensemble's members."""

MARKERS = "os^Dv<>P"
"""Markers of runs: with seven colours, 56 distinct combinations."""

ROUND = [factor * 10.0**power for power in range(-307, 308) for factor in (1, 2, 5)]
"""Round values at which a logarithmic axis may start and end."""

MOST_LETTERS = 48
"""Longest label in characters that fits next to its line in a column."""

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
    "text.parse_math": False,  # a run's name may contain $x$
    "pdf.fonttype": 42,  # embed TrueType fonts, as publishers require
    "svg.hashsalt": "bpcli",  # makes element ids reproducible
}


def require_matplotlib() -> None:
    """Raise UsageError if matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        raise UsageError('plot requires matplotlib: pip install "backprop-cli[plot]"')


def learning_curves(
    runs: Sequence[Curves],
    panels: Sequence[Panel],
    size: tuple[float, float] | None = None,
    logarithmic: bool | None = None,
) -> Figure:
    """Figure with one panel below another, with epochs on the x axis.

    size: width and height in inches. logarithmic: scale of the loss axis; by default according to
    `suits_logarithmic_axis`.

    Raises: UsageError: a logarithmic axis was requested, and no loss is positive.
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
    """Render to a file of one of FORMATS, reproducible to the byte, with matplotlib's warnings."""
    dates = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
    out = BytesIO()
    with _style() as warned:
        figure.savefig(out, format=form, dpi=dpi, metadata=dates.get(form))
    return out.getvalue(), list(dict.fromkeys(str(warning.message) for warning in warned))


@contextmanager
def _style() -> Iterator[list[warnings.WarningMessage]]:
    """Apply STYLE to matplotlib's defaults, ignoring matplotlibrc, and collect warnings."""
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
            if len(runs) > 1:  # about eight markers, offset from those of other runs
                step = max(1, len(epochs) // 8)
                look["markevery"] = (index % step, step)
            elif len(epochs) == 1:
                look["marker"] = "o"
            axes.plot(epochs, values, **look)
            if name == "validation_loss" and len(runs) == 1:
                for line in run.members():
                    axes.plot(epochs, line, color=look["color"], **FAINT)
    if len(runs) == 1 and runs[0].best:
        axes.axvline(runs[0].best, **BEST)
    name = panel.names[0] if len(panel.names) == 1 else panel.quantity
    axes.set_ylabel(printable(name.replace("_", " ")))


def _look(split: str, run: int | None) -> Look:
    """Line style: with one run, splits have colours and dashes; with several, runs have colours and markers."""
    dashes = (0, (4, 1.5)) if split == "train" else "-"
    if run is None:
        return {"color": COLOURS[SPLITS.index(split) if split else 2], "linestyle": dashes}
    return {"color": COLOURS[run % len(COLOURS)], "marker": MARKERS[run % len(MARKERS)], "linestyle": dashes}


def _keys(runs: Sequence[Curves], panels: Sequence[Panel]) -> list[tuple[str, Line2D]]:
    """Legend entries: the runs, if there are several, and the splits drawn."""
    from matplotlib.lines import Line2D

    drawn = {split_of(name) for panel in panels for name in panel.names}
    splits = [split for split in SPLITS if split in drawn]
    if len(runs) == 1:
        keys = [(_label(split), Line2D([], [], **_look(split, None))) for split in splits]
        best = runs[0].best
        return [*keys, (f"best epoch, {best}", Line2D([], [], **BEST))] if best else keys
    keys = [(run.label, Line2D([], [], **_look("", index))) for index, run in enumerate(runs)]
    if len(splits) > 1:
        keys += [(_label(split), Line2D([], [], **{**_look(split, None), "color": GREY})) for split in splits]
    return keys


def _add_legend(figure: Figure, keys: Sequence[tuple[str, Line2D]]) -> float:
    """Add the legend above all panels, in as many columns as fit. Return its height in inches."""
    labels = [printable(label if len(label) <= MOST_LETTERS else label[: MOST_LETTERS - 1] + "…") for label, _ in keys]
    for columns in range(len(keys), 0, -1):
        legend = figure.legend([line for _, line in keys], ["-"] * len(keys), loc="outside upper left", ncols=columns)
        for text, label in zip(legend.get_texts(), labels, strict=True):
            text.set_text(label)  # labels that start with an underscore would be dropped if passed to legend()
        extent = legend.get_window_extent()
        if columns == 1 or extent.width <= figure.bbox.width:
            return extent.height / figure.dpi
        legend.remove()
    return 0.0


def _label(split: str) -> str:
    return "training" if split == "train" else split


def _scale(axes: Axes, values: Sequence[float], logarithmic: bool | None) -> None:
    """Set a logarithmic axis between round values, if it is wanted."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    if not (suits_logarithmic_axis(values) if logarithmic is None else logarithmic):
        return
    positive = [value for value in values if value > 0]
    if not positive:
        raise UsageError("--log: a logarithmic axis requires a loss above zero")
    low, high = min(positive), max(positive)
    bottom = max(mark for mark in ROUND if mark <= low)
    axes.set_yscale("log", nonpositive="mask")
    axes.set_ylim(bottom, min(mark for mark in ROUND if mark >= high and mark > bottom))
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
