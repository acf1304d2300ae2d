"""What every target answers for itself: its outcome, its names, and what of it is explained."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence as Names
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.data.table import Column, Kind
from bpcli.metrics import Task
from bpcli.nn.losses import LossBase
from bpcli.spec import Spec


@dataclass(frozen=True)
class Outcome:
    """What a model said of some rows, in the shapes that the metrics of its task take.

    predicted: classes (rows,), labels of 0 and 1 (rows, labels), or numbers (rows, targets). probabilities: (rows,
    classes or labels), or None where the loss gives none.
    """

    predicted: Array
    probabilities: Array | None


class TargetBase(Spec):
    """A target as it was fitted on the training rows."""

    if TYPE_CHECKING:  # fields of some targets, which must not shadow properties

        @property
        def names(self) -> tuple[str, ...]:
            """Names of the target columns."""

        @property
        def task(self) -> Task:
            """Task, which decides the metrics."""

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Number of logits."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes that exclude each other; none for a target of another task."""
        return ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Names that metrics are broken down by: classes, labels or target columns."""
        return self.class_names or self.names

    @property
    def logit_names(self) -> tuple[str, ...]:
        """Names of the network's outputs, `outputs` of them."""
        return self.labels

    @abstractmethod
    def suits(self, loss: LossBase) -> bool:
        """Whether the loss is one for this target."""

    @abstractmethod
    def has_kinds(self, kinds: Names[Kind]) -> bool:
        """Whether columns of these kinds can be this target."""

    @abstractmethod
    def encoded_dtype(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """Dtype of encoded targets, for a network of `dtype`."""

    @abstractmethod
    def encode(self, columns: Names[Column], dtype: np.dtype[Any]) -> Array:
        """Target columns as the loss takes them: classes (rows,), or (rows, outputs)."""

    @abstractmethod
    def outcome(self, predictions: Array, loss: LossBase) -> Outcome:
        """Outcome from the loss's predictions (rows, outputs)."""

    @abstractmethod
    def truth(self, y: Array) -> Array:
        """True outcome from encoded targets, in the shape of `Outcome.predicted`."""

    @abstractmethod
    def values(self, predicted: Array) -> Array:
        """Predicted outcomes as values of the target: class names (rows,), labels (rows, labels), or numbers."""

    def in_units(self, predictions: Array) -> Array | None:
        """Predictions (rows, outputs) in the user's units, where those are not the network's own."""
        return None

    def answer_names(self, loss: LossBase) -> tuple[str, ...]:
        """Names of the columns of `answers`."""
        return self.labels

    def answers(self, predictions: Array, loss: LossBase) -> Array:
        """Continuous answers (rows, names): probabilities where the loss gives them, else scores or numbers."""
        outcome = self.outcome(predictions, loss)
        return outcome.predicted if outcome.probabilities is None else outcome.probabilities

    def answer_meaning(self, loss: LossBase) -> str:
        """What `answers` are, in a word."""
        return "probability" if loss.gives_probabilities else "prediction"

    @abstractmethod
    def explained(self, loss: LossBase) -> str:
        """What explanations of a prediction explain, in words: always a weighted sum of logits plus an offset."""

    def explains_prediction(self, loss: LossBase) -> bool:
        """Whether that sum is the prediction itself."""
        return False

    @abstractmethod
    def explained_weights(self, predicted: Array) -> list[Array]:
        """Weights of the logits in each explained sum, (rows, outputs) each, for predicted outcomes."""

    @property
    def explained_offsets(self) -> Array:
        """What is added to the explained sums, shape (1,) or (sums,)."""
        return np.zeros(1)
