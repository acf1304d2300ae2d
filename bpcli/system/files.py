"""Files written so that a reader sees the old content or the new, never a part of either."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal

from bpcli.errors import FileAccessError
from bpcli.wording import printable


def path_from_here(path: Path) -> str:
    """A path relative to the working directory where it lies below it, else absolute; without `..` in it."""
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
    ".parquet": "data",
    ".safetensors": "checkpoint",
}


def kind_of(path: Path) -> Kind | None:
    """What a file holds by its name, so that one given in place of another kind can be told; None for other names."""
    return _KINDS.get(Path(path.name.removesuffix(".gz")).suffix.lower())


@contextmanager
def file_access(path: Path, doing: str) -> Iterator[None]:
    """Turn an operating system's refusal into one line: `runs/x: cannot write: No space left on device`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise FileAccessError(f"{printable(str(path))}: cannot {doing}: {reason}") from error


def write_atomic(path: Path, content: bytes) -> None:
    """Write to a temporary file beside `path`, flush it to disk, and rename it over `path`.

    Raises:
        FileAccessError: the disk is full, the folder read-only, and so on; `path` is then as it was.
    """
    with file_access(path, "write"), _temporary(path) as temporary, temporary.open("wb") as file:
        file.write(content)
        _sync(file)


@contextmanager
def replacing(path: Path) -> Iterator[IO[str]]:
    """A text file to write to, which takes the place of `path` when the block ends without an error.

    Raises:
        FileAccessError: as for `write_atomic`.
    """
    with (
        file_access(path, "write"),
        _temporary(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        yield file
        _sync(file)


def remove_leftovers(path: Path) -> None:
    """Remove temporary files that processes which were killed left beside `path`; for its only writer.

    Raises:
        FileAccessError: the folder cannot be changed.
    """
    with file_access(path.parent, "clean up"):
        for leftover in path.parent.glob(f".{path.name}.*.tmp"):
            leftover.unlink(missing_ok=True)


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """The name of a file beside `path`, renamed over it at the end, or removed after an error."""
    path = path.resolve()
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "not a regular file")  # a device must not make way for a file
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
    """Flush the rename itself, which is a change of the folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
