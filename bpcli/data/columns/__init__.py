"""Input columns: their config, and the encodings fitted on the training rows."""

from typing import Annotated

from bpcli.data.columns.base import ColumnInput, InputBase, Range, Surprise
from bpcli.data.columns.spec import ColumnSpec
from bpcli.data.columns.spec_base import EncodersSpec
from bpcli.data.columns.target_encoders import TargetEncoder
from bpcli.spec import Family

FittedInput = Annotated[
    InputBase,
    Family(
        {
            "numeric": "bpcli.data.columns.inputs:NumericInput",
            "boolean": "bpcli.data.columns.inputs:BooleanInput",
            "one_hot": "bpcli.data.columns.categorical_inputs:OneHotInput",
            "sign": "bpcli.data.columns.sign:SignInput",
            "embedding": "bpcli.data.columns.embedded:EmbeddedInput",
            "ordinal": "bpcli.data.columns.ordinal:OrdinalInput",
            "target_mean": "bpcli.data.columns.target_mean:TargetMeanInput",
            "date": "bpcli.data.columns.dates:DateInput",
            "time_of_day": "bpcli.data.columns.dates:TimeOfDayInput",
            "censored": "bpcli.data.columns.censored:CensoredInput",
            "text": "bpcli.data.columns.text_input:TextInput",
            "array": "bpcli.data.columns.arrays:ArrayInput",
        }
    ),
]

__all__ = [
    "ColumnInput",
    "ColumnSpec",
    "EncodersSpec",
    "FittedInput",
    "InputBase",
    "Range",
    "Surprise",
    "TargetEncoder",
]
