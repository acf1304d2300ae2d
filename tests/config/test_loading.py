"""Loading of configs: file and overrides to one frozen config, or all problems at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import CONFIGS
from pydantic import ValidationError

from bpcli.config.loading import load_config
from bpcli.errors import ConfigError, Mismatch, MismatchError
from bpcli.nn.activations.bounded import Tanh
from bpcli.nn.activations.rectified import Relu
from bpcli.nn.initializers.defaults import GlorotUniform
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dropout import Dropout
from bpcli.nn.losses.classification import CrossEntropy
from bpcli.nn.optimizers.adam import Adam
from bpcli.nn.schedules.cosine import Cosine
from bpcli.training.spec import EarlyStopping


def test_the_penguins_config_means_just_this():
    loaded = load_config(CONFIGS / "penguins.yaml")
    config = loaded.config
    assert (config.name, config.seed, config.dtype) == ("penguins", 0, "float32")
    assert (config.data.path, config.data.target, config.data.exclude) == (
        "../datasets/penguins.csv",
        "species",
        ("year",),
    )
    assert (config.data.split.validation, config.data.split.test, config.data.split.stratify) == (0.2, 0.2, True)
    assert config.layers == (
        Dense(units=32, activation=Relu()),
        Dropout(rate=0.1),
        Dense(units=16, activation=Tanh(), initializer=GlorotUniform()),
    )
    assert config.loss == CrossEntropy()
    assert config.optimizer == Adam(learning_rate=0.003)
    assert config.schedule == Cosine(warmup_epochs=5)
    assert (config.training.epochs, config.training.batch_size) == (200, 32)
    assert config.training.early_stopping == EarlyStopping(monitor="validation_loss", patience=20)
    assert loaded.folder == CONFIGS


def test_overrides_win_over_the_file_and_the_file_over_defaults(tmp_path: Path):
    path = tmp_path / "c.yaml"
    path.write_text("data: {path: a.csv, target: y}\ntraining: {epochs: 7, batch_size: 8}\n")
    training = load_config(path, ["training.epochs=9"]).config.training
    assert (training.epochs, training.batch_size, training.tolerance) == (9, 8, None)


def test_a_config_without_a_name_has_its_files(tmp_path: Path):
    path = tmp_path / "my-net.v2.yaml"
    path.write_text("data: {path: a.csv, target: y}\n")
    assert load_config(path).config.name == "my-net.v2"


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("with space.yaml", "with_space"),
        ("体重.yaml", "run__"),
        ("-x.yaml", "run-x"),
        (".yaml", "run.yaml"),
        ("x" * 200 + ".yaml", "x" * 80),
    ],
)
def test_a_config_file_may_have_any_name(tmp_path: Path, file: str, name: str):
    path = tmp_path / file
    path.write_text("data: {path: a.csv, target: y}\n")
    assert load_config(path).config.name == name


def test_a_config_is_frozen():
    config = load_config(CONFIGS / "xor.yaml").config
    with pytest.raises(ValidationError, match="frozen"):
        config.seed = 3  # type: ignore[misc]


def test_file_and_overrides_are_wrong_together(tmp_path: Path):
    path = tmp_path / "c.yaml"
    path.write_text("data: {path: a.csv, target: y}\nseed: one\n")
    with pytest.raises(ConfigError) as caught:
        load_config(path, ["training.epochs=0", "dtype=float16"])
    assert caught.value.messages == (
        f"{path}:2:7: seed: must be a whole number, not the text 'one'",
        "--set training.epochs: must be at least 1, not 0",
        "--set dtype: must be 'float32' or 'float64', not the text 'float16'; did you mean 'float64'?",
    )


def test_a_mismatch_gets_the_place_of_what_it_is_about(tmp_path: Path):
    path = tmp_path / "c.yaml"
    path.write_text("data:\n  path: a.csv\n  target: y\n")
    loaded = load_config(path, ["training.epochs=3"])
    assert str(loaded.locate(MismatchError(Mismatch(("data", "target"), "no")))) == f"{path}:3:11: data.target: no"
    assert str(loaded.locate(MismatchError(Mismatch(("training", "epochs"), "no")))) == "--set training.epochs: no"
    assert str(loaded.locate(MismatchError(Mismatch(("loss",), "no")))) == f"{path}:1:1: loss: no"
