"""Recognition of dates and times of day in columns that were read as names or numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from bpcli.data.calendar import END, FIRST, year_of
from bpcli.data.notations.dates import DateNotation, Order, TimeNotation
from bpcli.data.notations.limits import MOST_LOOKED_AT, MOST_WORDS, MOSTLY
from bpcli.data.table import Column, number_label
from bpcli.frozen import dataclass

FEWEST_VALUES = 10
"""Number of different values from which numbers are dates whatever the column's name, and short dates are dates."""

_YEARS = 1900, 2100
"""Range of the years of dates such as 20230131."""

_EPOCH_YEARS = 1990, 2100
"""Range of the years of numbers that count from 1970."""

_NAMES_OF_DATES = {"date", "datetime", "dt", "time", "timestamp", "ts", "epoch", "created", "updated", "modified"}

_MAY_BE_VERSIONS = re.compile(r"[0-9]\.[0-9]{1,2}\.[0-9]{2}|[0-9]{2}\.[0-9]\.[0-9]{2}")
"""Numbers such as 1.2.10: two-digit years behind points are dates only with two-digit days and months."""

_SHORT_OR_COMPACT = re.compile(r"[0-9]{1,2}([-. ])[0-9]{1,2}\1[0-9]{2}(?: .*)?|[0-9]{8}")
"""Two-digit years, which article numbers such as 12-05-24 have too unless written with slashes; and 20240131."""


@dataclass(frozen=True)
class Recognised:
    """Notation of a column of dates or times.

    `first` and `last` are its earliest and latest cell, as written; `misfits` are words that are no dates.
    """

    notation: DateNotation | TimeNotation
    first: str
    last: str
    misfits: tuple[str, ...] = ()
    is_ambiguous: bool = False
    """Whether the cells are dates with day and month exchanged, too."""


def recognise_dates(words: Sequence[str], likely: Order | None = None) -> Recognised | None:
    """Notation of the different words of a column if nearly all of them are dates or times of day, else None.

    A number above 12 tells the day from the month. If none does, the month is first if slashes are between the
    numbers, else the day; or `likely` decides, such as the order in other columns.
    """
    if not words or any(map(_MAY_BE_VERSIONS.fullmatch, words)):
        return None
    if len(words) < FEWEST_VALUES and any(map(_SHORT_OR_COMPACT.fullmatch, words)):
        return None
    step = len(words) // MOST_LOOKED_AT
    if step > 1 and recognise_dates(words[::step][:MOST_LOOKED_AT], likely) is None:
        return None  # all of a million names take a minute
    values = {order: DateNotation(order=order).values(words) for order in _orders(words, likely)}
    fits = {order: np.isfinite(found) for order, found in values.items()}
    best = max(fits, key=lambda order: int(fits[order].sum()), default=None)
    if best is None or not fits[best].any():
        return _recognised(TimeNotation(), words, TimeNotation().values(words))
    if any((other & ~fits[best]).any() for other in fits.values()):
        return None  # some words fit one order only, and some another
    equals = [order for order in values if np.array_equal(values[order], values[best])]
    ambiguous = any(fits[order].sum() == fits[best].sum() for order in values if order not in equals)
    return _recognised(DateNotation(order=best), words, values[best], ambiguous)


def recognise_date_numbers(name: str, values: NDArray[np.float64]) -> Recognised | None:
    """Notation of a column's different numbers if they are dates such as 20230131, or count from 1970, else None.

    Few numbers are dates only if the column's name says so. Without it, numbers that count from 1970 must be full
    hours too.
    """
    if not len(values) or (values % 1).any():
        return None
    named = bool(_NAMES_OF_DATES & {*re.split("[^a-z]+", _with_blanks(name).lower())})
    if not named and len(values) < FEWEST_VALUES:
        return None
    first, last = float(values.min()), float(values.max())
    found: DateNotation | None = None
    if _YEARS[0] * 10_000 <= first and last < (_YEARS[1] + 1) * 10_000:
        compact = DateNotation().values([number_label(value) for value in values.tolist()])
        found = DateNotation() if np.isfinite(compact).all() else None
    elif _are_within(first, last) and (named or not (values % 3600).any()):
        found = DateNotation(order="epoch_seconds")
    elif _are_within(first / 1_000, last / 1_000) and (named or not (values % 3_600_000).any()):
        found = DateNotation(order="epoch_milliseconds")
    return None if found is None else Recognised(found, number_label(first), number_label(last))


def recognised_in(column: Column, likely: Order | None = None) -> Recognised | None:
    """Notation of a column that was read as names or numbers, if it holds dates or times of day, else None.

    likely: order of day and month where both fit.
    """
    if column.shape or column.kind not in ("categorical", "numeric"):
        return None
    if column.kind == "categorical":
        return recognise_dates([word.strip() for word in column.present()], likely)
    values = np.asarray(column.values, np.float64)
    values = values[~column.missing()]
    some = values[:FEWEST_VALUES]
    if (some % 1).any() or (some < _YEARS[0] * 10_000).any():
        return None  # most columns of numbers: the others need not be looked at
    return recognise_date_numbers(column.name, np.unique(values))


def _orders(words: Sequence[str], likely: Order | None) -> tuple[Order, ...]:
    """Orders that may be those of words, the likelier first where several fit."""
    month_first = any("/" in word for word in words) if likely is None else likely == "month_day_year"
    if month_first:
        return ("year_month_day", "month_day_year", "day_month_year")
    return ("year_month_day", "day_month_year", "month_day_year")


def _recognised(
    notation: DateNotation | TimeNotation, words: Sequence[str], values: NDArray[np.float64], ambiguous: bool = False
) -> Recognised | None:
    fit = np.isfinite(values)
    misfits = tuple(compress(words, (~fit).tolist()))
    if fit.sum() < MOSTLY * len(words) or len(misfits) > MOST_WORDS:
        return None
    first, last = int(np.argmin(values)), int(np.argmax(np.where(fit, values, -np.inf)))
    return Recognised(notation, words[first], words[last], misfits, ambiguous)


def _are_within(first: float, last: float) -> bool:
    """Whether seconds since 1970 are in the years of numbers that count from then."""
    if not FIRST <= first <= last < END:
        return False
    years = year_of(np.array([first, last]))
    return bool(_EPOCH_YEARS[0] <= years[0] and years[1] <= _EPOCH_YEARS[1])


def _with_blanks(name: str) -> str:
    """Name with a blank before each capital that follows a small letter: `startDate` has the word Date."""
    return re.sub("(?<=[a-z])(?=[A-Z])", " ", name)
