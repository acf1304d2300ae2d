"""Byte streams of data files and of standard input."""

from __future__ import annotations

import fnmatch
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from bpcli.data.files.cells import shown_path
from bpcli.data.files.compression import decompressed, peeked
from bpcli.data.files.signatures import binary_format
from bpcli.data.files.utf8_stream import ByteStream
from bpcli.errors import DataError, FileAccessError
from bpcli.system.files import is_stream, kind_of
from bpcli.wording import counted, suggestion


@contextmanager
def open_bytes(path: Path, pipes: bool = False) -> Iterator[BufferedReader]:
    """Open a regular file, or with `pipes` a named pipe. Errors of the system become a BpcliError."""
    shown = shown_path(path)
    try:
        # Looked at before it is opened: opening a named pipe would wait for a writer.
        mode = path.stat().st_mode
        if stat.S_ISFIFO(mode) and not pipes:
            raise DataError(
                f"{shown}: a pipe, which can be read only once (bpcli predict does); write it to a file first"
            )
        if not stat.S_ISREG(mode) and not (pipes and is_stream(path)):
            what = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
            raise DataError(f"{shown}: {what}; expected a data file")
        if (kind := kind_of(path)) in ("config", "checkpoint"):
            raise DataError(f"{shown}: a {kind}; expected a data file")
        with path.open("rb") as stream:
            yield stream
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f"{shown}: {_absent(path)}") from None
    except OSError as error:
        raise FileAccessError(f"{shown}: {error.strerror or error}") from None


def _absent(path: Path) -> str:
    """Why there is no such file, with the nearest name; where files match it as a pattern, how to name them."""
    folder = path.parent
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    if set(path.name) & {*"*?["}:
        matches = fnmatch.filter(names, path.name)
        if matches:
            return f"no file of this name; as a pattern it matches {counted(len(matches), 'file')}: give one of them"
        return f"no file matches{suggestion(path.name, names)}"
    return f"no such file{suggestion(path.name, names)}"


@contextmanager
def open_decompressed(path: Path) -> Iterator[ByteStream]:
    """Open a text file, compressed or not.

    Raises DataError as `open_bytes` does, and for content in a format other than text.
    """
    with open_bytes(path) as stream:
        yield _text_of(stream, shown_path(path))


@dataclass(frozen=True)
class TextStream:
    """Text that can be read only once; `path` as messages show it.

    `idle` tells whether a read would have to wait.
    """

    stream: ByteStream
    path: str
    idle: Callable[[], bool]


@contextmanager
def open_stream(path: Path | None) -> Iterator[TextStream]:
    """Open standard input (None) or a named pipe, of which a read gives what has arrived; compressed text, in blocks.

    Raises DataError as `open_decompressed`.
    """
    if path is None:
        with _arriving(sys.stdin.buffer, "standard input") as stream:
            yield stream
        return
    with open_bytes(path, pipes=True) as file, _arriving(file, shown_path(path)) as stream:
        yield stream


@contextmanager
def _arriving(file: BinaryIO, path: str) -> Iterator[TextStream]:
    try:
        descriptor = file.fileno()
    except OSError:  # not a stream of the system
        descriptor = -1
    if not is_stream(descriptor):
        yield TextStream(_text_of(file, path), path, lambda: False)
        return
    from bpcli.data.files.arriving import Arriving

    arriving = Arriving(descriptor)
    try:
        yield TextStream(_text_of(arriving, path), path, arriving.idle)
    finally:
        arriving.close()


def first_bytes(path: Path, size: int) -> bytes:
    """The first `size` bytes of a text file, compressed or not; all of a shorter one."""
    with open_decompressed(path) as stream:
        found = b""
        while len(found) < size and (more := stream.read(size - len(found))):
            found += more
    return found


def _text_of(stream: ByteStream, path: str) -> ByteStream:
    text = decompressed(stream, path)
    beginning, whole = peeked(text)
    if (found := binary_format(beginning)) is not None:
        raise DataError(f"{path}: {found}, where text was expected; such data is read from a file with its usual name")
    return whole
