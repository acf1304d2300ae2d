"""Types of text cells: numbers, missing words, booleans and categories, converted in bulk."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from itertools import compress, islice, pairwise
from operator import ne
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bpcli.data.notations import Notation
from bpcli.data.notations.dialect import DEFAULT_DIALECT, Dialect
from bpcli.data.picture_form import AS_THEY_ARE, PictureForm
from bpcli.data.table import DEFAULT_MISSING, FALSE_WORDS, TRUE_WORDS, Column, Kind
from bpcli.errors import DataError
from bpcli.frozen import dataclass
from bpcli.system.files import path_from_here
from bpcli.wording import composed, printable, quoted

BLANKS = " \t\u00a0\u202f"
"""Characters stripped from both ends of a cell: spaces, also no-break ones, and tabs."""

_BOOLEANS = dict.fromkeys(FALSE_WORDS, False) | dict.fromkeys(TRUE_WORDS, True)


@dataclass(frozen=True)
class ReadOptions:
    """Options of the readers of data files.

    `kinds` are the given kinds of some columns; other kinds are inferred. `columns` limits the columns to read (None:
    all); names that the file lacks are ignored. `verbatim` columns keep their text exactly, without missing words.
    `notations` give the notation of some columns' words; stored numbers need none. `x` and `y` name the arrays of an
    NPZ file. With `split_arrays`, inputs of more than two axes are one column per number of a row, named X0, X1, …,
    instead of one column of their shape. `sheet` is a workbook's sheet; None is the first. With `or_only_sheet`, the
    only sheet of a workbook is read, whatever its name. `dialect` is the format of delimited text. `own_missing` are
    words for a missing value in one column only, besides those of `missing`. The pictures of a folder are brought to
    `picture_form`; `pictures` are columns whose cells are paths of pictures, each with its own form.
    """

    kinds: Mapping[str, Kind] = field(default_factory=dict)
    missing: tuple[str, ...] = DEFAULT_MISSING
    columns: frozenset[str] | None = None
    verbatim: frozenset[str] = frozenset()
    x: str = "X"
    y: str = "y"
    split_arrays: bool = False
    sheet: str | None = None
    or_only_sheet: bool = False
    dialect: Dialect = DEFAULT_DIALECT
    notations: Mapping[str, Notation] = field(default_factory=dict)
    own_missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    picture_form: PictureForm = AS_THEY_ARE
    pictures: Mapping[str, PictureForm] = field(default_factory=dict)

    def includes(self, name: str) -> bool:
        """Whether the column is to be read."""
        return self.columns is None or name in self.columns

    def names_position(self, name: str) -> bool:
        """Whether a name is a position in the input array, such as X3."""
        return name.startswith(self.x) and name[len(self.x) :].isdecimal()

    def kind(self, name: str) -> Kind | None:
        """Given kind of a column; None if it is to be inferred."""
        return "categorical" if name in self.verbatim else self.kinds.get(name)

    def missing_in(self, name: str) -> frozenset[str]:
        """Words for a missing value in a column."""
        return frozenset(() if name in self.verbatim else (*self.missing, *self.own_missing.get(name, ())))

    def notation(self, name: str) -> Notation | None:
        """Given notation of a column, or None."""
        return None if name in self.verbatim else self.notations.get(name)


def words_in(texts: Sequence[str]) -> list[str]:
    """Words of raw texts, without blanks at both ends, in composed Unicode form."""
    words = [text.strip(BLANKS) for text in texts]
    return words if all(map(str.isascii, words)) else list(map(composed, words))


def parse_cells(
    cells: Sequence[str], missing: frozenset[str], dialect: Dialect = DEFAULT_DIALECT
) -> NDArray[np.float64]:
    """Numbers of cells; NaN for missing words, infinity for anything else that is not a finite number."""
    values = np.full(len(cells), np.nan)
    present = ~np.fromiter(map(missing.__contains__, cells), np.bool_, len(cells))
    values[present] = _parse_present(list(compress(cells, present.tolist())), missing, dialect)
    return values


def _parse_present(cells: list[str], missing: frozenset[str], dialect: Dialect) -> NDArray[np.float64]:
    joined = "\0".join([*cells, ""])
    if joined.count("\0") == len(cells) and re.fullmatch(rf"(?:{dialect.number}\0)*+", joined):
        return _floats(cells, dialect)  # all at once: most likely, and several times as fast
    stripped = words_in(cells)
    is_missing = np.fromiter(map(missing.__contains__, stripped), np.bool_, len(cells))
    matches = map(re.compile(dialect.number).fullmatch, stripped)
    is_number = np.fromiter((match is not None for match in matches), np.bool_, len(cells)) & ~is_missing
    values = np.where(is_missing, np.nan, np.inf)
    values[is_number] = _floats(list(compress(stripped, is_number.tolist())), dialect)
    return values


def _floats(numbers: list[str], dialect: Dialect) -> NDArray[np.float64]:
    """Values of numbers; infinity for numbers that are too large."""
    spelled = "\0".join(numbers)
    if not (dialect.is_plain and spelled.isascii()):
        numbers = dialect.plain(spelled).split("\0")[: len(numbers)]
    values = np.fromiter(map(float, numbers), np.float64, len(numbers))
    return np.where(np.isneginf(values), np.inf, values)


def numeric_words(missing: frozenset[str], dialect: Dialect) -> list[float]:
    """Values of missing words that are numbers, such as -999. Cells with these values need a second look."""
    values = parse_cells(sorted(missing), frozenset(), dialect)
    found: list[float] = values[~np.isinf(values)].tolist()
    return found


def first_misfit(name: str, texts: Sequence[str], options: ReadOptions) -> int | None:
    """Index of the first raw text not allowed by the column's given kind or notation, or None."""
    kind, notation = options.kind(name), options.notation(name)
    if notation is not None or kind == "numeric":
        wrong = np.flatnonzero(np.isinf(column_numbers(name, texts, options)))
        return int(wrong[0]) if len(wrong) else None
    return _first_not_boolean(texts, options.missing_in(name)) if kind == "boolean" else None


def column_numbers(name: str, texts: Sequence[str], options: ReadOptions) -> NDArray[np.float64]:
    """Numbers of a column's raw texts; NaN for missing words, infinity for other texts without a number."""
    missing, notation = options.missing_in(name), options.notation(name)
    if notation is None:
        return parse_cells(texts, missing, options.dialect)
    words = words_in(texts)
    is_missing = np.fromiter(map(missing.__contains__, words), np.bool_, len(words))
    values = np.full(len(words), np.nan)
    values[~is_missing] = notation.values(list(compress(words, (~is_missing).tolist())))
    return values


def _first_not_boolean(texts: Sequence[str], missing: frozenset[str]) -> int | None:
    for index, text in enumerate(texts):
        word = composed(text.strip(BLANKS))
        if word not in missing and word.lower() not in _BOOLEANS:
            return index
    return None


def text_column(name: str, texts: Sequence[str], codes: NDArray[np.int32], options: ReadOptions) -> Column:
    """Column from its distinct raw texts and the index of each row's text.

    A code of -1 is a missing value. Without a given kind or notation, the column is boolean or categorical. With
    either, the texts must have been checked by `first_misfit`.
    """
    kind, notation = options.kind(name), options.notation(name)
    missing = options.missing_in(name)
    if notation is not None or kind == "numeric":
        values = np.array([*column_numbers(name, texts, options), np.nan])  # -1 reaches the last
        return Column(name, "numeric" if notation is None else notation.kind, values[codes])
    words = list(texts) if name in options.verbatim else words_in(texts)
    if kind is None:
        any_value = not missing.issuperset(words)
        kind = "boolean" if any_value and _first_not_boolean(words, missing) is None else "categorical"
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


def checked_text(path: str, name: str, texts: Sequence[str], codes: NDArray[np.int32], options: ReadOptions) -> Column:
    """Column as of `text_column`. Raises DataError for a text not allowed by its kind or notation, with the row."""
    wrong = first_misfit(name, texts, options)
    if wrong is not None:
        raise misfit(f"{path}: row {int(np.argmax(codes == wrong))}", name, texts[wrong], options)
    return text_column(name, texts, codes, options)


def typed(column: Column, options: ReadOptions, where: str, first_row: int) -> Column:
    """Typed column of a column read verbatim, by the kind and notation in the options.

    Raises DataError for a cell that they do not allow, with `where` and the row, counted from `first_row`.
    """
    name, texts, codes = column.name, column.categories, column.values
    as_given = replace(options, verbatim=options.verbatim - {name})
    wrong = first_misfit(name, texts, as_given)
    if wrong is not None:
        row = int(np.argmax(np.isin(codes, [wrong])))
        raise misfit(f"{where}: row {first_row + row:,}", name, texts[wrong], as_given)
    return text_column(name, texts, codes, as_given)


def misfit(where: str, name: str, cell: str, options: ReadOptions) -> DataError:
    """Error for a cell not allowed by the given kind or notation of its column."""
    notation = options.notation(name)
    if notation is not None:
        wrong = f"is not {notation.expected}"
    elif options.kind(name) == "boolean":
        wrong = "is neither true nor false (nor yes or no)"
    else:
        wrong = "is not a finite number" + (" with a decimal comma" if options.dialect.decimal == "," else "")
    return DataError(f"{where}: column {quoted(name)}: {quoted(cell.strip(BLANKS))} {wrong}")


def shown_path(path: Path | None) -> str:
    """Name of a file in messages, without detours such as `runs/../data`; None is standard input."""
    if path is None:
        return "standard input"
    has_detour = any(first != ".." == second for first, second in pairwise(path.parts))
    return printable(path_from_here(path) if has_detour else str(path))
