"""Encoding of a table's input columns to the network's arrays, block by block."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays import fields
from bpcli.arrays.rows import Rows, Scaling, records_of
from bpcli.data.columns import FittedInput, Surprise
from bpcli.data.columns.base import Writer
from bpcli.data.columns.members import array_of, text_of
from bpcli.data.columns.statistics import Values
from bpcli.data.preprocess.plain_numbers import TOGETHER, PlainNumbers, is_plain
from bpcli.data.table import Column, Table

if TYPE_CHECKING:
    from bpcli.arrays.tokens import Tokens
    from bpcli.data.columns.arrays import ArrayInput
    from bpcli.data.columns.text_input import TextInput

ENCODED_ROWS = 8192
"""Block size of encoding, in rows: intermediate results fit a core's cache."""

ENCODED_NUMBERS = 1 << 18
"""Block size of encoding an array, in numbers."""


def side_by_side(signature: fields.Signature) -> fields.Signature:
    """Fields stored together in one record per row: all except arrays and tokens."""
    return tuple(field for field in signature if field.values == "code" or len(field.shape) == 1)


NO_NUMBERS = Column("", "numeric", np.empty(0))
"""Column for the writers of plain numbers, which do not depend on one."""


class _Run(NamedTuple):
    """Writers of consecutive inputs; those of plain numbers with their common encoder and features (rows, columns)."""

    writers: list[tuple[FittedInput, Writer, NDArray[Any]]]
    plain: PlainNumbers | None = None
    out: NDArray[Any] | None = None


class TableEncoder:
    """Block-wise encoder of a table's input columns, which counts values unlike the training rows."""

    def __init__(
        self,
        inputs: Sequence[FittedInput],
        signature: fields.Signature,
        table: Table,
        dtype: np.dtype[Any],
        keeps_stored: Callable[[ArrayInput, np.dtype[Any]], bool],
        given: Mapping[str, Values] = {},
    ) -> None:
        """Take inputs, their fields, and whether an array of a stored dtype stays unencoded.

        given: features (rows, width) of inputs that are not encoded, by name.
        """
        self.surprises: Counter[Surprise] = Counter()
        self._table, self._dtype, self._signature = table, dtype, signature
        self._given = given
        if any(len(features) != table.rows for features in given.values()):
            raise ValueError("features are given for other rows than those of the table")
        nothing = table.slice(0, 0)
        self._records = np.empty(table.rows, records_of(side_by_side(self._signature), dtype))
        self._arrays: list[NDArray[Any]] = []
        self._scalings: dict[int, Scaling] = {}
        self._writers: list[tuple[FittedInput, Writer, NDArray[Any]]] = []
        self._tokens: list[TextInput] = []
        arrays = [field for field in self._signature if len(field.shape) > 1]
        first_array = len(self._signature) - len(arrays) - sum(field.values == "tokens" for field in self._signature)
        number = group = 0
        for place, column in enumerate(inputs):
            field, text, array = column.field(place), text_of(column), array_of(column)
            like = NO_NUMBERS if is_plain(column) or text is not None else column.column_of(nothing)
            if field is None:
                out = self._records["numbers"][:, number : number + column.width]
                number += column.width
            elif text is not None:
                self._tokens.append(text)
                continue
            elif field.values == "code":
                out = self._records["codes"][:, group]
                group += 1
            elif array is not None and keeps_stored(array, like.values.dtype):
                self._scalings[first_array + len(self._arrays)] = array.scaling
                self._arrays.append(self._kept(array))
                continue
            else:
                self._arrays.append(np.empty((table.rows, *field.shape), dtype))
                out = self._arrays[-1].reshape(table.rows, column.width)
            self._writers.append((column, column.writer(like), out))
        self._split = self._runs()
        sizes = [array.size for column in inputs if (array := array_of(column)) is not None]
        self._together = min([ENCODED_ROWS, *(max(1, ENCODED_NUMBERS // size) for size in sizes)])

    def rows(self) -> Rows:
        """Encode all rows of the table."""
        for start in range(0, self._table.rows, self._together):
            stop = min(start + self._together, self._table.rows)
            self._write(self._table.slice(start, stop), start, stop)
        together = side_by_side(self._signature)
        has_codes = any(field.values == "code" for field in together)
        records = [self._records if has_codes else self._records["numbers"]] if together else []
        stores = [*records, *self._arrays, *map(self._of_texts, self._tokens)]
        return Rows(self._signature, stores, self._dtype, self._scalings)

    def _of_texts(self, column: TextInput) -> Tokens:
        """Tokens of all rows of a column of texts."""
        tokens, surprises = column.tokens(column.column_of(self._table), self._dtype)
        self.surprises.update(surprises)
        return tokens

    def _runs(self) -> list[_Run]:
        """Runs of consecutive plain numeric columns, to be encoded together, and of others."""
        together = max(1, TOGETHER // max(1, min(self._table.rows, ENCODED_ROWS)))
        runs, number = [], 0
        for plain, found in groupby(self._writers, lambda writer: is_plain(writer[0])):
            writers = [*found]
            if not plain:
                runs.append(_Run(writers))
                number += sum(column.width for column, _, _ in writers if column.field(0) is None)
                continue
            for start in range(0, len(writers), together):
                some = writers[start : start + together]
                out = self._records["numbers"][:, number : number + len(some)]
                runs.append(_Run(some, PlainNumbers([column for column, _, _ in some]), out))
                number += len(some)
        return runs

    def _write(self, block: Table, start: int, stop: int) -> None:
        """Encode a block, rows `start` to `stop` of the table."""
        for run in self._split:
            columns = [column.column_of(block) for column, _, _ in run.writers]
            alone = [True] * len(columns)
            if run.plain is not None and run.out is not None and all(column.kind == "numeric" for column in columns):
                values = np.array([column.values for column in columns], np.float64)
                alone = run.plain.write(values, run.out[start:stop]).tolist()
            for (fitted, write, out), column, is_alone in zip(run.writers, columns, alone, strict=True):
                if fitted.name in self._given:
                    out[start:stop] = self._given[fitted.name][start:stop]
                elif is_alone:
                    self.surprises.update(write(column, out[start:stop]))

    def _kept(self, column: ArrayInput) -> NDArray[Any]:
        """Unencoded values of an array, with surprises counted."""
        values = column.column_of(self._table)
        rows = max(1, ENCODED_NUMBERS // column.size)
        for start in range(0, self._table.rows, rows):
            self.surprises.update(column.surprises(values.take(slice(start, start + rows))))
        return column.hold(values.values) if column.constant else values.values
