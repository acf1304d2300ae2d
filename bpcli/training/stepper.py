"""Training steps: gather a batch, go forward, compute the error, go backward, update."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isfinite, sqrt
from time import perf_counter

import numpy as np

from bpcli.data.batches import Batch, Batches
from bpcli.errors import DivergedError
from bpcli.nn.arrays import Array, Workspace
from bpcli.nn.layers import Position
from bpcli.nn.losses import LossScratch
from bpcli.randomness import Stream
from bpcli.training.plan import Progress, TrainingPlan
from bpcli.training.state import TrainingState

PROGRESS_SECONDS = 0.25
"""Between two signs of life within an epoch."""

Memory = tuple[Workspace, LossScratch, Array]
"""What a step writes to: the layers' scratch, the loss's, and dL/dlogits."""


class Stepper:
    """Takes training steps: gathers a batch, goes forward, computes the error, goes backward, updates."""

    def __init__(self, plan: TrainingPlan, state: TrainingState) -> None:
        network, dtype, rows = plan.network, plan.dtype, plan.batch_size
        self.plan, self.state = plan, state
        self.batches = Batches(plan.train, rows, network.n_out)
        self.learning_rate = 0.0
        self._memories: dict[int, Memory] = {
            rows: (
                network.workspace(rows, dtype, training=True),
                LossScratch(rows, network.n_out, dtype),
                np.empty((rows, network.n_out), dtype),
            )
        }
        self._grads = np.empty(network.layout.size, dtype)
        self._params, self._state = network.bind(state.params), network.bind_state(state.layer_state)
        self._bound_grads = network.bind(self._grads)
        self._penalized = np.empty(network.layout.weights if plan.spec.penalty.l1 or plan.spec.penalty.l2 else 0, dtype)
        self._shuffle = Stream(plan.seed, "shuffle")
        self._position = Position(Stream(plan.seed, "dropout"))

    def epoch(self, started: float, interrupted: Callable[[], bool]) -> Iterator[Progress]:
        """The steps that are left of the epoch under way; raises DivergedError."""
        state = self.state
        order = self._shuffle.at(state.counters.epoch).permutation(self.plan.train.rows)
        batches = self.batches.epoch(order, first=state.counters.step)
        deadline = started + (self.plan.spec.max_time or float("inf"))
        while self._steps(batches, min(perf_counter() + PROGRESS_SECONDS, deadline), interrupted):
            counters, now = state.counters, perf_counter()
            loss = counters.loss_sum / (counters.weight_sum or 1.0)
            yield Progress(counters.epoch + 1, counters.step, self.batches.count, loss, now - started)
            if now > deadline or interrupted():
                break
        self.require_finite()
        state.count(seconds=perf_counter() - started)

    def _steps(self, batches: Iterator[Batch], until: float, interrupted: Callable[[], bool]) -> bool:
        """Take steps until there are no more batches, which gives False, or until it is time for a pause."""
        counters = self.state.counters
        epoch, step = counters.epoch, counters.step
        loss_sum, weight_sum = counters.loss_sum, counters.weight_sum
        pausing = False
        with np.errstate(all="ignore"):
            for batch in batches:
                loss_sum += self._step(batch, epoch, step)
                weight_sum += len(batch[0]) if batch[2] is None else float(batch[2].sum())
                step += 1
                if interrupted() or perf_counter() > until:
                    pausing = True
                    break
        self.state.count(step=step, loss_sum=loss_sum, weight_sum=weight_sum)
        return pausing

    def _step(self, batch: Batch, epoch: int, step: int) -> float:
        """One step; the batch's loss, summed over its rows."""
        plan, state = self.plan, self.state
        x, y, weight = batch
        workspace, scratch, dlogits = self._memory(len(x))
        self._position.epoch, self._position.step = epoch, step
        logits = plan.network.forward(self._params, self._state, x, workspace, self._position)
        loss = plan.loss.value_and_gradient(logits, y, weight, dlogits, scratch)
        if not isfinite(loss):
            self.require_finite()
            raise self.diverged(self._culprit(workspace, logits))
        plan.network.backward(self._params, dlogits, workspace, self._bound_grads)
        self._penalize()
        self._clip()
        factor = plan.schedule.learning_rate_factor(epoch, step, self.batches.count, plan.spec.epochs)
        self.learning_rate = plan.optimizer.learning_rate * factor * state.counters.plateau.factor
        state.optimizer.update(self._grads, self.learning_rate, out=state.params)
        return loss

    def _memory(self, rows: int) -> Memory:
        """Scratch memory for a batch of `rows`: there are two sizes at most, full and last."""
        if rows not in self._memories:
            workspace, scratch, dlogits = self._memories[max(self._memories)]
            self._memories[rows] = workspace.leading(rows), scratch.leading(rows), dlogits[:rows]
        return self._memories[rows]

    def _penalize(self) -> None:
        penalty, weights = self.plan.spec.penalty, self.plan.network.layout.weights
        for factor, slope in ((penalty.l2, np.positive), (penalty.l1, np.sign)):
            if factor:
                slope(self.state.params[:weights], out=self._penalized)
                np.multiply(self._penalized, factor, out=self._penalized)
                np.add(self._grads[:weights], self._penalized, out=self._grads[:weights])

    def _clip(self) -> None:
        clip, grads = self.plan.spec.clip, self._grads
        if clip.value is not None:
            np.minimum(grads, clip.value, out=grads)
            np.maximum(grads, -clip.value, out=grads)
        if clip.norm is not None:
            norm = sqrt(float(np.dot(grads, grads)))
            if norm > clip.norm:
                np.multiply(grads, clip.norm / norm, out=grads)

    def penalty(self) -> float:
        """What the penalties add to the loss of a row now."""
        spec = self.plan.spec.penalty
        weights = self.state.params[: self.plan.network.layout.weights]
        with np.errstate(over="ignore"):
            total = 0.5 * spec.l2 * float(np.dot(weights, weights)) if spec.l2 else 0.0
            return total + (spec.l1 * float(np.abs(weights).sum()) if spec.l1 else 0.0)

    def require_finite(self) -> None:
        """Raise DivergedError where something that training carries on is not finite."""
        network, state = self.plan.network, self.state
        vectors = [
            ("parameters", state.params, network.bind),
            ("running statistics", state.layer_state, network.bind_state),
            *((f"{name} in the optimizer", slot, network.bind) for name, slot in state.optimizer.slots.items()),
        ]
        for what, vector, bind in vectors:
            if not np.isfinite(vector).all():
                for layer, views in zip(network.layers, bind(vector), strict=True):
                    if not all(np.isfinite(view).all() for view in views.values()):
                        raise self.diverged(f"layer {layer.index} ({layer.type}): its {what}")

    def diverged(self, what: str) -> DivergedError:
        """The error for what stopped being finite in or after the last step."""
        return DivergedError(
            f"training diverged in epoch {self._position.epoch + 1}, step {self._position.step + 1}, at a learning "
            f"rate of {self.learning_rate or self.plan.optimizer.learning_rate:.3g}: {what} stopped being finite; "
            "lower optimizer.learning_rate, or set training.clip.norm"
        )

    def _culprit(self, workspace: Workspace, logits: Array) -> str:
        """The first layer whose output is not finite, after a forward pass with finite parameters."""
        layers = self.plan.network.layers
        for layer, output in zip(layers, [*workspace.inputs[1:], logits], strict=True):
            if not np.isfinite(output).all():
                return f"layer {layer.index} ({layer.type}): its output"
        return f"layer {layers[-1].index} ({layers[-1].type}): the loss of its output"
