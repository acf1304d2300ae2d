from typing import Any

import pytest
from pydantic import ValidationError

from bpcli.training.spec import TrainingSpec


def test_the_defaults_are_a_hundred_epochs_of_batches_of_32() -> None:
    spec = TrainingSpec()
    assert (spec.epochs, spec.batch_size) == (100, 32)
    assert (spec.early_stopping, spec.tolerance, spec.goal, spec.max_time, spec.class_weights) == (None,) * 5
    assert spec.checkpoint_every is spec.stop_when is None


@pytest.mark.parametrize(
    "options",
    [
        {"epochs": 0},
        {"epochs": 1.5},
        {"batch_size": 0},
        {"batch_size": "all"},
        {"tolerance": 0.0},
        {"max_time": 0.0},
        {"max_time": float("inf")},
        {"early_stopping": {"patience": 0}},
        {"early_stopping": {"min_delta": -0.1}},
        {"goal": {"metric": "accuracy"}},
        {"stop_when": {}},
        {"stop_when": {"epochs": 3}},
        {"stop_when": {"dead": 1.0}},
        {"stop_when": {"saturated": -0.1}},
        {"stop_when": {"gradient_norm": 0.0}},
        {"stop_when": {"update_ratio": 0.5, "epochs": 0}},
        {"stop_when": 0.9},
        {"checkpoint_every": {}},
        {"checkpoint_every": {"seconds": 0.0}},
        {"checkpoint_every": {"steps": 0}},
        {"checkpoint_every": 30},
        {"clip": {"norm": 0.0}},
        {"clip": {"value": -1.0}},
        {"penalty": {"l1": -1.0}},
        {"penalty": {"l3": 1.0}},
        {"class_weights": {"a": 0.0}},
        {"class_weights": "even"},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TrainingSpec.model_validate(options)


@pytest.mark.parametrize(
    ("rows", "size"), [(1, 64), (600, 64), (601, 128), (2000, 128), (2001, 256), (8000, 256), (8001, 512), (10**6, 512)]
)
def test_the_automatic_batch_size_follows_the_number_of_rows(rows: int, size: int) -> None:
    spec = TrainingSpec(batch_size="auto")
    assert spec.resolved(rows).batch_size == size
    assert spec.rows_per_step(rows) == spec.resolved(rows).rows_per_step(rows) == min(size, rows)


@pytest.mark.parametrize("size", [8, "full"])
def test_a_given_batch_size_stays(size: Any) -> None:
    spec = TrainingSpec(batch_size=size)
    assert spec.resolved(1000) is spec
    assert spec.rows_per_step(6) == 6
