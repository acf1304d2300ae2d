"""Wording of messages: suggestions, safe printing of user text, counts, and numbers."""

from __future__ import annotations

import difflib
import json
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

_UNPRINTABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories shown as escapes: control and format characters, surrogates, line separators."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")
_PLACE = re.compile(r"(?:\S+|(?:--\S+|line|row|column|array) .+|.+\.\w+(?::\d+){0,2})")
"""A place at the start of an error: file, config key, or option, line, row, column or array with its name."""

_PARTS = re.compile(r"[\W_]+")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


MOST_OF_A_KIND = 3
"""Messages of one kind that are shown in full; warnings about columns may be as many as the columns."""

NEAR, NEAR_SHORT = 0.75, 0.6
"""Similarity (Ratcliff and Obershelp 1988) from which a name is suggested for another, and for one of up to 3 letters,
where one letter is much."""

SHORTEST_PART, NEAR_PART = 3, 0.85
"""Minimum letters of a name that is a part of another, and similarity from which a word of a name is like it."""


def suggestion(word: str, choices: Iterable[str]) -> str:
    """`"; did you mean 'relu'?"` if a choice is similar to `word`, else an empty string."""
    names = list(choices)
    by_folded = {name.casefold(): name for name in reversed(names)}
    near = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=NEAR if len(word) > 3 else NEAR_SHORT)
    return f"; did you mean {quoted(by_folded[near[0]])}?" if near else ""


def printable(text: str) -> str:
    """`text` on one line, with control and format characters as escapes (`\\x1b`, `\\u202e`)."""
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
    """`text` made printable, shortened to `limit` characters, in single quotes."""
    shown = printable(text if len(text) <= limit else text[: limit - 1] + "…")
    return f"'{shown}'"


def is_number(text: str) -> bool:
    """Whether `text` is a decimal number."""
    return _NUMBER.fullmatch(text) is not None


def without_formula(text: str) -> str:
    """Prefix text that a spreadsheet would read as a formula with an apostrophe (OWASP, "CSV Injection").

    Numbers are unchanged.
    """
    return f"'{text}" if text.startswith(_FORMULA_STARTS) and not is_number(text) else text


def duration(seconds: float) -> str:
    """Format a duration: `0.25 s`, `3.2 s`, `5 s`, `4 min 10 s`, `2 h 5 min`."""
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 1 else f"{f'{seconds:.1f}'.removesuffix('.0')} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def sized(parameters: int, members: int) -> str:
    """Size of a network, `1,024 parameters`, or of an ensemble, `8 networks of 1,024 parameters`."""
    size = counted(parameters, "parameter")
    return size if members == 1 else f"{members:,} networks of {size}"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Number and noun: `1 row`, `2 rows`, `12,000 rows`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(names: Iterable[str], limit: int = 8) -> str:
    """Quoted names, separated by commas; those beyond `limit` are counted."""
    names = list(names)
    shown = ", ".join(quoted(name) for name in names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit:,} more"


def listed_with_last(names: Iterable[str], first: int = 6, last: int = 2) -> str:
    """Quoted names, separated by commas: the first and the last ones, and the number of all if some are left out.

    The target is often the last column of a file.
    """
    names = list(names)
    if len(names) <= first + last:
        return listed(names, first + last)
    return f"{listed(names[:first])}, …, {listed(names[-last:])} ({len(names):,} in all)"


def related(word: str, choices: Iterable[str]) -> list[str]:
    """Choices that contain a word or a part like it, or that are a part of it, ignoring case.

    Parts are separated by blanks, underscores and the like.
    """
    folded, found = word.casefold(), []
    own_parts = _PARTS.split(folded)
    for name in choices:
        other = name.casefold()
        if min(len(folded), len(other)) < SHORTEST_PART:
            continue
        near = difflib.get_close_matches(folded, _PARTS.split(other), n=1, cutoff=NEAR_PART)
        if near or folded in other or other in own_parts:
            found.append(name)
    return found


def enumerated(names: Iterable[str], limit: int = 4) -> str:
    """Names separated by commas; those beyond `limit` are counted."""
    names = list(names)
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit:,} more"


def grouped(lines: Iterable[str], limit: int = MOST_OF_A_KIND) -> list[str]:
    """Messages with those of one kind together: the first `limit`, then a line with the number of the others.

    Messages are of one kind if they differ only in names and numbers.
    """
    kinds: dict[str, list[str]] = {}
    for line in lines:
        kinds.setdefault(_kind(line), []).append(line)
    shown = []
    for found in kinds.values():
        more = len(found) - limit
        shown += [*found[:limit], f"and {more:,} more like these"] if more > 1 else found
    return shown


def _kind(line: str) -> str:
    """Message without its names, its numbers and the lengths of its lists."""
    if about := re.search(r"(?:^|column )'(.+?)'(?=:| )", line):
        line = re.sub(rf"(?<!\w){re.escape(about[1])}(?!\w)", "…", line)
    line = re.sub(r"'.*?'(?!\w)|\"(?:\\.|[^\"])*\"|(?<!\w)[-+]?[0-9][0-9.,]*(?:e[-+]?[0-9]+)?", "…", line)
    return re.sub(r"…(?:,? (?:and )?…(?: more)?)+", "…", line)


def shown_shape(shape: Iterable[int]) -> str:
    """`28 × 28 × 3`."""
    return " × ".join(map(str, shape))


def plain(value: Any) -> str:
    """Value of a config as text in its syntax."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def number(value: float | int | None, none: str = "-") -> str:
    """Number in a table: four decimals, none if large, an exponent if tiny or huge; with thousands separators."""
    if value is None:
        return none
    if isinstance(value, int):
        return f"{value:,}"
    size = abs(value)
    if not size < 1e15 or 0 < size < 1e-3:
        return f"{value:.4g}"
    return f"{value:,.{_decimals(size)}f}"


def amount(value: float) -> str:
    """Cell of a confusion matrix: a number of rows, or a sum of weights."""
    return f"{value:.0f}" if float(value).is_integer() else number(value)


def with_deviation(value: float, deviation: float) -> tuple[str, str]:
    """A value and its deviation, formatted as `number` does, with equal decimals."""
    largest = max(abs(value), abs(deviation))
    if not largest < 1e15 or 0 < largest < 1e-3:
        return number(value), number(deviation)
    decimals = _decimals(largest)
    return f"{value:,.{decimals}f}", f"{deviation:,.{decimals}f}"


def _decimals(size: float) -> int:
    return 0 if size >= 1e4 else 4


def yaml_scalar(value: object) -> str:
    """YAML of a text, a number or a truth value; a text is plain if that is unambiguous, else double-quoted."""
    if not isinstance(value, str):
        return str(value).lower()
    plain = value.isascii() and re.sub("[_/.]", "a", value).isalnum()
    bare = plain and value[0].isalpha() and value.lower() not in ("true", "false", "null")
    return value if bare or (plain and value.startswith("../")) else double_quoted(value)


def double_quoted(text: str) -> str:
    """Double-quoted YAML scalar on one line, with non-printable characters escaped."""
    escapes = {'"': r"\"", "\\": r"\\"}
    chars = (escapes.get(char, char if char.isprintable() else f"\\U{ord(char):08x}") for char in text)
    return f'"{"".join(chars)}"'


def composed(text: str) -> str:
    """Text in Unicode's composed form (NFC), in which names and words are compared."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)
