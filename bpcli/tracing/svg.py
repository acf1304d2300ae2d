"""Static SVG of a network's drawing; the page's script animates it by its ids."""

from __future__ import annotations

from collections.abc import Iterator

from bpcli.documents.table import shortened
from bpcli.pages.charts import text
from bpcli.tracing.drawing import LONGEST, LONGEST_OF_INPUT, Column, Drawing, Edge, Unit

RADIUS, SMALL_RADIUS = 32, 7

SIGNED = ("dL/dz", "dL/dy", "dL/dw", "target")
"""Numbers shown with their names: all except outputs and weights."""


def svg(drawing: Drawing, about: str) -> str:
    """SVG of the edges, then of the units above them, with the numbers of the first row."""
    shapes = [
        *(_edge(edge, drawing.roomy) for edge in drawing.edges),
        *(shape for edge in drawing.edges for shape in _label(edge)),
        *(_column(column, drawing.roomy) for column in drawing.columns),
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
    if unit.kind in ("neuron", "input"):
        shape = f'<circle r="{radius}"/>'
    else:
        shape = f'<rect x="{-radius}" y="{-radius}" width="{2 * radius}" height="{2 * radius}" rx="{radius / 4:g}"/>'
    first = dict.fromkeys(("in", "out"), "")
    for reading in reversed(unit.readings):
        first[reading.slot] = sign(reading.name) + reading.values[0]
    name = shortened(unit.name, LONGEST if roomy or unit.kind != "input" else LONGEST_OF_INPUT)
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
