"""Running the command line on a terminal, as a person does."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

from commands import Result


def bpcli_on_terminal(*arguments: object, cwd: Path, columns: int = 400) -> Result:
    """Run a command whose streams are a terminal; what it shows is in `out`, standard error with it."""
    terminal, screen = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    with subprocess.Popen(
        [sys.executable, "-m", "bpcli", *map(str, arguments)],
        cwd=cwd,
        env={**environment, "TERM": "xterm-256color", "COLUMNS": str(columns)},
        stdin=screen,
        stdout=screen,
        stderr=screen,
    ) as process:
        os.close(screen)
        shown = b"".join(iter(lambda: _read(terminal), b""))
    os.close(terminal)
    return Result(process.returncode, shown.decode(), "")


def _read(terminal: int) -> bytes:
    """What came next, or nothing once the other side is closed, which Linux calls an input/output error."""
    try:
        return os.read(terminal, 1 << 16)
    except OSError:
        return b""
