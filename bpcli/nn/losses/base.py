"""Losses. Each takes logits and owns its link function, so that a wrong pair of the two cannot be written.

`value_and_gradient(logits, target, weight, out, scratch)` returns the sum over rows of weight · loss and writes the
gradient of their mean over the rows to `out`, another array than `logits`; a row's loss is the mean over its outputs,
except for cross_entropy and hinge, which have one loss a row. Logits, target and `out` are (rows, outputs), weight is
(rows,) or None for ones. `link(logits, out)` writes predictions: probabilities, or values in the units of the target.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, NamedTuple

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.spec import Spec


class LossScratch:
    """What the losses need beside their result: `a` (rows, outputs), `column` (rows, 1), ones to sum with, a factor.

    `batch` is the number of rows over which the gradient's mean is taken: those of the whole batch, also for a part.
    """

    def __init__(self, rows: int, outputs: int, dtype: np.dtype[Any]) -> None:
        self.batch = rows
        self.a = np.empty((rows, outputs), dtype)
        self.column = np.empty((rows, 1), dtype)
        self.ones_of_rows, self.ones_of_outputs = np.ones(rows, dtype), np.ones((outputs, 1), dtype)
        self.factor = np.empty((), dtype)

    def part(self, start: int, stop: int, batch: int) -> LossScratch:
        """The memory of rows `start` to `stop` of a batch of `batch` rows."""
        part = object.__new__(LossScratch)
        part.batch = batch
        part.a, part.column = self.a[start:stop], self.column[start:stop]
        part.ones_of_rows, part.ones_of_outputs = self.ones_of_rows[start:stop], self.ones_of_outputs
        part.factor = np.empty_like(self.factor)
        return part


class LossFormulas(NamedTuple):
    """A loss in lines, of one output or one row, for the options at hand; ŷ is a prediction, t its target."""

    prediction: str
    """ŷ from the logit z: the link function."""
    loss: str
    gradient: str
    """dL/dz, through the link, before means over outputs and rows are taken."""


class LossBase(Spec):
    """What every loss says of itself beside its maths."""

    tasks: ClassVar[frozenset[str]] = frozenset({"regression"})
    gives_probabilities: ClassVar[bool] = False
    single_logit: ClassVar[bool] = False
    """Whether two classes share one logit, which is the second one's."""

    @property
    def target_bounds(self) -> tuple[float, float] | None:
        """Where regression targets must lie, in their own units; a bounded target is not scaled."""
        return None

    @property
    def logit_scale(self) -> str:
        """What a logit is of the prediction, such as its log-odds; empty where it is the prediction itself."""
        return ""

    def link(self, logits: Array, out: Array) -> None:
        """Predictions from logits; `out` may be `logits`. The identity, unless a loss has another."""
        if out is not logits:
            np.copyto(out, logits)

    @abstractmethod
    def formulas(self, outputs: int) -> LossFormulas:
        """What it computes of so many outputs."""

    @abstractmethod
    def value_and_gradient(
        self, logits: Array, target: Array, weight: Array | None, out: Array, scratch: LossScratch
    ) -> float:
        """The summed loss of the rows; the gradient of their mean goes to `out`."""


def weighted_sum(values: Array, weight: Array | None) -> float:
    """Σ weight · values over all rows and columns."""
    return float(np.add.reduce(values, axis=None) if weight is None else np.einsum("ij,i->", values, weight))


def weighted_column(scratch: LossScratch, weight: Array | None) -> float:
    """Σ weight · column over all rows; a product with ones takes a quarter of a reduction's time for a small batch."""
    return float(scratch.column[:, 0].dot(scratch.ones_of_rows if weight is None else weight))


def weighted_dot(a: Array, b: Array, weight: Array | None, scratch: LossScratch) -> float:
    """Σ weight · a · b over all rows and columns; uses up the column."""
    if weight is None:
        return float(np.vdot(a, b))
    rows = np.vecdot(a, b, out=scratch.column[:, 0])
    return float(np.vdot(rows, weight))


def scale(out: Array, factor: float, weight: Array | None, scratch: LossScratch) -> None:
    """Turn a gradient of the summed loss into that of the mean: times `factor`, and each row times its weight."""
    scratch.factor[()] = factor
    np.multiply(out, scratch.factor, out=out)
    if weight is not None:
        np.multiply(out, weight[:, None], out=out)
