"""Learning rate range test: training steps at increasing rates, and the loss at each.

Smith 2017, "Cyclical learning rates for training neural networks", section 3.3, with rates that grow geometrically, as
in fastai's lr_find.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf, sqrt
from statistics import fmean, median
from typing import Literal

import numpy as np

from bpcli.errors import DivergedError, UsageError
from bpcli.nn.optimizers.rprop import Rprop
from bpcli.nn.schedules import ScheduleBase
from bpcli.system.threads import Crew
from bpcli.training.plan import TrainingPlan
from bpcli.training.row_order import RowOrder
from bpcli.training.steps import steps_for
from bpcli.training.steps.base import Steps

RATES, DECADE = 200, 25
"""Number of rates, one step at each, and number of rates per decade."""

LOWEST, HIGHEST = 1e-6, 100.0
"""Range of rates, extended if the configured rate is not well inside."""

WITHIN = 100.0
"""Minimum factor between the configured rate and either end of the range."""

UTMOST = 1e30
"""Upper bound of the range; its inverse is the lower bound."""

WINDOW = 11
"""Losses in the running median, or the number of steps per epoch if that is less."""

EXPLODED = 4.0
"""The test ends when the loss exceeds this multiple of the initial loss; fastai applies it to the lowest loss."""

NOTICEABLE = 0.05
"""Smallest fall that counts, as a share of the initial loss; less may be noise of mini-batches."""

BEGUN, DONE = 0.2, 0.95
"""Shares of the total fall between which the loss counts as falling."""


@dataclass(frozen=True)
class Point:
    """A rate, the loss including penalties in the step after it, and the running median around that loss.

    Infinite if the loss is not finite, which ends the test.
    """

    learning_rate: float
    loss: float
    smoothed: float


@dataclass(frozen=True)
class RangeTest:
    """Result of a test. Rates are None if there is none of that kind."""

    configured: float
    start: float
    """Loss before the first step, averaged over the first steps."""
    points: tuple[Point, ...]
    falls_from: float | None
    """Rate from which on a fifth of the fall is reached."""
    falls_to: float | None
    """First rate at which 95% of the fall is reached."""
    lowest: float | None
    """Rate with the lowest loss."""
    diverges: float | None
    """Rate from which on the loss stays above the initial loss."""

    @property
    def suggested(self) -> float | None:
        """Geometric mean of the rates between which the loss falls; Smith's bounds for a cyclical rate."""
        return None if self.falls_from is None or self.falls_to is None else sqrt(self.falls_from * self.falls_to)

    @property
    def within(self) -> bool | None:
        """Whether the loss falls at the configured rate."""
        if self.falls_from is None or self.falls_to is None:
            return None
        return self.falls_from <= self.configured <= self.falls_to


class _Rising(ScheduleBase):
    """Factor that grows by `growth` with each step."""

    type: Literal["rising"] = "rising"
    growth: float

    def factor(self, progress: float, epochs: float) -> float:
        return 1.0

    def factor_of_step(self, epoch: int, step: int, steps_per_epoch: int, epochs: int) -> float:
        return float(self.growth ** (epoch * steps_per_epoch + step))


def try_rates(plan: TrainingPlan, threads: int) -> RangeTest:
    """Run the test from the initial parameters, with the plan's own batches and optimizer.

    Raises: UsageError: the optimizer adapts its step sizes itself. DivergedError: the initial loss is not finite.
    """
    if isinstance(plan.optimizer, Rprop):
        raise UsageError(
            "optimizer rprop adapts its step sizes; learning_rate is only the first step size, so there is "
            "no rate to test"
        )
    configured = plan.optimizer.learning_rate
    low = max(min(LOWEST, configured / WITHIN), 1 / UTMOST)
    high = min(max(HIGHEST, configured * WITHIN), UTMOST)
    growth = (high / low) ** (1.0 / (RATES - 1))
    epochs = max(plan.spec.epochs, -(-(RATES + 1) // plan.steps_per_epoch))
    plan = replace(
        plan,
        optimizer=plan.optimizer.model_copy(update={"learning_rate": low}),
        schedule=_Rising(growth=growth),
        spec=plan.spec.model_copy(update={"epochs": epochs}),
    )
    with Crew(min(plan.stepping.parts, threads)) as crew:
        steps = steps_for(plan, plan.new_state(), crew)
        losses = list(_losses(steps))
    if losses[0] == inf:
        raise DivergedError("non-finite initial loss; scale the inputs, or use smaller initial weights")
    rates = [low * growth**number for number in range(len(losses) - 1)]
    smoothed = _running_median(losses, _half_window(plan))
    points = [Point(*point) for point in zip(rates, losses[1:], smoothed[1:], strict=True)]
    return _evaluate(configured, fmean(losses[: min(plan.steps_per_epoch, DECADE)]), points)


def _losses(steps: Steps) -> Iterator[float]:
    """Yield the loss of each step, one more than there are rates, until it is not finite or has exploded."""
    plan, state, half = steps.plan, steps.state, _half_window(steps.plan)
    orders, found = RowOrder(plan), list[float]()
    for number in range(RATES + 1):
        epoch, step = divmod(number, plan.steps_per_epoch)
        if step == 0:
            order = orders.of_epoch(epoch)
        steps.sync()
        penalty = steps.rules.penalty(state.params)
        try:
            with np.errstate(all="ignore"):
                # With an order that ends with this batch, the implementation takes a single step.
                ((total, weight),) = next(steps.epoch(order[: (step + 1) * steps.batches.size], epoch, step))
            found.append(total / (weight or 1.0) + penalty)
        except DivergedError:
            found.append(inf)
        yield found[-1]
        if found[-1] == inf or median(found[-2 * half - 1 :]) > times(EXPLODED, median(found[: 2 * half + 1])):
            return


def times(factor: float, start: float) -> float:
    """`factor` times the initial loss; if that is negative, as it may be for poisson, a value as far above it."""
    return start + (factor - 1.0) * abs(start)


def _half_window(plan: TrainingPlan) -> int:
    """Number of losses on either side in the running median; 0 if each step uses all rows."""
    return min(plan.steps_per_epoch, WINDOW) // 2


def _running_median(values: list[float], half: int) -> list[float]:
    """Running median over up to `half` values on either side."""
    return [median(values[max(0, place - half) : place + half + 1]) for place in range(len(values))]


def _evaluate(configured: float, start: float, points: list[Point]) -> RangeTest:
    """Rates at which the loss falls, is lowest, and diverges."""
    rates, losses = [point.learning_rate for point in points], [point.smoothed for point in points]
    lost = 1 + max((place for place, loss in enumerate(losses) if loss <= times(1 + NOTICEABLE, start)), default=-1)
    diverges = rates[lost] if lost < len(rates) else None
    lowest = losses.index(min(losses))
    fall = start - losses[lowest]
    if fall <= NOTICEABLE * abs(start):
        return RangeTest(configured, start, tuple(points), None, None, None, diverges)
    last = next(place for place, loss in enumerate(losses) if loss <= start - DONE * fall)
    first = 1 + max((place for place in range(last) if losses[place] > start - BEGUN * fall), default=-1)
    return RangeTest(configured, start, tuple(points), rates[first], rates[last], rates[lowest], diverges)
