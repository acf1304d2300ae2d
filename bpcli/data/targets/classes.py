"""Classification targets: one column of mutually exclusive classes."""

from __future__ import annotations

from collections.abc import Sequence as Names
from operator import lt
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from bpcli.data.table import Column, Kind
from bpcli.data.targets.exclusive import ExclusiveTarget
from bpcli.spec import Sequence, Text, Words


class ClassesTarget(ExclusiveTarget):
    """One target column of mutually exclusive classes."""

    type: Literal["classes"] = "classes"
    name: Text
    classes: Words = Field(min_length=2)
    numbers: Sequence[float] | None = Field(default=None, description="Classes as numbers, if the column is numeric.")
    single_logit: bool

    @model_validator(mode="after")
    def _check_classes(self) -> ClassesTarget:
        if len(set(self.classes)) < len(self.classes) or (self.single_logit and len(self.classes) > 2):
            raise ValueError("classes must have different names, and only two can share a logit")
        if self.numbers is not None:
            orders = [self.numbers, *([self.numbers[::-1]] if len(self.classes) == 2 else [])]
            increases = any(all(map(lt, order, order[1:])) for order in orders)
            if len(self.numbers) != len(self.classes) or not increases:
                raise ValueError(
                    "numbers must be strictly increasing, except that two may decrease, one for each class"
                )
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Name of the target column."""
        return (self.name,)

    def class_column(self, columns: Names[Column]) -> Column:
        """Return the target column."""
        (column,) = columns
        return column

    def codes(self, columns: Names[Column]) -> NDArray[np.intp]:
        """Class index of each row, (rows,); -1 for a missing value or a class without training rows."""
        column = self.class_column(columns)
        if self.numbers is None or column.kind == "categorical":
            return super().codes(columns)
        values, numbers = np.asarray(column.values, dtype=np.float64), np.asarray(self.numbers)
        order = np.argsort(numbers)
        codes = order[np.searchsorted(numbers, values, sorter=order).clip(max=len(numbers) - 1)]
        return np.asarray(np.where(numbers[codes] == values, codes, -1), dtype=np.intp)

    def reversed(self) -> Self:
        """Target with the classes, and their numbers, in reverse order."""
        numbers = None if self.numbers is None else self.numbers[::-1]
        return super().reversed().model_copy(update={"numbers": numbers})

    @property
    def logit_names(self) -> tuple[str, ...]:
        """Class names, one per logit; a shared logit has the name of the second class."""
        return (f"{self.name}={self.classes[1]}",) if self.single_logit else self.classes

    def has_kinds(self, kinds: Names[Kind]) -> bool:
        """Whether it is one column: numeric for numeric classes, else categorical or boolean."""
        return tuple(kinds) in ((("numeric",),) if self.numbers else (("categorical",), ("boolean",)))
