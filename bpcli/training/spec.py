"""What a config says of training."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic.config import JsonDict

from bpcli.spec import Spec


class EarlyStopping(Spec):
    """Stop when the monitored value has not improved for `patience` epochs in a row."""

    monitor: str = Field(
        default="validation_loss", description="train_loss, validation_loss, or validation_ and a metric's name."
    )
    patience: int = Field(default=20, ge=1, description="Epochs without improvement after which to stop.")
    min_delta: float = Field(default=0.0, ge=0, description="Smaller improvements do not count.")


class Goal(Spec):
    """Stop when a metric is good enough, on validation rows where there are any, else on training rows."""

    metric: str = Field(description="A metric's name, such as accuracy or rmse; or loss.")
    value: float = Field(description="At least this, or at most for a metric of which less is better.")


class Clip(Spec):
    """Bounds on the gradient, applied before the optimizer sees it."""

    norm: float | None = Field(default=None, gt=0, description="Largest Euclidean norm of the whole gradient.")
    value: float | None = Field(default=None, gt=0, description="Largest absolute value of any component.")


class Penalty(Spec):
    """Added to the loss of training: l1 · Σ|w| + l2/2 · Σw², over weights, not biases."""

    l1: float = Field(default=0.0, ge=0, description="Factor on the absolute values.")
    l2: float = Field(default=0.0, ge=0, description="Factor on half the squares.")


class CheckpointEvery(Spec, json_schema_extra={"minProperties": 1}):
    """How far apart checkpoints are; with both keys, whichever is due first."""

    seconds: float | None = Field(
        default=None, gt=0, description="Seconds between two, at least; looked at four times a second."
    )
    steps: int | None = Field(
        default=None,
        ge=1,
        description="One at each multiple of this many steps of the run, or soon after where steps are taken by the "
        "block.",
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.seconds is None and self.steps is None:
            raise ValueError("give seconds, steps, or both")
        return self

    def next_step(self, done: int) -> float:
        """How many steps of the run are done when the next checkpoint is due, after `done` steps."""
        return float("inf") if self.steps is None else (done // self.steps + 1) * self.steps


MEASURES = ("dead", "saturated", "gradient_norm", "update_ratio")


ONE_OF_THEM: JsonDict = {"anyOf": [{"required": [name], "properties": {name: {"type": "number"}}} for name in MEASURES]}


class StopWhen(Spec, json_schema_extra=ONE_OF_THEM):
    """Stop when some layer is beyond one of these bounds for so many epochs in a row; at least one is given."""

    dead: float | None = Field(default=None, ge=0, lt=1, description="Share of a layer's units that put out nothing.")
    saturated: float | None = Field(
        default=None, ge=0, lt=1, description="Share of a layer's units that are near the bounds of their range."
    )
    gradient_norm: float | None = Field(default=None, gt=0, description="Euclidean norm of a layer's gradient.")
    update_ratio: float | None = Field(
        default=None, gt=0, description="Norm of a step's change of a layer's parameters over their norm."
    )
    epochs: int = Field(default=1, ge=1, description="Epochs in a row.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if all(getattr(self, name) is None for name in MEASURES):
            raise ValueError(f"give at least one of {', '.join(MEASURES)}")
        return self

    def exceeded(self, layer: Any) -> list[str]:
        """Which measures of a layer's health, as a record of metrics.jsonl has them, are beyond their bounds."""
        if not isinstance(layer, dict):
            return []
        bounds = ((name, getattr(self, name), layer.get(name)) for name in MEASURES)
        return [
            name for name, bound, value in bounds if bound is not None and isinstance(value, float) and value > bound
        ]


class TrainingSpec(Spec):
    """How long to train, on how many rows at a time, and when to stop."""

    epochs: int = Field(default=100, ge=1, description="Passes over the training rows, at most.")
    batch_size: Annotated[int, Field(ge=1)] | Literal["full"] = Field(
        default=32, description="Rows a step, or full for all of them."
    )
    early_stopping: EarlyStopping | None = Field(default=None, description="Stop when nothing improves any more.")
    tolerance: float | None = Field(
        default=None,
        gt=0,
        description="Stop on convergence: when in 10 epochs the training loss has not fallen by more than this.",
    )
    goal: Goal | None = Field(default=None, description="Stop when a metric is good enough.")
    stop_when: StopWhen | None = Field(default=None, description="Stop when a layer does badly.")
    max_time: float | None = Field(default=None, gt=0, description="Stop after this many seconds of training.")
    checkpoint_every: CheckpointEvery | None = Field(
        default=None,
        description="How often to write a checkpoint to resume from, within an epoch too. Left out: once a second, "
        "less often where that would take more than 2 % of the time.",
    )
    clip: Clip = Field(default=Clip(), description="Bounds on the gradient.")
    penalty: Penalty = Field(default=Penalty(), description="L1 and L2 penalties on the weights.")
    class_weights: Literal["balanced"] | dict[str, Annotated[float, Field(gt=0)]] | None = Field(
        default=None,
        description="Weights of the classes in training: a factor for each by name (1 where left out), or balanced "
        "for factors that give each class the same total.",
    )
