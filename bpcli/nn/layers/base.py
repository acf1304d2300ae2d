"""Base classes of planned layers: shapes, names, and maths on arrays owned by the caller."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import ClassVar

import numpy as np

from bpcli.arrays.fields import Grid, Input
from bpcli.arrays.layout import Slot, SparseRows
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, LayerArrays
from bpcli.errors import Mismatch, MismatchError
from bpcli.nn.activations import Activation
from bpcli.nn.layers.gathering import Gathering
from bpcli.randomness import Stream
from bpcli.spec import Spec, type_name

FIRST_STEM = 1 << 16
"""Index of the first stem in random streams, above the index of any layer."""

Shape = tuple[int, ...]

Views = Mapping[str, Array]
"""Arrays of one layer by name: parameters, gradients, state or scratch."""


@dataclasses.dataclass
class Position:
    """Position in training: epoch, step, shard of the batch, and ensemble member.

    It determines random numbers and, with the steps per epoch and the planned epochs, what follows a schedule.
    """

    noise: Stream
    epoch: int = 0
    step: int = 0
    shard: int = 0
    member: int = 0
    steps_per_epoch: int = 1
    epochs: int = 1


@dataclass(frozen=True)
class LayerSummary:
    """Figures of a layer for lists. `activation` is the type of its units; None for a layer without units."""

    index: int
    type: str
    activation: str | None
    in_shape: Shape
    out_shape: Shape
    parameters: int


@dataclass(frozen=True)
class Layer(ABC):
    """Layer of known shapes. It owns no array: input is (rows, *in_shape), output (rows, *out_shape).

    `index` is its position in the network and in the config.
    """

    type: ClassVar[str]
    formula: ClassVar[str]
    """Output in training on one line, with options in braces for `str.format`."""
    gradient: ClassVar[str]
    """dL/dx on one line."""

    index: int
    in_shape: Shape
    out_shape: Shape
    needs_dx: bool = field(default=True, kw_only=True)
    """Whether an earlier layer needs dL/dx in training."""

    is_rowwise: ClassVar[bool] = False
    """Whether it computes each row independently of the others, as a RowwiseLayer."""

    @property
    def n_in(self) -> int:
        """Inputs per row."""
        return prod(self.in_shape)

    @property
    def n_out(self) -> int:
        """Outputs per row."""
        return prod(self.out_shape)

    @property
    def within(self) -> tuple[Layer, ...]:
        """Layers that it consists of, one after another; none for any but a sequence of layers."""
        return ()

    @property
    def least_rows(self) -> int:
        """Rows that a batch must have for the layer to pass a gradient on."""
        return 1

    @property
    def units(self) -> Activation | None:
        """Activation of the units; None for a layer without units."""
        return None

    @property
    def n_units(self) -> int:
        """Number of outputs, or of the channels of a grid, whose positions share their parameters."""
        return self.out_shape[-1] if isinstance(self.out_shape, Grid) else self.n_out

    def by_unit(self, y: Array) -> Array:
        """View of outputs (rows, *out_shape) as (values, n_units): a channel has a value at each position."""
        return y.reshape(-1, self.n_units)

    @property
    def multiplications(self) -> int:
        """Multiplications per row in matrix products."""
        return 0

    @property
    def linear_in_pieces(self) -> bool:
        """Whether inference is piecewise linear, with pieces that meet only where one of its `weighted_sums` is 0."""
        return False

    @property
    def bends(self) -> bool:
        """Whether the output has a kink where one of its `weighted_sums` is 0."""
        return self.units is not None and not self.units.smooth

    @property
    def starts_at_zero(self) -> bool:
        """Whether all weights are 0 before the first step."""
        return False

    def output_names(self, inputs: tuple[str, ...]) -> tuple[str, ...]:
        """Names of the outputs, from those of the inputs; unchanged if the shape is."""
        return inputs if self.out_shape == self.in_shape else tuple(f"output {place}" for place in range(self.n_out))

    def feature_names(self, field: str, numbers: Sequence[str]) -> tuple[str, ...]:
        """Names of the outputs of a stem of this field: `city 0`, `city 1` … numbers: names of what it takes."""
        return tuple(f"{field} {place}" for place in range(self.n_out))

    def summary(self) -> LayerSummary:
        """Figures of the layer for lists."""
        activation = None if self.units is None else type_name(self.units)
        size = sum(slot.size for slot in self.parameters())
        return LayerSummary(self.index, self.type, activation, self.in_shape, self.out_shape, size)

    def of_members(self, count: int) -> Layer | None:
        """Layer that passes the batches of `count` members at once; None if it passes one member at a time.

        A batch then holds the rows of the first member, then those of the second, and so on, in equal numbers. Views
        of parameters and gradients have the members in front.
        """
        return self if self.is_rowwise and not self.parameters() else None

    def with_units(self, activation: Activation) -> Layer:
        """Copy with units of another activation; the layer itself if it has no units."""
        return self

    def weighted_sums(self, params: Views, x: Array) -> Array:
        """Pre-activations (rows, units) in a new array. Raises TypeError for a layer without units."""
        raise TypeError(f"a layer of type {self.type} has no units")

    def activated(self, sums: Array) -> Array:
        """Output (rows, units) for pre-activations, in a new array. Raises TypeError for a layer without units."""
        raise TypeError(f"a layer of type {self.type} has no units")

    def of_tokens(self, tokens: tuple[SparseRows, ...]) -> Layer:
        """Layer whose inputs are tokens in these rows of its weights. Raises MismatchError unless `gathers`."""
        what = f"a layer of type {self.type} takes no text: begin with a dense layer, or give the column an embedding"
        raise MismatchError(Mismatch(("layers", self.index), f"{what} (`data.columns.{tokens[0].field}.embedding`)"))

    @property
    def gathers(self) -> bool:
        """Whether `forward_gathered` can take codes instead of one-hot features."""
        return False

    def forward_gathered(
        self, params: Views, x: tuple[Input, ...], gathering: Gathering, workspace: LayerArrays, memory: Views
    ) -> Array:
        """Output for x as `gathering` describes it; `memory` holds its buffers. Raises TypeError unless `gathers`."""
        raise TypeError(f"a layer of type {self.type} does not gather")

    def backward_gathered(
        self,
        params: Views,
        x: tuple[Input, ...],
        dy: Array,
        gathering: Gathering,
        workspace: LayerArrays,
        memory: Views,
        grads: Views,
    ) -> Array:
        """Write the parameters' gradient to `grads`, from dL/dy and the x of the last `forward_gathered`.

        Returns dL/dx of the dense features if `memory` has room for it; otherwise it is undefined.
        """
        raise TypeError(f"a layer of type {self.type} does not gather")

    def parameters(self) -> tuple[Slot, ...]:
        """Slots of the trained parameters."""
        return ()

    def state(self) -> tuple[Slot, ...]:
        """Slots of the state: arrays that training updates without a gradient."""
        return ()

    def buffers(self, training: bool) -> dict[str, Buffer]:
        """Scratch memory by name, for training or for inference alone."""
        return {}

    def initialize(self, out: Views, generator: np.random.Generator) -> None:
        """Write the initial parameters to `out`."""
        return

    def initialize_state(self, out: Views) -> None:
        """Write the initial state to `out`."""
        return

    @property
    def initialized_by_rows(self) -> bool:
        """Whether initial parameters depend on training rows."""
        return False

    def initialize_by_rows(self, out: Views, x: Array, generator: np.random.Generator) -> None:
        """Adapt the initial parameters in `out` to inputs (rows, *in_shape)."""
        return

    def of_features(self, params: Views, state: Views, x: Array) -> Array:
        """Output (rows, n_out) in inference for the features of the field (rows, width), codes one-hot, in a new array.

        Raises TypeError unless it is a stem.
        """
        raise TypeError(f"a layer of type {self.type} takes no features of a field")

    def features_gradient(self, params: Views, state: Views, x: Array, dy: Array) -> Array:
        """dL/dx of `of_features` (rows, width), from dL/dy (rows, n_out), in a new array. Raises TypeError likewise."""
        raise TypeError(f"a layer of type {self.type} takes no features of a field")

    @abstractmethod
    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        """Output for `x`. `position` is None in inference."""

    @abstractmethod
    def backward(self, params: Views, x: Array, dy: Array, workspace: LayerArrays, grads: Views) -> Array:
        """Write the parameters' gradient to `grads` and return dL/dx. `dy`, dL/dy, may be overwritten.

        `x` is the input of the last forward pass. The returned array is undefined unless `needs_dx`.
        """

    @abstractmethod
    def input_gradient(self, params: Views, state: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dL/dx of the last forward pass in inference, which the workspace holds; defined for the first layer too.

        Differs from `backward`: nothing is dropped, and batch_norm's statistics are constants. `dy`, dL/dy, may
        be overwritten.
        """


class LayerSpecBase(Spec):
    """Base class of layers in a config."""

    @abstractmethod
    def plan(self, index: int, in_shape: Shape) -> Layer:
        """Layer for inputs (rows, *in_shape). Raises MismatchError for shapes that do not fit."""


def each_of(in_shape: Shape) -> Shape:
    """Shape of the parameters of a norm: of all inputs, or of the channels of an image or a series."""
    return in_shape[-1:] if isinstance(in_shape, Grid) else in_shape
