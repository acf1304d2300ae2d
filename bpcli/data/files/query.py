"""A database query; the location of data is a file or a query."""

from __future__ import annotations

from pathlib import Path

from bpcli.data.files.cells import shown_path
from bpcli.frozen import dataclass
from bpcli.wording import printable


@dataclass(frozen=True)
class Query:
    """A query to the database at a URL without its password. `file` is the path of an SQLite database."""

    url: str
    text: str
    file: Path | None = None

    @property
    def shown(self) -> str:
        """Name of the database in messages."""
        return printable(self.url) if self.file is None else shown_path(self.file)


Location = Path | Query


def shown_location(location: Location | None) -> str:
    """Name of a file or a database in messages; None is standard input."""
    return location.shown if isinstance(location, Query) else shown_path(location)
