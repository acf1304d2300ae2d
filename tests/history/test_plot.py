"""Learning curves for print: correct data, reproducible bytes, distinguishable without colour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from io import BytesIO
from itertools import combinations
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from records import record_of

from bpcli.errors import UsageError
from bpcli.history.curves import Curves, panels_of
from bpcli.history.plot import FORMATS, learning_curves, render

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def run_of(label: str = "run", losses: Sequence[float | None] = (1.0, 0.5, 0.25), **last: Any) -> Curves:
    records: list[dict[str, Any]] = [
        {"epoch": epoch, "train_loss": loss, "validation_loss": loss and 2 * loss, "validation_f1": 1 / epoch}
        for epoch, loss in enumerate(losses, start=1)
    ]
    records[-1] |= last
    return Curves(label, [record_of(record) for record in records])


def figure_of(*runs: Curves, metrics: Sequence[str] = (), **options: Any) -> Figure:
    return learning_curves(runs, panels_of(runs, metrics), **options)


def drawn(axes: Axes) -> list[list[tuple[float, float]]]:
    """Points of each curve."""
    return [[(float(x), float(y)) for x, y in line.get_xydata()] for line in axes.get_lines()]  # type: ignore[union-attr]


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for found in figure.legends for text in found.get_texts()]


def test_the_curves_are_the_values_of_the_epochs():
    losses, f1 = figure_of(run_of(losses=[1.0, None, 0.25])).axes
    train, validation = drawn(losses)
    assert (train[0], train[2]) == ((1, 1.0), (3, 0.25))
    assert (validation[0], validation[2]) == ((1, 2.0), (3, 0.5))
    assert math.isnan(train[1][1])
    assert drawn(f1) == [[(1, 1.0), (2, 0.5), (3, 1 / 3)]]
    assert (losses.get_ylabel(), f1.get_ylabel(), f1.get_xlabel()) == ("loss", "validation f1", "epoch")


def test_the_best_epoch_of_a_single_run_is_marked():
    figure = figure_of(run_of(best_epoch=2))
    assert [list(axes.get_lines()[-1].get_xdata()) for axes in figure.axes] == [[2, 2], [2, 2]]
    assert legend(figure) == ["training", "validation", "best epoch, 2"]


def test_several_runs_share_their_axes_and_are_named():
    figure = figure_of(run_of("a", best_epoch=2), run_of("b", [3.0, 2.0]), metrics=["loss"])
    (axes,) = figure.axes
    assert [curve[0][1] for curve in drawn(axes)] == [1.0, 2.0, 3.0, 6.0]
    assert legend(figure) == ["a", "b", "training", "validation"]


@pytest.mark.parametrize("count", [1, 2, 20])
def test_any_two_curves_differ_without_their_colours(count: int):
    (axes,) = figure_of(*[run_of(str(index)) for index in range(min(count, 8))], metrics=["loss"]).axes
    looks = [(line.get_linestyle(), line.get_marker()) for line in axes.get_lines()]
    assert len(looks) == 2 * min(count, 8)
    assert len(set(looks)) == len(looks)


def test_twenty_runs_differ_by_colour_or_marker():
    (axes,) = figure_of(*[run_of(str(index)) for index in range(20)], metrics=["validation_loss"]).axes
    looks = [(line.get_color(), line.get_marker()) for line in axes.get_lines()]
    assert all(one != other for one, other in combinations(looks, 2))


@pytest.mark.parametrize(
    ("losses", "asked", "scale"),
    [
        ((1.0, 0.5), None, "linear"),
        ((1.0, 0.01), None, "log"),
        ((1.0, 0.01), False, "linear"),
        ((1.0, 0.9), True, "log"),
        ((1.0, 0.0), None, "linear"),
        ((1.0, 0.0), True, "log"),
    ],
)
def test_losses_that_spread_wide_have_a_logarithmic_axis(losses: Sequence[float], asked: bool | None, scale: str):
    loss, f1 = figure_of(run_of(losses=losses), logarithmic=asked).axes
    assert (loss.get_yscale(), f1.get_yscale()) == (scale, "linear")
    if scale == "log":
        low, high = loss.get_ylim()
        positive = [value for value in losses if value > 0]
        assert low <= min(positive) < 2 * max(positive) <= high
        marks = [label.get_text() for label in loss.get_yticklabels()]
        assert sum(low <= float(mark) <= high for mark in marks) >= 2


def test_a_logarithm_of_nothing_is_refused():
    with pytest.raises(UsageError, match="--log: a logarithmic axis requires a loss above zero"):
        figure_of(run_of(losses=[-1.0, 0.0]), logarithmic=True)


def test_names_are_shown_as_they_are():
    names = ["$x$", "_hidden", "training", "\u202eabc", "n" * 60]
    shown = legend(figure_of(*map(run_of, names)))
    assert shown == ["$x$", "_hidden", "training", "\\u202eabc", "n" * 47 + "…", "training", "validation"]
    picture, warnings = render(figure_of(*map(run_of, names)), "svg", 100)
    assert warnings == []
    assert ElementTree.fromstring(picture).tag.endswith("svg")


def test_the_legend_stays_within_the_figure():
    for size in (None, (2.0, 3.0), (10.0, 4.0)):
        figure = figure_of(*[run_of(f"a-run-of-some-length-{index}") for index in range(5)], size=size)
        render(figure, "png", 100)
        extent = figure.legends[0].get_window_extent()
        assert extent.x0 >= 0
        assert extent.x1 <= figure.bbox.width


def test_a_letter_that_the_font_does_not_have_is_said():
    _, warnings = render(figure_of(run_of("中"), run_of("b")), "png", 50)
    assert len(warnings) == 1
    assert "missing from font" in warnings[0]


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_runs_give_the_same_bytes_whatever_a_matplotlibrc_says(form: str):
    first, _ = render(figure_of(run_of()), form, 100)
    from matplotlib import rc_context

    with rc_context({"font.size": 20, "savefig.facecolor": "red", "svg.hashsalt": None, "text.usetex": True}):
        again, _ = render(figure_of(run_of()), form, 100)
    assert first == again
    for date in (b"/CreationDate", b"<dc:date>", b"tIME"):
        assert date not in first


def test_fonts_are_in_the_pdf_as_truetype():
    content, _ = render(figure_of(run_of()), "pdf", 100)
    assert content.startswith(b"%PDF-")
    assert b"/Subtype /Type3" not in content
    assert b"/FontFile2" in content


def test_a_png_is_as_large_as_asked_white_and_drawn_on():
    content, _ = render(figure_of(run_of(), size=(3.0, 2.0)), "png", 150)
    picture = Image.open(BytesIO(content))
    assert picture.size == (450, 300)
    pixels = np.asarray(picture.convert("L"))
    assert pixels[0, 0] == 255
    assert 0.03 < (pixels < 230).mean() < 0.5


def test_the_users_settings_of_matplotlib_are_left_as_they_were():
    from matplotlib import rc_context, rcParams

    with rc_context({"font.size": 13}):
        render(figure_of(run_of()), "png", 50)
        assert rcParams["font.size"] == 13
