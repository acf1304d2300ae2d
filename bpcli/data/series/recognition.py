"""How the stamps of a time axis are written, from the config or from the cells of one column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import compress

import numpy as np

from bpcli.data.calendar import DAY
from bpcli.data.notations.date_format import FormatNotation, format_of_dates
from bpcli.data.notations.date_recognition import recognise_date_numbers, recognise_dates
from bpcli.data.notations.dates import DateNotation, Order
from bpcli.data.notations.limits import MOSTLY
from bpcli.data.series.parts import formats_of_parts, unclear
from bpcli.data.series.stamps import CountStamps, DateStamps, FractionalYears, decimals_of, numbers_of, zone_of
from bpcli.data.series.stamps_base import JOINT, StampsBase
from bpcli.data.series.time_spec import TimeSpec
from bpcli.wording import is_number, listed, quoted

_YEARS = 1500, 2200
"""Years that are told from other numbers."""

MOST_LOOKED_AT = 20_000
"""Number of words that are looked at. They are drawn, as every hundredth might have even hours only."""

_ARE_DATES = 0.9
"""Share of whole numbers that are dates, from which the others are errors of their rows."""

_COMPACT = {6: "%Y%m", 8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
"""Formats of whole numbers by their number of digits."""

_NAMED_YEAR = re.compile("year|yr|yyyy|date")

_PERIODS = (
    *("%YQ%q", "%Y-Q%q", "%Y Q%q", "%Y:Q%q", "Q%q %Y", "Q%q-%Y", "Q%q/%Y"),
    *("%YM%m", "%Y-M%m", "%G-W%V", "%GW%V"),
)
"""Formats of quarters, months and weeks beyond dates."""

_OF_PERIODS = 100
"""Words that are looked at for them."""


def recognise_stamps(words: Sequence[str], spec: TimeSpec) -> StampsBase:
    """Way in which the different words of stamps are written; words of several columns are joined by `JOINT`.

    Raises MismatchError if the words are no dates, or dates of which day and month can be exchanged.
    """
    if spec.formats is not None:
        return DateStamps(formats=spec.formats)
    if len(words) > MOST_LOOKED_AT:
        places = np.random.default_rng(0).choice(len(words), MOST_LOOKED_AT, replace=False)
        words = [words[place] for place in np.sort(places).tolist()]
    if len(spec.columns) > 1:
        columns = [list(dict.fromkeys(cells)) for cells in zip(*(word.split(JOINT) for word in words), strict=True)]
        return DateStamps(formats=tuple(formats_of_parts(spec.columns, columns)))
    numbers = [word for word in words if is_number(word)]
    if len(numbers) >= MOSTLY * len(words):
        return _of_numbers(numbers, spec)
    return _of_texts(words, spec.columns[0])


def _of_numbers(words: Sequence[str], spec: TimeSpec) -> StampsBase:
    """Numbers that are dates, such as 19580329, years, perhaps with fractions, or counts."""
    values = numbers_of(words)
    decimals = {*map(decimals_of, words)}
    counts = CountStamps(decimals=decimals.pop() if len(decimals) == 1 else None)
    if spec.step is not None and spec.step.unit == "count":
        return counts
    are_years = bool(((values >= _YEARS[0]) & (values < _YEARS[1])).all())
    if (values % 1).any():
        per_year = next((many for many in (4, 12) if are_years and _fit(words, many)), None)
        return counts if per_year is None else _fractional(words, per_year)
    if are_years and (spec.step is not None or _NAMED_YEAR.search(spec.columns[0].lower())):
        return DateStamps(formats=("%Y",))
    if (compact := _compact(words)) is not None:
        return DateStamps(formats=(compact,))
    found = recognise_date_numbers("time", np.unique(values))
    if found is not None and isinstance(found.notation, DateNotation):
        return DateStamps(order=found.notation.order)
    return counts


def _compact(words: Sequence[str]) -> str | None:
    """Format of numbers such as 19580329, nearly all of them dates in years that are likely; None for others."""
    digits = [word.removesuffix(".0") for word in words]
    text = _COMPACT.get(len(digits[0]))
    if text is None:
        return None
    are_dates = np.isfinite(FormatNotation(format=text).values(digits))
    years = [int(word[:4]) for word in compress(digits, are_dates.tolist())]
    are_likely = sum(_YEARS[0] <= year < _YEARS[1] for year in years) >= _ARE_DATES * len(words)
    return text if are_likely else None


def _fit(words: Sequence[str], per_year: int) -> bool:
    return bool(np.isfinite(_fractional(words, per_year).values(words)).all())


def _fractional(words: Sequence[str], per_year: int) -> FractionalYears:
    decimals = {*map(decimals_of, words)}
    return FractionalYears(per_year=4 if per_year == 4 else 12, decimals=max(decimals), is_padded=len(decimals) == 1)


def _of_texts(words: Sequence[str], name: str) -> DateStamps:
    """Dates in a notation that tells their parts apart."""
    for period in _PERIODS:
        if np.isfinite(FormatNotation(format=period).values(words[:_OF_PERIODS])).mean() >= MOSTLY:
            return DateStamps(formats=(period,))
    dates = _dates_among(words)
    found = recognise_dates(dates if len(dates) >= MOSTLY * len(words) else words)
    shown = f"column {quoted(name)}"
    if found is None:
        raise unclear(f"{shown} holds no dates that are recognised, such as {listed(words[:2])}; set data.time.format")
    if not isinstance(found.notation, DateNotation):
        raise unclear(f"{shown} holds times of day; name the column of the date too: data.time: [date, {name}]")
    if found.is_ambiguous:
        raise unclear(
            f"{shown}: in dates such as {quoted(found.first)}, day and month can be exchanged; set data.time.format, "
            "such as %d/%m/%Y or %m/%d/%Y"
        )
    order = found.notation.order
    dates = [word for word in dates if word not in found.misfits]
    zones = {*map(zone_of, dates)}
    local = [word.removesuffix(zone_of(word)) for word in dates]
    text = format_of_dates(local, order)
    formats = None if text is None else (text,)
    if len(zones) == 1:
        return DateStamps(order=order, formats=formats, zone=zones.pop())
    clocks = DateNotation(order=order).values(local) % DAY
    if (clocks == clocks[0]).all():  # days of a place whose clocks change
        return DateStamps(order=order, formats=formats, drops_zones=True)
    return DateStamps(order=order, zone="Z")


def _dates_among(words: Sequence[str]) -> list[str]:
    """Words that are dates in some order; the others are errors of their rows."""
    orders: tuple[Order, ...] = ("year_month_day", "day_month_year", "month_day_year")
    are_dates = np.any([np.isfinite(DateNotation(order=order).values(words)) for order in orders], axis=0)
    return list(compress(words, are_dates.tolist()))
