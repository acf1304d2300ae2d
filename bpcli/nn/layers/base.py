"""What every planned layer is: sizes, names, and maths on arrays that it is handed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcli.arrays.layout import Slot
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, LayerArrays
from bpcli.nn.activations import Activation
from bpcli.randomness import Stream

Views = Mapping[str, Array]
"""One layer's arrays by name: parameters, gradients, state or scratch."""


@dataclass
class Position:
    """Which training step is being taken, and which part of its rows; its random numbers follow from that alone."""

    noise: Stream
    epoch: int = 0
    step: int = 0
    shard: int = 0


@dataclass(frozen=True)
class Layer(ABC):
    """A layer whose sizes are known. It owns no array: (rows, n_in) goes in, (rows, n_out) comes out.

    `index` is its place in the network, and in the config.
    """

    type: ClassVar[str]
    formula: ClassVar[str]
    """What it puts out in training, in a line; options in braces, as `str.format` fills them in."""
    gradient: ClassVar[str]
    """What it hands back, in a line."""

    index: int
    n_in: int
    n_out: int

    @property
    def units(self) -> Activation | None:
        """Activation of its neurons; None for a layer without neurons."""
        return None

    def parameters(self) -> tuple[Slot, ...]:
        """What is trained."""
        return ()

    def state(self) -> tuple[Slot, ...]:
        """What is remembered from training without being trained."""
        return ()

    def buffers(self, training: bool) -> dict[str, Buffer]:
        """The scratch memory it needs, for training or for inference alone."""
        return {}

    def initialize(self, out: Views, generator: np.random.Generator) -> None:
        """Write the parameters to begin with to `out`."""
        return

    def initialize_state(self, out: Views) -> None:
        """Write the state to begin with to `out`."""
        return

    @abstractmethod
    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        """The output for `x`; a training step has a position, inference has none."""

    @abstractmethod
    def backward(self, params: Views, x: Array, dy: Array, workspace: LayerArrays, grads: Views) -> Array:
        """Write the parameters' gradient to `grads`; from dL/dy, which may be overwritten, return dL/dx.

        `x` is what the last forward pass was given. The first layer of a network need not compute dL/dx.
        """

    @abstractmethod
    def input_gradient(self, params: Views, state: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dL/dx of inference, whose forward pass the workspace holds; of the first layer too.

        Where `backward` is a step of training, this is the derivative of what is answered: nothing is dropped, and
        batch_norm's statistics are constants. `dy`, dL/dy, may be overwritten.
        """


@dataclass(frozen=True)
class RowwiseLayer(Layer):
    """A layer that treats each row by itself, so that the rows of a batch can be worked on in parts, at once."""

    def backward(self, params: Views, x: Array, dy: Array, workspace: LayerArrays, grads: Views) -> Array:
        """dL/dx by `backward_rows`; a layer with parameters adds their gradient."""
        return self.backward_rows(params, dy, workspace)

    @abstractmethod
    def backward_rows(self, params: Views, dy: Array, workspace: LayerArrays) -> Array:
        """Turn `dy` into what the parameters' gradient follows from, and return dL/dx.

        The output has been left in the buffer `y`; dL/dx comes in the buffer `dx`, or without one in place of `dy`.
        """
