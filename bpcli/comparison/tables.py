"""Tables of a comparison, for the terminal and for HTML."""

from __future__ import annotations

from bpcli.comparison.document import Comparison
from bpcli.documents.table import Table
from bpcli.wording import plain


def config_table(comparison: Comparison) -> Table:
    """Table of the config keys that differ, with a column per run; empty if none differ."""
    labels = comparison.labels
    rows = [
        [entry.key, *(plain(entry.values[label]) if label in entry.values else "-" for label in labels)]
        for entry in comparison.config
    ]
    return Table("Differences", ["config", *labels], rows, words=True)
