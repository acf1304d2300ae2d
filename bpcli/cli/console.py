"""Where words go: results to stdout, everything else to stderr, and colour only where a person sees it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Sequence
from typing import IO, Any

from bpcli.documents.table import Table
from bpcli.errors import DataWarningsError
from bpcli.wording import placed, printable


def result(line: str = "") -> None:
    """A line of the result."""
    print(line, file=sys.stdout)


def result_json(document: Any, indent: int | None = 2) -> None:
    """The result as one JSON document; without an indent, on one line."""
    print(json.dumps(document, indent=indent, allow_nan=False), file=sys.stdout)


def result_path(path: str) -> None:
    """A path as the result: as it is for a program, and with its control characters as escapes for a person."""
    result(printable(path) if sys.stdout.isatty() else path)


class PrintableLines:
    """A terminal to which whole lines are written, their control characters shown as escapes."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, line: str) -> object:
        """One line, which may hold line ends of its own before the last."""
        return self._stream.write(printable(line.removesuffix("\n")) + "\n")


def say(line: str) -> None:
    """A line about the work, which goes on also where stderr takes no more."""
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        discard(sys.stderr)


def say_error(code: int, *messages: str, as_json: bool) -> None:
    """Print errors: a line each, or all as one JSON object with code, place and message of the first, and the others.

    `place` is null for an error that has none.
    """
    if not as_json:
        for message in messages:
            say(f"error: {message}")
        return
    first, *others = [dict(zip(("place", "message"), placed(message), strict=True)) for message in messages]
    say(json.dumps({"code": code, **first, **({"others": others} if others else {})}))


def discard(stream: IO[str]) -> None:
    """Send what is left of an output nowhere: Python would fail on it once more when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def note(line: str) -> None:
    """Something that the user should know, though the work goes on."""
    say(f"note: {line}")


def warn(lines: Sequence[str], strict: bool) -> None:
    """What is probably wrong with the data; raises DataWarningsError where the user is strict."""
    if strict and lines:
        raise DataWarningsError(*lines)
    for line in lines:
        say(f"warning: {line}")


def is_terminal(stream: IO[str]) -> bool:
    """Whether a person watches `stream` and it can redraw lines."""
    return stream.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("CI")


def aligned(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> list[str]:
    """Rows of cells as lines with columns aligned, those numbered in `right` to the right; the text made printable."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(row[index]) for row in cells) for index in range(len(cells[0]))]
    return [
        "  ".join(
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def table_lines(table: Table, rest: str = "more") -> list[str]:
    """A table as lines, its title left to the context; `rest` follows the number of the rows that are not shown."""
    shown = table.shown()
    lines = aligned([shown.header, *shown.rows], shown.numeric)
    return [*lines, f"and {table.left_out:,} {rest}"] if table.left_out else lines


def result_table(table: Table) -> None:
    """A table as the result."""
    for line in table_lines(table):
        result(line)
