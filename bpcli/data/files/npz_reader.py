"""NPZ archives of arrays `X` and `y`, or of `X_train`, `y_train`, `X_test`, …; nothing in them is ever unpickled."""

from __future__ import annotations

import errno
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from bpcli.data.files.cells import ReadOptions, first_misfit, misfit, shown_path, text_column
from bpcli.data.files.text_source import open_bytes
from bpcli.data.table import PARTS, Column, Part, Table, number_label
from bpcli.errors import DataError
from bpcli.system.memory import require_memory
from bpcli.wording import counted, listed, printable, quoted, suggestion

MOST_COLUMNS = 1_000_000
"""Of an array: one without rows takes no bytes however many columns it declares."""

_NUMBERS = "fiub"
_TEXT = "US"
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)
"""What the standard library raises for an archive that cannot be read."""

_ARRAY_WORDS = {"O": "Python objects", "c": "complex numbers", "V": "records", "M": "dates", "m": "durations"}


def read_npz(path: Path, options: ReadOptions) -> Table:
    """The arrays as a table: columns `X0`, `X1`, … and `y`, or `y0`, `y1`, … where `y` is a matrix.

    Inputs of more than two axes are one column `X` of that shape, unless the options split them; targets are flattened
    to (rows, -1). The columns are views into the arrays. Raises DataError for an
    archive that is damaged or says other sizes than it holds, for arrays that are neither numbers nor text, for
    infinities, and for lengths that differ.
    """
    with _open_archive(path) as archive:
        splits = _splits(archive, options)
        pairs = [(archive.read(x), archive.read(y) if y in archive else None) for x, y in splits.values()]
        x = np.concatenate([x for x, _ in pairs]) if len(pairs) > 1 else pairs[0][0]
        targets = [y for _, y in pairs if y is not None]
        inputs = [x] if _is_whole(x.shape, options) else _vectors(x)
        values = dict(zip(_input_names(x.shape, options), inputs, strict=True))
        if targets:
            y = np.concatenate(targets) if len(targets) > 1 else targets[0]
            values |= dict(zip(_target_names(y.shape, options), _vectors(y), strict=True))
        columns = [_column(archive.path, name, cells, options) for name, cells in values.items() if options.wants(name)]
    parts = None
    if None not in splits:
        codes = np.array([PARTS.index(part) for part in splits if part is not None], np.int8)
        parts = np.repeat(codes, [len(x) for x, _ in pairs])
    return Table(columns, parts, rows=len(x))


def npz_header(path: Path, options: ReadOptions) -> list[str]:
    """The names of the columns that `read_npz` gives, from the shapes alone."""
    with _open_archive(path) as archive:
        x, y = next(iter(_splits(archive, options).values()))
        names = _input_names(archive.shape(x), options)
        return names + (_target_names(archive.shape(y), options) if y in archive else [])


@contextmanager
def _open_archive(path: Path) -> Iterator[_Archive]:
    shown = shown_path(path)
    with open_bytes(path) as stream:
        try:
            with zipfile.ZipFile(stream) as archive:
                yield _Archive(archive, shown)
        except _DAMAGE as error:
            # A damaged offset may lead before the start of the file, which the system calls an invalid argument.
            if isinstance(error, OSError) and error.errno != errno.EINVAL:
                raise
            reason = str(error) or type(error).__name__
            raise DataError(f"{shown}: not a readable NPZ file: {printable(reason)}") from None


class _Archive:
    """The arrays of an open NPZ file by name, each checked before memory is taken for it."""

    def __init__(self, archive: zipfile.ZipFile, path: str) -> None:
        self.path = path
        self._archive = archive
        self._members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        twice = [name for name, times in Counter(archive.namelist()).items() if times > 1]
        if twice:
            raise DataError(f"{path}: the archive holds {listed(twice)} more than once")

    def names(self) -> list[str]:
        return list(self._members)

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of an array that can be read."""
        return self._declared(name)[0]

    def is_text(self, name: str) -> bool:
        """Whether the array holds text."""
        return self._declared(name)[1].kind in _TEXT

    def read(self, name: str) -> NDArray[Any]:
        """The array in the machine's byte order."""
        shape, dtype = self._declared(name)
        where = f"{self.path}: array {quoted(name)}"
        size = dtype.itemsize * prod(shape)
        require_memory(size, where, "use fewer rows")
        with self._archive.open(self._members[name]) as member:
            array = np.lib.format.read_array(cast(BinaryIO, member), allow_pickle=False)
        native = np.dtype(np.float64) if dtype.kind == "f" and dtype.itemsize > 8 else dtype.newbyteorder("=")
        with np.errstate(over="ignore"):  # a long double that overflows is an infinity, of which more below
            array = array.astype(native, copy=False).reshape(shape)
        if len(shape) > 2:
            array = np.ascontiguousarray(array)  # positions are views then
        if dtype.kind == "f" and np.isinf(array).any():
            row = int(np.argwhere(np.isinf(array))[0][0])
            raise DataError(f"{where}: row {row} holds an infinite value; numbers must be finite, or NaN if missing")
        if dtype.kind == "U" and (strange := _not_unicode(array)).any():
            row = int(np.argwhere(strange)[0][0])
            raise DataError(f"{where}: row {row} holds invalid Unicode text; save the array again")
        return array

    def _declared(self, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        info = self._members[name]
        where = f"{self.path}: array {quoted(name)}"
        with self._archive.open(info) as member:
            shape, dtype = _read_header(cast(BinaryIO, member), where)
            held = info.file_size - member.tell()
        _check_dtype(dtype, where)
        if not shape or min(shape) < 0:
            raise DataError(f"{where}: shape {shape} has no rows; expected an array with at least one axis")
        if not dtype.itemsize:
            raise DataError(f"{where}: holds only empty text; remove the array")
        size = dtype.itemsize * prod(shape)
        if size != held:
            raise DataError(f"{where}: its header declares {size:,} bytes, but the archive holds {held:,}")
        width = prod(shape[1:])
        if width > MOST_COLUMNS:
            raise DataError(f"{where}: {width:,} columns; at most {MOST_COLUMNS:,} are allowed")
        return shape, dtype


def _read_header(stream: BinaryIO, where: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    try:
        version = np.lib.format.read_magic(stream)
        if version not in readers:
            raise DataError(f"{where}: array format {version[0]}.{version[1]} is not supported")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a header that Python 2 wrote, which is read all the same
            shape, _, dtype = readers[version](stream)
    except (DataError, *_DAMAGE):
        raise
    except Exception as error:
        # NumPy parses the header as a Python literal: it may raise ValueError, TypeError, TokenError, RecursionError …
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"{where}: its header is damaged: {printable(reason)}") from None
    return shape, dtype


def _not_unicode(text: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Whether any character of each text is none: half of one (a surrogate), or beyond the last code point."""
    codes = text.reshape(*text.shape, 1).view(np.uint32)
    return np.asarray(((codes > 0x10FFFF) | ((codes >= 0xD800) & (codes <= 0xDFFF))).any(axis=-1))


def _check_dtype(dtype: np.dtype[Any], where: str) -> None:
    if dtype.hasobject or dtype.kind not in _NUMBERS + _TEXT:
        kind = "O" if dtype.hasobject else dtype.kind
        what = _ARRAY_WORDS.get(kind, str(dtype))
        raise DataError(f"{where}: holds {what}; only numbers, booleans and text are supported")


def _splits(archive: _Archive, options: ReadOptions) -> dict[Part | None, tuple[str, str]]:
    """The names of the arrays of each split, or of all rows under None, known to fit together."""
    in_parts = [part for part in PARTS if f"{options.x}_{part}" in archive]
    if options.x in archive and in_parts:
        both = listed([options.x, f"{options.x}_{in_parts[0]}"])
        raise DataError(f"{archive.path}: holds both {both}; name the arrays to read in the config")
    if options.x not in archive and not in_parts:
        held = archive.names()
        hint = suggestion(options.x, held) or f"; it holds {listed(held) if held else 'nothing'}"
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


def _check_alike(archive: _Archive, names: list[str]) -> None:
    for name in names[1:]:
        if archive.shape(name)[1:] != archive.shape(names[0])[1:] or archive.is_text(name) != archive.is_text(names[0]):
            raise DataError(f"{archive.path}: arrays {listed([names[0], name])} differ in their columns")


def _is_whole(shape: tuple[int, ...], options: ReadOptions) -> bool:
    """Whether inputs of a shape are one column of an array."""
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
    if values.dtype.kind in _TEXT:
        return _text_column(path, name, values, options)
    if values.ndim == 1 and (kind == "categorical" or (notation is not None and notation.kind != "numeric")):
        distinct, codes = np.unique(values, return_inverse=True)
        codes = np.where(np.isnan(values), -1, codes) if values.dtype.kind == "f" else codes
        labels = [number_label(value) for value in distinct[distinct == distinct].tolist()]
        return _checked_text(path, name, labels, codes.astype(np.int32), options)
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
    return _checked_text(path, name, texts, codes.astype(np.int32), options)


def _checked_text(path: str, name: str, texts: list[str], codes: NDArray[np.int32], options: ReadOptions) -> Column:
    """Column of distinct texts; raises DataError for one that its kind or notation does not allow."""
    wrong = first_misfit(name, texts, options)
    if wrong is not None:
        raise misfit(f"{path}: row {int(np.argmax(codes == wrong))}", name, texts[wrong], options)
    return text_column(name, texts, codes, options)
