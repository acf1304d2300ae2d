"""Static SVG of a network's drawing; the page's script animates it by its ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bpcli.documents.table import shortened
from bpcli.pages.charts import text
from bpcli.tracing.feature_maps import KERNEL, Box, FeatureMap
from bpcli.tracing.shapes import LONGEST, Column, Drawing, Edge, Unit, Window, longest_name

RADIUS, SMALL_RADIUS = 32, 7

SIGNED = ("dL/dz", "dL/dy", "dL/dw", "target")
"""Numbers shown with their names: all except outputs and weights."""


HIDDEN = ' visibility="hidden"'


def svg(drawing: Drawing, about: str) -> str:
    """SVG of the edges, then of the units above them, with the numbers of the first row."""
    shapes = [
        *(_edge(edge, drawing.roomy) for edge in drawing.edges),
        *(shape for edge in drawing.edges for shape in _label(edge)),
        *(_column(column, drawing.roomy) for column in drawing.columns),
        *_windows(drawing.windows),
    ]
    kind = "roomy" if drawing.roomy else "close"
    return (
        f'<svg id="network" class="{kind}" viewBox="0 0 {drawing.width:g} {drawing.height:g}" '
        f'style="--width:{drawing.width:g}px" role="group" aria-label="{text(about)}">{"".join(shapes)}</svg>'
    )


def sign(name: str) -> str:
    """Prefix of a number of this name in the drawing."""
    return f"{name} " if name in SIGNED else ""


def _column(column: Column, roomy: bool) -> str:
    x, drawn = column.units[0].x, len(column.units)
    part = [f"{drawn} of {column.total:,}"] if drawn < column.total else []
    headings = (
        f'<text class="heading" x="{x:g}" y="{14 + 15 * line}">{text(shortened(words, 24))}</text>'
        for line, words in enumerate([*column.heading, *part])
    )
    units = (_unit(unit, roomy) for unit in column.units)
    return f'<g class="column" id="column-{column.units[0].column}">{"".join(headings)}{"".join(units)}</g>'


def _unit(unit: Unit, roomy: bool) -> str:
    radius = RADIUS if roomy else SMALL_RADIUS
    if unit.map is not None:
        return _map(unit, unit.map)
    if unit.kind in ("neuron", "input"):
        shape = f'<circle r="{radius}"/>'
    else:
        shape = f'<rect x="{-radius}" y="{-radius}" width="{2 * radius}" height="{2 * radius}" rx="{radius / 4:g}"/>'
    first = dict.fromkeys(("in", "out"), "")
    for reading in reversed(unit.readings):
        first[reading.slot] = sign(reading.name) + reading.values[0]
    name = shortened(unit.name, LONGEST if roomy else longest_name(unit.kind == "input", is_map=False))
    if roomy:
        error = max(
            (sign(one.name) + value for one in unit.readings if one.slot == "out" for value in one.values),
            key=len,
            default="",
        )
        places = {"name": (_aside(name), -radius - 7), "in": (0, 4), "out": (_aside(error), radius + 15)}
    else:  # above and below the line between them
        shape = f'<path class="lead" d="M{-unit.left:g} 0H{unit.right:g}"/>{shape}'
        places = {"name": (-radius - 5, -4), "in": (radius + 5, -4), "out": (radius + 5, 12)}
    words = {"name": name, **first}
    texts = "".join(
        f'<text class="{slot}" x="{x:g}" y="{y}">{text(words[slot])}</text>' for slot, (x, y) in places.items()
    )
    return (
        f'<g class="unit {unit.kind}" id="{unit.id}" transform="translate({unit.x:g} {unit.y:g})">'
        f"<title>{text(unit.name)}</title>{shape}{texts}</g>"
    )


def _map(unit: Unit, of: FeatureMap) -> str:
    """A map with its unit's cell, its name at the left, and the numbers at the right."""
    frame, first = of.frame, min(shades.stage for shades in of.shades)
    images = "".join(
        f'<image data-stage="{one.stage}" data-row="{one.row}" href="{one.uri}" {_place(frame)} '
        f'preserveAspectRatio="none"{"" if one.stage == first and one.row == 0 else HIDDEN}/>'
        for one in of.shades
    )
    half = frame.width / 2 + 5
    readings = {reading.slot: sign(reading.name) + reading.values[0] for reading in reversed(unit.readings)}
    name = shortened(unit.name, longest_name(unit.kind == "input", is_map=True))
    texts = [
        ("name", name, -half, -4),
        ("in", readings.get("in", ""), half, -4),
        ("out", readings.get("out", ""), half, 12),
    ]
    written = "".join(f'<text class="{slot}" x="{x:g}" y="{y}">{text(words)}</text>' for slot, words, x, y in texts)
    return (
        f'<g class="unit map {unit.kind}" id="{unit.id}" transform="translate({unit.x:g} {unit.y:g})">'
        f"<title>{text(unit.name)}</title>"
        f'<path class="lead" d="M{frame.width / 2:g} 0H{unit.right:g}"/>'
        f'<rect {_place(frame)}/>{images}<rect class="cell" {_place(of.cell)}/>{written}</g>'
    )


def _windows(windows: Sequence[Window]) -> Iterator[str]:
    """Windows of each unit, of which those of the first in a column are seen until one is chosen."""
    of_units: dict[str, list[Window]] = {}
    first: dict[int, str] = {}
    for one in windows:
        of_units.setdefault(one.end.id, []).append(one)
        first.setdefault(one.end.column, one.end.id)
    for unit, some in of_units.items():
        kind = "windows first" if unit in first.values() else "windows"
        yield f'<g class="{kind}" data-end="{unit}">{"".join(map(_window, some))}</g>'


def _window(window: Window) -> str:
    start, end, box = window.start, window.end, window.box
    x, y = start.x + box.x, start.y + box.y
    from_x, from_y = x + box.width, y + box.height / 2
    half = SMALL_RADIUS if end.map is None else end.map.frame.width / 2
    to_x, to_y = end.x - half, end.y
    if end.map is not None:
        to_x, to_y = end.x + end.map.cell.x, end.y + end.map.cell.y + end.map.cell.height / 2
    kernel = ""
    if window.kernel is not None:
        along = 0.5
        left, top = (a + (b - a) * along - KERNEL / 2 for a, b in ((from_x, to_x), (from_y, to_y)))
        place = f'x="{left:.1f}" y="{top:.1f}" width="{KERNEL:g}" height="{KERNEL:g}"'
        kernel = (
            f'<rect class="kernel" {place}/>'
            f'<image class="kernel" href="{window.kernel}" {place} preserveAspectRatio="none"/>'
        )
    return (
        f'<path d="M{from_x:.1f} {from_y:.1f}L{to_x:.1f} {to_y:.1f}"/>'
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"/>{kernel}'
    )


def _place(box: Box) -> str:
    return f'x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"'


def _aside(words: str) -> float:
    """Centre of a text that ends before the labels of the unit's outgoing lines."""
    return min(0.0, RADIUS + 5 - 3.6 * len(words))


def _edge(edge: Edge, roomy: bool) -> str:
    (x, y), (to_x, to_y) = _ends(edge)
    path = f"M{x:g} {y:g}L{to_x:g} {to_y:g}"
    if edge.weight is None:
        return f'<path class="link" d="{path}"/>'
    side = "negative" if edge.weight < 0 else "positive"
    width = 0.5 + (4.5 if roomy else 2.5) * edge.share
    return f'<path class="edge {side}" id="{edge.id}" d="{path}" stroke-width="{width:.1f}"/>'


def _ends(edge: Edge) -> tuple[tuple[float, float], tuple[float, float]]:
    return (edge.start.x + edge.start.right, edge.start.y), (edge.end.x - edge.end.left, edge.end.y)


def _label(edge: Edge) -> Iterator[str]:
    """Label of an edge, near its start, so that labels of different units do not overlap."""
    if edge.readings:
        along = 0.2
        x, y = (a + (b - a) * along for a, b in zip(*_ends(edge), strict=True))
        place = f'x="{x:.1f}" y="{y + 4:.1f}"'
        yield f'<text class="label" id="{edge.id}-label" {place}>{edge.readings[0].values[0]}</text>'
