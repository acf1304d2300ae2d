"""Typed columns from typed values, as in JSON, workbooks and databases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.data.files.cells import (
    BLANKS,
    ReadOptions,
    column_numbers,
    first_misfit,
    misfit,
    numeric_words,
    text_column,
)
from bpcli.data.files.growing_array import GrowingArray
from bpcli.data.table import EXACT, Column, Table, number_label
from bpcli.errors import DataError
from bpcli.wording import composed, quoted

Value = bool | int | float | str | None
"""None is a missing value, and so is NaN."""

Place = Callable[[int], str]
"""Where a row of a block is, as messages show it."""

_ALLOWED = {bool, int, float, str, type(None)}
_OTHERS: dict[type, str] = {dict: "an object", list: "an array", bytes: "bytes"}
_TEXTS = {str, bool}
"""What makes a column text."""


class ValueTable:
    """Wanted columns while values are read, a block of rows at a time.

    Names can be given, or appear with the rows; a column that appears late is missing in earlier rows.
    """

    def __init__(self, options: ReadOptions, header: Sequence[str] = ()) -> None:
        self.rows = 0
        self._options = options
        self._columns: dict[str, ValueColumn | None] = {}  # None: not wanted
        self._add_names(header)

    @property
    def header(self) -> list[str]:
        """Names of all columns so far, including unwanted ones."""
        return list(self._columns)

    def add(self, block: Mapping[str, Sequence[Value]], rows: int, place: Callable[[str, int], str]) -> None:
        """Add rows. `place` returns the location of a column's value in a row of the block.

        Raises DataError for a value other than a number, text or boolean, or one not allowed by the given kind.
        """
        self._add_names(block)
        nothing = [None] * rows
        for name, column in self._columns.items():
            if column is not None:
                column.add(block.get(name, nothing), partial(place, name))
        self.rows += rows

    def finish(self) -> Table:
        """All rows. Nothing can be added afterwards."""
        columns = [column.finish() for column in self._columns.values() if column is not None]
        return Table(columns, rows=self.rows, header=self.header)

    def _add_names(self, names: Sequence[str] | Mapping[str, object]) -> None:
        for name in names:
            if name not in self._columns:
                wanted = self._options.includes(name)
                self._columns[name] = ValueColumn(name, self._options, self.rows) if wanted else None


class ValueColumn:
    """A column while it is read. The first `rows` values are missing.

    It is numeric if all its values are numbers; a text that is a missing word is a missing value. Any other text makes
    it text, in which numbers are written by `number_label`.
    """

    def __init__(self, name: str, options: ReadOptions, rows: int = 0) -> None:
        self.name = name
        self._options = options
        notation = options.notation(name)
        self._kind = options.kind(name) if notation is None else notation.kind
        self._missing = options.missing_in(name)
        self._numeric_words = numeric_words(self._missing, options.dialect)
        self._numbers: GrowingArray[np.float64] | None = GrowingArray(np.float64)
        self._long: dict[int, str] = {}
        """Integers that float64 does not represent exactly, by row."""
        self._seen: defaultdict[str | None, int] = defaultdict(count().__next__, {None: -1})
        """Code of each distinct text."""
        self._codes: GrowingArray[np.int32] = GrowingArray(np.int32)
        if self._kind in ("numeric", None):
            self._numbers.extend(np.full(rows, np.nan))
        else:
            self._numbers = None
            self._codes.extend(np.full(rows, -1, np.int32))

    def add(self, values: Sequence[Value], place: Place) -> None:
        """Add values of rows. Raises DataError as `ValueTable.add` does."""
        types = {*map(type, values)}
        if types - _ALLOWED:
            row = next(row for row, value in enumerate(values) if type(value) not in _ALLOWED)
            what = _OTHERS.get(type(values[row]), f"a value of type {type(values[row]).__name__}")
            where = f"{place(row)}: column {quoted(self.name)}"
            raise DataError(f"{where}: holds {what}; only numbers, booleans and text are read")
        if self._numbers is not None and types & _TEXTS and not self._is_numeric(values):
            self._become_text()
        if self._numbers is not None:
            self._add_numbers(self._numbers, values, types, place)
        else:
            self._add_texts(values, types, place)

    def _is_numeric(self, values: Sequence[Value]) -> bool:
        """Whether a column stays numeric with further values."""
        if self._kind == "numeric":
            return True
        others = {value for value in values if type(value) in _TEXTS}
        return all(isinstance(value, str) and composed(value.strip(BLANKS)) in self._missing for value in others)

    def _add_numbers(
        self, column: GrowingArray[np.float64], values: Sequence[Value], types: set[type], place: Place
    ) -> None:
        texts: dict[int, str] = {}
        if types & _TEXTS:
            texts = {row: _label(value) for row, value in enumerate(values) if type(value) in _TEXTS}
            values = [None if row in texts else value for row, value in enumerate(values)]
        numbers = _floats(values)
        if texts:
            numbers[list(texts)] = column_numbers(self.name, list(texts.values()), self._options)
        for word in self._numeric_words:
            numbers[numbers == word] = np.nan
        if (strange := np.isinf(numbers)).any():
            row = int(np.argmax(strange))
            raise misfit(place(row), self.name, texts.get(row, "inf"), self._options)
        if self._kind is None and int in types:
            for row in np.flatnonzero(np.abs(numbers) >= EXACT).tolist():
                self._long[len(column) + row] = _label(values[row])
        column.extend(numbers)

    def _become_text(self) -> None:
        assert self._numbers is not None
        numbers, self._numbers = self._numbers.finish(), None
        texts = [number_label(number) if number == number else None for number in numbers.tolist()]
        for row, text in self._long.items():
            texts[row] = text
        self._extend_codes(texts)

    def _add_texts(self, values: Sequence[Value], types: set[type], place: Place) -> None:
        known = len(self._seen)
        is_boolean = self._kind == "boolean"
        # Most columns hold nothing but text, which needs no label.
        texts: Sequence[Any] = values
        if types - {str, type(None)}:
            texts = [None if value is None or value != value else _label(value, is_boolean) for value in values]
        self._extend_codes(texts)
        new: list[Any] = list(islice(self._seen, known, None))
        if (wrong := first_misfit(self.name, new, self._options)) is not None:
            raise misfit(place(texts.index(new[wrong])), self.name, new[wrong], self._options)

    def _extend_codes(self, texts: Sequence[str | None]) -> None:
        self._codes.extend(np.fromiter(map(self._seen.__getitem__, texts), np.int32, len(texts)))

    def finish(self) -> Column:
        """The whole column. Nothing can be added afterwards."""
        if self._numbers is not None:
            return Column(self.name, "numeric", self._numbers.finish())
        texts = [text for text in self._seen if text is not None]
        return text_column(self.name, texts, self._codes.finish(), self._options)


def _label(value: Value, is_boolean: bool = False) -> str:
    """Value as a text cell; 0 or 1 in a boolean column is a truth value."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or (is_boolean and value in (0, 1)):
        return "true" if value else "false"
    assert value is not None
    return number_label(value)


def _floats(values: Sequence[Value]) -> NDArray[np.float64]:
    """Values of numbers: infinity for an integer that is too large, NaN for None."""
    try:
        return np.array(values, np.float64)
    except OverflowError:
        limit = 2**1023
        return np.array(
            [np.inf if isinstance(value, int) and abs(value) >= limit else value for value in values], float
        )
