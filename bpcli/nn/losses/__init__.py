"""Losses: each takes logits and includes its link function; the family is the registry."""

from __future__ import annotations

from typing import Annotated

from bpcli.nn.losses.base import Link, LossBase, LossScratch
from bpcli.spec import BareName, Family

Loss = Annotated[
    LossBase,
    Family(
        {
            "cross_entropy": "bpcli.nn.losses.classification:CrossEntropy",
            "binary_cross_entropy": "bpcli.nn.losses.classification:BinaryCrossEntropy",
            "mse": "bpcli.nn.losses.regression:MeanSquaredError",
            "mae": "bpcli.nn.losses.regression:MeanAbsoluteError",
            "huber": "bpcli.nn.losses.regression:Huber",
            "poisson": "bpcli.nn.losses.log_link:Poisson",
            "gamma": "bpcli.nn.losses.log_link:Gamma",
            "tweedie": "bpcli.nn.losses.log_link:Tweedie",
            "quantile": "bpcli.nn.losses.regression:Quantile",
            "hinge": "bpcli.nn.losses.hinge:Hinge",
        }
    ),
    BareName(),
]

__all__ = ["Link", "Loss", "LossBase", "LossScratch"]
