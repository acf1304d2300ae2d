"""`python -m bpcli`, and the command `bpcli`."""

from __future__ import annotations

import signal


def run() -> None:
    """Run the command line."""
    # Until the command line is loaded, Ctrl-C just ends the process.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from bpcli.cli.main import run as run_command

    run_command()


if __name__ == "__main__":
    run()
