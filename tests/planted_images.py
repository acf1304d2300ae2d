"""Runs on images whose answers are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bpcli.jobs.training import train

ROWS, SHAPE = 60, (6, 6, 2)


def images() -> NDArray[np.float64]:
    """Images of normally distributed numbers, (ROWS, *SHAPE)."""
    return np.random.default_rng(0).normal(size=(ROWS, *SHAPE))


def corner_run(folder: Path) -> Path:
    """A run whose prediction is the sum of the second channel over rows 2-3, columns 4-5, which is its target."""
    weight = np.zeros(SHAPE)
    weight[2:4, 4:6, 1] = 1.0
    x = images()
    np.savez(folder / "t.npz", X=x, y=(x * weight).sum(axis=(1, 2, 3)))
    rows = ", ".join(f"[{value:g}]" for value in weight.ravel())
    (folder / "c.yaml").write_text(
        "name: corner\ndtype: float64\ndata: {path: t.npz, encoders: {numeric: none}, target_encoder: none, "
        "split: {validation: 0, test: 0}}\ninput: {shape: [6, 6, 2]}\nlayers: []\n"
        f"initial_parameters: {{layers.0.weight: [{rows}], layers.0.bias: [0]}}\n"
        "optimizer: {type: sgd, learning_rate: 1.0e-30}\ntraining: {epochs: 1}\n"
    )
    return train(folder / "c.yaml", run_dir=folder / "run", threads=1).path


def classes_run(folder: Path) -> Path:
    """A run that has learned `a` for a brighter left half, else `b`; every tenth row, from the first, is the other."""
    generator = np.random.default_rng(1)
    x = generator.integers(0, 100, (ROWS, 8, 8, 1), dtype=np.uint8)
    left = generator.random(ROWS) < 0.5
    x[left, :, :4] += 100
    x[~left, :, 4:] += 100
    names = np.where(left ^ (np.arange(ROWS) % 10 == 0), "a", "b")
    np.savez(folder / "t.npz", X=x, y=names)
    (folder / "c.yaml").write_text(
        "name: halves\ndtype: float64\ndata: {path: t.npz, split: {validation: 0, test: 0}}\n"
        "input: {shape: [8, 8, 1]}\nlayers: [{type: conv, filters: 2, activation: identity}]\n"
        "optimizer: {type: adam, learning_rate: 0.01}\ntraining: {epochs: 4, batch_size: 10}\n"
    )
    return train(folder / "c.yaml", run_dir=folder / "run", threads=1).path
