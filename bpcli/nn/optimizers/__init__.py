"""Optimizers: each class holds its spec, the coefficients of a step, and a kernel; the union is the registry."""

from __future__ import annotations

from typing import Annotated

from bpcli.nn.optimizers.adam import Adam, Adamw, Nadam
from bpcli.nn.optimizers.adaptive import Adadelta, Adagrad, Rmsprop
from bpcli.nn.optimizers.base import OptimizerBase, OptimizerState
from bpcli.nn.optimizers.rate_factors import RateFactors
from bpcli.nn.optimizers.rprop import Rprop
from bpcli.nn.optimizers.sgd import Sgd
from bpcli.nn.optimizers.update import Coefficients, Part, Update
from bpcli.spec import BareName, Family

OptimizerSpec = Annotated[
    Sgd | Rprop | Adagrad | Rmsprop | Adadelta | Adam | Adamw | Nadam,
    Family(),
    BareName(),
]


__all__ = [
    "Adadelta",
    "Adagrad",
    "Adam",
    "Adamw",
    "Coefficients",
    "Nadam",
    "OptimizerBase",
    "OptimizerSpec",
    "OptimizerState",
    "Part",
    "RateFactors",
    "Rmsprop",
    "Rprop",
    "Sgd",
    "Update",
]
