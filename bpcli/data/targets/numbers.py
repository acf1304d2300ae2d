"""Regression targets."""

from __future__ import annotations

from collections.abc import Sequence as Names
from typing import Any, Literal

import numpy as np
from pydantic import Field, model_validator

from bpcli.arrays.memory import Array
from bpcli.data.columns.encoders import Affine, encoded, numbers
from bpcli.data.table import Column, Kind
from bpcli.data.targets.base import Outcome, TargetBase, Truth
from bpcli.nn.losses import LossBase
from bpcli.spec import Sequence, Text


class NumbersTarget(TargetBase):
    """One or more numeric target columns."""

    type: Literal["numbers"] = "numbers"
    names: Sequence[Text] = Field(min_length=1)
    encodings: Sequence[Affine]
    task: Literal["regression"] = "regression"

    @model_validator(mode="after")
    def _check_encodings(self) -> NumbersTarget:
        if len(self.encodings) != len(self.names):
            raise ValueError("there must be an encoding for each column")
        return self

    def suits(self, loss: LossBase) -> bool:
        """Whether the loss applies to regression."""
        return self.task in loss.tasks

    @property
    def outputs(self) -> int:
        """Number of logits, one per column."""
        return len(self.names)

    def encoded_dtype(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """Dtype of the network."""
        return dtype

    def encode(self, columns: Names[Column], dtype: np.dtype[Any]) -> Array:
        """Scaled numbers (rows, columns). Raises DataError for numbers that are too large."""
        y = np.empty((len(columns[0]), len(columns)), self.encoded_dtype(dtype))
        for index, (encoding, column) in enumerate(zip(self.encodings, columns, strict=True)):
            y[:, index] = encoded(encoding, column.name, numbers(column))
        return y

    def has_kinds(self, kinds: Names[Kind]) -> bool:
        """Whether there is one numeric or boolean column per number."""
        return len(kinds) == len(self.names) and "categorical" not in kinds

    def outcome(self, predictions: Array, loss: LossBase, thresholds: Array | None = None) -> Outcome:
        """Numbers (rows, columns) in the target's units."""
        return Outcome(self.in_units(predictions), None)

    def truth(self, y: Array) -> Array:
        """Numbers (rows, columns) in the target's units."""
        return self.in_units(y)

    def truth_of(self, columns: Names[Column]) -> Truth:
        """Numbers (rows, columns) as in the file, in float64."""
        return Truth(np.stack([numbers(column) for column in columns], axis=1))

    @property
    def truth_bytes(self) -> int:
        """Bytes of the numbers: in the network's dtype, and scaled, they are rounded."""
        return len(self.names) * np.dtype(np.float64).itemsize

    def in_units(self, predictions: Array) -> Array:
        """Numbers (rows, columns) in the target's units, in float64, from scaled ones."""
        scale = np.array([encoding.scale for encoding in self.encodings])
        return np.asarray(predictions.astype(np.float64) * scale + self.explained_offsets)

    def values(self, predicted: Array) -> Array:
        """Numbers (rows,) of a single column, or (rows, columns)."""
        return predicted[:, 0] if predicted.shape[1] == 1 else predicted

    def explained(self, loss: LossBase) -> str:
        """The prediction, or the scale of the logit if the link is not the identity."""
        return f"the {loss.logit_scale} of the prediction" if loss.logit_scale else "the prediction"

    def explains_prediction(self, loss: LossBase) -> bool:
        """Whether the loss's link is the identity."""
        return not loss.logit_scale

    def explained_weights(self, predicted: Array) -> list[Array]:
        """Scale of each logit's encoding, one sum per column."""
        scales = [encoding.scale for encoding in self.encodings]
        return [np.tile(weights, (len(predicted), 1)) for weights in np.diag(scales)]

    @property
    def explained_offsets(self) -> Array:
        """Centers of the encodings, (columns,)."""
        return np.array([encoding.center for encoding in self.encodings])
