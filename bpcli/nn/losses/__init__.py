"""Losses: each takes logits and includes its link function; the union is the registry."""

from __future__ import annotations

from typing import Annotated

from bpcli.nn.losses.base import Link, LossBase, LossScratch
from bpcli.nn.losses.classification import BinaryCrossEntropy, CrossEntropy, Hinge
from bpcli.nn.losses.log_link import Gamma, LogLinkLoss, Poisson, Tweedie
from bpcli.nn.losses.regression import Huber, MeanAbsoluteError, MeanSquaredError, Quantile
from bpcli.spec import BareName, Family

Loss = Annotated[
    CrossEntropy
    | BinaryCrossEntropy
    | MeanSquaredError
    | MeanAbsoluteError
    | Huber
    | Poisson
    | Gamma
    | Tweedie
    | Quantile
    | Hinge,
    Family(),
    BareName(),
]


__all__ = [
    "BinaryCrossEntropy",
    "CrossEntropy",
    "Gamma",
    "Hinge",
    "Huber",
    "Link",
    "LogLinkLoss",
    "Loss",
    "LossBase",
    "LossScratch",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Poisson",
    "Quantile",
    "Tweedie",
]
