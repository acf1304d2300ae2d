"""Optimizers: each class holds its spec, the coefficients of a step, and a kernel; the family is the registry."""

from __future__ import annotations

from typing import Annotated

from bpcli.nn.optimizers.base import OptimizerBase, OptimizerState
from bpcli.nn.optimizers.rate_factors import RateFactors
from bpcli.spec import BareName, Family

OptimizerSpec = Annotated[
    OptimizerBase,
    Family(
        {
            "sgd": "bpcli.nn.optimizers.sgd:Sgd",
            "rprop": "bpcli.nn.optimizers.rprop:Rprop",
            "adagrad": "bpcli.nn.optimizers.adaptive:Adagrad",
            "rmsprop": "bpcli.nn.optimizers.adaptive:Rmsprop",
            "adadelta": "bpcli.nn.optimizers.adaptive:Adadelta",
            "adam": "bpcli.nn.optimizers.adam:Adam",
            "adamw": "bpcli.nn.optimizers.adam_variants:Adamw",
            "nadam": "bpcli.nn.optimizers.adam_variants:Nadam",
        }
    ),
    BareName(),
]

__all__ = ["OptimizerBase", "OptimizerSpec", "OptimizerState", "RateFactors"]
