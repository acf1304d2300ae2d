"""Raw columns to the network's arrays, as fitted on the training rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from bpcli.data.batches import Dataset
from bpcli.data.preprocess.encoders import TargetEncoder, numbers
from bpcli.data.preprocess.inputs import (
    BooleanColumn,
    CategoricalColumn,
    ColumnSpec,
    EncodersSpec,
    FittedInput,
    NumericColumn,
    Surprise,
)
from bpcli.data.preprocess.targets import FittedTarget, fit_target
from bpcli.data.table import Kind, Table
from bpcli.errors import Mismatch, MismatchError
from bpcli.nn.arrays import Array
from bpcli.nn.losses import LossBase
from bpcli.spec import Sequence, Spec
from bpcli.text import quoted

PLAIN: dict[Kind, ColumnSpec] = {
    "numeric": NumericColumn(),
    "categorical": CategoricalColumn(),
    "boolean": BooleanColumn(),
}
"""What is done with a column of which the config says nothing, by its kind."""


class Preprocessor(Spec):
    """Everything that was fitted on the training rows; a checkpoint holds it as it is."""

    inputs: Sequence[FittedInput]
    target: FittedTarget
    weight: str | None = None
    target_kinds: Sequence[Kind]

    @classmethod
    def fit(
        cls,
        train: Table,
        inputs: list[str],
        targets: list[str],
        specs: Mapping[str, ColumnSpec],
        encoders: EncodersSpec,
        target_encoder: TargetEncoder | None,
        weight: str | None,
        loss: LossBase,
    ) -> Preprocessor:
        """Fit input and target columns, named in that order, on a table of training rows.

        Raises:
            MismatchError: a column cannot be what the config says of it.
        """
        fitted = [specs.get(name, PLAIN[train[name].kind]).fit(train[name], encoders) for name in inputs]
        target_columns = [train[name] for name in targets]
        return cls(
            inputs=tuple(fitted),
            target=fit_target(target_columns, loss, target_encoder),
            weight=weight,
            target_kinds=tuple(column.kind for column in target_columns),
        )

    @property
    def features(self) -> list[str]:
        """Names of the network's inputs, in order."""
        return [feature for column in self.inputs for feature in column.features]

    @property
    def input_kinds(self) -> dict[str, Kind]:
        """The columns that a prediction needs, and how to read each."""
        kinds: dict[str, Kind] = {"numeric": "numeric", "boolean": "boolean"}
        return {column.name: kinds.get(column.type, "categorical") for column in self.inputs}

    @property
    def evaluation_kinds(self) -> dict[str, Kind]:
        """The columns that an evaluation needs: those of a prediction, and the target."""
        return {**self.input_kinds, **dict(zip(self.target.names, self.target_kinds, strict=True))}

    def encode(self, table: Table, out: Array) -> Counter[Surprise]:
        """Encode the input columns into `out`, shape (rows, features); count what training had not seen."""
        surprises: Counter[Surprise] = Counter()
        start = 0
        for column in self.inputs:
            width = len(column.features)
            surprises.update(column.write(table[column.name], out[:, start : start + width]))
            start += width
        return surprises

    def apply(self, table: Table, dtype: np.dtype[Any]) -> tuple[Dataset, Counter[Surprise]]:
        """Inputs, targets and, where it has them, weights of a table, none of whose targets is missing."""
        x = np.empty((table.rows, len(self.features)), dtype)
        surprises = self.encode(table, x)
        y = self.target.encode([table[name] for name in self.target.names], dtype)
        return Dataset(x, y, self._weights(table, dtype)), surprises

    def _weights(self, table: Table, dtype: np.dtype[Any]) -> Array | None:
        """Sample weights as the column has them."""
        if self.weight is None or self.weight not in table:
            return None
        values = numbers(table[self.weight])
        if not np.all(values >= 0) or not np.any(values > 0):
            raise MismatchError(
                Mismatch(
                    ("data", "weight"),
                    f"column {quoted(self.weight)} must hold numbers of 0 or more, none missing, one above 0 at least",
                )
            )
        return np.asarray(values, dtype=dtype)
