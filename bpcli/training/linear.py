"""Linear model of the features, fitted to any loss by preconditioned conjugate gradients."""

from __future__ import annotations

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.frozen import dataclass
from bpcli.nn.losses import LossBase, LossScratch

ITERATIONS = 16
"""Maximum number of conjugate gradient steps."""

TOLERANCE = 5e-4
"""Relative fall of the loss in a step below which the fit has converged."""

SLOPE = 0.3
"""The line search ends where the slope has fallen to this share of that at its start."""

TRIALS = 12
"""Maximum number of trials in a line search."""


@dataclass(frozen=True)
class Linear:
    """Logits of x (rows, features): x @ weights + bias, weights (features, outputs)."""

    weights: Array
    bias: Array

    def logits(self, x: Array) -> Array:
        """Logits (rows, outputs)."""
        return x @ self.weights + self.bias


class LinearFit:
    """Fits to rows x (rows, features), which are standardized, with a penalty of ½ Σ w² / rows added to the mean loss.

    The preconditioner is the inverse of the features' second moments: for a squared error, one step is Newton's.
    Its cost, of rows · features², is paid once for all fits.
    """

    def __init__(self, x: Array) -> None:
        rows, features = x.shape
        self._center = x.mean(axis=0, dtype=np.float64)
        centered = (x - self._center).astype(x.dtype)
        deviation = np.sqrt(np.einsum("ij,ij->j", centered, centered, dtype=np.float64) / rows)
        self._scale = np.where(deviation > 0, deviation, 1.0)
        self._x = np.divide(centered, self._scale.astype(x.dtype), out=centered)
        self._penalty = 1.0 / rows
        moments = (self._x.T @ self._x).astype(np.float64) / rows
        moments[np.diag_indices(features)] += self._penalty
        self._inverse = np.linalg.inv(moments)

    def fit(self, loss: LossBase, targets: Array, weight: Array | None, bias: Array) -> Linear:
        """Fit targets (rows, outputs) with row weights (rows,), starting from a constant."""
        objective = _Objective(loss, targets.astype(self._x.dtype), weight)
        x, inverse, penalty = self._x, self._inverse, self._penalty
        weights = np.zeros((x.shape[1], targets.shape[1]))
        constant = bias.astype(np.float64)
        logits = np.tile(constant.astype(x.dtype), (len(x), 1))
        value, slope = objective(logits)
        before: tuple[Array, Array] | None = None
        direction = np.zeros((x.shape[1] + 1, targets.shape[1]))
        length = 1.0
        for _ in range(ITERATIONS):
            gradient = np.vstack([x.T @ slope + penalty * weights, slope.sum(axis=0)]).astype(np.float64)
            steepest = np.vstack([inverse @ gradient[:-1], gradient[-1:]])
            # Polak and Ribière's rule, which restarts where it would be negative.
            ratio = 0.0
            if before is not None and (norm := float(np.vdot(before[0], before[1]))) > 0:
                ratio = max(0.0, float(np.vdot(gradient - before[0], steepest)) / norm)
            direction = ratio * direction - steepest
            if np.vdot(direction, gradient) >= 0:
                direction = -steepest
            before = gradient, steepest
            change = x @ direction[:-1].astype(x.dtype) + direction[-1].astype(x.dtype)
            line = _Line(objective, logits, change, weights, direction[:-1], penalty)
            length = line.minimum(float(np.vdot(direction, gradient)), length)
            if length == 0:
                break
            weights = weights + length * direction[:-1]
            constant = constant + length * direction[-1]
            logits = line.logits(length)
            fallen, slope = objective(logits)
            fallen += penalty / 2 * float(np.vdot(weights, weights))
            converged = value - fallen <= TOLERANCE * abs(fallen)
            value = fallen
            if converged:
                break
        scaled = weights / self._scale[:, None]
        return Linear(scaled, constant - self._center @ scaled)


class _Objective:
    """Mean loss and its gradient by the logits."""

    def __init__(self, loss: LossBase, targets: Array, weight: Array | None) -> None:
        self._loss, self._targets = loss, targets
        rows, outputs = targets.shape
        total = float(rows) if weight is None else float(weight.sum())
        # The gradient that a loss gives is that of a mean over rows: here it is to be over their weights.
        self._weight = None if weight is None else (weight * (rows / total)).astype(targets.dtype)
        self._rows = rows
        self._scratch = LossScratch(rows, outputs, targets.dtype)

    def __call__(self, logits: Array) -> tuple[float, Array]:
        gradient = np.empty_like(logits)
        with np.errstate(all="ignore"):
            total = self._loss.value_and_gradient(logits, self._targets, self._weight, gradient, self._scratch)
        return total / self._rows, gradient


@dataclass(frozen=True)
class _Line:
    """The objective along a direction; the logits move along `change`."""

    objective: _Objective
    start: Array
    change: Array
    weights: Array
    direction: Array
    penalty: float

    def logits(self, length: float) -> Array:
        """Logits at a length."""
        moved: Array = self.start + self.change * self.change.dtype.type(length)
        return moved

    def slope(self, length: float) -> float:
        """Derivative at a length; not finite where the loss overflows."""
        value, gradient = self.objective(self.logits(length))
        moved = self.weights + length * self.direction
        slope = float(np.vdot(gradient, self.change)) + self.penalty * float(np.vdot(moved, self.direction))
        return slope if np.isfinite(value) else float("inf")

    def minimum(self, slope: float, guess: float) -> float:
        """Length at which a convex objective is nearly least, by regula falsi in the slope; 0 if none is found."""
        low, at_low, high, at_high = 0.0, slope, float("inf"), float("inf")
        length = guess
        for _ in range(TRIALS):
            found = self.slope(length)
            if abs(found) <= SLOPE * abs(slope):
                return length
            if found < 0:
                low, at_low = length, found
            else:
                high, at_high = length, found
            if not np.isfinite(high):
                length = 2 * length
            elif not np.isfinite(at_high):
                length = (low + high) / 2
            else:
                inner = low + (high - low) * at_low / (at_low - at_high)
                margin = 0.1 * (high - low)
                length = float(np.clip(inner, low + margin, high - margin))
        return low
