"""The `tune` section of a config: a search for better settings, its budget, and the space of settings."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from bpcli.config.distribution import SpaceEntry
from bpcli.spec import Spec

Sampler = Literal["random", "tpe", "cma_es", "qmc", "grid"]

AT_ONCE = 4
"""Usual number of trials that are asked for together."""


class Halving(Spec):
    """Successive halving: the best trials of those begun together go on."""

    first_epochs: int = Field(ge=1, description="Epochs of every trial before the first choice.")
    factor: int = Field(default=3, ge=2, description="One trial in so many goes on, for so many times the epochs.")


class Budget(Spec):
    """Bound on the time of a search, in seconds of training of all trials together."""

    seconds: float = Field(gt=0, description="No trials are begun after so many seconds of training.")


class TuneSpec(Spec):
    """Search by `bpcli tune`. Other commands ignore it."""

    metric: str = Field(
        default="validation_loss",
        pattern=r"^validation_\w+$",
        description="Value of the best epoch to improve, such as validation_loss.",
    )
    trials: int = Field(default=30, ge=1, description="Number of trials in all, also of a search that is resumed.")
    sampler: Sampler = Field(default="tpe", description="How the settings of trials are chosen.")
    at_once: int | None = Field(
        default=None,
        ge=1,
        description="Number of trials that are asked for together. It changes the result; the number of workers does "
        "not. Default: 4; with halving, as many as leave one trial at the end.",
    )
    halving: Halving | None = Field(default=None, description="Stop bad trials early. Default: train all to the end.")
    seeds: int = Field(default=1, ge=1, description="Number of seeds of each trial, whose mean value counts.")
    budget: Budget | None = Field(default=None, description="Bound on the time. Default: none.")
    space: dict[str, SpaceEntry] = Field(
        min_length=1, description="Settings to choose: config keys such as optimizer.learning_rate, and distributions."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.halving is not None and self.seeds > 1:
            raise ValueError("halving with several seeds would compare means of unequal trainings; omit one of them")
        return self
