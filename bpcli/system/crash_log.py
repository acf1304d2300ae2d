"""Stack traces of all threads at a fatal signal, written by Python's faulthandler."""

from __future__ import annotations

import faulthandler
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bpcli.system.files import file_access
from bpcli.wording import printable

HEADING = "Fatal Python error: "

LOST = "Lost: "
"""Beginning of a log that names a rank which was lost, instead of a fatal signal."""

SIGNALS = {
    "Segmentation fault": "SIGSEGV",
    "Bus error": "SIGBUS",
    "Illegal instruction": "SIGILL",
    "Floating-point exception": "SIGFPE",
    "Floating point exception": "SIGFPE",
    "Aborted": "SIGABRT",
}
"""Signal names by faulthandler's descriptions."""


@contextmanager
def crash_logged(path: Path) -> Iterator[None]:
    """Write all stacks to `path` if a fatal signal ends the process within the block; otherwise leave no file.

    Does nothing if faulthandler is enabled already, for example by PYTHONFAULTHANDLER.

    Raises:
        FileAccessError: the file cannot be created.
    """
    if faulthandler.is_enabled():
        yield
        return
    with file_access(path, "write"):
        file = path.open("wb")
    try:
        faulthandler.enable(file)
        yield
    finally:
        faulthandler.disable()
        with suppress(OSError):  # an empty log reports no crash
            file.close()
            path.unlink()


def fatal_signal(path: Path) -> str | None:
    """Name of the signal that a crash log reports, such as SIGSEGV; None if it is missing, empty or of another form."""
    return SIGNALS.get(_first_line(path).removeprefix(HEADING))


def lost(path: Path) -> str | None:
    """The rank that a crash log says was lost, with its host; None if it does not."""
    first = _first_line(path)
    return printable(first.removeprefix(LOST)) if first.startswith(LOST) else None


def _first_line(path: Path) -> str:
    """First line of a log; empty if there is none, or it cannot be read."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.readline(400).strip()
    except OSError:
        return ""
