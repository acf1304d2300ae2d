"""Base class of targets of mutually exclusive classes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence as Names
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array
from bpcli.data.table import Column, number_label
from bpcli.data.targets.base import POSITIVE, ClassName, Outcome, TargetBase, Truth
from bpcli.errors import Mismatch, MismatchError
from bpcli.nn.losses import LossBase
from bpcli.wording import composed, listed, quoted, suggestion


class ExclusiveTarget(TargetBase):
    """Mutually exclusive classes."""

    if TYPE_CHECKING:  # fields of the targets

        @property
        def classes(self) -> tuple[str, ...]:
            """Class names, in the order of their indices."""

        @property
        def single_logit(self) -> bool:
            """Whether two classes share a logit."""

    @abstractmethod
    def class_column(self, columns: Names[Column]) -> Column:
        """Column of the classes, from the target columns."""

    def codes(self, columns: Names[Column]) -> NDArray[np.intp]:
        """Class index of each row, (rows,); -1 for a missing value or a class without training rows."""
        column = self.class_column(columns)
        index = {label: code for code, label in enumerate(self.classes)}
        labels = column.categories if column.kind == "categorical" else ("false", "true")
        known = np.array([*(index.get(label, -1) for label in labels), -1], dtype=np.intp)
        values = column.values if column.kind == "categorical" else np.nan_to_num(column.values, nan=-1)
        return np.asarray(known[values.astype(np.intp)], dtype=np.intp)

    @property
    def positive(self) -> str | None:
        """Second class of two, to which precision, recall, F1 and curves refer."""
        return self.classes[1] if len(self.classes) == 2 else None

    def with_positive(self, positive: ClassName) -> Self:
        """Target whose second class is `positive`. Raises MismatchError if it is not one of two classes."""
        if self.positive is None:
            what = f"requires two classes, but the target has {len(self.classes)}; omit it"
            raise MismatchError(Mismatch(POSITIVE, what))
        name = self._class_named(positive)
        if name not in self.classes:
            hint = suggestion(name, self.classes) or f"; they are {listed(self.classes)}"
            raise MismatchError(Mismatch(POSITIVE, f"the target has no class {quoted(name)}{hint}"))
        return self if name == self.positive else self.reversed()

    def reversed(self) -> Self:
        """Target with the classes in reverse order."""
        return self.model_copy(update={"classes": self.classes[::-1]})

    def _class_named(self, given: ClassName) -> str:
        if isinstance(given, str):
            return composed(given)
        if isinstance(given, bool):  # the file's own word may be True or TRUE
            word = str(given).lower()
            return next((name for name in self.classes if name.lower() == word), word)
        return number_label(given)

    def suits(self, loss: LossBase) -> bool:
        """Whether the loss applies to these classes."""
        return self.task in loss.tasks and self.single_logit == (loss.single_logit and len(self.classes) == 2)

    @property
    def task(self) -> Literal["binary", "multiclass"]:
        """Binary for two classes, else multiclass."""
        return "binary" if len(self.classes) == 2 else "multiclass"

    @property
    def outputs(self) -> int:
        """Number of logits: one if two classes share it, else one per class."""
        return 1 if self.single_logit else len(self.classes)

    def encoded_dtype(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """Smallest unsigned integer dtype that holds the classes."""
        return np.min_scalar_type(len(self.classes) - 1)

    def encode(self, columns: Names[Column], dtype: np.dtype[Any]) -> Array:
        """Class indices (rows,), or 0 and 1 (rows, 1) if two classes share a logit, as small integers.

        Rows of classes without training rows get the first class.
        """
        codes = self.codes(columns).clip(min=0).astype(self.encoded_dtype(dtype))
        return codes[:, None] if self.single_logit else codes

    def truth_of(self, columns: Names[Column]) -> Truth:
        """Class indices (rows,) of columns without missing values."""
        codes, column = self.codes(columns), self.class_column(columns)
        strange = np.flatnonzero(codes < 0)
        if not len(strange):
            return Truth(codes)
        _, first, places = np.unique(column.values[strange], return_index=True, return_inverse=True)
        codes[strange] = len(self.classes) + places
        return Truth(codes, tuple(column.take(strange[first]).labels()))

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class names, in the order of their indices."""
        return self.classes

    @property
    def decided_names(self) -> tuple[str, ...]:
        """The positive class of two."""
        return () if self.positive is None else (self.positive,)

    def outcome(self, predictions: Array, loss: LossBase, thresholds: Array | None = None) -> Outcome:
        """Class indices (rows,) and probabilities (rows, classes).

        A single output is the probability of the second class, or a score that is positive for it.
        """
        if thresholds is not None:
            predicted = np.asarray(predictions[:, -1] > thresholds, dtype=np.intp)
            return Outcome(predicted, np.hstack([1.0 - predictions, predictions]) if self.single_logit else predictions)
        if not self.single_logit:
            predicted = np.asarray(np.argmax(predictions, axis=1), dtype=np.intp)
            return Outcome(predicted, predictions if loss.gives_probabilities else None)
        if not loss.gives_probabilities:
            return Outcome(np.asarray(predictions[:, 0] > 0.0, dtype=np.intp), None)
        return Outcome(np.asarray(predictions[:, 0] > 0.5, dtype=np.intp), np.hstack([1.0 - predictions, predictions]))

    def truth(self, y: Array) -> Array:
        """Class indices (rows,)."""
        return (y if y.ndim == 1 else y[:, 0]).astype(np.intp)

    def values(self, predicted: Array) -> Array:
        """Class names (rows,)."""
        return np.asarray(self.classes)[predicted]

    def answer_names(self, loss: LossBase) -> tuple[str, ...]:
        """Class names; for a single score, the second class alone."""
        return self.classes[1:] if self.single_logit and not loss.gives_probabilities else self.classes

    def answers(self, predictions: Array, loss: LossBase) -> Array:
        """Probabilities (rows, classes), or scores (rows, outputs) if the loss gives none."""
        probabilities = self.outcome(predictions, loss).probabilities
        return predictions if probabilities is None else probabilities

    def answer_meaning(self, loss: LossBase) -> str:
        """Probability or score."""
        return "probability" if loss.gives_probabilities else "score"

    def explained(self, loss: LossBase) -> str:
        """Log-odds or score of the predicted class."""
        what = "log-odds" if loss.gives_probabilities else "score"
        more = "" if len(self.classes) == 2 else " (mean over the other classes)"
        return f"the {what} of the predicted class{more}"

    def explained_weights(self, predicted: Array) -> list[Array]:
        """Logit of the predicted class minus the mean of the others.

        Like the probabilities, this is invariant to a constant added to all logits.
        """
        if self.single_logit:
            return [np.where(predicted == 1, 1.0, -1.0)[:, None]]
        others = len(self.classes) - 1
        return [np.eye(others + 1)[predicted] * (1.0 + 1.0 / others) - 1.0 / others]
