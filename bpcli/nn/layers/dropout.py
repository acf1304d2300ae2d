"""Dropout."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bpcli.nn.layers.base import LayerSpecBase, Shape
from bpcli.nn.layers.dropout_layer import DropoutLayer
from bpcli.nn.schedules import TimedSchedule


class Dropout(LayerSpecBase):
    """Set each input to 0 with probability `rate` in training, else scale it by 1 / (1 - rate)."""

    type: Literal["dropout"] = "dropout"
    rate: float = Field(ge=0, lt=1, description="Probability of dropping an input in each step.")
    schedule: TimedSchedule | None = Field(
        default=None, description="Schedule of the rate: its factor in each step, as of the learning rate's."
    )

    def plan(self, index: int, in_shape: Shape) -> DropoutLayer:
        """Layer for inputs (rows, *in_shape)."""
        if self.schedule is not None:
            from bpcli.nn.layers.scheduled_dropout import ScheduledDropoutLayer

            return ScheduledDropoutLayer(index, in_shape, in_shape, self.rate, schedule=self.schedule)
        return DropoutLayer(index, in_shape, in_shape, self.rate)
