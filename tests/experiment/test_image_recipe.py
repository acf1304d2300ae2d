"""The recipe `image`: what it chooses for images alone, and beside other columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from commands import bpcli

from bpcli.config.experiment import ExperimentConfig
from bpcli.errors import MismatchError, UsageError
from bpcli.experiment.first_config import draft_config
from bpcli.experiment.prepare import prepare
from bpcli.experiment.prepared import Prepared
from bpcli.experiment.recipes import newest_choices
from bpcli.experiment.recipes.facts import DataFacts


def images(folder: Path, rows: int = 60, side: int = 16) -> Path:
    x = np.random.default_rng(0).integers(0, 256, (rows, side, side)).astype(np.uint8)
    np.savez(folder / "x.npz", X=x, y=np.arange(rows) % 3)
    return folder / "x.npz"


def prepared(folder: Path, **config: Any) -> Prepared:
    given = {"recipe": "image", "data": {"path": "x.npz"}, **config}
    return prepare(ExperimentConfig.model_validate(given), folder)


def chosen(of: Prepared) -> dict[str, Any]:
    assert all(one.reason for one in of.recipe)
    return {one.key: one.value for one in of.recipe if not one.overridden}


@pytest.mark.parametrize(("side", "filters"), [(8, [32]), (16, [32, 64]), (28, [32, 64]), (48, [32, 64, 128])])
def test_the_convolutions_follow_from_the_size(tmp_path: Path, side: int, filters: list[int]) -> None:
    images(tmp_path, side=side)
    of = prepared(tmp_path, input={"shape": [side, side, 1]})
    types = [layer.type for layer in of.network.layers]
    assert types == [*["conv", "max_pool"] * len(filters), "dropout", "dense", "dropout", "dense"]
    assert [layer.out_shape[-1] for layer in of.network.layers if layer.type == "conv"] == filters
    assert of.config.recipe == "image@1"


@pytest.mark.parametrize(("side", "filters"), [(8, [16, 32]), (28, [16, 32, 64]), (48, [16, 32, 64, 128])])
def test_many_rows_have_narrower_convolutions_and_one_more_without_pooling(side: int, filters: list[int]) -> None:
    facts = DataFacts(20_001, True, 0, 0, arrays=True, validated=True, image=(side, side, 1))
    layers = newest_choices("image", facts)[("layers",)]
    types = [layer.get("type", "dense") for layer in layers]
    assert types == [*["conv", "max_pool"] * (len(filters) - 1), "conv", "dropout", "dense", "dropout"]
    assert [layer["filters"] for layer in layers if "filters" in layer] == filters


@pytest.mark.parametrize(("rows", "epochs", "batch"), [(60, 30, 32), (7_000, 20, 64), (30_000, 9, 128)])
def test_more_rows_have_fewer_epochs_of_larger_batches(tmp_path: Path, rows: int, epochs: int, batch: int) -> None:
    images(tmp_path, rows, side=8)
    found = chosen(prepared(tmp_path, input={"shape": [8, 8, 1]}))
    assert (found["training.epochs"], found["training.batch_size"]) == (epochs, batch)


def test_a_tenth_of_the_rows_validates_unless_the_config_says_otherwise(tmp_path: Path) -> None:
    images(tmp_path, 100)
    of = prepared(tmp_path, input={"shape": [16, 16, 1]})
    assert of.rows == {"train": 75, "validation": 10, "test": 15}
    own = {"path": "x.npz", "split": {"validation": 0.3, "test": 0.2}}
    assert prepared(tmp_path, input={"shape": [16, 16, 1]}, data=own).rows["validation"] == 30


def test_keys_of_the_config_come_first(tmp_path: Path) -> None:
    images(tmp_path)
    own = {"layers": ["flatten", {"units": 5}], "training": {"epochs": 2}, "augment": {"shift": 1}}
    of = prepared(tmp_path, input={"shape": [16, 16, 1]}, **own)
    assert [layer.type for layer in of.network.layers] == ["flatten", "dense", "dense"]
    assert (of.config.training.epochs, of.config.training.batch_size) == (2, 32)
    assert of.plan.augment is not None


def test_without_images_it_is_an_error_that_says_what_to_declare(tmp_path: Path) -> None:
    images(tmp_path)
    with pytest.raises(MismatchError, match=r"recipe: image is for images, and the data has none: declare `input`"):
        prepared(tmp_path)
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{row * 7 % 11},{row % 2}\n" for row in range(40)))
    with pytest.raises(UsageError, match="--recipe image: the data has no images"):
        draft_config(tmp_path / "t.csv", ["y"], None, None, recipe="image")


def test_init_writes_it_with_the_shape_and_the_time(tmp_path: Path) -> None:
    draft = draft_config(images(tmp_path), [], tmp_path / "c.yaml", None)
    config = yaml.safe_load(draft.text)
    assert (config["recipe"], config["input"]) == ("image@1", {"shape": [16, 16, 1]})
    assert draft.expected.startswith("recipe: image@1; one network, about ")
    (tmp_path / "c.yaml").write_text(draft.text)
    bpcli("train", str(tmp_path / "c.yaml"), "--set", "training.epochs=1", cwd=tmp_path).ok()


def test_a_budget_plans_fewer_epochs(tmp_path: Path) -> None:
    draft = draft_config(images(tmp_path, 2_000, 28), [], tmp_path / "c.yaml", None, budget=2.0)
    training = yaml.safe_load(draft.text)["training"]
    assert training["max_time"] == 2
    assert 1 <= training["epochs"] < 30
