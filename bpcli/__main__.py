"""`python -m bpcli`, and the command `bpcli`."""

from __future__ import annotations

import gc
import os
import signal

_ENVIRONMENT = {
    # NumPy's BLAS is held to one thread (bpcli.threads). Left alone, OpenBLAS starts one for each core as soon as NumPy
    # is loaded, and these spin at first: 65 ms of a second core.
    "OPENBLAS_NUM_THREADS": "1",
    # No plugin may change what our models do; only to look for some takes 3 ms among 40 packages, 16 ms among 340.
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
}
"""What libraries are told of this process when they are loaded."""

_COLLECTED_EVERY = 200_000
"""New objects between two searches for garbage. The 85,000 that are there when work begins all stay, and searching
them every 700, as Python does by itself, takes 25 ms of `bpcli check`."""


def run() -> None:
    """Run the command line."""
    # Until the command line is loaded, Ctrl-C just ends the process.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.environ.update(_ENVIRONMENT)
    gc.set_threshold(_COLLECTED_EVERY)
    from bpcli.cli.main import run as run_command

    try:
        run_command()
    finally:
        # Python searches for garbage once more before it ends, but not among what is frozen: 30 ms of `bpcli check`.
        gc.freeze()


if __name__ == "__main__":
    run()
