"""Data named on the command line: files, patterns of files, or a query."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from bpcli.data.files.query import Location
from bpcli.data.files.source import open_source
from bpcli.data.spec import DataSpec, matching_files, without_password
from bpcli.errors import UsageError
from bpcli.wording import printable


def given_locations(names: Sequence[str], query: str | None = None) -> list[Location]:
    """Files that names and patterns stand for, in the order given, or the query to the database of a URL.

    A name that is that of a file is no pattern; a pattern without matches is left, for the reader to say so.

    Raises UsageError for a URL without a query, a query without a URL, and a URL among several names.
    """
    url = next((name for name in names if "://" in name and not Path(name).exists()), None)
    if url is None and query is None:
        return [Path(file) for name in names for file in matching_files(name, Path())]
    shown = printable(without_password(url or names[0]))
    if url is None:
        raise UsageError(f"--query goes with the URL of a database, such as sqlite:///{shown}")
    if len(names) > 1:
        raise UsageError(f"{shown}: a database is read alone; leave the other data out")
    if query is None:
        raise UsageError(f'{shown}: a database needs --query "select ..."')
    try:
        spec = DataSpec.model_validate({"url": url, "query": query})
    except ValidationError as error:
        raise UsageError(f"{shown}: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None
    return open_source(spec, Path()).locations
