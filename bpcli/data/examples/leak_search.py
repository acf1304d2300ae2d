"""Search for columns that leak a target or tell rows apart."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.data.data_warning import WarningName
from bpcli.data.examples.identifiers import numbers_by_name, tells_rows_apart
from bpcli.data.examples.screening import Goal, suspects
from bpcli.data.examples.target_leaks import (
    equals,
    is_line,
    rank_correlation,
    settled_class,
    thresholds_that_determine,
    values_that_determine,
)
from bpcli.data.table import Column
from bpcli.data.targets import learned_columns
from bpcli.nn.losses import Loss
from bpcli.wording import counted, quoted

Coded = tuple[Column, NDArray[np.intp]]
"""A target, and its values as 0, 1, …, (rows,)."""


class Suspicion(NamedTuple):
    """What a warning says about a column, and what to do.

    is_target: the column is the target, up to a linear map. is_renamed: it has a value of its own for each of the
    target's.
    """

    name: WarningName
    what: str
    remedy: str
    is_target: bool = False
    is_renamed: bool = False


class LeakSearch:
    """Search for target leaks and identifiers in columns of the same rows."""

    def __init__(self, targets: Sequence[Column], rows: NDArray[np.intp], loss: Loss) -> None:
        """targets: target columns without missing values, (rows,). rows: their rows in the columns to search."""
        self._rows = rows
        learned = learned_columns(list(targets), loss)
        self._targets = [_with_codes(target) for target in learned]
        self._parts = [_with_codes(column) for column in targets] if len(learned) < len(targets) else []
        self._numeric = "regression" in loss.tasks
        self._goals = [
            Goal(codes, np.asarray(target.values, np.float64) if self._numeric else None)
            for target, codes in (*self._targets, *self._parts)
        ]

    def suspicions(self, columns: Sequence[Column], given: Collection[str]) -> Iterator[tuple[str, Suspicion]]:
        """Names of suspicious columns, and why. given: columns that are not reported as identifiers."""
        screened = suspects(columns, self._rows, self._goals)
        for column, is_suspect in zip(columns, screened.tolist(), strict=True):
            searched = (is_suspect or column.kind == "categorical") and column.name not in given
            if searched and tells_rows_apart(column):
                yield column.name, Suspicion("identifier", _identity(column), _INTENDED)
            elif column.name not in given and numbers_by_name(column):
                yield column.name, Suspicion("identifier", _numbering(column), _INTENDED)
            elif is_suspect:
                yield from ((column.name, one) for one in self._leaks(column.take(self._rows)))

    def _leaks(self, column: Column) -> list[Suspicion]:
        found = [_leak(column, target, self._numeric) for target in self._targets]
        if not any(found):  # a column may give away one class of several
            found += [_leak(column, target, self._numeric) for target in self._parts]
        if not any(found) and not self._numeric:
            found += [_settled(column, target) for target in self._targets]
        return [one for one in found if one is not None]


def _with_codes(target: Column) -> Coded:
    return target, np.unique(target.values, return_inverse=True)[1]


def _identity(column: Column) -> str:
    if column.kind == "categorical":
        known = len(column) - int(np.count_nonzero(column.missing()))
        distinct = counted(len(column.present()), "distinct name")
        return f"{distinct} in {counted(known, 'row')}, like an identifier or free text; each becomes an input"
    return f"counts the rows from {column.values.min():.0f} to {column.values.max():.0f}, like an identifier"


def _numbering(column: Column) -> str:
    known = column.values[~column.missing()]
    distinct = counted(len(np.unique(known)), "distinct number")
    return f"{distinct} in {counted(len(known), 'row')}, like an identifier, as its name says"


_INTENDED = "put it in data.exclude, or in data.columns if it is intended"


def _leak(column: Column, coded: Coded, numeric: bool) -> Suspicion | None:
    """How a column determines a target, if it does."""
    target, codes = coded
    name, numbers = quoted(target.name), column.kind != "categorical"
    if numeric and numbers and is_line(column, target):
        return _copy(column, target, f"has a correlation of 1 with target {name}", is_target=True)
    if count := values_that_determine(column, codes):
        found = _copy(column, target, f"each of its {count} values occurs with only one value of target {name}")
        return found._replace(is_renamed=count == int(codes.max()) + 1)
    if numbers and (cuts := thresholds_that_determine(column, codes)):
        separate = "threshold separates" if cuts == 1 else "thresholds separate"
        return _copy(
            column, target, f"{cuts} {separate} the {cuts + 1} values of target {name} in every row that has a value"
        )
    if numeric and numbers and (correlation := rank_correlation(column, target)):
        return _copy(column, target, f"has a rank correlation of {correlation:.4g} with target {name}")
    return None


def _settled(column: Column, coded: Coded) -> Suspicion | None:
    """Which class of a target a value of the column settles, if it does."""
    target, codes = coded
    found = settled_class(column, codes)
    if found is None:
        return None
    row, _ = found
    (label,), (name,) = (one.take(np.array([row])).labels() for one in (column, target))
    where = f"in all rows of class {quoted(name)} of target {quoted(target.name)} and in no others"
    what = f"missing {where}" if column.missing()[row] else f"{quoted(label)} {where}"
    return Suspicion("target_copy" if codes.max() == 1 else "class_copy", what, _LATER)


_LATER = "put it in data.exclude unless it is known before the target"


def _copy(column: Column, target: Column, what: str, is_target: bool = False) -> Suspicion:
    if equals(column, target):
        what, is_target = f"equal to target {quoted(target.name)} in all rows", True
    return Suspicion("target_copy", what, _LATER, is_target)
