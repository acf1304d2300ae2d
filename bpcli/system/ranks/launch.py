"""Launch of ranks by the `mpiexec` of an MPI library."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bpcli.errors import UsageError
from bpcli.wording import printable

Flavour = Literal["mpich", "openmpi", "other"]


@dataclass(frozen=True)
class Launcher:
    """An `mpiexec`, and whose it is."""

    path: str
    flavour: Flavour

    def command(
        self, ranks: int, hosts: Path | None, program: Sequence[str], environment: Mapping[str, str]
    ) -> list[str]:
        """Command that starts `ranks` processes of a program, on the hosts of a file if there is one.

        environment: variables that processes on other hosts get too.
        """
        if self.flavour == "openmpi":
            options = ["--oversubscribe"]
            if hasattr(os, "geteuid") and os.geteuid() == 0:
                options.append("--allow-run-as-root")
            if hosts is not None:
                options += ["--hostfile", str(hosts), "--map-by", "node"]
            options += [part for name in environment for part in ("-x", name)]
        else:
            options = [] if hosts is None else ["-f", str(hosts)]
        return [self.path, *options, "-n", str(ranks), *program]


def find_launcher() -> Launcher:
    """The `mpiexec` beside this Python, or else the first on the path. Raises UsageError without one."""
    beside = Path(sys.executable).with_name("mpiexec")
    path = str(beside) if beside.is_file() else shutil.which("mpiexec")
    if path is None:
        raise UsageError("no mpiexec is installed: pip install 'backprop-cli[mpi]', or load the MPI of this machine")
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{printable(path)}: does not run: {error}") from error
    return Launcher(path, flavour_of(done.stdout + done.stderr))


def flavour_of(version: str) -> Flavour:
    """Library of an `mpiexec`, from what it prints as its version. Intel MPI's is Hydra, too."""
    lowered = version.casefold()
    if "open mpi" in lowered or "openrte" in lowered or "prrte" in lowered:
        return "openmpi"
    return "mpich" if "hydra" in lowered and "intel" not in lowered else "other"


PROGRAM = "import sys; sys.path[:] = {path!r}; from bpcli.__main__ import run; run()"
"""Program of a rank. It imports the same modules as this process, whatever the current folder."""


def rank_program(arguments: Sequence[str]) -> list[str]:
    """Command of a rank: the same Python, and bpcli with these arguments."""
    return [sys.executable, "-c", PROGRAM.format(path=sys.path), *arguments]
