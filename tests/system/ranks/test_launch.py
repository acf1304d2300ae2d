"""Commands that start ranks, for each MPI library."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bpcli.system.ranks.launch import Launcher, flavour_of, rank_program


@pytest.mark.parametrize(
    ("version", "flavour"),
    [
        ("HYDRA build details:\n    Version:  5.0.2\n", "mpich"),
        ("mpiexec (Open MPI) 5.0.11\n\nReport bugs to …", "openmpi"),
        ("mpirun (Open MPI) 4.1.4\n", "openmpi"),
        ("Intel(R) MPI Library for Linux* OS, Version 2021.18 Build …, Hydra", "other"),
        ("", "other"),
    ],
)
def test_the_library_is_known_by_its_version(version: str, flavour: str) -> None:
    assert flavour_of(version) == flavour


def test_ranks_run_the_same_python_and_import_the_same_modules() -> None:
    python, option, program, *arguments = rank_program(["schema"])
    assert (python, option, arguments) == (sys.executable, "-c", ["schema"])
    assert f"sys.path[:] = {sys.path!r}" in program


def test_mpich_takes_a_file_of_hosts() -> None:
    launcher = Launcher("/mpi/mpiexec", "mpich")
    assert launcher.command(4, None, ["p"], {"A": "1"}) == ["/mpi/mpiexec", "-n", "4", "p"]
    assert launcher.command(4, Path("h"), ["p"], {"A": "1"}) == ["/mpi/mpiexec", "-f", "h", "-n", "4", "p"]


def test_open_mpi_passes_the_environment_on_and_starts_more_ranks_than_cores() -> None:
    command = Launcher("mpiexec", "openmpi").command(4, Path("h"), ["p"], {"A": "1"})
    assert command[0] == "mpiexec"
    assert command[-3:] == ["-n", "4", "p"]
    for option in (["--oversubscribe"], ["-x", "A"], ["--hostfile", "h"]):
        assert " ".join(option) in " ".join(command)
