"""Report section on the importance of columns: a chart of intervals and a table."""

from __future__ import annotations

from bpcli.documents.table import MOST_COLUMNS, Table
from bpcli.inspection.importance import Importance
from bpcli.pages.intervals import Interval, Intervals
from bpcli.pages.page import Section, number, spaced
from bpcli.wording import counted

MOST_INTERVALS = 12
"""Maximum number of columns in the chart, the most important first; the table has more."""


def importance_section(found: Importance) -> Section:
    """Section on permutation importance. There is no chart if the rows are too few for intervals."""
    score = f"{'weighted ' if found.weighted else ''}{spaced(found.metric)}"
    sentence = (
        f"How much worse the {score} of {number(found.score)} gets when a column's values are shuffled, on "
        f"{counted(found.rows, 'row')}. Columns with the same information each look unimportant. An interval that "
        "includes zero may be that of a column without any effect."
    )
    intervals, cells = [], []
    for one in found.columns:
        value, low, high = (None if end is None else round(end, 9) + 0.0 for end in (one.importance, one.low, one.high))
        cells.append([one.column, number(value), number(low), number(high)])
        if value is not None and low is not None and high is not None:
            intervals.append(Interval(one.column, low, value, high))
    note = f"{found.confidence:.0%} intervals, over rows and {counted(found.repeats, 'permutation')} of each column"
    chart = Intervals("Importance of columns", f"{score}: worse by", intervals[:MOST_INTERVALS], note)
    table = Table("Permutation importance", ["column", "worse by", "low", "high"], cells, most=MOST_COLUMNS)
    left_out = [f"{table.left_out:,} less important columns are omitted."] if table.left_out else []
    return Section("Importance", [sentence, *left_out], [chart] if intervals else (), [table])
