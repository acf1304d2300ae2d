"""Names of the pictures that rows are from."""

from __future__ import annotations

from dataclasses import replace

from bpcli.data.files.picture_names import FILE
from bpcli.data.files.source import Source


def picture_names(source: Source) -> list[str] | None:
    """Cells of the column `file` of a source, which the table may leave out; None if it has none."""
    if FILE not in source.header:
        return None
    options = replace(source.options, kinds={FILE: "categorical"}, columns=frozenset([FILE]))
    return source.read(options)[FILE].labels()
