"""Encoders of categorical columns, fitted on training rows."""

from __future__ import annotations

from typing import Annotated

from bpcli.data.columns.categorical_inputs import CategoricalEncoderBase
from bpcli.spec import BareName, Family

CategoricalEncoder = Annotated[
    CategoricalEncoderBase,
    Family(
        {
            "one_hot": "bpcli.data.columns.one_hot:OneHot",
            "ordinal": "bpcli.data.columns.ordinal:Ordinal",
            "target_mean": "bpcli.data.columns.target_mean:TargetMean",
            "embedding": "bpcli.data.columns.embedded:Embedded",
            "auto": "bpcli.data.columns.embedded:Auto",
        }
    ),
    BareName(),
]
