"""The command's BLAS, a cache of the tests' own, and runs that many tests look at and none changes."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Generator, Iterator
from itertools import count
from pathlib import Path

import pytest
from commands import CONFIGS, bpcli
from hypothesis import settings

from bpcli.system.blas import BLAS_ENVIRONMENT
from bpcli.system.openblas import drop_crashing_kernels

# Before NumPy is loaded, which the imports above do not: the bits in here are those of the command.
os.environ.update(BLAS_ENVIRONMENT)
drop_crashing_kernels(os.environ)
settings.register_profile("sample", deadline=None, max_examples=12)  # a busy machine is no failure
settings.register_profile("whole", deadline=None)
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or each process that a test starts compiles the whole package
gc.set_threshold(100_000)  # little garbage is in cycles; the default of 700 takes a twentieth of the time

FOLDERS = count()


def pytest_configure(config: pytest.Config) -> None:
    """Take a sample of the examples of Hypothesis too, and compile once, unless the exhaustive loops are asked for.

    Compilation takes many seconds. The default run compiles for the processor of the golden bits alone; exhaustive runs
    compile for this machine too.
    """
    sampled = config.getoption("markexpr") == "not exhaustive"
    settings.load_profile("sample" if sampled else "whole")
    from golden.make_bits import MACHINE_CODE  # which loads NumPy
    from numpy._core._multiarray_umath import __cpu_features__ as processor

    if sampled and processor.get("AVX2") and processor.get("FMA3"):
        os.environ.update(MACHINE_CODE)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage while tests are collected: nearly all that is made is kept."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Exempt the collected tests, which are thousands, from garbage collection."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _user_cache_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The user's own cache is neither read nor written to, by processes that tests start too.

    Matplotlib takes a second to list the fonts, which is done once for all tests and runs.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("MPLCONFIGDIR", str(Path(__file__).parent.parent / ".pytest_cache" / "matplotlib"))
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_wait_for_the_disk() -> Iterator[None]:
    """Nothing waits for a disk to have what is written: only a power cut could tell. Calls are made, and counted."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", os.fstat)  # which refuses the same descriptors
        yield


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new folder. That of pytest looks for a free number among those of all earlier tests, which are thousands."""
    name = re.sub(r"\W", "_", request.node.name)[:30]
    path = tmp_path_factory.getbasetemp() / f"{name}-{next(FOLDERS)}"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture(scope="session")
def penguins_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of three classes."""
    path = tmp_path_factory.mktemp("penguins") / "run"
    bpcli("train", CONFIGS / "penguins.yaml", "--run-dir", path, "--quiet").ok()
    return path


@pytest.fixture(scope="session")
def concrete_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of regression."""
    path = tmp_path_factory.mktemp("concrete") / "run"
    bpcli("train", CONFIGS / "concrete.yaml", "--run-dir", path, "--quiet", "--set", "training.epochs=20").ok()
    return path


@pytest.fixture(scope="session")
def compared_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs that go by the right number, by the wrong one, and by both; and quantities, right and a tenth too small."""
    from comparison_runs import A, by

    folder = tmp_path_factory.mktemp("runs")
    by(folder, "right", 4, 0)
    by(folder, "wrong", 0, 4)
    by(folder, "both", 4, 1)
    (folder / "numbers").mkdir()
    for name, weight in (("exact", 10), ("short", 9)):
        by(folder / "numbers", name, weight, 0, extra=", target_encoder: none", y=10 * A)
    return folder
