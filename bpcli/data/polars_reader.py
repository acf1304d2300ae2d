"""CSV through Polars, where that gives the very table of the NumPy reader, and Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bpcli.data.cells import ReadOptions, first_not_boolean, numeric_words, parse_cells, shown_path, text_column
from bpcli.data.csv_reader import read_csv
from bpcli.data.delimited import count_delimiters
from bpcli.data.table import Column, Kind, Table
from bpcli.data.text_source import BLOCK, open_bytes, open_text
from bpcli.errors import DataError
from bpcli.text import printable, quoted

if TYPE_CHECKING:
    import polars as pl


class _LeaveToNumpy(Exception):
    """The file is malformed or unusual: the NumPy reader says how, or reads it."""


def read_csv_polars(path: Path, options: ReadOptions) -> Table:
    """The same table and the same errors as `read_csv`, several times faster on large plain files."""
    try:
        return _read_plain(path, options)
    except _LeaveToNumpy:
        return read_csv(path, options)


def _read_plain(path: Path, options: ReadOptions) -> Table:
    import polars as pl

    with open_text(path) as text:
        header, delimiter = text.header, text.delimiter
    delimiters = _count_delimiters(path, delimiter)
    try:
        frame = pl.read_csv(path, separator=delimiter.decode(), infer_schema=False, glob=False)
    except (pl.exceptions.PolarsError, OSError):
        raise _LeaveToNumpy from None
    # Polars refuses rows that are too long and fills up short ones; no row is short when no delimiter is lacking.
    whole = len(header) > 1 and delimiters == (frame.height + 1) * (len(header) - 1)
    if not whole or [name.strip() for name in frame.columns] != header:
        raise _LeaveToNumpy
    columns = []
    for name in header:
        series = frame.drop_in_place(frame.columns[0])
        if options.wants(name):
            columns.append(_column(name, series, options))
    return Table(columns, rows=len(series))


def _count_delimiters(path: Path, delimiter: bytes) -> int:
    """Delimiters outside quotes in a plain file where quotes and line ends are usual."""
    total, inside = 0, False
    with open_bytes(path) as stream:
        # Blocks end where lines do, so that no pair of characters falls between two.
        while block := stream.read(BLOCK) + stream.readline():
            found = count_delimiters(block, delimiter, inside)
            if found is None or block.startswith(b"\x1f\x8b"):
                raise _LeaveToNumpy
            total, inside = total + found[0], found[1]
    return total


def _column(name: str, series: pl.Series, options: ReadOptions) -> Column:
    """The column with the semantics of the NumPy reader; its finite casts are a subset of that reader's numbers."""
    import polars as pl

    missing = frozenset(options.missing)
    kind = options.kind(name)
    if kind in (None, "numeric"):
        numbers = series.cast(pl.Float64, strict=False)
        other = ~numbers.is_finite().fill_null(False)
        for value in numeric_words(missing):
            other |= (numbers == value).fill_null(False)
        odd = series.filter(other).fill_null("")
        if not np.isinf(parse_cells(odd.unique().to_list(), missing)).any():
            values = numbers.fill_null(np.nan).to_numpy()
            if len(odd):
                values = values.copy()
                values[other.to_numpy()] = parse_cells(odd.to_list(), missing)
            return Column(name, "numeric", values)
        if kind == "numeric":
            raise _LeaveToNumpy
    return _text(name, series, options)


def _text(name: str, series: pl.Series, options: ReadOptions) -> Column:
    import polars as pl

    series = series.fill_null("")
    texts = series.unique().to_list()
    if options.kind(name) == "boolean" and first_not_boolean(texts, frozenset(options.missing)) is not None:
        raise _LeaveToNumpy
    codes = series.cast(pl.Enum(texts)).to_physical().to_numpy().astype(np.int32)
    return text_column(name, texts, codes, options)


def read_parquet(path: Path, options: ReadOptions) -> Table:
    """A Parquet file as a table; nulls are missing, and dates are categories.

    Raises DataError for a damaged file, for columns that hold lists, records or bytes, and for infinities.
    """
    import polars as pl

    shown = shown_path(path)
    with _open_parquet(path) as stream:
        frame = pl.read_parquet(stream)
    wanted = [series for series in frame.iter_columns() if options.wants(series.name)]
    return Table([_typed(shown, series, options) for series in wanted], rows=frame.height)


def parquet_header(path: Path) -> list[str]:
    """The names of the columns of a Parquet file."""
    import polars as pl

    with _open_parquet(path) as stream:
        return list(pl.read_parquet_schema(stream))


@contextmanager
def _open_parquet(path: Path) -> Iterator[BufferedReader]:
    import polars as pl

    with open_bytes(path) as stream:
        try:
            yield stream
        except pl.exceptions.PolarsError as error:
            reason = printable(str(error).splitlines()[0])
            raise DataError(f"{shown_path(path)}: not a readable Parquet file: {reason}") from None


def _typed(path: str, series: pl.Series, options: ReadOptions) -> Column:
    import polars as pl

    name, kind = series.name, options.kind(series.name)
    where = f"{path}: column {quoted(name)}"
    if series.dtype.is_nested() or series.dtype in (pl.Binary, pl.Object):
        raise DataError(f"{where}: holds {series.dtype}; only numbers, booleans, text and dates are read")
    is_number = series.dtype.is_numeric() and kind != "categorical"
    if is_number or (series.dtype == pl.Boolean and kind != "categorical"):
        values = series.cast(pl.Float64).fill_null(np.nan).to_numpy()
        if np.isinf(values).any():
            raise DataError(f"{where}: row {int(np.argmax(np.isinf(values)))} holds an infinity")
        typed: Kind = kind or ("numeric" if is_number else "boolean")
        if typed == "boolean" and not np.isin(values[~np.isnan(values)], (0, 1)).all():
            raise DataError(f"{where}: holds numbers other than 0 and 1, as a boolean must not")
        return Column(name, typed, values)
    # A missing word of the caller's stands for null here, whatever the words are.
    null = options.missing[0] if options.missing else ""
    texts = series.cast(pl.String).fill_null(null)
    if kind == "numeric":
        numbers = parse_cells(texts.to_list(), frozenset(options.missing))
        if np.isinf(numbers).any():
            row = int(np.argmax(np.isinf(numbers)))
            raise DataError(f"{where}: row {row}: {quoted(texts[row])} is not a finite number")
        return Column(name, "numeric", numbers)
    return _text(name, texts, options)
