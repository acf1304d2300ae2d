from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bpcli.data.series.time_spec import TimeSpec
from bpcli.data.spec import DataSpec
from bpcli.data.split_spec import SplitSpec


def spec(**keys: Any) -> DataSpec:
    return DataSpec.model_validate(keys)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "parts").mkdir()
    for name in ("b", "a", "10", "9"):
        (tmp_path / "parts" / f"{name}.csv").touch()
    (tmp_path / "parts" / "folder.csv").mkdir()
    (tmp_path / "odd[1].csv").touch()
    return tmp_path


def test_patterns_become_the_files_that_match_in_sorted_order(folder: Path) -> None:
    data = spec(path="parts/*.csv")
    names = ["parts/10.csv", "parts/9.csv", "parts/a.csv", "parts/b.csv"]
    assert data.expanded(folder).path == tuple(names)
    assert data.sources(folder) == [(folder / name, None) for name in names]
    absolute = spec(path=str(folder / "parts" / "?.csv")).expanded(folder)
    assert absolute.path == tuple(str(folder / "parts" / f"{name}.csv") for name in "9ab")
    assert spec(path="**/1*.csv").expanded(folder).path == "parts/10.csv"


def test_lists_keep_their_order_and_may_hold_patterns(folder: Path) -> None:
    data = spec(train=["parts/b.csv", "parts/1*.csv"], test="parts/a.csv").expanded(folder)
    assert (data.train, data.test) == (("parts/b.csv", "parts/10.csv"), "parts/a.csv")
    assert [part for _, part in data.files] == ["train", "train", "test"]


def test_a_name_of_a_file_is_no_pattern_and_a_pattern_without_matches_is_left(folder: Path) -> None:
    assert spec(path="odd[1].csv").expanded(folder).path == "odd[1].csv"
    assert spec(path="odd[12].csv").expanded(folder).path == "odd[12].csv"
    assert spec(path=["parts/x*.csv"]).expanded(folder).path == ("parts/x*.csv",)


def test_other_paths_take_the_place_of_each_file() -> None:
    moved = spec(train=["a", "b"], validation="c", test=["d"]).with_paths("1234")
    assert (moved.train, moved.validation, moved.test) == (("1", "2"), "3", ("4",))
    database = spec(url="sqlite:///a.db", query="select 1")
    assert database.files == [("a.db", None)]
    assert database.with_paths(["/b.db"]).url == "sqlite:////b.db"
    server = spec(url="postgresql://me@host/db", query="select 1")
    assert (server.files, server.with_paths([]), server.shown) == ([], server, "postgresql://me@host/db")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"path": []}, "an empty list"),
        ({"path": ["a", "b\0"]}, "NUL character"),
        ({"path": "a", "train": "b"}, "give either path, or train with validation and test, or url with query"),
        ({"path": "a", "url": "sqlite:///b", "query": "c"}, "give either path"),
        ({}, "give either path"),
        ({"url": "sqlite:///a"}, "url and query go together"),
        ({"path": "a", "query": "b"}, "url and query go together"),
        ({"url": "sqlite:///a", "query": "b", "test": "c"}, "url excludes validation, test and sheet"),
        ({"url": "sqlite:///a", "query": "b", "sheet": "c"}, "url excludes validation, test and sheet"),
        ({"url": "sqlite:///", "query": "b"}, "a URL such as"),
        ({"url": "mysql://host/db", "query": "b"}, "a URL such as"),
        ({"url": "postgresql://h/d\n", "query": "b"}, "a URL such as"),
        ({"url": "postgresql://me:secret@host/db", "query": "b"}, "PGPASSWORD"),
        ({"url": "postgresql://me:a@b:c@host/db", "query": "b"}, "PGPASSWORD"),
        ({"url": "postgres://host/db?password=secret", "query": "b"}, "PGPASSWORD"),
        ({"url": "postgres://host/db?sslmode=require&sslpassword=secret", "query": "b"}, "PGPASSWORD"),
    ],
)
def test_what_does_not_go_together_is_refused(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words) as caught:
        spec(**keys)
    assert "secret" not in caught.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    ("query", "is_ordered"),
    [("select * from t", False), ("select a from t ORDER\n BY a", True), ("select order_by from t", False)],
)
def test_a_query_says_whether_its_rows_have_an_order(query: str, is_ordered: bool) -> None:
    assert spec(url="sqlite:///a", query=query).is_ordered == is_ordered


def test_rows_of_series_are_split_by_time() -> None:
    series = spec(path="a", target="y", time="date", group="station", exclude=["date"])
    assert series.split == SplitSpec(order="time")
    assert spec(path="a", time="date", split={"validation": 0.2}).split == SplitSpec(validation=0.2, order="time")
    assert spec(path="a", time="date", split={"order": "time", "stratify": False}).split.order == "time"
    assert DataSpec(path="a", time=TimeSpec(column="date")).split.order == "time"
    assert spec(path="a").split == SplitSpec()
    assert spec(**series.model_dump()) == series, "as in a resolved config"


def test_columns_of_the_time_are_read_as_words_even_if_excluded() -> None:
    series = spec(path="a", time=["year", "quarter"], group="station", exclude=["year", "x"])
    assert series.times == ["year", "quarter"]
    assert series.kinds == dict.fromkeys(["station", "year", "quarter"], "categorical")
    assert series.unread == {"x"}
    assert spec(path="a").times == []


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"split": {"order": "random"}}, "omit order: random, which would mix past and future"),
        ({"split": {"stratify": True}}, "whatever their classes; omit stratify"),
        ({"split": {"seed": 1}}, "draws nothing; omit seed"),
        ({"split": {"fold": "1/5"}}, "not into folds; omit fold"),
        ({"split": {"column": "part"}}, "omit column, or time"),
        ({"target": ["y", "date"]}, "time names 'date', which is the target"),
        ({"group": "date"}, "time names 'date', which is a group"),
        ({"weight": "date"}, "time names 'date', which is the weight"),
        (
            {"columns": {"date": {"type": "date"}}},
            "time names 'date', which is in columns, too; write its format",
        ),
        ({"drop_duplicates": True}, "drop_duplicates would leave gaps"),
    ],
)
def test_what_does_not_go_together_with_time_is_refused(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        spec(path="a", time="date", **keys)
