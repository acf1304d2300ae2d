"""Training from Python, by the function that the command calls."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from commands import CONFIGS, bpcli

import bpcli as package
from bpcli.errors import ConfigError, DataWarningsError, DivergedError, ExistsError, UsageError
from bpcli.jobs.training import Observer, Run, train
from bpcli.storage.checkpoint import Checkpoint
from bpcli.training.plan import EpochReport, Progress


class Recorder(Observer):
    """Writes down what it is told, and asks to stop after some epochs."""

    def __init__(self, epochs: int | None = None) -> None:
        self.epochs, self._most = 0, epochs
        self.runs: list[Run] = []

    def event(self, event: EpochReport | Progress) -> None:
        if isinstance(event, EpochReport):
            self.epochs = event.epoch

    def interrupted(self) -> bool:
        return self.epochs == self._most

    def ended(self, run: Run) -> None:
        self.runs.append(run)


def test_python_and_the_command_train_to_the_same_weights(tmp_path: Path) -> None:
    run = package.train(CONFIGS / "penguins.yaml", {"training.epochs": 4}, run_dir=tmp_path / "python")
    bpcli("train", CONFIGS / "penguins.yaml", "--set", "training.epochs=4", "--run-dir", tmp_path / "command").ok()
    assert (run.path, run.status, run.trained) == (tmp_path / "python", "finished", True)
    assert run.summary.epochs == 4
    best = Checkpoint.load(run.path / "checkpoints" / "best.safetensors").vectors["params"]
    other = Checkpoint.load(tmp_path / "command" / "checkpoints" / "best.safetensors").vectors["params"]
    assert np.array_equal(best, other)
    assert run.load().classes == ("Adelie", "Chinstrap", "Gentoo")


def test_overrides_are_settings_by_path_or_as_after_set(tmp_path: Path) -> None:
    settings = {"layers.0.units": 3, "name": "no", "training.early_stopping": None, "training.epochs": 1}
    run = package.train(CONFIGS / "penguins.yaml", settings, runs_dir=tmp_path)
    assert run.path.name.startswith("no-")
    same = [f"--set={text}" for text in ("layers.0.units=3", "name='no'", "training.early_stopping=null")]
    assert "units: 3" in (run.path / "config.yaml").read_text()
    bpcli("train", CONFIGS / "penguins.yaml", *same, "--set=training.epochs=1", "--run-dir", tmp_path / "b").ok()
    assert (run.path / "config.yaml").read_text() == (tmp_path / "b" / "config.yaml").read_text()


def test_a_training_that_is_stopped_goes_on(tmp_path: Path) -> None:
    observer = Recorder(epochs=2)
    stopped = train(CONFIGS / "penguins.yaml", ["training.epochs=5"], run_dir=tmp_path / "a", observer=observer)
    assert (stopped.status, stopped.summary.epochs, observer.runs) == ("interrupted", 2, [stopped])
    whole = package.train(CONFIGS / "penguins.yaml", ["training.epochs=5"], run_dir=tmp_path / "b")
    resumed = package.train(resume=tmp_path / "a")
    assert (resumed.status, resumed.summary.best) == ("finished", whole.summary.best)
    assert package.train(resume=tmp_path / "a").trained is False


def test_what_is_wrong_is_an_error_of_its_class(tmp_path: Path) -> None:
    config = CONFIGS / "penguins.yaml"
    with pytest.raises(UsageError, match="give a config to train"):
        package.train()
    with pytest.raises(ConfigError, match=r"layers\.0\.units"):
        package.train(config, {"layers.0.units": 0}, runs_dir=tmp_path)
    (tmp_path / "there").mkdir()
    with pytest.raises(ExistsError, match="already exists"):
        package.train(config, run_dir=tmp_path / "there")
    observer = Recorder()
    rate = ["optimizer={type: adam, learning_rate: 1e38}"]
    with pytest.raises(DivergedError, match="the run is kept in"):
        train(config, rate, run_dir=tmp_path / "far", observer=observer)
    assert [run.status for run in observer.runs] == ["diverged"]


def test_strict_training_ends_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,copy,y\n" + "".join(f"{row % 7},c{row % 2},c{row % 2}\n" for row in range(60)))
    (tmp_path / "c.yaml").write_text("data: {path: t.csv, target: y}\ntraining: {epochs: 1}\n")
    with pytest.raises(DataWarningsError, match="copy"):
        package.train(tmp_path / "c.yaml", run_dir=tmp_path / "run", strict=True)
    assert not (tmp_path / "run").exists()
