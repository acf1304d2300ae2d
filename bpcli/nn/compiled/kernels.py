"""The compiled kernel of each kind of layer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import NamedTuple

from bpcli.nn.activations import Identity, LeakyRelu, Relu, Sigmoid, Tanh
from bpcli.nn.compiled import codes
from bpcli.nn.layers import DenseLayer, DropoutLayer, Layer, ScheduledDropoutLayer, UnbiasedDenseLayer

ACTIVATIONS: dict[type, int] = {
    Identity: codes.IDENTITY,
    Relu: codes.RELU,
    LeakyRelu: codes.LEAKY_RELU,
    Tanh: codes.TANH,
    Sigmoid: codes.SIGMOID,
}


class Kernel(NamedTuple):
    """Codes of a layer's kernel. `slope`: of its activation below 0. `masks`: the layer, if it draws masks."""

    kind: int
    activation: int = codes.IDENTITY
    slope: float = 0.0
    masks: DropoutLayer | None = None


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


def kernels_of(layers: Sequence[Layer]) -> list[Kernel] | None:
    """Kernels of all layers; None if a layer has none."""
    found = [kernel for layer in layers if (kernel := kernel_of(layer)) is not None]
    return found if len(found) == len(layers) else None


def masked_numbers(layers: Sequence[Layer]) -> int:
    """Numbers of the masks that all layers draw for a row."""
    masks = [kernel.masks for kernel in map(kernel_of, layers) if kernel is not None]
    return sum(layer.n_out for layer in masks if layer is not None)
