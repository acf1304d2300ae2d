"""The objective of training: mean loss of a batch plus penalties, as a function of the parameters."""

from __future__ import annotations

import numpy as np

from bpcli.arrays.fields import Batch, sparse
from bpcli.arrays.memory import Array
from bpcli.nn.batch_pass import BatchPass
from bpcli.nn.layers import Position
from bpcli.nn.losses import LossBase
from bpcli.nn.network import Network
from bpcli.training.gradient_rules import GradientRules
from bpcli.training.local_batch import LocalBatch
from bpcli.training.spec import Clip, TrainingSpec


class Objective:
    """Objective of one batch at one position in training, which determines dropout's masks.

    Clipping is left out, since a clipped gradient is not the gradient of any function.
    """

    def __init__(
        self, network: Network, loss: LossBase, spec: TrainingSpec, batch: Batch, state: Array, position: Position
    ) -> None:
        """Take a batch and a layer state of shape (state_layout.size,), which is copied."""
        self._local: LocalBatch | None = None
        if network.layout.sparse:
            places = network.stems.token_places()
            tokens = {name: sparse(batch.x[place]) for name, place in places.items()}
            self._local = LocalBatch(network, tokens, batch.rows, batch.y.dtype)
            batch = self._local.load(batch)
        self.x, self.target, self.weight = batch
        self.network, self.loss, self.position, self.rows = network, loss, position, batch.rows
        self.rules = GradientRules(spec.model_copy(update={"clip": Clip()}), network.layout.weights)
        self.state = state.copy()
        self.through = BatchPass(network, loss, batch.rows, batch.y.dtype)

    def logits(self, params: Array) -> Array:
        """Logits (rows, n_out) for parameters (layout.size,), valid until the next call."""
        network = self.network
        return self.through.forward(network.bind(params), network.bind_state(self.state), self.x, self.position)

    def value(self, params: Array) -> float:
        """Mean over rows of weight · loss, plus penalties; may be infinite or NaN."""
        with np.errstate(all="ignore"):
            total = self.through.value(self.logits(params), self.target, self.weight)
            return float(total) / self.rows + self.rules.penalty(params)

    def gradient(self, params: Array) -> Array:
        """Gradient of `value` by backpropagation, (layout.size,)."""
        grads = np.empty_like(params)
        self.value(params)
        with np.errstate(all="ignore"):
            self.through.backward(self.network.bind(params), self.network.bind(grads))
            if self._local is not None:
                self._local.spread(grads)
            self.rules.apply(0, len(grads), params, grads, np.empty_like(params))
        return grads
