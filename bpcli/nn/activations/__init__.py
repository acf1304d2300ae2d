"""Activations: each class holds its spec, function and derivative; the family is the registry."""

from __future__ import annotations

from typing import Annotated

from bpcli.nn.activations.base import ActivationBase, Scratch
from bpcli.spec import BareName, Family

Activation = Annotated[
    ActivationBase,
    Family(
        {
            "identity": "bpcli.nn.activations.bounded:Identity",
            "sigmoid": "bpcli.nn.activations.sigmoids:Sigmoid",
            "tanh": "bpcli.nn.activations.bounded:Tanh",
            "relu": "bpcli.nn.activations.rectified:Relu",
            "leaky_relu": "bpcli.nn.activations.rectified:LeakyRelu",
            "elu": "bpcli.nn.activations.exponential:Elu",
            "selu": "bpcli.nn.activations.exponential:Selu",
            "gelu": "bpcli.nn.activations.gated:Gelu",
            "silu": "bpcli.nn.activations.gated:Silu",
            "mish": "bpcli.nn.activations.gated:Mish",
            "softplus": "bpcli.nn.activations.exponential:Softplus",
            "softsign": "bpcli.nn.activations.sigmoids:Softsign",
        }
    ),
    BareName(),
]

__all__ = ["Activation", "ActivationBase", "Scratch"]
