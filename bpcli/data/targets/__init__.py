"""Targets: classes, labels and numbers, fitted on the training rows."""

from bpcli.data.targets.fitting import choose_loss, fit_target
from bpcli.data.targets.targets import ClassesTarget, FittedTarget, LabelsTarget, NumbersTarget

__all__ = ["ClassesTarget", "FittedTarget", "LabelsTarget", "NumbersTarget", "choose_loss", "fit_target"]
