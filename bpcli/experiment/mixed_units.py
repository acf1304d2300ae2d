"""Warnings about columns in which some numbers have a unit and others have none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

import numpy as np

from bpcli.data.data_warning import DataWarning
from bpcli.data.files.cells import BLANKS
from bpcli.data.files.source import Source
from bpcli.data.notations import Notation, NumberNotation
from bpcli.data.table import Column
from bpcli.wording import composed


def warnings_of_units(
    source: Source, notations: Mapping[str, Notation], without: Collection[str] = ()
) -> Iterator[DataWarning]:
    """Warnings about columns whose unit some cells lack, from the cells as written.

    notations: those of the config, by column. without: columns that are not read. Columns are read again only if one
    has a unit.
    """
    units = {
        name: notation
        for name, notation in notations.items()
        if isinstance(notation, NumberNotation) and notation.unit and name in source.header and name not in without
    }
    if not units:
        return
    from bpcli.data.notations.mixed_units import mixed_units_noted

    names = frozenset(units)
    as_written = source.read(replace(source.options, columns=names, kinds={}, notations={}, verbatim=names))
    for name, notation in units.items():
        missing = source.options.missing_in(name)
        cells = {word: count for word, count in _cells(as_written[name]).items() if word not in missing}
        if text := mixed_units_noted(name, cells, notation):
            yield DataWarning("mixed_units", text, name)


def _cells(column: Column) -> Counter[str]:
    """Words of a column read as text, and the number of cells with each."""
    found: Counter[str] = Counter()
    rows = np.bincount(column.values[column.values >= 0], minlength=len(column.categories))
    for text, count in zip(column.categories, rows.tolist(), strict=True):
        found[composed(text.strip(BLANKS))] += count
    return found
