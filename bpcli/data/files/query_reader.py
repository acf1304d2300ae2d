"""Queries to a database as tables: SQLite by the standard library, PostgreSQL by psycopg."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

from bpcli.data.files.byte_source import open_bytes
from bpcli.data.files.cells import ReadOptions
from bpcli.data.files.query import Query
from bpcli.data.files.value_columns import Value, ValueTable
from bpcli.data.table import Table
from bpcli.errors import DataError, FileAccessError
from bpcli.wording import listed, printable

ROWS = 4096
"""Rows that are fetched at a time."""

_INSTALL = 'pip install "backprop-cli[sql]"'

Fetch = Callable[[], Sequence[Sequence[Any]]]


def read_query(query: Query, options: ReadOptions) -> tuple[Table, str]:
    """The rows that a query selects, and the SHA-256 of their values.

    The transaction is read-only. Dates and times become ISO text, decimals become numbers, null is a missing value.
    Raises DataError for what the database says about the query, for columns of one name, and for values of other types.
    """
    with _result(query) as (header, fetch):
        table = ValueTable(options, header)
        hashes = [hashlib.sha256() for _ in header]
        while rows := fetch():
            columns = [list(map(_value, column)) for column in zip(*rows, strict=True)]

            def place(_: str, row: int, start: int = table.rows + 1) -> str:
                return f"{query.shown}: row {start + row:,}"

            table.add(dict(zip(header, columns, strict=True)), len(rows), place)
            for column, digest in zip(columns, hashes, strict=True):
                # Values joined by commas, wherever a block ends.
                digest.update(json.dumps(column, separators=(",", ":"))[1:-1].encode() + b",")
    whole = json.dumps([header, table.rows, [digest.hexdigest() for digest in hashes]])
    return table.finish(), hashlib.sha256(whole.encode()).hexdigest()


def query_header(query: Query) -> list[str]:
    """The names of the columns of a query's result."""
    with _result(query) as (header, _):
        return header


@contextmanager
def _result(query: Query) -> Iterator[tuple[list[str], Fetch]]:
    with _sqlite(query, query.file) if query.file is not None else _postgresql(query) as (names, fetch):
        if not names:
            raise DataError(f"{query.shown}: the query gives no table; a select was expected")
        if twice := [name for name, times in Counter(names).items() if times > 1]:
            raise DataError(f"{query.shown}: the query names {listed(twice)} more than once; rename columns with AS")
        yield names, fetch


@contextmanager
def _sqlite(query: Query, file: Path) -> Iterator[tuple[list[str], Fetch]]:
    with open_bytes(file):
        pass  # says what is wrong with the path
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file.resolve()))}?mode=ro", uri=True)) as connection:
            connection.execute("pragma query_only = on")  # for attached databases too
            cursor = connection.execute(query.text)
            yield [name for name, *_ in cursor.description or ()], lambda: cursor.fetchmany(ROWS)
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise DataError(f"{query.shown}: {_reason(error)}") from None


@contextmanager
def _postgresql(query: Query) -> Iterator[tuple[list[str], Fetch]]:
    try:
        import psycopg
    except ImportError:
        raise DataError(f"{query.shown}: PostgreSQL is read by psycopg, which is not installed: {_INSTALL}") from None
    try:
        with psycopg.connect(query.url, application_name="bpcli") as connection:
            connection.read_only = True
            with connection.cursor(name="bpcli", binary=True) as cursor:
                cursor.execute(query.text.encode())
                yield [column.name for column in cursor.description or ()], lambda: cursor.fetchmany(ROWS)
    except psycopg.OperationalError as error:
        raise FileAccessError(f"{query.shown}: {_reason(error)}") from None
    except psycopg.Error as error:
        raise DataError(f"{query.shown}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    """What the database says, on one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return printable("; ".join(lines[:2]) or type(error).__name__)


def _value(value: Any) -> Value:
    """A value of a database as one of the types that columns have; others are left, to be refused there."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta | UUID):
        return str(value)
    return value  # type: ignore[no-any-return]
