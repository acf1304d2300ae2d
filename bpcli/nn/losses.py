"""Losses. Each takes logits and owns its link function, so that a wrong pair of the two cannot be written.

`value_and_gradient(logits, target, weight, out, scratch)` returns the sum over rows of weight · loss and writes the
gradient of their mean over the rows to `out`, another array than `logits`; a row's loss is the mean over its outputs,
except for cross_entropy and hinge, which have one loss a row. Logits, target and `out` are (rows, outputs), weight is
(rows,) or None for ones. `link(logits, out)` writes predictions: probabilities, or values in the units of the target.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from bpcli.nn.arrays import Array
from bpcli.nn.functions import sigmoid, softplus
from bpcli.spec import BareName, Spec


class LossScratch:
    """What the losses need beside their result: `a` (rows, outputs) and `column` (rows, 1)."""

    def __init__(self, rows: int, outputs: int, dtype: np.dtype[Any]) -> None:
        self.a = np.empty((rows, outputs), dtype)
        self.column = np.empty((rows, 1), dtype)

    def leading(self, rows: int) -> LossScratch:
        """The same memory for `rows` rows."""
        part = object.__new__(LossScratch)
        part.a, part.column = self.a[:rows], self.column[:rows]
        return part


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

    def link(self, logits: Array, out: Array) -> None:
        """Predictions from logits; `out` may be `logits`."""
        raise NotImplementedError

    def value_and_gradient(
        self, logits: Array, target: Array, weight: Array | None, out: Array, scratch: LossScratch
    ) -> float:
        """The summed loss of the rows; the gradient of their mean goes to `out`."""
        raise NotImplementedError


class CrossEntropy(LossBase):
    """-Σ t log softmax(z), the log-likelihood of classes that exclude each other."""

    type: Literal["cross_entropy"] = "cross_entropy"
    label_smoothing: float = Field(
        default=0.0, ge=0, lt=1, description="Share of each target spread over all classes (Szegedy et al. 2016)."
    )
    tasks: ClassVar[frozenset[str]] = frozenset({"binary", "multiclass"})
    gives_probabilities: ClassVar[bool] = True

    def link(self, logits: Array, out: Array) -> None:
        """Softmax over the outputs of each row."""
        np.subtract(logits, logits.max(axis=1, keepdims=True), out=out)
        np.exp(out, out=out)
        np.divide(out, out.sum(axis=1, keepdims=True), out=out)

    def value_and_gradient(
        self, logits: Array, target: Array, weight: Array | None, out: Array, scratch: LossScratch
    ) -> float:
        """Gradient: softmax(z) - t."""
        exponentials, column = scratch.a, scratch.column
        rows, outputs = logits.shape
        smoothing = self.label_smoothing
        np.maximum.reduce(logits, axis=1, keepdims=True, out=column)
        np.subtract(logits, column, out=out)
        np.exp(out, out=exponentials)
        likelihood = (1.0 - smoothing) * _dot(target, out, weight, scratch)
        if smoothing:
            likelihood += smoothing / outputs * _sum(out, weight)
        np.add.reduce(exponentials, axis=1, keepdims=True, out=column)
        np.divide(exponentials, column, out=out)
        np.log(column, out=column)
        if smoothing:
            np.multiply(target, 1.0 - smoothing, out=exponentials)
            np.subtract(out, exponentials, out=out)
            np.subtract(out, smoothing / outputs, out=out)
        else:
            np.subtract(out, target, out=out)
        _scale(out, 1.0 / rows, weight)
        return _sum(column, weight) - likelihood


class BinaryCrossEntropy(LossBase):
    """-t log σ(z) - (1 - t) log(1 - σ(z)), for two classes or for labels that do not exclude each other."""

    type: Literal["binary_cross_entropy"] = "binary_cross_entropy"
    tasks: ClassVar[frozenset[str]] = frozenset({"binary", "multilabel"})
    gives_probabilities: ClassVar[bool] = True
    single_logit: ClassVar[bool] = True

    def link(self, logits: Array, out: Array) -> None:
        """The logistic function of each output."""
        sigmoid(logits, out)

    def value_and_gradient(
        self, logits: Array, target: Array, weight: Array | None, out: Array, scratch: LossScratch
    ) -> float:
        """Loss log(1 + exp(z)) - t z; gradient σ(z) - t."""
        rows, outputs = logits.shape
        softplus(logits, out, scratch.a)
        total = _sum(out, weight) - _dot(target, logits, weight, scratch)
        sigmoid(logits, out)
        np.subtract(out, target, out=out)
        _scale(out, 1.0 / (rows * outputs), weight)
        return total / outputs


class MeanSquaredError(LossBase):
    """(y - t)², with y = z, or y = σ(z) for targets between 0 and 1."""

    type: Literal["mse"] = "mse"
    link_function: Literal["identity", "sigmoid"] = Field(
        default="identity", alias="link", description="From logits to predictions."
    )

    @property
    def target_bounds(self) -> tuple[float, float] | None:
        """The logistic function's range, where that is the link."""
        return (0.0, 1.0) if self.link_function == "sigmoid" else None

    def link(self, logits: Array, out: Array) -> None:
        """Identity or logistic."""
        if self.link_function == "sigmoid":
            sigmoid(logits, out)
        else:
            _copy(logits, out)

    def value_and_gradient(
        self, logits: Array, target: Array, weight: Array | None, out: Array, scratch: LossScratch
    ) -> float:
        """Gradient: 2 (y - t), times y (1 - y) for the logistic link."""
        rows, outputs = logits.shape
        if self.link_function == "sigmoid":
            y = scratch.a
            sigmoid(logits, y)
            np.subtract(y, target, out=out)
            total = _dot(out, out, weight, scratch)
            np.multiply(out, y, out=out)
            np.subtract(1.0, y, out=y)
            np.multiply(out, y, out=out)
        else:
            np.subtract(logits, target, out=out)
            total = _dot(out, out, weight, scratch)
        _scale(out, 2.0 / (rows * outputs), weight)
        return total / outputs


class MeanAbsoluteError(LossBase):
    """|y - t|, whose minimum is the median."""

    type: Literal["mae"] = "mae"

    def link(self, logits: Array, out: Array) -> None:
        """Identity."""
        _copy(logits, out)

    def value_and_gradient(
        self, logits: Array, target: Array, weight: Array | None, out: Array, scratch: LossScratch
    ) -> float:
        """Gradient: the sign of y - t."""
        rows, outputs = logits.shape
        residual = scratch.a
        np.subtract(logits, target, out=residual)
        np.sign(residual, out=out)
        total = _dot(residual, out, weight, scratch)
        _scale(out, 1.0 / (rows * outputs), weight)
        return total / outputs


class Huber(LossBase):
    """r²/2 where |r| = |y - t| ≤ delta, else delta (|r| - delta/2) (Huber 1964)."""

    type: Literal["huber"] = "huber"
    delta: float = Field(
        default=1.0, gt=0, description="Where squared becomes absolute, in standard deviations of the scaled target."
    )

    def link(self, logits: Array, out: Array) -> None:
        """Identity."""
        _copy(logits, out)

    def value_and_gradient(
        self, logits: Array, target: Array, weight: Array | None, out: Array, scratch: LossScratch
    ) -> float:
        """Gradient c = clip(r, -delta, delta); the loss is c (r - c/2)."""
        rows, outputs = logits.shape
        rest = scratch.a
        np.subtract(logits, target, out=rest)
        np.minimum(rest, self.delta, out=out)
        np.maximum(out, -self.delta, out=out)
        total = _dot(rest, out, weight, scratch) - 0.5 * _dot(out, out, weight, scratch)
        _scale(out, 1.0 / (rows * outputs), weight)
        return total / outputs


class Poisson(LossBase):
    """exp(z) - t z, the log-likelihood of counts with mean exp(z), but for a term without z."""

    type: Literal["poisson"] = "poisson"

    @property
    def target_bounds(self) -> tuple[float, float] | None:
        """Counts are not negative."""
        return (0.0, float("inf"))

    def link(self, logits: Array, out: Array) -> None:
        """The exponential function."""
        np.exp(logits, out=out)

    def value_and_gradient(
        self, logits: Array, target: Array, weight: Array | None, out: Array, scratch: LossScratch
    ) -> float:
        """Gradient: exp(z) - t."""
        rows, outputs = logits.shape
        np.exp(logits, out=out)
        total = _sum(out, weight) - _dot(target, logits, weight, scratch)
        np.subtract(out, target, out=out)
        _scale(out, 1.0 / (rows * outputs), weight)
        return total / outputs


class Quantile(LossBase):
    """max(q (t - y), (q - 1) (t - y)), whose minimum is the q-quantile (Koenker and Bassett 1978)."""

    type: Literal["quantile"] = "quantile"
    quantile: float = Field(default=0.5, gt=0, lt=1, description="Which quantile to predict.")

    def link(self, logits: Array, out: Array) -> None:
        """Identity."""
        _copy(logits, out)

    def value_and_gradient(
        self, logits: Array, target: Array, weight: Array | None, out: Array, scratch: LossScratch
    ) -> float:
        """Gradient: 1 - q above the target, -q below it, which is sign/2 + (1/2 - q) but on the target itself."""
        rows, outputs = logits.shape
        residual = scratch.a
        np.subtract(logits, target, out=residual)
        np.sign(residual, out=out)
        np.multiply(out, 0.5, out=out)
        np.add(out, 0.5 - self.quantile, out=out)
        total = _dot(residual, out, weight, scratch)
        _scale(out, 1.0 / (rows * outputs), weight)
        return total / outputs


class Hinge(LossBase):
    """max(0, 1 - s z) for two classes s = ±1; for more, max over j of z_j + [j ≠ t] - z_t (Crammer and Singer 2001)."""

    type: Literal["hinge"] = "hinge"
    tasks: ClassVar[frozenset[str]] = frozenset({"binary", "multiclass"})
    single_logit: ClassVar[bool] = True

    def link(self, logits: Array, out: Array) -> None:
        """Identity: scores, of which the sign or the largest decides."""
        _copy(logits, out)

    def value_and_gradient(
        self, logits: Array, target: Array, weight: Array | None, out: Array, scratch: LossScratch
    ) -> float:
        """Gradient: -s within the margin; for more classes the worst class minus the true one."""
        rows, outputs = logits.shape
        if outputs == 1:
            total = self._two_classes(logits, target, weight, out, scratch.a)
        else:
            total = self._more_classes(logits, target, weight, out, scratch)
        _scale(out, 1.0 / rows, weight)
        return total

    @staticmethod
    def _two_classes(logits: Array, target: Array, weight: Array | None, out: Array, margin: Array) -> float:
        np.multiply(target, -2.0, out=out)
        np.add(out, 1.0, out=out)  # -s
        np.multiply(out, logits, out=margin)
        np.add(margin, 1.0, out=margin)
        np.maximum(margin, 0.0, out=margin)
        total = _sum(margin, weight)
        np.sign(margin, out=margin)
        np.multiply(out, margin, out=out)
        return total

    @staticmethod
    def _more_classes(logits: Array, target: Array, weight: Array | None, out: Array, scratch: LossScratch) -> float:
        worst, column = scratch.a, scratch.column
        of_true = _dot(target, logits, weight, scratch)
        np.subtract(logits, target, out=worst)
        np.add(worst, 1.0, out=worst)
        np.maximum.reduce(worst, axis=1, keepdims=True, out=column)
        total = _sum(column, weight) - of_true
        # 1 where the row's maximum stands, shared out where several tie: still a subgradient.
        np.subtract(worst, column, out=worst)
        np.sign(worst, out=worst)
        np.add(worst, 1.0, out=worst)
        np.add.reduce(worst, axis=1, keepdims=True, out=column)
        np.divide(worst, column, out=worst)
        np.subtract(worst, target, out=out)
        return total


def _copy(logits: Array, out: Array) -> None:
    if out is not logits:
        np.copyto(out, logits)


def _sum(values: Array, weight: Array | None) -> float:
    """Σ weight · values over all rows and columns."""
    return float(np.add.reduce(values, axis=None) if weight is None else np.einsum("ij,i->", values, weight))


def _dot(a: Array, b: Array, weight: Array | None, scratch: LossScratch) -> float:
    """Σ weight · a · b over all rows and columns; uses up the column."""
    if weight is None:
        return float(np.vdot(a, b))
    rows = np.vecdot(a, b, out=scratch.column[:, 0])
    return float(np.vdot(rows, weight))


def _scale(out: Array, factor: float, weight: Array | None) -> None:
    np.multiply(out, factor, out=out)
    if weight is not None:
        np.multiply(out, weight[:, None], out=out)


Loss = Annotated[
    CrossEntropy | BinaryCrossEntropy | MeanSquaredError | MeanAbsoluteError | Huber | Poisson | Quantile | Hinge,
    Field(discriminator="type"),
    BareName(),
]
