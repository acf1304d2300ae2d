"""A query to a database, and where data is: in a file, or in what a query selects."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bpcli.data.files.cells import shown_path
from bpcli.wording import printable


@dataclass(frozen=True)
class Query:
    """A query to the database at a URL without a password; `file` is that of an SQLite database."""

    url: str
    text: str
    file: Path | None = None

    @property
    def shown(self) -> str:
        """The database, as messages show it."""
        return printable(self.url) if self.file is None else shown_path(self.file)


Location = Path | Query


def shown_location(location: Location | None) -> str:
    """A file or a database, as messages show it; None is standard input."""
    return location.shown if isinstance(location, Query) else shown_path(location)
