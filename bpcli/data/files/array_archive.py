"""Arrays of NPZ and NPY files, checked before memory is allocated for them; never unpickled."""

from __future__ import annotations

import errno
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from bpcli.data.files.byte_source import open_bytes
from bpcli.data.files.cells import shown_path
from bpcli.errors import DataError
from bpcli.system.memory import require_memory
from bpcli.wording import composed, listed, printable, quoted

MOST_COLUMNS = 1_000_000
"""Maximum number of columns of an array: one without rows takes no bytes however many it declares."""

NUMBERS = "fiub"
TEXT = "US"
"""Kinds of dtypes that are read."""

_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)
"""Exceptions of the standard library for an archive that cannot be read."""

_ARRAY_WORDS = {"O": "Python objects", "c": "complex numbers", "V": "records", "M": "dates", "m": "durations"}

_REMEDIES = {
    "O": "; write the table to CSV or Parquet, or one plain array to X",
    "V": "; write the table to CSV or Parquet, where columns have names and types",
    "M": "; write the table to CSV or Parquet, where columns can be dates, or days as numbers: "
    "(x - numpy.datetime64('1970-01-01')) / numpy.timedelta64(1, 'D')",
    "m": "; write them as numbers, such as seconds: x / numpy.timedelta64(1, 's')",
}
"""What to do about such arrays. These divisions, unlike `astype(float)`, turn NaT into NaN."""


@contextmanager
def open_archive(path: Path, lone: str) -> Iterator[ArrayArchive]:
    """Open an NPZ file, or an NPY file as an archive whose only array is named `lone`."""
    shown, is_lone = shown_path(path), path.suffix.lower() == ".npy"
    with open_bytes(path) as stream:
        try:
            if is_lone:
                yield ArrayArchive({lone: (path.stat().st_size, partial(_rewound, stream))}, shown)
            else:
                with zipfile.ZipFile(stream) as archive:
                    twice = [name for name, times in Counter(map(composed, archive.namelist())).items() if times > 1]
                    if twice:
                        raise DataError(f"{shown}: the archive holds {listed(twice)} more than once")
                    members = {
                        composed(info.filename.removesuffix(".npy")): (info.file_size, partial(archive.open, info))
                        for info in archive.infolist()
                    }
                    yield ArrayArchive(members, shown)
        except _DAMAGE as error:
            # A damaged offset may lead before the start of the file, which the system calls an invalid argument.
            if isinstance(error, OSError) and error.errno != errno.EINVAL:
                raise
            reason = str(error) or type(error).__name__
            raise DataError(
                f"{shown}: not a readable {'NPY' if is_lone else 'NPZ'} file: {printable(reason)}"
            ) from None


@contextmanager
def _rewound(stream: BinaryIO) -> Iterator[BinaryIO]:
    stream.seek(0)
    yield stream


class ArrayArchive:
    """Arrays of an open file by name, each with its size in bytes and a function that opens it."""

    def __init__(self, members: Mapping[str, tuple[int, Callable[[], AbstractContextManager[Any]]]], path: str) -> None:
        self.path = path
        self._members = members

    def names(self) -> list[str]:
        """Names of all arrays."""
        return list(self._members)

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a readable array."""
        return self._declared(name)[0]

    def is_text(self, name: str) -> bool:
        """Whether the array holds text."""
        return self._declared(name)[1].kind in TEXT

    def read(self, name: str) -> NDArray[Any]:
        """Array in the machine's byte order."""
        shape, dtype = self._declared(name)
        where = f"{self.path}: array {quoted(name)}"
        size = dtype.itemsize * prod(shape)
        require_memory(size, where, "use fewer rows")
        with self._members[name][1]() as member:
            array = np.lib.format.read_array(member, allow_pickle=False)
        native = np.dtype(np.float64) if dtype.kind == "f" and dtype.itemsize > 8 else dtype.newbyteorder("=")
        with np.errstate(over="ignore"):  # a long double that overflows is an infinity, of which more below
            array = array.astype(native, copy=False).reshape(shape)
        if len(shape) > 2:
            array = np.ascontiguousarray(array)  # positions are views then
        if dtype.kind == "f" and np.isinf(array).any():
            row = int(np.argwhere(np.isinf(array))[0][0])
            raise DataError(f"{where}: {_row(row)} holds an infinite value; numbers must be finite, or NaN if missing")
        if dtype.kind == "U" and (strange := _not_unicode(array)).any():
            row = int(np.argwhere(strange)[0][0])
            raise DataError(f"{where}: {_row(row)} holds invalid Unicode text; save the array again")
        return array

    def _declared(self, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        size, opened = self._members[name]
        where = f"{self.path}: array {quoted(name)}"
        with opened() as member:
            shape, dtype = _read_header(member, where)
            held = size - member.tell()
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
    """Mask of texts with an invalid character: a surrogate, or a number above the last code point."""
    codes = text.reshape(*text.shape, 1).view(np.uint32)
    return np.asarray(((codes > 0x10FFFF) | ((codes >= 0xD800) & (codes <= 0xDFFF))).any(axis=-1))


def _check_dtype(dtype: np.dtype[Any], where: str) -> None:
    if dtype.hasobject or dtype.kind not in NUMBERS + TEXT:
        kind = "O" if dtype.hasobject else dtype.kind
        what = _ARRAY_WORDS.get(kind, str(dtype))
        raise DataError(
            f"{where}: holds {what}; only numbers, booleans and text are supported{_REMEDIES.get(kind, '')}"
        )


def _row(index: int) -> str:
    """Row as in other messages, counted from 1, with its index in the array."""
    return f"row {index + 1:,} (index {index})"
