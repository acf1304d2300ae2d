"""NPZ archives with arrays `X` and `y`, or `X_train`, `y_train`, `X_test`, …; NPY files with `X` only."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.data.files.array_archive import TEXT, ArrayArchive, open_archive
from bpcli.data.files.cells import ReadOptions, checked_text
from bpcli.data.table import PARTS, Column, Part, Table, number_label
from bpcli.errors import DataError
from bpcli.wording import counted, listed, quoted


def read_npz(path: Path, options: ReadOptions) -> Table:
    """Read the arrays: columns `X0`, `X1`, … and `y`, or `y0`, `y1`, … if `y` is a matrix.

    Inputs of more than two axes are one column `X` of that shape, unless the options split them; targets are flattened
    to (rows, -1). The columns are views into the arrays. Raises DataError for a
    damaged archive, declared sizes other than the actual ones, arrays of neither numbers nor text, infinities, and
    different lengths.
    """
    with open_archive(path, options.x) as archive:
        splits = _splits(archive, options)
        pairs = [(archive.read(x), archive.read(y) if y in archive else None) for x, y in splits.values()]
        x = np.concatenate([x for x, _ in pairs]) if len(pairs) > 1 else pairs[0][0]
        targets = [y for _, y in pairs if y is not None]
        inputs = [x] if _is_whole(x.shape, options) else _vectors(x)
        values = dict(zip(_input_names(x.shape, options), inputs, strict=True))
        if targets:
            y = np.concatenate(targets) if len(targets) > 1 else targets[0]
            values |= dict(zip(_target_names(y.shape, options), _vectors(y), strict=True))
        columns = [
            _column(archive.path, name, cells, options) for name, cells in values.items() if options.includes(name)
        ]
    parts = None
    if None not in splits:
        codes = np.array([PARTS.index(part) for part in splits if part is not None], np.int8)
        parts = np.repeat(codes, [len(x) for x, _ in pairs])
    return Table(columns, parts, rows=len(x))


def npz_header(path: Path, options: ReadOptions) -> list[str]:
    """Names of the columns of `read_npz`, from the shapes alone."""
    with open_archive(path, options.x) as archive:
        x, y = next(iter(_splits(archive, options).values()))
        names = _input_names(archive.shape(x), options)
        return names + (_target_names(archive.shape(y), options) if y in archive else [])


_USUAL_ARRAYS = (
    ("X", "y"),
    ("x", "y"),
    ("arr_0", "arr_1"),
    ("features", "labels"),
    ("images", "labels"),
    ("data", "labels"),
    ("data", "target"),
    ("inputs", "targets"),
)
"""Names of inputs and targets. Keras has x_train and so on, `np.savez` without names arr_0 and arr_1."""


def usual_arrays(path: Path) -> tuple[str, str]:
    """Names of the input and target arrays of an NPZ file, as in `ReadOptions`; X and y if none is known."""
    with open_archive(path, "X") as archive:
        held = {*archive.names()}
    for x, y in _USUAL_ARRAYS:
        parts = [part for part in PARTS if f"{x}_{part}" in held]
        if {x, y} <= held or len(parts) > 1:
            return x, y
        if parts and x != _USUAL_ARRAYS[0][0]:  # a lone part is all rows
            return f"{x}_{parts[0]}", f"{y}_{parts[0]}"
    return _USUAL_ARRAYS[0]


def _splits(archive: ArrayArchive, options: ReadOptions) -> dict[Part | None, tuple[str, str]]:
    """Array names of each split, or of all rows under None. Shapes are verified to fit together."""
    in_parts = [part for part in PARTS if f"{options.x}_{part}" in archive]
    if options.x in archive and in_parts:
        both = listed([options.x, f"{options.x}_{in_parts[0]}"])
        raise DataError(f"{archive.path}: holds both {both}; name the arrays to read in the config")
    if options.x not in archive and not in_parts:
        held = archive.names()
        hint = f"; it holds {listed(held)}: name those to read under data.arrays" if held else "; it holds nothing"
        raise DataError(f"{archive.path}: no array {quoted(options.x)}{hint}")
    splits: dict[Part | None, tuple[str, str]] = {None: (options.x, options.y)}
    if in_parts:
        splits = {part: (f"{options.x}_{part}", f"{options.y}_{part}") for part in in_parts}
    for x, y in splits.values():
        if archive.is_text(x):
            raise DataError(f"{archive.path}: array {quoted(x)}: holds text; inputs must be numbers")
        rows, answers = archive.shape(x)[0], archive.shape(y)[0] if y in archive else None
        if answers not in (None, rows):
            raise DataError(f"{archive.path}: {quoted(x)} has {counted(rows, 'row')}, {quoted(y)} has {answers:,}")
    _check_alike(archive, [x for x, _ in splits.values()])
    targets = [y for _, y in splits.values() if y in archive]
    _check_alike(archive, targets)
    if targets and len(targets) < len(splits):
        absent = next(y for _, y in splits.values() if y not in archive)
        raise DataError(f"{archive.path}: holds {quoted(targets[0])} but not {quoted(absent)}")
    return splits


def _check_alike(archive: ArrayArchive, names: list[str]) -> None:
    for name in names[1:]:
        if archive.shape(name)[1:] != archive.shape(names[0])[1:] or archive.is_text(name) != archive.is_text(names[0]):
            raise DataError(f"{archive.path}: arrays {listed([names[0], name])} differ in their columns")


def _is_whole(shape: tuple[int, ...], options: ReadOptions) -> bool:
    """Whether inputs of this shape are a single column of arrays."""
    return len(shape) > 2 and 0 not in shape[1:] and not options.split_arrays


def _input_names(shape: tuple[int, ...], options: ReadOptions) -> list[str]:
    if _is_whole(shape, options):
        return [options.x]
    return [f"{options.x}{index}" for index in range(prod(shape[1:]))]


def _target_names(shape: tuple[int, ...], options: ReadOptions) -> list[str]:
    width = prod(shape[1:])
    return [options.y] if width == 1 else [f"{options.y}{index}" for index in range(width)]


def _vectors(array: NDArray[Any]) -> list[NDArray[Any]]:
    return list(array.reshape(len(array), prod(array.shape[1:])).T)


def _column(path: str, name: str, values: NDArray[Any], options: ReadOptions) -> Column:
    where = f"{path}: column {quoted(name)}"
    kind = options.kind(name)
    notation = options.notation(name)
    if values.dtype.kind in TEXT:
        return _text_column(path, name, values, options)
    if values.ndim == 1 and (kind == "categorical" or (notation is not None and notation.kind != "numeric")):
        distinct, codes = np.unique(values, return_inverse=True)
        codes = np.where(np.isnan(values), -1, codes) if values.dtype.kind == "f" else codes
        labels = [number_label(value) for value in distinct[distinct == distinct].tolist()]
        return checked_text(path, name, labels, codes.astype(np.int32), options)
    if kind == "boolean" or (kind is None and values.dtype.kind == "b"):
        wrong = (values != 0) & (values != 1) & (values == values)
        if wrong.any():
            place = np.unravel_index(np.argmax(wrong), wrong.shape)
            raise DataError(f"{where}: row {place[0]}: {values[place]:g} is not a boolean (0 or 1)")
        return Column(name, "boolean", values.astype(np.float64) if values.ndim == 1 else values)
    if values.dtype.kind == "b":
        values = values.astype(np.float64) if values.ndim == 1 else values.view(np.uint8)
    return Column(name, "numeric", values)


def _text_column(path: str, name: str, values: NDArray[Any], options: ReadOptions) -> Column:
    distinct, codes = np.unique(values, return_inverse=True)
    try:
        texts = [text.decode() if isinstance(text, bytes) else str(text) for text in distinct.tolist()]
    except UnicodeDecodeError:
        raise DataError(f"{path}: column {quoted(name)}: its bytes are not UTF-8") from None
    return checked_text(path, name, texts, codes.astype(np.int32), options)
