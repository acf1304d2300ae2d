"""The parts of a step in NumPy, which lets other threads run while it works on large arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Workspace
from bpcli.data.batches import Batch, part_of_batch
from bpcli.nn.layers import DenseLayer, Position, RowwiseLayer
from bpcli.nn.losses import LossScratch
from bpcli.nn.optimizers import Update
from bpcli.randomness import Stream
from bpcli.training.gradient_rules import GradientRules
from bpcli.training.plan import TrainingPlan
from bpcli.training.state import TrainingState
from bpcli.training.steps.division import Block

Memory = tuple[Workspace, LossScratch, Array]
"""What the rows of a shard write to: the layers' scratch, the loss's, and dL/dlogits."""


class NumpyParts:
    """The same calls as in `SerialSteps`, over some of the rows or some of the parameters.

    Each may run at the same time as others of its name; `lane` says whose scratch memory it may use.
    """

    def __init__(
        self, plan: TrainingPlan, state: TrainingState, blocks: Sequence[Block], update: Update, lanes: int
    ) -> None:
        network, dtype, rows = plan.network, plan.dtype, plan.batch_size
        self._plan, self._optimizer, self._flat = plan, state.optimizer, state.params
        self._update, self._coefficients = update, update.coefficients()
        self._layers = [layer for layer in network.layers if isinstance(layer, RowwiseLayer)]
        self._params, self._state = network.bind(state.params), network.bind_state(state.layer_state)
        self.grads = np.empty(network.layout.size, dtype)
        self._bound_grads = network.bind(self.grads)
        self._whole: Memory = (
            network.workspace(rows, dtype, training=True),
            LossScratch(rows, network.n_out, dtype),
            np.empty((rows, network.n_out), dtype),
        )
        self._memories: dict[tuple[int, int], Memory] = {}
        self._positions = [Position(Stream(plan.seed, "dropout"), shard=index) for index in range(plan.stepping.parts)]
        self._rules = GradientRules(plan.spec, network.layout.weights)
        longest = max(block.stop - block.start for block in blocks)
        self._penalized = np.empty((lanes, longest if self._rules.penalizes else 0), dtype)
        self._scratch = [update.scratch() for _ in range(lanes)]

    def begin(self, batch: Batch, at: Position) -> None:
        """What the calls to come are about."""
        self._batch, self._at = batch, at

    def rows(self, index: int, first: int, last: int) -> float:
        """Forward and back to the errors of each neuron for the rows of a shard; gives their summed loss."""
        x, y, weight = part_of_batch(self._batch, first, last)
        workspace, scratch, dlogits = self._memory(first, last)
        position = self._positions[index]
        position.epoch, position.step = self._at.epoch, self._at.step
        logits = self._plan.network.forward(self._params, self._state, x, workspace, position)
        loss = self._plan.loss.value_and_gradient(logits, y, weight, dlogits, scratch)
        dy = dlogits
        for layer, params, work in zip(self._layers[::-1], self._params[::-1], workspace.layers[::-1], strict=True):
            dy = layer.backward_rows(params, dy, work)
        return loss

    def weights(self, block: Block) -> None:
        """The gradient of a block of weights, from all rows."""
        index = block.layer.index
        block.layer.weight_gradient(self._input(index), self._errors(index), block.inputs, self._bound_grads[index])

    def biases(self) -> None:
        """The gradient of all that are no weights."""
        workspace, _, _ = self._memory(0, len(self._batch[0]))
        for layer in self._layers:
            if isinstance(layer, DenseLayer):
                index = layer.index
                layer.bias_gradient(self._errors(index), workspace.layers[index], self._bound_grads[index])

    def begin_update(self, learning_rate: float) -> None:
        """Move the optimizer on to the step whose parts are to be updated."""
        self._update.begin(learning_rate, self._optimizer, self._coefficients)

    def apply_rules(self, start: int, stop: int, lane: int) -> None:
        """Penalties and bounds of single components, for some of the gradient."""
        self._rules.apply(start, stop, self._flat, self.grads, self._penalized[lane])

    def update(self, start: int, stop: int, lane: int) -> None:
        """The optimizer's step, for some of the parameters."""
        scratch, coefficients = self._scratch[lane], self._coefficients
        self._update.apply(start, stop, coefficients, self.grads, self._optimizer, self._flat, scratch)

    def _input(self, index: int) -> Array:
        """What a layer was given by all shards together in the forward pass."""
        workspace, _, _ = self._memory(0, len(self._batch[0]))
        return workspace.layers[index - 1]["y"] if index else self._batch[0]

    def _errors(self, index: int) -> Array:
        """What a layer was given by all shards together in the backward pass, and turned into dL/dz."""
        workspace, _, dlogits = self._memory(0, len(self._batch[0]))
        above = (work["dx"] for work in workspace.layers[index + 1 :] if "dx" in work)
        return next(above, dlogits)

    def _memory(self, first: int, last: int) -> Memory:
        """The memory of some rows of the batch."""
        key = (first, last)
        if key not in self._memories:
            workspace, scratch, dlogits = self._whole
            of_batch = scratch.part(first, last, batch=len(self._batch[0]))
            self._memories[key] = workspace.part(first, last), of_batch, dlogits[first:last]
        return self._memories[key]
