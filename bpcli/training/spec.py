"""The `training` part of a config."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, field_validator, model_validator
from pydantic.config import JsonDict

from bpcli.documents.layer_health import LayerHealth
from bpcli.spec import Spec


class EarlyStopping(Spec):
    """Stop when the monitored value has not improved for `patience` epochs in a row."""

    monitor: str = Field(
        default="validation_loss",
        description="train_loss, validation_loss, or validation_ followed by a metric's name.",
    )
    patience: int = Field(default=20, ge=1, description="Epochs without improvement before training stops.")
    min_delta: float = Field(default=0.0, ge=0, description="Smaller improvements do not count.")


class Goal(Spec):
    """Stop when a metric reaches a value, on validation rows if there are any, else on training rows."""

    metric: str = Field(description="Name of a metric, such as accuracy or rmse, or loss.")
    value: float = Field(description="Lower bound, or upper bound for a metric to minimize.")


class Clip(Spec):
    """Gradient clipping, before the optimizer's update."""

    norm: float | None = Field(default=None, gt=0, description="Largest Euclidean norm of the whole gradient.")
    value: float | None = Field(default=None, gt=0, description="Largest absolute value of any component.")


class Penalty(Spec):
    """Penalty added to the training loss: l1 · Σ|w| + l2/2 · Σw², over weights, not biases."""

    l1: float = Field(default=0.0, ge=0, description="Factor on the sum of absolute values.")
    l2: float = Field(default=0.0, ge=0, description="Factor on half the sum of squares.")


class Average(Spec):
    """Exponential moving average of the parameters, updated after each step."""

    decay: float = Field(default=0.99, gt=0, lt=1, description="Share of the average that a step keeps.")


class CheckpointEvery(Spec, json_schema_extra={"minProperties": 1}):
    """Interval between checkpoints; with both keys, whichever is due first."""

    seconds: float | None = Field(
        default=None, gt=0, description="Minimum seconds between checkpoints, checked four times a second."
    )
    steps: int | None = Field(
        default=None,
        ge=1,
        description="Steps between checkpoints. Compiled steps run in blocks, which may delay one by a few steps.",
    )

    @model_validator(mode="after")
    def _require_any(self) -> Self:
        if self.seconds is None and self.steps is None:
            raise ValueError("give seconds, steps, or both")
        return self

    def next_step(self, done: int) -> float:
        """Number of steps at which the next checkpoint is due, after `done` steps of the run."""
        return float("inf") if self.steps is None else (done // self.steps + 1) * self.steps


MEASURES = ("dead", "saturated", "gradient_norm", "update_ratio")


ONE_OF_THEM: JsonDict = {"anyOf": [{"required": [name], "properties": {name: {"type": "number"}}} for name in MEASURES]}


class StopWhen(Spec, json_schema_extra=ONE_OF_THEM):
    """Stop when a layer exceeds one of these bounds for `epochs` epochs in a row; at least one is required."""

    dead: float | None = Field(
        default=None, ge=0, lt=1, description="Largest share of dead units in a layer (output 0 for every row)."
    )
    saturated: float | None = Field(
        default=None, ge=0, lt=1, description="Largest share of saturated units in a layer (output near a bound)."
    )
    gradient_norm: float | None = Field(default=None, gt=0, description="Largest Euclidean norm of a layer's gradient.")
    update_ratio: float | None = Field(
        default=None, gt=0, description="Largest norm of a step's change of a layer's parameters, over their norm."
    )
    epochs: int = Field(default=1, ge=1, description="Consecutive epochs above a bound.")

    @model_validator(mode="after")
    def _require_any(self) -> Self:
        if all(getattr(self, name) is None for name in MEASURES):
            raise ValueError(f"give at least one of {', '.join(MEASURES)}")
        return self

    def exceeded(self, layer: LayerHealth) -> dict[str, float]:
        """The measures of a layer that are beyond their bounds, by name."""
        bounds = ((name, getattr(self, name), getattr(layer, name)) for name in MEASURES)
        return {
            name: value for name, bound, value in bounds if bound is not None and value is not None and value > bound
        }


AUTOMATIC = ((600, 64), (2_000, 128), (8_000, 256))
"""Rows per step for up to so many training rows: more steps in an epoch of few rows, longer ones of many."""

AUTOMATIC_AT_MOST = 512
"""Rows per step for more training rows than that."""


POWERS: list[JsonValue] = [1 << level for level in range(11)]
"""Numbers of shards."""


class TrainingSpec(Spec):
    """Length of training, batch size, and stopping rules."""

    epochs: int = Field(default=100, ge=1, description="Maximum number of passes over the training rows.")
    batch_size: Annotated[int, Field(ge=1)] | Literal["full", "auto"] = Field(
        default=32,
        description="Rows per step, full for all rows, or auto: 64 for up to 600 training rows, 128 for up to 2,000, "
        "256 for up to 8,000, and 512 for more.",
    )
    shards: Annotated[int, Field(ge=1, le=1024, json_schema_extra={"enum": POWERS})] | None = Field(
        default=None,
        description="Shards of each batch, a power of two. Their gradients are summed in a fixed order, so that any "
        "number of processes up to this one gives the same bits (train --ranks). Default: one gradient of all rows.",
    )
    early_stopping: EarlyStopping | None = Field(
        default=None, description="Stop when the monitored value stops improving."
    )
    tolerance: float | None = Field(
        default=None,
        gt=0,
        description="Stop when the training loss has not fallen by more than this in 10 epochs.",
    )
    goal: Goal | None = Field(default=None, description="Stop when a metric reaches a value.")
    stop_when: StopWhen | None = Field(default=None, description="Stop when a layer's health is out of bounds.")
    max_time: float | None = Field(
        default=None,
        gt=0,
        description="Stop after this many seconds of training, within an epoch too, though not within the first.",
    )
    checkpoint_every: CheckpointEvery | None = Field(
        default=None,
        description="Interval between checkpoints to resume from, also within an epoch. Default: once a second, "
        "less often if that would take more than 2% of the time.",
    )
    clip: Clip = Field(default=Clip(), description="Gradient clipping.")
    penalty: Penalty = Field(default=Penalty(), description="L1 and L2 penalties on the weights.")
    average: Average | None = Field(
        default=None,
        description="Validate, choose the best epoch and predict with a moving average of the parameters.",
    )
    baselines: bool = Field(
        default=True,
        description="Compare the network with a constant and a linear model on the validation rows, for tables; "
        "the training itself does not change.",
    )
    final: Literal["all_rows"] | None = Field(
        default=None,
        description="all_rows: once the best epoch is found, train once more, on the validation rows too, for as many "
        "epochs. That model predicts; validation scores remain those of the first training.",
    )
    class_weights: Literal["balanced"] | dict[str, Annotated[float, Field(gt=0)]] | None = Field(
        default=None,
        description="Weights of the classes in training: a factor by class name (default 1), or balanced "
        "to give each class the same total weight.",
    )

    @field_validator("shards")
    @classmethod
    def _require_power(cls, shards: int | None) -> int | None:
        if shards is not None and shards not in POWERS:
            raise ValueError("must be a power of two")
        return shards

    def resolved(self, rows: int) -> Self:
        """Copy with a number instead of auto, for `rows` training rows of a network."""
        if self.batch_size != "auto":
            return self
        return self.model_copy(update={"batch_size": automatic_batch_size(rows)})

    def rows_per_step(self, rows: int) -> int:
        """Rows per step, of `rows` training rows of a network."""
        size = automatic_batch_size(rows) if self.batch_size == "auto" else self.batch_size
        return rows if size == "full" else min(size, rows)


def automatic_batch_size(rows: int) -> int:
    """Rows per step for `rows` training rows."""
    return next((size for most, size in AUTOMATIC if rows <= most), AUTOMATIC_AT_MOST)
