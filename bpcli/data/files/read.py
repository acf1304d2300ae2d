"""The door for data: files on disk in, tables out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from bpcli.data.files.cells import ReadOptions, shown_path
from bpcli.data.files.csv_reader import read_csv, read_csv_chunks
from bpcli.data.files.npz_reader import npz_header, read_npz
from bpcli.data.files.parquet_reader import parquet_header, read_parquet
from bpcli.data.files.text_source import open_bytes, open_text
from bpcli.data.table import PARTS, Column, Kind, Part, Table
from bpcli.errors import DataError
from bpcli.wording import quoted, shown_shape

__all__ = ["ReadOptions", "data_digest", "is_text", "read_chunks", "read_header", "read_table"]

OTHER_FORMATS = (".xlsx", ".xls", ".ods", ".json", ".jsonl", ".feather", ".arrow", ".h5", ".pkl", ".sqlite", ".zip")
"""Suffixes of tables that are no text, or no rows of cells."""

_INSTALL = 'pip install "backprop-cli[tables]"'


def read_table(sources: Sequence[tuple[Path, Part | None]], options: ReadOptions) -> Table:
    """The table in a file, or in several files of which each is a part (`train`, `validation`, `test`).

    The columns are those of the first file, their kinds inferred over all files together. Raises DataError for
    whatever is wrong with a file, naming the place, and FileAccessError when the system refuses to read it.
    """
    if len(sources) == 1 and sources[0][1] is None:
        return _read_file(sources[0][0], options)
    tables = [_read_file(path, options) for path, _ in sources]
    names = list(tables[0])
    for (path, _), table in zip(sources, tables, strict=True):
        table.require(names, shown_path(path))
        if table.parts is not None:
            raise DataError(f"{shown_path(path)}: has its own splits, but is given as a single split")
        _require_shapes(table, tables[0], shown_path(path))
    kinds = {name: _joint_kind([table[name] for table in tables]) for name in names}
    for index, (path, _) in enumerate(sources):
        changed = {name: kinds[name] for name in names if tables[index][name].kind != kinds[name]}
        if changed:
            again = replace(options, columns=frozenset(changed), kinds={**options.kinds, **changed})
            columns = {**tables[index], **_read_file(path, again)}
            tables[index] = Table(list(columns.values()), rows=tables[index].rows)
    codes = [PARTS.index(part) for _, part in sources if part is not None]
    parts = np.repeat(np.array(codes, np.int8), [table.rows for table in tables])
    return Table([_joined([table[name] for table in tables]) for name in names], parts, rows=len(parts))


def read_chunks(path: Path | None, options: ReadOptions, rows: int) -> Iterator[Table]:
    """Tables of at most `rows` rows, all but the last of just that many; None is CSV on standard input.

    Text is read in constant memory. A kind that is not given is inferred for each chunk by itself, and so are the
    categories. There is always at least one table, so that the columns are known.
    """
    if path is not None and not is_text(path):
        columns = _read_file(path, options)
        table = Table(list(columns.values()), rows=columns.rows, header=read_header(path, options))
        for start in range(0, max(table.rows, 1), rows):
            yield table.take(np.arange(start, min(start + rows, table.rows)))
    else:
        yield from read_csv_chunks(path, options, rows)


def read_header(path: Path, options: ReadOptions) -> list[str]:
    """The names of the columns of a file."""
    form = _format(path)
    if form == "npz":
        return npz_header(path, options)
    if form == "parquet":
        _require_polars(path)
        return parquet_header(path)
    with open_text(path, options.dialect) as text:
        return text.header


def is_text(path: Path) -> bool:
    """Whether a file is read as delimited text, as all are whose suffix does not say otherwise."""
    return _format(path) == "text"


def data_digest(paths: Sequence[Path]) -> str:
    """The SHA-256 of the files' bytes, one after another, in hexadecimal digits."""
    digest = hashlib.sha256()
    for path in paths:
        with open_bytes(path) as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _format(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix in OTHER_FORMATS and path.is_file():
        raise DataError(
            f"{shown_path(path)}: {suffix} is not supported (CSV, TSV, NPZ and Parquet are); save it as CSV"
        )
    return {".npz": "npz", ".parquet": "parquet"}.get(suffix, "text")


def _read_file(path: Path, options: ReadOptions) -> Table:
    form = _format(path)
    if form == "npz":
        return read_npz(path, options)
    if form == "parquet":
        _require_polars(path)
        return read_parquet(path, options)
    return read_csv(path, options)


def _require_polars(path: Path) -> None:
    if find_spec("polars") is None:
        raise DataError(f"{shown_path(path)}: reading Parquet requires Polars, which is not installed: {_INSTALL}")


def _require_shapes(table: Table, first: Table, where: str) -> None:
    """Raise DataError for an array whose rows are of another shape than in the first file."""
    for name, column in first.items():
        found, wanted = table[name].shape, column.shape
        if found != wanted:
            raise DataError(
                f"{where}: array {quoted(name)} has rows of {shown_shape(found)}, the first file {shown_shape(wanted)}"
            )


def _joint_kind(columns: Sequence[Column]) -> Kind:
    """The kind that inference would give to the cells of all these columns together."""
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
