"""`python -m bpcli`, and the command `bpcli`."""

from __future__ import annotations

import gc
import os
import signal
from contextlib import suppress

from bpcli.system.blas import BLAS_ENVIRONMENT

_ENVIRONMENT = {
    # No plugin may change what our models do; only to look for some takes 3 ms among 40 packages, 16 ms among 340.
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
}
"""What libraries are told of this process when they are loaded."""

_COLLECTED_EVERY = 200_000
"""New objects between two searches for garbage. The 85,000 that a command starts with all stay, and searching them
every 700, as Python does by itself, took 13 ms of `bpcli check`; training and predicting make none."""


def _end(number: int, frame: object) -> None:
    """End the process at once."""
    with suppress(OSError):
        os.write(2, b"interrupted\n")
    os._exit(128 + number)


def _sound_environment() -> list[str]:
    """Drop what would crash NumPy's BLAS library, which is not loaded yet; returns what the user is to be told."""
    if "OPENBLAS_CORETYPE" not in os.environ:
        return []
    from bpcli.system.openblas import drop_crashing_kernels

    ignored = drop_crashing_kernels(os.environ)
    return [ignored] if ignored else []


def run() -> None:
    """Run the command line."""
    signal.signal(signal.SIGINT, _end)  # until the command line is loaded, which has handlers of its own
    os.environ.update(_ENVIRONMENT, **BLAS_ENVIRONMENT)
    notes = _sound_environment()
    gc.set_threshold(_COLLECTED_EVERY)
    from bpcli.cli.main import run as run_command

    try:
        run_command(notes=notes)
    finally:
        # Python searches for garbage once more before it ends, but not among what is frozen: 30 ms of `bpcli check`,
        # 10 of `bpcli --help`.
        gc.freeze()


if __name__ == "__main__":
    run()
