"""Regression targets."""

from __future__ import annotations

from collections.abc import Sequence as Names
from operator import lt
from typing import Any, Literal

import numpy as np
from pydantic import Field, model_validator

from bpcli.arrays.memory import Array
from bpcli.data.columns.encoders import Landmarks, encoded, numbers
from bpcli.data.columns.target_encoders import TargetEncoding
from bpcli.data.columns.target_range import Bounds, clip, shown
from bpcli.data.table import Column, Kind
from bpcli.data.targets.base import Outcome, TargetBase, Truth
from bpcli.nn.losses import LossBase
from bpcli.spec import Sequence, Text


class NumbersTarget(TargetBase):
    """One or more numeric target columns."""

    type: Literal["numbers"] = "numbers"
    names: Sequence[Text] = Field(min_length=1)
    encodings: Sequence[TargetEncoding]
    ranges: Sequence[Bounds | None] = ()
    """Range of each column's predictions; empty in older checkpoints, which have none."""
    task: Literal["regression"] = "regression"

    @model_validator(mode="after")
    def _check_encodings(self) -> NumbersTarget:
        if len(self.encodings) != len(self.names):
            raise ValueError("there must be an encoding for each column")
        if len(self.ranges) not in (0, len(self.names)):
            raise ValueError("there must be a range for each column, or none")
        for encoding in self.encodings:
            if isinstance(encoding, Landmarks) and not all(map(lt, encoding.scores, encoding.scores[1:])):
                raise ValueError("scores of a target must be strictly increasing")
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
        """Numbers (rows, columns) in the target's units, clipped to its range."""
        predicted = self.in_units(predictions)
        clipped = sum(clip(predicted[:, index], bounds) for index, bounds in enumerate(self.ranges))
        return Outcome(predicted, None, clipped)

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
        """Numbers (rows, columns) in the target's units, in float64, from encoded ones, before they are clipped."""
        out = predictions.astype(np.float64)
        for index, encoding in enumerate(self.encodings):
            out[:, index] = encoding.decode(out[:, index])
        return out

    @property
    def shown_ranges(self) -> dict[str, str]:
        """Ranges in words, by column."""
        return {name: shown(bounds) for name, bounds in zip(self.names, self.ranges, strict=False) if bounds}

    def clamped(self, columns: Names[Column]) -> dict[str, int]:
        """Number of values, by column, that are encoded as the nearest training value."""
        counts = {}
        for encoding, column in zip(self.encodings, columns, strict=True):
            low, high = encoding.interval
            values = numbers(column)
            counts[column.name] = int(np.count_nonzero((values < low) | (values > high)))
        return counts

    def values(self, predicted: Array) -> Array:
        """Numbers (rows,) of a single column, or (rows, columns)."""
        return predicted[:, 0] if predicted.shape[1] == 1 else predicted

    def explained(self, loss: LossBase) -> str:
        """The prediction, or what is explained instead if the encoding or the link is not linear."""
        names = dict.fromkeys(encoding.explained.name for encoding in self.encodings)
        if loss.logit_scale:
            names = {f"the {loss.logit_scale} of the prediction": None}
        return " or ".join(name or "the prediction" for name in names)

    def explains_prediction(self, loss: LossBase) -> bool:
        """Whether link and encodings are linear."""
        return not loss.logit_scale and not any(encoding.explained.name for encoding in self.encodings)

    def explained_weights(self, predicted: Array) -> list[Array]:
        """Weight of each logit, one sum per column."""
        scales = [encoding.explained.scale for encoding in self.encodings]
        return [np.tile(weights, (len(predicted), 1)) for weights in np.diag(scales)]

    @property
    def explained_offsets(self) -> Array:
        """Offset of each sum, (columns,)."""
        return np.array([encoding.explained.offset for encoding in self.encodings])
