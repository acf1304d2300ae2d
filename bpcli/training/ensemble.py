"""The `ensemble` part of a config."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from bpcli.spec import Spec


class EnsembleSpec(Spec):
    """Several networks of the same layers, trained side by side in one run, whose predictions are averaged."""

    members: int = Field(
        default=8,
        ge=1,
        le=256,
        description="Number of networks, each with its own initial parameters, dropout masks and order of rows.",
    )
    folds: bool = Field(
        default=False,
        description="Divide the training rows into one fold per member. Each member trains on all rows but its fold, "
        "on which it is validated.",
    )
    linear: bool = Field(
        default=False,
        description="Add a ridge regression in closed form as one more member. Requires skip: linear, or no layers, "
        "and numbers as targets.",
    )
    combine: Literal["mean"] = Field(
        default="mean", description="The prediction is the mean of the members' predictions, of their probabilities."
    )

    @model_validator(mode="after")
    def _check_folds(self) -> EnsembleSpec:
        if self.folds and self.members < 2:
            raise ValueError("folds need at least 2 members")
        return self
