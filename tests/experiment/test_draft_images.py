"""Arrays that look like images, and the network that is drafted for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from bpcli.config.experiment import ExperimentConfig
from bpcli.data.columns.image_column import ImageColumn, default_layers
from bpcli.data.table import Column, Table
from bpcli.experiment.draft_images import Images, images_in
from bpcli.experiment.first_config import draft_config
from bpcli.experiment.prepare import prepare


def found_in(shape: tuple[int, ...], *more: Column) -> Images | None:
    x = Column("X", "numeric", np.zeros((2, *shape), np.uint8))
    return images_in(Table([x, Column("y", "numeric", np.zeros(2)), *more]), {"y"})


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((28, 28), ((28, 28, 1), "channels_last")),
        ((28, 20, 1), ((28, 20, 1), "channels_last")),
        ((32, 32, 3), ((32, 32, 3), "channels_last")),
        ((3, 32, 24), ((32, 24, 3), "channels_first")),
    ],
)
def test_an_array_of_pixels_is_recognised(shape: tuple[int, ...], expected: Any) -> None:
    assert found_in(shape) == Images("X", *expected)


@pytest.mark.parametrize("shape", [(100, 6), (2, 3), (), (9, 9, 9), (3, 32, 32, 3), (7, 28)])
def test_other_arrays_are_not(shape: tuple[int, ...]) -> None:
    assert found_in(shape) is None


def test_an_array_beside_other_inputs_is_not() -> None:
    assert found_in((28, 28), Column("age", "numeric", np.zeros(2))) is None


@pytest.mark.parametrize(("side", "convolutions"), [(8, 1), (16, 2), (28, 2), (32, 3), (224, 3)])
def test_larger_images_have_more_convolutions(side: int, convolutions: int) -> None:
    lines = Images("X", (side, side, 1), "channels_last").layers()
    assert sum("conv" in line for line in lines) == sum("max_pool" in line for line in lines) == convolutions


def test_the_draft_of_images_is_a_config_of_their_shape(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (60, 3, 9, 8)).astype(np.uint8)
    np.savez(tmp_path / "images.npz", X=x, y=np.arange(60) % 2)
    text = draft_config(tmp_path / "images.npz", [], tmp_path / "c.yaml", None, recipe="classic").text
    line = "input: {shape: [9, 8, 3], layout: channels_first}    # 'X' looks like images of 3 channels\n"
    assert line in text
    ready = prepare(ExperimentConfig.model_validate(yaml.safe_load(text)), tmp_path)
    assert [layer.out_shape for layer in ready.network.layers[:2]] == [(9, 8, 16), (4, 4, 16)]


def test_a_plain_network_has_the_layers_of_a_column_of_pictures_written_out(tmp_path: Path) -> None:
    pillow: Any = pytest.importorskip("PIL.Image")
    lines = ["photo,price"]
    for place in range(40):
        pixels = np.random.default_rng(place).integers(0, 256, (16, 12)).astype(np.uint8)
        pillow.fromarray(pixels).save(tmp_path / f"{place}.png")
        lines.append(f"{place}.png,{place / 7}")
    (tmp_path / "goods.csv").write_text("\n".join(lines) + "\n")
    text = draft_config(tmp_path / "goods.csv", ["price"], tmp_path / "c.yaml", None, recipe="classic").text
    assert "    photo:    # paths of 40 pictures\n      type: image\n      size: [16, 12]\n" in text
    assert "optimizer: {type: adam, learning_rate: 0.002}\nschedule: cosine\ntraining:\n  epochs: 30\n" in text
    photo = ExperimentConfig.model_validate(yaml.safe_load(text)).data.columns["photo"]
    assert isinstance(photo, ImageColumn)
    assert photo.layers == default_layers((16, 12, 1))
    of_image = draft_config(tmp_path / "goods.csv", ["price"], tmp_path / "c.yaml", None).text
    assert "    photo: {type: image, size: [16, 12], channels: 1}    # paths of 40 pictures\n" in of_image


def test_a_folder_of_pictures_has_one_input_and_convolutions(tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    generator = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for place in range(12):
            pixels = generator.integers(0, 256, (9, 8, 3), dtype=np.uint8)
            pillow.fromarray(pixels).save(tmp_path / "pictures" / name / f"{place}.png")
    text = draft_config(tmp_path / "pictures", [], tmp_path / "c.yaml", None).text
    assert text.count("\ninput:") == 1
    ready = prepare(ExperimentConfig.model_validate(yaml.safe_load(text)), tmp_path)
    assert ready.network.layers[0].out_shape == (9, 8, 32)
