"""Recipes: defaults that follow from the data, below what the config says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from commands import bpcli as command
from experiments import write_csv
from small_runs import trained

from bpcli.config.experiment import ExperimentConfig
from bpcli.errors import ConfigError, MismatchError
from bpcli.experiment.opening import open_experiment
from bpcli.experiment.prepare import prepare
from bpcli.experiment.prepared import Prepared
from bpcli.experiment.recipes.choice import Choice, with_choices


def table(folder: Path, rows: int = 200, classes: bool = True) -> Path:
    """A table with two numbers, three cities and a target."""
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=(2, rows))
    y = [f"c{int(value)}" for value in a > b] if classes else (a - b).tolist()
    city = generator.choice(["Bonn", "Kiel", "Ulm"], rows).tolist()
    return write_csv(folder / "t.csv", {"a": a.tolist(), "b": b.tolist(), "city": city, "y": y})


def prepared(folder: Path, recipe: str = "tabular", **config: Any) -> Prepared:
    data = {"path": "t.csv", "target": "y", **config.pop("data", {})}
    return prepare(ExperimentConfig.model_validate({"recipe": recipe, "data": data, **config}), folder)


def chosen(of: Prepared) -> dict[str, Any]:
    return {one.key: one.value for one in of.recipe if not one.overridden}


def test_a_table_gets_members_on_folds_bins_and_a_schedule(tmp_path: Path) -> None:
    table(tmp_path)
    of = prepared(tmp_path)
    config = of.config
    assert config.recipe == "tabular@1"
    assert config.ensemble is not None
    assert (config.ensemble.members, config.ensemble.folds) == (8, True)
    assert of.rows == {"train": 170, "validation": 0, "test": 30}
    assert config.data.encoders.numeric.type == "piecewise_linear"
    assert config.schedule.type == "flat_cosine"
    assert config.training.average is not None
    assert config.training.early_stopping is not None
    assert [layer.type for layer in of.network.layers][:2] == ["scale", "dense"]
    assert all(one.reason for one in of.recipe)


def test_a_column_of_many_categories_gets_a_vector_for_each(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    code, a = generator.permutation(np.arange(404) % 101), generator.normal(size=404)
    few, many = (code % 100).astype(str).tolist(), code.astype(str).tolist()
    columns = {"few": [f"n{one}" for one in few], "many": [f"n{one}" for one in many], "a": a.tolist()}
    write_csv(tmp_path / "t.csv", {**columns, "y": (a + code).tolist()})
    of = prepared(tmp_path, data={"split": {"test": 0}})
    found = {column.name: (column.type, len(column.categories)) for column in of.preprocessor.inputs[:2]}
    assert found == {"few": ("one_hot", 100), "many": ("embedding", 101)}


def test_the_warm_up_is_a_share_of_the_epochs_that_are_planned(tmp_path: Path) -> None:
    table(tmp_path)
    assert prepared(tmp_path).config.schedule.warmup_epochs == 2.88
    assert prepared(tmp_path, training={"epochs": 10}).config.schedule.warmup_epochs == 0.3


def test_what_the_config_says_stays(tmp_path: Path) -> None:
    table(tmp_path)
    settings: dict[str, Any] = {
        "layers": [{"units": 7}],
        "optimizer": {"type": "sgd", "learning_rate": 0.5},
        "training": {"epochs": 3},
        "ensemble": {"members": 5},
    }
    of = prepared(tmp_path, **settings)
    assert [layer.n_out for layer in of.network.layers] == [7, 1]
    assert of.config.optimizer.model_dump(exclude_unset=True) == settings["optimizer"]
    assert of.config.training.epochs == 3
    assert of.config.training.average is not None
    assert of.config.ensemble is not None
    assert (of.config.ensemble.members, of.config.ensemble.folds) == (5, True)
    overridden = {one.key for one in of.recipe if one.overridden}
    assert overridden == {"layers", "optimizer", "training.epochs", "ensemble"}


def test_a_key_of_the_same_optimizer_completes_it(tmp_path: Path) -> None:
    table(tmp_path)
    whole, some = prepared(tmp_path), prepared(tmp_path, optimizer={"type": "adamw", "learning_rate": 0.5})
    assert some.config.optimizer == whole.config.optimizer.model_copy(update={"learning_rate": 0.5})


@pytest.mark.parametrize(
    ("data", "folds", "validation"),
    [({}, True, 0), ({"split": {"validation": 0.2}}, False, 40), ({"split": {"validation": 0}}, False, 0)],
)
def test_validation_rows_of_the_config_take_the_place_of_folds(
    tmp_path: Path, data: dict[str, Any], folds: bool, validation: int
) -> None:
    table(tmp_path)
    of = prepared(tmp_path, data=data)
    assert of.config.folds == folds
    assert of.rows["validation"] == validation
    monitor = of.config.training.early_stopping
    assert monitor is not None
    assert monitor.monitor == ("validation_loss" if folds or validation else "train_loss")


def test_few_rows_have_no_folds(tmp_path: Path) -> None:
    table(tmp_path, rows=30)
    of = prepared(tmp_path)
    assert not of.config.folds
    assert of.config.members == 8


def test_quick_linear_and_classic(tmp_path: Path) -> None:
    table(tmp_path)
    quick, linear, classic = (prepared(tmp_path, name) for name in ("quick", "linear", "classic"))
    assert quick.config.members == 4
    assert quick.config.training.epochs < prepared(tmp_path).config.training.epochs
    assert [layer.n_out for layer in linear.network.layers if layer.units is not None] == [1]
    assert [layer.n_out for layer in classic.network.layers] == [64, 32, 1]
    assert classic.config.ensemble is None
    assert classic.rows == {"train": 140, "validation": 30, "test": 30}


def test_numbers_have_two_hidden_layers_and_stay_in_range(tmp_path: Path) -> None:
    table(tmp_path, classes=False)
    of = prepared(tmp_path)
    assert of.config.data.target_range == "training"
    hidden = [layer for layer in of.network.layers[:-1] if layer.units is not None]
    assert len(hidden) == 2


def test_the_config_of_a_run_has_every_value_and_trains_the_same(tmp_path: Path) -> None:
    table(tmp_path)
    text = "recipe: tabular\ndata: {path: t.csv, target: y}\ntraining: {epochs: 2}\nensemble: {members: 2}\n"
    (tmp_path / "c.json").write_text(json.dumps(yaml.safe_load(text)))
    run = trained(tmp_path)
    resolved = yaml.safe_load((run / "config.yaml").read_text())
    assert resolved["recipe"] == "tabular@1"
    assert resolved["ensemble"] == {"members": 2, "folds": True, "linear": False, "combine": "mean"}
    again = open_experiment(run / "config.yaml")
    first = open_experiment(tmp_path / "c.json")
    assert all(one.overridden is False for one in again.recipe if one.key == "schedule")
    assert again.plan.new_state().params.tobytes() == first.plan.new_state().params.tobytes()
    assert again.config.training == first.config.training
    assert again.network == first.network


def test_a_config_without_a_recipe_means_what_it_meant(tmp_path: Path) -> None:
    table(tmp_path)
    of = prepare(ExperimentConfig.model_validate({"data": {"path": "t.csv", "target": "y"}}), tmp_path)
    assert of.recipe == []
    assert of.config.ensemble is None
    assert [layer.n_out for layer in of.network.layers] == [64, 32, 1]


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ("tabluar", "unknown recipe 'tabluar'; did you mean 'tabular'"),
        ("tabular@7", "no version '7' of recipe tabular; the newest is tabular@1"),
        ("tabular@", None),
        ("tabular@x", "no version 'x'"),
    ],
)
def test_names_of_recipes(tmp_path: Path, recipe: str, message: str | None) -> None:
    table(tmp_path)
    (tmp_path / "c.yaml").write_text(f"recipe: {recipe}\ndata: {{path: t.csv, target: y}}\n")
    if message is None:
        assert open_experiment(tmp_path / "c.yaml").config.recipe == "tabular@1"
        return
    with pytest.raises(ConfigError, match=message):
        open_experiment(tmp_path / "c.yaml")


def test_a_value_that_excludes_the_recipes_is_an_error() -> None:
    config = ExperimentConfig.model_validate({"recipe": "tabular", "data": {"path": "t.csv", "split": {"test": 0.95}}})
    with pytest.raises(MismatchError, match=r"data\.split: .*; with tabular@1, which gives"):
        with_choices(config, [Choice(("data", "split", "validation"), 0.1, "many rows")])


def test_training_on_more_data_keeps_the_network_of_the_model(tmp_path: Path) -> None:
    table(tmp_path)
    text = {"recipe": "tabular", "data": {"path": "t.csv", "target": "y"}, "training": {"epochs": 1}}
    (tmp_path / "c.json").write_text(json.dumps({**text, "ensemble": {"members": 2}, "layers": [{"units": 3}]}))
    run = trained(tmp_path)
    (tmp_path / "d.json").write_text(json.dumps(text))
    again = open_experiment(tmp_path / "d.json", [f"start_from={{checkpoint: {run}}}"])
    assert again.config.members == 2
    assert [layer.n_out for layer in again.network.layers] == [3, 1]
    assert {one.reason for one in again.recipe if one.key == "layers" and not one.overridden} == {f"as in {run}"}


def test_a_split_column_without_validation_rows_leaves_the_folds(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).normal(size=90).tolist()
    for part, folds in (("train", True), ("Validation", False)):
        parts = ["test" if row % 5 == 0 else part if row % 5 == 1 else "train" for row in range(90)]
        write_csv(tmp_path / "t.csv", {"x": numbers, "part": parts, "y": [2 * x for x in numbers]})
        assert prepared(tmp_path, data={"split": {"column": "part"}}).config.folds == folds


def test_numbers_in_time_order_may_leave_the_range_of_training(tmp_path: Path) -> None:
    table(tmp_path, classes=False)
    assert prepared(tmp_path, data={"split": {"order": "time"}}).config.data.target_range != "training"


def opened(folder: Path, *settings: str, **config: Any) -> Prepared:
    """A config of the recipe from a file, with settings of the command line."""
    document = {"recipe": "tabular", "data": {"path": "t.csv", "target": "y"}, **config}
    (folder / "c.yaml").write_text(yaml.safe_dump(document))
    return open_experiment(folder / "c.yaml", settings)


@pytest.mark.parametrize("in_file", [True, False])
def test_a_partial_optimizer_has_the_type_and_the_other_values_of_the_recipe(tmp_path: Path, in_file: bool) -> None:
    table(tmp_path)
    if in_file:
        of = opened(tmp_path, optimizer={"learning_rate": 0.01, "rate_factors": {"biases": 0.5}})
    else:
        of = opened(tmp_path, "optimizer.learning_rate=0.01", "optimizer.rate_factors.biases=0.5")
    was = opened(tmp_path).config.optimizer
    factors = was.rate_factors
    assert factors is not None
    expected = {"learning_rate": 0.01, "rate_factors": factors.model_copy(update={"biases": 0.5})}
    assert of.config.optimizer == was.model_copy(update=expected)
    (choice,) = [one for one in of.recipe if one.key == "optimizer"]
    assert choice.own == ("learning_rate", "rate_factors")
    assert set(choice.remaining) == {"type", "beta2", "weight_decay", "decay_schedule"}


def test_single_layers_of_the_recipe_can_be_set(tmp_path: Path) -> None:
    table(tmp_path)
    was = opened(tmp_path).config.layers
    of = opened(tmp_path, "layers.1.units=16", "layers.2=batch_norm", "layers.3={type: dense, bias: false}")
    now = of.config.layers
    assert now[1] == was[1].model_copy(update={"units": 16})
    assert now[2].type == "batch_norm"
    assert now[3] == was[3].model_copy(update={"bias": False})
    assert (now[0], now[4:]) == (was[0], was[4:])
    (choice,) = [one for one in of.recipe if one.key == "layers"]
    assert choice.own == ("1.units", "2", "3.type", "3.bias")


def test_a_layer_of_another_type_has_none_of_the_recipes_values(tmp_path: Path) -> None:
    table(tmp_path)
    of = opened(tmp_path, "layers.1={type: dropout, rate: 0.3}")
    assert of.config.layers[1].model_dump(exclude_unset=True) == {"type": "dropout", "rate": 0.3}


def test_partial_schedules_and_encoders_are_completed(tmp_path: Path) -> None:
    table(tmp_path)
    of = opened(
        tmp_path,
        "schedule.warmup_epochs=1.5",
        data={"path": "t.csv", "target": "y", "encoders": {"numeric": {"bins": 4}}},
    )
    assert (of.config.schedule.type, of.config.schedule.warmup_epochs) == ("flat_cosine", 1.5)
    assert of.config.data.encoders.numeric.model_dump() == {
        "type": "piecewise_linear",
        "bins": 4,
        "beside": "smooth_clip",
    }


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("optimizer.learningrate=1", r"--set optimizer\.learningrate: unknown key; did you mean 'learning_rate'"),
        ("optimizer.learning_rate=-1", r"--set optimizer\.learning_rate: must be greater than 0, not -1"),
        ("layers.1.unit=5", r"--set layers\.1\.unit: unknown key; did you mean 'units'"),
        ("layers.9.units=5", r"layers\.9: the recipe gives 7 items, numbered from 0"),
    ],
)
def test_errors_in_what_a_recipe_completes_have_their_place(tmp_path: Path, setting: str, message: str) -> None:
    table(tmp_path)
    with pytest.raises(ConfigError, match=message):
        opened(tmp_path, setting)


def test_what_a_recipe_does_not_give_needs_its_type(tmp_path: Path) -> None:
    table(tmp_path)
    with pytest.raises(ConfigError, match=r"schedule: classic@1 gives no value here, so that the key 'type' is needed"):
        opened(tmp_path, "schedule.warmup_epochs=2", recipe="classic")
    with pytest.raises(ConfigError, match="needs the key 'type' to name the optimizer"):
        opened(tmp_path, "optimizer.learning_rate=0.01", recipe=None)


def test_check_tells_the_recipes_values_from_the_configs(tmp_path: Path) -> None:
    table(tmp_path)
    opened(tmp_path)
    found = command("check", tmp_path / "c.yaml", "--set", "optimizer.learning_rate=0.01", "--set", "layers.1.units=9")
    (line,) = [line for line in found.ok().out.splitlines() if line.startswith("optimizer")]
    assert "{type: adamw, beta2: 0.95" in line
    assert line.endswith("; the config has its own learning_rate")
    assert "hidden layers for classes; the config has its own 1.units" in found.out
