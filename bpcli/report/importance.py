"""Report sections on the importance of columns, and of regions of images: charts of intervals, maps and tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bpcli.documents.table import MOST_COLUMNS, Table
from bpcli.inspection.document import RankedColumns
from bpcli.inspection.importance import ColumnImportance, ImageImportance, Importance, PartImportance
from bpcli.pages.intervals import Interval, Intervals
from bpcli.pages.page import Section, number, spaced
from bpcli.pages.pictures import Gallery, Picture, Shown
from bpcli.wording import counted, quoted, shown_shape

MOST_INTERVALS = 12
"""Maximum number of columns in the chart, the most important first; the table has more."""

MOST_REGIONS = 12
"""Maximum number of regions in a table, the most important first; the map has all."""

CELL = 4
"""Pixels of a region's side in a map of two axes of positions."""


def importance_section(found: Importance | RankedColumns) -> Section:
    """Section on permutation importance. There is no chart if the rows are too few for intervals.

    Of images it has a map of the regions, and the image as a whole only beside other columns.
    """
    score = f"{'weighted ' if found.weighted else ''}{spaced(found.metric)}"
    of_columns = [] if len(found.columns) == len(found.images) == 1 else found.columns
    shuffled = "a column's values are shuffled"
    if found.images:
        shuffled = (
            f"{shuffled}, or the pixels of a region of an image" if of_columns else "a region's pixels are shuffled"
        )
    sentence = (
        f"How much worse the {score} of {number(found.score)} gets when {shuffled}, on {counted(found.rows, 'row')}. "
        f"{'Columns' if of_columns else 'Regions'} with the same information each look unimportant. An interval that "
        f"includes zero may be that of a {'column' if of_columns else 'region'} without any effect."
    )
    note = f"{found.confidence:.0%} intervals, over rows and {counted(found.repeats, 'permutation')} of each "
    intervals = _intervals([(one.column, one) for one in of_columns])
    charts = [Intervals("Importance of columns", f"{score}: worse by", intervals, f"{note}column")] if intervals else []
    tables, galleries, left_out = [], [], []
    if of_columns:
        cells = [[one.column, *_cells(one)] for one in of_columns]
        table = Table("Permutation importance", ["column", "worse by", "low", "high"], cells, most=MOST_COLUMNS)
        tables.append(table)
        left_out = [f"{table.left_out:,} less important columns are omitted."] if table.left_out else []
    for image in found.images:
        of = f" of {quoted(image.image)}" if len(found.images) > 1 or of_columns else ""
        ranked = sorted(image.regions, key=lambda part: -part.importance)
        intervals = _intervals([(part.part, part) for part in ranked])
        if intervals:
            charts.append(Intervals(f"Importance of regions{of}", f"{score}: worse by", intervals, f"{note}region"))
        galleries.append(_map(image, score, of))
        header = ["worse by", "low", "high"]
        tables.append(Table(f"Regions{of}", ["region", *header], _rows(ranked), most=MOST_REGIONS))
        if image.channels:
            tables.append(Table(f"Channels{of}", ["channel", *header], _rows(image.channels)))
    return Section("Importance", [sentence, *left_out], charts, tables, galleries)


def _intervals(found: Sequence[tuple[str, ColumnImportance | PartImportance]]) -> list[Interval]:
    ends = [(name, *_ends(one)) for name, one in found]
    known = [
        Interval(name, low, value, high)
        for name, value, low, high in ends
        if value is not None and low is not None and high is not None
    ]
    return known[:MOST_INTERVALS]


def _rows(parts: Sequence[PartImportance]) -> list[list[str]]:
    return [[part.part, *_cells(part)] for part in parts]


def _cells(one: ColumnImportance | PartImportance) -> list[str]:
    return [*map(number, _ends(one))]


def _ends(one: ColumnImportance | PartImportance) -> tuple[float | None, float | None, float | None]:
    """Value, low and high end."""
    value, low, high = (None if end is None else round(end, 9) + 0.0 for end in (one.importance, one.low, one.high))
    return value, low, high


def _map(image: ImageImportance, score: str, of: str) -> Gallery:
    """Map of the regions, colored by their importance."""
    at = {(part.rows, part.columns): part.importance for part in image.regions}
    values = np.array([at[region.rows, region.columns] for region in image.grid.regions])
    most = float(np.abs(values).max())
    cells = values.reshape(image.grid.counts) if len(image.grid.counts) > 1 else values[None]
    best = max(image.regions, key=lambda part: part.importance).part
    shape = f"{shown_shape(image.grid.counts)} regions of the {shown_shape(image.grid.shape)} image"
    picture = Picture.of_values(cells, most, f"Map of {shape}: most important are {best}")
    return Gallery(
        f"Map of the regions{of}", [Shown([picture], [shape, f"most important: {best}"])], "", (most, "better", "worse")
    )
