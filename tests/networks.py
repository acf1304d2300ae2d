"""What the tests of networks share: the members of a family, fitting targets, and a whole training step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bpcli.arrays.fields import Field, Grid
from bpcli.arrays.layout import Layout, Slot
from bpcli.arrays.memory import Array
from bpcli.nn.batch_pass import BatchPass
from bpcli.nn.layers import Position
from bpcli.nn.losses.classification import CrossEntropy
from bpcli.nn.losses.hinge import Hinge
from bpcli.nn.losses.log_link import Gamma, Poisson, Tweedie
from bpcli.nn.network import Network
from bpcli.randomness import Stream
from bpcli.spec import members_of

FLOAT32 = np.dtype(np.float32)
FLOAT64 = np.dtype(np.float64)


def members(family: Any) -> tuple[type[Any], ...]:
    """The classes of a discriminated union such as `Activation`."""
    return members_of(family)


def targets_for(loss: Any, rows: int, outputs: int, generator: np.random.Generator) -> Array:
    """Random targets of the kind that a loss is for, shape (rows, outputs)."""
    if isinstance(loss, CrossEntropy) or (isinstance(loss, Hinge) and outputs > 1):
        return np.eye(outputs)[generator.integers(outputs, size=rows)]
    if loss.gives_probabilities or loss.single_logit:
        return generator.integers(2, size=(rows, outputs)).astype(float)
    if isinstance(loss, Poisson):
        return generator.poisson(2.0, (rows, outputs)).astype(float)
    if isinstance(loss, Gamma | Tweedie):
        return generator.gamma(2.0, 1.0, (rows, outputs))
    return generator.uniform(0.0, 1.0, (rows, outputs))


def planned(layers: Sequence[Any], n_in: int | Grid, n_out: int) -> Network:
    """A network of layers for so many plain numbers, or for images of a shape."""
    return Network.plan((Field("numbers", n_in if isinstance(n_in, Grid) else (n_in,)),), {}, layers, n_out)


def layout(size: int, weights: int = 0) -> Layout:
    """Layout of so many numbers, the first `weights` of which are weights of sums of 4 inputs."""
    return Layout((Slot("weight", (weights,), weight=True, fan_in=4), Slot("bias", (size - weights,))))


class TrainingStep:
    """A network on random data, with every array that a training step needs."""

    def __init__(
        self,
        layers: Sequence[Any],
        loss: Any,
        *,
        n_in: int | Grid,
        n_out: int,
        rows: int,
        seed: int = 0,
        weighted: bool = False,
        dtype: np.dtype[Any] = FLOAT64,
    ) -> None:
        generator = np.random.default_rng(seed)
        self.loss = loss
        self.network = planned(layers, n_in, n_out)
        self.flat, flat_state = self.network.initialize(seed, dtype)
        # Away from biases of 0 and scales of 1, which would hide mistakes.
        self.flat += generator.normal(0.0, 0.3, self.flat.shape).astype(dtype)
        self.grads = np.empty_like(self.flat)
        self.params = self.network.bind(self.flat)
        self.state = self.network.bind_state(flat_state)
        self.bound_grads = self.network.bind(self.grads)
        self.x = generator.normal(size=(rows, *self.network.stems.shape)).astype(dtype)
        self.target = targets_for(loss, rows, n_out, generator).astype(dtype)
        self.weight = generator.uniform(0.5, 2.0, rows).astype(dtype) if weighted else None
        self.through = BatchPass(self.network, loss, rows, dtype)
        self.position = Position(Stream(seed, "dropout"), epoch=2, step=3)

    def logits(self) -> Array:
        return self.through.forward(self.params, self.state, (self.x,), self.position)

    def mean_loss(self) -> float:
        """The loss whose gradient is checked: the sum over rows, divided by their number."""
        return float(self.through.value(self.logits(), self.target, self.weight)) / len(self.x)

    def gradient(self) -> Array:
        """The gradient of `mean_loss` by backpropagation, shape (layout.size,)."""
        self.mean_loss()
        self.through.backward(self.params, self.bound_grads)
        return self.grads
