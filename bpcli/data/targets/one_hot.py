"""One-hot targets: columns of 0 and 1, of which exactly one is 1 in each row."""

from __future__ import annotations

from collections.abc import Sequence as Names
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from bpcli.data.table import Column, Kind
from bpcli.data.targets.base import is_binary
from bpcli.data.targets.exclusive import ExclusiveTarget
from bpcli.errors import DataError
from bpcli.spec import Sequence, Text, Words
from bpcli.wording import listed


class OneHotTarget(ExclusiveTarget):
    """Mutually exclusive classes as columns of 0 and 1, whose names are those of the classes."""

    type: Literal["one_hot"] = "one_hot"
    names: Sequence[Text] = Field(min_length=2)
    classes: Words = Field(min_length=2, description="Columns that are 1 in a training row.")
    single_logit: bool

    @model_validator(mode="after")
    def _check_classes(self) -> OneHotTarget:
        ordered = [name for name in self.names if name in self.classes]
        if list(self.classes) not in (ordered, ordered[::-1] if len(ordered) == 2 else ordered):
            raise ValueError("classes must be columns, in their order; two may be in reverse order")
        if self.single_logit and len(self.classes) > 2:
            raise ValueError("only two classes can share a logit")
        return self

    @property
    def logit_names(self) -> tuple[str, ...]:
        """Class names, one per logit; a shared logit has the name of the second class."""
        return self.classes[1:] if self.single_logit else self.classes

    def has_kinds(self, kinds: Names[Kind]) -> bool:
        """Whether there is one numeric or boolean column per class."""
        return len(kinds) == len(self.names) and "categorical" not in kinds

    def class_column(self, columns: Names[Column]) -> Column:
        """Categorical column of the names of the columns that are 1. Raises as `require_valid`."""
        self.require_valid(columns, np.arange(1, len(columns[0]) + 1))
        return class_column(columns)

    def require_valid(self, columns: Names[Column], numbers: NDArray[np.intp]) -> None:
        """Raise DataError, naming a row, unless exactly one column is 1 in each row and the others are 0."""
        wrong = np.flatnonzero(~_rows_of_one(columns))
        if len(wrong):
            cells = ", ".join(column.take(wrong[:1]).labels()[0] for column in columns[:8])
            more = ", …" if len(columns) > 8 else ""
            raise DataError(
                f"row {numbers[wrong[0]]:,}: targets {listed(self.names)} are {cells}{more}; exactly one must be 1 and "
                "the others 0, as they are one target of classes"
            )


def is_one_hot(columns: Names[Column]) -> bool:
    """Whether there are several columns without missing values, and exactly one is 1 and the others 0 in each row."""
    return len(columns) > 1 and all(is_binary(column) for column in columns) and bool(_rows_of_one(columns).all())


def class_column(columns: Names[Column]) -> Column:
    """Categorical column of the classes of one-hot columns: the names of those that are 1."""
    codes = np.zeros(len(columns[0]), np.int32)
    for code, column in enumerate(columns):
        codes[column.values == 1] = code
    return Column(
        ", ".join(column.name for column in columns), "categorical", codes, tuple(one.name for one in columns)
    )


def _rows_of_one(columns: Names[Column]) -> NDArray[np.bool_]:
    """Whether exactly one column is 1 and the others are 0, for each row."""
    ones, zeros = np.zeros((2, len(columns[0])), np.intp)
    for column in columns:
        ones += column.values == 1
        zeros += column.values == 0
    return np.asarray((ones == 1) & (zeros == len(columns) - 1))
