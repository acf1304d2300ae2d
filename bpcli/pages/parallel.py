"""Parallel coordinates: an axis for each quantity, and a line through all axes for each item (Inselberg 1985)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bpcli.documents.table import shortened
from bpcli.pages.charts import BOTTOM, LEFT, RIGHT, TOP, WIDTH, figure, text

ROW = 64
"""Height of an axis with its name, in pixels."""

OTHERS = 3
"""Colour of the lines that are not named."""


@dataclass(frozen=True)
class Axis:
    """An axis. ends: labels of its left and right end. places: of each line, from 0 to 1; None for no value there.

    values: of each line, in words.
    """

    name: str
    ends: tuple[str, str]
    places: Sequence[float | None]
    values: Sequence[str]


@dataclass(frozen=True)
class Parallel:
    """Axes below one another, with lines from the first to the last.

    names: of the first lines, which are drawn in front; the others are faint.
    """

    title: str
    axes: Sequence[Axis]
    names: Sequence[str]
    note: str = ""

    def html(self) -> str:
        """HTML figure."""
        left, right = LEFT / 2, WIDTH - RIGHT - LEFT / 4
        rows = [TOP + ROW * row + 40.0 for row in range(len(self.axes))]
        lines = [
            [
                (round(left + (right - left) * place, 1), y, axis.name, axis.values[line])
                for axis, y in zip(self.axes, rows, strict=True)
                if (place := axis.places[line]) is not None
            ]
            for line in range(len(self.axes[0].places))
        ]
        shapes, words = [], []
        for axis, y in zip(self.axes, rows, strict=True):
            shapes.append(f'<line class="axis" x1="{left:.1f}" y1="{y}" x2="{right:.1f}" y2="{y}"/>')
            middle = (left + right) / 2
            shapes.append(
                f'<text x="{middle:.1f}" y="{y - 8}" text-anchor="middle">{text(shortened(axis.name))}</text>'
            )
            low, high = map(shortened, axis.ends)
            words.append(f'<text x="{left:.1f}" y="{y - 8}">{text(low)}</text>')
            words.append(f'<text x="{right:.1f}" y="{y - 8}" text-anchor="end">{text(high)}</text>')
        named = len(self.names)
        for line in (*range(named, len(lines)), *reversed(range(named))):
            style = f"line s{line}" if line < named else f"line faint s{OTHERS}"
            path = "L".join(f"{x} {y}" for x, y, _, _ in lines[line])
            shapes.append(f'<path class="{style}" d="M{path}"/>')
        data = [
            {"name": name, "points": [list(point) for point in points]}
            for name, points in zip(self.names, lines, strict=False)
        ]
        keys = [("line", line, name) for line, name in enumerate(self.names)]
        if len(lines) > named:
            keys.append(("line", OTHERS, "others"))
        described = "; ".join(
            f"{one['name']}: {', '.join(f'{axis} {value}' for _, _, axis, value in points)}"
            for one, points in zip(data, lines, strict=False)
        )
        about = f"{self.title}: {described}"
        height = TOP + ROW * len(self.axes) + BOTTOM
        return figure(self.title, about, ("axis", "value"), data, "".join([*shapes, *words]), keys, self.note, height)
