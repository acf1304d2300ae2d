"""Targets: classes, one-hot classes, labels and numbers, fitted on the training rows."""

from bpcli.data.targets.base import ClassName, Outcome, TargetBase, Truth
from bpcli.data.targets.classes import ClassesTarget
from bpcli.data.targets.exclusive import ExclusiveTarget
from bpcli.data.targets.fitting import FittedTarget, choose_loss, fit_target, require_in_domain
from bpcli.data.targets.labels import LabelsTarget
from bpcli.data.targets.numbers import NumbersTarget
from bpcli.data.targets.one_hot import OneHotTarget, learned_columns
from bpcli.data.targets.positive import PositiveChoice, suggest_positive

__all__ = [
    "ClassName",
    "ClassesTarget",
    "ExclusiveTarget",
    "FittedTarget",
    "LabelsTarget",
    "NumbersTarget",
    "OneHotTarget",
    "Outcome",
    "PositiveChoice",
    "TargetBase",
    "Truth",
    "choose_loss",
    "fit_target",
    "learned_columns",
    "require_in_domain",
    "suggest_positive",
]
