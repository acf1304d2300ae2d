"""Initializers of weights. Each fills an array of any shape, given the fan-in and fan-out of a unit.

For a dense layer's matrix (n_in, n_out), fan_in is n_in and fan_out is n_out.
"""

from __future__ import annotations

from typing import Annotated

from bpcli.nn.initializers.base import InitializerBase
from bpcli.spec import BareName, Family

Initializer = Annotated[
    InitializerBase,
    Family(
        {
            "glorot_uniform": "bpcli.nn.initializers.defaults:GlorotUniform",
            "glorot_normal": "bpcli.nn.initializers.scaled:GlorotNormal",
            "he_uniform": "bpcli.nn.initializers.scaled:HeUniform",
            "he_normal": "bpcli.nn.initializers.defaults:HeNormal",
            "lecun_uniform": "bpcli.nn.initializers.scaled:LecunUniform",
            "lecun_normal": "bpcli.nn.initializers.defaults:LecunNormal",
            "orthogonal": "bpcli.nn.initializers.orthogonal:Orthogonal",
            "normal": "bpcli.nn.initializers.plain:Normal",
            "uniform": "bpcli.nn.initializers.plain:Uniform",
            "data_std": "bpcli.nn.initializers.data_std:DataStd",
            "zeros": "bpcli.nn.initializers.plain:Zeros",
        }
    ),
    BareName(),
]

__all__ = ["Initializer", "InitializerBase"]
