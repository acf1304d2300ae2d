"""A run small enough to be broken off everywhere, and what it comes to when nobody does."""

from __future__ import annotations

from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pytest
from experiments import write_csv
from same_runs import Whole, go, new_run

from bpcli.config.loading import load_config
from bpcli.experiment.prepare import prepare

CONFIG = """
data: {path: t.csv, target: y, split: {validation: 0.2, test: 0.2, stratify: false}}
layers: [{units: 3}, batch_norm, {type: dropout, rate: 0.3}]
optimizer: {type: adam, learning_rate: 0.05}
training: {epochs: 2, batch_size: 5, checkpoint_every: {steps: 1}}
"""
"""Twelve training rows: three steps an epoch, and a checkpoint after each."""


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """The experiment, and its run from end to end by the command line, in `folder`."""
    folder = tmp_path_factory.mktemp("small")
    numbers = np.random.default_rng(0).normal(size=(2, 20))
    write_csv(folder / "t.csv", {"a": numbers[0], "b": numbers[1], "y": [f"c{int(a > b)}" for a, b in numbers.T]})
    path = folder / "config.yaml"
    path.write_text(CONFIG)
    loaded = load_config(path)
    of = prepare(loaded.config, loaded.folder)
    directory = new_run(folder / "runs" / "whole")
    go(of, directory)
    return Whole(folder, path, of, directory)


@pytest.fixture
def runs(small: Whole) -> Path:
    """A new folder for runs, from which the data has the same relative path as from the whole run's."""
    return Path(mkdtemp(dir=small.folder))
