"""Names in a traced step: of rows, of members of families with their options, of parameters."""

from __future__ import annotations

from collections.abc import Sequence

from bpcli.spec import Spec
from bpcli.tracing.arithmetic import Arithmetic
from bpcli.tracing.trace import Trace, TracedRow
from bpcli.wording import counted

MOST_INPUTS = 16
"""Maximum number of inputs shown per row, those furthest from 0, and of parameters that are shown without selection."""

Place = tuple[int, ...]
"""Indices of one component of a parameter array."""


def opening(trace: Trace) -> str:
    """Rows of a trace, and the starting point of its step."""
    numbers = ", ".join(str(row.row) for row in trace.rows)
    return (
        f"{trace.name}: a training step on {'row' if len(trace.rows) == 1 else 'rows'} {numbers}, "
        f"from {trace.source}, after {counted(trace.epoch, 'epoch')}, {trace.dtype}"
    )


def row_in_file(row: TracedRow, shows: Arithmetic) -> str:
    """Row with its cells as in the file."""
    in_file = ", ".join(f"{name} {value or '(missing)'}" for name, value in list(row.columns.items())[:MOST_INPUTS])
    more = len(row.columns) - MOST_INPUTS
    target = ", ".join(f"{name} {value}" for name, value in row.target.items())
    weight = "" if row.weight == 1.0 else f", weight {shows.short(row.weight)}"
    in_file += f" and {more} more" if more > 0 else ""
    return f"row {row.row} ({row.split}): {in_file}; target {target}{weight}"


def member(spec: Spec, but: str = "") -> str:
    """Loss or optimizer with its nonzero options, but not those that are specs themselves."""
    said = spec.model_dump(mode="json", by_alias=True)
    shown = {name: value for name, value in said.items() if value and not isinstance(value, dict)}
    options = ", ".join(f"{name} {value}" for name, value in shown.items() if name not in ("type", but))
    return f"{said['type']} ({options})" if options else str(said["type"])


def largest(values: Sequence[float], count: int) -> list[int]:
    """Indices of the `count` values of largest magnitude, in ascending order."""
    places = sorted(range(len(values)), key=lambda place: -abs(values[place]))[:count]
    return sorted(places)


def largest_inputs(values: Sequence[float], terms: Sequence[int], count: int) -> list[int]:
    """Indices of the `count` inputs of largest magnitude, and of as many terms of texts: bins are larger numbers."""
    others = sorted({*range(len(values))}.difference(terms))
    chosen = (of[place] for of in (others, terms) for place in largest([values[place] for place in of], count))
    return sorted(chosen)


def parameter_name(layer: str, name: str, place: Place) -> str:
    """Name of a parameter with its layer (`layers.0`, `stems.city`) and indices."""
    return f"{layer}.{name}[{', '.join(map(str, place))}]"
