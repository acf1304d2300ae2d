"""URLs of databases: passwords are never shown."""

from __future__ import annotations

import pytest

from bpcli.data.database_url import sqlite_file, without_password


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me@host:5432/db", "postgresql://me@host:5432/db"),
        ("postgresql://host:5432/db?user=me", "postgresql://host:5432/db?user=me"),
        ("postgresql://me:pw@host/db", "postgresql://me:***@host/db"),
        ("postgresql://me:p@w:x@host/db", "postgresql://me:***@host/db"),
        ("postgresql://:pw@/db", "postgresql://:***@/db"),
        ("postgresql://h/d?a=1&password=pw&b=2", "postgresql://h/d?a=1&password=***&b=2"),
        ("postgresql://h/d?PassWord=pw", "postgresql://h/d?PassWord=***"),
        ("sqlite:///a:b@c.db", "sqlite:///a:b@c.db"),
    ],
)
def test_passwords_are_masked(url: str, shown: str) -> None:
    assert without_password(url) == shown


@pytest.mark.parametrize(
    ("url", "file"), [("sqlite:///a/b.db", "a/b.db"), ("postgresql://host/db", None), (None, None)]
)
def test_only_sqlite_has_a_file(url: str | None, file: str | None) -> None:
    assert sqlite_file(url) == file
