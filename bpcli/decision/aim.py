"""Base class of the aims of a decision threshold, and the choice of the threshold that meets one best."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from bpcli.spec import Spec, type_name

if TYPE_CHECKING:
    from bpcli.arrays.memory import Array
    from bpcli.decision.cuts import Cuts

DEFAULT_THRESHOLD = 0.5

Share = Annotated[float, Field(ge=0, le=1)]


class ChosenThreshold(Spec):
    """Threshold chosen for an aim."""

    value: Share = Field(description="A row is positive if its probability is above.")
    score: float | None = Field(default=None, description="Value of the aim on the rows of the choice.")
    met: bool = Field(default=True, description="False if no threshold reaches the bound of the aim.")
    positives: int | None = Field(default=None, ge=0, description="Positive rows of the choice; None if unknown.")


class AimBase(Spec):
    """Base class of the aims of a threshold."""

    @abstractmethod
    def scores(self, cuts: Cuts) -> Array:
        """Value of the aim at each cut."""

    def ranks(self, cuts: Cuts) -> list[Array]:
        """Keys of the choice at each cut, the first one decisive; the greatest is best."""
        return [self.scores(cuts)]

    def is_met(self, score: float) -> bool:
        """Whether a value of the aim is sufficient."""
        return True

    def curve(self, cuts: Cuts) -> tuple[str, Array] | None:
        """Name and value of a quantity of the aim itself at each cut, besides precision, recall and F1."""
        return None

    def choose(self, probabilities: Array, truth: Array, weights: Array | None = None) -> ChosenThreshold:
        """Best threshold for probabilities (rows,), truths (rows,) of 0 and 1, and weights (rows,).

        Of equally good thresholds, the one closest to 0.5; of two, the lower. Without rows of both kinds, 0.5.
        """
        from bpcli.decision.cuts import Cuts

        cuts = Cuts.of(probabilities, truth, weights)
        if not (cuts.positives and cuts.negatives):
            return ChosenThreshold(value=DEFAULT_THRESHOLD, met=False)
        best = np.arange(len(cuts.thresholds))
        for key in (*self.ranks(cuts), -np.abs(cuts.thresholds - DEFAULT_THRESHOLD)):
            best = best[key[best] == key[best].max()]
        score = float(self.scores(cuts)[best[0]])
        return ChosenThreshold(value=float(cuts.thresholds[best[0]]), score=score, met=self.is_met(score))

    def __str__(self) -> str:
        return type_name(self)
