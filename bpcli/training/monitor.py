"""The value by which epochs are compared."""

from __future__ import annotations

from typing import Literal

from bpcli.frozen import dataclass


@dataclass(frozen=True)
class Monitor:
    """A loss or metric of one split, and its direction."""

    part: Literal["train", "validation"]
    metric: str
    greater_is_better: bool = False

    @property
    def name(self) -> str:
        """Column in the metrics of a run, such as `validation_loss`."""
        return f"{self.part}_{self.metric}"

    @property
    def needs_evaluation(self) -> bool:
        """Whether the value must be computed; the training loss is known in every epoch."""
        return self.name != "train_loss"

    def less_is_better(self, value: float) -> float:
        """Negate the value if greater is better. Applied twice, it restores the value."""
        return -value if self.greater_is_better else value

    def is_reached(self, value: float | None, bound: float) -> bool:
        """Whether `value` is at least as good as `bound`; False for an undefined value."""
        return value is not None and self.less_is_better(value) <= self.less_is_better(bound)
