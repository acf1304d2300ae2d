"""Changes to the gradient before the optimizer's update: penalties, then clipping."""

from __future__ import annotations

from math import sqrt

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.training.spec import TrainingSpec


class GradientRules:
    """L1 and L2 penalties on the weights, the first `weights` parameters, and clipping; `none` if all are off."""

    def __init__(self, spec: TrainingSpec, weights: int) -> None:
        self._l1, self._l2, self._value, self._norm = spec.penalty.l1, spec.penalty.l2, spec.clip.value, spec.clip.norm
        self._weights = weights
        self.penalizes = bool(self._l1 or self._l2)
        self.bounds_norm = self._norm is not None
        self.none = not self.penalizes and self._value is None and not self.bounds_norm

    def penalty(self, params: Array) -> float:
        """Penalty added to the mean loss: l1 Σ|w| + l2/2 Σw², averaged over members."""
        if params.ndim == 2:
            return sum(map(self.penalty, params)) / len(params)
        weights = params[: self._weights]
        with np.errstate(over="ignore"):
            total = 0.5 * self._l2 * float(np.dot(weights, weights)) if self._l2 else 0.0
            return total + (self._l1 * float(np.abs(weights).sum()) if self._l1 else 0.0)

    def apply(self, start: int, stop: int, params: Array, grads: Array, scratch: Array) -> None:
        """Add the penalties' gradient and clip by value, for parameters `start` to `stop`.

        `scratch` has at least `stop` - `start` numbers, if there are penalties.
        """
        if self.penalizes and start < self._weights:
            end = min(stop, self._weights)
            slope = scratch[: end - start]
            for factor, function in ((self._l2, np.positive), (self._l1, np.sign)):
                if factor:
                    function(params[start:end], out=slope)
                    np.multiply(slope, factor, out=slope)
                    np.add(grads[start:end], slope, out=grads[start:end])
        if self._value is not None:
            part = grads[start:stop]
            np.minimum(part, self._value, out=part)
            np.maximum(part, -self._value, out=part)

    def bound_norm(self, *grads: Array) -> None:
        """Clip by norm: scale the parts of a gradient down to the largest norm allowed for all of them together."""
        if self._norm is not None:
            norm = sqrt(sum(float(np.dot(part, part)) for part in grads))
            if norm > self._norm:
                for part in grads:
                    np.multiply(part, self._norm / norm, out=part)
