"""Targets: classes, labels and numbers, fitted on the training rows."""

from bpcli.data.targets.base import Outcome, TargetBase, Truth
from bpcli.data.targets.classes import ClassesTarget
from bpcli.data.targets.fitting import FittedTarget, choose_loss, fit_target
from bpcli.data.targets.labels import LabelsTarget
from bpcli.data.targets.numbers import NumbersTarget

__all__ = [
    "ClassesTarget",
    "FittedTarget",
    "LabelsTarget",
    "NumbersTarget",
    "Outcome",
    "TargetBase",
    "Truth",
    "choose_loss",
    "fit_target",
]
