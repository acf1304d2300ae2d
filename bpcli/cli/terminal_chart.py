"""Text charts of two curves, in Braille characters (2 × 4 dots per cell) or ASCII."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite, log10

from bpcli.frozen import dataclass
from bpcli.wording import number

Bin = tuple[float, float]
"""Minimum and maximum of consecutive values."""

MOST_BINS = 512
"""Maximum number of bins, more than most terminals have columns of dots. Even, so that bins can be merged in pairs."""

LOGARITHMIC_FROM = 20.0
"""Ratio of maximum to minimum from which an axis is logarithmic."""

LEAST_COLUMNS, LEAST_ROWS = 12, 3
"""Minimum width and height of a readable chart, in characters."""

EARLY = 0.1
"""Share of a series that may be cut off at its start if the rest would have less than LEAST_HEIGHT of the axis."""

LEAST_HEIGHT = 1 / 3


@dataclass(frozen=True)
class Glyphs:
    """Characters of a chart: dots per cell (across, down), axes, and a solid and a dotted curve.

    With one dot per cell, each curve has its own character. In Braille, the second curve is drawn with gaps.
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
        """Braille if the encoding has it, otherwise ASCII."""
        try:
            "".join((BRAILLE.side, BRAILLE.corner, BRAILLE.bottom, BRAILLE.solid)).encode(encoding or "ascii")
        except (UnicodeEncodeError, LookupError):
            return ASCII
        return BRAILLE


BRAILLE = Glyphs(2, 4, "│", "└", "─", "⠒⠒", "⠂⠂")
ASCII = Glyphs(1, 1, "|", "+", "-", "#", "o")

BRAILLE_FROM = 0x2800
BRAILLE_BITS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""Bits of the dots in the left and the right column, from bottom to top (Unicode 15, section 21.1)."""

GAP = 2
"""Spacing of the columns of dots drawn for a dotted curve."""


class Bins:
    """Series of any length in bounded memory, as bins of equal size, which grows with the series."""

    def __init__(self) -> None:
        self._bins: list[Bin] = []
        self._size = 1
        self._filled = 0

    def add(self, value: float) -> None:
        """Append a value. Values that are not finite are ignored."""
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
        """Current bins."""
        return list(self._bins)


@dataclass(frozen=True)
class Cell:
    """Character of a chart, and whether it belongs to the second curve."""

    glyph: str
    second: bool


@dataclass(frozen=True)
class Drawing:
    """Chart, as a label and cells for each line.

    `above` is the maximum, if the initial values above the axis are cut off.
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
        """Cells per line."""
        return len(self.cells[0])

    @property
    def lines(self) -> list[str]:
        """Lines of the chart, without colours."""
        return [
            (label + "".join(cell.glyph for cell in row)).rstrip()
            for label, row in zip(self.labels, self.cells, strict=True)
        ]

    def axis(self, first: str, last: str, glyphs: Glyphs) -> list[str]:
        """Lines of the x axis, with labels at both ends."""
        indent = " " * self.start
        return [
            f"{indent[1:]}{glyphs.corner}{glyphs.bottom * self.columns}",
            f"{indent}{first}{last:>{self.columns - len(first)}}",
        ]


def in_columns(bins: Sequence[Bin], columns: int) -> list[Bin]:
    """Merge bins to fewer columns."""
    count = len(bins)
    found = []
    for column in range(columns):
        merged = bins[column * count // columns : max(column * count // columns + 1, (column + 1) * count // columns)]
        found.append((min(low for low, _ in merged), max(high for _, high in merged)))
    return found


def draw(
    first: Sequence[Bin], second: Sequence[Bin], width: int, rows: int, glyphs: Glyphs, cut: bool = False
) -> Drawing | None:
    """Draw a chart of `rows` lines and at most `width` characters. Returns None if it is too small or `first` is empty.

    `second` may be empty. With `cut`, the axis omits the initial values if the rest would otherwise have little height.
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
    """Scale from values to heights in dots, counted from 0. Values outside are clipped."""

    low: float
    high: float
    steps: int
    logarithmic: bool

    @classmethod
    def over(cls, bins: Sequence[Bin], steps: int) -> _Axis:
        low, high = min(low for low, _ in bins), max(high for _, high in bins)
        return cls(low, high, steps, low > 0 and high / low > LOGARITHMIC_FROM)

    def share(self, value: float) -> float:
        """Relative position of a value on the axis, 0 to 1."""
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
    """Dots (column, height) of a curve: the range of values in each column, connected to the next column."""
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
    """Minimum and maximum height in each column, linearly interpolated if there are fewer bins than columns."""
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
    """Character of a cell; rows count from the bottom. The second curve is drawn over the first."""
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
