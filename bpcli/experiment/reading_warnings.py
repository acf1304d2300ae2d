"""Warnings about how the data was read: separators, headers, units, words among numbers, and a row of totals."""

from __future__ import annotations

from collections.abc import Sequence

from bpcli.data.data_warning import DataWarning
from bpcli.data.examples.total_row import total_row
from bpcli.data.files.source import Source
from bpcli.data.spec import DataSpec
from bpcli.data.table import Table
from bpcli.experiment.mixed_units import warnings_of_units
from bpcli.experiment.notes import warnings_of_classes, warnings_of_columns, warnings_of_dialect, warnings_of_headers


def warnings_of_reading(
    source: Source, table: Table, train: Table, data: DataSpec, cells: Sequence[str], targets: Sequence[str]
) -> list[DataWarning]:
    """Probable errors in the reading of a source.

    table: all rows. train: training rows. cells: names of the input columns that are no arrays.
    """
    found = [
        *warnings_of_dialect(source, data.dialect),
        *warnings_of_headers(table, data),
        *warnings_of_columns((train[name] for name in cells if name not in data.columns), data.dialect),
        *warnings_of_units(source, data.notations, data.unread),
        *warnings_of_classes((table[name] for name in targets), data.columns),
    ]
    total = total_row(source, table)
    return [*found, DataWarning("total_row", total)] if total else found
