"""What every planned layer is: sizes, names, and maths on arrays that it is handed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import ClassVar

import numpy as np

from bpcli.arrays.layout import Slot
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, LayerArrays
from bpcli.nn.activations import Activation
from bpcli.nn.layers.gathering import Gathering
from bpcli.randomness import Stream
from bpcli.spec import type_name

Shape = tuple[int, ...]

Views = Mapping[str, Array]
"""One layer's arrays by name: parameters, gradients, state or scratch."""


@dataclass
class Position:
    """A training step, the part of its rows and the member at work: random numbers follow from that alone."""

    noise: Stream
    epoch: int = 0
    step: int = 0
    shard: int = 0
    member: int = 0


@dataclass(frozen=True)
class LayerSummary:
    """A layer in figures; `activation` is the type of its units, None without any."""

    index: int
    type: str
    activation: str | None
    in_shape: Shape
    out_shape: Shape
    parameters: int


@dataclass(frozen=True)
class Layer(ABC):
    """A layer of known shapes. It owns no array: (rows, *in_shape) goes in, (rows, *out_shape) comes out.

    `index` is its place in the network, and in the config.
    """

    type: ClassVar[str]
    formula: ClassVar[str]
    """What it puts out in training, in a line; options in braces, as `str.format` fills them in."""
    gradient: ClassVar[str]
    """What it hands back, in a line."""

    index: int
    in_shape: Shape
    out_shape: Shape
    needs_dx: bool = field(default=True, kw_only=True)
    """Whether anything before it uses the dL/dx of its training step."""

    @property
    def n_in(self) -> int:
        """Numbers a row that it takes."""
        return prod(self.in_shape)

    @property
    def n_out(self) -> int:
        """Numbers a row that it puts out."""
        return prod(self.out_shape)

    @property
    def units(self) -> Activation | None:
        """The activation of its units; None for a layer without any."""
        return None

    @property
    def multiplications(self) -> int:
        """Multiplications a row in its matrix products."""
        return 0

    @property
    def linear_in_pieces(self) -> bool:
        """Whether what it answers in inference is made of linear pieces, bounded where its `weighted_sums` are 0."""
        return False

    @property
    def bends(self) -> bool:
        """Whether what it puts out has a kink where one of its `weighted_sums` is 0."""
        return self.units is not None and not self.units.smooth

    @property
    def units_stay_alike(self) -> bool:
        """Whether its units begin alike, and so get the same gradient in every step."""
        return False

    def output_names(self, inputs: tuple[str, ...]) -> tuple[str, ...]:
        """Names of its outputs, given those of its inputs: the same where the shape is."""
        return inputs if self.out_shape == self.in_shape else tuple(f"output {place}" for place in range(self.n_out))

    def summary(self) -> LayerSummary:
        """What lists of layers show."""
        activation = None if self.units is None else type_name(self.units)
        size = sum(slot.size for slot in self.parameters())
        return LayerSummary(self.index, self.type, activation, self.in_shape, self.out_shape, size)

    def with_units(self, activation: Activation) -> Layer:
        """The same layer with units of another activation; itself where it has none."""
        return self

    def weighted_sums(self, params: Views, x: Array) -> Array:
        """What its units apply their activation to, (rows, units), in a new array."""
        raise TypeError(f"a layer of type {self.type} has no units")

    @property
    def gathers(self) -> bool:
        """Whether it can take codes in place of their one-hot features, by `forward_gathered`."""
        return False

    def forward_gathered(
        self, params: Views, x: tuple[Array, ...], gathering: Gathering, workspace: LayerArrays, memory: Views
    ) -> Array:
        """The output for x as `gathering` describes it, with the scratch memory that it asks for."""
        raise TypeError(f"a layer of type {self.type} does not gather")

    def backward_gathered(
        self,
        params: Views,
        x: tuple[Array, ...],
        dy: Array,
        gathering: Gathering,
        workspace: LayerArrays,
        memory: Views,
        grads: Views,
    ) -> None:
        """Write the parameters' gradient to `grads`, from dL/dy and the x of the last `forward_gathered`."""
        raise TypeError(f"a layer of type {self.type} does not gather")

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

        `x` is what the last forward pass was given. Where `needs_dx` is false, what is returned means nothing.
        """

    @abstractmethod
    def input_gradient(self, params: Views, state: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dL/dx of inference, whose forward pass the workspace holds; of the first layer too.

        Where `backward` is a step of training, this is the derivative of what is answered: nothing is dropped, and
        batch_norm's statistics are constants. `dy`, dL/dy, may be overwritten.
        """


@dataclass(frozen=True)
class RowwiseLayer(Layer):
    """A layer that treats each row by itself, so that the rows of a batch can be worked on in parts, at once.

    The gradient of its parameters is computed from all rows together: of its weights in blocks of inputs, of all
    others in one piece.
    """

    @property
    def weight_rows(self) -> int:
        """First axis of its weights, between whose entries their gradient can be divided; 0 without weights."""
        return 0

    def weight_gradient(self, x: Array, dz: Array, rows: slice, grads: Views) -> None:
        """Write the gradient of some rows of its weights, from `x` and from what `backward_rows` made of dL/dy."""
        return

    def bias_gradient(self, dz: Array, workspace: LayerArrays, grads: Views) -> None:
        """Write the gradient of all parameters that are no weights, from what `backward_rows` made of dL/dy."""
        return

    def backward(self, params: Views, x: Array, dy: Array, workspace: LayerArrays, grads: Views) -> Array:
        """dL/dx by `backward_rows`; a layer with parameters adds their gradient."""
        return self.backward_rows(params, dy, workspace)

    @abstractmethod
    def backward_rows(self, params: Views, dy: Array, workspace: LayerArrays) -> Array:
        """Turn `dy` into what the parameters' gradient follows from, and return dL/dx.

        The output has been left in the buffer `y`; dL/dx comes in the buffer `dx`, or without one in place of `dy`.
        """


def rowwise(layers: Iterable[Layer]) -> list[RowwiseLayer]:
    """The layers, known to treat each row by itself; raises TypeError for one that does not."""
    found = []
    for layer in layers:
        if not isinstance(layer, RowwiseLayer):
            raise TypeError(f"a layer of type {layer.type} does not treat each row by itself")
        found.append(layer)
    return found
