"""`bpcli schema`: what an editor accepts is what bpcli accepts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import CONFIGS, bpcli, bpcli_process
from jsonschema import Draft202012Validator

from bpcli.config.yaml_text import parse_yaml, read_yaml

ISSUE = (CONFIGS / "penguins.yaml").read_text()


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    return Draft202012Validator(bpcli("schema").ok().json)


def accepts(validator: Draft202012Validator, data: Any) -> bool:
    return bool(validator.is_valid(json.loads(json.dumps(data))))


def test_it_is_a_json_schema():
    document = bpcli("schema").ok().json
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(document)


def test_a_process_that_has_read_no_config_writes_the_same_schema(tmp_path: Path):
    """Which types have been built before, as by other tests, must not matter."""
    out, err = bpcli_process("schema", cwd=tmp_path).communicate(timeout=60)
    assert (json.loads(out), err) == (bpcli("schema").ok().json, b"")


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.name)
def test_every_shipped_config_is_accepted(validator: Draft202012Validator, path: Path):
    assert accepts(validator, read_yaml(path).data)


def test_a_resolved_config_is_accepted(validator: Draft202012Validator, penguins_run: Path):
    assert accepts(validator, read_yaml(penguins_run / "config.yaml").data)


@pytest.mark.parametrize(
    "change",
    [
        "optimizer: adam",
        "optimizer: {type: sgd, learning_rate: 0.1, momentum: 0.9, nesterov: true}",
        "schedule: cosine",
        "loss: {type: cross_entropy, label_smoothing: 0.1}",
        "training: {batch_size: full, checkpoint_every: {seconds: 30, steps: 500}}",
        "training: {stop_when: {dead: 0.9, update_ratio: 0.5, epochs: 3}}",
        "training: {class_weights: {Adelie: 2}}",
        "training: {class_weights: balanced, clip: {norm: 1.0}, penalty: {l1: 0.1, l2: 0.2}}",
        "layers: [{units: 3}, batch_norm, {units: 2, activation: {type: leaky_relu, slope: 0.1}}]",
        "layers: []",
        "data: {path: a.csv, time: date}",
        "data: {path: a.csv, time: [year, quarter]}",
        'data: {path: a.csv, time: {column: date, format: "%Y%m%d", frequency: 7d, missing: error}}',
        "data: {path: a.csv, time: {column: step, frequency: 1}}",
    ],
)
def test_what_bpcli_accepts_is_accepted(validator: Draft202012Validator, change: str):
    data = {**yaml.safe_load(ISSUE), **parse_yaml(change, "change").data}
    assert accepts(validator, data)


@pytest.mark.parametrize(
    "change",
    [
        "epochs: 5",
        "seed: 1.5",
        "seed: -1",
        "seed: '1'",
        "dtype: float16",
        "data: {target: species, path: 5}",
        "data: {path: a.csv, traget: species}",
        "data: {path: a.csv, columns: {island: categoric}}",
        "data: {path: a.csv, split: {test: 1.5}}",
        "data: {path: a.csv, time: 3}",
        "data: {path: a.csv, time: {format: x}}",
        "data: {path: a.csv, time: {column: date, missing: drop}}",
        "layers: [{units: 0}]",
        "layers: [{units: many}]",
        "layers: [{unit: 3}]",
        "layers: [dense]",
        "layers: [{type: dropout}]",
        "layers: [{units: 3, activation: rellu}]",
        "layers: 3",
        "loss: crossentropy",
        "optimizer: {learning_rate: 0.1}",
        "optimizer: {type: adam, learning_rate: 0}",
        "optimizer: {type: adam, momentum: 0.9}",
        "training: {checkpoint_every: 30}",
        "training: {checkpoint_every: {}}",
        "training: {checkpoint_every: {steps: 0}}",
        "training: {epochs: ten}",
        "training: {epochs: true}",
        "training: {batch_size: half}",
        "training: {early_stopping: 20}",
        "training: {stop_when: {epochs: 3}}",
        "training: {stop_when: {dead: null}}",
        "training: {goal: {metric: accuracy}}",
    ],
)
def test_a_typical_mistake_is_refused(validator: Draft202012Validator, change: str):
    assert not accepts(validator, {**yaml.safe_load(ISSUE), **parse_yaml(change, "change").data})


@pytest.mark.parametrize(
    ("change", "is_partial"),
    [
        ("optimizer: {learning_rate: 0.1}", True),
        ("schedule: {warmup_epochs: 2}", True),
        ("data: {path: a.csv, encoders: {numeric: {bins: 8}, categorical: {min_count: 3}}}", True),
        ("optimizer: sgd", False),
        ("optimizer: {type: sgd, momentum: 0.5}", False),
    ],
)
def test_a_recipe_completes_sections_without_a_type(validator: Draft202012Validator, change: str, is_partial: bool):
    alone = {"data": {"path": "a.csv"}, **parse_yaml(change, "change").data}
    assert accepts(validator, {"recipe": "tabular@1", **alone})
    assert accepts(validator, alone) is not is_partial
    assert accepts(validator, {"recipe": None, **alone}) is not is_partial


@pytest.mark.parametrize(
    "optimizer", ["{learning_rate: 0}", "{learning_rat: 0.1}", "{}", "{type: sgd, beta1: 0.5}", "{type: sgdd}"]
)
def test_a_recipe_completes_no_mistake(validator: Draft202012Validator, optimizer: str):
    config = {"recipe": "tabular@1", "data": {"path": "a.csv"}, **parse_yaml(f"optimizer: {optimizer}", "change").data}
    assert not accepts(validator, config)


def test_keys_are_described(validator: Draft202012Validator):
    definitions = validator.schema["$defs"]
    described = [
        (name, key)
        for name, definition in definitions.items()
        for key, value in definition.get("properties", {}).items()
        if key != "type" and "description" not in value
    ]
    assert described == []
