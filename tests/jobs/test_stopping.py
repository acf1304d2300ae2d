"""Why training ended is said with the numbers that it was asked to end on."""

from __future__ import annotations

from typing import Any

import pytest

from bpcli.documents.layer_health import LayerHealth
from bpcli.jobs.stopping import stop_explanation
from bpcli.training.spec import TrainingSpec

HEALTH = [
    LayerHealth(0, gradient_norm=5.0, update_ratio=0.1, dead=0.25),
    LayerHealth(2, gradient_norm=1234.5, update_ratio=0.75, saturated=0.985),
]


@pytest.mark.parametrize(
    ("reason", "spec", "expected"),
    [
        ("epochs", {}, "all epochs done"),
        ("max_time", {"max_time": 90.0}, "time is up: 90 s"),
        ("tolerance", {"tolerance": 1e-4}, "converged: train_loss has not fallen by more than 0.0001 in 10 epochs"),
        ("goal", {"goal": {"metric": "accuracy", "value": 0.9}}, "goal reached: accuracy 0.9"),
        (
            "early_stopping",
            {"early_stopping": {"patience": 20}},
            "early stopping: validation_loss has not improved for 20 epochs",
        ),
        (
            "early_stopping",
            {"early_stopping": {"patience": 1, "min_delta": 0.5}},
            "early stopping: validation_loss has not improved by more than 0.5 for 1 epoch",
        ),
        ("stop_when", {"stop_when": {"dead": 0.2}}, "stop_when: layer 0: 25% of units are dead, above 20%"),
        (
            "stop_when",
            {"stop_when": {"dead": 0.5, "saturated": 0.95, "epochs": 3}},
            "stop_when: layer 2: 98.5% of units are saturated, above 95%, for 3 epochs in a row",
        ),
        (
            "stop_when",
            {"stop_when": {"gradient_norm": 1e3}},
            "stop_when: layer 2: gradient norm 1.23e+03, above 1000",
        ),
        (
            "stop_when",
            {"stop_when": {"update_ratio": 0.5}},
            "stop_when: layer 2: a step changed the parameters by 0.75 of their norm, above 0.5",
        ),
    ],
)
def test_every_reason_has_its_sentence(reason: Any, spec: dict[str, Any], expected: str) -> None:
    assert stop_explanation(reason, TrainingSpec.model_validate(spec), "validation_loss", HEALTH) == expected


@pytest.mark.parametrize("health", [(), (LayerHealth(0),), (LayerHealth(0, dead=0.5),)])
def test_what_the_last_record_lacks_is_not_made_up(health: Any) -> None:
    spec = TrainingSpec.model_validate({"stop_when": {"dead": 0.5}})
    assert stop_explanation("stop_when", spec, "train_loss", health) == "stop_when: a layer was out of bounds"
