"""Several columns that are a time together, such as year and quarter: the part and the format of each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, get_args

from bpcli.data.notations.date_format import format_of_dates, format_of_times
from bpcli.data.notations.date_recognition import recognise_date_numbers, recognise_dates
from bpcli.data.notations.dates import DateNotation
from bpcli.data.series.stamps import numbers_of
from bpcli.errors import Mismatch, MismatchError
from bpcli.wording import enumerated, is_number, listed, quoted

Part = Literal["year", "quarter", "month", "week", "day", "hour", "minute", "second", "date", "time"]

_NAMES: dict[str, Part] = {
    **{part: part for part in get_args(Part)},
    "yr": "year",
    "yyyy": "year",
    "qtr": "quarter",
    "q": "quarter",
    "mon": "month",
    "mm": "month",
    "mnth": "month",
    "wk": "week",
    "dd": "day",
    "hr": "hour",
    "hh": "hour",
    "min": "minute",
    "sec": "second",
}
"""Part that a word in the name of a column says."""

_DAYS: tuple[frozenset[Part], ...] = (
    frozenset({"year"}),
    frozenset({"year", "quarter"}),
    frozenset({"year", "month"}),
    frozenset({"year", "week"}),
    frozenset({"year", "month", "day"}),
    frozenset({"date"}),
)
_CLOCKS: tuple[frozenset[Part], ...] = (
    frozenset({"time"}),
    frozenset({"hour"}),
    frozenset({"hour", "minute"}),
    frozenset({"hour", "minute", "second"}),
)
_TIMES = (*_DAYS, *(day | clock for day in _DAYS[-2:] for clock in _CLOCKS))
"""Parts that are a time together."""

_DIRECTIVES: dict[Part, str] = {
    "year": "Y",
    "quarter": "q",
    "month": "m",
    "week": "V",
    "day": "d",
    "hour": "H",
    "minute": "M",
    "second": "S",
}

_END_OF_DAY = 24


def formats_of_parts(names: Sequence[str], columns: Sequence[Sequence[str]]) -> list[str]:
    """Format of each column, from its name and its different words; a week is that of ISO 8601.

    Raises MismatchError for columns that are no time together, or whose cells are no such part of it.
    """
    parts = [_part_of(name, words) for name, words in zip(names, columns, strict=True)]
    if len({*parts}) < len(parts) or frozenset(parts) not in _TIMES:
        raise unclear(
            f"{enumerated(parts)} are no time together; name year and quarter, year and month, year and week, year, "
            "month and day, or a date; and hour, minute and second, or a time of day, with a day"
        )
    formats = [_format_of(name, part, words) for name, part, words in zip(names, parts, columns, strict=True)]
    return [text.replace("%Y", "%G") if "week" in parts else text for text in formats]


def _part_of(name: str, words: Sequence[str]) -> Part:
    """Part that a column holds, by the words in its name; a column of dates or times of day by its cells."""
    said = [_NAMES[word] for word in re.findall("[a-z]+", re.sub("([A-Z])", r" \1", name).lower()) if word in _NAMES]
    if (said and said[-1] not in ("date", "time")) and (
        all(map(is_number, words)) or said[-1] in ("quarter", "month", "week")
    ):
        return said[-1]
    if _numbered_dates(words) is not None:
        return "date"
    found = recognise_dates(words)
    if found is not None:
        return "date" if isinstance(found.notation, DateNotation) else "time"
    raise unclear(
        f"column {quoted(name)}: its name and cells such as {listed(words[:2])} do not say which part of the time it "
        "is; name it year, quarter, month, week, day, hour, minute or second, or set data.time.format"
    )


def _numbered_dates(words: Sequence[str]) -> str | None:
    """Format of dates such as 20230131, or None."""
    if not all(map(is_number, words)):
        return None
    found = recognise_date_numbers("date", numbers_of(words))
    return "%Y%m%d" if found is not None and found.notation == DateNotation() else None


def _format_of(name: str, part: Part, words: Sequence[str]) -> str:
    """Format of the words of a part."""
    if part in ("date", "time"):
        text = _numbered_dates(words) if part == "date" else format_of_times(words)
        if text is None and part == "date":
            found = recognise_dates(words)
            if found is not None and isinstance(found.notation, DateNotation) and not found.is_ambiguous:
                text = format_of_dates(words, found.notation.order)
        if text is None:
            what = f"column {quoted(name)}: cells such as {listed(words[:2])} are written in several ways or unclear"
            raise unclear(f"{what}; set data.time.format, with a part for each column")
        return text
    if part == "month" and not all(map(is_number, words)):
        return "%b" if max(map(len, words)) == len("Jan") else "%B"
    if part == "quarter" and words[0][:1].upper() == "Q":
        return f"{words[0][0]}%q"
    if part == "year" and max(map(len, words)) == len("95"):
        return "%y"
    directive = _DIRECTIVES[part]
    numbers = numbers_of(words)
    if part == "hour" and numbers.max() == _END_OF_DAY and numbers.min() > 0:
        directive = "K"
    are_padded = any(word[0] == "0" and len(word) == len("00") for word in words)
    return f"%{directive}" if are_padded or part in ("year", "quarter") else f"%-{directive}"


def unclear(what: str) -> MismatchError:
    """Error for columns of time that are not understood."""
    return MismatchError(Mismatch(("data", "time"), what))
