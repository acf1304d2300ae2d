"""The drawing of a network as SVG, which stands by itself and which the page's script brings to life by its ids."""

from __future__ import annotations

from collections.abc import Iterator

from bpcli.report.charts import shortened, text
from bpcli.tracing.drawing import Column, Drawing, Edge, Unit

RADIUS, SMALL_RADIUS = 27, 7

LONGEST = {"input": 24, "neuron": 16, "pass": 16, "prediction": 16, "loss": 16}
"""Characters of a name in the drawing; the whole name is the unit's title."""

SIGNS = {"dL/dz": "δ ", "dL/dy": "δ ", "target": "t ", "dL/dw": "∂"}
"""What a number in the drawing is, where it is not the output of its unit."""


def svg(drawing: Drawing, about: str) -> str:
    """All of it: first the edges, then the units that lie over them. Numbers are those of the first row."""
    shapes = [
        *(_edge(edge, drawing.roomy) for edge in drawing.edges),
        *(shape for edge in drawing.edges for shape in _label(edge)),
        *(shape for column in drawing.columns for shape in _column(column, drawing.roomy)),
    ]
    kind = "roomy" if drawing.roomy else "close"
    return (
        f'<svg id="network" class="{kind}" viewBox="0 0 {drawing.width:g} {drawing.height:g}" '
        f'style="--width:{drawing.width:g}px" role="group" aria-label="{text(about)}">{"".join(shapes)}</svg>'
    )


def _column(column: Column, roomy: bool) -> Iterator[str]:
    x, drawn = column.units[0].x, len(column.units)
    part = [f"{drawn} of {column.total:,}"] if drawn < column.total else []
    for line, words in enumerate([*column.heading, *part]):
        yield f'<text class="heading" x="{x:g}" y="{14 + 15 * line}">{text(shortened(words, 24))}</text>'
    for unit in column.units:
        yield _unit(unit, roomy)


def _unit(unit: Unit, roomy: bool) -> str:
    radius = RADIUS if roomy else SMALL_RADIUS
    if unit.kind in ("neuron", "input"):
        shape = f'<circle r="{radius}"/>'
    else:
        shape = f'<rect x="{-radius}" y="{-radius}" width="{2 * radius}" height="{2 * radius}" rx="{radius / 4:g}"/>'
    first = dict.fromkeys(("in", "out"), "")
    for reading in reversed(unit.readings):
        first[reading.slot] = f"{SIGNS.get(reading.name, '')}{reading.values[0]}"
    name = shortened(unit.name, LONGEST[unit.kind])
    if roomy:
        places = {"name": (0, -radius - 7), "in": (0, 4), "out": (0, radius + 15)}
    else:
        places = {"name": (-radius - 4, 4), "in": (radius + 4, 4), "out": (radius + 52, 4)}
    words = {"name": name, **first}
    texts = "".join(
        f'<text class="{slot}" x="{x}" y="{y}">{text(words[slot])}</text>' for slot, (x, y) in places.items()
    )
    return (
        f'<g class="unit {unit.kind}" id="{unit.id}" transform="translate({unit.x:g} {unit.y:g})">'
        f"<title>{text(unit.name)}</title>{shape}{texts}</g>"
    )


def _edge(edge: Edge, roomy: bool) -> str:
    path = f"M{edge.start.x:g} {edge.start.y:g}L{edge.end.x:g} {edge.end.y:g}"
    if edge.weight is None:
        return f'<path class="link" d="{path}"/>'
    sign = "negative" if edge.weight < 0 else "positive"
    width = 0.5 + (4.5 if roomy else 2.5) * edge.share
    return f'<path class="edge {sign}" id="{edge.id}" d="{path}" stroke-width="{width:.1f}"/>'


def _label(edge: Edge) -> Iterator[str]:
    """The number of an edge, near its start, so that those of different units stay apart."""
    if edge.readings:
        start, end, along = edge.start, edge.end, 0.2
        x, y = (a + (b - a) * along for a, b in ((start.x, end.x), (start.y, end.y)))
        place = f'x="{x:.1f}" y="{y + 4:.1f}"'
        yield f'<text class="label" id="{edge.id}-label" {place}>{edge.readings[0].values[0]}</text>'
