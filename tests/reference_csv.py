"""Delimited text read one character class after another, by Python alone: what the reader is held against."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bpcli.data.files.cells import ReadOptions
from bpcli.data.files.csv_reader import read_csv
from bpcli.errors import DataError

LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)")
LINE_END = re.compile(r"\r\n|\r|\n")

Found = dict[str, tuple[str, list[float | str | None]]]
"""By column: its kind, and its cells, None where missing."""


def expected(content: bytes, options: ReadOptions) -> Found | set[int]:
    """The table in a file whose delimiter is given or a comma; or the lines of what is wrong first in each column.

    The line of a row that is malformed is among these, and the rows behind it are not looked at; so is that of bytes
    that are no text. Line 0 stands for the file.
    """
    dialect = options.dialect
    mark = re.escape(dialect.delimiter or ",")
    text, is_whole = _decoded(content, dialect.encoding)
    wrong = set() if is_whole else {1 + len(LINE_END.findall(text))}
    if is_whole and not re.search(r"[\r\n]\Z", text):
        text += "\n"
    lines = [(at, row) for at, row in _rows(text, mark, dialect.skip_rows, dialect.comment) if row != [""]]
    if not text.strip() or not lines or lines[0][1] is None:
        return wrong | {0, lines[0][0] if lines else 1}
    (first_line, header), *rows = lines
    if not dialect.header:
        rows = [(first_line, header), *rows]
        header = [f"column{index}" for index in range(len(header))]
    names = [_unquoted(name).strip() for name in header]
    row = rows[0][1] if rows else None
    if row is not None and len(row) == len(names) + 1 and not _unquoted(row[-1]).strip():
        names.append("")
    elif row is not None and len(row) == len(names) - 1 and not names[-1]:
        names.pop()
    given = [name for name in names if name]
    if not given or len({*given}) < len(given):
        return {first_line}
    names = [name or f"Unnamed: {index}" for index, name in enumerate(names)]
    kept = []
    for line, row in rows:
        if row is None or (len(row) != len(names) and (len(row) > 1 or row[0].strip(" \t"))):
            wrong.add(line)
            break
        if len(row) == len(names):
            kept.append((line, [_unquoted(cell).strip(" \t") for cell in row]))
    found: Found = {}
    for index, name in enumerate(names):
        cells = [None if row[index] in options.missing else row[index] for _, row in kept]
        numbers = [None if cell is None else _number(cell, options) for cell in cells]
        truths = [{"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}.get((cell or "").lower()) for cell in cells]
        is_numeric = not any(cell is not None and number is None for cell, number in zip(cells, numbers, strict=True))
        is_boolean = not any(cell is not None and truth is None for cell, truth in zip(cells, truths, strict=True))
        is_padded = any(re.fullmatch("0[0-9]+", cell or "") for cell in cells)
        inferred = "numeric" if is_numeric and not is_padded else "boolean" if is_boolean else "categorical"
        kind = options.kinds.get(name, inferred)
        values = {"numeric": numbers, "boolean": truths, "categorical": cells}[kind]
        lines_of = zip((line for line, _ in kept), cells, values, strict=True)
        wrong |= {*[line for line, cell, value in lines_of if cell is not None and value is None][:1]}
        found[name] = (kind, list(values))
    return wrong or found


def _decoded(content: bytes, encoding: str) -> tuple[str, bool]:
    """The text up to the first bytes that are none, and whether that is all."""
    if encoding == "utf-8" and (content[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in content[:2]):
        return "", True
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        text = f"{content[: error.start].decode(encoding)}\0"
    before, nul, _ = text.removeprefix("\ufeff").partition("\0")
    return before, not nul


def _rows(text: str, mark: str, skipped: int, comment: str | None) -> Iterator[tuple[int, list[str] | None]]:
    """Line and raw cells of each row, None in the place of a row that does not end."""
    cell = re.compile(rf'("(?:[^"]|"")*"|(?!")[^{mark}\r\n]*)({mark}|\r\n|\r|\n)')
    at, line, row_line = 0, 1, 1
    row: list[str] = []
    while at < len(text):
        rest_of_line = LINE.match(text, at)
        if rest_of_line and not row and (line <= skipped or (comment and text.startswith(comment, at))):
            at, line, row_line = rest_of_line.end(), line + 1, line + 1
            continue
        match = cell.match(text, at)
        if match is None:
            yield line, None
            return
        at = match.end()
        line += len(LINE_END.findall(match[0]))
        row.append(match[1])
        if match[2][0] in "\r\n":
            yield row_line, row
            row, row_line = [], line


def _unquoted(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if cell.startswith('"') else cell


def _number(cell: str, options: ReadOptions) -> float | None:
    """A finite number: digits in groups or without, one decimal sign, and an exponent."""
    dialect = options.dialect
    spaces = " \u00a0\u202f\u2009"
    whole, point, part = cell.partition(dialect.decimal)
    sign = whole[:1] if whole[:1] in ("+", "-", "\u2212") else ""
    whole = whole.removeprefix(sign)
    exponent = re.search("[eE][+\u2212-]?[0-9]+\\Z", part if point else whole)
    tail = exponent[0] if exponent else ""
    whole, part = (whole, part.removesuffix(tail)) if point else (whole.removesuffix(tail), "")
    for space in spaces if dialect.thousands and dialect.thousands in spaces else "":
        whole = whole.replace(space, dialect.thousands or "")
    first, *groups = whole.split(dialect.thousands) if dialect.thousands else [whole]
    sizes = [len(group) for group in groups]
    by_threes = 1 <= len(first) <= 3 and set(sizes) <= {3}
    by_twos = 1 <= len(first) <= 2 and set(sizes[:-1]) == {2} and sizes[-1:] == [3]
    digits = "".join([first, *groups])
    if (groups and not (by_threes or by_twos)) or not re.fullmatch("[0-9]+", digits + part):
        return None
    number = float(f"{sign}{digits}.{part}{tail}".replace("\u2212", "-"))
    return number if math.isfinite(number) else None


def assert_read_alike(path: Path, options: ReadOptions) -> bool:
    """Whether there is a table, which is then the expected one; if not, the error names the expected line."""
    wanted = expected(path.read_bytes(), options)
    try:
        table = read_csv(path, options)
    except DataError as error:
        message = str(error).removeprefix(f"{path}: ")
        assert isinstance(wanted, set), message
        line = re.match(r"line (\d+): ", message)
        assert (int(line[1]) if line else 0) in wanted, message
        return False
    assert isinstance(wanted, dict), wanted
    assert {name: column.kind for name, column in table.items()} == {name: kind for name, (kind, _) in wanted.items()}
    for name, column in table.items():
        cells = wanted[name][1]
        if column.kind == "categorical":
            assert [column.categories[code] if code >= 0 else None for code in column.values] == cells
            assert column.categories == tuple(sorted({cell for cell in cells if isinstance(cell, str)}))
        else:
            numbers = np.array([math.nan if cell is None else cell for cell in cells], np.float64)
            assert column.values.tobytes() == numbers.tobytes()
    return True
