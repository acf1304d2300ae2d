"""Data of a traced step: rows, values of each layer, loss, and update.

Arrays are float64, which represents every float32 exactly. Arrays of a batch have the rows on the first axis; arrays of
a parameter have its shape.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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
    """Row of the data: its number, counted from 1, its cells, and the origin of inputs and targets."""

    row: int
    split: Part
    columns: Mapping[str, str]
    target: Mapping[str, str]
    inputs_made: Sequence[str]
    targets_made: Sequence[str]
    weight: float


@dataclass(frozen=True)
class Moment:
    """One of the optimizer's vectors before and after the step, for one parameter array."""

    before: Array
    after: Array


@dataclass(frozen=True)
class TracedParameter:
    """Parameter array before and after the step, with everything that leads from one to the other.

    `gradient` is that of the data loss; `applied` also includes penalties and clipping. Moments are in the scale of
    the optimizer's paper: Adam's m and v are those of Kingma and Ba. `terms` holds results of the update's other
    equations, such as m̂ and v̂.
    """

    before: Array
    gradient: Array
    applied: Array
    is_weight: bool
    step: Array
    after: Array
    optimizer: Mapping[str, Moment]
    terms: Mapping[str, Array]
    rate_factor: float = 1.0
    """Factor on the learning rate."""


@dataclass(frozen=True)
class TracedLayer:
    """Layer in the step.

    `forward` has the input x and output y, `backward` the gradient dy of the loss with respect to y. A layer with
    an activation also has z, the slope f'(z), and dz. Other arrays that the layer keeps for its backward pass are
    in `forward`.
    """

    planned: Layer
    inputs: Sequence[str]
    outputs: Sequence[str]
    forward: Mapping[str, Array]
    backward: Mapping[str, Array]
    parameters: Mapping[str, TracedParameter]
    field: str | None = None
    """Field of which it is the trained stem."""

    @property
    def name(self) -> str:
        """Prefix of its parameters' names."""
        return f"layers.{self.index}" if self.field is None else f"stems.{self.field}"

    @property
    def index(self) -> int:
        """Index in the network and in the config."""
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
        """Formula of dL/dx."""
        return self.planned.gradient

    @property
    def activation(self) -> Activation | None:
        """Activation of its neurons; None for a layer without neurons."""
        return self.planned.units


@dataclass(frozen=True)
class TracedError:
    """Logits, predictions, loss and its gradient; arrays are (rows, outputs).

    `in_units` has numeric predictions in the units of the file.
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
    """Optimizer's step: equations and constants, and the clipping of the gradient."""

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
    own_factors: Mapping[str, float] = field(default_factory=dict)
    """Learning-rate factor of the parameters of some stems, by their type; other factors do not apply to these."""


@dataclass(frozen=True)
class LossChange:
    """Loss of the rows before and after the step, including penalties."""

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
    stems: Sequence[TracedLayer] = ()
    """The trained stems, whose outputs are inputs of the first layer."""
    terms: Sequence[int] = ()
    """Indices of the inputs that are terms of texts."""
