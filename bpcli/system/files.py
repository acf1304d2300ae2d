"""Atomic writes: readers see the old content or the new, never a mixture."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal, TextIO

from bpcli.errors import FileAccessError
from bpcli.wording import printable


def path_from_here(path: Path) -> str:
    """Path relative to the working directory if it is inside, else absolute; without `..`."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path.resolve())


Kind = Literal["config", "data", "checkpoint"]

_KINDS: dict[str, Kind] = {
    ".yaml": "config",
    ".yml": "config",
    ".csv": "data",
    ".tsv": "data",
    ".npz": "data",
    ".npy": "data",
    ".parquet": "data",
    ".jsonl": "data",
    ".ndjson": "data",
    ".xlsx": "data",
    ".safetensors": "checkpoint",
}


def kind_of(path: Path) -> Kind | None:
    """Kind of a file by its name, for errors about a file of the wrong kind; None for other names."""
    return _KINDS.get(Path(path.name.removesuffix(".gz")).suffix.lower())


def is_stream(path: Path | int) -> bool:
    """Whether a path or descriptor is a pipe, such as a shell's `<(command)`, a socket, or a device."""
    try:
        mode = (os.fstat(path) if isinstance(path, int) else path.stat()).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode)


@contextmanager
def file_access(path: Path, doing: str) -> Iterator[None]:
    """Turn an OSError into a one-line FileAccessError: `runs/x: cannot write: No space left on device`."""
    try:
        yield
    except BrokenPipeError:  # the reader of a pipe needs no message
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise FileAccessError(f"{printable(str(path))}: cannot {doing}: {reason}") from error


def write_atomic(path: Path, content: bytes) -> None:
    """Write to a temporary file in the same folder, flush it to disk, and rename it to `path`.

    Raises: FileAccessError: the disk is full, the folder is read-only, and so on; `path` is then unchanged.
    """
    with file_access(path, "write"), _temporary(path) as temporary, temporary.open("wb") as file:
        file.write(content)
        _sync(file)


def write_output(path: Path, content: bytes) -> None:
    """Write to a stream directly, and to a file as `write_atomic`, whose errors it raises."""
    if not is_stream(path):
        write_atomic(path, content)
        return
    with file_access(path, "write"), path.open("wb") as stream:
        stream.write(content)


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """Text file that replaces `path` if the block ends without an error; a stream is written to directly.

    Raises: FileAccessError: as for `write_atomic`.
    """
    if is_stream(path):
        with file_access(path, "write"), path.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        return
    with (
        file_access(path, "write"),
        _temporary(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        yield file
        _sync(file)


def remove_leftovers(path: Path) -> None:
    """Remove temporary files that killed processes left for `path`; for its only writer.

    Raises: FileAccessError: the folder cannot be changed.
    """
    with file_access(path.parent, "clean up"):
        for leftover in path.parent.glob(f".{path.name}.*.tmp"):
            leftover.unlink(missing_ok=True)


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """Path of a temporary file in the same folder, renamed to `path` at the end, or removed after an error."""
    path = path.resolve()
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "not a regular file")  # a device must not be replaced by a file
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _sync(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Flush a folder to disk, to make a rename in it durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
