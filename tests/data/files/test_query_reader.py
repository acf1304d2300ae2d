import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from postgres import programs, server

from bpcli.data.files.query import Query
from bpcli.data.files.query_reader import query_header, read_query
from bpcli.data.files.read import ReadOptions, data_digest
from bpcli.data.files.source import Source
from bpcli.data.table import Table
from bpcli.errors import DataError, FileAccessError

OPTIONS = ReadOptions()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "t.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table t (n, t, m)")
        connection.executemany("insert into t values (?, ?, ?)", [(1, "x", 1), (2.5, None, "a"), (None, "NA", 3)])
    connection.close()
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a server that runs for the tests."""
    pytest.importorskip("psycopg")
    folder = programs()
    if folder is None:
        pytest.skip("no PostgreSQL server here (apt-get install postgresql)")
    with server(folder) as url:
        yield url


def sqlite(path: Path, text: str = "select * from t order by rowid") -> Query:
    return Query(f"sqlite:///{path}", text, path)


def labels(table: Table) -> dict[str, list[str]]:
    return {name: column.labels() for name, column in table.items()}


def error(query: Query, options: ReadOptions = OPTIONS) -> str:
    with pytest.raises(DataError) as caught:
        read_query(query, options)
    return str(caught.value).removeprefix(f"{query.shown}: ")


def test_a_query_of_sqlite_is_a_table(database: Path) -> None:
    table, digest = read_query(sqlite(database), OPTIONS)
    assert labels(table) == {"n": ["1", "2.5", ""], "t": ["x", "", ""], "m": ["1", "a", "3"]}
    assert [column.kind for column in table.values()] == ["numeric", "categorical", "categorical"]
    assert query_header(sqlite(database)) == ["n", "t", "m"]
    some = read_query(sqlite(database), ReadOptions(columns=frozenset("n")))
    assert (list(some[0]), some[0].header, some[1]) == (["n"], ("n", "t", "m"), digest)
    assert data_digest([sqlite(database)]) == digest


def test_the_digest_is_that_of_names_values_types_and_order(database: Path) -> None:
    def digest(text: str) -> str:
        return read_query(sqlite(database, text), OPTIONS)[1]

    first = digest("select 1 as a, 'x' as b union all select 2, 'y'")
    assert digest("select column1 as a, column2 as b from (values (1, 'x'), (2, 'y'))") == first
    for other in (
        "select 1 as a, 'x' as c union all select 2, 'y'",
        "select '1' as a, 'x' as b union all select 2, 'y'",
        "select 2 as a, 'y' as b union all select 1, 'x'",
        "select 1 as a, 'x' as b",
        "select 1 as a, 'x' as b union all select 2, null",
        "select 1.0 as a, 'x' as b union all select 2, 'y'",
    ):
        assert digest(other) != first


def test_many_rows_are_read_in_blocks(database: Path) -> None:
    query = sqlite(
        database, "with recursive c(i) as (select 1 union all select i + 1 from c where i < 10000) select * from c"
    )
    assert read_query(query, OPTIONS)[0]["i"].values.sum() == 10_000 * 10_001 / 2


def test_what_the_database_says_is_one_line(database: Path) -> None:
    assert error(sqlite(database, "selec 1")) == 'near "selec": syntax error'
    assert error(sqlite(database, "select * from no")) == "no such table: no"
    assert error(sqlite(database, "select 1; select 2")).startswith("You can only execute one statement")
    assert (
        error(sqlite(database, "select 1 as a, 2 as a")) == "the query names 'a' more than once; rename columns with AS"
    )
    assert error(sqlite(database, "select x'00' as a")).startswith("row 1: column 'a': holds bytes;")
    assert (
        error(sqlite(database), ReadOptions(kinds={"m": "numeric"})) == "row 2: column 'm': 'a' is not a finite number"
    )
    assert error(sqlite(database.with_name("no.db"))) == "no such file"
    database.write_text("a,b\n1,2\n" * 200)
    assert error(sqlite(database)) == "file is not a database"


def test_nothing_is_written(database: Path) -> None:
    before, other = database.read_bytes(), database.with_name("other.db")
    for text in ("delete from t", "create table u (a)", f"attach '{other}' as o", "pragma journal_mode = wal"):
        assert error(sqlite(database, text))
    assert database.read_bytes() == before
    assert [path.name for path in database.parent.iterdir()] == ["t.db"]


def test_a_source_of_a_query_needs_one_run_of_it_for_table_and_digest(database: Path) -> None:
    query = sqlite(database)
    digest = read_query(query, OPTIONS)[1]
    source = Source([(query, None)])
    assert source.header == ["n", "t", "m"]
    table = source.table()
    with sqlite3.connect(database) as connection:
        connection.execute("delete from t")
    connection.close()
    assert table.rows == 3
    assert source.digest == digest
    with pytest.raises(DataError, match="gave other rows when it ran again"):
        source.table()


@pytest.fixture
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "secret")


@pytest.mark.usefixtures("password")
def test_a_query_of_postgresql_is_a_table(postgres: str) -> None:
    text = """
        select * from (values
            (1, 0.5::float8, true, 'é', 12.50::numeric, date '2024-01-31', timestamp '2024-01-31 12:30', 2::bigint),
            (null, 'NaN', null, null, null, null, null, null),
            (3, 1e300, false, ' NA ', 7, date '2024-02-01', timestamp '2024-02-01 00:00', 2)
        ) as t (i, f, b, t, d, day, moment, long)"""
    table, digest = read_query(Query(postgres, text), OPTIONS)
    kinds = ["numeric", "numeric", "boolean", "categorical", "numeric", "categorical", "categorical", "numeric"]
    assert [column.kind for column in table.values()] == kinds
    assert labels(table) == {
        "i": ["1", "", "3"],
        "f": ["0.5", "", "1e+300"],
        "b": ["true", "", "false"],
        "t": ["é", "", ""],
        "d": ["12.5", "", "7"],
        "day": ["2024-01-31", "", "2024-02-01"],
        "moment": ["2024-01-31T12:30:00", "", "2024-02-01T00:00:00"],
        "long": ["2", "", "2"],
    }
    assert query_header(Query(postgres, text)) == list(table)
    assert read_query(Query(postgres, text), ReadOptions(columns=frozenset("i")))[1] == digest


@pytest.mark.usefixtures("password")
def test_many_rows_of_postgresql_are_read_in_blocks(postgres: str) -> None:
    query = Query(postgres, "select i, 'n' || i % 7 as t from generate_series(1, 10000) as i")
    table = read_query(query, OPTIONS)[0]
    assert np.array_equal(table["i"].values, np.arange(1, 10_001))
    assert len(table["t"].categories) == 7


@pytest.mark.usefixtures("password")
def test_what_postgresql_says_is_one_line_and_nothing_is_written(postgres: str) -> None:
    for text, words in (
        ("selec 1", 'syntax error at or near "selec"'),
        ("select * from no", 'relation "no" does not exist'),
        ("create table u (a int)", "syntax error"),
        ("select 1; drop table t", "cannot insert multiple commands into a prepared statement"),
        ("select array[1]", "row 1: column 'array': holds an array; only numbers"),
        ("select 'x'::bytea as a", "row 1: column 'a': holds bytes; only numbers"),
        ("select 1 as a, 2 as a", "the query names 'a' more than once"),
    ):
        message = error(Query(postgres, text))
        assert message.startswith(words)
        assert "\n" not in message
    setting = read_query(Query(postgres, "select current_setting('transaction_read_only') as a"), OPTIONS)[0]
    assert setting["a"].labels() == ["on"]


def test_a_password_that_is_missing_or_wrong_is_an_access_error(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    monkeypatch.setenv("PGPASSFILE", "/nowhere")
    with pytest.raises(FileAccessError, match="no password supplied"):
        read_query(Query(postgres, "select 1 as a"), OPTIONS)
    monkeypatch.setenv("PGPASSWORD", "guess")
    with pytest.raises(FileAccessError, match="password authentication failed") as caught:
        read_query(Query(postgres, "select 1 as a"), OPTIONS)
    assert "guess" not in str(caught.value)
