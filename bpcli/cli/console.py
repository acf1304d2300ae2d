"""Console output: results on stdout, everything else on stderr, colour only on a terminal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Iterable, Sequence
from itertools import zip_longest
from typing import IO, Any

from bpcli.data.data_warning import DataWarning
from bpcli.documents.table import Table
from bpcli.wording import grouped, placed, printable


def result(line: str = "") -> None:
    """Print a line of the result."""
    print(line, file=sys.stdout)


def result_json(document: Any, indent: int | None = 2) -> None:
    """Print the result as a JSON object; without `indent`, on one line."""
    print(json.dumps(document, indent=indent, allow_nan=False), file=sys.stdout)


def result_path(path: str) -> None:
    """Print a path as the result. Control characters are escaped on a terminal only."""
    result(printable(path) if sys.stdout.isatty() else path)


def say(line: str) -> None:
    """Print a line to stderr. If stderr is closed, the work goes on without it."""
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        discard(sys.stderr)


def say_error(code: int, *messages: str, as_json: bool, names: Sequence[str] = ()) -> None:
    """Print errors, one per line, or all as one JSON object.

    The JSON object has the code, place and message of the first error, and a list of the others. `place` is null for an
    error without one. names: names of all messages, or of none.
    """
    if not as_json:
        for message, name in zip_longest(messages, names):
            say(f"error: {message}" + (f" [{name}]" if name else ""))
        return
    first, *others = [
        {**dict(zip(("place", "message"), placed(message), strict=True)), **({"name": name} if name else {})}
        for message, name in zip_longest(messages, names)
    ]
    say(json.dumps({"code": code, **first, **({"others": others} if others else {})}))


def discard(stream: IO[str]) -> None:
    """Redirect an output to the null device, so that flushing at exit does not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def note(line: str) -> None:
    """Print a note."""
    say(f"note: {line}")


def notes(lines: Iterable[str]) -> None:
    """Print notes, with those of one kind beyond the first few counted."""
    for line in grouped(lines):
        note(line)


def warn(warnings: Iterable[DataWarning | str]) -> None:
    """Print warnings, as `notes` does."""
    for line in grouped(map(str, warnings)):
        say(f"warning: {line}")


def is_terminal(stream: IO[str]) -> bool:
    """Whether `stream` is an interactive terminal that can redraw lines."""
    return stream.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("CI")


def aligned(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> list[str]:
    """Format rows of cells as lines with aligned columns, those in `right` right-aligned.

    Control characters are escaped.
    """
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
    """Format a table as lines, without its title. `rest` follows the number of omitted rows."""
    shown = table.shown()
    lines = aligned([shown.header, *shown.rows], shown.numeric)
    return [*lines, f"and {table.left_out:,} {rest}"] if table.left_out else lines


def result_table(table: Table) -> None:
    """Print a table as the result."""
    for line in table_lines(table):
        result(line)
