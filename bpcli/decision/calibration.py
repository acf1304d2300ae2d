"""Calibration of probabilities: temperature scaling and isotonic regression."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from bpcli.arrays.memory import Array
from bpcli.decision.calibration_base import CalibrationBase, FittedCalibrationBase
from bpcli.nn.functions import sigmoid
from bpcli.nn.losses import LossBase
from bpcli.spec import Sequence

HOTTEST = 100.0
"""Bound of a temperature, and of its inverse. Beyond it, no temperature is fitted."""

MOST_ITERATIONS = 200
"""Bound of the search for a temperature: bisection alone needs 60 steps for the last bit."""


class FittedTemperature(FittedCalibrationBase):
    """Temperature by which logits are divided."""

    type: Literal["temperature"] = "temperature"
    temperature: float = Field(ge=1 / HOTTEST, le=HOTTEST)
    found: bool = Field(default=True, description="False if no temperature minimizes log loss; it is then 1.")

    def link(self, loss: LossBase, logits: Array, out: Array) -> None:
        """Write calibrated predictions to `out`, which may be `logits`."""
        np.divide(logits, self.temperature, out=out)
        loss.link(out, out)

    def __str__(self) -> str:
        if not self.found:
            why = "the rows are all predicted right, or no better than by chance"
            return f"temperature 1, as none minimizes log loss: {why}"
        return f"temperature {self.temperature:.4g}"


class FittedIsotonic(FittedCalibrationBase):
    """Increasing function of the positive class's probability, linear between points."""

    type: Literal["isotonic"] = "isotonic"
    given: Sequence[float] = Field(min_length=1, description="Probabilities of the model, increasing.")
    calibrated: Sequence[float] = Field(min_length=1, description="Calibrated probabilities, not decreasing.")

    @model_validator(mode="after")
    def _check_points(self) -> FittedIsotonic:
        values = (*self.given, *self.calibrated)
        ordered = all(a < b for a, b in pairwise(self.given)) and all(a <= b for a, b in pairwise(self.calibrated))
        if len(self.given) != len(self.calibrated) or not ordered or not all(0 <= value <= 1 for value in values):
            raise ValueError("points must be increasing probabilities")
        return self

    def link(self, loss: LossBase, logits: Array, out: Array) -> None:
        """Write calibrated predictions to `out`, which may be `logits`: of the second class, or of both."""
        loss.link(logits, out)
        positive = out[:, -1]
        positive[...] = np.interp(positive, self.given, self.calibrated)
        if out.shape[1] == 2:
            np.subtract(1, positive, out=out[:, 0])

    def __str__(self) -> str:
        return f"isotonic, {len(self.given)} points"


class Temperature(CalibrationBase):
    """Divides the logits by the temperature that minimizes log loss (Guo et al. 2017); keeps the predicted class."""

    type: Literal["temperature"] = "temperature"

    def fit(self, loss: LossBase, logits: Array, truth: Array, weights: Array | None = None) -> FittedTemperature:
        """Temperature of least log loss; 1 if there is none, as for rows that are all predicted right."""
        logits = logits.astype(np.float64)
        weight = np.ones(len(logits)) if weights is None else weights.astype(np.float64)
        logits, truth, weight = logits[weight > 0], truth[weight > 0], weight[weight > 0]
        low, high, beta = 1 / HOTTEST, HOTTEST, 1.0  # of the inverse temperature, in which log loss is convex
        if _slopes(low, logits, truth, weight)[0] >= 0 or _slopes(high, logits, truth, weight)[0] <= 0:
            return FittedTemperature(temperature=1.0, found=False)
        for _ in range(MOST_ITERATIONS):
            slope, curvature = _slopes(beta, logits, truth, weight)
            low, high = (beta, high) if slope < 0 else (low, beta)
            newton = beta - slope / curvature if curvature > 0 else low
            following = newton if low < newton < high else float(np.sqrt(low * high))
            if slope == 0 or following in (low, high) or abs(following - beta) <= 1e-15 * beta:
                break
            beta = following
        return FittedTemperature(temperature=1.0 / beta)


class Isotonic(CalibrationBase):
    """Fits an increasing function of the positive class's probability by pooling adjacent violators; two classes only.

    Ayer et al. 1955; Zadrozny and Elkan 2002.
    """

    type: Literal["isotonic"] = "isotonic"

    def fit(self, loss: LossBase, logits: Array, truth: Array, weights: Array | None = None) -> FittedIsotonic:
        """Isotonic regression of the truth on the probability, by squared error."""
        predictions = np.empty_like(logits)
        loss.link(logits, predictions)
        positive = (truth if truth.ndim == 1 else truth[:, 0]) == 1
        return isotonic_regression(predictions[:, -1], positive, weights)


def isotonic_regression(probabilities: Array, truth: Array, weights: Array | None = None) -> FittedIsotonic:
    """Isotonic regression of truths (rows,) of 0 and 1 on probabilities (rows,), with weights (rows,).

    Rows of equal probability count as one, of their mean truth; rows of weight 0 are left out.
    """
    weight = np.ones(len(truth)) if weights is None else weights.astype(np.float64)
    kept = weight > 0
    given, places = np.unique(probabilities[kept].astype(np.float64), return_inverse=True)
    weight, truth = weight[kept], truth[kept].astype(np.float64)
    totals, sums = np.bincount(places, weight), np.bincount(places, weight * truth)
    blocks: list[tuple[float, float, int]] = []  # weight, weighted sum of truths, and number of points
    for total, part in zip(totals.tolist(), sums.tolist(), strict=True):
        size = 1
        while blocks and blocks[-1][1] * total >= part * blocks[-1][0]:
            before = blocks.pop()
            total, part, size = total + before[0], part + before[1], size + before[2]
        blocks.append((total, part, size))
    ends = np.cumsum([size for _, _, size in blocks])
    means = np.minimum(np.maximum.accumulate([part / total for total, part, _ in blocks]), 1.0).tolist()
    knots: dict[float, float] = {}
    for start, end, mean in zip([0, *ends[:-1]], ends, means, strict=True):
        knots[float(given[start])] = knots[float(given[end - 1])] = mean
    return FittedIsotonic(given=tuple(knots), calibrated=tuple(knots.values()))


def _slopes(beta: float, logits: Array, truth: Array, weight: Array) -> tuple[float, float]:
    """First and second derivative of the weighted log loss by the inverse temperature."""
    if truth.ndim == 2:
        shares = np.empty_like(logits)
        sigmoid(beta * logits, shares)
        slope = weight @ (logits * (shares - truth)).sum(axis=1)
        return float(slope), float(weight @ (np.square(logits) * shares * (1 - shares)).sum(axis=1))
    centred = logits - logits.max(axis=1, keepdims=True)
    shares = np.exp(beta * centred)
    shares /= shares.sum(axis=1, keepdims=True)
    mean = (shares * centred).sum(axis=1)
    slope = weight @ (mean - centred[np.arange(len(truth)), truth])
    return float(slope), float(weight @ ((shares * np.square(centred)).sum(axis=1) - np.square(mean)))
