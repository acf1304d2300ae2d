"""Notes on settings for images that are possible and make little sense."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiments import prepared

LAYERS = [{"type": "conv", "filters": 2}]


def notes(folder: Path, augment: dict[str, Any] | None, mirrored: bool = False, **config: Any) -> list[str]:
    """Notes on 40 random images, or on 20 and their mirror images, which have a class of their own."""
    x = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1)).astype(np.uint8)
    y = np.repeat(["left", "right"], 20)
    if mirrored:
        x[20:] = x[:20, :, ::-1]
    np.savez(folder / "t.npz", X=x, y=y)
    split = {"validation": 0, "test": 0}
    given = {"data": {"path": "t.npz", "split": split}, "input": {"shape": [8, 8, 1]}, "layers": LAYERS}
    return [note for note in prepared(folder, **{**given, "augment": augment, **config}).notes if "loss:" not in note]


def test_usual_changes_have_no_note(tmp_path: Path) -> None:
    assert notes(tmp_path, None) == []
    assert notes(tmp_path, {"shift": 4, "cutout": 4, "crop": 0.5, "rotate": 30, "flip": "both"}) == []


def test_changes_that_leave_little_of_an_image_are_noted(tmp_path: Path) -> None:
    assert notes(tmp_path, {"shift": 5, "cutout": 6, "crop": 0.4}) == [
        "augment.shift: 5 is more than half of the image's side, 8: little of it may be left",
        "augment.cutout: 6 is more than half of the image's side, 8: little of it may be left",
        "augment.crop: a part of 0.4 of each side leaves little of an image",
    ]


@pytest.mark.parametrize("flip", ["horizontal", "both"])
def test_a_flip_that_turns_a_class_into_another_is_noted(tmp_path: Path, flip: str) -> None:
    assert notes(tmp_path, {"flip": flip}, mirrored=True) == [
        "augment.flip: 40 training images mirrored equal images of another class, such as row 1 ('left') and row 21 "
        "('right'): leave flip out"
    ]


def test_a_flip_along_the_other_axis_is_none(tmp_path: Path) -> None:
    assert notes(tmp_path, {"flip": "vertical"}, mirrored=True) == []


def test_windows_of_the_layers_are_noted(tmp_path: Path) -> None:
    found = notes(tmp_path, None, layers=[*LAYERS, {"type": "conv", "filters": 2, "kernel": 9}])
    assert found == ["layer 1: its kernel, 9 × 9, is larger than its input, 8 × 8: every position of it holds padding"]
