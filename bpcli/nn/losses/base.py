"""Losses. Each takes logits and includes its link function, so a loss cannot be paired with the wrong link.

`value_and_gradient(logits, target, weight, out, scratch)` returns the sum over rows of weight · loss and writes the
gradient of the mean over rows to `out`, which must not be `logits`. The loss of a row is the mean over its outputs;
cross_entropy and hinge have one loss per row. Logits, target and `out` are (rows, outputs); weight is (rows,), or None
for ones. `link(logits, out)` writes predictions: probabilities, or values in the units of the target.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np

from bpcli.arrays.lower_bound import LowerBound
from bpcli.arrays.memory import Array
from bpcli.nn.losses.combination import MEAN_LOGITS, Combination
from bpcli.spec import Spec


class Link(Protocol):
    """Function from logits to predictions."""

    def link(self, logits: Array, out: Array) -> None:
        """Write predictions to `out`, which may be `logits`."""


class LossScratch:
    """Scratch memory: `a` (rows, outputs), `column` (rows, 1), vectors of ones for sums, and a scalar factor.

    `batch` is the number of rows of the whole batch, over which the gradient's mean is taken, in a part of it too.
    """

    def __init__(self, rows: int, outputs: int, dtype: np.dtype[Any]) -> None:
        self.batch = rows
        self.a = np.empty((rows, outputs), dtype)
        self.column = np.empty((rows, 1), dtype)
        self.ones_of_rows, self.ones_of_outputs = np.ones(rows, dtype), np.ones((outputs, 1), dtype)
        self.factor = np.empty((), dtype)

    def part(self, start: int, stop: int, batch: int) -> LossScratch:
        """View of rows `start` to `stop` of a batch of `batch` rows."""
        part = object.__new__(LossScratch)
        part.batch = batch
        part.a, part.column = self.a[start:stop], self.column[start:stop]
        part.ones_of_rows, part.ones_of_outputs = self.ones_of_rows[start:stop], self.ones_of_outputs
        part.factor = np.empty_like(self.factor)
        return part


class LossFormulas(NamedTuple):
    """Formulas of a loss for one output or row, with its options filled in; ŷ is the prediction, t the target."""

    prediction: str
    """ŷ from the logit z: the link function."""
    loss: str
    gradient: str
    """dL/dz, through the link, before averaging over outputs and rows."""


class LossBase(Spec):
    """Base class of losses."""

    tasks: ClassVar[frozenset[str]] = frozenset({"regression"})
    gives_probabilities: ClassVar[bool] = False
    single_logit: ClassVar[bool] = False
    """Whether two classes share one logit, that of the second class."""

    log_link: ClassVar[bool] = False
    """Whether the link is exponential. Targets are then divided by their mean, which changes the loss only by a factor
    and a constant."""
    least_target: ClassVar[LowerBound | None] = None
    """Bound of all targets, checked row by row."""

    @property
    def variance_power(self) -> float:
        """Power of the mean to which the target's variance is proportional, if the loss is a deviance; else 0."""
        return 0.0

    @property
    def target_bounds(self) -> tuple[float, float] | None:
        """Range of valid regression targets, in their own units. A target with bounds is not shifted."""
        return None

    @property
    def logit_scale(self) -> str:
        """Name of the logit's scale, such as log-odds; empty if the logit is the prediction."""
        return ""

    @property
    def combination(self) -> Combination:
        """Logits of an ensemble from those of its members."""
        return MEAN_LOGITS

    def link(self, logits: Array, out: Array) -> None:
        """Write predictions to `out`, which may be `logits`. The default link is the identity."""
        if out is not logits:
            np.copyto(out, logits)

    @abstractmethod
    def formulas(self, outputs: int) -> LossFormulas:
        """Formulas for a number of outputs."""

    @abstractmethod
    def value_and_gradient(
        self, logits: Array, target: Array, weight: Array | None, out: Array, scratch: LossScratch
    ) -> float:
        """Return the loss summed over rows, and write the gradient of the mean to `out`."""


def weighted_sum(values: Array, weight: Array | None) -> float:
    """Σ weight · values over all rows and columns."""
    return float(np.add.reduce(values, axis=None) if weight is None else np.einsum("ij,i->", values, weight))


def weighted_column(scratch: LossScratch, weight: Array | None) -> float:
    """Σ weight · column over all rows, by a dot product: on small batches four times as fast as a reduction."""
    return float(scratch.column[:, 0].dot(scratch.ones_of_rows if weight is None else weight))


def weighted_dot(a: Array, b: Array, weight: Array | None, scratch: LossScratch) -> float:
    """Σ weight · a · b over all rows and columns. Overwrites `scratch.column`."""
    if weight is None:
        return float(np.vdot(a, b))
    rows = np.vecdot(a, b, out=scratch.column[:, 0])
    return float(np.vdot(rows, weight))


def scale(out: Array, factor: float, weight: Array | None, scratch: LossScratch) -> None:
    """Turn the gradient of the summed loss into that of the mean: multiply by `factor` and each row by its weight."""
    scratch.factor[()] = factor
    np.multiply(out, scratch.factor, out=out)
    if weight is not None:
        np.multiply(out, weight[:, None], out=out)
