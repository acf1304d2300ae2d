"""Tables of a comparison, for the terminal and for HTML."""

from __future__ import annotations

from bpcli.comparison.document import Comparison
from bpcli.documents.table import Table
from bpcli.wording import number, plain


def config_table(comparison: Comparison) -> Table:
    """Table of the config keys that differ, with a column per run; empty if none differ."""
    labels = comparison.labels
    rows = [
        [entry.key, *(plain(entry.values[label]) if label in entry.values else "-" for label in labels)]
        for entry in comparison.config
    ]
    return Table("Differences", ["config", *labels], rows, words=True)


def requirement_table(comparison: Comparison) -> Table:
    """Table of the requirements, with a row per run and requirement."""
    rows = [
        [
            one.run,
            one.requirement,
            number(one.difference),
            "-" if one.interval is None else f"{number(one.interval.low)} to {number(one.interval.high)}",
            "met" if one.met else "not met",
            one.verdict,
        ]
        for one in comparison.requirements
    ]
    return Table("Requirements", ["run", "required", "difference", "interval", "", "verdict"], rows, right=(2, 3))
