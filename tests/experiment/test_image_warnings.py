"""Warnings about images: the same one in several classes, and channels without values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bpcli.config.experiment import ExperimentConfig
from bpcli.experiment.prepare import prepare
from bpcli.experiment.prepared import Prepared

X = np.random.default_rng(0).integers(0, 256, (40, 4, 4, 3)).astype(np.float64)
Y = np.resize(["a", "b", "a", "c"], 40)


def prepared(folder: Path, x: NDArray[np.float64], y: NDArray[np.str_] = Y) -> Prepared:
    np.savez(folder / "t.npz", X=x, y=y)
    config = {"data": {"path": "t.npz"}, "input": {"shape": [4, 4, 3]}, "layers": [{"type": "conv", "filters": 2}]}
    return prepare(ExperimentConfig.model_validate(config), folder)


def warnings(folder: Path, x: NDArray[np.float64]) -> list[str]:
    return [str(one) for one in prepared(folder, x).warnings]


def test_the_same_image_in_two_classes_is_a_contradiction(tmp_path: Path) -> None:
    x = X.copy()
    x[[9, 12]] = x[3]  # classes b, a and c
    x[[8, 20]] = x[4]  # of class a, all of them
    x[17, 0, 0, 0] = x[5, 0, 0, 0]
    found = [one for one in warnings(tmp_path, x) if one.endswith("[contradiction]")]
    assert found == [
        "3 rows with the same image as a row of another class, such as row 4 ('c') and row 10 ('b'); of equal ones, at "
        "most one class is right: correct or remove the others [contradiction]"
    ]


def test_different_images_are_none(tmp_path: Path) -> None:
    assert warnings(tmp_path, X) == []


def test_a_channel_without_values_is_named(tmp_path: Path) -> None:
    x = X.copy()
    x[..., 1] = np.nan
    x[0, 0, 0, 2] = np.nan
    found = prepared(tmp_path, x)
    assert [str(one) for one in found.warnings] == [
        "channel 1 of 'X' has no values in the training rows, only missing ones; leave it out of the array "
        "[empty_channel]"
    ]
    assert not [note for note in found.notes if "although" in note]
    x[..., 2] = np.nan
    assert warnings(tmp_path, x)[0].startswith("channels 1, 2 of 'X' have no values in the training rows")
