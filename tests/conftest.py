"""Runs that many tests look at and none changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import CONFIGS, bpcli


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
