"""Sources that are read together give what each gives alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bpcli.data.files.source import Source, open_source, read_together
from bpcli.data.spec import DataSpec
from bpcli.data.table import Kind, Table
from bpcli.errors import DataError

CSV = "n,b,c,y\n1,yes,x,2\nNA,no,,3\n2,yes,é,4\n"

Asked = tuple[dict[str, Any], dict[str, Kind]]
"""What a spec says, and the kinds from an earlier reading."""


def content(table: Table) -> object:
    columns = [(c.name, c.kind, c.values.dtype.str, c.values.tobytes(), c.categories) for c in table.values()]
    return table.rows, columns, None if table.parts is None else table.parts.tolist()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "t.csv").write_text(CSV)
    (tmp_path / "u.csv").write_text("n,b,c,y\n5,no,z,6\n")
    return tmp_path


@pytest.mark.parametrize(
    "asked",
    [
        [({}, {}), ({}, {})],
        [({}, {}), ({"exclude": ["n", "c"]}, {})],
        [({"exclude": ["n", "c"]}, {}), ({"exclude": ["b"]}, {})],
        [({}, {"n": "numeric"}), ({}, {"n": "categorical"}), ({"exclude": ["n"]}, {"b": "categorical"})],
        [({"exclude": ["n"], "weight": "n"}, {}), ({"exclude": ["n"]}, {})],
        [
            ({"missing": ["NA", ""]}, {}),
            ({"missing": ["x", "NA"]}, {}),
            ({"missing": ["NA", ""]}, {"c": "categorical"}),
        ],
    ],
    ids=["alike", "fewer", "each others", "kinds", "weight", "missing words"],
)
def test_each_table_is_the_one_that_is_read_alone(asked: list[Asked], folder: Path) -> None:
    for files in ({"path": "t.csv"}, {"train": "t.csv", "test": "u.csv"}):
        specs = [(DataSpec.model_validate({"target": "y", **files, **told}), kinds) for told, kinds in asked]
        together = read_together([open_source(spec, folder, kinds) for spec, kinds in specs])
        for source, (spec, kinds) in zip(together, specs, strict=True):
            alone = open_source(spec, folder, kinds)
            assert content(source.table()) == content(alone.table())
            assert (source.header, source.digest) == (alone.header, alone.digest)


def test_files_are_the_same_by_whatever_path_they_are_named(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "link.csv").symlink_to(folder / "t.csv")
    names = ("t.csv", "deep/../t.csv", "deep/link.csv")
    sources = read_together([Source([(folder / name, None)]) for name in names])
    tables = [source.table() for source in sources]
    assert all(table["n"] is tables[0]["n"] for table in tables)
    assert [source.paths for source in sources] == [[folder / name] for name in names]


def test_other_files_are_read_for_themselves(folder: Path) -> None:
    first, second = read_together([Source([(folder / name, None)]) for name in ("t.csv", "u.csv")])
    assert (first.table().rows, second.table().rows) == (3, 1)
    assert first.digest != second.digest


def test_a_cell_that_one_of_them_cannot_read_is_an_error(folder: Path) -> None:
    asked: list[dict[str, Kind]] = [{}, {"c": "numeric"}]
    spec = DataSpec(path="t.csv", target="y")
    first, _ = read_together([open_source(spec, folder, kinds) for kinds in asked])
    with pytest.raises(DataError, match=r"t\.csv: line 2: column 'c': 'x' is not a finite number"):
        first.table()
