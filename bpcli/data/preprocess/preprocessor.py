"""Raw columns to the network's arrays, as fitted on the training rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from bpcli.arrays import fields
from bpcli.arrays.memory import Array
from bpcli.arrays.rows import Rows, Scaling, records_of
from bpcli.data.batches import Dataset
from bpcli.data.columns import ArrayInput, ColumnInput, FittedInput, Surprise
from bpcli.data.columns.base import Writer
from bpcli.data.columns.encoders import TargetEncoder, numbers
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

ENCODED_NUMBERS = 1 << 18
"""Numbers of an array that are encoded at a time."""

SCALED_FROM = 16 << 20
"""Bytes of an array's rows as numbers from which its integers are held as they are, and scaled batch by batch.

Fewer fit the last cache of a processor, and time matters more: with scaled bytes, an epoch of a network of 784-128-10
takes a fifth longer.
"""


class Preprocessor(Spec):
    """Everything that was fitted on the training rows; a checkpoint holds it as it is."""

    inputs: Sequence[FittedInput] = Field(min_length=1)
    target: FittedTarget
    weight: str | None = None
    target_kinds: Sequence[Kind]

    @model_validator(mode="after")
    def _of_one_table(self) -> Preprocessor:
        inputs = [name for column in self.inputs for name in {column.name, *column.names}]
        names = [*inputs, *self.target.names, self.weight]
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
    def arrays(self) -> list[ArrayInput]:
        """Inputs that are arrays."""
        return [column for column in self.inputs if isinstance(column, ArrayInput)]

    @property
    def parts(self) -> list[ColumnInput]:
        """What can be looked at by itself, in the order of the features: columns, and each position of an array."""
        return [part for column in self.inputs for part in column.parts()]

    def table_of_parts(self, table: Table) -> Table:
        """The input and target columns of a table, an array as the columns of its positions, in the same memory."""
        return table.flat([name for name in self.evaluation_kinds_in(table) if name in table])

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
        return self.input_kinds_in(array.name for array in self.arrays)

    def input_kinds_in(self, header: Iterable[str]) -> dict[str, Kind]:
        """The same of a source with these columns: an array that is not among them has a column for each position."""
        there, kinds = {*header}, dict[str, Kind]()
        for column in self.inputs:
            names = [column.name] if column.name in there else column.names
            kinds |= dict.fromkeys(names, column.read_as)
        return kinds

    @property
    def evaluation_kinds(self) -> dict[str, Kind]:
        """The columns that an evaluation needs: those of a prediction, and the target."""
        return self.evaluation_kinds_in(array.name for array in self.arrays)

    def evaluation_kinds_in(self, header: Iterable[str]) -> dict[str, Kind]:
        """The same of a source with these columns, as `input_kinds_in`."""
        return {**self.input_kinds_in(header), **dict(zip(self.target.names, self.target_kinds, strict=True))}

    @property
    def signature(self) -> fields.Signature:
        """A field of all plain numbers, one of codes for each one-hot column, and one for each array of its shape."""
        own = [(place, column.field(place)) for place, column in enumerate(self.inputs)]
        places = tuple(place for place, field in own if field is None for _ in range(self.inputs[place].width))
        numbers = [fields.Field("numbers", (len(places),), places=places)] if places else []
        others = [field for _, field in own if field is not None]
        return (*numbers, *sorted(others, key=lambda field: field.values == "real"))

    def bytes_needed(self, rows: int, dtype: np.dtype[Any]) -> int:
        """What `apply` makes of so many rows."""
        x = records_of(_side_by_side(self.signature), dtype).itemsize
        for array in self.arrays:
            if not array.missing:
                stored = np.dtype(array.stored)
                held = stored if self.keeps_stored(array, stored, rows, dtype) else dtype
                x += array.size * held.itemsize
        y = len(self.target.names) * self.target.encoded_dtype(dtype).itemsize
        return rows * (x + y + (dtype.itemsize if self.weight is not None else 0))

    @staticmethod
    def keeps_stored(
        array: ArrayInput, stored: np.dtype[Any], rows: int, dtype: np.dtype[Any], from_bytes: int = SCALED_FROM
    ) -> bool:
        """Whether rows of an array stay integers in memory, which readers scale: the same numbers, to the bit."""
        return array.keeps_stored(stored, dtype) and rows * array.size * dtype.itemsize >= from_bytes

    def scales_rows(self, rows: int, dtype: np.dtype[Any]) -> bool:
        """Whether `encode` leaves some of an array's numbers to readers."""
        return any(self.keeps_stored(array, np.dtype(array.stored), rows, dtype) for array in self.arrays)

    def encode(
        self, table: Table, dtype: np.dtype[Any], scaled_from: int = SCALED_FROM
    ) -> tuple[Rows, Counter[Surprise]]:
        """The input columns of a table as rows of fields, and what training had not seen in them, counted.

        scaled_from: bytes of an array's encoded rows from which integers are held as they are.
        """
        encoder = _TableEncoder(self, table, dtype, scaled_from)
        return encoder.rows(), encoder.surprises

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


def _side_by_side(signature: fields.Signature) -> fields.Signature:
    """The fields that are held in one record a row: all but arrays."""
    return tuple(field for field in signature if field.values == "code" or len(field.shape) == 1)


class _TableEncoder:
    """Encodes the input columns of a table, some rows at a time, and counts what training had not seen."""

    def __init__(self, fitted: Preprocessor, table: Table, dtype: np.dtype[Any], scaled_from: int) -> None:
        self.surprises: Counter[Surprise] = Counter()
        self._table, self._dtype, self._signature = table, dtype, fitted.signature
        nothing = table.slice(0, 0)
        self._records = np.empty(table.rows, records_of(_side_by_side(self._signature), dtype))
        self._arrays: list[NDArray[Any]] = []
        self._scalings: dict[int, Scaling] = {}
        self._writers: list[tuple[FittedInput, Writer, NDArray[Any]]] = []
        first_array = len(self._signature) - sum(len(field.shape) > 1 for field in self._signature)
        number = group = 0
        for place, column in enumerate(fitted.inputs):
            field, like = column.field(place), column.column_of(nothing)
            if field is None:
                out = self._records["numbers"][:, number : number + column.width]
                number += column.width
            elif field.values == "code":
                out = self._records["codes"][:, group]
                group += 1
            elif isinstance(column, ArrayInput) and fitted.keeps_stored(
                column, like.values.dtype, table.rows, dtype, scaled_from
            ):
                self._scalings[first_array + len(self._arrays)] = column.scaling
                self._arrays.append(self._kept(column))
                continue
            else:
                self._arrays.append(np.empty((table.rows, *field.shape), dtype))
                out = self._arrays[-1].reshape(table.rows, column.width)
            self._writers.append((column, column.writer(like), out))
        self._together = min([ENCODED_ROWS, *(max(1, ENCODED_NUMBERS // array.size) for array in fitted.arrays)])

    def rows(self) -> Rows:
        """All rows of the table."""
        for start in range(0, self._table.rows, self._together):
            stop = min(start + self._together, self._table.rows)
            block = self._table.slice(start, stop)
            for column, write, out in self._writers:
                self.surprises.update(write(column.column_of(block), out[start:stop]))
        side_by_side = _side_by_side(self._signature)
        has_codes = any(field.values == "code" for field in side_by_side)
        records = [self._records if has_codes else self._records["numbers"]] if side_by_side else []
        return Rows(self._signature, [*records, *self._arrays], self._dtype, self._scalings)

    def _kept(self, column: ArrayInput) -> NDArray[Any]:
        """The values of an array as the table has them."""
        values = column.column_of(self._table)
        rows = max(1, ENCODED_NUMBERS // column.size)
        for start in range(0, self._table.rows, rows):
            self.surprises.update(column.surprises(values.take(slice(start, start + rows))))
        return values.values
