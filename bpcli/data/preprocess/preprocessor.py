"""Raw columns to the network's arrays, as fitted on the training rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import Field, model_validator

from bpcli.arrays import fields
from bpcli.arrays.memory import Array
from bpcli.arrays.rows import Records, Rows, records_of
from bpcli.data.batches import Dataset
from bpcli.data.columns.encoders import TargetEncoder, numbers
from bpcli.data.columns.inputs import FittedInput, Surprise
from bpcli.data.columns.spec import BooleanColumn, CategoricalColumn, ColumnSpec, EncodersSpec, NumericColumn
from bpcli.data.table import Kind, Table
from bpcli.data.targets import FittedTarget
from bpcli.data.targets.fitting import fit_target
from bpcli.errors import Mismatch, MismatchError
from bpcli.nn.losses import LossBase
from bpcli.spec import Sequence, Spec
from bpcli.wording import quoted

PLAIN: dict[Kind, ColumnSpec] = {
    "numeric": NumericColumn(),
    "categorical": CategoricalColumn(),
    "boolean": BooleanColumn(),
}
"""What is done with a column of which the config says nothing, by its kind."""

ENCODED_ROWS = 8192
"""Rows that are encoded at a time: what stands between a raw column and its features stays in a core's cache."""


class Preprocessor(Spec):
    """Everything that was fitted on the training rows; a checkpoint holds it as it is."""

    inputs: Sequence[FittedInput] = Field(min_length=1)
    target: FittedTarget
    weight: str | None = None
    target_kinds: Sequence[Kind]

    @model_validator(mode="after")
    def _of_one_table(self) -> Preprocessor:
        names = [*(column.name for column in self.inputs), *self.target.names, self.weight]
        if len(set(names)) < len(names):
            raise ValueError("a column stands in two places")
        if not any(column.width for column in self.inputs):
            raise ValueError("the inputs make no feature")
        if not self.target.has_kinds(self.target_kinds):
            raise ValueError("target_kinds are not those of the target")
        return self

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
        columns = (train[name] for name in inputs)  # one at a time: a part of a table copies them
        fitted = [specs.get(column.name, PLAIN[column.kind]).fit(column, encoders) for column in columns]
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

    def average(self, dtype: np.dtype[Any]) -> Array:
        """The features (width,) of an average row: numbers at their training mean, each category by its share."""
        return np.array([feature for column in self.inputs for feature in column.average], dtype)

    @property
    def input_kinds(self) -> dict[str, Kind]:
        """The columns that a prediction needs, and how to read each."""
        kinds: dict[str, Kind] = {"numeric": "numeric", "boolean": "boolean"}
        return {column.name: kinds.get(column.type, "categorical") for column in self.inputs}

    @property
    def encodings(self) -> dict[str, str]:
        """What makes features of each input column, by the name that a config has for it."""
        return {column.name: column.encoder if column.type == "numeric" else column.type for column in self.inputs}

    @property
    def evaluation_kinds(self) -> dict[str, Kind]:
        """The columns that an evaluation needs: those of a prediction, and the target."""
        return {**self.input_kinds, **dict(zip(self.target.names, self.target_kinds, strict=True))}

    @property
    def signature(self) -> fields.Signature:
        """A field of all plain numbers, and one of codes for each one-hot column."""
        places = [
            place for place, column in enumerate(self.inputs) if not column.is_one_hot for _ in range(column.width)
        ]
        codes = [
            fields.Field(column.name, (), "code", column.width, (place,))
            for place, column in enumerate(self.inputs)
            if column.is_one_hot
        ]
        return (*([fields.Field("numbers", (len(places),), places=tuple(places))] if places else []), *codes)

    def bytes_needed(self, rows: int, dtype: np.dtype[Any]) -> int:
        """What `apply` makes of so many rows."""
        x = records_of(self.signature, dtype).itemsize
        y = len(self.target.names) * self.target.encoded_dtype(dtype).itemsize
        return rows * (x + y + (dtype.itemsize if self.weight is not None else 0))

    def encode(self, table: Table, dtype: np.dtype[Any]) -> tuple[Rows, Counter[Surprise]]:
        """The input columns of a table as rows of fields, and what training had not seen in them, counted."""
        signature, encoder = self.signature, _TableEncoder(self.inputs, table)
        records = np.empty(table.rows, records_of(signature, dtype))
        for start in range(0, table.rows, ENCODED_ROWS):
            encoder.write(start, records[start : start + ENCODED_ROWS])
        has_codes = any(field.values == "code" for field in signature)
        return Rows(signature, [records if has_codes else records["numbers"]], dtype), encoder.surprises

    def apply(self, table: Table, dtype: np.dtype[Any]) -> tuple[Dataset, Counter[Surprise]]:
        """Inputs, targets and, where it has them, weights of a table, none of whose targets is missing."""
        x, surprises = self.encode(table, dtype)
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


class _TableEncoder:
    """Writes the input columns of a table to records, some rows at a time, and counts what training had not seen."""

    def __init__(self, inputs: Sequence[FittedInput], table: Table) -> None:
        self.surprises: Counter[Surprise] = Counter()
        nothing = table.slice(0, 0)
        self._table = table
        self._writers = [(column, column.writer(nothing[column.name])) for column in inputs]

    def write(self, start: int, records: Records) -> None:
        """Encode the rows from `start` on, one a record."""
        block = self._table.slice(start, start + len(records))
        numbers, codes = records["numbers"], records["codes"]
        number = group = 0
        for column, write in self._writers:
            if column.is_one_hot:
                out = codes[:, group]
                group += 1
            else:
                out = numbers[:, number : number + column.width]
                number += column.width
            self.surprises.update(write(block[column.name], out))
