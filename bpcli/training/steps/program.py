"""A plan as compiled code takes it, and whether it is to be taken so."""

from __future__ import annotations

from importlib.util import find_spec
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array, aligned
from bpcli.nn.activations import Identity, LeakyRelu, Relu, Sigmoid, Tanh
from bpcli.nn.compiled import codes
from bpcli.nn.layers import DenseLayer, DropoutLayer
from bpcli.nn.losses import BinaryCrossEntropy, CrossEntropy, LossBase, MeanSquaredError
from bpcli.nn.optimizers import Adam, Adamw, OptimizerBase, Sgd
from bpcli.training.plan import TrainingPlan
from bpcli.training.state import TrainingState
from bpcli.training.steps.cut import cuts, operations, part_count

ACTIVATIONS: dict[type, int] = {
    Identity: codes.IDENTITY,
    Relu: codes.RELU,
    LeakyRelu: codes.LEAKY_RELU,
    Tanh: codes.TANH,
    Sigmoid: codes.SIGMOID,
}

WORTHWHILE_SECONDS = 0.1
"""Of an epoch in NumPy, about, from which machine code pays, 10 s of the 100 epochs that there are by default: loading
it takes half a second, making it, the first time that it is used on a machine, some seven seconds. What is estimated
follows from the network, the batches and the number of rows, and not from the epochs: a run that goes on with more of
them must not change its way, and its last digits with it."""

STEP_SECONDS, OPERATION_SECONDS = 10e-6, 1 / 60e9
"""NumPy's time for a step, per layer, and per floating-point operation of its matrix products."""


def is_compiled(plan: TrainingPlan) -> bool:
    """Whether steps are taken as machine code: the plan can be so done, epochs are long, and it can be made here."""
    if not can_be_compiled(plan) or numpy_seconds(plan) < WORTHWHILE_SECONDS or find_spec("numba") is None:
        return False
    from bpcli.nn.compiled.blas import sgemm_address

    return sgemm_address() is not None


def numpy_seconds(plan: TrainingPlan) -> float:
    """A rough estimate of what an epoch takes in NumPy on one core."""
    return plan.steps_per_epoch * (STEP_SECONDS * len(plan.network.layers) + OPERATION_SECONDS * operations(plan))


def can_be_compiled(plan: TrainingPlan) -> bool:
    """Whether there is machine code for all that the plan asks for."""
    layers = plan.network.layers
    return (
        plan.dtype == np.float32
        and all(
            type(layer.activation) in ACTIVATIONS if isinstance(layer, DenseLayer) else isinstance(layer, DropoutLayer)
            for layer in layers
        )
        and _loss_code(plan.loss) is not None
        and _optimizer_code(plan.optimizer) is not None
    )


def _loss_code(loss: LossBase) -> int | None:
    match loss:
        case CrossEntropy(label_smoothing=0.0):
            return codes.CROSS_ENTROPY
        case BinaryCrossEntropy():
            return codes.BINARY_CROSS_ENTROPY
        case MeanSquaredError(link_function="identity"):
            return codes.SQUARED_ERROR
    return None


def _optimizer_code(rule: OptimizerBase) -> int | None:
    match rule:
        case Adam(amsgrad=False) | Adamw():
            return codes.ADAM
        case Sgd():
            return codes.SGD
    return None


class Program:
    """A plan as compiled code takes it: a table of layers, codes, coefficients, and one piece of memory."""

    def __init__(self, plan: TrainingPlan, state: TrainingState, rows: int) -> None:
        """For calls over at most `rows` rows; the memory is for one batch at a time."""
        from bpcli.nn.compiled.blas import sgemm_address

        layers = plan.network.layers
        loss, optimizer, gemm = _loss_code(plan.loss), _optimizer_code(plan.optimizer), sgemm_address()
        if loss is None or optimizer is None or gemm is None:
            raise ValueError("there is no machine code for this plan")
        self.loss, self.optimizer, self.gemm = loss, optimizer, gemm
        self.layers = np.zeros((len(layers), codes.COLUMNS), np.int64)
        self.slopes = np.array([_slope(layer) for layer in layers], np.float32)
        self.coefficients = _coefficients(plan.optimizer)
        self.rules = _rules(plan)
        self.params = state.params
        self.grads = aligned(state.params.size, plan.dtype)
        none = np.empty(0, np.float32)
        self.m, self.v = (state.optimizer.slots.get(name, none) for name in ("m", "v"))
        self.memory = aligned(self._lay_out(plan, plan.batch_size), plan.dtype)
        self.dropout = [layer for layer in layers if isinstance(layer, DropoutLayer)]
        ends = np.cumsum([0, *(rows * layer.n_out for layer in self.dropout)])
        self.flat_masks = np.empty(ends[-1], np.float32)
        self.masks = [self.flat_masks[start:stop].reshape(rows, -1) for start, stop in pairwise(ends)]
        self.layers[[layer.index for layer in self.dropout], codes.MASK] = ends[:-1]
        self.parts = part_count(plan)
        widths = [plan.network.n_in, *(layer.n_out for layer in layers)]
        self.cuts = np.array([cuts(width, self.parts) for width in widths], np.int64)
        self.blocks, self.ends = self._blocks()
        self.sums = np.zeros((2, self.parts))

    def _lay_out(self, plan: TrainingPlan, rows: int) -> int:
        """Fill the table; gives the size of the memory for outputs, and for the errors that come back to them."""
        table, layers = self.layers, plan.network.layers
        weight, bias, end = 0, plan.network.layout.weights, 0
        for line, layer in zip(table, layers, strict=True):
            line[codes.N_IN], line[codes.N_OUT] = layer.n_in, layer.n_out
            line[codes.OUTPUT], end = end, end + rows * layer.n_out
            if isinstance(layer, DenseLayer):
                line[codes.KIND], line[codes.ACTIVATION] = codes.DENSE, ACTIVATIONS[type(layer.activation)]
                line[codes.WEIGHT], weight = weight, weight + layer.n_in * layer.n_out
                line[codes.BIAS], bias = bias, bias + layer.n_out
            else:
                line[codes.KIND] = codes.DROPOUT
        for index in range(len(layers) - 1, -1, -1):
            if index + 1 < len(layers) and isinstance(layers[index + 1], DropoutLayer):
                table[index, codes.ERROR] = table[index + 1, codes.ERROR]
            else:
                table[index, codes.ERROR], end = end, end + rows * layers[index].n_out
        return end

    def _blocks(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The parameters by part, and where the blocks of each part begin and end."""
        blocks, ends = [], [0]
        for part in range(self.parts):
            for index, line in enumerate(self.layers):
                if line[codes.KIND] == codes.DENSE:
                    for is_weight, side, at, width in (
                        (1, index, line[codes.WEIGHT], line[codes.N_OUT]),
                        (0, index + 1, line[codes.BIAS], 1),
                    ):
                        first, last = self.cuts[side, part : part + 2]
                        if last > first:
                            blocks.append((is_weight, index, first, at + first * width, at + last * width))
            ends.append(len(blocks))
        return np.array(blocks, np.int64), np.array(ends, np.int64)


def _slope(layer: object) -> float:
    return layer.activation.slope if isinstance(layer, DenseLayer) and isinstance(layer.activation, LeakyRelu) else 0.0


def _coefficients(rule: OptimizerBase) -> NDArray[np.float64]:
    return np.array(
        [float(getattr(rule, name, 0.0)) for name in ("beta1", "beta2", "epsilon", "momentum", "nesterov")]
        + [rule.decay]
    )


def _rules(plan: TrainingPlan) -> Array:
    penalty, clip = plan.spec.penalty, plan.spec.clip
    bounds = [np.inf if bound is None else bound for bound in (clip.value, clip.norm)]
    return np.array([penalty.l1, penalty.l2, *bounds], np.float32)
