"""Parquet, read by Polars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bpcli.data.files.byte_source import open_bytes
from bpcli.data.files.cells import ReadOptions, first_misfit, misfit, shown_path, text_column
from bpcli.data.table import Column, Kind, Table, number_label
from bpcli.errors import DataError
from bpcli.wording import composed, listed, printable, quoted

if TYPE_CHECKING:
    import polars as pl

_INSTALL = 'pip install "backprop-cli[tables]"'


def read_parquet(path: Path, options: ReadOptions) -> Table:
    """Read a Parquet file. Nulls are missing values; dates are categories unless they are given a notation.

    Raises DataError for a damaged file, columns of lists, records or bytes, and infinities.
    """
    shown = shown_path(path)
    with _open_parquet(path) as stream:
        import polars as pl

        frame = pl.read_parquet(stream)
        frame.columns = _names(frame.columns, shown)
    wanted = [series for series in frame.iter_columns() if options.includes(series.name)]
    return Table([_typed(shown, series, options) for series in wanted], rows=frame.height)


def parquet_header(path: Path, _: ReadOptions) -> list[str]:
    """Names of the columns of a Parquet file."""
    with _open_parquet(path) as stream:
        import polars as pl

        return _names(pl.read_parquet_schema(stream), shown_path(path))


def _names(raw: Iterable[str], path: str) -> list[str]:
    """Names in composed form. Raises DataError for names that become equal."""
    names = list(map(composed, raw))
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        raise DataError(f"{path}: duplicate names of columns: {listed(twice)}; rename them in the file")
    return names


@contextmanager
def _open_parquet(path: Path) -> Iterator[BufferedReader]:
    if find_spec("polars") is None:
        raise DataError(f"{shown_path(path)}: Parquet is read by Polars, which is not installed: {_INSTALL}")
    import polars as pl

    with open_bytes(path) as stream:
        try:
            yield stream
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            # Some damage Polars does not foresee: its own assertions fail, which it says on standard error by itself.
            reason = printable((str(error).splitlines() or ["damaged"])[0])
            raise DataError(f"{shown_path(path)}: not a readable Parquet file: {reason}") from None


def _typed(path: str, series: pl.Series, options: ReadOptions) -> Column:
    import polars as pl

    name, kind = series.name, options.kind(series.name)
    where = f"{path}: column {quoted(name)}"
    if series.dtype.is_nested() or series.dtype in (pl.Binary, pl.Object):
        raise DataError(f"{where}: holds {series.dtype}; only numbers, booleans, text and dates are supported")
    notation = options.notation(name)
    is_text = kind == "categorical" or (notation is not None and notation.kind != "numeric")
    is_number = series.dtype.is_numeric() and not is_text
    if is_number or (series.dtype == pl.Boolean and not is_text):
        values = series.cast(pl.Float64).fill_null(np.nan).to_numpy()
        if np.isinf(values).any():
            raise DataError(f"{where}: row {int(np.argmax(np.isinf(values))) + 1:,} holds an infinite value")
        typed: Kind = kind or ("numeric" if is_number else "boolean")
        if typed == "boolean" and not np.isin(values[~np.isnan(values)], (0, 1)).all():
            raise DataError(f"{where}: holds numbers other than 0 and 1, but is declared boolean")
        words = [word for word, truth in (("false", 0.0), ("true", 1.0)) if (values == truth).any()]
        return Column(name, typed, values, () if is_number else tuple(words))
    if notation is not None:
        series = _as_written(series)
    # A missing word of the caller's stands for null here, whatever the words are.
    null = options.missing[0] if options.missing else ""
    texts = series.cast(pl.String).fill_null(null)
    distinct = texts.unique(maintain_order=True)
    words, codes = distinct.to_list(), texts.cast(pl.Enum(distinct)).to_physical().to_numpy()
    wrong = first_misfit(name, words, options)
    if wrong is not None:
        raise misfit(f"{path}: row {int(np.argmax(codes == wrong))}", name, words[wrong], options)
    return text_column(name, words, codes.astype(np.int32), options)


def _as_written(series: pl.Series) -> pl.Series:
    """Series as text for a notation: dates with a time zone in UTC, whole floats without a decimal point."""
    import polars as pl

    if isinstance(series.dtype, pl.Datetime) and series.dtype.time_zone is not None:
        return series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if series.dtype.is_float():
        labels = [None if value is None or value != value else number_label(value) for value in series.to_list()]
        return pl.Series(series.name, labels, pl.String)
    return series
