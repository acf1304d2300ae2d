"""The value by which epochs are compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Monitor:
    """A loss or metric of one split, and which way is better."""

    part: Literal["train", "validation"]
    metric: str
    greater_is_better: bool = False

    @property
    def name(self) -> str:
        """Its column in the metrics of a run: `validation_loss`."""
        return f"{self.part}_{self.metric}"

    @property
    def needs_evaluation(self) -> bool:
        """Whether more than the training loss, which every epoch has, must be computed."""
        return self.name != "train_loss"

    def less_is_better(self, value: float) -> float:
        """A value with the sign that makes less better; applied again, the value itself."""
        return -value if self.greater_is_better else value

    def is_reached(self, value: float | None, bound: float) -> bool:
        """Whether a value is at least as good as a bound; an undefined one is not."""
        return value is not None and self.less_is_better(value) <= self.less_is_better(bound)
