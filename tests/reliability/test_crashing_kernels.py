"""Kernels that would crash the process are not used: commands do without them, and the library too or refuses."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from commands import CONFIGS
from threadpoolctl import threadpool_info

from bpcli.system.openblas import this_processor

ZEN_4 = """
import os, sys
from unittest import mock
from bpcli.system import openblas
mock.patch.object(openblas, "this_processor", lambda: openblas.Processor("AuthenticAMD", {"avx512f"})).start()
"""
"""The beginning of a program: the processor is said to be one of those on which OpenBLAS 0.3.34 crashes."""

LOADED = """
from threadpoolctl import OpenBLASController
mock.patch.object(OpenBLASController, "get_version", lambda self: "{}").start()
"""
"""The loaded library is said to be of some version."""

BUILT = 'mock.patch.object(openblas, "built_version", lambda: "0.3.34").start()' + LOADED.format("0.3.33")
"""NumPy is said to be built with a version that crashes. The library loaded is said to be of one that does not: or
it would be refused where its own choice on the real processor is among those kernels."""

REPORT = """
from threadpoolctl import threadpool_info
kernels = [library["architecture"] for library in threadpool_info() if library["user_api"] == "blas"]
print("kernels:", *kernels, "variable:", os.environ.get("OPENBLAS_CORETYPE"))
"""

REFUSED = (
    r"OpenBLAS 0\.3\.34 with the kernels for (Prescott|Katmai) crashes on this processor; unset "
    r"OPENBLAS_CORETYPE, or install another version of NumPy\n"
)
"""Builds with few kernels have one name for all that are older than Nehalem."""

IGNORED = "OPENBLAS_CORETYPE=Prescott ignored: these kernels of OpenBLAS 0.3.34 crash on this processor"

CHOSEN = r"(?!Prescott|Katmai)\w+"
"""What OpenBLAS chooses by itself for a processor with AVX."""

pytestmark = pytest.mark.skipif(
    "avx" not in this_processor().flags
    or [library["internal_api"] for library in threadpool_info() if library["user_api"] == "blas"] != ["openblas"],
    reason="NumPy's BLAS here is not OpenBLAS for x86-64",
)


def program(text: str, cwd: Path, kernels: str = "Prescott") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", text],
        cwd=cwd,
        env={**os.environ, "OPENBLAS_CORETYPE": kernels},
        capture_output=True,
        text=True,
        check=True,
    )


def command(*arguments: object, before: str = BUILT) -> str:
    words = ["bpcli", *map(str, arguments)]
    return (
        f"{ZEN_4}{before}\nfrom bpcli.__main__ import run\nsys.argv = {words!r}\n"
        "try:\n    run()\nexcept SystemExit as stop:\n    code = stop.code\n"
    )


def test_a_command_says_that_it_ignores_them_and_does_without(tmp_path: Path):
    done = program(command("check", CONFIGS / "penguins.yaml") + REPORT, tmp_path)
    assert re.search(f"kernels: {CHOSEN} variable: None\n$", done.stdout)
    assert done.stderr.count("\n") == done.stderr.count("note: ")
    assert done.stderr.startswith(f"note: {IGNORED}\n")
    assert done.stderr.count(IGNORED) == 1


@pytest.mark.exhaustive
def test_its_output_stays_one_document(tmp_path: Path):
    done = program(command("check", CONFIGS / "penguins.yaml", "--json"), tmp_path)
    assert json.loads(done.stdout)["rows"]
    assert IGNORED in done.stderr


@pytest.mark.parametrize("option", ["-q", pytest.param("--quiet", marks=pytest.mark.exhaustive)])
def test_a_quiet_command_does_not_say_it(tmp_path: Path, option: str):
    training = ["train", CONFIGS / "xor.yaml", "--run-dir", "run", "--set", "training.epochs=1"]
    done = program(command(*training, option) + REPORT, tmp_path)
    assert re.fullmatch(f"run\nkernels: {CHOSEN} variable: None\n", done.stdout)
    assert done.stderr == ""


@pytest.mark.parametrize("option", ["--help", pytest.param("--version", marks=pytest.mark.exhaustive)])
def test_a_command_that_computes_nothing_does_not_say_it(tmp_path: Path, option: str):
    assert program(command(option), tmp_path).stderr == ""


def test_kernels_that_do_not_crash_are_those_that_the_user_wants(tmp_path: Path):
    done = program(command("check", CONFIGS / "penguins.yaml") + REPORT, tmp_path, kernels="Nehalem")
    assert done.stdout.endswith("kernels: Nehalem variable: Nehalem\n")
    assert "OPENBLAS" not in done.stderr


def test_a_command_refuses_to_compute_with_them_where_they_cannot_be_avoided(tmp_path: Path):
    """As where NumPy's own description of its build does not name the library that it loads."""
    before = 'mock.patch.object(openblas, "built_version", lambda: "").start()\n' + LOADED.format("0.3.34")
    training = ["train", CONFIGS / "xor.yaml", "--run-dir", "run"]
    done = program(command(*training, before=before) + "print('code:', int(code))", tmp_path)
    assert done.stdout == "code: 2\n"
    assert re.fullmatch(f"error: {REFUSED}", done.stderr)
    assert not (tmp_path / "run").exists()


def load(run: Path) -> str:
    return f"import bpcli\nmodel = bpcli.load({str(run)!r})\nprint(model.classes[0])\n"


def test_loading_a_model_does_without_them_and_leaves_the_environment_as_it_is(tmp_path: Path, penguins_run: Path):
    done = program(ZEN_4 + BUILT + load(penguins_run) + REPORT, tmp_path)
    assert re.fullmatch(f"Adelie\nkernels: {CHOSEN} variable: Prescott\n", done.stdout)
    assert f"RuntimeWarning: {IGNORED}\n" in done.stderr
    assert "<string>" in done.stderr, "the warning is of the line that called us"


def test_loading_a_model_is_refused_where_numpy_is_loaded_with_them(tmp_path: Path, penguins_run: Path):
    text = (
        f"{ZEN_4}{LOADED.format('0.3.34')}\nimport numpy\nfrom bpcli.errors import BlasError\n"
        f"try:\n    import bpcli\n    bpcli.load({str(penguins_run)!r})\nexcept BlasError as error:\n    print(error)\n"
    )
    done = program(text, tmp_path)
    assert re.fullmatch(REFUSED, done.stdout)
    assert done.stderr == ""


@pytest.mark.exhaustive  # that they are sound is worked out as for the command, which is tested above
def test_loading_a_model_uses_the_kernels_that_numpy_is_loaded_with_where_they_are_sound(
    tmp_path: Path, penguins_run: Path
):
    before = f"{ZEN_4}{LOADED.format('0.3.34')}\nimport numpy\n"
    done = program(before + load(penguins_run) + REPORT, tmp_path, kernels="Nehalem")
    assert done.stdout == "Adelie\nkernels: Nehalem variable: Nehalem\n"
    assert done.stderr == ""
