"""Preprocessing: encoders, input and target columns, and the fitted whole."""

from bpcli.data.preprocess.columns import ColumnSpec, EncodersSpec
from bpcli.data.preprocess.encoders import TargetEncoder
from bpcli.data.preprocess.inputs import Range, Surprise
from bpcli.data.preprocess.preprocessor import Preprocessor
from bpcli.data.preprocess.target_fitting import choose_loss, fit_target
from bpcli.data.preprocess.targets import ClassesTarget, FittedTarget, LabelsTarget, NumbersTarget

__all__ = [
    "ClassesTarget",
    "ColumnSpec",
    "EncodersSpec",
    "FittedTarget",
    "LabelsTarget",
    "NumbersTarget",
    "Preprocessor",
    "Range",
    "Surprise",
    "TargetEncoder",
    "choose_loss",
    "fit_target",
]
