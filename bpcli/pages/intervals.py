"""Chart of intervals with a reference line at zero."""

from __future__ import annotations

from collections.abc import Sequence

from bpcli.documents.table import shortened
from bpcli.frozen import dataclass
from bpcli.pages.charts import BOTTOM, COLOURS, LEFT, RIGHT, TOP, WIDTH, figure, mark_below, text
from bpcli.pages.scale import Scale

ROW = 56
"""Height of a row, a name above its interval, in pixels."""


@dataclass(frozen=True)
class Interval:
    """A named estimate with the bounds of its interval."""

    name: str
    low: float
    value: float
    high: float


@dataclass(frozen=True)
class Intervals:
    """Rows of intervals over one axis that includes zero."""

    title: str
    label: str
    intervals: Sequence[Interval]
    note: str = ""

    def html(self) -> str:
        """HTML figure in which each interval is a bar between its bounds, with a dot at its value."""
        bottom = TOP + ROW * len(self.intervals)
        left, right = LEFT / 2, WIDTH - RIGHT
        ends = [end for one in self.intervals for end in (one.low, one.value, one.high)]
        x = Scale.over([0.0, *ends], left, right)
        zero = x.place(0.0)
        shapes = [f'<line class="axis" x1="{left:.1f}" y1="{bottom}" x2="{right:.1f}" y2="{bottom}"/>']
        for value, label in x.marks():
            place = x.place(value)
            shapes.append(f'<line class="grid" x1="{place:.1f}" y1="{TOP}" x2="{place:.1f}" y2="{bottom}"/>')
            shapes.append(mark_below(place, bottom, label))
        shapes.append(f'<line class="zero" x1="{zero:.1f}" y1="{TOP}" x2="{zero:.1f}" y2="{bottom}"/>')
        middle = (left + right) / 2
        shapes.append(f'<text x="{middle:.1f}" y="{bottom + 40}" text-anchor="middle">{text(self.label)}</text>')
        data = []
        for row, one in enumerate(self.intervals):
            colour, y = row % COLOURS, TOP + ROW * row + 38.0
            low, value, high = x.place(one.low), x.place(one.value), x.place(one.high)
            shapes.append(f'<text x="{left + 6:.1f}" y="{y - 20:.1f}">{text(shortened(one.name))}</text>')
            lines = f"M{low:.1f} {y - 7}v14M{high:.1f} {y - 7}v14M{low:.1f} {y}H{high:.1f}"
            shapes.append(f'<path class="interval s{colour}" d="{lines}"/>')
            shapes.append(f'<path class="dots s{colour}" d="M{value:.1f} {y}h0"/>')
            places = (("low end", low, one.low), ("measured", value, one.value), ("high end", high, one.high))
            data.append({"name": shortened(one.name), "points": [[px, y, word, end] for word, px, end in places]})
        about = f"{self.title}: {'; '.join(map(_described, self.intervals))}"
        return figure(self.title, about, ("", self.label), data, "".join(shapes), (), self.note, bottom + BOTTOM)


def _described(one: Interval) -> str:
    side = "includes zero" if one.low <= 0 <= one.high else f"is {'above' if one.low > 0 else 'below'} zero"
    return f"{shortened(one.name)} from {one.low:.4g} to {one.high:.4g}, which {side}"
