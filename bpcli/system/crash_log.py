"""Stack traces of all threads at a fatal signal, written by Python's faulthandler."""

from __future__ import annotations

import faulthandler
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bpcli.system.files import file_access

HEADING = "Fatal Python error: "

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
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            first = file.readline(100)
    except OSError:
        return None
    return SIGNALS.get(first.strip().removeprefix(HEADING))
