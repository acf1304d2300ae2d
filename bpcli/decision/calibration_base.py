"""Base classes of calibrations of probabilities."""

from __future__ import annotations

from abc import abstractmethod

from bpcli.arrays.memory import Array
from bpcli.nn.losses import LossBase
from bpcli.spec import Spec


class FittedCalibrationBase(Spec):
    """Base class of fitted calibrations."""

    @abstractmethod
    def link(self, loss: LossBase, logits: Array, out: Array) -> None:
        """Write calibrated predictions to `out`, which may be `logits`."""


class CalibrationBase(Spec):
    """Ways to calibrate probabilities."""

    @abstractmethod
    def fit(self, loss: LossBase, logits: Array, truth: Array, weights: Array | None = None) -> FittedCalibrationBase:
        """Fit to logits (rows, outputs).

        truth: classes (rows,) of a softmax, or 0 and 1 (rows, outputs) of logistic outputs. weights: (rows,).
        """
