"""Fitted decision: what a checkpoint stores, and what predictions pass through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from bpcli.arrays.memory import Array
from bpcli.decision.aim import ChosenThreshold
from bpcli.decision.calibration_base import FittedCalibrationBase
from bpcli.nn.losses import Link, LossBase
from bpcli.spec import Family, Sequence, Spec

FittedCalibration = Annotated[
    FittedCalibrationBase,
    Family(
        {
            "temperature": "bpcli.decision.calibration:FittedTemperature",
            "isotonic": "bpcli.decision.calibration:FittedIsotonic",
        }
    ),
]


class FittedDecision(Spec):
    """Thresholds and calibration of a model; by default 0.5, and none."""

    thresholds: Sequence[ChosenThreshold] = Field(
        default=(), description="For the positive class of two, or one for each label. Default: 0.5."
    )
    calibration: FittedCalibration | None = None
    rows: int = Field(default=0, ge=0, description="Validation rows of the fit; 0 for thresholds given as numbers.")

    @property
    def values(self) -> Array | None:
        """Thresholds (1,) or (labels,), in float64, with which float32 probabilities are compared exactly."""
        return np.array([one.value for one in self.thresholds]) if self.thresholds else None

    def link_of(self, loss: LossBase) -> Link:
        """The loss's link, followed or preceded by the calibration."""
        return loss if self.calibration is None else CalibratedLink(loss, self.calibration)

    def with_threshold(self, value: float, count: int) -> FittedDecision:
        """The same calibration with `count` thresholds of the same value."""
        return self.model_copy(update={"thresholds": (ChosenThreshold(value=value),) * count})


@dataclass(frozen=True)
class CalibratedLink:
    """Link of a loss with calibration."""

    loss: LossBase
    calibration: FittedCalibration

    def link(self, logits: Array, out: Array) -> None:
        """Write calibrated predictions to `out`, which may be `logits`."""
        self.calibration.link(self.loss, logits, out)
