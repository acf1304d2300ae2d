"""What a cell of text means: numbers, missing words, booleans and categories, typed in bulk."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress, islice
from operator import ne
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bpcli.data.files.dialect import DEFAULT_DIALECT, Dialect
from bpcli.data.table import DEFAULT_MISSING, FALSE_WORDS, TRUE_WORDS, Column, Kind
from bpcli.errors import DataError
from bpcli.wording import printable, quoted

BLANKS = " \t\u00a0\u202f"
"""Characters stripped from both ends of a cell: spaces, also no-break ones, and tabs."""

_BOOLEANS = dict.fromkeys(FALSE_WORDS, False) | dict.fromkeys(TRUE_WORDS, True)


@dataclass(frozen=True)
class ReadOptions:
    """What the reader of a data file is told.

    `kinds` are given for some columns, the others are inferred. `columns` are the only ones to read (None: all); a
    name that the file lacks is ignored. `verbatim` columns are kept as text exactly as in the file, without missing
    words. `x` and `y` name the arrays of an NPZ file; with `split_arrays` inputs of more than two axes are a column for
    each number of a row, named X0, X1, …, in place of one column of their shape. `dialect` is the format of delimited
    text.
    """

    kinds: Mapping[str, Kind] = field(default_factory=dict)
    missing: tuple[str, ...] = DEFAULT_MISSING
    columns: frozenset[str] | None = None
    verbatim: frozenset[str] = frozenset()
    x: str = "X"
    y: str = "y"
    split_arrays: bool = False
    dialect: Dialect = DEFAULT_DIALECT

    def wants(self, name: str) -> bool:
        """Whether the column is to be read."""
        return self.columns is None or name in self.columns

    def names_position(self, name: str) -> bool:
        """Whether a name is that of a position of the inputs' array, such as X3."""
        return name.startswith(self.x) and name[len(self.x) :].isdecimal()

    def kind(self, name: str) -> Kind | None:
        """The kind given for a column, or None where it is to be inferred."""
        return "categorical" if name in self.verbatim else self.kinds.get(name)


def parse_cells(
    cells: Sequence[str], missing: frozenset[str], dialect: Dialect = DEFAULT_DIALECT
) -> NDArray[np.float64]:
    """The number in each cell, NaN where it is a missing word, and infinity where it is no finite number."""
    values = np.full(len(cells), np.nan)
    present = ~np.fromiter(map(missing.__contains__, cells), np.bool_, len(cells))
    values[present] = _parse_present(list(compress(cells, present.tolist())), missing, dialect)
    return values


def _parse_present(cells: list[str], missing: frozenset[str], dialect: Dialect) -> NDArray[np.float64]:
    joined = "\0".join([*cells, ""])
    if joined.count("\0") == len(cells) and re.fullmatch(rf"(?:{dialect.number}\0)*+", joined):
        return _floats(cells, dialect)  # all at once: most likely, and several times as fast
    stripped = [cell.strip(BLANKS) for cell in cells]
    is_missing = np.fromiter(map(missing.__contains__, stripped), np.bool_, len(cells))
    matches = map(re.compile(dialect.number).fullmatch, stripped)
    is_number = np.fromiter((match is not None for match in matches), np.bool_, len(cells)) & ~is_missing
    values = np.where(is_missing, np.nan, np.inf)
    values[is_number] = _floats(list(compress(stripped, is_number.tolist())), dialect)
    return values


def _floats(numbers: list[str], dialect: Dialect) -> NDArray[np.float64]:
    """The values of numbers, infinity where one is too large."""
    spelled = numbers if dialect.is_plain else dialect.plain("\0".join(numbers)).split("\0")[: len(numbers)]
    values = np.fromiter(map(float, spelled), np.float64, len(numbers))
    return np.where(np.isneginf(values), np.inf, values)


def numeric_words(missing: frozenset[str], dialect: Dialect) -> list[float]:
    """The values of missing words that are numbers themselves, such as -999: a cell that reads so must be looked at."""
    values = parse_cells(sorted(missing), frozenset(), dialect)
    found: list[float] = values[~np.isinf(values)].tolist()
    return found


def first_not_boolean(texts: Sequence[str], missing: frozenset[str]) -> int | None:
    """The index of the first text that is neither a missing word nor a boolean word, if there is one."""
    for index, text in enumerate(texts):
        word = text.strip(BLANKS)
        if word not in missing and word.lower() not in _BOOLEANS:
            return index
    return None


def text_column(name: str, texts: Sequence[str], codes: NDArray[np.int32], options: ReadOptions) -> Column:
    """A boolean or categorical column from its distinct raw texts and, for each row, the index of one of them.

    A code of -1 is a missing value. A column whose kind is given as boolean must have been checked before.
    """
    kind = options.kind(name)
    missing = frozenset(() if name in options.verbatim else options.missing)
    words = list(texts) if name in options.verbatim else [text.strip(BLANKS) for text in texts]
    if kind is None:
        any_value = not missing.issuperset(words)
        kind = "boolean" if any_value and first_not_boolean(words, missing) is None else "categorical"
    if kind == "boolean":
        numbers = [np.nan if word in missing else float(_BOOLEANS[word.lower()]) for word in words]
        return Column(name, kind, np.array([*numbers, np.nan])[codes], tuple(sorted({*words} - missing)))
    # Indices are sorted: with 400,000 distinct texts half the time of sorting a set and looking up places in a dict.
    order = sorted(range(len(words)), key=words.__getitem__)
    ranked = [words[index] for index in order]
    is_missing = np.fromiter(map(missing.__contains__, ranked), np.bool_, len(ranked))
    is_new = np.ones(len(ranked), np.bool_)
    is_new[1:] = np.fromiter(map(ne, islice(ranked, 1, None), ranked), np.bool_)
    is_new &= ~is_missing
    categories = tuple(compress(ranked, is_new.tolist()))
    # The extra entry stands last, where a code of -1 finds it.
    recoded = np.full(len(words) + 1, -1, np.int32)
    recoded[order] = np.where(is_missing, -1, np.cumsum(is_new) - 1)
    return Column(name, kind, recoded[codes], categories)


def typed(column: Column, kind: Kind, options: ReadOptions, where: str, first_row: int) -> Column:
    """A column that was read verbatim, as it comes out where it is read as of a kind.

    Raises DataError for a cell that the kind does not allow, naming `where` and the row, counted from `first_row`.
    """
    words, texts, codes = frozenset(options.missing), column.categories, column.values
    if kind == "numeric":
        values = np.array(
            [*parse_cells(texts, words, options.dialect), np.nan]
        )  # the extra one stands last, where -1 finds it
        strange = np.flatnonzero(np.isinf(values))
    else:
        wrong = first_not_boolean(texts, words) if kind == "boolean" else None
        strange = np.array([] if wrong is None else [wrong], np.intp)
    if len(strange):
        row = int(np.argmax(np.isin(codes, strange)))
        raise misfit(f"{where}: row {first_row + row:,}", column.name, texts[codes[row]], kind)
    if kind == "numeric":
        return Column(column.name, kind, values[codes])
    return text_column(column.name, texts, codes, ReadOptions(kinds={column.name: kind}, missing=options.missing))


def misfit(where: str, name: str, cell: str, kind: Kind) -> DataError:
    """The error for a cell that the given kind of its column does not allow."""
    wrong = "is not a finite number" if kind == "numeric" else "is neither true nor false (nor yes or no)"
    return DataError(f"{where}: column {quoted(name)}: {quoted(cell.strip(BLANKS))} {wrong}")


def shown_path(path: Path | None) -> str:
    """The file as messages call it; None is standard input."""
    return "standard input" if path is None else printable(str(path))
