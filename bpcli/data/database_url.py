"""URLs of databases."""

from __future__ import annotations

import re

SQLITE = "sqlite:///"


def require_database(url: str) -> None:
    """Raise ValueError unless a URL is that of a database, without a password."""
    if re.match(r"sqlite:///.", url) and "\0" not in url:
        return
    if not re.match(r"postgres(ql)?://", url) or not url.isprintable():
        raise ValueError("a URL such as sqlite:///file.db or postgresql://user@host/database was expected")
    if without_password(url) != url:
        raise ValueError("leave the password out, so that no run holds it; set PGPASSWORD, or use ~/.pgpass")


def sqlite_file(url: str | None) -> str | None:
    """File of an SQLite database; None for others."""
    return url.removeprefix(SQLITE) if url and url.startswith(SQLITE) else None


def without_password(url: str) -> str:
    """A URL with `***` in place of each password, for messages."""
    url = re.sub(r"^([^/]*//[^/@]*?):.*@", r"\1:***@", url)
    return re.sub(r"([^?&]*password[^=]*)=[^&]*", r"\1=***", url, flags=re.IGNORECASE)
