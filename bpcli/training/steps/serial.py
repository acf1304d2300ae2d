"""Sequential steps in NumPy: for every network, and the reference for other implementations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.fields import Batch
from bpcli.arrays.memory import Array
from bpcli.training.plan import TrainingPlan
from bpcli.training.state import TrainingState
from bpcli.training.steps.base import Steps, StepSums
from bpcli.training.steps.exchange import Sums
from bpcli.training.steps.gradient import BatchGradient, Gradient


class SerialSteps(Steps):
    """Gradient, penalties and clipping, and update, in NumPy, and with the kernels that the plan asks for.

    gradient: makes what writes the gradient of a batch.
    """

    def __init__(
        self,
        plan: TrainingPlan,
        state: TrainingState,
        gradient: Callable[[TrainingPlan, TrainingState, Array], BatchGradient] = Gradient,
    ) -> None:
        super().__init__(plan, state)
        layout = plan.network.layout
        self.grads = np.empty_like(state.params)
        self._gradient = gradient(plan, state, self.grads)
        self._vectors = list(zip(state.params, self.grads, strict=True))
        self._parts = self.update.parts(state.params, self.grads, state.optimizer)
        self._adam = None
        if plan.stepping.kernels and self._gradient.batched:
            from bpcli.nn.compiled.members import AdamOfMembers

            average = state.average_params if state.is_averaged else None
            self._adam = AdamOfMembers(self.update, state.params, self.grads, state.optimizer, average)
        self._penalized = np.empty(layout.weights if self.rules.penalizes else 0, plan.dtype)

    def epoch(self, order: NDArray[np.intp], epoch: int, first: int) -> Iterator[StepSums]:
        """Take the steps of an epoch, as described in the base class."""
        self.position.epoch = epoch
        rates = self.rates(epoch, first)
        for step, batch in enumerate(self.batches.epoch(order, first), first):
            self.position.step = step
            self.remember(epoch, step)
            yield [self.step(self.augmented(batch), next(rates), self.plan.weight_decay(epoch, step))]

    def step(self, batch: Batch, learning_rate: float, weight_decay: float) -> Sums:
        """Take one step at the current position. Return the sums over the rows of its batch."""
        sums = self._gradient(batch, self.position)
        if not isfinite(sums[0]):
            raise self.explain(batch)
        if not self.rules.none:
            for params, gradient in self._vectors:
                self.rules.apply(0, len(gradient), params, gradient, self._penalized)
                self.rules.bound_norm(gradient)
        self.learning_rate = learning_rate
        self._update(learning_rate, weight_decay)
        return sums

    def _update(self, learning_rate: float, weight_decay: float) -> None:
        """Update the parameters and their moving average."""
        average, optimizer = self.average, self.state.optimizer
        if self._adam is None:
            self.update.take(self._parts, learning_rate, optimizer, weight_decay)
            if average is not None:
                average.take()
            return
        self._adam.begin(learning_rate, weight_decay)
        if average is not None:
            average.begin()
        self._adam.apply(0.0 if average is None else float(average.rest))
