"""Aims of a decision threshold.

Elkan 2001, "The foundations of cost-sensitive learning"; Lipton, Elkan and Naryanaswamy 2014, "Optimal thresholding of
classifiers to maximize F1 measure".
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from bpcli.arrays.memory import Array
from bpcli.decision.aim import AimBase, Share
from bpcli.decision.cuts import Cuts

BOUND_TOLERANCE = 1e-12
"""A share reaches a bound if it lacks no more than this, which sums of weights may lose by rounding."""


class F1Aim(AimBase):
    """Greatest F1 of the positive class."""

    type: Literal["f1"] = "f1"

    def scores(self, cuts: Cuts) -> Array:
        """F1 at each cut."""
        return cuts.f1


class BalancedAccuracyAim(AimBase):
    """Greatest mean of the recalls of both classes."""

    type: Literal["balanced_accuracy"] = "balanced_accuracy"

    def scores(self, cuts: Cuts) -> Array:
        """Balanced accuracy at each cut."""
        return cuts.balanced_accuracy


class CostAim(AimBase):
    """Least mean cost of a row."""

    type: Literal["cost"] = "cost"
    false_positive: float = Field(ge=0, description="Cost of predicting the positive class for another row.")
    false_negative: float = Field(ge=0, description="Cost of missing a row of the positive class.")

    @model_validator(mode="after")
    def _check_costs(self) -> CostAim:
        if not (self.false_positive or self.false_negative):
            raise ValueError("false_positive and false_negative must not both be 0")
        return self

    def scores(self, cuts: Cuts) -> Array:
        """Mean cost at each cut."""
        return cuts.cost(self.false_positive, self.false_negative)

    def curve(self, cuts: Cuts) -> tuple[str, Array]:
        """Mean cost at each cut."""
        return "mean cost of a row", self.scores(cuts)

    def ranks(self, cuts: Cuts) -> list[Array]:
        """Negative costs."""
        return [-self.scores(cuts)]


class BoundedAim(AimBase):
    """Base of aims that hold one share at a bound, and then make another as great as possible."""

    at_least: Share = Field(description="Bound that is held.")

    @abstractmethod
    def other(self, cuts: Cuts) -> Array:
        """Share that is made as great as possible."""

    def ranks(self, cuts: Cuts) -> list[Array]:
        """Held share up to its bound, then the other, then the held share."""
        held = self.scores(cuts)
        return [np.where(held >= self.at_least - BOUND_TOLERANCE, self.at_least, held), self.other(cuts), held]

    def is_met(self, score: float) -> bool:
        """Whether the bound is reached."""
        return score >= self.at_least - BOUND_TOLERANCE

    def __str__(self) -> str:
        return f"{super().__str__()} of at least {self.at_least:g}"


class RecallAim(BoundedAim):
    """Greatest precision with at least this recall."""

    type: Literal["recall"] = "recall"

    def scores(self, cuts: Cuts) -> Array:
        """Recall at each cut."""
        return cuts.recall

    def other(self, cuts: Cuts) -> Array:
        """Precision at each cut."""
        return cuts.precision


class PrecisionAim(BoundedAim):
    """Greatest recall with at least this precision."""

    type: Literal["precision"] = "precision"

    def scores(self, cuts: Cuts) -> Array:
        """Precision at each cut."""
        return cuts.precision

    def other(self, cuts: Cuts) -> Array:
        """Recall at each cut."""
        return cuts.recall
