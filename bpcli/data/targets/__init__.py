"""Targets: classes, one-hot classes, labels and numbers, fitted on the training rows."""

from bpcli.data.targets.base import ClassName, Outcome, TargetBase, Truth
from bpcli.data.targets.fitting import FittedTarget, choose_loss, fit_target, learned_columns, require_in_domain

__all__ = [
    "ClassName",
    "FittedTarget",
    "Outcome",
    "TargetBase",
    "Truth",
    "choose_loss",
    "fit_target",
    "learned_columns",
    "require_in_domain",
]
