"""Tables from Python values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array
from bpcli.data.files.cells import ReadOptions, first_misfit, misfit, text_column
from bpcli.data.table import Column, Kind, Table, number_label
from bpcli.errors import DataError
from bpcli.wording import composed, counted, quoted, shown_shape

Shapes = Mapping[str, tuple[int, ...]]
"""Of arrays by their names."""

NO_SHAPES: Shapes = {}

PythonRows = Mapping[str, Any] | Sequence[Mapping[str, Any]] | Array
"""Columns by name, rows as mappings, or an array of numbers, (rows, input columns) or (rows, *shape)."""


def table_from_rows(rows: Any, options: ReadOptions, shapes: Shapes = NO_SHAPES) -> Table:
    """Table of the columns in `options.kinds` from columns by name, a list of rows, or an array (rows, columns).

    shapes: shapes of array columns; a single one can be given as an array (rows, *shape). Pictures can be given as
    paths. None and NaN are missing
    values, texts are read like the cells of a file, and dates like their ISO text. Other columns are ignored.

    Raises:
        DataError: a column is missing, has another length than the others, or a value that its kind does not allow.
    """
    kinds = options.kinds
    columns = _columns(rows, list(kinds))
    absent = [name for name in kinds if name not in columns]
    if absent:
        raise DataError(f"rows: no column {quoted(absent[0])}")
    lengths = {name: len(columns[name]) for name in kinds}
    if len(set(lengths.values())) > 1:
        raise DataError(f"rows: columns differ in length: {min(lengths.values())} to {max(lengths.values())} values")
    found = []
    for name, kind in kinds.items():
        values = columns[name]
        if name in options.pictures and all(isinstance(value, str | PathLike) or value is None for value in values):
            texts = [None if value is None else str(value) for value in values]
            found.append(_text(name, texts, options))
        elif name in shapes:
            found.append(_array(name, "numeric" if name in options.pictures else kind, values, shapes[name]))
        else:
            found.append(_column(name, values, options))
    if not options.pictures:
        return Table(found)
    from bpcli.data.files.picture_columns import with_pictures

    return with_pictures(Table(found), None, options)


def column_names(rows: Any) -> list[str]:
    """Names of the columns, if the rows have names."""
    if isinstance(rows, Mapping) or hasattr(rows, "columns"):
        return list(_keys(getattr(rows, "columns", rows)))
    return list(_keys(rows[0])) if isinstance(rows, Sequence) and rows and isinstance(rows[0], Mapping) else []


def _keys(keys: Iterable[Any]) -> dict[Any, Any]:
    """Given keys by column name in composed form. Raises DataError for two keys with the same name."""
    named: dict[Any, Any] = {}
    for key in keys:
        name = composed(key) if isinstance(key, str) else key
        if named.setdefault(name, key) != key:
            raise DataError(f"rows: two columns are named {quoted(name)}")
    return named


def _array(name: str, kind: Kind, values: Any, shape: tuple[int, ...]) -> Column:
    """Column of numeric arrays, in their dtype."""
    try:
        array = np.asarray(values)
        array = array if array.dtype.kind in "fiub" else array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"rows: array {quoted(name)} must hold numbers, all rows {shown_shape(shape)}") from error
    if array.shape[1:] != shape and len(array):
        raise DataError(
            f"rows: array {quoted(name)} must be (rows, {', '.join(map(str, shape))}); this one is {array.shape}"
        )
    _require_allowed(name, kind, array)
    return Column(name, kind, array.reshape(len(array), *shape))


def _columns(rows: Any, names: list[str]) -> dict[str, Any]:
    """Values by column name."""
    if isinstance(rows, Mapping) or hasattr(rows, "columns"):  # a data frame of any library
        keys = _keys(getattr(rows, "columns", rows))
        found = {name: rows[keys[name]] for name in names if name in keys}
        single = next((name for name, values in found.items() if not _is_column(values)), None)
        if single is not None:
            raise DataError(f"rows: column {quoted(single)} is a single value, not a list; give one row as [row]")
        return found
    if isinstance(rows, np.ndarray):
        if rows.ndim > 2 and len(names) == 1:
            return {names[0]: rows}
        if rows.ndim != 2 or rows.shape[1] != len(names):
            wanted = counted(len(names), "input column")
            raise DataError(f"rows: an array must be (rows, {len(names)}), for {wanted}; this one is {rows.shape}")
        return {name: rows[:, index] for index, name in enumerate(names)}
    if isinstance(rows, Sequence) and all(isinstance(row, Mapping) for row in rows):
        if not all(map(str.isascii, names)):
            rows = [{name: row[key] for name, key in _keys(row).items()} for row in rows]
        for number, row in enumerate(rows):
            absent = next((name for name in names if name not in row), None)
            if absent is not None:
                raise DataError(
                    f"rows: row {number} has no value for column {quoted(absent)}; use None if it is unknown"
                )
        return {name: [row[name] for row in rows] for name in names}
    raise DataError("rows: give a mapping of columns, a list of mappings, or a two-dimensional array")


def _is_column(values: Any) -> bool:
    return hasattr(values, "__len__") and not isinstance(values, str | bytes)


def _column(name: str, values: Any, options: ReadOptions) -> Column:
    kind, notation = options.kinds[name], options.notation(name)
    if kind == "categorical" or (notation is not None and notation.kind != "numeric"):
        return _text(name, [None if _is_missing(value) else _label(value) for value in values], options)
    numbers = np.empty(len(values))
    texts: list[str | None] = [None] * len(values)
    for place, value in enumerate(values):
        if isinstance(value, str):
            texts[place] = value
            continue
        try:
            numbers[place] = np.nan if value is None else float(value)
        except (TypeError, ValueError) as error:
            what = f"column {quoted(name)} holds a value of type {type(value).__name__}, which is not {kind}"
            raise DataError(f"rows: row {place}, counted from 0: {what}") from error
    are_text = np.fromiter((text is not None for text in texts), np.bool_, len(texts))
    if are_text.any():
        numbers[are_text] = _text(name, texts, options).values[are_text]
    _require_allowed(name, kind, numbers)
    return Column(name, kind, numbers)


def _text(name: str, texts: Sequence[str | None], options: ReadOptions) -> Column:
    """Column of texts, None for missing values, read like the cells of a file."""
    distinct = list(dict.fromkeys(text for text in texts if text is not None))
    index: dict[str | None, int] = {text: code for code, text in enumerate(distinct)}
    wrong = first_misfit(name, distinct, options)
    if wrong is not None:
        row = texts.index(distinct[wrong])
        raise misfit(f"rows: row {row}, counted from 0", name, distinct[wrong], options)
    codes = np.fromiter((index.get(text, -1) for text in texts), np.int32, len(texts))
    return text_column(name, distinct, codes, options)


def _require_allowed(name: str, kind: Kind, numbers: NDArray[Any]) -> None:
    allowed = np.isnan(numbers) | ((numbers == 0) | (numbers == 1) if kind == "boolean" else np.isfinite(numbers))
    if not allowed.all():
        raise DataError(f"rows: column {quoted(name)} holds {numbers[~allowed][0]:g}, which is not {kind}")


def _is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, or the NaT of NumPy or pandas."""
    return value is None or (isinstance(value, float | np.floating | np.datetime64 | date) and bool(value != value))


def _label(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return number_label(float(value))
    return str(value)
