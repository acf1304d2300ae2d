"""BLAS is told what suits the processor, and nothing that the user has told it otherwise."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from bpcli.system import blas

ZEN_4 = "cpu:type:x86,ven0002fam0019mod0011:feature:,0000,0001\n"
ZEN_5 = "cpu:type:x86,ven0002fam001Amod0002:feature:,0000,0001\n"
INTEL = "cpu:type:x86,ven0000fam0006mod008F:feature:,0000,0001\n"


@pytest.fixture
def modalias(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "modalias"
    monkeypatch.setattr(blas, "_MODALIAS", path)
    return path


def test_zen_4_is_given_the_kernels_made_for_it(modalias: Path) -> None:
    modalias.write_text(ZEN_4)
    assert blas.blas_environment({}) == {"OPENBLAS_NUM_THREADS": "1", "OPENBLAS_CORETYPE": "Zen"}


def test_kernels_chosen_by_the_user_stay(modalias: Path) -> None:
    modalias.write_text(ZEN_4)
    assert blas.blas_environment({"OPENBLAS_CORETYPE": "Haswell"}) == {"OPENBLAS_NUM_THREADS": "1"}


@pytest.mark.parametrize("processor", [ZEN_5, INTEL])
def test_other_processors_are_left_to_openblas(modalias: Path, processor: str) -> None:
    modalias.write_text(processor)
    assert blas.blas_environment({}) == {"OPENBLAS_NUM_THREADS": "1"}


def test_a_system_that_does_not_name_its_processor_is_left_to_openblas(modalias: Path) -> None:
    assert blas.blas_environment({}) == {"OPENBLAS_NUM_THREADS": "1"}


def test_openblas_does_as_it_is_told() -> None:
    """Where NumPy's BLAS is another one, or has no such kernels, it disregards what it is told."""
    program = "import numpy; from bpcli.system.environment import environment; print(environment(False)['blas'])"
    told = {**os.environ, "OPENBLAS_CORETYPE": "Zen"}
    done = subprocess.run([sys.executable, "-c", program], env=told, capture_output=True, text=True, check=True)
    if "openblas" not in done.stdout or platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("NumPy's BLAS here is not OpenBLAS for x86-64")
    assert done.stdout.endswith(("Zen\n", "Haswell\n"))
    assert done.stderr == ""
