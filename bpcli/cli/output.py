"""A file as the result: one that does not exist yet, or standard output."""

from __future__ import annotations

import sys
from pathlib import Path

from bpcli.cli.console import result_path
from bpcli.errors import ExistsError, FileAccessError
from bpcli.wording import printable, quoted


def require_free(path: Path, force: bool, option: str = "--output") -> None:
    """Before the work: see that the output can be written; `-` is standard output, which can.

    Raises:
        ExistsError: it is there and need not give way.
        FileAccessError: its folder is not there.
    """
    if str(path) == "-":
        return
    shown = printable(str(path))
    if path.exists() and not force:
        raise ExistsError(f"{shown}: exists already; choose another {option}, or add --force")
    if not path.parent.is_dir():
        raise FileAccessError(f"{shown}: there is no folder {quoted(str(path.parent))}; make it first")


def write_page(path: Path, html: str) -> None:
    """Write a page and say where it is; `-` takes the page itself, in UTF-8 as its head says."""
    from bpcli.system.files import write_atomic

    if str(path) == "-":
        sys.stdout.buffer.write(html.encode())
        sys.stdout.flush()
        return
    write_atomic(path, html.encode())
    result_path(str(path))
