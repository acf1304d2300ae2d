from pathlib import Path

import pytest

from bpcli.data.files.cells import ReadOptions
from bpcli.data.files.parquet_reader import read_parquet
from bpcli.errors import DataError

pl = pytest.importorskip("polars")


def test_text_is_boolean_only_where_it_says_yes_or_no(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    options = ReadOptions(kinds={"a": "boolean"})
    pl.DataFrame({"a": ["yes", None, "FALSE"]}).write_parquet(path)
    assert read_parquet(path, options)["a"].labels() == ["true", "", "false"]
    pl.DataFrame({"a": ["yes", "no", "maybe"]}).write_parquet(path)
    with pytest.raises(DataError, match="row 2: column 'a': 'maybe' is neither true nor false"):
        read_parquet(path, options)
