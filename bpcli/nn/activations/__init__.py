"""Activations: each class holds its spec, function and derivative; the union is the registry."""

from __future__ import annotations

from typing import Annotated

from bpcli.nn.activations.base import ActivationBase, Scratch
from bpcli.nn.activations.bounded import Identity, Sigmoid, Softsign, Tanh
from bpcli.nn.activations.gated import Gelu, Mish, Silu
from bpcli.nn.activations.rectified import Elu, LeakyRelu, Relu, Selu, Softplus
from bpcli.spec import BareName, Family

Activation = Annotated[
    Identity | Sigmoid | Tanh | Relu | LeakyRelu | Elu | Selu | Gelu | Silu | Mish | Softplus | Softsign,
    Family(),
    BareName(),
]


__all__ = [
    "Activation",
    "ActivationBase",
    "Elu",
    "Gelu",
    "Identity",
    "LeakyRelu",
    "Mish",
    "Relu",
    "Scratch",
    "Selu",
    "Sigmoid",
    "Silu",
    "Softplus",
    "Softsign",
    "Tanh",
]
