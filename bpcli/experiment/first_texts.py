"""Columns of texts in the first config."""

from __future__ import annotations

from collections.abc import Collection

from bpcli.data.columns.recognition import RecognisedColumn
from bpcli.data.columns.text_recognition import recognised_text
from bpcli.data.table import Table


def text_columns(table: Table, others: Collection[str]) -> dict[str, RecognisedColumn]:
    """Columns of texts, other than `others`."""
    found = {name: recognised_text(column) for name, column in table.items() if name not in others}
    return {name: column for name, column in found.items() if column is not None}
