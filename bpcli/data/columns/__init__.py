"""Columns: what a config says of one, and what is fitted on its training rows."""

from bpcli.data.columns.encoders import TargetEncoder
from bpcli.data.columns.inputs import FittedInput, Range, Surprise
from bpcli.data.columns.spec import ColumnSpec, EncodersSpec

__all__ = ["ColumnSpec", "EncodersSpec", "FittedInput", "Range", "Surprise", "TargetEncoder"]
