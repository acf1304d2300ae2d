"""A traced step: its rows, what each layer computed, the loss, and what the step changed.

Arrays are float64, which holds every float32 exactly. Those of a batch have the rows first; those of a parameter have
its shape.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bpcli.arrays.memory import Array
from bpcli.data.table import Part
from bpcli.nn.activations import Activation
from bpcli.nn.layers import Layer
from bpcli.nn.losses import LossBase
from bpcli.nn.optimizers import OptimizerBase
from bpcli.tracing.optimizers import Equation
from bpcli.training.spec import Clip, Penalty


def activation_formulas(activation: Activation) -> tuple[str, str]:
    """Formulas of f(z) and f'(z), with the activation's options."""
    options = activation.model_dump(mode="json")
    return activation.formula.format(**options), activation.derivative.format(**options)


@dataclass(frozen=True)
class TracedRow:
    """A row of the data: its number, counted from 1, its cells, and how inputs and targets are made of them."""

    row: int
    split: Part
    columns: Mapping[str, str]
    target: Mapping[str, str]
    inputs_made: Sequence[str]
    targets_made: Sequence[str]
    weight: float


@dataclass(frozen=True)
class Moment:
    """One of the optimizer's vectors around the step, as far as it belongs to one parameter array."""

    before: Array
    after: Array


@dataclass(frozen=True)
class TracedParameter:
    """A parameter array around the step, and what led from one value to the other.

    `gradient` is that of the data's loss, `applied` what penalties and bounds make of it. Moments are in the scale of
    the optimizer's paper: m and v of Adam are those of Kingma and Ba. `terms` has what the equations of the update
    give on the way, such as m̂ and v̂.
    """

    before: Array
    gradient: Array
    applied: Array
    is_weight: bool
    step: Array
    after: Array
    optimizer: Mapping[str, Moment]
    terms: Mapping[str, Array]


@dataclass(frozen=True)
class TracedLayer:
    """A layer in the step.

    `forward` has its input x and output y, `backward` the slope dy of the loss by y; a layer with an activation has z,
    the slope f'(z) and dz too. Whatever else the layer keeps for its backward pass is in `forward`.
    """

    planned: Layer
    inputs: Sequence[str]
    outputs: Sequence[str]
    forward: Mapping[str, Array]
    backward: Mapping[str, Array]
    parameters: Mapping[str, TracedParameter]

    @property
    def index(self) -> int:
        """Place in the network and in the config."""
        return self.planned.index

    @property
    def type(self) -> str:
        """Type in the config."""
        return self.planned.type

    @property
    def options(self) -> dict[str, float]:
        """Constants of its formulas."""
        return {name: value for name, value in vars(self.planned).items() if isinstance(value, float)}

    @property
    def formula(self) -> str:
        """Formula of its output, with its constants."""
        return self.planned.formula.format(**vars(self.planned))

    @property
    def gradient(self) -> str:
        """Formula of what it hands back."""
        return self.planned.gradient

    @property
    def activation(self) -> Activation | None:
        """Activation of its neurons; None for a layer without neurons."""
        return self.planned.units


@dataclass(frozen=True)
class TracedError:
    """Logits, predictions, loss and its gradient; arrays are (rows, outputs).

    `in_units` has predictions of numbers in the units of the file.
    """

    loss: LossBase
    link: str
    formula: str
    gradient: str
    logits: Array
    predictions: Array
    in_units: Array | None
    targets: Array
    dlogits: Array
    of_rows: Sequence[float]
    penalty: float


@dataclass(frozen=True)
class TracedUpdate:
    """The optimizer's step: its equations and constants, and what bounded the gradient before it."""

    optimizer: OptimizerBase
    equations: Sequence[Equation]
    decayed: Equation | None
    constants: Mapping[str, float]
    learning_rate: float
    number: int
    penalty: Penalty
    clip: Clip
    gradient_norm: float
    clip_factor: float


@dataclass(frozen=True)
class LossChange:
    """The loss of the rows around the step, with the penalties on the weights."""

    before: float
    after: float


@dataclass(frozen=True)
class Trace:
    """One training step on chosen rows; `source` is the config or checkpoint that it starts from."""

    name: str
    dtype: str
    epoch: int
    step: int
    rows: Sequence[TracedRow]
    inputs: Sequence[str]
    outputs: Sequence[str]
    layers: Sequence[TracedLayer]
    error: TracedError
    update: TracedUpdate
    loss: LossChange
    notes: Sequence[str]
    source: str
