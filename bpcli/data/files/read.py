"""Reading of data: from files and queries to tables."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bpcli.data.files.byte_source import open_bytes, open_stream
from bpcli.data.files.cells import ReadOptions
from bpcli.data.files.compression import peeked
from bpcli.data.files.csv_reader import read_csv, read_csv_chunks, stream_csv
from bpcli.data.files.formats import format_of
from bpcli.data.files.query import Location, Query, shown_location
from bpcli.data.files.text_source import open_text
from bpcli.data.table import PARTS, Column, Kind, Part, Table
from bpcli.errors import DataError
from bpcli.wording import listed, quoted, shown_shape

__all__ = [
    "ReadOptions",
    "data_digest",
    "holds_arrays",
    "is_text",
    "read_chunks",
    "read_header",
    "read_stream",
    "read_table",
]


class Reader(NamedTuple):
    """Reader of a format. Without `chunks`, the whole table is read and divided."""

    header: Callable[[Path, ReadOptions], list[str]]
    table: Callable[[Path, ReadOptions], Table]
    chunks: Callable[[Path, ReadOptions, int], Iterator[Table]] | None = None


def read_table(sources: Sequence[tuple[Location, Part | None]], options: ReadOptions) -> Table:
    """Read one file, several files one after another, or one file per part.

    Columns are those of the first file; kinds are inferred from all files together. Raises DataError for invalid
    contents, with the place, and FileAccessError if the system refuses to read a file.
    """
    if len(sources) == 1 and sources[0][1] is None:
        return _read(sources[0][0], options)
    tables = [_read(location, options) for location, _ in sources]
    names = list(tables[0])
    for (location, part), table in zip(sources, tables, strict=True):
        where = shown_location(location)
        table.require(names, where)
        if part is None and (more := [name for name in table if name not in tables[0]]):
            raise DataError(f"{where}: {listed(more)} {'is' if len(more) == 1 else 'are'} not in the first file")
        if table.parts is not None:
            what = "as one of several files" if part is None else "as a single split"
            raise DataError(f"{where}: has its own splits, but is given {what}")
        _require_shapes(table, tables[0], where)
    kinds = {name: _joint_kind([table[name] for table in tables]) for name in names}
    for index, (location, _) in enumerate(sources):
        changed = {name: kinds[name] for name in names if tables[index][name].kind != kinds[name]}
        if changed:
            again = replace(options, columns=frozenset(changed), kinds={**options.kinds, **changed})
            columns = {**tables[index], **_read(location, again)}
            tables[index] = Table(list(columns.values()), rows=tables[index].rows)
    rows = [table.rows for table in tables]
    codes = [PARTS.index(part) for _, part in sources if part is not None]
    parts = np.repeat(np.array(codes, np.int8), rows) if codes else None
    return Table([_joined([table[name] for table in tables]) for name in names], parts, rows=sum(rows))


def read_chunks(path: Path, options: ReadOptions, rows: int) -> Iterator[Table]:
    """Read tables of `rows` rows, the last one shorter.

    Text and JSON lines are read in constant memory. Kinds that are not given, and categories, are inferred separately
    for each chunk. There is always at least one table, so the columns are known.
    """
    reader = _reader(path)
    if reader.chunks is not None:
        yield from (_with_pictures(table, path, options) for table in reader.chunks(path, options, rows))
        return
    columns = _with_pictures(reader.table(path, options), path, options)
    table = Table(list(columns.values()), rows=columns.rows, header=reader.header(path, options))
    for start in range(0, max(table.rows, 1), rows):
        yield table.take(np.arange(start, min(start + rows, table.rows)))


def read_stream(path: Path | None, options: ReadOptions, rows: int) -> Iterator[Table | None]:
    """Read tables of at most `rows` rows from a named pipe, or from standard input if `path` is None, as they arrive.

    Yields None before a read that would wait. The text is CSV, or JSON lines if it begins with an object. There is
    always at least one table, so the columns are known.
    """
    tables = _read_stream(path, options, rows)
    yield from (table and _with_pictures(table, None, options) for table in tables)


def _read_stream(path: Path | None, options: ReadOptions, rows: int) -> Iterator[Table | None]:
    with open_stream(path) as stream:
        beginning, whole = peeked(stream.stream, _may_be_json)
        stream = replace(stream, stream=whole)
        if _JSON.match(beginning):
            from bpcli.data.files.json_reader import stream_json

            yield from stream_json(stream, options, rows)
        else:
            yield from stream_csv(stream, path, options, rows)


_JSON = re.compile(rb'(?:\xef\xbb\xbf)?\s*(?:\[\s*)?\{\s*["}]')
"""Beginning of an object, or of an array of objects."""


def _may_be_json(beginning: bytes) -> bool:
    """Whether the beginning of a text leaves open if it is JSON."""
    return (
        len(beginning) < _JSON_WITHIN and re.fullmatch(rb"(?:\xef\xbb\xbf)?\s*(?:\[\s*)?\{?\s*", beginning) is not None
    )


_JSON_WITHIN = 1 << 10
"""Number of bytes within which JSON is recognised."""


def read_header(location: Location, options: ReadOptions) -> list[str]:
    """Names of the columns of a file or a query."""
    if isinstance(location, Query):
        from bpcli.data.files.query_reader import query_header

        return query_header(location)
    return _reader(location).header(location, options)


def is_text(path: Path) -> bool:
    """Whether a file is read as delimited text, the default if neither name nor content says otherwise."""
    return format_of(path) == "text"


def holds_arrays(path: Path) -> bool:
    """Whether a file is read as arrays, by its name, or is a folder of pictures."""
    return path.suffix.lower() in (".npz", ".npy") or path.is_dir()


def data_digest(locations: Sequence[Location], options: ReadOptions | None = None) -> str:
    """SHA-256 of the files' bytes, one after another, or of a query's result, in hexadecimal.

    Of a folder of pictures, their names count too, and of columns of paths in the options, the pictures.
    """
    digest = hashlib.sha256()
    for location in locations:
        if isinstance(location, Query):
            from bpcli.data.files.query_reader import read_query

            return read_query(location, ReadOptions(columns=frozenset()))[1]
        if location.is_dir():
            from bpcli.data.files.picture_folder import folder_content

            for block in folder_content(location):
                digest.update(block)
            continue
        with open_bytes(location) as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
        if options is not None and options.pictures:
            from bpcli.data.files.picture_columns import picture_content

            paths = _reader(location).table(location, replace(options, columns=frozenset(options.pictures)))
            for block in picture_content(paths, location):
                digest.update(block)
    return digest.hexdigest()


def _reader(path: Path) -> Reader:
    """Reader of a file, imported when needed."""
    match format_of(path):
        case "npz" | "npy":
            from bpcli.data.files.npz_reader import npz_header, read_npz

            return Reader(npz_header, read_npz)
        case "parquet":
            from bpcli.data.files.parquet_reader import parquet_header, read_parquet

            return Reader(parquet_header, read_parquet)
        case "workbook":
            from bpcli.data.files.workbook_reader import read_workbook, workbook_header

            return Reader(workbook_header, read_workbook)
        case "json":
            from bpcli.data.files.json_reader import json_header, read_json, read_json_chunks

            return Reader(json_header, read_json, read_json_chunks)
        case "pictures":
            from bpcli.data.files.picture_folder import folder_header, read_folder

            return Reader(folder_header, read_folder)
        case "text":
            return Reader(_text_header, read_csv, read_csv_chunks)


def _text_header(path: Path, options: ReadOptions) -> list[str]:
    with open_text(path, options.dialect) as text:
        return text.header


def _read(location: Location, options: ReadOptions) -> Table:
    if isinstance(location, Query):
        from bpcli.data.files.query_reader import read_query

        return _with_pictures(read_query(location, options)[0], location, options)
    return _with_pictures(_reader(location).table(location, options), location, options)


def _with_pictures(table: Table, location: Location | None, options: ReadOptions) -> Table:
    """The table with pictures in place of their paths, in columns of such."""
    if not options.pictures:
        return table
    from bpcli.data.files.picture_columns import with_pictures

    return with_pictures(table, location, options)


def _require_shapes(table: Table, first: Table, where: str) -> None:
    """Raise DataError for an array whose rows have another shape than in the first file."""
    for name, column in first.items():
        found, wanted = table[name].shape, column.shape
        if found != wanted:
            raise DataError(
                f"{where}: array {quoted(name)} has rows of {shown_shape(found)}, the first file {shown_shape(wanted)}"
            )


def _joint_kind(columns: Sequence[Column]) -> Kind:
    """Kind inferred from the cells of all these columns together."""
    kinds = {column.kind for column in columns if not column.missing().all()} or {columns[0].kind}
    return kinds.pop() if len(kinds) == 1 else "categorical"


def _joined(columns: Sequence[Column]) -> Column:
    name, kind = columns[0].name, columns[0].kind
    categories = sorted({category for column in columns for category in column.categories})
    if kind != "categorical":
        return Column(name, kind, np.concatenate([column.values for column in columns]), tuple(categories))
    position = {category: index for index, category in enumerate(categories)}
    recoded = [
        np.array([*(position[category] for category in column.categories), -1], np.int32)[column.values]
        for column in columns
    ]
    return Column(name, kind, np.concatenate(recoded), tuple(categories))
