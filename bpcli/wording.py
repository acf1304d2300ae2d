"""Words for messages: the nearest name, user text made safe to print, counts with their noun."""

from __future__ import annotations

import difflib
import json
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

_UNPRINTABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories shown as escapes: controls, bidi and other format marks, surrogates, line separators."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")
_PLACE = re.compile(r"(?:\S+|(?:--\S+|line|row|column|array) .+|.+\.\w+(?::\d+){0,2})")
"""A place at the start of an error: file, config key, or option, line, row, column or array with its name."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def suggestion(word: str, choices: Iterable[str]) -> str:
    """`"; did you mean 'relu'?"` when a choice is near to `word`, else an empty string."""
    names = list(choices)
    by_folded = {name.casefold(): name for name in reversed(names)}
    near = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return f"; did you mean {quoted(by_folded[near[0]])}?" if near else ""


def printable(text: str) -> str:
    """`text` on one line, with control and direction marks as escapes (`\\x1b`, `\\u202e`)."""
    if text.isprintable():
        return text
    return "".join(
        char.encode("unicode_escape").decode() if unicodedata.category(char) in _UNPRINTABLE else char for char in text
    )


def placed(message: str) -> tuple[str | None, str]:
    """Split an error into its place, None where it has none, and what is said of it."""
    parts = message.split(": ")
    count = next((at for at, part in enumerate(parts) if not _PLACE.fullmatch(part)), len(parts) - 1)
    count = min(count, len(parts) - 1)
    return (": ".join(parts[:count]) or None), ": ".join(parts[count:])


def quoted(text: str, limit: int = 80) -> str:
    """`text` printable, shortened to `limit` characters, in single quotes."""
    shown = printable(text if len(text) <= limit else text[: limit - 1] + "…")
    return f"'{shown}'"


def is_number(text: str) -> bool:
    """Whether `text` is a number as a program writes it."""
    return _NUMBER.fullmatch(text) is not None


def without_formula(text: str) -> str:
    """`text` with an apostrophe in front where a spreadsheet would take it for a formula (OWASP, "CSV Injection").

    Numbers stay as they are.
    """
    return f"'{text}" if text.startswith(_FORMULA_STARTS) and not is_number(text) else text


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 row`, `2 rows`, `12,000 rows`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(names: Iterable[str], limit: int = 8) -> str:
    """Quoted names, joined by commas, the rest counted."""
    names = list(names)
    shown = ", ".join(quoted(name) for name in names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit:,} more"


def plain(value: Any) -> str:
    """A value of a config, as it could be written there."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def number(value: float | int | None, none: str = "-") -> str:
    """A number in a table: four decimals, none where it is large, an exponent where it is tiny or huge; separators."""
    if value is None:
        return none
    if isinstance(value, int):
        return f"{value:,}"
    size = abs(value)
    if not size < 1e15 or 0 < size < 1e-3:
        return f"{value:.4g}"
    return f"{value:,.{_decimals(size)}f}"


def with_deviation(value: float, deviation: float) -> tuple[str, str]:
    """A value and its ± as `number` shows them, with as many decimals as each other."""
    largest = max(abs(value), abs(deviation))
    if not largest < 1e15 or 0 < largest < 1e-3:
        return number(value), number(deviation)
    decimals = _decimals(largest)
    return f"{value:,.{decimals}f}", f"{deviation:,.{decimals}f}"


def _decimals(size: float) -> int:
    return 0 if size >= 1e4 else 4
