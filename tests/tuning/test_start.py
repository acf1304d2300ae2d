"""First trial: the config as it stands, where the space has it."""

from __future__ import annotations

from typing import Any

import pytest

from bpcli.config.distribution import SpaceEntry
from bpcli.tuning.space import Space
from bpcli.tuning.start import values_of

DENSE: dict[str, Any] = {"type": "dense", "units": 8, "activation": {"type": "relu"}, "initializer": None, "bias": True}
DROPOUT: dict[str, Any] = {"type": "dropout", "rate": 0.2}
CONFIG = {"optimizer": {"type": "adam", "learning_rate": 0.01}, "training": {"average": None, "final": True}}
LAYERS = {"depth": [1, 3], "units": {"int": [4, 16]}, "activation": {"choice": ["relu", "tanh"]}}


def space(**entries: Any) -> Space:
    return Space({key: SpaceEntry.model_validate(entry) for key, entry in entries.items()})


@pytest.mark.parametrize(
    ("entries", "wanted"),
    [
        ({"optimizer.learning_rate": {"log_uniform": [0.001, 0.1]}}, {"optimizer.learning_rate": 0.01}),
        ({"optimizer.learning_rate": {"log_uniform": [0.05, 0.1]}}, None),
        ({"optimizer": {"choice": ["adam", "sgd"]}}, None),
        ({"training.average": {"choice": [None, 1]}}, {"training.average": None}),
        ({"training.final": {"choice": [1, 0]}}, None),
        ({"training.missing": {"choice": [1, 0]}}, None),
        ({"layers.1.units": {"int_log": [4, 16]}}, {"layers.1.units": 8}),
        ({"layers.1.units": {"uniform": [4, 16]}}, {"layers.1.units": 8.0}),
        ({"layers.0.activation": {"choice": ["tanh", "relu"]}}, {"layers.0.activation": "relu"}),
        (
            {"layers": LAYERS},
            {
                "layers.depth": 2,
                "layers.0.units": 8,
                "layers.1.units": 8,
                "layers.2.units": 4.0,
                "layers.activation": "relu",
            },
        ),
        ({"layers": {**LAYERS, "dropout": {"uniform": [0, 0.5]}}}, None),
        ({"layers": {**LAYERS, "depth": [1, 1]}}, None),
        ({"layers": {**LAYERS, "units": {"choice": [4, 16]}}}, None),
    ],
)
def test_values_of_a_config(entries: dict[str, Any], wanted: dict[str, Any] | None) -> None:
    assert values_of(space(**entries), {**CONFIG, "layers": [DENSE, DENSE]}) == wanted


@pytest.mark.parametrize(
    "layers",
    [
        [DENSE, {**DENSE, "activation": {"type": "tanh"}}],
        [{**DENSE, "bias": False}],
        [{**DENSE, "initializer": {"type": "zeros"}}],
        [DENSE, {"type": "batch_norm"}],
        [DENSE] * 4,
        [],
    ],
)
def test_layers_of_another_form_are_not_in_the_space(layers: list[dict[str, Any]]) -> None:
    assert values_of(space(layers=LAYERS), {"layers": layers}) is None


def test_dropout_after_every_layer() -> None:
    entry = {**LAYERS, "dropout": {"uniform": [0, 0.5]}}
    found = values_of(space(layers=entry), {"layers": [DENSE, DROPOUT, DENSE, DROPOUT]})
    assert found is not None
    assert found["layers.dropout"] == 0.2
    assert values_of(space(layers=entry), {"layers": [DENSE, DENSE, DROPOUT]}) is None
