"""Diagnosis of networks that were really trained, faulty ones and shipped configs, and of curves made by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from commands import ROOT
from records import record_of

from bpcli.config.loading import load_config
from bpcli.documents.layer_health import LayerHealth
from bpcli.experiment.prepare import prepare
from bpcli.history.diagnosis import diagnose
from bpcli.jobs.epoch_record import epoch_record
from bpcli.nn.layers.dense_layer import DenseLayer
from bpcli.storage.records import EpochRecord
from bpcli.training.loop import train
from bpcli.training.plan import EpochReport


def records_of(name: str, *overrides: str) -> tuple[list[EpochRecord], dict[int, str], str | None]:
    """Records of a shipped config's training, activations of its dense layers, and its stop reason."""
    loaded = load_config(ROOT / f"configs/{name}.yaml", overrides)
    of = prepare(loaded.config, loaded.folder, cache=False)
    state = of.plan.new_state()
    found = [epoch_record(event) for event in train(of.plan, state, threads=1) if isinstance(event, EpochReport)]
    activations = {layer.index: layer.activation.type for layer in of.network.layers if isinstance(layer, DenseLayer)}
    return found, activations, state.counters.stop


def said_of(name: str, *overrides: str) -> list[str]:
    return diagnose(*records_of(name, *overrides))


CONSTANT = ("schedule=constant", "training.early_stopping=null", "training.epochs=30")
SIGMOID = "{units: 16, activation: sigmoid}"
SICK: dict[str, tuple[str, list[str], list[str]]] = {
    "a rate far too high for relu": (
        "digits",
        ["layers=[{units: 64}, {units: 32}]", "optimizer.learning_rate=0.3", "training.epochs=8"],
        [
            r"layer 0: at least \d+% of relu units are dead since epoch 1; lower the learning rate, or use leaky_relu",
            r"layer 1: at least \d+% of relu units are dead since epoch \d; lower the learning rate, or use leaky.*",
        ],
    ),
    "tanh with huge weights": (
        "penguins",
        ["layers=[{units: 32, activation: tanh, initializer: {type: normal, std: 200}}]", *CONSTANT],
        [r"layer 0: at least \d+% of tanh units are saturated since epoch 1; lower the learning rate, or use .*"],
    ),
    "eight layers of sigmoid": (
        "penguins",
        [f"layers=[{', '.join([SIGMOID] * 8)}]", "optimizer={type: sgd, learning_rate: 0.1}", *CONSTANT],
        [r"layer 0: vanishing gradient, with a norm of \S+ times that of layer 8 in the median epoch; use fewer .*"],
    ),
    "steps that are next to nothing": (
        "penguins",
        ["optimizer.learning_rate=1e-8", *CONSTANT],
        [
            r"steps too small: in 30 of 30 epochs, no layer's parameters changed by more than a millionth of their "
            r"norm; raise .*"
        ],
    ),
    "weights far too large": (
        "auto_mpg",
        [
            f"layers=[{', '.join(['{units: 32, initializer: {type: normal, std: 1}}'] * 4)}]",
            "optimizer={type: sgd, learning_rate: 1e-8}",
            "schedule=constant",
            "training.epochs=12",
        ],
        [r"layer 4: exploding gradient, with a norm of \S+, above 1000 since epoch 1; use smaller initial .*"],
    ),
    "steps as large as the parameters": (
        "auto_mpg",
        [
            "layers=[{units: 16, activation: tanh}]",
            "optimizer={type: sgd, learning_rate: 1}",
            "training.clip.norm=1",
            "schedule=constant",
            "training.epochs=30",
        ],
        [
            r"layer 1: steps too large: in \d\d of 30 epochs, a step changed the parameters by more than 20% of their "
            r"norm; lower the .*"
        ],
    ),
    "rows too few for the network": (
        "digits",
        ["layers=[{units: 128}, {units: 64}]", "optimizer.learning_rate=0.03", *CONSTANT],
        [r"overfitting: since epoch \d+ validation_loss has risen from \S+ to \S+, while train_loss has .*"],
    ),
}


@pytest.mark.parametrize(("name", "overrides", "patterns"), SICK.values(), ids=SICK)
def test_of_a_sick_network_it_is_said_what_is_wrong(name: str, overrides: list[str], patterns: list[str]) -> None:
    found = said_of(name, *overrides)
    assert found
    for pattern in patterns:
        assert any(re.fullmatch(pattern, line) for line in found), found
    assert all(any(re.fullmatch(pattern, line) for pattern in patterns) for line in found), found
    assert all("\n" not in line for line in found)


SERIES = ("co2", "unemployment", "weather", "stations", "index")
QUICK = ("xor", "penguins", "snippets", "snippets_rating", "origin", *SERIES)
LONG = ("auto_mpg", "credit", "textbook", "concrete", "digits", "fashion", "digits_conv", "fashion_conv", "clothes")


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.exhaustive) for name in LONG)])
def test_nothing_is_said_of_the_configs_that_ship(name: str, record_property: Callable[[str, object], None]) -> None:
    records, activations, stop = records_of(name)
    # nor at any earlier end
    ends = [end for end in range(1, len(records) + 1) if end <= 20 or end % (len(records) // 20) == 0]
    for end in ends:
        assert diagnose(records[:end], activations, None) == [], end
    assert diagnose(records, activations, stop) == []
    assert {path.stem for path in Path(ROOT / "configs").glob("*.yaml")} == {*QUICK, *LONG}
    record_property("cases", len(ends) + 1)


# Curves made by hand


def curve(train: list[float], validation: list[float] | None = None, **layer: list[float | None]) -> list[EpochRecord]:
    """Records of a network with one hidden layer of given health."""
    usual: dict[str, float | None] = {"gradient_norm": 0.1, "update_ratio": 1e-3}
    return [
        EpochRecord(
            index + 1,
            {"train_loss": loss, "validation_loss": None if validation is None else validation[index]},
            health=(
                LayerHealth(0, **{**usual, **{name: values[index] for name, values in layer.items()}}),
                LayerHealth(1, **usual),
            ),
        )
        for index, loss in enumerate(train)
    ]


LAYERS = {0: "relu", 1: "identity"}
FALLING = [1.0 - 0.01 * epoch for epoch in range(40)]


def test_the_epoch_since_when_units_are_dead_is_the_first_of_those_to_the_end() -> None:
    dead: list[float | None] = [0.0, 0.9, 0.1, 0.76, 0.8, 0.94]
    (found,) = diagnose(curve(FALLING[:6], dead=dead), LAYERS, None)
    assert (
        found
        == "layer 0: at least 76% of relu units are dead since epoch 4; lower the learning rate, or use leaky_relu"
    )
    assert diagnose(curve(FALLING[:6], dead=[*dead[:5], 0.5]), LAYERS, None) == []
    assert diagnose(curve(FALLING[:6], dead=[0.0] * 5 + [0.9]), LAYERS, None) == []  # one epoch may be chance


def test_units_that_fall_silent_after_the_network_has_learned_are_no_fault() -> None:
    loss = [1.0, 0.6, 0.4, 0.3, 0.2, 0.1]
    dead: list[float | None] = [0.0, 0.0, 0.0, 0.8, 0.8, 0.8]
    assert diagnose(curve(loss, dead=dead), LAYERS, None) == []
    assert len(diagnose(curve([*loss[:3], 0.9, 0.9, 0.9], dead=dead), LAYERS, None)) == 1


def test_overfitting_is_left_to_early_stopping_where_that_is_what_ended_training() -> None:
    validation = [0.5] * 10 + [0.5 + 0.05 * epoch for epoch in range(30)]
    records = curve(FALLING, validation)
    (found,) = diagnose(records, LAYERS, "epochs")
    assert found.startswith("overfitting: since epoch 1 validation_loss has risen from 0.5 to 1.88, while train_loss")
    late = [*([0.6] * 69), 0.5, *([1.5] * 10)]
    assert diagnose(curve(FALLING * 2, late), LAYERS, "epochs") == []  # not for long
    assert diagnose(records, LAYERS, "early_stopping") == []
    assert diagnose(records, LAYERS, "goal") == []
    assert diagnose(curve(FALLING, [value / 4 + 0.75 for value in validation]), LAYERS, "epochs") == []


def test_of_a_loss_below_zero_as_poissons_may_be_no_ratio_is_made() -> None:
    train, validation = [-20.0 - 0.01 * epoch for epoch in range(40)], [-23.7] * 10 + [-23.6] * 30
    assert diagnose(curve(train, validation), LAYERS, "epochs") == []
    norms: list[float | None] = [1e5] * 40
    assert len(diagnose(curve(train, gradient_norm=norms), LAYERS, None)) == 1  # it fell by 2%
    dead: list[float | None] = [0.0] * 3 + [0.8] * 37
    assert len(diagnose(curve(train, dead=dead), LAYERS, None)) == 1
    assert diagnose(curve([1.0, -2.0, -20.0, *[-22.0] * 37], dead=dead), LAYERS, None) == []


def test_the_gradient_of_a_short_last_batch_that_batch_norm_lets_little_through_of_does_not_vanish() -> None:
    norms: list[float | None] = [1e-5] * 40
    records = curve(FALLING, gradient_norm=norms)
    (found,) = diagnose(records, LAYERS, None)
    assert found.startswith("layer 0: vanishing gradient, with a norm of 0.0001 times that of layer 1 in the median")
    normalized = LayerHealth(2, gradient_norm=1.0)
    assert diagnose([replace(one, health=(*(one.health or ()), normalized)) for one in records], LAYERS, None) == []


def test_a_loss_that_is_high_and_still_falls_when_the_epochs_run_out_is_a_training_too_short() -> None:
    (found,) = diagnose(curve(FALLING), LAYERS, "epochs")
    assert found.startswith("train_loss was still falling in the last epoch, by 6% over the last tenth of the epochs;")
    assert diagnose(curve(FALLING), LAYERS, None) == diagnose(curve(FALLING), LAYERS, "early_stopping") == []
    assert diagnose(curve(FALLING, [0.5] * 39 + [0.6]), LAYERS, "epochs") == []  # validation was better before
    assert diagnose(curve([0.7 * loss for loss in FALLING] + [0.3]), LAYERS, "epochs") == []  # it has fallen by half
    assert diagnose(curve([1.0, *[0.9] * 39]), LAYERS, "epochs") == []


def test_overfitting_is_said_beside_units_that_fell_silent_late() -> None:
    validation = [0.5] * 10 + [0.5 + 0.05 * epoch for epoch in range(30)]
    dead: list[float | None] = [0.0] * 35 + [0.8] * 5
    first, second = diagnose(curve(FALLING, validation, dead=dead), LAYERS, "epochs")
    assert "dead since epoch 36" in first
    assert second.startswith("overfitting: since epoch 1 validation_loss has risen")


def test_a_schedule_that_ends_in_small_steps_after_the_loss_has_fallen_is_no_fault() -> None:
    ratio: list[float | None] = [1e-3] * 10 + [1e-8] * 30
    learned = [1.0] + [0.3] * 39
    assert diagnose(curve(learned, update_ratio=ratio), {0: "relu"}, "epochs") == []
    assert len(diagnose(curve([1.0] * 40, update_ratio=ratio), {0: "relu"}, "epochs")) == 1


def test_a_loss_that_does_not_fall_is_said_where_nothing_else_explains_it() -> None:
    (found,) = diagnose(curve([0.7, *[0.71] * 14]), LAYERS, None)
    assert found.startswith("train_loss has not fallen: 0.7 in epoch 1, now 0.71; try a learning rate ten times")
    assert diagnose(curve([0.7, *[0.71] * 8]), LAYERS, None) == []
    assert diagnose(curve([0.7, *[0.69] * 14]), LAYERS, None) == []
    (found,) = diagnose(curve([0.7] * 15, dead=[1.0] * 15), LAYERS, None)
    assert "dead since epoch 1" in found


def test_large_gradients_of_a_target_in_large_units_are_no_fault_while_the_loss_falls() -> None:
    norms: list[float | None] = [1e5] * 40
    falling = [1e10 * 0.8**epoch for epoch in range(40)]
    assert diagnose(curve(falling, gradient_norm=norms), LAYERS, None) == []
    assert len(diagnose(curve(FALLING, gradient_norm=norms), LAYERS, None)) == 1


def test_records_of_before_layers_were_looked_at_have_no_health_and_damaged_ones_none_that_counts() -> None:
    plain = [{"epoch": epoch + 1, "train_loss": loss} for epoch, loss in enumerate(FALLING)]
    assert diagnose(map(record_of, plain), LAYERS, None) == []
    assert diagnose([], LAYERS, None) == []
    damaged: list[Any] = [
        7,
        [None],
        [{"layer": 0, "dead": "x", "gradient_norm": float("nan")}],
        {"layer": 0},
        [{"layer": []}],
    ]
    for health in damaged:
        assert diagnose([record_of({**record, "health": health}) for record in plain], LAYERS, None) == []


def test_steps_of_parameters_that_have_converged_to_zero_are_not_too_large() -> None:
    ratio: list[float | None] = [0.5] * 40
    converging: list[float | None] = [0.8**epoch for epoch in range(40)]
    assert diagnose(curve(FALLING, update_ratio=ratio, gradient_norm=converging), LAYERS, None) == []
    (found,) = diagnose(curve(FALLING, update_ratio=ratio), LAYERS, None)
    assert found.startswith(
        "layer 0: steps too large: in 40 of 40 epochs, a step changed the parameters by more than 20% of their norm"
    )


def test_a_gradient_of_three_thousandths_of_the_last_layers_has_vanished() -> None:
    (found,) = diagnose(curve(FALLING, gradient_norm=[0.0003] * 40), LAYERS, None)
    assert found.startswith("layer 0: vanishing gradient, with a norm of 0.003 times that of layer 1")
    assert diagnose(curve(FALLING, gradient_norm=[0.0016] * 40), LAYERS, None) == []
