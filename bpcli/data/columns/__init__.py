"""Input columns: their config, and the encodings fitted on the training rows."""

from typing import Annotated

from bpcli.data.columns.arrays import ArrayInput
from bpcli.data.columns.base import ColumnInput, Range, Surprise
from bpcli.data.columns.categorical_inputs import CategoricalInput, EmbeddedInput, OneHotInput, OrdinalInput, SignInput
from bpcli.data.columns.censored import CensoredInput
from bpcli.data.columns.dates import DateInput, TimeOfDayInput
from bpcli.data.columns.inputs import BooleanInput, NumericInput
from bpcli.data.columns.spec import ColumnSpec
from bpcli.data.columns.spec_base import EncodersSpec
from bpcli.data.columns.target_encoders import TargetEncoder
from bpcli.data.columns.target_mean import TargetMeanInput
from bpcli.data.columns.text_input import TextInput
from bpcli.spec import Family

FittedInput = Annotated[
    NumericInput
    | BooleanInput
    | OneHotInput
    | SignInput
    | EmbeddedInput
    | OrdinalInput
    | TargetMeanInput
    | DateInput
    | TimeOfDayInput
    | CensoredInput
    | TextInput
    | ArrayInput,
    Family(),
]

__all__ = [
    "ArrayInput",
    "CategoricalInput",
    "CensoredInput",
    "ColumnInput",
    "ColumnSpec",
    "EncodersSpec",
    "FittedInput",
    "Range",
    "Surprise",
    "TargetEncoder",
    "TargetMeanInput",
]
