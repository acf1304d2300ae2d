"""Losses for numeric targets."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from bpcli.arrays.memory import Array
from bpcli.nn.functions import sigmoid
from bpcli.nn.losses.base import LossBase, LossFormulas, LossScratch, scale, weighted_dot
from bpcli.nn.losses.combination import MEAN_LOGITS, MEAN_SIGMOID, Combination


class MeanSquaredError(LossBase):
    """(y - t)², with y = z, or y = σ(z) for targets between 0 and 1."""

    type: Literal["mse"] = "mse"
    link_function: Literal["identity", "sigmoid"] = Field(
        default="identity", alias="link", description="Function from logits to predictions."
    )

    @property
    def target_bounds(self) -> tuple[float, float] | None:
        """Range of the logistic function, if that is the link."""
        return (0.0, 1.0) if self.link_function == "sigmoid" else None

    @property
    def logit_scale(self) -> str:
        """log-odds for the sigmoid link."""
        return "log-odds" if self.link_function == "sigmoid" else ""

    @property
    def combination(self) -> Combination:
        """Mean of the members' predictions."""
        return MEAN_SIGMOID if self.link_function == "sigmoid" else MEAN_LOGITS

    def link(self, logits: Array, out: Array) -> None:
        """Identity or logistic function."""
        if self.link_function == "sigmoid":
            sigmoid(logits, out)
        else:
            super().link(logits, out)

    def formulas(self, outputs: int) -> LossFormulas:
        """Formulas for the chosen link."""
        if self.link_function == "sigmoid":
            return LossFormulas("ŷ = σ(z) = 1 / (1 + exp(-z))", "(ŷ - t)²", "2 (ŷ - t) ŷ (1 - ŷ)")
        return LossFormulas("ŷ = z", "(ŷ - t)²", "2 (ŷ - t)")

    def value_and_gradient(
        self, logits: Array, target: Array, weight: Array | None, out: Array, scratch: LossScratch
    ) -> float:
        """Gradient: 2 (y - t), times y (1 - y) for the logistic link."""
        outputs = logits.shape[1]
        if self.link_function == "sigmoid":
            y = scratch.a
            sigmoid(logits, y)
            np.subtract(y, target, out=out)
            total = weighted_dot(out, out, weight, scratch)
            np.multiply(out, y, out=out)
            np.subtract(1.0, y, out=y)
            np.multiply(out, y, out=out)
        else:
            np.subtract(logits, target, out=out)
            total = weighted_dot(out, out, weight, scratch)
        scale(out, 2.0 / (scratch.batch * outputs), weight, scratch)
        return total / outputs


class MeanAbsoluteError(LossBase):
    """|y - t|, whose minimum is the median."""

    type: Literal["mae"] = "mae"

    def formulas(self, outputs: int) -> LossFormulas:
        """Formulas, independent of the number of outputs."""
        return LossFormulas("ŷ = z", "|ŷ - t|", "1 where ŷ > t, -1 where ŷ < t")

    def value_and_gradient(
        self, logits: Array, target: Array, weight: Array | None, out: Array, scratch: LossScratch
    ) -> float:
        """Gradient: the sign of y - t."""
        outputs = logits.shape[1]
        residual = scratch.a
        np.subtract(logits, target, out=residual)
        np.sign(residual, out=out)
        total = weighted_dot(residual, out, weight, scratch)
        scale(out, 1.0 / (scratch.batch * outputs), weight, scratch)
        return total / outputs


class Huber(LossBase):
    """r²/2 where |r| = |y - t| ≤ delta, else delta (|r| - delta/2) (Huber 1964)."""

    type: Literal["huber"] = "huber"
    delta: float = Field(
        default=1.0,
        gt=0,
        description="Residual at which the loss turns from squared to absolute, in standard deviations of the target.",
    )

    def formulas(self, outputs: int) -> LossFormulas:
        """Formulas, independent of the number of outputs."""
        d = f"{self.delta:g}"
        return LossFormulas(
            "ŷ = z",
            f"(ŷ - t)² / 2 where |ŷ - t| ≤ {d}, else {d} (|ŷ - t| - {d} / 2)",
            f"ŷ - t, clipped to the range from -{d} to {d}",
        )

    def value_and_gradient(
        self, logits: Array, target: Array, weight: Array | None, out: Array, scratch: LossScratch
    ) -> float:
        """Gradient c = clip(r, -delta, delta); the loss is c (r - c/2)."""
        outputs = logits.shape[1]
        rest = scratch.a
        np.subtract(logits, target, out=rest)
        np.minimum(rest, self.delta, out=out)
        np.maximum(out, -self.delta, out=out)
        total = weighted_dot(rest, out, weight, scratch) - 0.5 * weighted_dot(out, out, weight, scratch)
        scale(out, 1.0 / (scratch.batch * outputs), weight, scratch)
        return total / outputs


class Quantile(LossBase):
    """max(q (t - y), (q - 1) (t - y)), whose minimum is the q-quantile (Koenker and Bassett 1978)."""

    type: Literal["quantile"] = "quantile"
    quantile: float = Field(default=0.5, gt=0, lt=1, description="Quantile to predict.")

    def formulas(self, outputs: int) -> LossFormulas:
        """Formulas, independent of the number of outputs."""
        q = f"{self.quantile:g}"
        return LossFormulas(
            "ŷ = z", f"{q} (t - ŷ) where ŷ < t, else (1 - {q}) (ŷ - t)", f"1 - {q} where ŷ > t, -{q} where ŷ < t"
        )

    def value_and_gradient(
        self, logits: Array, target: Array, weight: Array | None, out: Array, scratch: LossScratch
    ) -> float:
        """Gradient: 1 - q above the target, -q below; computed as sign/2 + (1/2 - q), equal but at t."""
        outputs = logits.shape[1]
        residual = scratch.a
        np.subtract(logits, target, out=residual)
        np.sign(residual, out=out)
        np.multiply(out, 0.5, out=out)
        np.add(out, 0.5 - self.quantile, out=out)
        total = weighted_dot(residual, out, weight, scratch)
        scale(out, 1.0 / (scratch.batch * outputs), weight, scratch)
        return total / outputs
