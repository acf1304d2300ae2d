"""Predictions as text: CSV, or JSON objects, one a line. Numbers have the fewest digits that round-trip."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from bpcli.documents.json_value import Json

_SPECIAL = re.compile('[",\r\n]')
"""Characters for which CSV quotes a cell."""


class Lines(ABC):
    """Format of an output with these columns."""

    def __init__(self, header: Sequence[str]) -> None:
        self._header = header
        self._row = self._format()

    @abstractmethod
    def _format(self) -> str:
        """Line with `%s` for each cell."""

    @abstractmethod
    def beginning(self) -> str:
        """Lines before the first row."""

    @abstractmethod
    def cells(self, texts: Sequence[str | None]) -> list[str]:
        """Cells of a column of text; None is a missing value."""

    @abstractmethod
    def documents(self, values: Sequence[Json], texts: Sequence[str]) -> list[str]:
        """Cells of a column of lists or mappings, each of which has a text too."""

    def rows(self, columns: Sequence[Sequence[Any]]) -> str:
        """Lines of all rows. Columns hold numbers, or cells made by `cells`."""
        # A number takes a third of the time that it takes in `csv.writer`, which looks at each of its characters.
        return (self._row * len(columns[0])) % tuple(chain.from_iterable(zip(*columns, strict=True)))


class CsvLines(Lines):
    """CSV with a header. `cleaning` is applied to every text."""

    def __init__(self, header: Sequence[str], cleaning: Sequence[Callable[[str], str]] = ()) -> None:
        super().__init__(header)
        self._cleaning = cleaning

    def _format(self) -> str:
        return ",".join(["%s"] * len(self._header)) + "\n"

    def beginning(self) -> str:
        """Return the header."""
        return ",".join(self.cells(self._header)) + "\n"

    def cells(self, texts: Sequence[str | None]) -> list[str]:
        """Quote texts where CSV requires it."""
        cells = ["" if text is None else text for text in texts]
        for clean in self._cleaning:
            cells = list(map(clean, cells))
        if len(self._header) > 1 and _SPECIAL.search("".join(cells)) is None:
            return cells
        empty = '""' if len(self._header) == 1 else ""  # an empty line would be no row
        return [_quoted(cell) if _SPECIAL.search(cell) else cell or empty for cell in cells]

    def documents(self, values: Sequence[Json], texts: Sequence[str]) -> list[str]:
        """Write the texts."""
        return self.cells(texts)


class JsonLines(Lines):
    """JSON lines: an object for each row, with the columns as keys."""

    def _format(self) -> str:
        keys = (json.dumps(name).replace("%", "%%") for name in self._header)
        return "{" + ", ".join(f"{key}: %s" for key in keys) + "}\n"

    def beginning(self) -> str:
        """Return nothing: each object names its columns."""
        return ""

    def cells(self, texts: Sequence[str | None]) -> list[str]:
        """Format texts as JSON strings, null for a missing value."""
        return list(map(json.dumps, texts))

    def documents(self, values: Sequence[Json], texts: Sequence[str]) -> list[str]:
        """Write the values as JSON."""
        return list(map(json.dumps, values))


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'
