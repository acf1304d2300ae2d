"""Base class of targets: encoding, outcomes, names, and the quantities that explanations refer to."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence as Names
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array
from bpcli.data.table import Column, Kind
from bpcli.errors import Mismatch, MismatchError
from bpcli.metrics import Task
from bpcli.nn.losses import LossBase
from bpcli.spec import Spec

ClassName = str | bool | int | float
"""Name of a class as a config gives it: classes of numbers and truth values need no quotes."""

POSITIVE = ("data", "positive")
"""Key of the positive class."""


@dataclass(frozen=True)
class Outcome:
    """Predictions of a model, in the shapes that the metrics of the task take.

    predicted: classes (rows,), labels of 0 and 1 (rows, labels), or numbers (rows, targets). probabilities: (rows,
    classes) or (rows, labels), or None if the loss gives none. clipped: number of predictions moved into the target's
    range.
    """

    predicted: Array
    probabilities: Array | None
    clipped: int = 0


@dataclass(frozen=True)
class Truth:
    """True outcomes, in the shape of `Outcome.predicted`.

    unseen: classes without training rows; their codes follow those of the target's classes.
    """

    values: Array
    unseen: tuple[str, ...] = ()


class TargetBase(Spec):
    """A target, fitted on the training rows."""

    if TYPE_CHECKING:  # fields of some targets, which must not shadow properties

        @property
        def names(self) -> tuple[str, ...]:
            """Names of the target columns."""

        @property
        def task(self) -> Task:
            """Task, which determines the metrics."""

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Number of logits."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of mutually exclusive classes; empty for other tasks."""
        return ()

    @property
    def positive(self) -> str | None:
        """Positive class of two; None for other tasks."""
        return None

    def with_positive(self, positive: ClassName) -> Self:
        """Target whose second class is `positive`. Raises MismatchError if it is not one of two classes."""
        each = "; each label is positive where it is 1" if self.task == "multilabel" else ""
        raise MismatchError(Mismatch(POSITIVE, f"requires two classes, but the task is {self.task}{each}; omit it"))

    @property
    def labels(self) -> tuple[str, ...]:
        """Names for per-class metrics: classes, labels or target columns."""
        return self.class_names or self.names

    @property
    def logit_names(self) -> tuple[str, ...]:
        """Names of the network's outputs, `outputs` of them."""
        return self.labels

    @abstractmethod
    def suits(self, loss: LossBase) -> bool:
        """Whether the loss applies to this target."""

    @abstractmethod
    def has_kinds(self, kinds: Names[Kind]) -> bool:
        """Whether columns of these kinds can be this target."""

    def require_valid(self, columns: Names[Column], numbers: NDArray[np.intp]) -> None:
        """Raise DataError, naming a row, if rows of target columns contradict each other.

        numbers: row numbers for messages, (rows,). No value of the columns is missing.
        """
        return

    @abstractmethod
    def encoded_dtype(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """Dtype of encoded targets for a network of `dtype`."""

    @abstractmethod
    def encode(self, columns: Names[Column], dtype: np.dtype[Any]) -> Array:
        """Encode target columns for the loss: classes (rows,), or (rows, outputs)."""

    @property
    def decided_names(self) -> tuple[str, ...]:
        """Names that have a threshold each: the positive class of two, or the labels; empty for other tasks."""
        return ()

    @abstractmethod
    def outcome(self, predictions: Array, loss: LossBase, thresholds: Array | None = None) -> Outcome:
        """Outcome from the loss's predictions (rows, outputs).

        thresholds: probabilities above which to predict each of `decided_names`, in float64; None for 0.5.
        """

    @abstractmethod
    def truth(self, y: Array) -> Array:
        """True outcome from encoded targets, in the shape of `Outcome.predicted`; numbers are rounded."""

    @abstractmethod
    def truth_of(self, columns: Names[Column]) -> Truth:
        """True outcome from target columns; numbers are exact."""

    @property
    def truth_bytes(self) -> int:
        """Bytes per row of a truth that does not follow from encoded targets."""
        return 0

    @abstractmethod
    def values(self, predicted: Array) -> Array:
        """Predicted outcomes as values of the target: class names (rows,), labels (rows, labels), or numbers."""

    def in_units(self, predictions: Array) -> Array | None:
        """Predictions (rows, outputs) in the target's units; None if predictions are not scaled."""
        return None

    @property
    def shown_ranges(self) -> dict[str, str]:
        """Ranges to which predictions are clipped, in words, by column; those without one are left out."""
        return {}

    def clamped(self, columns: Names[Column]) -> dict[str, int]:
        """Number of values, by column, that are encoded as the nearest training value."""
        return {}

    def answer_names(self, loss: LossBase) -> tuple[str, ...]:
        """Names of the columns of `answers`."""
        return self.labels

    def answers(self, predictions: Array, loss: LossBase) -> Array:
        """Continuous answers (rows, names): probabilities if the loss gives them, else scores or numbers."""
        outcome = self.outcome(predictions, loss)
        return outcome.predicted if outcome.probabilities is None else outcome.probabilities

    def answer_meaning(self, loss: LossBase) -> str:
        """Name of the quantity in `answers`: probability, score or prediction."""
        return "probability" if loss.gives_probabilities else "prediction"

    @abstractmethod
    def explained(self, loss: LossBase) -> str:
        """Name of the explained quantity, which is a weighted sum of logits plus an offset."""

    def explains_prediction(self, loss: LossBase) -> bool:
        """Whether the explained sum is the prediction itself."""
        return False

    @abstractmethod
    def explained_weights(self, predicted: Array) -> list[Array]:
        """Weights of the logits in each explained sum, (rows, outputs) each, for predicted outcomes."""

    @property
    def explained_offsets(self) -> Array:
        """Offsets of the explained sums, (1,) or (sums,)."""
        return np.zeros(1)


def is_binary(column: Column) -> bool:
    """Whether a column is numeric or boolean, and its values are 0, 1 or missing."""
    if column.kind == "categorical":
        return False
    values = column.values[~column.missing()]
    return bool(np.all((values == 0) | (values == 1)))
