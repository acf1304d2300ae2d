"""Every shipped experiment trains, and reaches a score worth showing."""

from __future__ import annotations

from pathlib import Path
from runpy import run_path
from typing import Any

import pytest
from commands import DATASETS

from bpcli.config.loading import load_config
from bpcli.experiment.prepare import prepare
from bpcli.jobs.runner import Runner
from bpcli.storage.run_directory import RunDirectory

CONFIGS = Path(__file__).parent.parent / "configs"

FLOORS: dict[str, tuple[str, str, float, list[str]]] = {
    # config: the part, its metric and what that must reach; overrides that shorten the longest trainings
    "xor": ("final", "train_accuracy", 1.0, []),
    "penguins": ("test", "accuracy", 0.95, []),
    "credit": ("test", "roc_auc", 0.80, []),
    "concrete": ("test", "r2", 0.85, []),
    "auto_mpg": ("test", "r2", 0.80, []),
    "digits": ("test", "accuracy", 0.95, []),
    # 200 test images: a standard error of 0.03, and bits that differ between releases of NumPy
    "fashion": ("test", "accuracy", 0.73, ["training.epochs=12"]),
    "digits_conv": ("test", "accuracy", 0.93, ["training.epochs=10"]),
    "fashion_conv": ("test", "accuracy", 0.68, ["training.epochs=3"]),
    "clothes": ("test", "accuracy", 0.7, ["training.epochs=10"]),
    "snippets": ("test", "accuracy", 0.74, []),
    "snippets_rating": ("test", "r2", 0.47, []),
    "origin": ("test", "accuracy", 0.9, []),
    # bits of eigenvalues differ between releases of NumPy, and scores by some thousandths
    "co2": ("test", "skill", 0.02, []),
    "unemployment": ("test", "skill", 0.01, []),
    "weather": ("test", "skill", 0.0, []),
    "stations": ("test", "skill", -0.02, []),
}


OTHERS = ("textbook", "index")


def test_every_shipped_config_is_here() -> None:
    assert {path.stem for path in CONFIGS.glob("*.yaml")} == {*FLOORS, *OTHERS}


@pytest.mark.parametrize("name", [*FLOORS, *OTHERS])
def test_no_shipped_experiment_has_warnings_that_it_does_not_accept(name: str) -> None:
    loaded = load_config(CONFIGS / f"{name}.yaml")
    ready = prepare(loaded.config, loaded.folder)
    assert ready.warnings == []
    assert [note for note in ready.notes if note.startswith("data.accept")] == []


LONGEST = ("auto_mpg", "clothes", "concrete", "digits", "fashion", "fashion_conv")
"""Experiments that take seconds each. Golden bits of all but the kinds with image layers are in the default run too."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.exhaustive if name in LONGEST else ()) for name in FLOORS]
)
def test_a_shipped_experiment_reaches_its_score(name: str, tmp_path: Path) -> None:
    part, metric, floor, overrides = FLOORS[name]
    summary = trained(name, overrides, tmp_path)
    assert summary["name"] == name
    assert summary[part][metric] >= floor


def test_a_random_walk_is_forecast_without_skill(tmp_path: Path) -> None:
    assert -0.03 <= trained("index", [], tmp_path)["test"]["skill"] <= 0.01


def test_the_textbook_example_learns_its_row(tmp_path: Path) -> None:
    assert trained("textbook", [], tmp_path)["final"]["train_loss"] < 1e-4


def trained(name: str, overrides: list[str], folder: Path) -> dict[str, Any]:
    """Summary of a finished run of a shipped experiment."""
    loaded = load_config(CONFIGS / f"{name}.yaml", overrides)
    directory = RunDirectory.create(folder / "run")
    list(Runner(prepare(loaded.config, loaded.folder), directory).run())
    summary: dict[str, Any] = directory.read_summary().to_json()
    assert summary["status"] == "finished"
    return summary


@pytest.mark.parametrize("name", ["stations.csv", "index.csv"])
def test_the_made_series_are_those_that_their_script_writes(name: str, tmp_path: Path) -> None:
    script = run_path(str(DATASETS / "make_series.py"))
    script["main"](tmp_path)
    assert (tmp_path / name).read_bytes() == (DATASETS / name).read_bytes()
