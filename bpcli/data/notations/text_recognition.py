"""Recognition of the dialect of delimited text from its first lines."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice, pairwise

from bpcli.data.notations.dialect import Dialect
from bpcli.data.notations.numbers import MINUS
from bpcli.frozen import dataclass
from bpcli.wording import is_number

MOST_LINES = 300
"""Lines that are looked at."""

MOST_SKIPPED = 50
"""Lines above the header that may be a title or a description."""

_DELIMITERS = (",", ";", "\t", "|")
_COMMENTS = ("#", "%", "//")
_LINE = re.compile(r'((?:(?:(?<=[,;\t|\r\n])|(?<=\A))"(?:[^"]|"")*"|[^\r\n])*)(?:\r\n|\r|\n|\Z)')
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_NUMBER = re.compile(rf"[{MINUS}+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][{MINUS}+]?[0-9]+)?")
_COMMA = re.compile(rf"[{MINUS}+]?[0-9]+,[0-9]+")
_POINT = re.compile(rf"[{MINUS}+]?[0-9]*\.[0-9]+")
_GROUPED = re.compile(rf"[{MINUS}+]?[1-9][0-9]{{0,2}}(?:\.[0-9]{{3}})+(?:,[0-9]+)?")
_SMALL = re.compile(rf"[{MINUS}+]?[0-9]{{1,3}}")


@dataclass(frozen=True)
class RecognisedDialect:
    """Dialect of a text, and for each key that is not the default the reason."""

    dialect: Dialect
    reasons: dict[str, str]


def recognise_dialect(sample: bytes) -> RecognisedDialect:
    """Dialect of a text that begins with `sample`, which may end within a line."""
    found: dict[str, object] = {}
    reasons: dict[str, str] = {}
    encoding, why = _encoding(sample)
    if why:
        found["encoding"], reasons["encoding"] = encoding, why
    text = sample.decode(encoding, "ignore").removeprefix("\ufeff")
    lines = [line[1] for line in islice(_LINE.finditer(text), MOST_LINES + 1)]
    lines = (lines[:-1] if len(lines) > 1 else lines)[:MOST_LINES]
    separator = re.fullmatch("sep=(.)", lines[0]) if lines else None
    if separator:
        lines = lines[1:]
    comment = _comment(lines)
    if comment:
        found["comment"] = comment
        reasons["comment"] = f"the file begins with lines of {comment}"
    body = [line for line in lines if not (comment and line.startswith(comment))]
    delimiter = separator[1] if separator else _delimiter(body)
    cells = [_cells(line, delimiter) if line.strip() else [] for line in body]
    start = header_row(cells)
    if start and not separator:
        found["skip_rows"] = lines.index(body[start])
        found.pop("comment", None) if lines.index(body[start]) == start else None
        reasons["skip_rows"] = f"the header is line {lines.index(body[start]) + 1}"
    rows = [row for row in cells[start:] if row]
    decimal, thousands, why = _separators(rows[1:], delimiter)
    if decimal != ".":
        found["decimal"], reasons["decimal"] = decimal, why
    if thousands:
        found["thousands"], reasons["thousands"] = thousands, why
    plain = Dialect(decimal=decimal, thousands=thousands)
    if rows and not separator and plain.delimiter_of(_QUOTED.sub("", body[start])) != delimiter:
        found["delimiter"], reasons["delimiter"] = delimiter, f"{delimiter} separates the columns"
    if rows and _is_data(rows, plain):
        found["header"] = False
        reasons["header"] = f"the first line is data: {', '.join(rows[0][:4])}"
    return RecognisedDialect(replace(Dialect(), **found), reasons)  # type: ignore[arg-type]


def _encoding(sample: bytes) -> tuple[str, str]:
    """Encoding of a sample, and the reason if it is not UTF-8."""
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", "the file begins with the mark of UTF-16"
    for encoding, place in (("utf-16-le", 1), ("utf-16-be", 0)):
        if len(sample) > 3 and sample[place::2].count(0) > 0.4 * len(sample) / 2 and 0 not in sample[1 - place :: 2]:
            return encoding, "every second byte is 0"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(sample)
    except UnicodeDecodeError as error:
        shown = sample[error.start]
        encoding = "latin-1" if any(byte in sample for byte in b"\x81\x8d\x8f\x90\x9d") else "cp1252"
        return encoding, f"byte {error.start:,}, 0x{shown:02X}, is not valid UTF-8"
    return "utf-8", ""


def _comment(lines: Sequence[str]) -> str | None:
    """Mark of comment lines at the top; a single line that has as many cells as the next is a header."""
    for mark in _COMMENTS:
        count = next((place for place, line in enumerate(lines) if not line.startswith(mark)), len(lines))
        if 0 < count < len(lines):
            delimiter = _delimiter(lines[count:])
            widths = len(_cells(lines[count - 1], delimiter)), len(_cells(lines[count], delimiter))
            if count > 1 or widths[0] != widths[1] or widths[0] == 1:
                return mark
    return None


def _cells(line: str, delimiter: str) -> list[str]:
    """Cells of a line, without their quotes; a quoted delimiter is none."""
    if '"' not in line:
        return [cell.strip() for cell in line.split(delimiter)]
    parts = re.split(rf"({_QUOTED.pattern})|{re.escape(delimiter)}", line)
    texts, quoted = parts[::2], parts[1::2]
    cells = [texts[0]]
    for quote, text in zip(quoted, texts[1:], strict=True):
        if quote is None:
            cells.append(text)
        else:
            cells[-1] += quote[1:-1].replace('""', '"') + text
    return [cell.strip() for cell in cells]


def _delimiter(lines: Sequence[str]) -> str:
    """Delimiter that parts most lines into the same number of cells, two at least; the first of equals."""
    best, most = ",", 0
    bare = [_QUOTED.sub("", line) for line in lines if line.strip()]
    for mark in _DELIMITERS:
        counts = Counter(line.count(mark) for line in bare)
        counts.pop(0, None)
        if counts and (often := max(counts.values())) > most:
            best, most = mark, often
    return best


def header_row(rows: Sequence[Sequence[str]]) -> int:
    """Index of the header in rows of cells: the first as wide as most rows, if all above it are narrower."""
    widths = list(map(_width, rows))
    usual = Counter(width for width in widths if width).most_common(1)
    if not usual or usual[0][0] == 1 or usual[0][1] < 3:
        return 0
    width = usual[0][0]
    start = next(place for place, one in enumerate(widths) if one in (width - 1, width, width + 1) and one > 1)
    above = rows[:start]
    if any(above) and not any(map(any, above)) and any(map(is_number, rows[start])):
        return 0  # data below a header whose names are all blank
    return start if start <= MOST_SKIPPED and all(one < max(width - 1, 2) for one in widths[:start]) else 0


def _width(cells: Sequence[str]) -> int:
    """Number of cells; 0 in a blank row of a sheet, and 1 in that of a title: two cells at least are blank."""
    filled = sum(map(bool, cells))
    return filled if len(cells) > 2 and filled < 2 else len(cells)


def _separators(rows: Sequence[list[str]], delimiter: str) -> tuple[str, str | None, str]:
    """Decimal and thousands separators, and the reason, where commas cannot be delimiters."""
    if delimiter == ",":
        return ".", None, ""
    cells = [cell for row in rows for cell in row]
    commas = [cell for cell in cells if _COMMA.fullmatch(cell)]
    grouped = [cell for cell in cells if _GROUPED.fullmatch(cell)]
    points = [cell for cell in cells if _POINT.fullmatch(cell) and not _GROUPED.fullmatch(cell)]
    if points or not (commas or grouped):
        return ".", None, ""
    mixed = [cell for cell in grouped if "," in cell]
    if commas or mixed:
        shown = (mixed or commas)[0]
        return ",", "." if grouped else None, f"as in {shown}"
    columns = zip(*(row for row in rows if len(row) == len(rows[0])), strict=True)
    if any(_are_grouped(column) for column in columns):
        return ",", ".", f"in {grouped[0]} three digits follow the point, and numbers below 1000 have none"
    return ".", None, ""


def _are_grouped(column: Sequence[str]) -> bool:
    """Whether whole numbers of a column have points between thousands: 108, 256, 3.565."""
    grouped = sum(_GROUPED.fullmatch(cell) is not None for cell in column)
    small = sum(_SMALL.fullmatch(cell) is not None for cell in column)
    return grouped > 0 and small > 0 and grouped + small == sum(bool(cell) for cell in column)


def _is_data(rows: Sequence[list[str]], dialect: Dialect) -> bool:
    """Whether the first row holds data and no names: most cells are numbers, as those below; others come again below.

    Rising whole numbers, such as years, may be names.
    """
    number = re.compile(dialect.number)
    first = rows[0]
    are_numbers = [number.fullmatch(cell) is not None for cell in first]
    if "" in first or 3 * sum(are_numbers) < 2 * len(first):
        return False
    whole = [int(cell) for cell in first if cell.isdecimal()]
    if len(whole) == sum(are_numbers) > 1 and all(low < high for low, high in pairwise(whole)):
        return False
    below = [row for row in rows[1:] if len(row) == len(first)]
    if not below:
        return False
    for name, is_numeric, *cells in zip(first, are_numbers, *below, strict=True):
        if not (all(number.fullmatch(cell) or not cell for cell in cells) if is_numeric else name in cells):
            return False
    return True
