"""Entry point of `python -m bpcli` and of the command `bpcli`."""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import suppress

from bpcli.system.blas import BLAS_ENVIRONMENT

_ENVIRONMENT = {
    # Plugins must not change the models. Discovery alone takes 3 ms with 40 installed packages, 16 ms with 340.
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
}
"""Environment variables set before libraries are loaded."""

_COLLECTED_EVERY = 200_000
"""Allocations between garbage collections. The 85,000 objects of start-up all survive; collecting at Python's default
of 700 took 13 ms of `bpcli check`. Training and prediction create no reference cycles."""


def _end(number: int, frame: object) -> None:
    """End the process at once."""
    with suppress(OSError):
        os.write(2, b"interrupted\n")
    os._exit(128 + number)


def _checked_environment() -> list[str]:
    """Drop settings that would crash NumPy's BLAS library before it is loaded; return notes for the user."""
    if "OPENBLAS_CORETYPE" not in os.environ:
        return []
    from bpcli.system.openblas import drop_crashing_kernels

    ignored = drop_crashing_kernels(os.environ)
    return [ignored] if ignored else []


def run() -> None:
    """Run the command line."""
    # Replaced by the command line's own handlers once loaded. A rank dies of the signal, which its launcher notices.
    signal.signal(signal.SIGINT, signal.SIG_DFL if "--mpi" in sys.argv else _end)
    os.environ.update(_ENVIRONMENT, **BLAS_ENVIRONMENT)
    notes = _checked_environment()
    gc.set_threshold(_COLLECTED_EVERY)
    from bpcli.cli.main import run as run_command

    try:
        run_command(notes=notes)
    finally:
        # The garbage collection at interpreter exit skips frozen objects: saves 30 ms of `bpcli check`, 10 ms of
        # `bpcli --help`.
        gc.freeze()


if __name__ == "__main__":
    run()
