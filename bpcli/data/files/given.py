"""Data named on the command line: files, patterns of files, or a query."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError

from bpcli.data.database_url import without_password
from bpcli.data.file_names import matching_files
from bpcli.data.files.query import Location, Query
from bpcli.data.files.source import Source, open_source
from bpcli.data.spec import DataSpec
from bpcli.errors import UsageError
from bpcli.wording import listed, printable

TABLES = (
    "select table_name as name from information_schema.tables where table_schema = current_schema() order by 1",
    "select name from sqlite_master where type in ('table', 'view') order by 1",
)
"""Queries of the tables of PostgreSQL, and of SQLite."""


def given_locations(names: Sequence[str], query: str | None = None) -> list[Location]:
    """Files as `given_files`, or the query to the database of a URL.

    Raises UsageError for a URL without a query, a query without a URL, and a URL among several names.
    """
    url = next((name for name in names if "://" in name and not Path(name).exists()), None)
    if url is None and query is None:
        return [*given_files(names)]
    shown = printable(without_password(url or names[0]))
    if url is None:
        raise UsageError(f"--query goes with the URL of a database, such as sqlite:///{shown}")
    if len(names) > 1:
        raise UsageError(f"{shown}: a database is read alone; leave the other data out")
    if query is None:
        require_query(url)
    return [_query(url, query or "")]


def given_files(names: Sequence[str]) -> list[Path]:
    """Files that names and patterns stand for, in the order given.

    A name that is that of a file is no pattern; a pattern without matches is left, for the reader to say so.
    """
    return [Path(file) for name in names for file in matching_files(name, Path())]


def require_query(url: str) -> NoReturn:
    """Raise UsageError for a database without a query, with its tables and a query of the first."""
    tables = Source([(_query(url, TABLES[url.startswith("sqlite")]), None)]).table()["name"].present()
    shown = printable(without_password(url))
    if not tables:
        raise UsageError(f"{shown}: a database needs --query; it has no tables")
    name = tables[0] if re.fullmatch(r"[a-z_][a-z0-9_]*", tables[0]) else f'\\"{tables[0]}\\"'
    example = printable(f'--query "select * from {name}"')
    raise UsageError(f"{shown}: a database needs a query, such as {example}; it has {listed(tables)}")


def _query(url: str, text: str) -> Query:
    """Query to the database of a URL. Raises UsageError for other URLs."""
    try:
        spec = DataSpec.model_validate({"url": url, "query": text})
    except ValidationError as error:
        shown = printable(without_password(url))
        raise UsageError(f"{shown}: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None
    (location,) = open_source(spec, Path()).locations
    assert isinstance(location, Query)
    return location
