"""Output to a new file or to standard output."""

from __future__ import annotations

import sys
from pathlib import Path

from bpcli.cli.console import result_path
from bpcli.errors import ExistsError, FileAccessError
from bpcli.system.files import is_stream
from bpcli.wording import printable, quoted

STANDARD_OUTPUT = ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")
"""Names of standard output, which may be a regular file."""


def is_standard_output(path: Path) -> bool:
    """Whether a path names standard output."""
    return str(path) in STANDARD_OUTPUT


def require_free(path: Path, force: bool, option: str = "--output") -> None:
    """Validate an output path before the work; standard output is always valid.

    Raises:
        ExistsError: the file exists and `force` is not set.
        FileAccessError: its folder does not exist.
    """
    if is_standard_output(path):
        return
    shown = printable(str(path))
    if path.exists() and not force and not is_stream(path):
        raise ExistsError(f"{shown}: already exists; choose another {option}, or add --force")
    if not path.parent.is_dir():
        raise FileAccessError(f"{shown}: folder {quoted(str(path.parent))} does not exist; create it first")


def write_page(path: Path, html: str) -> None:
    """Write an HTML page and print its path; `-` prints the page itself, as UTF-8."""
    from bpcli.system.files import write_output

    if is_standard_output(path):
        sys.stdout.buffer.write(html.encode())
        sys.stdout.flush()
        return
    write_output(path, html.encode())
    result_path(str(path))
