"""Charts in block characters: a series as an area, smooth by eighths of a block, and another as points over it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite, log10

from bpcli.text import number

Bin = tuple[float, float]
"""The least and the greatest of some values that stand side by side."""

MOST_BINS = 512
"""More columns than a chart has on any terminal; even, so that bins can be merged in pairs."""

LOGARITHMIC_FROM = 20.0
"""How many times the least the greatest value is, from where a logarithmic axis shows more."""

LEAST_COLUMNS, LEAST_ROWS = 12, 3
"""Of a chart that still says something."""


@dataclass(frozen=True)
class Glyphs:
    """The characters of a chart: how full a cell is, a spread of values above that, a point, and the axis."""

    fills: str
    spread: str
    point: str
    axis: str

    @classmethod
    def of(cls, encoding: str | None) -> Glyphs:
        """Block characters where the encoding has them, else ASCII."""
        try:
            "".join((BLOCKS.fills, BLOCKS.spread, BLOCKS.point, BLOCKS.axis)).encode(encoding or "ascii")
        except (UnicodeEncodeError, LookupError):
            return ASCII
        return BLOCKS


BLOCKS = Glyphs("▁▂▃▄▅▆▇█", "░", "●", "│")
ASCII = Glyphs(".:#", "'", "o", "|")


class Bins:
    """A series of any length in bounded memory: bins of equally many values, which grow as the series does."""

    def __init__(self) -> None:
        self._bins: list[Bin] = []
        self._size = 1
        self._filled = 0

    def add(self, value: float) -> None:
        """Add a value to the end; one that is not finite has no place in a chart."""
        if not isfinite(value):
            return
        if self._bins and self._filled < self._size:
            low, high = self._bins[-1]
            self._bins[-1] = min(low, value), max(high, value)
            self._filled += 1
            return
        if len(self._bins) == MOST_BINS:
            self._bins = in_columns(self._bins, MOST_BINS // 2)
            self._size *= 2
        self._bins.append((value, value))
        self._filled = 1

    def all(self) -> list[Bin]:
        """The bins as they are now."""
        return list(self._bins)


@dataclass(frozen=True)
class Drawing:
    """A chart: its lines, and where in them its columns begin."""

    lines: list[str]
    start: int
    columns: int
    logarithmic: bool


def in_columns(bins: Sequence[Bin], columns: int) -> list[Bin]:
    """Bins brought to a number of columns: merged where there are more, repeated where there are fewer."""
    count = len(bins)
    found = []
    for column in range(columns):
        first = column * count // columns
        merged = bins[first : max(first + 1, (column + 1) * count // columns)]
        found.append((min(low for low, _ in merged), max(high for _, high in merged)))
    return found


def draw(area: Sequence[Bin], points: Sequence[Bin], width: int, rows: int, glyphs: Glyphs) -> Drawing | None:
    """A chart of `rows` lines of up to `width` characters, or None where that is too little, or there is no area.

    The area is filled up to the least value of a column, and lightly up to the greatest. `points` may be empty.
    """
    values = [value for bin_ in (*area, *points) for value in bin_]
    if not area or rows < LEAST_ROWS:
        return None
    low, high = min(values), max(values)
    labels = number(high), number(low)
    start = max(map(len, labels)) + 2
    columns = width - start
    if columns < LEAST_COLUMNS:
        return None
    axis = _Axis.over(low, high, rows * len(glyphs.fills))
    cells = [[" "] * columns for _ in range(rows)]
    _fill(cells, ((axis.step(one), axis.step(other)) for one, other in in_columns(area, columns)), glyphs)
    if points:
        _mark(cells, ((axis.step(one), axis.step(other)) for one, other in in_columns(points, columns)), glyphs)
    names = [labels[0], *[""] * (rows - 2), labels[1]]
    lines = [
        f"{name:>{start - 2}} {glyphs.axis}{''.join(row)}".rstrip()
        for name, row in zip(names, reversed(cells), strict=True)
    ]
    return Drawing(lines, start, columns, axis.logarithmic)


@dataclass(frozen=True)
class _Axis:
    """Values from low to high as steps of a cell's fill, from 1 on, so that each can be seen."""

    low: float
    high: float
    steps: int
    logarithmic: bool

    @classmethod
    def over(cls, low: float, high: float, steps: int) -> _Axis:
        return cls(low, high, steps, low > 0 and high / low > LOGARITHMIC_FROM)

    def step(self, value: float) -> int:
        if self.high == self.low:
            return self.steps // 2
        if self.logarithmic:
            share = (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        else:
            share = value / (self.high - self.low) - self.low / (self.high - self.low)
        return 1 + round(min(max(share, 0.0), 1.0) * (self.steps - 1))


def _fill(cells: list[list[str]], steps: Iterable[tuple[int, int]], glyphs: Glyphs) -> None:
    """Fill each column of cells, numbered from the bottom, from steps of the least and the greatest value."""
    full = len(glyphs.fills)
    for column, (least, greatest) in enumerate(steps):
        for row, cell in enumerate(cells):
            filled = least - row * full
            if filled > 0:
                cell[column] = glyphs.fills[min(filled, full) - 1]
            elif greatest > row * full:
                cell[column] = glyphs.spread


def _mark(cells: list[list[str]], steps: Iterable[tuple[int, int]], glyphs: Glyphs) -> None:
    full = len(glyphs.fills)
    for column, (least, greatest) in enumerate(steps):
        for row in range((least - 1) // full, (greatest - 1) // full + 1):
            cells[row][column] = glyphs.point
