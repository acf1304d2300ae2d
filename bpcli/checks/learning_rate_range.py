"""The learning rate range test: steps of training at ever higher rates, and what the loss does meanwhile.

Smith 2017, "Cyclical learning rates for training neural networks", section 3.3; with rates that grow by equal factors,
as in fastai's lr_find.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf, sqrt
from statistics import fmean, median
from typing import Literal

import numpy as np

from bpcli.errors import DivergedError, UsageError
from bpcli.nn.optimizers import Rprop
from bpcli.nn.schedules import ScheduleBase
from bpcli.randomness import Stream
from bpcli.system.threads import Crew
from bpcli.training import TrainingPlan
from bpcli.training.steps import Steps, steps_for

RATES, DECADE = 200, 25
"""Rates that are tried, a step at each, of which about so many lie within a factor of ten."""

LOWEST, HIGHEST = 1e-6, 100.0
"""The range of rates, which is wider where the configured rate is not well within it."""

WITHIN = 100.0
"""How far the range goes beyond the configured rate on either side, at least, as a factor."""

UTMOST = 1e30
"""The range goes no higher, nor lower than its inverse."""

WINDOW = 11
"""Losses in a running median, where steps see different rows: as many as an epoch has steps, if that is less."""

EXPLODED = 4.0
"""How many times the loss at the start ends the test; fastai's factor, there of the lowest loss."""

NOTICEABLE = 0.05
"""Share of the loss at the start by which it must fall at some rate: less might be the noise of batches."""

BEGUN, DONE = 0.2, 0.95
"""Shares of the whole fall between which the loss is said to fall."""


@dataclass(frozen=True)
class Point:
    """A rate, the loss in the step after the one at that rate, with penalties, and the median of those around it.

    Infinite where the loss was no longer a finite number, which ends the test.
    """

    learning_rate: float
    loss: float
    smoothed: float


@dataclass(frozen=True)
class RangeTest:
    """What a test came to. Rates are None where there is no such."""

    configured: float
    start: float
    """The loss before any step, as smooth as those of the points."""
    points: tuple[Point, ...]
    falls_from: float | None
    """The rate from which on a fifth of the fall is done."""
    falls_to: float | None
    """The first rate at which it is all but done."""
    lowest: float | None
    """The rate at which the loss is least."""
    diverges: float | None
    """The rate from which on the loss is above that at the start, for good."""

    @property
    def suggested(self) -> float | None:
        """The middle, by factors, of the range in which the loss falls, whose ends are Smith's bounds for a rate."""
        return None if self.falls_from is None or self.falls_to is None else sqrt(self.falls_from * self.falls_to)

    @property
    def within(self) -> bool | None:
        """Whether the loss falls at the configured rate."""
        if self.falls_from is None or self.falls_to is None:
            return None
        return self.falls_from <= self.configured <= self.falls_to


class _Rising(ScheduleBase):
    """A factor that grows by `growth` with each step."""

    type: Literal["rising"] = "rising"
    growth: float

    def factor(self, progress: float, epochs: float) -> float:
        return 1.0

    def learning_rate_factor(self, epoch: int, step: int, steps_per_epoch: int, epochs: int) -> float:
        return float(self.growth ** (epoch * steps_per_epoch + step))


def try_rates(plan: TrainingPlan, threads: int) -> RangeTest:
    """Try rates on a copy of the network, from its initial parameters on, with the plan's own batches and optimizer.

    Raises:
        UsageError: the optimizer has no rate that stays what it is.
        DivergedError: the loss is not a finite number to begin with.
    """
    if isinstance(plan.optimizer, Rprop):
        raise UsageError(
            "optimizer rprop adapts the size of its steps by itself, and learning_rate is only the first; there is "
            "no rate to test"
        )
    configured = plan.optimizer.learning_rate
    low = max(min(LOWEST, configured / WITHIN), 1 / UTMOST)
    high = min(max(HIGHEST, configured * WITHIN), UTMOST)
    growth = (high / low) ** (1.0 / (RATES - 1))
    epochs = -(-(RATES + 1) // plan.steps_per_epoch)
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
        raise DivergedError("the loss is not a finite number to begin with; scale the inputs, or lower the weights")
    rates = [low * growth**number for number in range(len(losses) - 1)]
    smoothed = _running_median(losses, _half_window(plan))
    points = [Point(*point) for point in zip(rates, losses[1:], smoothed[1:], strict=True)]
    return _judged(configured, fmean(losses[: min(plan.steps_per_epoch, DECADE)]), points)


def _losses(steps: Steps) -> Iterator[float]:
    """The loss in each step, up to the first that is not finite or until it has exploded: one more than rates."""
    plan, state, half = steps.plan, steps.state, _half_window(steps.plan)
    shuffle, found = Stream(plan.seed, "shuffle"), list[float]()
    for number in range(RATES + 1):
        epoch, step = divmod(number, plan.steps_per_epoch)
        if step == 0:
            order = shuffle.at(epoch).permutation(plan.train.rows)
        steps.sync()
        penalty = steps.rules.penalty(state.params)
        try:
            with np.errstate(all="ignore"):
                # An order that ends with the batch makes it the only one, however many are otherwise taken at once.
                ((total, weight),) = next(steps.epoch(order[: (step + 1) * plan.batch_size], epoch, step))
            found.append(total / (weight or 1.0) + penalty)
        except DivergedError:
            found.append(inf)
        yield found[-1]
        if found[-1] == inf or median(found[-2 * half - 1 :]) > times(EXPLODED, median(found[: 2 * half + 1])):
            return


def times(factor: float, start: float) -> float:
    """So many times the loss at the start; of one below zero, as poisson's may be, what is as far above it."""
    return start + (factor - 1.0) * abs(start)


def _half_window(plan: TrainingPlan) -> int:
    """How many losses to either side go into a running median: none where each step sees all rows."""
    return min(plan.steps_per_epoch, WINDOW) // 2


def _running_median(values: list[float], half: int) -> list[float]:
    """The median of each value and of those up to `half` places to either side, as far as there are any."""
    return [median(values[max(0, place - half) : place + half + 1]) for place in range(len(values))]


def _judged(configured: float, start: float, points: list[Point]) -> RangeTest:
    """Where the loss falls, is least, and is lost for good."""
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
