"""Steps in NumPy of a network that takes tokens: weights of columns that a batch does not have are left as they are."""

from __future__ import annotations

from math import isfinite

from bpcli.arrays.fields import Batch
from bpcli.nn.optimizers.lazy import LazyUpdate
from bpcli.training.local_batch import LocalBatch
from bpcli.training.plan import TrainingPlan
from bpcli.training.state import TrainingState
from bpcli.training.steps.exchange import Sums
from bpcli.training.steps.serial import SerialSteps


class LazySteps(SerialSteps):
    """Gradient of the columns that occur, clipping, and lazy update, for one network; products as the plan says."""

    def __init__(self, plan: TrainingPlan, state: TrainingState) -> None:
        super().__init__(plan, state)
        self.grads.fill(0.0)
        tokens, compiled = plan.train.x.tokens_by_name(), plan.stepping.tokens
        self._local = LocalBatch(plan.network, tokens, plan.batch_size, plan.dtype, compiled)
        self._lazy = [
            (local, LazyUpdate(self.update, of, state.params[0], state.optimizer, plan.optimizer, local.most_columns))
            for of, local in self._local.ranges
        ]
        self._dense = [self.grads[0, start:stop] for start, stop, _ in self.update.segments]

    def step(self, batch: Batch, learning_rate: float, weight_decay: float) -> Sums:
        """Take one step at the current position. Return the sums over the rows of its batch."""
        sums = self._gradient(self._local.load(batch), self.position)
        if not isfinite(sums[0]):
            raise self.explain(batch)
        if not self.rules.none:
            self._clip()
        self.learning_rate = learning_rate
        self._update(learning_rate, weight_decay)
        for local, update in self._lazy:
            update.apply(local.columns, local.gradient, self.update.last)
        if self.position.step == self.batches.count - 1:  # what others read after the last step of an epoch
            self._local.spread(self.grads[0])
        return sums

    def _clip(self) -> None:
        """Clip the gradient, by value and by norm, in its dense ranges and the columns that occur."""
        parts = [*self._dense, *(local.gradient.reshape(-1) for local, _ in self._lazy)]
        for part in parts:
            self.rules.apply(0, len(part), part, part, part)  # there are no penalties, which need more
        self.rules.bound_norm(*parts)
