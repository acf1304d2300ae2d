"""Terminal output of `bpcli inspect` on inputs that are images or series."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from textwrap import wrap
from typing import TYPE_CHECKING

from bpcli.cli.console import table_lines
from bpcli.cli.inspect_text import PROSE, bar, importance_meaning, interval
from bpcli.documents.table import Table
from bpcli.wording import counted, number, printable, shown_shape

if TYPE_CHECKING:
    from bpcli.inspection.document import InspectedColumns
    from bpcli.inspection.importance import ImageImportance, PartImportance

MOST_PARTS = 10
"""Maximum number of regions listed, unless the image is named; --json has all."""

SHADES = " ░▒▓█"

ACROSS = 2
"""Characters of a region's shade, about as wide as a line is high."""


def image_lines(image: ImageImportance, found: InspectedColumns, every: bool, is_first: bool = True) -> list[str]:
    """Lines on an image: maps and a table of its regions, and a table of its channels.

    What the numbers mean is said of the first image, or was said of the columns beside it.
    """
    meaning = importance_meaning(found, "a region's pixels") if len(found.importance.columns) == 1 else ""
    lines = [
        *(wrap(meaning, PROSE) if is_first else ()),
        f"{printable(image.image)}, {shown_shape(image.grid.shape)}, in {_regions(image)}; "
        "darker: more important; rows and columns count from 0",
        *_maps(image),
        "",
        *table_lines(_table("Regions", "region", image.regions, every), "less important; --json lists all"),
    ]
    if image.channels:
        lines += ["", *table_lines(_table("Channels", "channel", image.channels, every))]
    return lines


def _regions(image: ImageImportance) -> str:
    counts = image.grid.counts
    return f"{shown_shape(counts)} regions" if len(counts) > 1 else counted(counts[0], "stretch", "stretches")


def _maps(image: ImageImportance) -> list[str]:
    """Maps of the regions by permutation importance and by integrated gradients, side by side."""
    bounds = image.grid.bounds
    down, across = bounds if len(bounds) > 1 else ((0, 1), bounds[0])
    titles = ["permutation", "integrated gradients"]
    values = [
        {(part.rows, part.columns): value for part, value in zip(image.regions, measured, strict=True)}
        for measured in ([part.importance for part in image.regions], [part.contribution for part in image.regions])
    ]
    width = max(ACROSS * (len(across) - 1) + 2, len(titles[0]))
    margin = len(str(down[-1])) + 1
    lines = [" " * margin + titles[0].ljust(width + 2) + titles[1]]
    for top, below in pairwise(down):
        line = f"{top if len(bounds) > 1 else '':<{margin}}"
        for one in values:
            most = max(one.values())
            cells = ""
            for left, right in pairwise(across):
                span = (left, right - 1)
                value = one[((top, below - 1), span)] if len(bounds) > 1 else one[(span, None)]
                cells += _shade(value, most) * ACROSS
            line += f"│{cells}│".ljust(width + 2)
        lines.append(line.rstrip())
    return lines


def _shade(value: float, most: float) -> str:
    if most <= 0:
        return SHADES[0]
    return SHADES[round(max(0.0, value) / most * (len(SHADES) - 1))]


def _table(title: str, header: str, parts: Sequence[PartImportance], every: bool) -> Table:
    most = max((max(part.importance, part.high or 0.0) for part in parts), default=0.0)
    rows = [
        [
            part.part,
            number(round(part.importance, 9) + 0.0),
            interval(part),
            bar(part, most),
            number(part.contribution),
        ]
        for part in parts
    ]
    names = [header, "permutation", "95% interval", "", "integrated gradients"]
    return Table(title, names, rows, right=(1, 2, 4), most=len(rows) if every else MOST_PARTS)
