"""A traced step as an HTML page: a drawing of the network, controls to step through it, and the arithmetic of any part.

Tables repeat everything, for print and for browsers without scripts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from bpcli.errors import UsageError
from bpcli.pages.charts import text
from bpcli.pages.page import carried, html_document
from bpcli.spec import type_name
from bpcli.tracing.as_text import account
from bpcli.tracing.drawing import draw
from bpcli.tracing.parts import Grid, Heading, Part
from bpcli.tracing.phrases import opening
from bpcli.tracing.shapes import Drawing, Reading
from bpcli.tracing.stages import Stage, stages
from bpcli.tracing.svg import sign, svg
from bpcli.tracing.trace import Trace
from bpcli.tracing.unit_lines import Line
from bpcli.tracing.worked_step import WorkedStep
from bpcli.wording import counted, printable

WIDTHS = (40, 32, 24, 16, 12, 8, 6)
"""Limits on the units drawn per layer, tried in turn until the page is small enough."""

MOST_BYTES = 480_000

LEAST_OF_EDGE, LEAST_OF_ROW = 200, 25
"""Lower bounds of the bytes of an edge on a page, and of its data for each row."""

AFTERWARDS = (
    "L comes from a second forward pass with the new parameters. The trace keeps no other values of that pass, so "
    "neurons and predictions are empty."
)


def trace_page(trace: Trace, layer: int | None = None, neuron: int | None = None) -> str:
    """Page of all layers, of one layer, or of one of its neurons.

    Raises: UsageError: the rows do not fit on a page.
    """
    worked = WorkedStep(trace, layer)
    steps = stages(worked, neuron)
    tables = "".join(_html(islice(account(trace, layer, neuron), 1, None)))  # the header shows the opening
    for most in WIDTHS:
        if len(tables) + _least_bytes(worked, neuron, most) <= MOST_BYTES:
            page = _page(worked, steps, draw(worked, steps, most, neuron), tables)
            if len(page.encode()) <= MOST_BYTES:
                return page
    raise UsageError(
        f"{counted(len(trace.rows), 'row')} of this network do not fit on a page; "
        "choose fewer with --row, or part of the network with --layer"
    )


def _least_bytes(worked: WorkedStep, neuron: int | None, most: int) -> int:
    """Lower bound of the edges' bytes, to avoid building a page that is far too large."""
    edges = 0
    for one in worked.chosen:
        if one.weighted is not None:
            outputs = 1 if neuron is not None else min(len(one.layer.outputs), most)
            edges += min(len(one.layer.inputs), most) * outputs
    return edges * (LEAST_OF_EDGE + LEAST_OF_ROW * len(worked.rows))


def _page(worked: WorkedStep, steps: Sequence[Stage], drawing: Drawing, tables: str) -> str:
    trace, shows = worked.trace, worked.shows
    name, loss = trace.name, trace.loss
    figures = [
        ("loss", type_name(trace.error.loss)),
        ("L before", shows.fixed(loss.before)),
        ("L after", shows.fixed(loss.after)),
        ("optimizer", type_name(trace.update.optimizer)),
        ("learning rate", shows.constant(trace.update.learning_rate)),
    ]
    shown = "".join(f"<div><dt>{text(term)}</dt><dd>{text(value)}</dd></div>" for term, value in figures)
    notes = "".join(f'<p class="soft">note: {text(note)}</p>' for note in trace.notes)
    if any(1 < len(column.units) < column.total for column in drawing.columns):
        notes += (
            '<p class="soft">Wide layers are drawn in part: the inputs furthest from 0, and the neurons with '
            "the largest errors; of images, some channels, each with the place of the largest error. Sums include "
            "all of them.</p>"
        )
    legend = "".join(f'<li class="{kind}">{words}</li>' for kind, words in _legend(drawing))
    body = (
        f'<header><h1>{text(name)}: one training step</h1><p class="soft">{text(opening(trace))}</p>'
        f'<dl class="figures">{shown}</dl>{notes}</header>\n<main>\n'
        f'<section id="stepper" aria-label="The step, stage by stage">{_controls(trace, steps)}'
        f'<div class="stage"><figure><div class="wide" id="view" tabindex="0" role="region" '
        f'aria-label="The network, scrollable">{svg(drawing, f"The network of {name}")}</div>'
        f'<ul class="key">{legend}</ul></figure>'
        f'<section id="panel" aria-labelledby="panel-title" hidden><h2 id="panel-title"></h2>'
        f'<p id="panel-hint" class="soft"></p><dl id="lines"></dl></section></div></section>\n'
        f'<section id="account"><h2>All numbers in tables</h2>{tables}</section>\n</main>\n'
        f'<script type="application/json" id="data">{_json(_data(worked, steps, drawing))}</script>\n'
    )
    return html_document(
        f"{name}: one training step",
        body,
        style=carried("trace.css", "bpcli.tracing"),
        script=carried("trace.js", "bpcli.tracing"),
    )


def _legend(drawing: Drawing) -> Iterator[tuple[str, str]]:
    """Legend of the drawing's lines and numbers, each with the CSS class of its sample."""
    yield "positive", "weight above 0"
    yield "negative", "weight below 0; the wider a line, the larger the weight"
    yield "now", "computed in this stage"
    if any(edge.readings for edge in drawing.edges):
        yield "plain", "on a line: its weight, then its gradient dL/dw, finally its new weight"
    place = "in" if drawing.roomy else "next to"
    if drawing.windows:
        yield "window", "window of a unit on the maps before it, and its kernel for each: orange above 0, blue below"
    yield "plain", f"{place} a neuron: its output y; below, once computed, its error dL/dz (other layers: dL/dy)"


def _controls(trace: Trace, steps: Sequence[Stage]) -> str:
    """Buttons, list of stages, and rows if there are several; hidden until the script runs."""
    chosen = "".join(
        f'<li><button type="button" data-stage="{place}">{text(stage.title)}</button></li>'
        for place, stage in enumerate(steps)
    )
    rows = ""
    if len(trace.rows) > 1:
        options = "".join(
            f'<option value="{place}">{row.row} ({row.split})</option>' for place, row in enumerate(trace.rows)
        )
        rows = f'<label>row <select id="row">{options}</select></label>'
    return (
        '<div id="controls" hidden><div class="buttons"><button type="button" id="first">First</button>'
        '<button type="button" id="previous">Previous</button><button type="button" id="next">Next</button>'
        f'{rows}<span class="soft">or the keys ← →; in the drawing ↑ ↓ and Enter</span></div>'
        f'<details><summary>All {len(steps)} stages</summary><ol id="stages">{chosen}</ol></details>'
        '<div role="status" aria-live="polite"><h2 id="stage-title"></h2><p id="words"></p>'
        '<p id="note" class="soft"></p></div>'
        '<ul id="formulas"></ul></div>'
    )


def _html(parts: Iterable[Part]) -> Iterator[str]:
    """Yield the account as headings, sentences and tables, which scroll separately, also with the keyboard."""
    about = ""
    for part in parts:
        if isinstance(part, Heading):
            about = part.words
            yield f"<h{part.level + 2}>{text(part.words)}</h{part.level + 2}>"
        elif isinstance(part, Grid):
            head, *rows = part.cells
            body = "".join(
                f'<tr><th scope="row">{text(row[0])}</th>'
                + "".join(
                    f"<td>{text(cell)}</td>" if place in part.right else f'<td class="words">{text(cell)}</td>'
                    for place, cell in enumerate(row[1:], 1)
                )
                + "</tr>"
                for row in rows
            )
            heads = "".join(
                f'<th scope="col"{"" if place in part.right else " class=words"}>{text(cell)}</th>'
                if cell
                else "<td></td>"
                for place, cell in enumerate(head)
            )
            table = f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
            yield f'<div class="wide" tabindex="0" role="group" aria-label="{text(about or "inputs")}">{table}</div>'
        elif part:
            yield f"<p>{text(part)}</p>"


def _data(worked: WorkedStep, steps: Sequence[Stage], drawing: Drawing) -> dict[str, object]:
    """Data for the script: the stages' texts, and the readings and arithmetic of units and edges."""
    return {
        "rows": [row.row for row in worked.trace.rows],
        "stages": [
            {
                "title": stage.title,
                "formulas": stage.formulas,
                "words": [printable(words) for words in stage.words],
                "note": _note(worked) if stage.key == "after" else "",
                "columns": stage.columns,
                "layers": stage.layers,
            }
            for stage in steps
        ],
        "units": {
            unit.id: {
                "name": printable(unit.name),
                "of": " ".join(column.heading),
                "column": unit.column,
                "readings": [_reading(one) for one in unit.readings],
                "lines": [_line(one) for one in unit.lines],
            }
            for column in drawing.columns
            for unit in column.units
        },
        "edges": {
            edge.id: {
                "start": edge.start.id,
                "end": edge.end.id,
                "readings": [_reading(one) for one in edge.readings],
                "lines": [_line(one) for one in edge.lines],
            }
            for edge in drawing.edges
            if edge.weight is not None
        },
    }


def _note(worked: WorkedStep) -> str:
    """Note on the last stage, with those of layers such as dropout."""
    remarks = dict.fromkeys(layer.afterwards for layer in worked.layers if layer.afterwards)
    return " ".join([AFTERWARDS, *remarks])


def _reading(reading: Reading) -> list[Any]:
    return [reading.stage, reading.slot, reading.name, sign(reading.name), list(reading.values)]


def _line(line: Line) -> list[Any]:
    words = printable(line.words)
    return [line.stage, words] if line.row is None else [line.stage, words, line.row]


def _json(value: Any) -> str:
    """JSON that is safe inside a script element."""
    made = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return made.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
