"""Hinge loss."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.nn.losses.base import LossBase, LossFormulas, LossScratch, scale, weighted_dot, weighted_sum


class Hinge(LossBase):
    """max(0, 1 - s z) for two classes s = ±1; for more, max over j of z_j + [j ≠ t] - z_t (Crammer and Singer 2001)."""

    type: Literal["hinge"] = "hinge"
    tasks: ClassVar[frozenset[str]] = frozenset({"binary", "multiclass"})
    single_logit: ClassVar[bool] = True

    def formulas(self, outputs: int) -> LossFormulas:
        """Formulas for two classes (one output), or for more."""
        if outputs == 1:
            return LossFormulas("ŷ = z", "max(0, 1 - s ŷ), s = 2 t - 1", "-s where s ŷ < 1, else 0")
        return LossFormulas(
            "ŷ = z",
            "the largest of ŷ + 1 - t over the classes, less ŷ of the true class",
            "1 - t where ŷ + 1 - t is largest, else -t",
        )

    def value_and_gradient(
        self, logits: Array, target: Array, weight: Array | None, out: Array, scratch: LossScratch
    ) -> float:
        """Gradient: -s within the margin; for more classes the worst class minus the true one."""
        outputs = logits.shape[1]
        if outputs == 1:
            total = self._two_classes(logits, target, weight, out, scratch.a)
        else:
            total = self._more_classes(logits, target, weight, out, scratch)
        scale(out, 1.0 / scratch.batch, weight, scratch)
        return total

    @staticmethod
    def _two_classes(logits: Array, target: Array, weight: Array | None, out: Array, margin: Array) -> float:
        np.multiply(target, -2.0, out=out)
        np.add(out, 1.0, out=out)  # -s
        np.multiply(out, logits, out=margin)
        np.add(margin, 1.0, out=margin)
        np.maximum(margin, 0.0, out=margin)
        total = weighted_sum(margin, weight)
        np.sign(margin, out=margin)
        np.multiply(out, margin, out=out)
        return total

    @staticmethod
    def _more_classes(logits: Array, target: Array, weight: Array | None, out: Array, scratch: LossScratch) -> float:
        worst, column = scratch.a, scratch.column
        of_true = weighted_dot(target, logits, weight, scratch)
        np.subtract(logits, target, out=worst)
        np.add(worst, 1.0, out=worst)
        np.maximum.reduce(worst, axis=1, keepdims=True, out=column)
        # NumPy 2.0's einsum copies a single column.
        total = weighted_sum(column, None) if weight is None else float(column[:, 0].dot(weight))
        total -= of_true
        # 1 at the row's maximum; ties share it, which is still a subgradient.
        np.subtract(worst, column, out=worst)
        np.sign(worst, out=worst)
        np.add(worst, 1.0, out=worst)
        np.add.reduce(worst, axis=1, keepdims=True, out=column)
        np.divide(worst, column, out=worst)
        np.subtract(worst, target, out=out)
        return total
