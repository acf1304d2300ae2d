"""Columns of paths: the pictures that their cells name, as arrays of pixels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np

from bpcli.data.files.byte_source import open_bytes
from bpcli.data.files.cells import ReadOptions, shown_path
from bpcli.data.files.picture_pixels import pixels_of
from bpcli.data.files.query import Location, Query, shown_location
from bpcli.data.table import Column, Table
from bpcli.documents.table import shortened
from bpcli.errors import DataError
from bpcli.wording import counted, quoted


def with_pictures(table: Table, location: Location | None, options: ReadOptions) -> Table:
    """Table in which the columns of paths that the options name are arrays of pixels (rows, height, width, channels).

    Relative paths start from the folder of the file; from the working directory for rows of a server, a pipe or
    Python. Columns that are arrays already stay. Raises DataError for an empty cell, and as `pixels_of` does.
    """
    wanted = [name for name in options.pictures if name in table and not table[name].shape]
    if not wanted:
        return table
    where = "rows" if location is None else shown_location(location)
    columns = dict(table)
    for name in wanted:
        columns[name] = _pixels(table[name], folder_of(location), where, options)
    return Table(list(columns.values()), table.parts, table.rows, table.header)


def picture_content(table: Table, location: Location) -> Iterator[bytes]:
    """Contents of the pictures that a table of paths names, ordered by path in each column: what a digest is of."""
    for column in table.values():
        for path in column.present() if column.kind == "categorical" else ():
            if not _is_file(folder_of(location) / path):
                continue  # an error when the pictures are read, which says where
            with open_bytes(folder_of(location) / path) as stream:
                while block := stream.read(1 << 20):
                    yield block


def folder_of(location: Location | None) -> Path:
    """Folder from which relative paths in a file start."""
    file = location.file if isinstance(location, Query) else location
    return Path() if file is None else file.parent


def _is_file(path: Path) -> bool:
    """Whether a path is that of a file. A whole sentence is none."""
    try:
        return path.is_file()
    except OSError:  # the name is too long
        return False


def _pixels(paths: Column, folder: Path, where: str, options: ReadOptions) -> Column:
    where = f"{where}: column {quoted(paths.name)}"
    if paths.kind != "categorical":
        raise DataError(f"{where}: holds {paths.kind} values, where paths of pictures are expected")
    codes, named = paths.values, paths.categories
    known = np.array([bool(name.strip()) for name in named] + [False])[codes]
    if not known.all():
        first = int(np.argmin(known)) + 1
        raise DataError(f"{where}: {counted(int((~known).sum()), 'row')} without a picture, such as row {first}")
    used = np.unique(codes)
    names = [named[code] for code in used.tolist()]
    absent = [code for code, name in zip(used.tolist(), names, strict=True) if not _is_file(folder / name)]
    if absent:
        _refuse(named[absent[0]], int(np.argmax(codes == absent[0])) + 1, len(absent), folder, where)
    pixels = pixels_of(names, folder, options.pictures[paths.name], where)
    if len(names) < len(codes) or not np.array_equal(used[: len(codes)], codes):
        pixels = pixels[np.searchsorted(used, codes)]
    return Column(paths.name, "numeric", pixels)


def _refuse(name: str, row: int, count: int, folder: Path, where: str) -> NoReturn:
    """Raise DataError for the first of so many paths without a file."""
    inside = "the working directory" if folder == Path() else shown_path(folder)
    others = f", as {count - 1:,} other {'path' if count == 2 else 'paths'}" if count > 1 else ""
    what = f"{quoted(shortened(name))} in row {row:,} is no file in {inside}{others}"
    if "://" in name:
        what += "; URLs are not read: download the pictures"
    raise DataError(f"{where}: {what}")
