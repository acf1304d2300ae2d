"""In-memory table of named, typed columns of equal length."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from math import prod
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from bpcli.data.calendar import date_labels, time_labels
from bpcli.errors import DataError
from bpcli.wording import is_number, listed, listed_with_last, quoted, related, suggestion

Kind = Literal["numeric", "categorical", "boolean", "date", "time_of_day"]

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = get_args(Part)

DEFAULT_MISSING: tuple[str, ...] = ("", "NA", "N/A", "NaN", "null", "?")
"""Cells read as missing values."""

MOST_RELATED = 3
"""Maximum number of columns suggested for a part of their names."""

EXACT = 2**53
"""Limit below which float64 represents every integer exactly."""

TRUE_WORDS = ("true", "yes")
FALSE_WORDS = ("false", "no")
"""Case-insensitive truth values; a column of these words alone is boolean."""


def unnamed(position: int) -> str:
    """Name of a column that its header leaves without one; position counted from 0."""
    return f"Unnamed: {position}"


@dataclass(frozen=True)
class Column:
    """A column of values, (rows,), or an array of numbers or booleans, (rows, *shape).

    numeric: any real dtype, NaN if missing. boolean: float64 of 0, 1 and NaN (arrays: any dtype); `categories` are the
    truth words of a text file. date: float64 seconds since 1970-01-01T00:00. time_of_day: float64 seconds since
    midnight. categorical: int32 codes into `categories`, -1 if missing. Categories are sorted; in a column that was
    read whole, each occurs at least once.
    """

    name: str
    kind: Kind
    values: NDArray[Any]
    categories: tuple[str, ...] = ()
    first: int | None = None
    """Time step of an array's first position, if its positions are time steps counted from now, the step 0."""

    def __len__(self) -> int:
        return len(self.values)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one row's value; empty unless the column is an array."""
        return self.values.shape[1:]

    def missing(self) -> NDArray[np.bool_]:
        """Mask of missing values, in the shape of `values`."""
        if self.kind == "categorical":
            return np.asarray(self.values < 0)
        if self.values.dtype.kind == "f":
            return np.asarray(np.isnan(self.values))
        return np.zeros(self.values.shape, dtype=np.bool_)

    def positions(self) -> list[Column]:
        """Views of an array's positions as columns X0, X1, …; for any other column, the column itself."""
        if not self.shape:
            return [self]
        flat = self.values.reshape(len(self.values), prod(self.shape))
        names = position_names(self.name, flat.shape[1], self.first)
        return [Column(name, self.kind, flat[:, place]) for place, name in enumerate(names)]

    def take(self, rows: NDArray[np.intp] | slice) -> Column:
        """Select `rows`, in that order; a slice gives a view."""
        return Column(self.name, self.kind, self.values[rows], self.categories, self.first)

    def known(self) -> Column:
        """Rows with a value."""
        return self.take(np.flatnonzero(~self.missing()))

    def present(self) -> tuple[str, ...]:
        """Categories that occur in the rows, in order."""
        found = np.zeros(len(self.categories) + 1, dtype=np.bool_)
        found[self.values] = True  # code -1, missing, indexes the extra entry
        return tuple(compress(self.categories, found.tolist()))

    def as_words(self) -> Column:
        """Convert a boolean column to its own words, as categories; unchanged if a truth value has several words."""
        truths = [word.lower() in TRUE_WORDS for word in self.categories]
        if self.kind != "boolean" or not truths or len(set(truths)) < len(truths):
            return self
        code_of = np.array([truths.index(truth) if truth in truths else -1 for truth in (False, True)] + [-1], np.int32)
        codes = code_of[np.where(np.isnan(self.values), 2, self.values).astype(np.intp)]
        return Column(self.name, "categorical", codes, self.categories)

    def labels(self) -> list[str]:
        """Cells as text: empty if missing, integers without a decimal point, dates in ISO format."""
        if self.kind == "categorical":
            names = np.array([*self.categories, ""], dtype=object)
            return list(names[self.values])
        if self.kind == "boolean":
            words = np.array(["false", "true", ""], dtype=object)
            return list(words[np.where(np.isnan(self.values), 2, self.values).astype(np.intp)])
        if self.kind == "date":
            return date_labels(self.values)
        if self.kind == "time_of_day":
            return time_labels(self.values)
        return ["" if value != value else number_label(value) for value in self.values.tolist()]


def position_names(name: str, count: int, first: int | None = None) -> list[str]:
    """Names of an array's positions: X0, X1, …; of time steps counted from now, X-2, X-1, X+0, X+1, …"""
    if first is None:
        return [f"{name}{place}" for place in range(count)]
    return [f"{name}{step:+d}" for step in range(first, first + count)]


def number_label(value: float) -> str:
    """Shortest text of a number: `3` for 3.0, `0.25` for 0.25; an int has all its digits."""
    if isinstance(value, int):
        return str(value)
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def absent_name_hint(name: str, header: Sequence[str]) -> str:
    """Hint for a column name that a header lacks: the nearest name, related ones, or the names and a likely cause."""
    if near := suggestion(name, header):
        return near
    if names := related(name, header)[:MOST_RELATED]:
        return f"; did you mean {' or '.join(map(quoted, names))}?"
    there = f"; it has {listed_with_last(header)}"
    if len(header) == 1 and re.search(r"[|:\s]", header[0]):
        return f"{there}, a single column; separate columns with commas, semicolons or tabs"
    if header and all(map(is_number, header)):
        return f"{there}; is the header line missing?"
    return there


def require_columns(names: Sequence[str], header: Sequence[str], source: str) -> None:
    """Raise DataError if any of `names` is missing from a header; `source` names the file in the message."""
    there = set(header)
    absent = [name for name in names if name not in there]
    if absent:
        others = [name for name in header if name not in names]
        hint = suggestion(absent[0], others) or absent_name_hint(absent[0], header)
        raise DataError(f"{source}: no {'column' if len(absent) == 1 else 'columns'} {listed(absent)}{hint}")


class Table(Mapping[str, Column]):
    """Columns by name, in the order of the file.

    parts: split of each row as given by the source, (rows,) indices into `PARTS`, or None. header: names of all columns
    of the source in order, including those not read.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        parts: NDArray[np.int8] | None = None,
        rows: int | None = None,
        header: Sequence[str] = (),
    ) -> None:
        self._columns = {column.name: column for column in columns}
        self._at: NDArray[np.intp] | None = None
        self.rows = len(columns[0]) if columns else (rows or 0)
        self.parts = parts
        self.header = tuple(header) or tuple(self._columns)

    @property
    def ignored(self) -> tuple[str, ...]:
        """Columns of the source that were not read."""
        return tuple(name for name in self.header if name not in self)

    def __getitem__(self, name: str) -> Column:
        column = self._columns[name]
        return column if self._at is None else column.take(self._at)

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def take(self, rows: NDArray[np.intp]) -> Table:
        """Select `rows`, in that order. Lazy: each access to a column copies its values."""
        parts = None if self.parts is None else self.parts[rows]
        part = Table(list(self._columns.values()), parts, header=self.header)
        part._at = rows if self._at is None else self._at[rows]
        part.rows = len(rows)
        return part

    def slice(self, start: int, stop: int) -> Table:
        """Rows `start` to `stop`; a view, unless the table is itself a selection by `take`."""
        rows = range(self.rows)[start:stop]
        if self._at is not None:
            return self.take(np.array(rows, dtype=np.intp))
        part = slice(rows.start, rows.stop)
        columns = [column.take(part) for column in self._columns.values()]
        return Table(columns, None if self.parts is None else self.parts[part], len(rows), self.header)

    def flat(self, names: Sequence[str]) -> Table:
        """View of the named columns, with each position of an array as a column."""
        columns = [position for name in names for position in self._columns[name].positions()]
        part = Table(columns, self.parts, self.rows)
        part._at, part.rows = self._at, self.rows
        return part

    def require(self, names: Sequence[str], source: str) -> None:
        """Raise DataError if any of `names` is not a column; `source` names the file in the message."""
        require_columns(names, self.header, source)
