"""CSV through Polars, where that gives the very table of the NumPy reader, and Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from gzip import GzipFile
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bpcli.data.cells import ReadOptions, first_not_boolean, numeric_words, parse_cells, shown_path, text_column
from bpcli.data.table import Column, Kind, Table
from bpcli.data.text_source import open_bytes, open_text
from bpcli.errors import DataError
from bpcli.text import printable, quoted

if TYPE_CHECKING:
    import polars as pl


class _LeaveToNumpy(Exception):
    """The file is malformed or unusual."""


def read_csv_polars(path: Path, options: ReadOptions) -> Table | None:
    """The table that the NumPy reader gives, several times faster on large files; None where only that one is sure.

    A malformed file is among those, so that errors are the same as well.
    """
    try:
        return _read_plain(path, options)
    except _LeaveToNumpy:
        return None


def _read_plain(path: Path, options: ReadOptions) -> Table:
    import polars as pl

    header, delimiter, rows = _survey(path)
    try:
        frame = pl.read_csv(path, separator=delimiter.decode(), infer_schema=False, glob=False)
    except (pl.exceptions.PolarsError, OSError):
        raise _LeaveToNumpy from None
    if frame.height != rows or [name.strip() for name in frame.columns] != header:
        raise _LeaveToNumpy
    frame.columns = header
    frame = frame.select(name for name in header if options.wants(name))
    trials = [name for name in frame.columns if options.kind(name) in (None, "numeric")]
    # All columns in one expression, since Polars then works on them in parallel.
    numbers = frame.select(pl.col(trials).cast(pl.Float64, strict=False))
    columns = []
    for series in frame.iter_columns():
        numeric = _numeric(series, numbers[series.name], options) if series.name in numbers.columns else None
        if numeric is None and options.kind(series.name) == "numeric":
            raise _LeaveToNumpy
        columns.append(_text(series.name, series, options) if numeric is None else numeric)
    return Table(columns, rows=rows)


def _survey(path: Path) -> tuple[list[str], bytes, int]:
    """Header, delimiter and number of rows of a file in which nothing is unusual.

    Polars fills up short rows and passes over some long ones, so that the cells are counted here.
    """
    rows = 0
    with open_text(path) as text:
        if isinstance(text.stream, GzipFile) or len(text.header) == 1:
            raise _LeaveToNumpy  # Polars would unpack it all; and in a single column it takes blank lines for cells
        try:
            for grid in text.blocks():
                if not text.usual:
                    raise _LeaveToNumpy
                rows += len(grid)
        except DataError:
            raise _LeaveToNumpy from None
    return text.header, text.delimiter, rows


def _numeric(series: pl.Series, numbers: pl.Series, options: ReadOptions) -> Column | None:
    """The column if all its cells are numbers or missing; finite casts of Polars's are numbers to the other reader."""
    missing = frozenset(options.missing)
    other = ~numbers.is_finite().fill_null(False)
    for value in numeric_words(missing):
        other |= (numbers == value).fill_null(False)
    odd = series.filter(other).fill_null("")
    if np.isinf(parse_cells(odd.unique().to_list(), missing)).any():
        return None
    values = numbers.to_numpy()
    if len(odd):
        values = values.copy()
        values[other.to_numpy()] = parse_cells(odd.to_list(), missing)
    return Column(series.name, "numeric", values)


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
