"""Names of the pictures that rows are from."""

from __future__ import annotations

from dataclasses import replace

from bpcli.data.files.picture_names import FILE
from bpcli.data.files.source import Source


def picture_names(source: Source) -> list[str] | None:
    """Cells of the column `file` of a source, which the table may leave out, else of its first column of pictures.

    None if it has neither, or arrays in place of paths.
    """
    name = next((name for name in (FILE, *source.options.pictures) if name in source.header), None)
    if name is None:
        return None
    options = replace(source.options, kinds={name: "categorical"}, columns=frozenset([name]), pictures={})
    found = source.read(options)[name]
    return None if found.shape else found.labels()
