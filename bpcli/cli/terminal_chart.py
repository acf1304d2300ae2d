"""Charts of characters: two curves, solid and dotted, in Braille's two by four dots a cell, or in ASCII."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite, log10

from bpcli.wording import number

Bin = tuple[float, float]
"""The least and the greatest of some values that stand side by side."""

MOST_BINS = 512
"""More columns of dots than a chart has on most terminals; even, so that bins can be merged in pairs."""

LOGARITHMIC_FROM = 20.0
"""How many times the least the greatest value is, from where a logarithmic axis shows more."""

LEAST_COLUMNS, LEAST_ROWS = 12, 3
"""Of a chart that still says something."""

EARLY = 0.1
"""The share of a training that may be cut off, where all that comes after it would have less than LEAST_HEIGHT."""

LEAST_HEIGHT = 1 / 3


@dataclass(frozen=True)
class Glyphs:
    """The characters of a chart: dots in a cell, across and down, the axes, and a solid and a dotted curve.

    Where a cell is one dot, the curves have a character each; Braille puts dots together, and draws one curve solid
    and the other with gaps.
    """

    across: int
    down: int
    side: str
    corner: str
    bottom: str
    solid: str
    dotted: str

    @classmethod
    def of(cls, encoding: str | None) -> Glyphs:
        """Braille where the encoding has it, else ASCII."""
        try:
            "".join((BRAILLE.side, BRAILLE.corner, BRAILLE.bottom, BRAILLE.solid)).encode(encoding or "ascii")
        except (UnicodeEncodeError, LookupError):
            return ASCII
        return BRAILLE


BRAILLE = Glyphs(2, 4, "│", "└", "─", "⠒⠒", "⠂⠂")
ASCII = Glyphs(1, 1, "|", "+", "-", "#", "o")

BRAILLE_FROM = 0x2800
BRAILLE_BITS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""Of the dots of the left and of the right column, from the bottom up (Unicode 15, section 21.1)."""

GAP = 2
"""Of the columns of dots of a dotted curve, every so many are drawn."""


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
class Cell:
    """A character of a chart, and whether it is of the second curve."""

    glyph: str
    second: bool


@dataclass(frozen=True)
class Drawing:
    """A chart: for each line what stands before its cells, and those.

    `above` is the greatest value, where it lies above the chart, as only the beginning is so high.
    """

    labels: list[str]
    cells: list[list[Cell]]
    logarithmic: bool
    above: float | None

    @property
    def start(self) -> int:
        """Characters before the first column."""
        return len(self.labels[0])

    @property
    def columns(self) -> int:
        """Cells of a line."""
        return len(self.cells[0])

    @property
    def lines(self) -> list[str]:
        """The chart without colours."""
        return [
            (label + "".join(cell.glyph for cell in row)).rstrip()
            for label, row in zip(self.labels, self.cells, strict=True)
        ]

    def axis(self, first: str, last: str, glyphs: Glyphs) -> list[str]:
        """The x axis below, and under it what stands at its ends."""
        indent = " " * self.start
        return [
            f"{indent[1:]}{glyphs.corner}{glyphs.bottom * self.columns}",
            f"{indent}{first}{last:>{self.columns - len(first)}}",
        ]


def in_columns(bins: Sequence[Bin], columns: int) -> list[Bin]:
    """Bins merged to fewer columns."""
    count = len(bins)
    found = []
    for column in range(columns):
        merged = bins[column * count // columns : max(column * count // columns + 1, (column + 1) * count // columns)]
        found.append((min(low for low, _ in merged), max(high for _, high in merged)))
    return found


def draw(
    first: Sequence[Bin], second: Sequence[Bin], width: int, rows: int, glyphs: Glyphs, cut: bool = False
) -> Drawing | None:
    """A chart of `rows` lines of up to `width` characters, or None where that is too little or `first` is empty.

    `second` may be empty. With `cut`, the axis leaves out the beginning where that would leave the rest little height.
    """
    if not first or rows < LEAST_ROWS:
        return None
    axis = _Axis.over([*first, *second], rows * glyphs.down)
    highest = axis.high
    if cut:
        later = [part for curve in (first, second) for part in curve[max(1, round(EARLY * len(curve))) :]]
        if later and axis.share(max(high for _, high in later)) < LEAST_HEIGHT:
            axis = _Axis.over(later, rows * glyphs.down)
    labels = number(axis.high), number(axis.low)
    start = max(map(len, labels)) + 2
    columns = width - start
    if columns < LEAST_COLUMNS:
        return None
    names = [labels[0], *[""] * (rows - 2), labels[1]]
    dots = [_dots(curve, columns * glyphs.across, axis) for curve in (first, second)]
    dots[1] = {dot for dot in dots[1] if dot[0] % GAP == 0 or glyphs.across == 1}
    return Drawing(
        [f"{name:>{start - 2}} {glyphs.side}" for name in names],
        [[_cell(dots, column, row, glyphs) for column in range(columns)] for row in reversed(range(rows))],
        axis.logarithmic,
        highest if highest > axis.high else None,
    )


@dataclass(frozen=True)
class _Axis:
    """Values from low to high as heights of dots, from 0 on; those beyond it lie at its ends."""

    low: float
    high: float
    steps: int
    logarithmic: bool

    @classmethod
    def over(cls, bins: Sequence[Bin], steps: int) -> _Axis:
        low, high = min(low for low, _ in bins), max(high for _, high in bins)
        return cls(low, high, steps, low > 0 and high / low > LOGARITHMIC_FROM)

    def share(self, value: float) -> float:
        """How far up the axis a value lies, 0 to 1."""
        if self.high == self.low:
            return 0.5
        if self.logarithmic:
            value = min(max(value, self.low), self.high)
            return (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        size = self.high - self.low
        return min(max(value / size - self.low / size, 0.0), 1.0)

    def height(self, value: float) -> float:
        return self.share(value) * (self.steps - 1)


def _dots(bins: Sequence[Bin], columns: int, axis: _Axis) -> set[tuple[int, int]]:
    """Column and height of the dots of a curve: all that a column's values lie between, and the way to the next."""
    found: set[tuple[int, int]] = set()
    before: tuple[int, int] | None = None
    for column, (low, high) in enumerate(_heights(bins, columns, axis)):
        bottom, top = round(low), round(high)
        found |= {(column, height) for height in range(bottom, top + 1)}
        if before is not None:
            gap = range(before[1] + 1, bottom) if bottom > before[1] else range(top + 1, before[0])
            found |= {(column, height) for height in gap}
        before = bottom, top
    return found


def _heights(bins: Sequence[Bin], columns: int, axis: _Axis) -> Iterator[tuple[float, float]]:
    """The least and the greatest height in each column; between bins that are fewer than columns, straight lines."""
    if len(bins) >= columns:
        for low, high in in_columns(bins, columns):
            yield axis.height(low), axis.height(high)
        return
    ends = [(axis.height(low), axis.height(high)) for low, high in bins]
    for column in range(columns if ends else 0):
        place = column * (len(ends) - 1) / (columns - 1)
        index = int(place)
        one, two = ends[index], ends[min(index + 1, len(ends) - 1)]
        share = place - index
        yield one[0] + share * (two[0] - one[0]), one[1] + share * (two[1] - one[1])


def _cell(dots: Sequence[set[tuple[int, int]]], column: int, row: int, glyphs: Glyphs) -> Cell:
    """What stands in a cell; rows are numbered from the bottom. The second curve is drawn over the first."""
    first, second = (
        {
            (x, y)
            for x in range(glyphs.across)
            for y in range(glyphs.down)
            if (column * glyphs.across + x, row * glyphs.down + y) in curve
        }
        for curve in dots
    )
    if not first and not second:
        return Cell(" ", False)
    if glyphs.across == 1:
        return Cell(glyphs.dotted if second else glyphs.solid, bool(second))
    bits = sum(BRAILLE_BITS[x][y] for x, y in first | second)
    return Cell(chr(BRAILLE_FROM + bits), bool(second))
