"""Tables from database queries: SQLite by the standard library, PostgreSQL by psycopg."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import numpy as np

from bpcli.data.files.byte_source import open_bytes
from bpcli.data.files.cells import ReadOptions
from bpcli.data.files.query import Query
from bpcli.data.files.value_columns import Value, ValueTable
from bpcli.data.table import EXACT, Table
from bpcli.errors import DataError, FileAccessError
from bpcli.wording import composed, listed, printable

ROWS = 4096
"""Rows that are fetched and hashed at a time: another number gives other digests."""

_INSTALL = 'pip install "backprop-cli[sql]"'

Fetch = Callable[[], Sequence[Sequence[Any]]]


def read_query(query: Query, options: ReadOptions) -> tuple[Table, str]:
    """Selected rows of a query, and the SHA-256 of their values.

    The transaction is read-only. Dates and times become ISO text, decimals become numbers, null is a missing value.
    Raises DataError for errors of the database, repeated column names, and values of other types.
    """
    with _result(query) as (header, fetch):
        table = ValueTable(options, header)
        hashes = [hashlib.sha256() for _ in header]
        while rows := fetch():
            columns = [_plain(column) for column in zip(*rows, strict=True)]

            def place(_: str, row: int, start: int = table.rows + 1) -> str:
                return f"{query.shown}: row {start + row:,}"

            table.add(dict(zip(header, columns, strict=True)), len(rows), place)
            for column, digest in zip(columns, hashes, strict=True):
                digest.update(_bytes(column))
    whole = json.dumps([header, table.rows, [digest.hexdigest() for digest in hashes]])
    return table.finish(), hashlib.sha256(whole.encode()).hexdigest()


def query_header(query: Query) -> list[str]:
    """Names of the columns of a query's result."""
    with _result(query) as (header, _):
        return header


@contextmanager
def _result(query: Query) -> Iterator[tuple[list[str], Fetch]]:
    with _sqlite(query, query.file) if query.file is not None else _postgresql(query) as (raw, fetch):
        names = list(map(composed, raw))
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
            # A read-only connection could still attach, and so make, another database.
            connection.set_authorizer(lambda action, *_: int(action == sqlite3.SQLITE_ATTACH))
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
    """Error message of the database, on one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return printable("; ".join(lines[:2]) or type(error).__name__)


def _plain(values: Sequence[Any]) -> Sequence[Value]:
    """Values of a column converted to the types of `ValueColumn`; other types are left for it to refuse."""
    for kind in {*map(type, values)} & _CONVERSIONS.keys():
        convert = _CONVERSIONS[kind]
        values = [convert(value) if type(value) is kind else value for value in values]
    return values


def _number(value: Decimal) -> int | float:
    """Nearest float of a decimal; a large integer keeps its digits."""
    number = float(value)
    return int(value) if EXACT <= abs(number) < float("inf") and value == value.to_integral_value() else number


_CONVERSIONS: dict[type, Callable[[Any], Value]] = {
    Decimal: _number,
    datetime: datetime.isoformat,
    date: date.isoformat,
    time: time.isoformat,
    timedelta: str,
    UUID: str,
}


def _bytes(values: Sequence[Value]) -> bytes:
    """Bytes of a block of values and their types. For numbers of one type this takes a twentieth of JSON's time."""
    types = {*map(type, values)}
    if types == {float}:
        return b"f" + np.array(values, "<f8").tobytes()
    with suppress(OverflowError):
        if types == {int}:
            return b"i" + np.array(values, "<i8").tobytes()
    return json.dumps(values).encode()
