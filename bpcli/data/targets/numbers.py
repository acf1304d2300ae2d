"""A target of numbers."""

from __future__ import annotations

from collections.abc import Sequence as Names
from typing import Any, Literal

import numpy as np
from pydantic import Field, model_validator

from bpcli.arrays.memory import Array
from bpcli.data.columns.encoders import Affine, encoded, numbers
from bpcli.data.table import Column, Kind
from bpcli.data.targets.base import Outcome, TargetBase
from bpcli.nn.losses import LossBase
from bpcli.spec import Sequence


class NumbersTarget(TargetBase):
    """One or more columns of numbers."""

    type: Literal["numbers"] = "numbers"
    names: Sequence[str] = Field(min_length=1)
    encodings: Sequence[Affine]
    task: Literal["regression"] = "regression"

    @model_validator(mode="after")
    def _each_encoded(self) -> NumbersTarget:
        if len(self.encodings) != len(self.names):
            raise ValueError("there must be an encoding for each column")
        return self

    def suits(self, loss: LossBase) -> bool:
        """Whether the loss is one for numbers."""
        return self.task in loss.tasks

    @property
    def outputs(self) -> int:
        """One logit a column."""
        return len(self.names)

    def encoded_dtype(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """Of encoded targets, for a network of a dtype: the same."""
        return dtype

    def encode(self, columns: Names[Column], dtype: np.dtype[Any]) -> Array:
        """Scaled numbers, shape (rows, columns)."""
        y = np.empty((len(columns[0]), len(columns)), self.encoded_dtype(dtype))
        for index, (encoding, column) in enumerate(zip(self.encodings, columns, strict=True)):
            y[:, index] = encoded(encoding, column.name, numbers(column))
        return y

    def has_kinds(self, kinds: Names[Kind]) -> bool:
        """A column a number, none of text."""
        return len(kinds) == len(self.names) and "categorical" not in kinds

    def outcome(self, predictions: Array, loss: LossBase) -> Outcome:
        """Numbers in the user's units, (rows, columns)."""
        return Outcome(self.in_units(predictions), None)

    def truth(self, y: Array) -> Array:
        """Numbers in the user's units, (rows, columns)."""
        return self.in_units(y)

    def in_units(self, predictions: Array) -> Array:
        """Scaled numbers in the user's units, float64 of shape (rows, columns)."""
        scale = np.array([encoding.scale for encoding in self.encodings])
        return np.asarray(predictions.astype(np.float64) * scale + self.explained_offsets)

    def values(self, predicted: Array) -> Array:
        """Numbers (rows,), or (rows, columns) of several columns."""
        return predicted[:, 0] if predicted.shape[1] == 1 else predicted

    def explained(self, loss: LossBase) -> str:
        """The prediction, or what its link is applied to."""
        return f"the {loss.logit_scale} of the prediction" if loss.logit_scale else "the prediction"

    def explains_prediction(self, loss: LossBase) -> bool:
        """Whether the loss's link is the identity."""
        return not loss.logit_scale

    def explained_weights(self, predicted: Array) -> list[Array]:
        """Each logit by its scale."""
        scales = [encoding.scale for encoding in self.encodings]
        return [np.tile(weights, (len(predicted), 1)) for weights in np.diag(scales)]

    @property
    def explained_offsets(self) -> Array:
        """The centres of the encodings, (columns,)."""
        return np.array([encoding.center for encoding in self.encodings])
