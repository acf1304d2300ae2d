"""A file as the result: one that does not exist yet, or standard output."""

from __future__ import annotations

import sys
from pathlib import Path

from bpcli.cli.console import result_path
from bpcli.errors import ExistsError
from bpcli.text import printable


def require_free(path: Path, force: bool, option: str = "--output") -> None:
    """Raise ExistsError for a file that is there and may not be replaced; `-` is standard output."""
    if str(path) != "-" and path.exists() and not force:
        raise ExistsError(f"{printable(str(path))}: exists already; choose another {option}, or add --force")


def write_page(path: Path, html: str) -> None:
    """Write a page and say where it is; `-` takes the page itself, in UTF-8 as its head says."""
    from bpcli.files import write_atomic

    if str(path) == "-":
        sys.stdout.buffer.write(html.encode())
        sys.stdout.flush()
        return
    write_atomic(path, html.encode())
    result_path(str(path))
