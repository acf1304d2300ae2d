"""Data named on the command line: files in the order given, patterns, and queries."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bpcli.data.files.given import given_locations
from bpcli.data.files.query import Query
from bpcli.data.files.source import Source
from bpcli.errors import DataError, UsageError


def test_names_keep_their_order_and_patterns_are_sorted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("p2.csv", "p1.csv", "last.csv", "a[1].csv"):
        (tmp_path / name).write_text("x\n1\n")
    found = given_locations(["last.csv", "p?.csv", "a[1].csv"])
    assert found == [Path("last.csv"), Path("p1.csv"), Path("p2.csv"), Path("a[1].csv")]
    assert given_locations([str(tmp_path / "p*.csv")]) == [tmp_path / "p1.csv", tmp_path / "p2.csv"]


def test_a_url_with_a_query_is_a_query(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/t.db"
    assert given_locations([url], "select 1") == [Query(url, "select 1", tmp_path / "t.db")]


@pytest.mark.parametrize(
    ("names", "query", "message"),
    [
        (["t.csv"], "select 1", "--query goes with the URL of a database, such as sqlite:///t.csv"),
        (["t.csv", "sqlite:///t.db"], "select 1", "sqlite:///t.db: a database is read alone; leave the other data out"),
        (["mysql://t"], "select 1", "mysql://t: a URL such as sqlite:///file.db or"),
    ],
)
def test_a_database_comes_alone_with_a_query(names: list[str], query: str | None, message: str) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(message)}"):
        given_locations(names, query)


def test_a_pattern_in_place_of_a_file_is_said_to_match(tmp_path: Path) -> None:
    for name in ("p1.csv", "p2.csv"):
        (tmp_path / name).write_text("x\n1\n")
    said = "p?.csv: no file of this name; as a pattern it matches 2 files: give one of them"
    with pytest.raises(DataError, match=f"{re.escape(said)}$"):
        _ = Source([(tmp_path / "p?.csv", None)]).digest
    with pytest.raises(DataError, match=r"q\?\.csv: no file matches"):
        _ = Source([(tmp_path / "q?.csv", None)]).digest
