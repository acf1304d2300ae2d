"""Recognition of columns of names or plain numbers that are dates, times, or numbers in another notation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bpcli.data.columns.spec import ColumnSpec, NumericColumn
from bpcli.data.notations import DateNotation, Order
from bpcli.data.notations.date_recognition import recognised_in
from bpcli.data.notations.dialect import Dialect
from bpcli.data.notations.limits import MOST_LOOKED_AT, MOST_WORDS, MOSTLY
from bpcli.data.notations.numbers import NumberNotation
from bpcli.data.notations.recognition import recognise_numbers
from bpcli.data.table import Column, Table
from bpcli.spec import type_name
from bpcli.wording import listed, quoted, yaml_scalar

if TYPE_CHECKING:
    from bpcli.data.columns.censored import Decimal

_READ_AS = {
    "boolean": "true or false",
    "categorical": "names",
    "date": "dates",
    "image": "pictures",
    "text": "texts",
    "time_of_day": "times of day",
}
"""Description of the cells by type of column; other types are of numbers."""


@dataclass(frozen=True)
class RecognisedColumn:
    """Config of a column, and the reason."""

    spec: ColumnSpec
    reason: str
    is_ambiguous: bool = False
    """Whether the cells are dates with day and month exchanged, too."""

    @property
    def read_as(self) -> str:
        """Description of the cells, for messages."""
        return _READ_AS.get(type_name(self.spec), "numbers")


def with_common_orders(table: Table, recognised: dict[str, RecognisedColumn]) -> dict[str, RecognisedColumn]:
    """Recognised columns of a table, with day and month in the order of the others in ambiguous columns of dates.

    The others are columns of dates with day and month in one order only; they must agree.
    """
    from bpcli.data.columns.date_columns import DateColumn

    orders = {
        name: found.spec.order
        for name, found in recognised.items()
        if isinstance(found.spec, DateColumn)
        and not found.is_ambiguous
        and found.spec.order in ("day_month_year", "month_day_year")
    }
    if len(set(orders.values())) != 1:
        return recognised
    likely, sure = next(iter(orders.values())), listed(orders, 2)
    followed = {
        name: replace(again, reason=f"{again.reason}; the order is that of {sure}")
        for name, found in recognised.items()
        if found.is_ambiguous and (again := recognised_dates(table[name], likely)) is not None
    }
    return recognised | followed


def recognised_column(column: Column, dialect: Dialect, is_target: bool) -> RecognisedColumn | None:
    """Config of a column of dates, times of day, or names that are numbers in some notation; targets are no dates."""
    recognised = None if is_target else recognised_dates(column)
    if recognised is None and column.kind == "categorical":
        return recognised_numbers(column, dialect)
    return recognised


def recognised_dates(column: Column, likely: Order | None = None) -> RecognisedColumn | None:
    """Notation of a column of names or numbers that are dates or times of day, but for a few words.

    likely: order of day and month where both fit.
    """
    found = recognised_in(column, likely)
    if found is None:
        return None
    from bpcli.data.columns.date_columns import DateColumn, TimeOfDayColumn

    reason = f"{found.first} to {found.last}"
    spec: ColumnSpec = TimeOfDayColumn(missing=found.misfits)
    if isinstance(found.notation, DateNotation):
        spec = DateColumn(order=found.notation.order, missing=found.misfits)
        if found.is_ambiguous:
            other = "month_day_year" if spec.order == "day_month_year" else "day_month_year"
            reason += f"; every row could also be {other}"
    if found.misfits:
        reason += f"; missing: {listed(found.misfits)}"
    return RecognisedColumn(spec, reason, found.is_ambiguous)


def recognised_numbers(column: Column, dialect: Dialect) -> RecognisedColumn | None:
    """Notation of a column of names that are numbers, but for a few words without a digit."""
    some = column.categories[:: max(1, len(column.categories) // MOST_LOOKED_AT)]
    if sum(any(map(str.isdecimal, word)) for word in some) < len(some) / 2:
        return None
    rows = np.bincount(column.values[column.values >= 0], minlength=len(column.categories))
    present = {word: int(count) for word, count in zip(column.categories, rows, strict=True) if count}
    if (censored := _recognised_bounds(present, dialect)) is not None:
        return censored
    numbers = {word: count for word, count in present.items() if any(char.isdecimal() for char in word)}
    others = [word for word in present if word not in numbers]
    if len(others) > MOST_WORDS or sum(numbers.values()) < MOSTLY * sum(present.values()):
        return None
    notation = recognise_numbers(list(numbers))
    if notation is None:
        return None
    spec = numeric_column(notation, dialect).model_copy(update={"missing": tuple(others)})
    unusual = [word for word in numbers if not word.isdecimal()]
    shown = next((word for word in unusual if (notation.unit or "") in word), next(iter(numbers)))
    return RecognisedColumn(spec, f"numbers such as {quoted(shown)}" + _but_for(others))


def _recognised_bounds(present: dict[str, int], dialect: Dialect) -> RecognisedColumn | None:
    """Config of a column of numbers, most of its rows, of which some are bounds."""
    from bpcli.data.columns.censored import bounds_of
    from bpcli.data.columns.censored_column import CensoredColumn

    decimal: Decimal = "," if dialect.decimal == "," else "."
    values, sides = bounds_of(list(present), decimal)
    bounds = [word for word, side in zip(present, sides, strict=True) if side]
    others = [word for word, value in zip(present, values, strict=True) if np.isinf(value)]
    rows = sum(present.values())
    if not bounds or len(others) > MOST_WORDS or sum(present[word] for word in others) > (1 - MOSTLY) * rows:
        return None
    spec = CensoredColumn(decimal=decimal, missing=tuple(others))
    return RecognisedColumn(spec, f"bounds such as {listed(bounds, 2)}" + _but_for(others))


def _but_for(words: list[str]) -> str:
    """End of a reason that says which words mark missing values, if any."""
    return f"; missing: {listed(words)}" if words else ""


def numeric_column(notation: NumberNotation, dialect: Dialect) -> NumericColumn:
    """Config of a column in a notation, with the keys that differ from the dialect."""
    return NumericColumn(
        unit=notation.unit,
        decimal=None if notation.decimal == dialect.decimal else ("," if notation.decimal == "," else "."),
        thousands=None if notation.thousands == dialect.thousands else notation.thousands,
        negative="parentheses" if notation.parentheses else "trailing" if notation.trailing else "sign",
        exponent=notation.exponent,
    )


def spec_yaml(spec: ColumnSpec) -> str:
    """Config of a column as YAML on one line: its type and the keys that are not defaults, if any."""
    keys = {"type": type_name(spec), **spec.model_dump(exclude_defaults=True)}
    if len(keys) == 1:
        return type_name(spec)
    return "{" + ", ".join(f"{key}: {_yaml(value)}" for key, value in keys.items()) + "}"


def _yaml(value: object) -> str:
    return f"[{', '.join(map(yaml_scalar, value))}]" if isinstance(value, tuple) else yaml_scalar(value)


def column_hint(name: str, spec: ColumnSpec) -> str:
    """Entry of `data.columns` as YAML on one line."""
    return f"{{{yaml_scalar(name)}: {spec_yaml(spec)}}}"
