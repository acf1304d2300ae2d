"""Availability of compiled kernels, and the description of a network for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array, aligned
from bpcli.nn.compiled import codes
from bpcli.nn.compiled.arguments import Code, ImageLayers, Vectors
from bpcli.nn.compiled.image_program import Described, describe_images, image_layers, parameters_of
from bpcli.nn.compiled.kernels import Kernel, kernels_of
from bpcli.nn.losses import LossBase
from bpcli.nn.losses.classification import BinaryCrossEntropy, CrossEntropy
from bpcli.nn.losses.regression import MeanSquaredError
from bpcli.nn.network import Network
from bpcli.nn.optimizers import OptimizerBase
from bpcli.nn.optimizers.adam import Adam
from bpcli.nn.optimizers.adam_variants import Adamw
from bpcli.nn.optimizers.sgd import Sgd


def has_kernels(network: Network, loss: LossBase, optimizer: OptimizerBase, dtype: np.dtype[Any]) -> bool:
    """Whether every part of a training step has a compiled kernel."""
    return (
        dtype == np.float32
        and network.stems.is_plain
        and kernels_of(network.layers) is not None
        and _loss_code(loss) is not None
        and _optimizer_code(optimizer) is not None
    )


def has_kernels_of_members(network: Network, members: int, rule: OptimizerBase, dtype: np.dtype[Any]) -> bool:
    """Whether members pass batches at once, and an update of them all has a kernel."""
    return (
        dtype == np.float32
        and isinstance(rule, Adam | Adamw)
        and rule.slots.keys() == {"m", "v"}
        and network.of_members(members) is not None
    )


def _loss_code(loss: LossBase) -> int | None:
    match loss:
        case CrossEntropy():
            return codes.CROSS_ENTROPY
        case BinaryCrossEntropy():
            return codes.BINARY_CROSS_ENTROPY
        case MeanSquaredError(link_function="identity"):
            return codes.SQUARED_ERROR
    return None


def _optimizer_code(rule: OptimizerBase) -> int | None:
    match rule:
        case Adam(rate_factors=None, amsgrad=False) | Adamw(rate_factors=None, decay_schedule=None):
            return codes.ADAM
        case Sgd(rate_factors=None):
            return codes.SGD
    return None


class Rules(NamedTuple):
    """Rules for a gradient before the update: penalty factors, and bounds for clipping by value and by norm."""

    l1: float = 0.0
    l2: float = 0.0
    value: float = np.inf
    norm: float = np.inf


class Program:
    """A network in training as compiled code takes it: table of layers, codes, coefficients, and memory."""

    vectors: Vectors
    flat_masks: Array

    def __init__(
        self,
        network: Network,
        loss: LossBase,
        optimizer: OptimizerBase,
        rules: Rules,
        params: Array,
        slots: Mapping[str, Array],
        *,
        batch: int,
        rows: int,
        parts: int,
        line: int,
        beside: Program | None = None,
    ) -> None:
        """Prepare calls over up to `rows` rows in batches of `batch`, with layers in `parts` parts of whole `line`s.

        beside: the same program of other vectors, whose scratch memory to use too.
        """
        from bpcli.nn.compiled.library import sgemm_address

        kernels, dtype = kernels_of(network.layers), params.dtype
        loss_code, rule_code, gemm = _loss_code(loss), _optimizer_code(optimizer), sgemm_address()
        if loss_code is None or rule_code is None or kernels is None or gemm is None or dtype != np.float32:
            raise ValueError("this plan has no compiled kernels")
        described = [pair for pair in zip(network.layers, kernels, strict=True) if pair[1].kind != codes.NONE]
        ahead = described[: image_layers(described)]
        dense, weight, bias, end = described[len(ahead) :], 0, network.layout.weights, 0
        self.images, lines = None, []
        if ahead:
            self.images, end = describe_images(ahead, batch=batch, parts=parts, biases_at=bias, line=line)
            weight, bias = (at + count for _, _, at, count in parameters_of(self.images, bias))
            dense, lines = [(ahead[-1][0], Kernel(codes.IMAGES)), *dense], list(self.images.layers)
        table = np.zeros((len(dense), codes.COLUMNS), np.int64)
        if self.images is not None:
            table[0, codes.OUTPUT] = self.images.layers[-1, codes.OUTPUT]
        end = _lay_out(table, dense, batch, weight, bias, end)
        self._make_masks([*lines, *table], described, rows, beside)
        self.parts = parts
        widths = [network.n_in, *(layer.n_out for layer, _ in dense)]
        cut = np.array([cuts(width, parts, line) for width in widths], np.int64)
        self.code = Code(
            gemm=gemm,
            layers=table,
            slopes=np.array([kernel.slope for _, kernel in dense], np.float32),
            loss=loss_code,
            smoothing=np.float32(getattr(loss, "label_smoothing", 0.0)),
            optimizer=rule_code,
            coefficients=_coefficients(optimizer),
            rules=np.array(rules, np.float32),
            cuts=cut,
            **_blocks(table, cut, self.images, network.layout.weights, line),
        )
        none = np.empty(0, np.float32)
        m, v = (slots.get(name, none) for name in ("m", "v"))
        memory = aligned(end, dtype) if beside is None else beside.vectors.memory
        self.vectors = Vectors(params, aligned(params.size, dtype), m, v, memory, np.zeros((2, parts)))

    def _make_masks(
        self, lines: Sequence[NDArray[np.int64]], layers: Described, rows: int, beside: Program | None
    ) -> None:
        """Memory of the masks of all layers with dropout, and its start in their lines of the tables."""
        self.dropout = [kernel.masks for _, kernel in layers if kernel.masks is not None]
        ends = np.cumsum([0, *(rows * layer.n_out for layer in self.dropout)])
        self.flat_masks = np.empty(ends[-1], np.float32) if beside is None else beside.flat_masks
        self.masks = [self.flat_masks[start:stop].reshape(rows, -1) for start, stop in pairwise(ends)]
        of_dropout = (line for line in lines if line[codes.KIND] == codes.DROPOUT)
        for line, start in zip(of_dropout, ends[:-1], strict=True):
            line[codes.MASK] = start


def _lay_out(table: NDArray[np.int64], layers: Described, rows: int, weight: int, bias: int, end: int) -> int:
    """Fill the table of layers, from the first weight, bias and number of memory on. Returns the end of memory."""
    for line, (layer, kernel) in zip(table, layers, strict=True):
        line[codes.KIND], line[codes.ACTIVATION] = kernel.kind, kernel.activation
        line[codes.N_IN], line[codes.N_OUT] = layer.n_in, layer.n_out
        if kernel.kind != codes.IMAGES:  # their outputs have places
            line[codes.OUTPUT], end = end, end + rows * layer.n_out
        if kernel.kind == codes.DENSE:
            line[codes.WEIGHT], weight = weight, weight + layer.n_in * layer.n_out
            line[codes.BIAS], bias = bias, bias + layer.n_out
    for index in range(len(layers) - 1, -1, -1):
        if index + 1 < len(layers) and layers[index + 1][1].kind == codes.DROPOUT:
            table[index, codes.ERROR] = table[index + 1, codes.ERROR]
        else:
            table[index, codes.ERROR], end = end, end + rows * layers[index][0].n_out
    return end


def _blocks(
    table: NDArray[np.int64], cut: NDArray[np.int64], images: ImageLayers | None, biases_at: int, line_size: int
) -> dict[str, NDArray[np.int64]]:
    """`blocks` and `ends` of the code: parameters by part."""
    blocks, ends, parts = [], [0], cut.shape[1] - 1
    ahead = [] if images is None else parameters_of(images, biases_at)
    for part in range(parts):
        for is_weight, of_gradient, at, count in ahead:
            first, last = cuts(count, parts, line_size)[part : part + 2]
            if last > first:
                blocks.append((is_weight, 0, of_gradient + first, at + first, at + last))
        for index, line in enumerate(table):
            if line[codes.KIND] == codes.DENSE:
                for is_weight, side, at, width in (
                    (1, index, line[codes.WEIGHT], line[codes.N_OUT]),
                    (0, index + 1, line[codes.BIAS], 1),
                ):
                    first, last = cut[side, part : part + 2]
                    if last > first:
                        blocks.append((is_weight, index, first, at + first * width, at + last * width))
        ends.append(len(blocks))
    return {"blocks": np.array(blocks, np.int64), "ends": np.array(ends, np.int64)}


def cuts(size: int, parts: int, line: int) -> list[int]:
    """Boundaries of parts of `size` units. The last part may be larger than others, and some may be empty."""
    return [size * number // parts // line * line for number in range(parts)] + [size]


def _coefficients(rule: OptimizerBase) -> NDArray[np.float64]:
    return np.array(
        [float(getattr(rule, name, 0.0)) for name in ("beta1", "beta2", "epsilon", "momentum", "nesterov")]
        + [rule.decay]
    )
