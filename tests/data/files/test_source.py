import gzip
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bpcli.data.files import source
from bpcli.data.files.read import ReadOptions, data_digest, read_table
from bpcli.data.files.source import Source
from bpcli.data.files.table_cache import TableCache
from bpcli.data.notations.dialect import Dialect
from bpcli.data.table import Part, Table
from bpcli.errors import BpcliError, DataError

CSV = "n,b,c,y\n1,yes,x,2\nNA,no,,3\n2.5,,é,4\n"
OPTIONS = ReadOptions()
Sources = list[tuple[Path, Part | None]]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a cache that takes files of any size."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(source, "CACHED_FROM", 0)
    return tmp_path / "cache" / "bpcli" / "tables"


@pytest.fixture
def columns_read(monkeypatch: pytest.MonkeyPatch) -> list[set[str] | None]:
    """The columns asked of the reader, as it is called."""
    calls: list[set[str] | None] = []

    def recording(sources: Sources, options: ReadOptions) -> Table:
        calls.append(None if options.columns is None else set(options.columns))
        return read_table(sources, options)

    monkeypatch.setattr(source, "read_table", recording)
    return calls


def write(path: Path, text: str = CSV) -> Path:
    path.write_text(text)
    return path


def cached(path: Path, options: ReadOptions = OPTIONS) -> Table:
    """The table as a command of its own reads it."""
    return Source([(path, None)]).read(options)


def content(table: Table) -> object:
    columns = [(c.name, c.kind, c.values.dtype.str, c.values.tobytes(), c.categories) for c in table.values()]
    return table.rows, columns, None if table.parts is None else table.parts.tolist()


def error(read: Callable[[], object]) -> str:
    with pytest.raises(BpcliError) as caught:
        read()
    return f"{type(caught.value).__name__}: {caught.value}"


def test_a_table_is_parsed_once_and_then_mapped(tmp_path: Path, columns_read: list[object]) -> None:
    path = write(tmp_path / "t.csv")
    for _ in range(3):
        table = cached(path)
        assert content(table) == content(read_table([(path, None)], OPTIONS))
        assert not any(column.values.flags.writeable for column in table.values())
    assert columns_read == [{"n", "b", "c", "y"}]


def test_only_columns_that_were_not_read_yet_are_parsed(tmp_path: Path, columns_read: list[object]) -> None:
    path = write(tmp_path / "t.csv")
    for columns in ({"c", "n"}, {"n"}, {"b", "c", "n", "no such column"}):
        options = ReadOptions(columns=frozenset(columns))
        assert content(cached(path, options)) == content(read_table([(path, None)], options))
    assert content(cached(path)) == content(read_table([(path, None)], OPTIONS))
    assert columns_read == [{"c", "n"}, {"b"}, {"y"}]


def test_columns_of_the_kinds_that_were_inferred_need_no_second_parsing(
    tmp_path: Path, columns_read: list[object]
) -> None:
    path = write(tmp_path / "t.csv")
    cached(path)
    for options in (
        ReadOptions(kinds={"n": "numeric", "b": "boolean", "c": "categorical"}),
        ReadOptions(kinds={"b": "categorical", "y": "numeric"}),
        OPTIONS,
    ):
        assert content(cached(path, options)) == content(read_table([(path, None)], options))
    assert columns_read == [{"n", "b", "c", "y"}]  # a boolean column holds its own words, too


def test_a_kind_that_was_given_is_not_what_inference_says(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv")
    cached(path, ReadOptions(kinds={"y": "categorical"}))
    assert cached(path)["y"].kind == "numeric"


def test_no_columns_at_all_have_rows_all_the_same(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv")
    for _ in range(2):
        assert cached(path, ReadOptions(columns=frozenset())).rows == 3


def test_the_content_decides_and_not_what_the_system_says_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv")
    before = path.stat()
    cached(path)
    path.write_text(CSV.replace("2.5", "7.5"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert cached(path)["n"].values[2] == 7.5


def test_a_copy_elsewhere_is_the_same_table(tmp_path: Path, columns_read: list[object]) -> None:
    cached(write(tmp_path / "t.csv"))
    cached(write(tmp_path / "other.csv"))
    assert len(columns_read) == 1


@pytest.mark.parametrize(
    "options",
    [ReadOptions(missing=("x",)), ReadOptions(verbatim=frozenset({"n"})), ReadOptions(dialect=Dialect(thousands=" "))],
)
def test_another_way_to_read_is_another_table(tmp_path: Path, columns_read: list[object], options: ReadOptions) -> None:
    path = write(tmp_path / "t.csv")
    cached(path)
    assert content(cached(path, options)) == content(read_table([(path, None)], options))
    assert len(columns_read) == 2


def test_the_delimiter_that_the_name_stands_for_makes_another_table(tmp_path: Path) -> None:
    for name in ("t.csv", "t.tsv"):
        table = cached(write(tmp_path / name, "a,b\tc\n1,2\t3\n4,5\t6\n"))
        assert list(table) == (["a", "b\tc"] if name == "t.csv" else ["a,b", "c"])


@pytest.mark.parametrize("name", ["__version__", "_reader_digest"])
def test_another_reader_reads_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns_read: list[object], name: str
) -> None:
    path = write(tmp_path / "t.csv")
    cached(path)
    monkeypatch.setattr(source, name, lambda: "another")
    cached(path)
    assert len(columns_read) == 2


def test_splits_in_files_of_their_own_are_one_table(tmp_path: Path, columns_read: list[object]) -> None:
    first, second = write(tmp_path / "a.csv", "a,b\n1,x\n2,y\n"), write(tmp_path / "b.csv", "a,b\n3,z\n")
    sources: Sources = [(first, "train"), (second, "test")]
    for _ in range(2):
        assert content(Source(sources).read(OPTIONS)) == content(read_table(sources, OPTIONS))
    assert len(columns_read) == 1
    validation: Sources = [(first, "train"), (second, "validation")]
    assert content(Source(validation).read(OPTIONS)) == content(read_table(validation, OPTIONS))


def test_where_a_file_ends_makes_another_table(tmp_path: Path) -> None:
    tables = []
    for text, other in (("a\n1\n", "a\n2\na\n3\n"), ("a\n1\na\n2\n", "a\n3\n")):
        sources: Sources = [(write(tmp_path / "a.csv", text), "train"), (write(tmp_path / "b.csv", other), "test")]
        tables.append(content(Source(sources).read(OPTIONS)))
        assert tables[-1] == content(read_table(sources, OPTIONS))
    assert tables[0] != tables[1]


def test_the_digest_is_that_of_the_data_and_taken_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [write(tmp_path / "a.csv"), write(tmp_path / "b.csv")]
    digest = data_digest(paths)
    calls = []
    monkeypatch.setattr(
        source, "data_digest", lambda paths, options: (calls.append(paths), data_digest(paths, options))[1]
    )
    for cache in (True, False):
        files = Source([(paths[0], "train"), (paths[1], "test")], cache=cache)
        files.read(OPTIONS)
        files.read(ReadOptions(columns=frozenset({"n"})))
        assert files.digest == digest
    assert len(calls) == 2


def test_small_files_archives_and_those_of_who_wants_no_cache_are_left_alone(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "t.csv")
    Source([(path, None)], cache=False).read(OPTIONS)
    np.savez(tmp_path / "t.npz", X=np.zeros((2, 2)), y=np.ones(2))
    Source([(tmp_path / "t.npz", None)]).read(OPTIONS)
    monkeypatch.setattr(source, "CACHED_FROM", len(CSV.encode()) + 1)
    cached(path)
    assert not folder.exists()


def test_without_the_cache_it_is_not_read_either(tmp_path: Path, columns_read: list[object]) -> None:
    path = write(tmp_path / "t.csv")
    cached(path)
    Source([(path, None)], cache=False).read(OPTIONS)
    assert len(columns_read) == 2


def test_a_file_that_is_gone_or_became_another_thing_is_an_error_all_the_same(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv")
    cached(path)
    path.unlink()
    with pytest.raises(DataError, match=r"t\.csv: no such file"):
        cached(path)
    path.mkdir()
    with pytest.raises(DataError, match=r"t\.csv: a folder"):
        cached(path)


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"a,a\n1,2\n",
        b"a,b\n1,2\n3\n",
        b"a,b\n1,\xff\n",
        b'a,b\n1,"x\n',
        b"a,b\n1,\0\n",
        gzip.compress(CSV.encode() * 100, mtime=0)[:-20],
        b"n,b\nx,maybe\n",
    ],
)
def test_a_damaged_file_is_the_same_error_and_nothing_is_kept(tmp_path: Path, folder: Path, damaged: bytes) -> None:
    (tmp_path / "t.csv").write_bytes(damaged)
    sources: Sources = [(tmp_path / "t.csv", None)]
    options = ReadOptions(kinds={"n": "numeric", "b": "boolean"})
    expected = error(lambda: read_table(sources, options))
    for _ in range(2):
        assert error(lambda: Source(sources).read(options)) == expected
    assert not folder.exists()


def test_the_first_of_several_errors_stays_the_first(tmp_path: Path) -> None:
    sources: Sources = [(write(tmp_path / "a.csv", "a,b\n1\n"), "train"), (tmp_path / "none.csv", "test")]
    assert error(lambda: Source(sources).read(OPTIONS)) == error(lambda: read_table(sources, OPTIONS))


def test_a_file_that_changes_while_it_is_read_is_not_kept(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "t.csv")
    cached(path, ReadOptions(columns=frozenset({"n"})))
    kept = list(folder.iterdir())

    def changing(sources: Sources, options: ReadOptions) -> Table:
        path.write_text(f"{CSV}9,yes,z,9\n")
        return read_table(sources, options)

    monkeypatch.setattr(source, "read_table", changing)
    assert content(cached(path)) == content(read_table([(path, None)], OPTIONS))
    assert list(folder.iterdir()) == kept


def test_a_column_that_is_evicted_at_once_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "t.csv")
    cached(path, ReadOptions(columns=frozenset({"n"})))
    keep = TableCache.keep

    def keep_and_evict(cache: TableCache, *arguments: object) -> None:
        keep(cache, *arguments)  # type: ignore[arg-type]
        for file in cache.folder.iterdir():
            file.unlink()

    monkeypatch.setattr(TableCache, "keep", keep_and_evict)
    assert content(cached(path)) == content(read_table([(path, None)], OPTIONS))


def _damages(sound: bytes) -> list[bytes]:
    """The file cut short anywhere, and with any one bit flipped."""
    cut = [sound[:size] for size in range(len(sound))]
    number = int.from_bytes(sound, "little")
    return cut + [(number ^ 1 << bit).to_bytes(len(sound), "little") for bit in range(8 * len(sound))]


@pytest.mark.parametrize("step", [97, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_a_damaged_cache_gives_the_true_table_and_is_written_anew(tmp_path: Path, folder: Path, step: int) -> None:
    path = write(tmp_path / "t.csv")
    true = content(cached(path))
    (file,) = folder.iterdir()
    sound = file.read_bytes()
    for damaged in _damages(sound)[::step]:
        file.unlink()
        file.write_bytes(damaged)
        assert content(cached(path)) == true
        assert file.read_bytes() == sound
