"""Target columns: classes, labels or numbers, to the network's units and back."""

from __future__ import annotations

from collections.abc import Sequence as Names
from operator import lt
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from bpcli.arrays.memory import Array
from bpcli.data.columns.encoders import Affine, encoded, numbers
from bpcli.data.table import Column
from bpcli.errors import DataError
from bpcli.nn.losses import LossBase
from bpcli.spec import Sequence, Spec
from bpcli.wording import counted, quoted


class ClassesTarget(Spec):
    """One column, each row in one of several classes."""

    type: Literal["classes"] = "classes"
    name: str
    classes: Sequence[str] = Field(min_length=2)
    numbers: Sequence[float] | None = Field(default=None, description="The classes as numbers, for a numeric column.")
    single_logit: bool

    @model_validator(mode="after")
    def _told_apart(self) -> ClassesTarget:
        if len(set(self.classes)) < len(self.classes) or (self.single_logit and len(self.classes) > 2):
            raise ValueError("classes must have different names, and only two can share a logit")
        if self.numbers is not None and (
            len(self.numbers) != len(self.classes) or not all(map(lt, self.numbers, self.numbers[1:]))
        ):
            raise ValueError("numbers must rise, and there must be one for each class")
        return self

    def suits(self, loss: LossBase) -> bool:
        """Whether the loss is one for these classes."""
        return self.task in loss.tasks and self.single_logit == (loss.single_logit and len(self.classes) == 2)

    @property
    def names(self) -> tuple[str, ...]:
        """The target column."""
        return (self.name,)

    @property
    def task(self) -> Literal["binary", "multiclass"]:
        """Binary for two classes."""
        return "binary" if len(self.classes) == 2 else "multiclass"

    @property
    def outputs(self) -> int:
        """Logits: one for two classes that share it, else one a class."""
        return 1 if self.single_logit else len(self.classes)

    def encoded_dtype(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """Of encoded targets, for a network of a dtype: the smallest that holds the classes."""
        return np.min_scalar_type(len(self.classes) - 1)

    def codes(self, columns: Names[Column]) -> NDArray[np.intp]:
        """The class of each row, shape (rows,); -1 where it is missing.

        Raises:
            DataError: a row's class is none that training rows had.
        """
        (column,) = columns
        if self.numbers is not None and column.kind != "categorical":
            values = np.asarray(column.values, dtype=np.float64)
            codes = np.searchsorted(self.numbers, values).clip(max=len(self.numbers) - 1)
            codes = np.where(np.asarray(self.numbers)[codes] == values, codes, -1)
        else:
            index = {label: code for code, label in enumerate(self.classes)}
            labels = column.categories if column.kind == "categorical" else ("false", "true")
            known = np.array([*(index.get(label, -1) for label in labels), -1], dtype=np.intp)
            values = column.values if column.kind == "categorical" else np.nan_to_num(column.values, nan=-1)
            codes = known[values.astype(np.intp)]
        strange = np.flatnonzero((codes < 0) & ~column.missing())
        if len(strange):
            label = column.take(strange[:1]).labels()[0]
            rows = int(np.count_nonzero(column.values == column.values[strange[0]]))
            raise DataError(
                f"target {quoted(self.name)}: class {quoted(label)} stands in "
                f"{counted(rows, 'row')}, but in no row that the network was trained on; leave those out, or train on "
                "rows of that class"
            )
        return np.asarray(codes, dtype=np.intp)

    def encode(self, columns: Names[Column], dtype: np.dtype[Any]) -> Array:
        """Classes (rows,), or 0 and 1 of shape (rows, 1) where two classes share a logit, as small integers."""
        codes = self.codes(columns).astype(self.encoded_dtype(dtype))
        return codes[:, None] if self.single_logit else codes

    def decode(self, predictions: Array, probabilities: bool) -> NDArray[np.intp]:
        """The predicted class of each row, shape (rows,), from the loss's predictions (rows, outputs).

        A single output is a probability of the second class, or a score that is positive for it.
        """
        if self.single_logit:
            return np.asarray(predictions[:, 0] > (0.5 if probabilities else 0.0), dtype=np.intp)
        return np.asarray(np.argmax(predictions, axis=1), dtype=np.intp)

    def probabilities(self, predictions: Array) -> Array:
        """Probabilities (rows, classes) from predictions that are probabilities."""
        return np.hstack([1.0 - predictions, predictions]) if self.single_logit else predictions


class LabelsTarget(Spec):
    """Several columns of 0 and 1, which do not exclude each other."""

    type: Literal["labels"] = "labels"
    names: Sequence[str] = Field(min_length=1)
    task: Literal["multilabel"] = "multilabel"

    def suits(self, loss: LossBase) -> bool:
        """Whether the loss is one for labels."""
        return self.task in loss.tasks

    @property
    def outputs(self) -> int:
        """One logit a label."""
        return len(self.names)

    def encoded_dtype(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """Of encoded targets, for a network of a dtype: the smallest that holds 0 and 1."""
        return np.dtype(np.uint8)

    def encode(self, columns: Names[Column], dtype: np.dtype[Any]) -> Array:
        """0 and 1, shape (rows, labels), as small integers."""
        labels = np.empty((len(columns[0]), len(columns)), self.encoded_dtype(dtype))
        for index, column in enumerate(columns):
            if not is_binary(column):
                raise DataError(f"target {quoted(column.name)}: a label must be 0 or 1, or true or false")
            labels[:, index] = column.values
        return labels


class NumbersTarget(Spec):
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

    def decode(self, predictions: Array) -> NDArray[np.float64]:
        """Predictions in the user's units, shape (rows, columns)."""
        scale = np.array([encoding.scale for encoding in self.encodings])
        center = np.array([encoding.center for encoding in self.encodings])
        return np.asarray(predictions.astype(np.float64) * scale + center)


FittedTarget = Annotated[ClassesTarget | LabelsTarget | NumbersTarget, Field(discriminator="type")]


def is_binary(column: Column) -> bool:
    """Whether a column that is not text holds nothing but 0 and 1, where it is known."""
    if column.kind == "categorical":
        return False
    values = column.values[~column.missing()]
    return bool(np.all((values == 0) | (values == 1)))
