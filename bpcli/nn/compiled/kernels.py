"""The compiled kernel of each kind of layer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import NamedTuple

from bpcli.nn.activations.bounded import Identity, Tanh
from bpcli.nn.activations.rectified import LeakyRelu, Relu
from bpcli.nn.activations.sigmoids import Sigmoid
from bpcli.nn.compiled import codes
from bpcli.nn.layers import Layer
from bpcli.nn.layers.avg_pool import AvgPoolLayer
from bpcli.nn.layers.conv_layer import ConvLayer
from bpcli.nn.layers.dense_layer import DenseLayer
from bpcli.nn.layers.dropout_layer import DropoutLayer
from bpcli.nn.layers.flatten import FlattenLayer
from bpcli.nn.layers.global_avg_pool import GlobalAvgPoolLayer
from bpcli.nn.layers.grids import Sliding
from bpcli.nn.layers.max_pool import MaxPoolLayer
from bpcli.nn.layers.scheduled_dropout import ScheduledDropoutLayer
from bpcli.nn.layers.unbiased_dense import UnbiasedDenseLayer
from bpcli.nn.layers.windows import Extent

ACTIVATIONS: dict[type, int] = {
    Identity: codes.IDENTITY,
    Relu: codes.RELU,
    LeakyRelu: codes.LEAKY_RELU,
    Tanh: codes.TANH,
    Sigmoid: codes.SIGMOID,
}


class Kernel(NamedTuple):
    """Codes of a layer's kernel. `slope`: of its activation below 0. `masks`: the layer, if it draws masks.

    `sliding`: the windows of a layer of images.
    """

    kind: int
    activation: int = codes.IDENTITY
    slope: float = 0.0
    masks: DropoutLayer | None = None
    sliding: Sliding | None = None


@singledispatch
def kernel_of(layer: Layer) -> Kernel | None:
    """Kernel of a layer; None for a layer without one."""
    return None


@kernel_of.register
def _dense(layer: DenseLayer) -> Kernel | None:
    code = ACTIVATIONS.get(type(layer.activation))
    return None if code is None else Kernel(codes.DENSE, code, getattr(layer.activation, "slope", 0.0))


@kernel_of.register
def _unbiased_dense(layer: UnbiasedDenseLayer) -> None:
    return None  # kernels add biases


@kernel_of.register
def _dropout(layer: DropoutLayer) -> Kernel:
    return Kernel(codes.DROPOUT, masks=layer)


@kernel_of.register
def _scheduled_dropout(layer: ScheduledDropoutLayer) -> None:
    return None  # kernels have one rate


@kernel_of.register
def _conv(layer: ConvLayer) -> Kernel | None:
    code = ACTIVATIONS.get(type(layer.activation))
    if code is None or layer.groups > 1 or not layer.bias:
        return None
    return Kernel(codes.CONV, code, getattr(layer.activation, "slope", 0.0), sliding=layer.sliding)


@kernel_of.register
def _max_pool(layer: MaxPoolLayer) -> Kernel:
    return Kernel(codes.MAX_POOL, sliding=layer.sliding)


@kernel_of.register
def _avg_pool(layer: AvgPoolLayer) -> Kernel:
    return Kernel(codes.AVG_POOL, sliding=layer.sliding)


@kernel_of.register
def _global_avg_pool(layer: GlobalAvgPoolLayer) -> Kernel:
    height, width, channels = (1, *layer.in_shape)[-3:]
    one = Extent(windows=1, before=0, stride=1)
    return Kernel(codes.AVG_POOL, sliding=Sliding((height, width, channels), (height, width), (one, one)))


@kernel_of.register
def _flatten(layer: FlattenLayer) -> Kernel:
    return Kernel(codes.NONE)


def kernels_of(layers: Sequence[Layer]) -> list[Kernel] | None:
    """Kernels of all layers; None if a layer has none."""
    found = [kernel for layer in layers if (kernel := kernel_of(layer)) is not None]
    return found if len(found) == len(layers) else None


def masked_numbers(layers: Sequence[Layer]) -> int:
    """Numbers of the masks that all layers draw for a row."""
    masks = [kernel.masks for kernel in map(kernel_of, layers) if kernel is not None]
    return sum(layer.n_out for layer in masks if layer is not None)
