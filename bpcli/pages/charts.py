"""SVG charts: lines, points and bars over two axes.

The style sheet of the page colours series by class (s0 to s5). Its script reads the values from `data-points`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import isfinite
from typing import Any, Literal

from bpcli.documents.table import shortened
from bpcli.pages.scale import Scale
from bpcli.wording import printable

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 76, 16, 16, 48

LETTER = 9.5
"""Width of a digit at 17 px, the font size on a phone, in pixels."""

TITLE = 28
"""Width of the y axis's title, with its margin and the gap between tick labels and axis, in pixels."""

COLOURS = 6
"""Number of series styles in the style sheet; dash patterns distinguish them without colour."""

HOW_TO_READ = "how-to-read"
"""Element id of the instructions for reading values off a chart."""

MOST_POINTS = 400
"""Limit on the points of a line: more are indistinguishable at this width and only enlarge the page."""

MOST_POINTS_IN_ALL = 800
"""Limit on the points of all lines of a chart together, at 40 bytes each."""


@dataclass(frozen=True)
class Series:
    """Data series; None and non-finite values are skipped."""

    name: str
    x: Sequence[float]
    y: Sequence[float | None]
    kind: Literal["line", "points", "bars"] = "line"
    spans: Sequence[tuple[float, float]] = ()
    """Low and high end of each point's interval, drawn as a vertical bar; of a line, as a band."""
    behind: Sequence[Sequence[float | None]] = ()
    """Values of further lines at the same x, drawn faintly behind the series."""

    def lines_behind(self, most: int = MOST_POINTS) -> list[list[tuple[float, float]]]:
        """Finite points of each line behind, as `points` gives them."""
        return [Series(self.name, self.x, y).points(most) for y in self.behind]

    def points(self, most: int = MOST_POINTS) -> list[tuple[float, float]]:
        """Finite points. A line longer than `most` keeps the minimum and maximum of each interval, hence all peaks."""
        known = [(float(x), float(y)) for x, y in zip(self.x, self.y, strict=True) if y is not None and isfinite(y)]
        if self.kind != "line" or len(known) <= most:
            return known
        stretch = -(-2 * len(known) // most)
        kept = {0, len(known) - 1}
        for start in range(0, len(known), stretch):
            places = range(start, min(start + stretch, len(known)))
            kept |= {min(places, key=lambda place: known[place][1]), max(places, key=lambda place: known[place][1])}
        return [known[place] for place in sorted(kept)]


@dataclass(frozen=True)
class Chart:
    """Series over two axes.

    mark: labelled vertical line at an x value. level: labelled horizontal line at a y value. diagonal: the line y = x.
    logarithmic: the y axis. symmetric: if positive, the x axis, with `diagonal` both, is logarithmic on both sides of 0
    beyond this size. shares: y axis from 0 to 1. unit_square: both axes from 0 to 1.
    """

    title: str
    x_label: str
    y_label: str
    series: Sequence[Series]
    logarithmic: bool = False
    symmetric: float = 0.0
    shares: bool = False
    unit_square: bool = False
    diagonal: bool = False
    mark: tuple[float, str] | None = None
    level: tuple[float, str] | None = None
    note: str = ""

    def html(self) -> str:
        """HTML figure with caption, drawing, legend, and an output line for the script."""
        most = min(MOST_POINTS, MOST_POINTS_IN_ALL // max(1, len(self.series)))
        drawn = [series.points(most) for series in self.series]
        behind = [series.lines_behind(most) for series in self.series]
        x, y = self._scales([*drawn, *(line for lines in behind for line in lines)])
        shapes = [*_axes(x, y, self.x_label, self.y_label)]
        for number, lines in enumerate(behind):
            for points in lines:
                shapes.extend(_shapes("line", number % COLOURS, points, x, y, "faint "))
        for number, (series, points) in enumerate(zip(self.series, drawn, strict=True)):
            shapes.extend(_shapes(series.kind, number % COLOURS, points, x, y))
            shapes.extend(_spans(series, number % COLOURS, x, y))
        shapes.extend(self._lines(x, y))
        names = [shortened(series.name) for series in self.series]
        data = [
            {"name": printable(name), "points": [[*_pixels(point, x, y), *point] for point in points]}
            for name, points in zip(names, drawn, strict=True)
        ]
        about = f"{shortened(self.title)}: {self.y_label} against {self.x_label}, {', '.join(names)}"
        keys = [
            (series.kind, index % COLOURS, name)
            for index, (series, name) in enumerate(zip(self.series, names, strict=True))
        ]
        return figure(self.title, about, (self.x_label, self.y_label), data, "".join(shapes), keys, self.note)

    def _scales(self, drawn: Sequence[Sequence[tuple[float, float]]]) -> tuple[Scale, Scale]:
        right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
        if self.unit_square:
            y = Scale(0.0, 1.0, bottom, TOP)
            return Scale(0.0, 1.0, _left(y), right), y
        xs, ys = ([point[axis] for points in drawn for point in points] for axis in (0, 1))
        ys += [end for series in self.series if series.kind == "line" for ends in series.spans for end in ends]
        if self.diagonal:
            xs = ys = [*xs, *ys]
        if any(series.kind == "bars" for series in self.series):
            ys = [*ys, 0.0]
        if self.level:
            ys = [*ys, self.level[0]]
        of_y = self.symmetric if self.diagonal else 0.0
        y = Scale(0.0, 1.0, bottom, TOP) if self.shares else Scale.over(ys, bottom, TOP, self.logarithmic, of_y)
        return Scale.over(xs, _left(y), right, symmetric=self.symmetric), y

    def _lines(self, x: Scale, y: Scale) -> Iterator[str]:
        if self.diagonal:
            low, high = max(x.low, y.low), min(x.high, y.high)
            yield _line(x.place(low), y.place(low), x.place(high), y.place(high), "diagonal")
        if self.mark and x.low <= self.mark[0] <= x.high:
            place = x.place(self.mark[0])
            yield _line(place, TOP, place, HEIGHT - BOTTOM, "mark")
            anchor = "end" if place > WIDTH / 2 else "start"
            shift = -4 if anchor == "end" else 4
            yield f'<text x="{place + shift:.1f}" y="{TOP + 12}" text-anchor="{anchor}">{text(self.mark[1])}</text>'
        if self.level:
            place = y.place(self.level[0])
            yield _line(x.start, place, WIDTH - RIGHT, place, "mark")
            yield (f'<text x="{WIDTH - RIGHT - 4}" y="{place - 5:.1f}" text-anchor="end">{text(self.level[1])}</text>')


def figure(
    title: str,
    about: str,
    axes: tuple[str, str],
    data: Sequence[Mapping[str, object]],
    shapes: str,
    keys: Sequence[tuple[str, int, str]],
    note: str = "",
    height: int = HEIGHT,
) -> str:
    """HTML figure with caption, drawing, legend, and an output line for the script.

    about: text alternative of the drawing for screen readers. axes: labels of x and y values. data: name and points of
    each series for the script; a point is two pixel coordinates and two values. shapes: SVG elements. keys: kind,
    colour and name of each series in the legend. height: in pixels.
    """
    legend = "".join(f"<li>{_key(kind, colour)}{text(name)}</li>" for kind, colour, name in keys)
    return (
        f'<figure class="chart" tabindex="0" aria-describedby="{HOW_TO_READ}" '
        f'data-x="{text(axes[0])}" data-y="{text(axes[1])}" '
        f'data-points="{escape(json.dumps(_rounded(data), separators=(",", ":")))}">'
        f"<figcaption>{text(shortened(title))}</figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{text(about)}">{shapes}'
        f'<g class="cursor" visibility="hidden"><line y1="{TOP}" y2="{height - BOTTOM}"/><circle r="4"/></g></svg>'
        f'<ul class="legend">{legend if len(keys) > 1 else ""}</ul>'
        f'<output aria-live="polite"></output>{f"<p>{text(note)}</p>" if note else ""}</figure>'
    )


def text(words: str) -> str:
    """HTML-escaped text, with control characters made visible."""
    return escape(printable(words))


def mark_below(place: float, bottom: float, label: str) -> str:
    """SVG tick label of the x axis, centred below its tick, and shifted inwards at the edges of the chart."""
    half = LETTER * len(label) / 2
    middle = max(half, min(place, WIDTH - half))
    return f'<text x="{middle:.1f}" y="{bottom + 18}" text-anchor="middle">{label}</text>'


def _left(y: Scale) -> float:
    """x coordinate of the y axis, in pixels: leaves room for its title and widest tick label."""
    return max(float(LEFT), TITLE + LETTER * max(len(label) for _, label in y.marks()))


def _axes(x: Scale, y: Scale, x_label: str, y_label: str) -> Iterator[str]:
    bottom, left, right = HEIGHT - BOTTOM, x.start, WIDTH - RIGHT
    for value, label in y.marks():
        place = y.place(value)
        yield _line(left, place, right, place, "grid")
        yield f'<text x="{left - 6:.1f}" y="{place + 4:.1f}" text-anchor="end">{label}</text>'
    for value, label in x.marks():
        place = x.place(value)
        yield _line(place, bottom, place, bottom + 4, "axis")
        yield mark_below(place, bottom, label)
    yield _line(left, bottom, right, bottom, "axis")
    yield f'<text x="{(left + right) / 2:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{text(x_label)}</text>'
    middle = (TOP + bottom) / 2
    yield (
        f'<text x="13" y="{middle:.1f}" transform="rotate(-90 13 {middle:.1f})" text-anchor="middle">'
        f"{text(y_label)}</text>"
    )


def _shapes(
    kind: str, colour: int, points: Sequence[tuple[float, float]], x: Scale, y: Scale, extra: str = ""
) -> Iterator[str]:
    places = [_pixels(point, x, y) for point in points]
    if kind == "points" or len(places) == 1:
        dots = "".join(f"M{px:.1f} {py:.1f}h0" for px, py in places)
        yield f'<path class="dots s{colour}" d="{dots}"/>'
    elif kind == "bars":
        width = 0.9 * min((b[0] - a[0] for a, b in pairwise(places)), default=40.0)
        floor = y.place(0.0)
        bars = "".join(f"M{px - width / 2:.1f} {floor:.1f}V{py:.1f}h{width:.1f}V{floor:.1f}z" for px, py in places)
        yield f'<path class="bars s{colour}" d="{bars}"/>'
    elif places:
        line = "L".join(f"{px:.1f} {py:.1f}" for px, py in places)
        yield f'<path class="line {extra}s{colour}" d="M{line}"/>'


def _spans(series: Series, colour: int, x: Scale, y: Scale) -> Iterator[str]:
    """Vertical bar from the low to the high end of each interval, or a band around a line."""
    if series.spans and series.kind == "line":
        lower, upper = (
            [f"{x.place(at):.1f} {y.place(ends[end]):.1f}" for at, ends in zip(series.x, series.spans, strict=True)]
            for end in (0, 1)
        )
        yield f'<path class="band s{colour}" d="M{"L".join([*lower, *reversed(upper)])}z"/>'
    elif series.spans:
        ends = zip(series.x, series.spans, strict=True)
        bars = "".join(f"M{x.place(at):.1f} {y.place(low):.1f}V{y.place(high):.1f}" for at, (low, high) in ends)
        yield f'<path class="interval s{colour}" d="{bars}"/>'


def _key(kind: str, colour: int) -> str:
    """SVG legend key of a series."""
    piece = {"points": "M14 5h0", "bars": "M4 0V10h20V0z"}.get(kind, "M0 5H28")
    name = {"points": "dots"}.get(kind, kind)
    return f'<svg class="key" viewBox="0 0 28 10" aria-hidden="true"><path class="{name} s{colour}" d="{piece}"/></svg>'


def _pixels(point: tuple[float, float], x: Scale, y: Scale) -> tuple[float, float]:
    """Pixel coordinates rounded to 0.1, which keeps pages of thousands of points small."""
    return round(x.place(point[0]), 1), round(y.place(max(point[1], y.low) if y.logarithmic else point[1]), 1)


def _line(x1: float, y1: float, x2: float, y2: float, name: str) -> str:
    return f'<line class="{name}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _rounded(value: Any) -> Any:
    """Round floats in nested lists and dictionaries to six significant digits."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return value
