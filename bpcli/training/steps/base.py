"""Base class of training steps: batches, learning rates, and errors of divergence."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import count, repeat
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.fields import Batch
from bpcli.arrays.memory import Array
from bpcli.data.batches import Batches
from bpcli.errors import DivergedError
from bpcli.nn.named_layers import all_views, named_layers
from bpcli.nn.optimizers.update import Update
from bpcli.training.gradient_rules import GradientRules
from bpcli.training.plan import TrainingPlan
from bpcli.training.state import TrainingState

if TYPE_CHECKING:
    from bpcli.training.augmentation.augmenter import Augmenter
    from bpcli.training.moving_average import MovingAverage

StepSums = list[tuple[float, float]]
"""Sums over the rows of each step taken: weighted loss, and weight."""


class Steps(ABC):
    """Takes the steps of an epoch, updating the state's parameters, layer state and optimizer in place.

    After the last step of epoch `ended`, `grads`, (members, size), is the gradient that the optimizer received in
    that step, after penalties and clipping, and `before` holds the parameters before it.
    """

    grads: Array

    def __init__(self, plan: TrainingPlan, state: TrainingState, at_once: int = 1) -> None:
        """Gather at least `at_once` batches at a time."""
        self.plan, self.state = plan, state
        gathered = plan.stepping.gathered_bytes
        intake = plan.network.stems.intake
        size, rows = plan.batch_size * len(plan.members), plan.rows_per_member * len(plan.members)
        own = None if rows == plan.train.rows else rows
        self.batches = Batches(plan.train, size, plan.network.n_out, at_once, gathered, intake, own)
        self.rules = GradientRules(plan.spec, plan.network.layout.weights)
        self.position = plan.position()
        self.update = Update(plan.optimizer, plan.network.layout, plan.dtype)
        self.average: MovingAverage | None = None
        if plan.spec.average is not None:
            from bpcli.training.moving_average import MovingAverage

            self.average = MovingAverage(plan.spec.average, state)
        self._augmenter: Augmenter | None = None
        if plan.augment is not None:
            from bpcli.training.augmentation.augmenter import Augmenter

            of = (intake, plan.network.n_out, plan.batch_size, len(plan.members), plan.dtype)
            self._augmenter = Augmenter(plan.augment, plan.seed, *of)
        self.learning_rate = 0.0
        self.before = np.empty_like(state.params)
        self.ended: int | None = None

    @abstractmethod
    def epoch(self, order: NDArray[np.intp], epoch: int, first: int) -> Iterator[StepSums]:
        """Take the steps of an epoch from step `first` on, yielding the sums of each as soon as it is taken.

        NumPy's warnings must be off. Raises DivergedError, with the state as it was before the step that
        diverged.
        """

    def augmented(self, batch: Batch) -> Batch:
        """The batch with its images changed as the plan says, at the current position."""
        return batch if self._augmenter is None else self._augmenter(batch, self.position, self.plan.members)

    def remember(self, epoch: int, step: int) -> None:
        """Copy the parameters to `before` if the next step is the last of the epoch."""
        if step == self.batches.count - 1:
            np.copyto(self.before, self.state.params)
            self.ended = epoch

    def sync(self) -> None:
        """Update the state's vectors before others read them. By default they are always up to date."""
        return

    def change(self) -> Array:
        """Change of the parameters in the last step of the epoch, written over `before`."""
        self.ended = None
        return np.subtract(self.state.params, self.before, out=self.before)

    def rate(self, epoch: int, step: int) -> float:
        """Learning rate of a step."""
        return self.plan.learning_rate(epoch, step, self.state.counters.plateau.factor)

    def rates(self, epoch: int, first: int) -> Iterator[float]:
        """Learning rates of the steps of an epoch from step `first` on; computed only once if they are constant."""
        schedule = self.plan.schedule
        if schedule.is_constant and epoch >= schedule.warmup_epochs:
            return repeat(self.rate(epoch, first))
        return (self.rate(epoch, step) for step in count(first))

    def explain(self, batch: Batch) -> DivergedError:
        """Error for a non-finite loss at the current position, naming the first layer with non-finite output."""
        self.require_finite()
        network, state = self.plan.network, self.state
        rows = batch.rows // len(self.plan.members)
        workspace = network.workspace(rows, self.plan.dtype, training=True)
        members = zip(self.plan.members, state.params, state.layer_state, strict=True)
        for place, (member, params, kept) in enumerate(members):
            self.position.member = member
            layer_state, (x, _, _) = network.bind_state(kept.copy()), batch.part(place * rows, (place + 1) * rows)
            logits = network.forward(network.bind(params), layer_state, x, workspace, self.position)
            features = workspace.inputs[0].reshape(rows, -1)
            stems = [features[:, stem.features] for stem in network.stems.trained]
            for named, output in zip(named_layers(network), [*stems, *workspace.inputs[1:], logits], strict=True):
                if not np.isfinite(output).all():
                    return self.diverged(f"output of {named.title}")
        return self.diverged(f"loss after {named.title}")

    def require_finite(self) -> None:
        """Raise DivergedError if a parameter, running statistic or optimizer state is not finite."""
        network, state = self.plan.network, self.state
        vectors = [
            ("parameters", state.params, network.bind),
            ("running statistics", state.layer_state, network.bind_state),
            *([("averaged parameters", state.average_params, network.bind)] if state.is_averaged else []),
            *((f"optimizer state {name}", slot, network.bind) for name, slot in state.optimizer.slots.items()),
        ]
        for what, vector, bind in vectors:
            if not np.isfinite(vector).all():
                members = [all_views(bind(of_member)) for of_member in vector]
                for named, *views in zip(named_layers(network), *members, strict=True):
                    if not all(np.isfinite(view).all() for of_member in views for view in of_member.values()):
                        raise self.diverged(f"{what} of {named.title}")

    def diverged(self, what: str) -> DivergedError:
        """Error that names the non-finite values found in or after the last step."""
        return DivergedError(
            f"training diverged in epoch {self.position.epoch + 1}, step {self.position.step + 1}, at learning rate "
            f"{self.learning_rate or self.plan.optimizer.learning_rate:.3g}: non-finite {what}; "
            "lower optimizer.learning_rate, or set training.clip.norm"
        )


def batch_weight(rows: int, weight: Array | None) -> float:
    """Sum of the weights of a batch's rows."""
    return rows if weight is None else float(weight.sum())
