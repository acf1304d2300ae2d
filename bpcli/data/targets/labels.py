"""Multilabel targets: labels that are not mutually exclusive."""

from __future__ import annotations

from collections.abc import Sequence as Names
from typing import Any, Literal

import numpy as np
from pydantic import Field

from bpcli.arrays.memory import Array
from bpcli.data.table import Column, Kind
from bpcli.data.targets.base import Outcome, TargetBase, Truth, is_binary
from bpcli.errors import DataError
from bpcli.nn.losses import LossBase
from bpcli.spec import Sequence, Text
from bpcli.wording import quoted


class LabelsTarget(TargetBase):
    """Several 0/1 columns of labels that are not mutually exclusive."""

    type: Literal["labels"] = "labels"
    names: Sequence[Text] = Field(min_length=1)
    task: Literal["multilabel"] = "multilabel"

    def suits(self, loss: LossBase) -> bool:
        """Whether the loss applies to labels."""
        return self.task in loss.tasks

    @property
    def outputs(self) -> int:
        """Number of logits, one per label."""
        return len(self.names)

    def encoded_dtype(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """Smallest unsigned integer dtype."""
        return np.dtype(np.uint8)

    def encode(self, columns: Names[Column], dtype: np.dtype[Any]) -> Array:
        """Labels of 0 and 1 (rows, labels), as small integers. Raises DataError for other values."""
        labels = np.empty((len(columns[0]), len(columns)), self.encoded_dtype(dtype))
        for index, column in enumerate(columns):
            if not is_binary(column):
                raise DataError(f"target {quoted(column.name)}: a label must be 0 or 1, or true or false")
            labels[:, index] = column.values
        return labels

    def has_kinds(self, kinds: Names[Kind]) -> bool:
        """Whether there is one numeric or boolean column per label."""
        return len(kinds) == len(self.names) and "categorical" not in kinds

    @property
    def decided_names(self) -> tuple[str, ...]:
        """Each label."""
        return self.names

    def outcome(self, predictions: Array, loss: LossBase, thresholds: Array | None = None) -> Outcome:
        """Labels of 0 and 1 and their probabilities, (rows, labels) each."""
        return Outcome((predictions > (0.5 if thresholds is None else thresholds)).astype(np.int8), predictions)

    def truth(self, y: Array) -> Array:
        """Labels of 0 and 1, (rows, labels)."""
        return y.astype(np.int8)

    def truth_of(self, columns: Names[Column]) -> Truth:
        """Labels of 0 and 1, (rows, labels)."""
        return Truth(self.truth(self.encode(columns, np.dtype(np.float64))))

    def values(self, predicted: Array) -> Array:
        """Labels of 0 and 1, (rows, labels)."""
        return predicted

    def explained(self, loss: LossBase) -> str:
        """Log-odds of each label."""
        return "the log-odds of each label"

    def explained_weights(self, predicted: Array) -> list[Array]:
        """Weight 1 for a single logit, one sum per label."""
        return [np.tile(weights, (len(predicted), 1)) for weights in np.eye(self.outputs)]
