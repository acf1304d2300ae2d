"""Losses for counts and amounts: deviances of exponential dispersion models under a logarithmic link.

Each is half the unit deviance, without the terms that do not depend on the logit: Jørgensen 1987, "Exponential
dispersion models". The variance of the target is proportional to a power of its mean: 1 for poisson, 2 for gamma.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from bpcli.arrays.lower_bound import LowerBound
from bpcli.arrays.memory import Array
from bpcli.nn.losses.base import LossBase, LossFormulas, LossScratch, scale, weighted_dot, weighted_sum
from bpcli.nn.losses.combination import MEAN_EXPONENTIAL, Combination


class LogLinkLoss(LossBase):
    """Base class of losses whose prediction is exp(z)."""

    log_link: ClassVar[bool] = True

    @property
    @abstractmethod
    def variance_power(self) -> float:
        """Power of the mean to which the variance is proportional."""

    @property
    def target_bounds(self) -> tuple[float, float] | None:
        """Predictions are positive."""
        return (0.0, float("inf"))

    @property
    def logit_scale(self) -> str:
        """natural logarithm, the inverse of the link."""
        return "natural logarithm"

    @property
    def combination(self) -> Combination:
        """Mean of the members' predictions."""
        return MEAN_EXPONENTIAL

    def link(self, logits: Array, out: Array) -> None:
        """Exponential function."""
        np.exp(logits, out=out)


class Poisson(LogLinkLoss):
    """exp(z) - t z, the negative log-likelihood of counts with mean exp(z), up to a term without z."""

    type: Literal["poisson"] = "poisson"

    @property
    def variance_power(self) -> float:
        """Variance equal to the mean."""
        return 1.0

    def formulas(self, outputs: int) -> LossFormulas:
        """Formulas, independent of the number of outputs."""
        return LossFormulas("ŷ = exp(z)", "ŷ - t z", "ŷ - t")

    def value_and_gradient(
        self, logits: Array, target: Array, weight: Array | None, out: Array, scratch: LossScratch
    ) -> float:
        """Gradient: exp(z) - t."""
        outputs = logits.shape[1]
        np.exp(logits, out=out)
        total = weighted_sum(out, weight) - weighted_dot(target, logits, weight, scratch)
        np.subtract(out, target, out=out)
        scale(out, 1.0 / (scratch.batch * outputs), weight, scratch)
        return total / outputs


class Gamma(LogLinkLoss):
    """z + t exp(-z), for positive amounts whose standard deviation is proportional to their mean exp(z)."""

    type: Literal["gamma"] = "gamma"
    least_target: ClassVar[LowerBound | None] = LowerBound(0.0, included=False)

    @property
    def variance_power(self) -> float:
        """Variance proportional to the squared mean."""
        return 2.0

    def formulas(self, outputs: int) -> LossFormulas:
        """Formulas, independent of the number of outputs."""
        return LossFormulas("ŷ = exp(z)", "z + t exp(-z)", "1 - t exp(-z)")

    def value_and_gradient(
        self, logits: Array, target: Array, weight: Array | None, out: Array, scratch: LossScratch
    ) -> float:
        """Gradient: 1 - t exp(-z)."""
        outputs = logits.shape[1]
        np.negative(logits, out=out)
        np.exp(out, out=out)
        np.multiply(out, target, out=out)
        total = weighted_sum(logits, weight) + weighted_sum(out, weight)
        np.subtract(1.0, out, out=out)
        scale(out, 1.0 / (scratch.batch * outputs), weight, scratch)
        return total / outputs


class Tweedie(LogLinkLoss):
    """exp((2 - p) z) / (2 - p) + t exp((1 - p) z) / (p - 1), for amounts of which many are 0, such as insurance claims.

    With 1 < p < 2, the target is a sum of a Poisson number of gamma amounts (Jørgensen 1987).
    """

    type: Literal["tweedie"] = "tweedie"
    power: float = Field(
        default=1.5,
        gt=1,
        lt=2,
        description="Power of the mean to which the variance is proportional: near 1 like poisson, near 2 like gamma.",
    )
    least_target: ClassVar[LowerBound | None] = LowerBound(0.0, included=True)

    @property
    def variance_power(self) -> float:
        """The field `power`."""
        return self.power

    def formulas(self, outputs: int) -> LossFormulas:
        """Formulas with the power filled in."""
        rise, fall = f"{2.0 - self.power:g}", f"{self.power - 1.0:g}"
        return LossFormulas(
            "ŷ = exp(z)",
            f"exp({rise} z) / {rise} + t exp(-{fall} z) / {fall}",
            f"exp({rise} z) - t exp(-{fall} z)",
        )

    def value_and_gradient(
        self, logits: Array, target: Array, weight: Array | None, out: Array, scratch: LossScratch
    ) -> float:
        """Gradient: exp((2 - p) z) - t exp((1 - p) z)."""
        outputs, falling = logits.shape[1], scratch.a
        np.multiply(logits, 1.0 - self.power, out=falling)
        np.exp(falling, out=falling)
        np.multiply(falling, target, out=falling)
        np.multiply(logits, 2.0 - self.power, out=out)
        np.exp(out, out=out)
        total = weighted_sum(out, weight) / (2.0 - self.power) + weighted_sum(falling, weight) / (self.power - 1.0)
        np.subtract(out, falling, out=out)
        scale(out, 1.0 / (scratch.batch * outputs), weight, scratch)
        return total / outputs
